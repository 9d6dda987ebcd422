, stamped AS (
    -- The tail that JSON and comma-separated records share: `named` holds their texts under our names, `doc` the whole record.
    SELECT *, method IS NOT NULL AND (path IS NOT NULL OR target IS NOT NULL) AS http, try_cast(code AS INTEGER) AS http_code,
        {stamp} AS stamp
    FROM named
)
SELECT source_offset, source_length, reason, coalesce(stamp, $modified) AS time,
    CASE WHEN http THEN 4002 ELSE 6000 END::INTEGER AS class_uid,
    CASE WHEN http THEN http_activity(method) ELSE 'log' END AS activity, $product AS product, $product AS log_name,
    host, process, user_name, CASE WHEN src_ip IS NOT NULL THEN as_ip(src_ip) END AS src_ip,
    try_cast(src_port AS USMALLINT)::INTEGER AS src_port, CASE WHEN dst_ip IS NOT NULL THEN as_ip(dst_ip) END AS dst_ip,
    try_cast(dst_port AS USMALLINT)::INTEGER AS dst_port,
    CASE WHEN http AND http_code IS NOT NULL THEN http_status_word(http_code)
        WHEN outcome IS NULL THEN 'unknown'
        WHEN lower(outcome) IN ('success', 'succeeded', 'successful', 'ok', 'accepted', 'allowed', 'true') THEN 'success'
        WHEN lower(outcome) IN ('failure', 'failed', 'fail', 'error', 'denied', 'rejected', 'blocked', 'false') THEN 'failure'
        ELSE 'unknown' END AS status,
    CASE WHEN level IS NULL THEN 'info'
        WHEN lower(level) IN ('info', 'information', 'informational', 'notice', 'debug', 'trace') THEN 'info'
        WHEN lower(level) IN ('warning', 'warn', 'low') THEN 'low'
        WHEN lower(level) IN ('error', 'err', 'medium') THEN 'medium'
        WHEN lower(level) IN ('severe', 'high') THEN 'high'
        WHEN lower(level) IN ('emergency', 'emerg', 'panic', 'fatal', 'alert', 'critical', 'crit') THEN 'critical'
        ELSE 'info' END AS severity,
    message, upper(method) AS http_method,
    coalesce(domain, CASE WHEN target IS NOT NULL THEN target_host(target) END) AS url_host,
    coalesce(path, CASE WHEN target IS NOT NULL THEN target_path(target) END) AS url_path,
    coalesce(query, CASE WHEN target IS NOT NULL THEN target_query(target) END) AS url_query,
    http_code AS http_status, agent AS user_agent, file_path,
    CASE WHEN stamp IS NOT NULL THEN doc
        WHEN doc IS NULL OR doc[2] = '}' THEN '{"time_source":"file"}'
        WHEN contains(doc, 'time_source') OR contains(doc, '\u') OR doc[2] <= ' ' THEN json_merge_patch(doc, '{"time_source":"file"}')::VARCHAR
        ELSE '{"time_source":"file",' || doc[2:] END AS extra
FROM stamped
