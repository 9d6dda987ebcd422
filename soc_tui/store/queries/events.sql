-- A window of events by event_id: no OFFSET, so a page costs the same anywhere in the table.
SELECT * FROM events WHERE event_id < $before_id AND event_id > $after_id AND ({where})
ORDER BY event_id DESC LIMIT $limit
