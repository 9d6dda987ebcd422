-- JSON objects of no known product, one per line: kept whole in `extra`, with the time and words they commonly carry.
WITH parsed AS (
    SELECT source_offset, source_length, line,
        CASE WHEN json_valid(line) THEN CASE WHEN json_type(line) = 'OBJECT' THEN line END END AS doc
    FROM lines
), records AS (
    SELECT *, from_json(doc, '{"timestamp":"VARCHAR","@timestamp":"VARCHAR","ts":"VARCHAR","time":"VARCHAR",
        "datetime":"VARCHAR","message":"VARCHAR","msg":"VARCHAR","host":"VARCHAR","hostname":"VARCHAR"}') AS r
    FROM parsed
), stamped AS (
    SELECT *, coalesce(r."timestamp", r."@timestamp", r.ts, r.time, r.datetime) AS word,
        coalesce(from_any_epoch(word), from_iso(word), try_strptime(word, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP) AS stamp
    FROM records
)
SELECT source_offset, source_length,
    CASE WHEN doc IS NULL THEN CASE WHEN json_valid(line) THEN 'JSON, but not an object' ELSE 'not valid JSON' END END AS reason,
    coalesce(stamp, $modified) AS time, 6000::INTEGER AS class_uid, 'log' AS activity, 'json' AS product,
    'json' AS log_name, CASE WHEN NOT starts_with(coalesce(r.host, r.hostname), '{') THEN coalesce(r.host, r.hostname) END AS host,
    'unknown' AS status, 'info' AS severity, coalesce(r.message, r.msg) AS message,
    CASE WHEN stamp IS NULL THEN json_merge_patch(doc, '{"time_source":"file"}')::VARCHAR ELSE doc END AS extra
FROM stamped
