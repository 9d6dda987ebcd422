-- Every alert of the actors behind the `touched` alerts. The actor is the attacker's address; where no address is known,
-- the account; else the machine. Alerts about the health of our sources have no actor and are no part of any incident.
WITH acting AS (
    SELECT *, alert_actor(src_ip, user_name, host, dst_ip) AS actor
    FROM alerts WHERE risk_type <> 'health'
)
SELECT alert_id, alert_key, detector, risk_type, title, severity, score, time, time_last, src_ip, dst_ip, dst_port, host,
    user_name, target, finding_count, event_count, techniques, event_ids, incident_id, state, knowledge_id, suppressed_by, actor,
    (SELECT coalesce(max(incident_id), 0) + 1 FROM incidents) AS free_incident_id
FROM acting
WHERE actor IN (SELECT actor FROM acting SEMI JOIN touched USING (alert_key))
ORDER BY actor, time NULLS FIRST, alert_id
