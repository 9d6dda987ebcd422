-- The error log of MySQL 5.5 to 9 and of MariaDB:
--   2024-03-05T10:11:12.123456Z 8 [Warning] [MY-010055] [Server] text     (5.7 without the code and subsystem)
--   2024-03-05 10:11:12 8 [Warning] text      (MariaDB 10, MySQL 5.6)      240305 10:11:12 [Warning] text      (older)
-- Hostile text: the user name of a refused login is the client's; the server writes the host it came from after it, so the LAST
-- 'USER'@'HOST' before the fixed ending is taken. Where a database name follows, one pair only is believed.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        CASE WHEN line[5] = '-' AND line[8] = '-' THEN CASE line[11] WHEN 'T' THEN split_part(line[:40], ' ', 1) WHEN ' ' THEN line[:19] END
             WHEN line[7] = ' ' AND line[10] = ':' THEN line[:15] END AS word
    FROM lines
), cut_2 AS (
    SELECT *, CASE WHEN length(word) = 15 THEN in_zone(try_cast('20' || line[1:2] || '-' || line[3:4] || '-' || line[5:6] || ' ' || ltrim(line[8:15]) AS TIMESTAMP), $zone)
             WHEN line[11] = 'T' THEN CASE WHEN word[-1] = 'Z' OR word[-6] IN ('+', '-') THEN from_iso(word) ELSE in_zone(try_cast(word AS TIMESTAMP), $zone) END
             WHEN word IS NOT NULL THEN in_zone(try_cast(line[1:10] || ' ' || ltrim(line[12:19]) AS TIMESTAMP), $zone) END AS stamp
    FROM cut_1
), cut AS (
    SELECT *, CASE WHEN stamp IS NOT NULL THEN ltrim(substr(line, length(word) + 1)) ELSE line END AS rest
    FROM cut_2
), levels_1 AS (
    SELECT *,
        CASE WHEN stamp IS NOT NULL AND rest[1] BETWEEN '0' AND '9' THEN nullif(regexp_extract(rest[:24], '^[0-9a-f]+ ', 0), '') END AS thread
    FROM cut
), levels_2 AS (
    SELECT *, CASE WHEN thread IS NULL THEN rest ELSE ltrim(substr(rest, length(thread) + 1)) END AS after_thread
    FROM levels_1
), levels_3 AS (
    SELECT *, CASE WHEN stamp IS NOT NULL AND starts_with(after_thread, '[') THEN substr(after_thread, 2, instr(after_thread, ']') - 2) END AS level
    FROM levels_2
), levels_4 AS (
    SELECT *, CASE WHEN level IS NULL THEN after_thread ELSE substr(after_thread, length(level) + 4) END AS after_level
    FROM levels_3
), levels_5 AS (
    SELECT *, CASE WHEN starts_with(after_level, '[MY-') THEN substr(after_level, 2, instr(after_level, ']') - 2) END AS code
    FROM levels_4
), levels_6 AS (
    SELECT *, CASE WHEN code IS NULL THEN after_level ELSE substr(after_level, length(code) + 4) END AS after_code
    FROM levels_5
), levels_7 AS (
    SELECT *, CASE WHEN code IS NOT NULL AND starts_with(after_code, '[') THEN substr(after_code, 2, instr(after_code, ']') - 2) END AS subsystem
    FROM levels_6
), levels_8 AS (
    SELECT *, CASE WHEN subsystem IS NULL THEN after_code ELSE substr(after_code, length(subsystem) + 4) END AS said
    FROM levels_7
), levels AS (
    SELECT *, split_part(said, chr(10), 1) AS text
    FROM levels_8
), found_1 AS (
    SELECT *,
        CASE
        WHEN stamp IS NULL THEN NULL
        WHEN starts_with(said, 'Access denied for user ') THEN 'logon'
        WHEN regexp_matches(text, '^Host ''.*'' is (?:blocked because of many connection errors|not allowed to connect)') THEN 'deny'
        WHEN starts_with(text, 'Aborted connection ') THEN 'disconnect'
        WHEN contains(text, 'got signal ') AND contains(text, 'mysqld got signal ') OR contains(text, 'mariadbd got signal ') THEN 'crash'
        WHEN contains(text, ': ready for connections') THEN 'start'
        WHEN contains(text, ': Shutdown complete') THEN 'stop'
        END AS kind
    FROM (SELECT *, {'user': '', 'host': '', 'password': ''} AS nothing FROM levels)
), found AS (
    SELECT *, CASE kind
            WHEN 'logon' THEN coalesce(nullif(regexp_extract(said, '(?s)^Access denied for user ''(.*)''@''([^'']*)''(?: \(using password: (\w+)\))?$', ['user', 'host', 'password']), nothing),
                CASE WHEN NOT regexp_matches(said, '(?s)''@''.*''@''') THEN regexp_extract(said, '(?s)^Access denied for user ''(.*)''@''([^'']*)''() to database ', ['user', 'host', 'password']) END, nothing)
            WHEN 'disconnect' THEN regexp_extract(said, '(?s) user: ''(.*)'' host: ''([^'']*)''() \(', ['user', 'host', 'password'])
            WHEN 'deny' THEN regexp_extract(text, '^()Host ''([^'']*)''()', ['user', 'host', 'password'])
        END AS x
    FROM found_1
)
SELECT
    source_offset, source_length,
    CASE WHEN stamp IS NULL AND regexp_matches(line, '^(?:\d{4}-\d\d-\d\d[T ][ \d]\d|\d{6} [ \d]\d):\d\d:\d\d') THEN 'no such date' END AS reason,
    coalesce(stamp, CASE WHEN regexp_matches(line, '^\d\d:\d\d:\d\d UTC - ') THEN clock_stamp(line[:8], $modified, 'UTC') END, $modified) AS time,
    CASE kind WHEN 'logon' THEN 3002 ELSE 6000 END::INTEGER AS class_uid,
    coalesce(kind, CASE WHEN regexp_matches(line, '^\d\d:\d\d:\d\d UTC - ') THEN 'crash' END, 'log') AS activity,
    'mysql' AS product, 'error' AS log_name, nullif(x."user", '') AS user_name, as_ip(x.host) AS src_ip,
    CASE WHEN x IS NOT NULL THEN 'mysql' END AS service,
    CASE WHEN kind IN ('logon', 'deny') THEN 'failure' ELSE 'unknown' END AS status,
    CASE WHEN kind IN ('logon', 'deny', 'disconnect') THEN 'low' WHEN activity = 'crash' THEN 'high'
         WHEN level ILIKE 'error' THEN 'medium' WHEN level ILIKE 'warning' THEN 'low' ELSE 'info' END AS severity,
    CASE WHEN stamp IS NULL THEN line ELSE CASE WHEN kind = 'logon' THEN said ELSE text END END AS message,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL AND activity <> 'crash' THEN 'file' END), member('level', lower(level)), member('thread', rtrim(thread)),
        member('code', code), member('subsystem', subsystem),
        member('client_host', CASE WHEN x.host <> '' AND as_ip(x.host) IS NULL THEN x.host END),
        member('using_password', lower(nullif(x.password, ''))),
        member('more', CASE WHEN stamp IS NOT NULL AND kind IS DISTINCT FROM 'logon' AND length(text) < length(said) THEN substr(said, length(text) + 2) END))) AS extra
FROM found
