SELECT a.alert_id, e.event_id, s.path AS source, e.source_offset AS "offset", e.source_length AS "length"
FROM (SELECT alert_id, unnest(event_ids) AS event_id FROM alerts
      WHERE alert_id IN (SELECT unnest($alert_ids::BIGINT[]))) a
JOIN events e USING (event_id) JOIN sources s USING (source_id)
ORDER BY a.alert_id, e.event_id
