INSERT INTO attackers BY NAME
SELECT * FROM incoming
ON CONFLICT (address) DO UPDATE SET
    address_class = excluded.address_class, first_seen = excluded.first_seen, last_seen = excluded.last_seen,
    event_count = excluded.event_count, alert_count = excluded.alert_count, targets = excluded.targets,
    users = excluded.users, user_agents = excluded.user_agents, techniques = excluded.techniques,
    incident_ids = excluded.incident_ids, severity = excluded.severity,
    suppressed = excluded.suppressed
