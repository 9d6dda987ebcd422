-- Sessions for the session model: the log-ins and web requests of one source without a pause of more than 30 minutes,
-- as far as the events $first_event_id..$last_event_id belong to them (100,000 ids before are looked at). `value` names
-- the session by source and begin, `event_id` is its newest event, `events` are the structures of encoding/session.py
-- in order of time; of a session of more than 1,024 events the first and the last 512 (`events_total` counts all).
WITH seen AS (
    SELECT event_id, time, src_ip
    FROM events
    WHERE event_id BETWEEN $first_event_id - 100000 AND $last_event_id AND src_ip IS NOT NULL AND time IS NOT NULL
      AND (class_uid = 4002 AND (url_path IS NOT NULL OR http_status IS NOT NULL)
        OR class_uid = 3002 AND activity = 'logon'
        OR class_uid = 4007 AND product = 'zeek' AND log_name = 'ssh')
), source AS (
    SELECT DISTINCT src_ip FROM seen WHERE event_id >= $first_event_id
), gap AS (
    SELECT *, coalesce(time - lag(time) OVER past > INTERVAL 30 MINUTES, true) AS begins
    FROM seen SEMI JOIN source USING (src_ip)
    WINDOW past AS (PARTITION BY src_ip ORDER BY time, event_id)
), numbered AS (
    SELECT *, sum(begins::INTEGER) OVER (PARTITION BY src_ip ORDER BY time, event_id) AS number FROM gap
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY src_ip, number ORDER BY time, event_id) AS place,
        count(*) OVER (PARTITION BY src_ip, number) AS events_total,
        max(event_id) OVER (PARTITION BY src_ip, number) AS newest
    FROM numbered
), kept AS (
    SELECT * FROM placed WHERE newest >= $first_event_id AND (place <= 512 OR place > events_total - 512)
)
SELECT k.src_ip || ' ' || min(k.time) AS value, k.src_ip, min(k.time) AS time, max(k.time) AS time_last, max(newest) AS event_id,
    max(events_total) AS events_total,
    list({
        'time': epoch(e.time), 'kind': CASE WHEN class_uid = 4002 THEN 'web' ELSE 'logon' END, 'status': status,
        'user_name': user_name, 'target': coalesce(dst_ip, host), 'http_method': http_method,
        'http_status': http_status, 'url_path': url_path, 'referrer': coalesce(referrer NOT IN ('', '-'), false),
        'repeat': CASE WHEN contains(extra, '"repeat"')
            THEN greatest(1, least(100000, coalesce(try_cast(json_extract_string(extra, '$.repeat') AS INTEGER), 1))) END
    } ORDER BY place) AS events
FROM kept k JOIN events e ON e.event_id = k.event_id
WHERE e.event_id BETWEEN $first_event_id - 100000 AND $last_event_id
GROUP BY k.src_ip, number
