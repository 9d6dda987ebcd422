-- Port scan: one source tries, without success, at least $ports ports of one machine (vertical) or one port of at least
-- $ports machines (horizontal). Counted over windows of $minutes minutes that start every half window, so a scan that is
-- done within half a window cannot fall between two. Only failed flows count, so opening many connections that are
-- answered is no scan and an attacker cannot dilute one with good connections. Left out, because they look alike:
-- a service's answers whose question was not seen (low source port, high destination port), broadcast and multicast,
-- traceroute's UDP ports, and UDP to protocols that ordinary clients speak to many servers (DNS, NTP, QUIC, STUN ...).
WITH span AS (
    SELECT min(time) AS time_from, max(time) AS time_to FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), failed AS (
    SELECT event_id, time, src_ip, dst_ip, dst_port, host, protocol, floor(epoch(time) / (30 * $minutes))::BIGINT AS slot
    FROM events
    WHERE time BETWEEN (SELECT time_from FROM span) - 2 * to_minutes($minutes) AND (SELECT time_to FROM span) + 2 * to_minutes($minutes)
      AND class_uid = 4001 AND protocol IN ('tcp', 'udp') AND dst_port > 0 AND src_ip IS NOT NULL AND dst_ip IS NOT NULL
      AND (product = 'zeek' AND log_name = 'conn' AND (
              conn_state IN ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR')
              -- opened and torn down without a byte, as a half-open or connect scan leaves an open port
              OR conn_state IN ('RSTO', 'RSTR') AND coalesce(bytes_out, 0) = 0 AND coalesce(bytes_in, 0) = 0)
           OR product = 'suricata' AND log_name = 'flow' AND status = 'failure')
      AND NOT (coalesce(src_port, 0) BETWEEN 1 AND 1023 AND dst_port >= 1024)
      AND NOT regexp_matches(dst_ip, '^(?:22[4-9]|23\d|255)\.|\.255$|^(?i:ff[0-9a-f]{2}):|^0\.0\.0\.0$')
      AND NOT (protocol = 'udp' AND dst_port BETWEEN 33434 AND 33534)
), touched AS (
    SELECT DISTINCT src_ip, slot FROM failed WHERE event_id BETWEEN $first_event_id AND $last_event_id
), tried AS (
    SELECT src_ip, dst_ip, dst_port, protocol, slot, count(*) AS attempts, min(time) AS first_time, max(time) AS last_time,
        min(event_id) AS event_id, max(host) AS host
    FROM failed WHERE src_ip IN (SELECT src_ip FROM touched)
    GROUP BY src_ip, dst_ip, dst_port, protocol, slot
), probe AS (
    SELECT 'vertical' AS kind, dst_ip AS fixed, protocol || '/' || dst_port AS thing, * FROM tried
    UNION ALL
    SELECT 'horizontal', protocol || '/' || dst_port, dst_ip, * FROM tried
    WHERE NOT (protocol = 'udp' AND dst_port IN (53, 67, 69, 123, 137, 138, 443, 500, 3478, 3702, 4500, 5353, 5355))
), busy AS (  -- most sources try few things: drop them before the costly distinct counts
    SELECT kind, src_ip, fixed FROM probe GROUP BY ALL HAVING count(*) >= $ports
), scanning AS (
    SELECT probe.* FROM probe SEMI JOIN busy USING (kind, src_ip, fixed)
), windowed AS (  -- window w covers the slots w - 1 and w
    SELECT kind, src_ip, fixed, w, count(DISTINCT thing) AS distinct_things
    FROM (SELECT *, unnest([slot, slot + 1]) AS w FROM scanning)
    GROUP BY ALL HAVING count(DISTINCT thing) >= $ports
), scan AS (
    SELECT s.kind, s.src_ip, s.fixed, s.slot, max(w.distinct_things) AS peak, any_value(s.protocol) AS protocol,
        count(DISTINCT s.thing) AS things, any_value(s.dst_ip) AS dst_ip, any_value(s.dst_port) AS dst_port, max(s.host) AS host,
        list_sort(list(DISTINCT CASE s.kind WHEN 'vertical' THEN lpad(s.dst_port::VARCHAR, 5, ' ') ELSE s.thing END))[1:10] AS examples
    FROM scanning s JOIN windowed w ON w.kind = s.kind AND w.src_ip = s.src_ip AND w.fixed = s.fixed AND w.w IN (s.slot, s.slot + 1)
    WHERE EXISTS (FROM touched t WHERE t.src_ip = s.src_ip AND t.slot BETWEEN s.slot - 1 AND s.slot + 1)
    GROUP BY s.kind, s.src_ip, s.fixed, s.slot
), total AS (
    SELECT kind, src_ip, fixed, slot, sum(attempts)::BIGINT AS event_count, min(first_time) AS first_time, max(last_time) AS last_time,
        list(event_id ORDER BY first_time, event_id)[1:20] AS event_ids
    FROM scanning GROUP BY ALL
), scored AS (
    -- the internet is scanned all day: from outside never above medium, from inside it is an intruder's next step
    SELECT *, regexp_matches(src_ip, $private) AS inside,
        least(CASE WHEN inside THEN 0.9 ELSE 0.79 END, 1 - 0.5 * $ports / peak)::DOUBLE AS score,
        strftime(make_timestamp((slot * 30 * $minutes * 1000000)::BIGINT), '%Y-%m-%d') AS day
    FROM scan JOIN total USING (kind, src_ip, fixed, slot)
)
SELECT
    md5(concat_ws('|', 'port-scan', kind, src_ip, fixed, $minutes, slot)) AS finding_id,
    -- one alert a day per source and kind: a scan of 254 machines times 1,000 ports must not make 1,254 alerts
    concat_ws('|', 'port-scan', kind, src_ip, day) AS alert_key,
    'port-scan' AS detector, 'intrusion' AS risk_type,
    CASE kind WHEN 'vertical' THEN 'Port scan by ' ELSE 'Network scan by ' END || src_ip AS title,
    CASE WHEN score >= 0.8 THEN 'high' ELSE 'medium' END AS severity,
    score, first_time AS time, last_time AS time_last, src_ip,
    CASE kind WHEN 'vertical' THEN dst_ip END AS dst_ip,
    CASE kind WHEN 'horizontal' THEN dst_port END AS dst_port,
    host, NULL::VARCHAR AS user_name, fixed AS target, event_count,
    CASE WHEN inside THEN ['T1046'] WHEN kind = 'vertical' THEN ['T1595'] ELSE ['T1595.001'] END AS techniques,
    to_json([
        {field: CASE kind WHEN 'vertical' THEN 'distinct ports without success' ELSE 'distinct machines without success' END,
         value: peak || ' in ' || $minutes || ' min (threshold ' || $ports || ')', weight: round(score, 3)},
        {field: CASE kind WHEN 'vertical' THEN 'dst_ip' ELSE 'dst_port' END, value: fixed, weight: 0.1},
        {field: CASE kind WHEN 'vertical' THEN 'ports' ELSE 'machines' END,
         value: array_to_string(list_transform(examples, lambda e: trim(e)), ', '), weight: 0.0}])::VARCHAR AS explanation,
    event_ids
FROM scored
