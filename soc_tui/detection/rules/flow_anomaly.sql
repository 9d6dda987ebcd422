-- Flows that the flow network scored at or above the threshold: rows of `scores` whose model is 'flow' and whose value is
-- the event_id. A burst is one finding: per source, machine, port, class and hour, with the worst flow's score and
-- explanation and the number of flows; the hours that the new events touch are recomputed whole.
WITH scored AS (
    SELECT try_cast(value AS BIGINT) AS event_id, score, label, explanation
    FROM scores WHERE model = 'flow' AND score >= $threshold
), touched AS (
    SELECT DISTINCT e.src_ip, e.dst_ip, e.dst_port, e.protocol, s.label, time_bucket(INTERVAL 1 HOUR, e.time) AS hour
    FROM scored s JOIN events e USING (event_id)
    WHERE e.event_id BETWEEN $first_event_id AND $last_event_id AND e.time IS NOT NULL
), flow AS (
    SELECT e.event_id, e.time, e.src_ip, e.dst_ip, e.dst_port, e.protocol, e.service, e.host, s.score, s.label, s.explanation,
        time_bucket(INTERVAL 1 HOUR, e.time) AS hour
    FROM scored s JOIN events e USING (event_id)
    WHERE e.time BETWEEN (SELECT min(hour) FROM touched) AND (SELECT max(hour) + INTERVAL 1 HOUR FROM touched)
), burst AS (
    SELECT f.src_ip, f.dst_ip, f.dst_port, f.protocol, f.label, f.hour, max(f.score) AS score, count(*) AS event_count,
        min(f.time) AS first_time, max(f.time) AS last_time, max(f.host) AS host, max(f.service) AS service,
        list(f.explanation ORDER BY f.score DESC, f.time, f.explanation)[1] AS worst,
        list(f.event_id ORDER BY f.score DESC, f.time, f.event_id)[1:20] AS event_ids
    FROM flow f
    WHERE EXISTS (FROM touched t WHERE t.hour = f.hour AND t.label = f.label AND t.src_ip IS NOT DISTINCT FROM f.src_ip
        AND t.dst_ip IS NOT DISTINCT FROM f.dst_ip AND t.dst_port IS NOT DISTINCT FROM f.dst_port
        AND t.protocol IS NOT DISTINCT FROM f.protocol)
    GROUP BY ALL
), rated AS (
    -- how far above the threshold, 0 to 1: an odd flow is a hint, never more than high
    SELECT *, (score - $threshold) / greatest(1 - $threshold, 1e-9) AS margin FROM burst
)
SELECT
    md5(concat_ws('|', 'flow-anomaly', coalesce(src_ip, ''), coalesce(dst_ip, ''), coalesce(dst_port, 0), coalesce(protocol, ''), label, hour)) AS finding_id,
    -- A scan has no one target, and who is controlled is the source: the peers of a botnet are findings of one alert per
    -- source and day. A flood or an intrusion has a victim, whatever its ports.
    concat_ws('|', 'flow-anomaly', label, coalesce(src_ip, ''),
        CASE WHEN label NOT IN ('scan', 'c2') THEN coalesce(dst_ip, '') END, hour::DATE) AS alert_key,
    'flow-anomaly' AS detector, 'intrusion' AS risk_type,
    'Anomalous flows (' || label || ')' || coalesce(' by ' || src_ip, '')
        || CASE WHEN label NOT IN ('scan', 'c2') THEN coalesce(' to ' || dst_ip, '') ELSE '' END AS title,
    CASE WHEN margin >= 0.9 THEN 'high' WHEN margin >= 0.5 THEN 'medium' ELSE 'low' END AS severity,
    score, first_time AS time, last_time AS time_last, src_ip, dst_ip, dst_port, host, NULL::VARCHAR AS user_name,
    coalesce(dst_ip, '') || coalesce(' ' || protocol || '/' || dst_port, '') AS target, event_count,
    []::VARCHAR[] AS techniques, worst AS explanation, event_ids
FROM rated
