-- The alerts of the `touched` keys, from all their findings. What is shown of an alert is its gravest finding; evidence is
-- that of its 20 gravest. What people and other modules set (id, state, incident, knowledge, verdict) stays. {suppressed} is
-- the number of the suppression that fits the row: our own column names and $parameters only.
-- A key may have a million findings: those are only counted, and whole rows are read of the 20 gravest. (An aggregate of
-- the 20 smallest holds no more than these, where a window would hold all; for few findings it would cost more.)
WITH counted AS MATERIALIZED (
    SELECT alert_key, detector, count(*) AS finding_count, sum(event_count)::BIGINT AS event_count,
        max(score) AS score, min(time) AS time, max(coalesce(time_last, time)) AS time_last
    FROM findings SEMI JOIN touched USING (alert_key) GROUP BY alert_key, detector
), total AS (
    SELECT alert_key, sum(finding_count) AS finding_count, max(score) AS score, min(time) AS time, max(time_last) AS time_last
    FROM counted GROUP BY alert_key
), gravest AS (
    SELECT alert_key, min({'rank': -severity_rank(severity), 'score': -score, 'time': coalesce(time, TIMESTAMP '9999-12-31'),
        'explanation': coalesce(explanation, ''), 'finding_id': finding_id}, 20) AS top
    FROM findings SEMI JOIN (SELECT alert_key FROM total WHERE finding_count > 20) USING (alert_key) GROUP BY alert_key
), ranked AS (
    SELECT alert_key, unnest(top).finding_id AS finding_id, generate_subscripts(top, 1) AS place FROM gravest
    UNION ALL
    SELECT alert_key, finding_id, row_number() OVER (PARTITION BY alert_key
        ORDER BY severity_rank(severity) DESC, score DESC, time NULLS LAST, explanation, finding_id) AS place
    FROM findings SEMI JOIN (SELECT alert_key FROM total WHERE finding_count <= 20) USING (alert_key)
), mine AS (
    SELECT f.*, r.place FROM findings f JOIN ranked r USING (finding_id) WHERE f.alert_key = r.alert_key
), technique AS (
    SELECT alert_key, list_sort(list(name)) AS techniques
    FROM (SELECT DISTINCT alert_key, unnest(techniques) AS name FROM findings SEMI JOIN touched USING (alert_key))
    GROUP BY alert_key
), evidence AS (  -- within a finding the order is the finding's own, not that of arrival
    SELECT alert_key, list(event_id ORDER BY place, position, event_id)[1:20] AS event_ids
    FROM (SELECT alert_key, event_id, min(place) AS place, min(position) AS position
          FROM (SELECT alert_key, place, unnest(event_ids) AS event_id, generate_subscripts(event_ids, 1) AS position
                FROM mine)
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
        top.src_ip, top.dst_ip, top.dst_port, top.host, top.user_name, top.target, c.finding_count, c.event_count,
        coalesce(technique.techniques, []) AS techniques, top.explanation,
        coalesce(list_sort(evidence.event_ids), []) AS event_ids
    FROM total t
    JOIN mine top USING (alert_key)
-- Detectors that share a key see the same events: those of the gravest finding's detector count.
JOIN counted c ON c.alert_key = top.alert_key AND c.detector = top.detector
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
