-- Redis and Valkey: `PID:ROLE DD Mon YYYY hh:mm:ss.mmm LEVEL text` (3.0 on), without the year (2.8), `[PID] DD Mon hh:mm:ss LEVEL text` (2.x).
-- Levels are . debug, - verbose, * notice, # warning. A crash report goes on with lines of its own and is one record.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        -- the ordinary head has fixed places after `PID:ROLE `
        instr(line, ' ') AS gap
    FROM lines
), cut AS (
    SELECT *, CASE WHEN line[gap + 12] = ' ' AND line[gap + 25:gap + 26] SIMILAR TO ' [.*#-]' AND line[gap + 27] = ' ' AND line[gap - 2] = ':'
            THEN {'id': left(line, gap - 1), 'day': substr(line, gap + 1, 2), 'month': substr(line, gap + 4, 3), 'year': substr(line, gap + 8, 4),
                'clock': substr(line, gap + 13, 12), 'level': line[gap + 26], 'text': substr(line, gap + 28)}
            ELSE regexp_extract(line, '(?s)^(\d+:[A-Z]|\[\d+\]) (\d\d) ([A-Z][a-z]{2}) (?:(\d{4}) )?(\d\d:\d\d:\d\d(?:\.\d+)?) ([.*#-]) (.*)$',
                ['id', 'day', 'month', 'year', 'clock', 'level', 'text']) END AS h
    FROM cut_1
), stamped AS (
    SELECT *, in_zone(CASE WHEN h.id = '' THEN NULL WHEN h.year <> '' THEN month_stamp(h.year, h.month, h.day, h.clock)
            ELSE list_filter(list_transform(range(0, 9), lambda back: month_stamp((year($modified) + 1 - back)::VARCHAR, h.month, h.day, h.clock)),
                lambda moment: moment <= $modified + INTERVAL 1 DAY)[1] END, $zone) AS stamp,
        split_part(h.text, chr(10), 1) AS text
    FROM cut
), found_1 AS (
    SELECT *,
        CASE
        WHEN starts_with(text, 'Possible SECURITY ATTACK detected') THEN 'detect'
        WHEN starts_with(text, 'Accepted ') AND regexp_matches(text, '^Accepted \S+:\d+$') THEN 'connect'
        WHEN starts_with(text, 'Client closed connection') THEN 'disconnect'
        WHEN contains(h.text, 'crashed by signal') OR contains(h.text, 'BUG REPORT START') THEN 'crash'
        WHEN contains(text, 'ready to exit, bye bye') THEN 'stop'
        WHEN starts_with(text, 'Ready to accept connections') OR starts_with(text, 'The server is now ready') THEN 'start'
        END AS kind
    FROM stamped
), found_2 AS (
    SELECT *, CASE kind WHEN 'connect' THEN substr(text, 10)
            WHEN 'detect' THEN regexp_extract(text, '^Possible SECURITY ATTACK detected\. .*?Connection from (\S+) aborted\.$', 1)
            WHEN 'disconnect' THEN regexp_extract(text, ' addr=(\S+?) ', 1) END AS peer
    FROM found_1
), found AS (
    SELECT *, nullif(split_part(peer, ':', -1), '') AS port
    FROM found_2
)
SELECT
    source_offset, source_length, CASE WHEN h.id <> '' AND stamp IS NULL THEN 'no such date' END AS reason,
    coalesce(stamp, $modified) AS time,
    (CASE kind WHEN 'detect' THEN 2004 WHEN 'connect' THEN 4001 WHEN 'disconnect' THEN 4001 ELSE 6000 END)::INTEGER AS class_uid,
    coalesce(kind, 'log') AS activity, 'redis' AS product, 'redis' AS log_name,
    as_ip(CASE WHEN port IS NOT NULL THEN rtrim(ltrim(left(peer, length(peer) - length(port) - 1), '['), ']') END) AS src_ip,
    try_cast(port AS USMALLINT)::INTEGER AS src_port,
    CASE WHEN peer IS NOT NULL THEN 'redis' END AS service,
    CASE kind WHEN 'connect' THEN 'success' WHEN 'detect' THEN 'failure' ELSE 'unknown' END AS status,
    CASE WHEN kind = 'detect' THEN 'medium' WHEN kind = 'crash' THEN 'high'
        WHEN h.level = '#' THEN CASE WHEN kind IS NULL THEN 'low' ELSE 'info' END ELSE 'info' END AS severity,
    CASE WHEN h.id = '' THEN line ELSE text END AS message,
    CASE kind WHEN 'detect' THEN 'security-attack' END AS rule_id,
    CASE kind WHEN 'detect' THEN 'HTTP sent to Redis: possible cross-protocol attack' END AS rule_name,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END),
        member('level', CASE h.level WHEN '.' THEN 'debug' WHEN '-' THEN 'verbose' WHEN '*' THEN 'notice' WHEN '#' THEN 'warning' END),
        member('pid', CASE WHEN stamp IS NULL THEN NULL WHEN h.id[1] = '[' THEN h.id[2:-2] ELSE split_part(h.id, ':', 1) END),
        member('role', CASE WHEN stamp IS NOT NULL THEN CASE split_part(h.id, ':', 2) WHEN 'M' THEN 'master' WHEN 'S' THEN 'replica' WHEN 'X' THEN 'sentinel' WHEN 'C' THEN 'child' END END),
        member('more', CASE WHEN stamp IS NOT NULL AND length(text) < length(h.text) THEN substr(h.text, length(text) + 2) END))) AS extra
FROM found
