-- Sessions that the session network scored at or above the threshold (rows of `scores` whose model is 'session'). What a
-- session is, and the value that names it, are those of analysis/features/session_events.sql: a test holds the two
-- together. One finding per session, found again and replaced while the session goes on. A takeover is the worst of it:
-- somebody is in.
WITH bad AS (
    SELECT value, score, label, explanation FROM scores WHERE model = 'session' AND score >= $threshold
), seen AS (  -- of the few sources that have such a session
    SELECT event_id, time, src_ip, status, user_name, dst_ip, dst_port, host
    FROM events SEMI JOIN (SELECT DISTINCT split_part(value, ' ', 1) AS src_ip FROM bad) source USING (src_ip)
    WHERE event_id BETWEEN $first_event_id - 100000 AND $last_event_id AND src_ip IS NOT NULL AND time IS NOT NULL
      AND (class_uid = 4002 AND (url_path IS NOT NULL OR http_status IS NOT NULL)
        OR class_uid = 3002 AND activity = 'logon'
        OR class_uid = 4007 AND product = 'zeek' AND log_name = 'ssh')
), gap AS (
    SELECT *, coalesce(time - lag(time) OVER past > INTERVAL 30 MINUTES, true) AS begins
    FROM seen
    WINDOW past AS (PARTITION BY src_ip ORDER BY time, event_id)
), numbered AS (
    SELECT *, sum(begins::INTEGER) OVER (PARTITION BY src_ip ORDER BY time, event_id) AS number FROM gap
), session AS (
    SELECT src_ip || ' ' || min(time) AS value, src_ip, min(time) AS time, max(time) AS time_last,
        count(*) AS events_total,
        -- a success tells most, then what came last
        list(event_id ORDER BY status = 'success' DESC, time DESC, event_id DESC)[1:20] AS event_ids,
        mode(host ORDER BY host) AS host, mode(dst_ip ORDER BY dst_ip) AS dst_ip,
        mode(dst_port ORDER BY dst_port) AS dst_port,
        coalesce(arg_max(user_name, (time, event_id)) FILTER (status = 'success'), mode(user_name ORDER BY user_name)) AS user_name
    FROM numbered GROUP BY src_ip, number
    HAVING max(event_id) >= $first_event_id
)
SELECT
    md5('session-anomaly|' || value) AS finding_id,
    concat_ws('|', 'session-anomaly', label, src_ip, coalesce(host, dst_ip, ''), time::DATE) AS alert_key,
    'session-anomaly' AS detector, 'intrusion' AS risk_type,
    CASE label WHEN 'brute' THEN 'Guessing of passwords' WHEN 'spray' THEN 'One password tried on many users'
        WHEN 'scan' THEN 'Search for a way in' ELSE 'Log-in after guessing' END || ' by ' || src_ip AS title,
    CASE WHEN label = 'takeover' THEN 'high' WHEN events_total >= 20 THEN 'medium' ELSE 'low' END AS severity,
    score, time, time_last, src_ip, dst_ip, dst_port, host, user_name,
    coalesce(host, dst_ip, '')[1:500] AS target, events_total AS event_count,
    CASE label WHEN 'brute' THEN ['T1110.001'] WHEN 'spray' THEN ['T1110.003'] WHEN 'scan' THEN ['T1595']
        ELSE ['T1078', 'T1110.001'] END AS techniques,
    to_json([{field: 'session', value: events_total || ' events in ' || round(epoch(time_last - time))::BIGINT || ' s',
              weight: round(score, 3)}]
        || coalesce(from_json(explanation, '[{"field": "VARCHAR", "value": "VARCHAR", "weight": "DOUBLE"}]'), [])
    )::VARCHAR AS explanation,
    event_ids
FROM session JOIN bad USING (value)
