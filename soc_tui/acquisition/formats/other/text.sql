-- Any text at all: the line is the message. A leading ISO 8601 or Apache error log time is taken, else the file's own.
WITH stamped AS (
    SELECT *, coalesce(
        from_iso(regexp_extract(line, '^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)', 1)),
        try_strptime(regexp_replace(regexp_extract(line, '^\[[A-Z][a-z]{2} ([A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4})\]'),
            '^\[... (.{15})(?:\.\d+)? (\d{4})\]', '\2 \1'), '%Y %b %d %H:%M:%S')) AS stamp
    FROM lines
)
SELECT source_offset, source_length, NULL::VARCHAR AS reason, coalesce(stamp, $modified) AS time,
    6000::INTEGER AS class_uid, 'log' AS activity, 'text' AS product, 'text' AS log_name,
    'unknown' AS status, 'info' AS severity, line AS message,
    CASE WHEN stamp IS NULL THEN '{"time_source":"file"}' END AS extra
FROM stamped
