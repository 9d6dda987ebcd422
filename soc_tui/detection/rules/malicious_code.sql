-- Files of website trees whose source the code network scored at or above the threshold (rows of `scores` whose model is
-- 'code' and whose value is the content's sha256). One finding per host, path and content; all its events of the days
-- that the new events touch count, so the finding is the same in whatever order they come.
WITH span AS (
    SELECT min(time)::DATE AS time_from, max(time)::DATE + INTERVAL 1 DAY AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), bad AS (
    SELECT value AS file_hash, score, label, explanation FROM scores WHERE model = 'code' AND score >= $threshold
), written AS (
    SELECT event_id, time, time::DATE AS day, host, user_name, file_path, file_hash, activity, extra ->> '$.owner' AS owner
    FROM events
    WHERE time >= (SELECT time_from FROM span) AND time < (SELECT time_to FROM span) AND product = 'website'
      AND log_name = 'files' AND activity IN ('create', 'update', 'rename') AND file_hash IN (SELECT file_hash FROM bad)
), touched AS (
    SELECT DISTINCT host, file_path, file_hash, day FROM written
    WHERE event_id BETWEEN $first_event_id AND $last_event_id
), file AS (
    SELECT w.host, w.file_path, w.file_hash, w.day, min(w.time) AS first_time, max(w.time) AS last_time, count(*) AS event_count,
        bool_or(w.activity = 'create') AS is_new, max(w.user_name) AS user_name, max(w.owner) AS owner,
        list(w.event_id ORDER BY w.time, w.event_id)[1:20] AS event_ids
    FROM written w
    WHERE EXISTS (FROM touched t WHERE t.file_path = w.file_path AND t.file_hash = w.file_hash AND t.day = w.day
        AND t.host IS NOT DISTINCT FROM w.host)
    GROUP BY ALL
), rated AS (
    SELECT file.*, bad.score, bad.label, bad.explanation,
        -- what a web server runs is worse than what it only hands out, and a sure verdict worse than a near one
        3 + regexp_matches(file_path, '(?i)\.(?:php[0-9]?|phtml|phar|inc|aspx?|ashx|asmx|jspx?|cgi|pl)$')::INTEGER
          - ((score - $threshold) / greatest(1 - $threshold, 1e-9) < 0.5)::INTEGER AS rank
    FROM file JOIN bad USING (file_hash)
)
SELECT
    md5(concat_ws('|', 'malicious-code', coalesce(host, ''), file_path, file_hash, day)) AS finding_id,
    concat_ws('|', 'malicious-code', coalesce(host, ''), file_path, file_hash) AS alert_key,
    'malicious-code' AS detector, 'malicious-code' AS risk_type,
    'Malicious code in ' || file_path[1:200] AS title,
    CASE rank WHEN 4 THEN 'critical' WHEN 3 THEN 'high' ELSE 'medium' END AS severity,
    score, first_time AS time, last_time AS time_last, NULL::VARCHAR AS src_ip, NULL::VARCHAR AS dst_ip,
    NULL::INTEGER AS dst_port, host, user_name, file_path[1:500] AS target, event_count,
    CASE WHEN regexp_matches(file_path, '(?i)\.(?:m?js|x?html?|shtml)$') THEN ['T1059.007'] ELSE ['T1505.003'] END AS techniques,
    to_json([
            {field: 'file', value: file_path[1:300], weight: round(score, 3)},
            {field: 'sha256', value: file_hash, weight: 0.0::DOUBLE},
            {field: 'owner', value: coalesce(owner, '') || CASE WHEN is_new THEN ', new file' ELSE ', changed file' END, weight: 0.0::DOUBLE}]
        || coalesce(from_json(explanation, '[{"field": "VARCHAR", "value": "VARCHAR", "weight": "DOUBLE"}]'), [])
    )::VARCHAR AS explanation,
    event_ids
FROM rated
