-- Long connections: one that is open for at least $hours hours between an inside and an outside address, or between two
-- outside ones where the sensor's own side is not known. What is open for long by its nature (SSH, VPN, push services,
-- mail that waits, MQTT, remote desktop) has three times as long. One finding per connection; it grows while the connection
-- is open (Zeek's open_conn tells of it again and again), and all its records of the two days around count.
WITH span AS (
    SELECT min(time) - INTERVAL 24 HOUR AS time_from, max(time) + INTERVAL 24 HOUR AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), touched AS (
    SELECT DISTINCT session_uid, src_ip, dst_ip, dst_port, protocol, time FROM events
    WHERE event_id BETWEEN $first_event_id AND $last_event_id AND class_uid = 4001 AND duration >= $hours * 3600
      AND log_name IN ('conn', 'open_conn', 'flow')
), told AS (
    SELECT e.event_id, e.time, e.src_ip, e.dst_ip, e.dst_port, e.protocol, e.session_uid, e.duration, e.bytes_out, e.bytes_in,
        e.service, e.host
    FROM events e JOIN touched t ON e.src_ip = t.src_ip AND e.dst_ip = t.dst_ip AND e.dst_port IS NOT DISTINCT FROM t.dst_port
        AND e.protocol IS NOT DISTINCT FROM t.protocol AND e.session_uid IS NOT DISTINCT FROM t.session_uid AND e.time = t.time
    WHERE e.time BETWEEN (SELECT time_from FROM span) AND (SELECT time_to FROM span) AND e.class_uid = 4001
      AND e.duration >= $hours * 3600 AND e.log_name IN ('conn', 'open_conn', 'flow')
), connection AS (
    SELECT src_ip, dst_ip, dst_port, protocol, session_uid, time, max(duration) AS duration, max(bytes_out) AS bytes_out,
        max(bytes_in) AS bytes_in, max(service) AS service, max(host) AS host, count(*) AS event_count,
        list(event_id ORDER BY duration DESC, event_id)[1:20] AS event_ids,
        regexp_matches(src_ip, $private) AS src_inside, regexp_matches(dst_ip, $private) AS dst_inside
    FROM told GROUP BY ALL
), usual AS (
    SELECT *, coalesce(service, '') IN ('ssh', 'imap', 'rdp', 'mqtt', 'openvpn', 'wireguard') OR protocol IN ('esp', 'gre')
        OR dst_port IN (22, 143, 500, 993, 1194, 1883, 3389, 4500, 5222, 5223, 5228, 8883, 51820) AS patient
    FROM connection
    WHERE NOT (src_inside AND dst_inside) AND NOT regexp_matches(dst_ip, '^(?:22[4-9]|23\d|255|0)\.|\.255$|^(?i:ff[0-9a-f]{2}):')
)
SELECT
    md5(concat_ws('|', 'long-connection', src_ip, dst_ip, dst_port, protocol, session_uid, time)) AS finding_id,
    concat_ws('|', 'long-connection', src_ip, dst_ip, dst_port, protocol, time::DATE) AS alert_key,
    'long-connection' AS detector, 'trojan' AS risk_type,
    'Connection of ' || round(duration / 3600)::BIGINT || ' h from ' || src_ip || ' to ' || dst_ip || coalesce(':' || dst_port, '') AS title,
    CASE WHEN patient THEN 'low' ELSE 'medium' END AS severity,
    least(0.79, 0.3 + 0.2 * duration / ($hours * CASE WHEN patient THEN 10800 ELSE 3600 END))::DOUBLE AS score,
    time, time + to_microseconds((duration * 1000000)::BIGINT) AS time_last,
    -- the side outside is whom to suspect
    CASE WHEN src_inside THEN dst_ip ELSE src_ip END AS src_ip, CASE WHEN src_inside THEN src_ip ELSE dst_ip END AS dst_ip,
    dst_port::INTEGER AS dst_port, host, NULL::VARCHAR AS user_name, dst_ip || coalesce(':' || dst_port, '') AS target, event_count,
    CASE WHEN src_inside THEN ['T1071', 'T1572'] ELSE ['T1133'] END AS techniques,
    to_json([
        {field: 'duration', value: round(duration / 3600, 1) || ' h (threshold ' || $hours * CASE WHEN patient THEN 3 ELSE 1 END || ')', weight: 0.6},
        {field: 'bytes out', value: coalesce(bytes_out::VARCHAR, 'not logged'), weight: 0.1},
        {field: 'bytes in', value: coalesce(bytes_in::VARCHAR, 'not logged'), weight: 0.0},
        {field: 'service', value: coalesce(service, protocol, ''), weight: CASE WHEN patient THEN -0.2 ELSE 0.1 END}])::VARCHAR AS explanation,
    event_ids
FROM usual
WHERE duration >= $hours * CASE WHEN patient THEN 10800 ELSE 3600 END
