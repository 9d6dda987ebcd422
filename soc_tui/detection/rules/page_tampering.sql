-- Pages of website trees whose change the page network scored at or above the threshold (rows of `scores` whose model is
-- 'page' and whose value is 'SHA256-BEFORE>SHA256-AFTER', the former empty where no earlier version was known). The
-- version before is found as in analysis/features/website_changes.sql; a test holds the two together. One finding per
-- host, path and new content; all its events of the days that the new events touch count.
WITH span AS (
    SELECT min(time)::DATE AS time_from, max(time)::DATE + INTERVAL 1 DAY AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), bad AS (
    SELECT split_part(value, '>', 1) AS before, split_part(value, '>', 2) AS after, score, label, explanation
    FROM scores WHERE model = 'page' AND score >= $threshold
), told AS (
    SELECT event_id, time, time::DATE AS day, host, user_name, file_path, file_hash, activity,
        extra ->> '$.previous_hash' AS previous, extra ->> '$.replaced_hash' AS replaced
    FROM events
    WHERE time >= (SELECT time_from FROM span) AND time < (SELECT time_to FROM span) AND product = 'website'
      AND log_name = 'files' AND activity IN ('create', 'update', 'rename') AND file_hash IN (SELECT after FROM bad)
), earlier AS (
    SELECT t.event_id, arg_max(e.file_hash, e.event_id) AS file_hash
    FROM told t JOIN events e ON e.file_path = t.file_path AND e.event_id < t.event_id
        AND e.time >= t.time - INTERVAL 1 DAY AND e.product = 'website' AND e.file_hash IS NOT NULL
    WHERE t.activity = 'create'
    GROUP BY t.event_id
), written AS (
    SELECT told.* EXCLUDE (previous, replaced),
        coalesce(CASE activity WHEN 'update' THEN previous WHEN 'rename' THEN replaced ELSE earlier.file_hash END, '') AS before
    FROM told LEFT JOIN earlier USING (event_id)
), tampered AS (
    SELECT w.*, b.score, b.label, b.explanation FROM written w JOIN bad b ON b.before = w.before AND b.after = w.file_hash
), touched AS (
    SELECT DISTINCT host, file_path, file_hash, day FROM tampered
    WHERE event_id BETWEEN $first_event_id AND $last_event_id
), page AS (
    SELECT t.host, t.file_path, t.file_hash, t.day, max(t.score) AS score, min(t.time) AS first_time, max(t.time) AS last_time,
        count(*) AS event_count, max(t.user_name) AS user_name,
        arg_max(t.label, (t.score, t.before)) AS label, arg_max(t.explanation, (t.score, t.before)) AS explanation,
        list(t.event_id ORDER BY t.score DESC, t.time, t.event_id)[1:20] AS event_ids
    FROM tampered t
    WHERE EXISTS (FROM touched o WHERE o.file_path = t.file_path AND o.file_hash = t.file_hash AND o.day = t.day
        AND o.host IS NOT DISTINCT FROM t.host)
    GROUP BY t.host, t.file_path, t.file_hash, t.day
)
SELECT
    md5(concat_ws('|', 'page-tampering', coalesce(host, ''), file_path, file_hash, day)) AS finding_id,
    concat_ws('|', 'page-tampering', label, coalesce(host, ''), file_path, file_hash) AS alert_key,
    'page-tampering' AS detector, 'page-tampering' AS risk_type,
    'Page tampered with (' || label || '): ' || file_path[1:200] AS title,
    CASE WHEN label IN ('script', 'frame', 'defacement', 'redirect') AND (score - $threshold) / greatest(1 - $threshold, 1e-9) >= 0.5
        THEN 'high' ELSE 'medium' END AS severity,
    score, first_time AS time, last_time AS time_last, NULL::VARCHAR AS src_ip, NULL::VARCHAR AS dst_ip,
    NULL::INTEGER AS dst_port, host, user_name, file_path[1:500] AS target, event_count,
    CASE label WHEN 'defacement' THEN ['T1491.002'] WHEN 'hidden-links' THEN ['T1565.001'] ELSE ['T1565.001', 'T1189'] END AS techniques,
    to_json([
            {field: 'page', value: file_path[1:300], weight: round(score, 3)},
            {field: 'sha256', value: file_hash, weight: 0.0::DOUBLE}]
        || coalesce(from_json(explanation, '[{"field": "VARCHAR", "value": "VARCHAR", "weight": "DOUBLE"}]'), [])
    )::VARCHAR AS explanation,
    event_ids
FROM page
