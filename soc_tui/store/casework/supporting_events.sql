-- What the clue trees and attackers of the alerts in `cases` rest on: the evidence of each actor's 200 gravest alerts, and
-- the successful logins from the actor's address between its first alert and a day after its last, 200 at most.
WITH gravest AS (
    SELECT actor, event_ids FROM cases
    QUALIFY row_number() OVER (PARTITION BY actor ORDER BY suppressed_by IS NOT NULL, severity_rank(severity) DESC, score DESC, time, alert_id) <= 200
), evidence AS (
    SELECT DISTINCT actor, unnest(event_ids) AS event_id FROM gravest
), span AS (
    SELECT src_ip AS actor, min(time) AS time_from, max(coalesce(time_last, time)) + INTERVAL 24 HOUR AS time_to
    FROM cases WHERE src_ip IS NOT NULL AND time IS NOT NULL GROUP BY src_ip
), login AS (
    SELECT s.actor, e.event_id
    FROM events e JOIN span s ON e.src_ip = s.actor AND e.time BETWEEN s.time_from AND s.time_to
    WHERE e.status = 'success' AND (e.class_uid = 3002 AND e.activity = 'logon' OR e.class_uid = 4007)
      AND e.time BETWEEN (SELECT min(time_from) FROM span) AND (SELECT max(time_to) FROM span)
    QUALIFY row_number() OVER (PARTITION BY s.actor ORDER BY e.time, e.event_id) <= 200
), wanted AS (
    SELECT actor, event_id, bool_or(login) AS login
    FROM (SELECT *, false AS login FROM evidence UNION ALL SELECT *, true FROM login) GROUP BY ALL
)
SELECT w.actor, w.login, e.event_id, e.time, e.activity, e.status, e.product, e.host, e.user_name, e.src_ip, e.dst_ip, e.dst_port,
    e.service, e.user_agent[1:300] AS user_agent, e.http_status, (coalesce(e.url_host, '') || e.url_path)[1:300] AS url
FROM wanted w JOIN events e USING (event_id)
ORDER BY w.actor, e.time NULLS FIRST, e.event_id
