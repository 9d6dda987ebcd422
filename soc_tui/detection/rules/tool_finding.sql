-- What the detection tools found when they looked: events of OCSF's finding classes that our own tools have made; the tool
-- (`log_name`) is the detector. One finding per host, tool, check and target; finding it again with every scan replaces the row, so an alert stays one. All its
-- events of the days that the new events touch count, so the finding is the same in whatever order they come.
WITH span AS (
    SELECT min(time)::DATE AS time_from, max(time)::DATE + INTERVAL 1 DAY AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), told AS (
    SELECT event_id, time, time::DATE AS day, log_name AS tool, host, severity, dst_ip, dst_port, rule_id, rule_name, rule_category,
        coalesce(extra ->> '$.target', '') AS target, coalesce((extra ->> '$.confidence')::DOUBLE, 0.5) AS confidence,
        coalesce(extra ->> '$.evidence', '') AS evidence, coalesce(extra ->> '$.remedy', '') AS remedy,
        coalesce((extra -> '$.techniques')::VARCHAR[], []) AS techniques,
        coalesce((extra -> '$.cve')::VARCHAR[], []) AS cve, coalesce((extra -> '$.cwe')::VARCHAR[], []) AS cwe,
        coalesce((extra ->> '$.exploited')::BOOLEAN, false) AS exploited
    FROM events
    WHERE time >= (SELECT time_from FROM span) AND time < (SELECT time_to FROM span)
      AND product = 'soc-tui' AND activity = 'scan' AND class_uid IN (2002, 2003, 2004)
), touched AS (
    SELECT DISTINCT tool, host, rule_id, target, day FROM told WHERE event_id BETWEEN $first_event_id AND $last_event_id
)
SELECT
    md5(concat_ws('|', t.tool, t.host, t.rule_id, t.target, t.day)) AS finding_id,
    concat_ws('|', t.tool, t.host, t.rule_id, t.target) AS alert_key,
    t.tool AS detector, any_value(t.rule_category) AS risk_type,
    arg_max(t.rule_name, (t.time, t.event_id)) || ': ' || t.target[1:200] AS title,
    arg_max(t.severity, (t.time, t.event_id)) AS severity, arg_max(t.confidence, (t.time, t.event_id)) AS score,
    min(t.time) AS time, max(t.time) AS time_last, NULL::VARCHAR AS src_ip, max(t.dst_ip) AS dst_ip,
    max(t.dst_port) AS dst_port, t.host, NULL::VARCHAR AS user_name, t.target[1:500] AS target, count(*) AS event_count,
    arg_max(t.techniques, (t.time, t.event_id)) AS techniques,
    to_json(list_filter([
        {field: 'check', value: t.rule_id, weight: round(arg_max(t.confidence, (t.time, t.event_id)), 3)},
        {field: 'evidence', value: arg_max(t.evidence, (t.time, t.event_id))[1:600], weight: 0.0::DOUBLE},
        {field: 'exploited in the wild', value: CASE WHEN bool_or(t.exploited) THEN 'yes' ELSE '' END, weight: 0.0::DOUBLE},
        {field: 'CVE', value: array_to_string(arg_max(t.cve, (t.time, t.event_id)), ', ')[1:300], weight: 0.0::DOUBLE},
        {field: 'CWE', value: array_to_string(arg_max(t.cwe, (t.time, t.event_id)), ', '), weight: 0.0::DOUBLE},
        {field: 'what to do', value: arg_max(t.remedy, (t.time, t.event_id))[1:600], weight: 0.0::DOUBLE}
    ], lambda one: one.value <> ''))::VARCHAR AS explanation,
    list(t.event_id ORDER BY t.time DESC, t.event_id DESC)[1:20] AS event_ids
FROM told t JOIN touched USING (tool, rule_id, target, day)
WHERE t.host IS NOT DISTINCT FROM touched.host
GROUP BY t.tool, t.host, t.rule_id, t.target, t.day
