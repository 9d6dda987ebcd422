-- The alerts of the `touched` keys, from all their findings. What is shown of an alert is its gravest finding; evidence is
-- that of its 20 gravest. What people and other modules set (id, state, incident, knowledge, verdict) stays. {suppressed} is
-- the number of the suppression that fits the row: our own column names and $parameters only.
WITH mine AS (
    SELECT f.*, row_number() OVER (PARTITION BY f.alert_key
        ORDER BY severity_rank(f.severity) DESC, f.score DESC, f.time NULLS LAST, f.explanation, f.finding_id) AS place
    FROM findings f SEMI JOIN touched USING (alert_key)
), total AS (  -- detectors that share a key see the same events: those of the gravest finding's detector count
    SELECT alert_key, count(*) FILTER (detector = first_detector) AS finding_count,
        (sum(event_count) FILTER (detector = first_detector))::BIGINT AS event_count,
        max(score) AS score, min(time) AS time, max(coalesce(time_last, time)) AS time_last
    FROM (SELECT *, first_value(detector) OVER (PARTITION BY alert_key ORDER BY place) AS first_detector FROM mine)
    GROUP BY alert_key
), technique AS (
    SELECT alert_key, list_sort(list(DISTINCT name)) AS techniques
    FROM (SELECT alert_key, unnest(techniques) AS name FROM mine) GROUP BY alert_key
), evidence AS (  -- within a finding the order is the finding's own, not that of arrival
    SELECT alert_key, list(event_id ORDER BY place, position, event_id)[1:20] AS event_ids
    FROM (SELECT alert_key, event_id, min(place) AS place, min(position) AS position
          FROM (SELECT alert_key, place, unnest(event_ids) AS event_id, generate_subscripts(event_ids, 1) AS position
                FROM mine WHERE place <= 20)
          GROUP BY ALL)
    GROUP BY alert_key
), fresh AS (
    SELECT alert_key, row_number() OVER (ORDER BY t.time NULLS LAST, alert_key) AS number
    FROM total t ANTI JOIN alerts USING (alert_key)
)
INSERT INTO alerts BY NAME
SELECT *, {suppressed} AS suppressed_by FROM (
SELECT
    coalesce(old.alert_id, (SELECT coalesce(max(alert_id), 0) FROM alerts) + fresh.number) AS alert_id,
    alert_key, top.detector, top.risk_type, top.title, top.severity, t.score, t.time, t.time_last,
    top.src_ip, top.dst_ip, top.dst_port, top.host, top.user_name, top.target, t.finding_count, t.event_count,
    coalesce(technique.techniques, []) AS techniques, top.explanation, coalesce(list_sort(evidence.event_ids), []) AS event_ids
FROM total t
JOIN mine top USING (alert_key)
LEFT JOIN technique USING (alert_key)
LEFT JOIN evidence USING (alert_key)
LEFT JOIN fresh USING (alert_key)
LEFT JOIN alerts old USING (alert_key)
WHERE top.place = 1
)
ON CONFLICT (alert_key) DO UPDATE SET
    detector = excluded.detector, risk_type = excluded.risk_type, title = excluded.title, severity = excluded.severity,
    score = excluded.score, time = excluded.time, time_last = excluded.time_last, src_ip = excluded.src_ip,
    dst_ip = excluded.dst_ip, dst_port = excluded.dst_port, host = excluded.host, user_name = excluded.user_name,
    target = excluded.target, finding_count = excluded.finding_count, event_count = excluded.event_count,
    techniques = excluded.techniques, explanation = excluded.explanation, event_ids = excluded.event_ids,
    suppressed_by = excluded.suppressed_by
