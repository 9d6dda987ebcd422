-- Tomcat's catalina log: JULI's OneLineFormatter `05-Mar-2024 10:11:12.123 SEVERE [main] org.x.Y.method text`, and the two lines of
-- java.util.logging's SimpleFormatter `Mar 5, 2024 10:11:12 AM org.x.Y method` / `INFO: text`. Stack traces belong to their record.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        split_part(line, chr(10), 1) AS first,
        CASE WHEN line[3] = '-' AND line[7] = '-' THEN in_zone(month_stamp(substr(line, 8, 4), substr(line, 4, 3), substr(line, 1, 2), split_part(substr(line, 13, 20), ' ', 1)), $zone) END AS one
    FROM lines
), cut_2 AS (
    SELECT *, CASE WHEN one IS NULL THEN regexp_extract(first, '^([A-Z][a-z]{2}) (\d{1,2}), (\d{4}),? (\d{1,2}):(\d\d:\d\d)[ \x{202F}]([AP]M) (\S+)(?: (.*))?$', ['month', 'day', 'year', 'hour', 'rest', 'half', 'class', 'method']) END AS h,
        CASE WHEN length(first) < length(line) THEN substr(line, length(first) + 2) END AS following
    FROM cut_1
), cut AS (
    SELECT *, CASE WHEN h['month'] <> '' THEN in_zone(month_stamp(h['year'], h['month'], h['day'], (try_cast(h['hour'] AS INTEGER) % 12 + CASE h['half'] WHEN 'PM' THEN 12 ELSE 0 END) || ':' || h['rest']), $zone) END AS two
    FROM cut_2
), parts_1 AS (
    SELECT *,
        coalesce(one, two) AS stamp,
        CASE WHEN one IS NOT NULL THEN substr(first, 14 + length(split_part(substr(line, 13, 20), ' ', 1))) END AS rest
    FROM cut
), parts_2 AS (
    SELECT *, CASE WHEN one IS NOT NULL THEN split_part(rest, ' ', 1)
             WHEN two IS NOT NULL AND following IS NOT NULL THEN nullif(regexp_extract(split_part(following, chr(10), 1), '^([A-Z]+): ', 1), '') END AS level
    FROM parts_1
), parts_3 AS (
    SELECT *, -- a thread's name may hold brackets: it ends at the last `] ` before the class
        CASE WHEN one IS NOT NULL AND starts_with(substr(rest, length(level) + 2), '[') THEN regexp_extract(substr(rest, length(level) + 2), '^\[(.*?)\] [\w$.<>]+ ', 1) END AS thread,
        CASE WHEN one IS NOT NULL THEN following
             WHEN two IS NOT NULL AND contains(following, chr(10)) AND level IS NOT NULL THEN substr(following, instr(following, chr(10)) + 1) END AS more
    FROM parts_2
), parts_4 AS (
    SELECT *, CASE WHEN one IS NOT NULL THEN substr(rest, length(level) + 2 + CASE WHEN thread IS NULL THEN 0 ELSE length(thread) + 3 END) END AS after_thread
    FROM parts_3
), parts_5 AS (
    SELECT *, CASE WHEN one IS NOT NULL THEN split_part(after_thread, ' ', 1) WHEN two IS NOT NULL THEN h.class || coalesce('.' || nullif(h.method, ''), '') END AS logger
    FROM parts_4
), parts AS (
    SELECT *, CASE WHEN one IS NOT NULL THEN substr(after_thread, length(logger) + 2)
             WHEN two IS NOT NULL THEN CASE WHEN level IS NULL THEN following ELSE substr(split_part(following, chr(10), 1), length(level) + 3) END
             ELSE line END AS text
    FROM parts_5
), found AS (
    SELECT *, CASE
        WHEN contains(logger, '.LockOutRealm') AND starts_with(text, 'An attempt was made to authenticate the locked user') THEN 'logon'
        WHEN contains(text, 'authenticat') AND regexp_matches(text, '^(?:Failed to authenticate|Authentication failed for|User) .*(?:authenticat)') AND contains(logger, 'Realm') THEN 'logon'
        WHEN contains(text, 'Server startup in ') THEN 'start'
        WHEN starts_with(text, 'Deploying web application ') OR starts_with(text, 'Deployment of web application ') THEN 'deploy'
        WHEN starts_with(text, 'Undeploying context ') THEN 'undeploy'
        WHEN starts_with(text, 'Error parsing HTTP request header') OR starts_with(text, 'Invalid character found in ') THEN 'invalid-request'
        END AS kind,
        -- an exception's class begins the lines of its trace
        CASE WHEN more IS NOT NULL THEN nullif(regexp_extract(more, '(?m)^\s*(?:Caused by: )?((?:[a-z_][\w]*\.)+[A-Z][\w$]*)(?::|$)', 1), '') END AS exception
    FROM parts
)
SELECT
    source_offset, source_length,
    CASE WHEN stamp IS NULL AND (regexp_matches(line, '^\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d') OR h.month <> '') THEN 'no such date' END AS reason,
    coalesce(stamp, $modified) AS time, CASE WHEN kind = 'logon' THEN 3002 ELSE 6000 END::INTEGER AS class_uid,
    coalesce(kind, 'log') AS activity, 'tomcat' AS product, 'catalina' AS log_name,
    CASE kind WHEN 'logon' THEN coalesce(nullif(regexp_extract(text, '^An attempt was made to authenticate the locked user [\["](.*)[\]"]$', 1), ''), nullif(regexp_extract(text, '(?:user|User|username) \[(.*?)\]', 1), '')) END AS user_name,
    CASE WHEN kind IN ('logon', 'invalid-request') THEN 'http' END AS service,
    CASE WHEN kind IN ('logon', 'invalid-request') THEN 'failure' ELSE 'unknown' END AS status,
    CASE WHEN kind IN ('logon', 'invalid-request') THEN 'low' WHEN level IN ('SEVERE', 'ERROR') THEN 'medium' WHEN level = 'FATAL' THEN 'high'
         WHEN level IN ('WARNING', 'WARN') THEN 'low' ELSE 'info' END AS severity,
    text AS message,
    CASE WHEN kind IN ('deploy', 'undeploy') THEN nullif(regexp_extract(text, '(?:directory|archive|descriptor) \[([^\]]*)\]', 1), '') END AS file_path,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END), member('level', lower(level)), member('thread', thread),
        member('logger', logger), member('exception', exception), member('more', more))) AS extra
FROM found
