-- Addresses of a window that nobody has described yet, in order.
SELECT ip FROM (
    SELECT src_ip AS ip FROM events WHERE event_id BETWEEN $first AND $last
    UNION SELECT dst_ip FROM events WHERE event_id BETWEEN $first AND $last
) WHERE ip IS NOT NULL AND ip NOT IN (SELECT ip FROM addresses) ORDER BY ip
