-- PHP: FPM's own log `[05-Mar-2024 10:11:12] WARNING: [pool www] text`, its slow log `[stamp]  [pool www] pid N` with a trace, and the
-- error log `[05-Mar-2024 10:11:12 Europe/Berlin] PHP Fatal error:  text in FILE on line N` with a trace. The stamp's own zone is honoured.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        instr(line, ']') AS close
    FROM lines
), cut_2 AS (
    SELECT *, CASE WHEN starts_with(line, '[') AND line[4] = '-' AND line[8] = '-' AND close BETWEEN 22 AND 70
            THEN month_stamp(substr(line, 9, 4), substr(line, 5, 3), substr(line, 2, 2), split_part(substr(line, 14, close - 14), ' ', 1)) END AS local_stamp
    FROM cut_1
), cut AS (
    SELECT *, CASE WHEN local_stamp IS NOT NULL THEN split_part(substr(line, 14, close - 14), ' ', 2) END AS zone_name,
        CASE WHEN local_stamp IS NOT NULL THEN substr(line, close + 2) ELSE line END AS rest
    FROM cut_2
), stamped_1 AS (
    SELECT *,
        CASE WHEN zone_name = 'UTC' THEN local_stamp WHEN zone_name = '' THEN in_zone(local_stamp, $zone)
             WHEN list_contains((SELECT list(name) FROM pg_timezone_names()), zone_name) THEN in_zone(local_stamp, zone_name)
             ELSE coalesce(try_cast(local_stamp::VARCHAR || zone_name AS TIMESTAMPTZ)::TIMESTAMP, in_zone(local_stamp, $zone)) END AS stamp,
        split_part(rest, chr(10), 1) AS first
    FROM cut
), stamped AS (
    SELECT *, CASE WHEN length(first) < length(rest) THEN substr(rest, length(first) + 2) END AS more
    FROM stamped_1
), kinds_1 AS (
    SELECT *,
        CASE WHEN stamp IS NULL THEN NULL
            WHEN starts_with(first, ' [pool ') THEN 'slow'
            WHEN regexp_matches(first, '^(?:ALERT|ERROR|WARNING|NOTICE|DEBUG): ') OR regexp_matches(first, '^\w+: pid \d+, ') THEN 'fpm'
            ELSE 'php' END AS log
    FROM stamped
), kinds_2 AS (
    SELECT *, CASE log WHEN 'fpm' THEN split_part(first, ': ', 1) WHEN 'php' THEN nullif(regexp_extract(first, '^PHP ([A-Z][A-Za-z ]*?):  ?', 1), '') END AS level
    FROM kinds_1
), kinds AS (
    SELECT *, CASE WHEN log = 'fpm' THEN substr(first, length(level) + 3) ELSE first END AS said
    FROM kinds_2
), found_1 AS (
    SELECT *,
        CASE WHEN log = 'slow' THEN regexp_extract(first, '^ \[pool ([^\]]*)\]', 1)
            WHEN log = 'fpm' AND starts_with(said, '[pool ') THEN substr(said, 7, instr(said, ']') - 7) END AS pool
    FROM kinds
), found_2 AS (
    SELECT *, CASE WHEN log = 'fpm' AND pool IS NOT NULL THEN substr(said, length(pool) + 9) ELSE said END AS text
    FROM found_1
), found_3 AS (
    SELECT *, -- what the script wrote: a script's own message is as grave as PHP says
        contains(text, ' said into std') OR starts_with(text, 'PHP message: ') OR log = 'php' AS scripts
    FROM found_2
), found AS (
    SELECT *, CASE WHEN scripts OR log = 'php' THEN lower(coalesce(CASE WHEN log = 'php' THEN level END, regexp_extract(text, 'PHP ([A-Z][A-Za-z ]*?):  ', 1))) END AS php_level
    FROM found_3
), placed AS (
    SELECT *,
        -- `in FILE on line N` and `in FILE:N`, the last of them; `(request: "METHOD TARGET")` of FPM
        CASE WHEN scripts AND contains(text, ' in /') THEN regexp_extract(split_part(text, ' in /', -1), '^([^"]*?\.\w+)(?:\(\d+\).*)?(?::| on line )(\d+)', ['file', 'line']) END AS place,
        CASE WHEN log = 'fpm' AND contains(text, '(request: "') THEN regexp_extract(text, '^child \d+, script ''(.*)'' \(request: "([A-Z]+) (.*)"\) ', ['script', 'method', 'target']) END AS request
    FROM found
)
SELECT
    source_offset, source_length,
    CASE WHEN stamp IS NULL AND regexp_matches(line, '^\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d') THEN 'no such date' END AS reason,
    coalesce(stamp, $modified) AS time, 6000::INTEGER AS class_uid,
    CASE WHEN log = 'slow' THEN 'slow-request' WHEN log = 'fpm' AND contains(text, ' executing too slow ') THEN 'slow-request'
         WHEN log = 'fpm' AND regexp_matches(text, '^child \d+ exited on signal ') THEN 'crash' ELSE 'log' END AS activity,
    'php' AS product, CASE log WHEN 'slow' THEN 'slow' WHEN 'fpm' THEN 'fpm' ELSE 'error' END AS log_name,
    'unknown' AS status,
    CASE WHEN php_level IN ('fatal error', 'parse error', 'recoverable fatal error', 'core error', 'compile error', 'catchable fatal error') THEN 'medium'
         WHEN php_level IN ('warning', 'core warning', 'user error', 'user warning') THEN 'low'
         WHEN php_level <> '' THEN 'info'
         WHEN log = 'fpm' AND level = 'ALERT' THEN 'critical' WHEN log = 'fpm' AND level = 'ERROR' THEN 'medium'
         WHEN activity = 'crash' THEN 'medium' WHEN log = 'fpm' AND level = 'WARNING' THEN 'low' WHEN log = 'slow' THEN 'low' ELSE 'info' END AS severity,
    CASE WHEN log = 'slow' THEN trim(first) WHEN log IS NULL THEN line ELSE text END AS message,
    CASE WHEN log = 'slow' THEN nullif(regexp_extract(more, '(?m)^script_filename = (.*)$', 1), '')
         ELSE coalesce(nullif(request.script, ''), '/' || nullif(place.file, '')) END AS file_path,
    nullif(request.method, '') AS http_method, target_path(nullif(request.target, '')) AS url_path, target_query(request.target) AS url_query,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END), member('level', lower(level)),
        member('pool', pool),
        member('pid', CASE WHEN log = 'slow' THEN nullif(regexp_extract(first, ' pid (\d+)$', 1), '')
            WHEN log = 'fpm' AND (starts_with(text, 'child ') OR starts_with(text, '[pool ')) THEN nullif(regexp_extract(text, '^child (\d+)', 1), '') END),
        member('line', nullif(place.line, '')),
        member('more', more))) AS extra
FROM placed
