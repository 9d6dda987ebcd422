-- Syslog: RFC 3164, RFC 5424 (also behind an octet count, RFC 6587), the RFC 3339 stamps of rsyslog and macOS.
-- This part finds stamp, host, tag and text; what the text says is said.sql, the same for every log that carries it.
--
-- `ordinary` is the head that nearly every line has, read by one pattern without backtracking; `h` and `t` are the full
-- grammar and the reference. $fast = false sends every line through it, and a test compares the two.
WITH heads AS (
    SELECT source_offset, source_length, line,
        CASE WHEN $fast THEN regexp_extract(line,
            '^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?) ([\w.-]+) ([\w./-]+)(?:\[(\d+)\])?: ',
            ['stamp', 'host', 'tag', 'pid']) END AS ordinary
    FROM lines
), parts AS (
    SELECT *, coalesce(ordinary.host <> '', false) AS plain,
        CASE WHEN coalesce(ordinary.host <> '', false) THEN NULL ELSE regexp_extract(line,
        '(?s)^(?:(?:\d{1,6} )?<(\d{1,3})>)?(?:(1) )?((?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?)|(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)|-) +(\S+) +(.*)$',
        ['pri', 'version', 'stamp', 'host', 'rest']) END AS h
    FROM heads
), tags AS (
    SELECT *,
        -- RFC 5424 after the host: APP PROCID MSGID SD MSG; else TAG[PID]: MSG, with old PAM's TAG(pam_unix)[PID]: MSG
        CASE WHEN plain THEN NULL WHEN h.version = '1' THEN regexp_extract(h.rest,
            '(?s)^(\S+)() (\S+) (\S+) (-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+) ?(.*)$',
            ['tag', 'pam', 'pid', 'msgid', 'sd', 'text'])
        ELSE regexp_extract(h.rest, '(?s)^([^\s\[\]():]+)(?:\((pam_\w+)\))?(?:\[(\d+)\])?()():(?: (.*))?$',
            ['tag', 'pam', 'pid', 'msgid', 'sd', 'text']) END AS t
    FROM parts
), told AS (
    SELECT source_offset, source_length, plain, t,
        CASE WHEN plain THEN ordinary.stamp ELSE h.stamp END AS stamp,
        CASE WHEN plain THEN ordinary.host ELSE h.host END AS host,
        CASE WHEN plain THEN ordinary.tag ELSE t.tag END AS tag,
        CASE WHEN plain THEN ordinary.pid ELSE t.pid END AS pid,
        CASE WHEN plain THEN substr(line, instr(line, ': ') + 2) WHEN t.tag = '' THEN h.rest ELSE t.text END AS body,
        CASE WHEN NOT plain THEN try_cast(nullif(h.pri, '') AS INTEGER) END AS pri,
        -- the latest moment that a stamp without a year can mean, on the clock that wrote it
        (CASE WHEN $zone = 'UTC' THEN $modified ELSE timezone($zone, timezone('UTC', $modified)) END) + INTERVAL 1 DAY AS latest
    FROM tags
), dated AS (
    SELECT *, stamp[1] >= 'A' AND (length(stamp) < 20 OR NOT regexp_matches(stamp, '^... .. \d{4} ')) AS yearless,
        CASE WHEN stamp[1] >= 'A'
            THEN try_strptime(year(latest) || ' ' || stamp[1:15], '%Y %b %d %H:%M:%S') END AS this_year
    FROM told
), moments AS (
    -- No year: its latest occurrence that is not after the file's last change (a day of slack). Only 29 February asks
    -- for more than two years.
    SELECT *, CASE
        WHEN yearless AND (starts_with(stamp, 'Feb 29') OR NOT $fast) THEN list_filter(list_transform(range(0, 9),
            lambda back: try_strptime((year(latest) - back) || ' ' || stamp[1:15], '%Y %b %d %H:%M:%S')),
            lambda moment: moment <= latest)[1]
        WHEN yearless AND this_year <= latest THEN this_year
        WHEN yearless THEN try_strptime((year(latest) - 1) || ' ' || stamp[1:15], '%Y %b %d %H:%M:%S')
        WHEN stamp[1] >= 'A' THEN try_strptime(stamp[1:20], '%b %d %Y %H:%M:%S')
        WHEN stamp = '-' THEN $modified
        ELSE from_iso(stamp)
    END AS moment
    FROM dated
), bodies AS (
    SELECT source_offset, source_length,
        CASE WHEN host = '' THEN 'not a syslog line' END AS reason,
        CASE WHEN stamp[1] >= 'A' OR regexp_matches(stamp, '^.{19}[\d.,]*$') THEN in_zone(moment, $zone) ELSE moment END AS stamp,
        nullif(host, '-') AS host,
        nullif(nullif(CASE WHEN contains(tag, '/') THEN regexp_replace(tag, '^.*/', '') ELSE tag END, ''), '-') AS process,
        CASE WHEN tag <> '' THEN try_cast(pid AS BIGINT) END AS pid,
        CASE WHEN starts_with(body, chr(65279)) THEN ltrim(body, chr(65279)) ELSE body END AS body,
        CASE WHEN plain THEN false ELSE t.pam <> '' END AS pam_tag,
        pri % 8 AS level, pri // 8 AS facility,
        CASE WHEN NOT plain THEN nullif(concat_ws(',', member('msgid', nullif(nullif(t.msgid, ''), '-')),
            member('structured_data', nullif(nullif(t.sd, ''), '-')),
            CASE WHEN stamp = '-' THEN '"time_source":"file"' END), '') END AS more
    FROM moments
),
