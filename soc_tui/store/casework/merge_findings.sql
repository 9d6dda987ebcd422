-- `incoming` replaces findings of the same id. The last row of an id wins, so a table may hold two states of one.
INSERT INTO findings BY NAME
SELECT * FROM incoming QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY event_count DESC, score DESC) = 1
ON CONFLICT (finding_id) DO UPDATE SET
    alert_key = excluded.alert_key, detector = excluded.detector, risk_type = excluded.risk_type, title = excluded.title,
    severity = excluded.severity, score = excluded.score, time = excluded.time, time_last = excluded.time_last,
    src_ip = excluded.src_ip, dst_ip = excluded.dst_ip, dst_port = excluded.dst_port, host = excluded.host,
    user_name = excluded.user_name, target = excluded.target, event_count = excluded.event_count,
    techniques = excluded.techniques, explanation = excluded.explanation, event_ids = excluded.event_ids
