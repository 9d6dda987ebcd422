-- MySQL's and MariaDB's general query log: `STAMP<tab>ID COMMAND<tab>ARGUMENT`. Old servers (to 5.6, MariaDB) leave the stamp out
-- where it is that of the line before: `$carried` is the last one of the lines before these. A statement's line ends are kept
-- as they are, so a client can write what looks like a record of its own; no reader can tell it from the server's.
-- `Connect USER@HOST on DB` is written before the password is known to be right, so it is no success.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        CASE WHEN line[11] = 'T' THEN split_part(line[:40], chr(9), 1)
             WHEN line[7] = ' ' AND line[10] = ':' THEN line[:15] END AS word
    FROM lines
), cut_2 AS (
    SELECT *, CASE WHEN length(word) = 15 THEN in_zone(try_cast('20' || line[1:2] || '-' || line[3:4] || '-' || line[5:6] || ' ' || ltrim(line[8:15]) AS TIMESTAMP), $zone)
             WHEN word IS NOT NULL THEN CASE WHEN word[-1] = 'Z' OR word[-6] IN ('+', '-') THEN from_iso(word) ELSE in_zone(try_cast(word AS TIMESTAMP), $zone) END END AS own
    FROM cut_1
), cut AS (
    SELECT *, CASE WHEN own IS NOT NULL THEN ltrim(substr(line, length(word) + 1), chr(9) || ' ')
             WHEN starts_with(line, chr(9) || chr(9)) THEN ltrim(line, chr(9) || ' ') END AS rest
    FROM cut_2
), carried AS (
    SELECT *, CASE WHEN own IS NOT NULL THEN own ELSE coalesce(last_value(own IGNORE NULLS) OVER (ORDER BY source_offset ROWS UNBOUNDED PRECEDING), $carried) END AS stamp
    FROM cut
), found_1 AS (
    SELECT *,
        split_part(rest, ' ', 1) AS id,
        CASE WHEN contains(rest, chr(9)) THEN substr(rest, instr(rest, chr(9)) + 1) END AS argument
    FROM (SELECT *, {'user': '', 'host': '', 'database': ''} AS nothing FROM carried)
), found_2 AS (
    SELECT *, ltrim(CASE WHEN contains(rest, chr(9)) THEN split_part(substr(rest, length(id) + 2), chr(9), 1) ELSE substr(rest, length(id) + 2) END) AS command,
        try_cast(id AS BIGINT) IS NOT NULL AS whole
    FROM found_1
), found AS (
    SELECT *, CASE WHEN whole AND command = 'Connect' THEN CASE
            WHEN starts_with(argument, 'Access denied for user ') THEN coalesce(nullif(regexp_extract(argument, '(?s)^Access denied for user ''(.*)''@''([^'']*)''() \(using password: \w+\)$', ['user', 'host', 'database']), nothing),
                CASE WHEN NOT regexp_matches(argument, '(?s)''@''.*''@''') THEN regexp_extract(argument, '(?s)^Access denied for user ''(.*)''@''([^'']*)''(?: to database ''(.*)'')?', ['user', 'host', 'database']) END, nothing)
            ELSE regexp_extract(argument, '(?s)^(.*)@([^@ ]*)(?: as (?:anonymous|\S*))? on ([^@]*?)(?: using .*)?$', ['user', 'host', 'database']) END END AS x,
        whole AND command = 'Connect' AND starts_with(argument, 'Access denied for user ') AS denied
    FROM found_2
)
SELECT
    source_offset, source_length,
    CASE WHEN word IS NOT NULL AND own IS NULL AND regexp_matches(line, '^(?:\d{4}-\d\d-\d\dT\d\d|\d{6} [ \d]\d):\d\d:\d\d') THEN 'no such date' END AS reason,
    coalesce(stamp, $modified) AS time,
    CASE WHEN whole AND command IN ('Connect', 'Quit', 'Change user') THEN 3002 ELSE 6000 END::INTEGER AS class_uid,
    CASE WHEN NOT coalesce(whole, false) THEN 'log' WHEN denied THEN 'logon' WHEN command = 'Quit' THEN 'logoff' ELSE replace(lower(command), ' ', '-') END AS activity,
    'mysql' AS product, 'general' AS log_name,
    nullif(x."user", '') AS user_name, as_ip(x.host) AS src_ip, 'mysql' AS service,
    CASE WHEN denied THEN 'failure' WHEN whole AND command = 'Quit' THEN 'success' ELSE 'unknown' END AS status,
    CASE WHEN denied THEN 'low' ELSE 'info' END AS severity,
    CASE WHEN whole THEN coalesce(argument, command) ELSE line END AS message,
    CASE WHEN whole THEN id END AS session_uid,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END),
        member('database', CASE WHEN whole THEN coalesce(nullif(x.database, ''), CASE WHEN command = 'Init DB' THEN argument END) END),
        member('client_host', CASE WHEN x.host <> '' AND as_ip(x.host) IS NULL THEN x.host END))) AS extra
FROM found
