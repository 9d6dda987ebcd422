-- Beacons: a machine inside calls an address outside again and again at an even pace with even sizes, as a program that
-- waits for orders does (the measures are RITA's: quartile skew and median deviation of intervals and of sizes). One
-- finding per pair, port and day (UTC), from at least $connections calls over at least $minutes minutes.
-- A day of flows is too much for every small commit. So ten minutes count once they are over (a later event exists), and
-- only addresses that were called in them, or in a late line, are looked at again. What counts then is known from the
-- events alone, so the result does not depend on how they were cut.
-- Calls within two seconds are one (a page opens many connections). Left out: what ticks by nature (DNS, DHCP, NTP,
-- NetBIOS, SSDP, mDNS ...), broadcast and multicast, and what stays inside.
WITH clock AS (
    SELECT coalesce(time_bucket(INTERVAL 10 MINUTE, max(time) FILTER (event_id < $first_event_id)), TIMESTAMP '0001-01-01') AS done,
        time_bucket(INTERVAL 10 MINUTE, max(time)) AS over,
        min(time) FILTER (event_id >= $first_event_id) AS earliest,
        time_bucket(INTERVAL 1 DAY, CASE WHEN done > TIMESTAMP '0001-01-01' THEN least(done, earliest) ELSE earliest END) AS first_day
    FROM events WHERE event_id <= $last_event_id
), flow AS NOT MATERIALIZED (  -- read three times: a day of flows is not kept in memory
    SELECT event_id, time, time::DATE AS day, src_ip, src_port, dst_ip, dst_port, protocol, bytes_out, status, host, service
    FROM events
    WHERE event_id <= $last_event_id AND time >= (SELECT first_day FROM clock) AND time < (SELECT over FROM clock)
      AND class_uid = 4001 AND log_name IN ('conn', 'flow') AND protocol IN ('tcp', 'udp') AND src_ip IS NOT NULL
      AND dst_port > 0 AND dst_port NOT IN (53, 67, 68, 123, 137, 138, 161, 547, 853, 1900, 3478, 5353, 5355)
), due AS (  -- max(): so that addresses are matched once each, not once a flow
    SELECT dst_ip, day FROM flow
    WHERE time >= (SELECT least(done, earliest) FROM clock)
      AND (event_id >= $first_event_id OR time >= (SELECT done FROM clock))
    GROUP BY ALL
    HAVING NOT regexp_matches(max(dst_ip), $private)
       AND NOT regexp_matches(max(dst_ip), '^(?:22[4-9]|23\d|24\d|25[0-5]|0)\.|^(?i:ff[0-9a-f]{2}):|^::$')
), pair AS (
    SELECT src_ip, dst_ip, dst_port, protocol, day, count(*) AS flows, max(time) - min(time) AS spread
    FROM flow SEMI JOIN due USING (dst_ip, day)
    GROUP BY ALL
    HAVING regexp_matches(max(src_ip), $private)
), often AS (
    SELECT src_ip, dst_ip, dst_port, protocol, day FROM pair WHERE flows >= $connections AND spread >= to_minutes($minutes)
), peers AS (
    SELECT dst_ip, day, count(DISTINCT src_ip) AS inside FROM pair GROUP BY ALL
), paced AS (
    SELECT c.*, epoch_us(time) - lag(epoch_us(time)) OVER (PARTITION BY src_ip, dst_ip, dst_port, protocol, day ORDER BY time, bytes_out, src_port) AS since
    FROM flow c SEMI JOIN often USING (src_ip, dst_ip, dst_port, protocol, day)
), call AS (
    SELECT *, (epoch_us(time) - lag(epoch_us(time)) OVER (PARTITION BY src_ip, dst_ip, dst_port, protocol, day ORDER BY time)) / 1e6 AS gap
    FROM paced WHERE since IS NULL OR since > 2000000
), measured AS (
    SELECT src_ip, dst_ip, dst_port, protocol, day, count(*) AS calls, min(time) AS first_time, max(time) AS last_time,
        quantile_cont(gap, [0.25, 0.5, 0.75]) AS g, mad(gap) AS gap_off,
        quantile_cont(bytes_out, [0.25, 0.5, 0.75]) AS b, mad(bytes_out) AS size_off,
        count(*) FILTER (status = 'failure') AS failed, mode(service ORDER BY service) AS service, max(host) AS host,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM call GROUP BY ALL
    HAVING count(*) >= $connections AND max(time) - min(time) >= to_minutes($minutes)
), judged AS (
    SELECT *, epoch(last_time - first_time) AS span,
        greatest(0, 1 - gap_off / g[2]) AS even_pace,
        CASE WHEN g[3] - g[1] <= greatest(1, 0.05 * g[2]) OR g[2] IN (g[1], g[3]) THEN 1
            ELSE 1 - abs((g[1] + g[3] - 2 * g[2]) / (g[3] - g[1])) END AS balance,
        -- calls that carry nothing have no size to be even
        CASE WHEN coalesce(b[2], 0) = 0 THEN NULL ELSE greatest(0, 1 - size_off / b[2]) END AS even_size,
        least(1, calls * g[2] / span) AS covered
    FROM measured
), scored AS (
    SELECT *, (0.4 * even_pace + 0.1 * balance + 0.25 * coalesce(even_size, even_pace) + 0.25 * covered)::DOUBLE AS score
    FROM judged WHERE even_pace >= 0.7 AND covered >= 0.5
), beacon AS (
    SELECT * FROM scored JOIN peers USING (dst_ip, day) WHERE score >= $score
)
SELECT
    md5(concat_ws('|', 'beacon', src_ip, dst_ip, dst_port, protocol, day)) AS finding_id,
    concat_ws('|', 'beacon', src_ip, dst_ip, dst_port, protocol, day) AS alert_key,
    'beacon' AS detector, 'trojan' AS risk_type,
    'Beacon from ' || src_ip || ' to ' || dst_ip || ':' || dst_port AS title,
    -- whom half the house calls is more likely a service of the house than a controller
    CASE WHEN inside > $hosts THEN 'low' WHEN score >= 0.9 AND span >= 6 * 3600 THEN 'high' ELSE 'medium' END AS severity,
    CASE WHEN inside > $hosts THEN score / 2 ELSE score END AS score, first_time AS time, last_time AS time_last,
    -- the controller is the attacker, the machine inside its victim
    dst_ip AS src_ip, src_ip AS dst_ip, dst_port::INTEGER AS dst_port, host, NULL::VARCHAR AS user_name,
    dst_ip || ':' || dst_port AS target, calls AS event_count, ['T1071', 'T1571'] AS techniques,
    to_json([
        {field: 'calls', value: calls || ' in ' || round(span / 3600, 1) || ' h (threshold ' || $connections || ')', weight: round(0.25 * covered, 3)},
        {field: 'interval', value: round(g[2], 1) || ' s, usual deviation ' || round(gap_off, 1) || ' s', weight: round(0.4 * even_pace + 0.1 * balance, 3)},
        {field: 'size sent', value: CASE WHEN even_size IS NULL THEN 'none' ELSE round(b[2])::BIGINT || ' bytes, usual deviation ' || round(size_off)::BIGINT END,
         weight: round(0.25 * coalesce(even_size, even_pace), 3)},
        {field: 'inside machines that call it', value: inside::VARCHAR, weight: CASE WHEN inside > $hosts THEN -0.4 ELSE 0.0 END},
        {field: 'service', value: coalesce(service, protocol) || CASE WHEN failed = calls THEN ', never answered' ELSE '' END, weight: 0.0}])::VARCHAR AS explanation,
    event_ids
FROM beacon
