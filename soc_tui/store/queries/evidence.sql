SELECT e.event_id, e.time, e.source_id, s.path AS source, e.source_offset AS "offset", e.source_length AS "length",
       e.message, e.host, s.format, e.file_hash,
       CASE WHEN s.format = 'scan' THEN e.extra ->> '$.evidence' END AS kept
FROM events e JOIN sources s USING (source_id)
WHERE e.event_id IN (SELECT unnest($event_ids::BIGINT[]))
ORDER BY e.event_id
