-- State and knowledge of an incident are set by people and by matching: they stay.
INSERT INTO incidents BY NAME
SELECT incident_id, title, risk_type, severity, score, attacker, time, time_last, alert_count, event_count, suppressed
FROM incoming
ON CONFLICT (incident_id) DO UPDATE SET
    title = excluded.title, risk_type = excluded.risk_type, severity = excluded.severity, score = excluded.score,
    attacker = excluded.attacker, time = excluded.time, time_last = excluded.time_last,
    alert_count = excluded.alert_count, event_count = excluded.event_count, suppressed = excluded.suppressed
