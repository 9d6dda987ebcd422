-- The events of which sessions are made (features/sessions.py): the log-ins and web requests among the events
-- $first_event_id..$last_event_id and the 100,000 ids before. `time` is the event's own and `stamp` its text, the other
-- columns are those of encoding/session.py. In no order: sorting rows as wide costs more. Sessions that no new event
-- belongs to are left out there: a join that leaves their sources out here costs as much as all the rest.
-- Of the sources it is part $part of $parts: a window may hold more than memory should.
SELECT event_id, time, src_ip, time::VARCHAR AS stamp,
    CASE WHEN class_uid = 4002 THEN 'web' ELSE 'logon' END AS kind, status, user_name, coalesce(dst_ip, host) AS target,
    http_method, http_status, url_path, coalesce(referrer NOT IN ('', '-'), false) AS referrer,
    CASE WHEN contains(extra, '"repeat"')
        THEN greatest(1, least(100000, coalesce(try_cast(json_extract_string(extra, '$.repeat') AS INTEGER), 1))) END AS repeat
FROM events
WHERE event_id BETWEEN $first_event_id - 100000 AND $last_event_id AND src_ip IS NOT NULL AND time IS NOT NULL
  AND hash(src_ip) % $parts = $part
  AND (class_uid = 4002 AND (url_path IS NOT NULL OR http_status IS NOT NULL)
    OR class_uid = 3002 AND activity = 'logon'
    OR class_uid = 4007 AND product = 'zeek' AND log_name = 'ssh')
