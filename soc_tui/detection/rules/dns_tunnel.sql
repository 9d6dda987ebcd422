-- DNS tunnels by volume: one source asks, within an hour, for at least $names different names below one domain, the part
-- below the domain is long ($length characters on average), and hardly any name is asked twice. The last two labels stand
-- for the domain; three where the last two are as short as a suffix such as co.uk. Beyond what the domain network says of
-- single names; both give findings of one alert (same key), so a tunnel that both see is one alert.
-- Left out: reverse zones, service discovery, and look-ups of hashes and addresses by security products ($lookups).
WITH span AS (
    SELECT time_bucket(INTERVAL 1 HOUR, min(time)) AS time_from, time_bucket(INTERVAL 1 HOUR, max(time)) + INTERVAL 1 HOUR AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id AND query_name IS NOT NULL
), asked AS (
    SELECT event_id, time, time_bucket(INTERVAL 1 HOUR, time) AS hour, src_ip, dst_ip, dst_port, host, query_type,
        trim(lower(trim(query_name)), '.')[1:1000] AS name,
        regexp_extract(name, '(?:[^.]+\.)?[^.]{1,3}\.[^.]{1,3}$|[^.]+\.[^.]+$') AS domain
    FROM events
    WHERE time >= (SELECT time_from FROM span) AND time < (SELECT time_to FROM span) AND query_name IS NOT NULL
), touched AS (
    SELECT DISTINCT src_ip, domain, hour FROM asked WHERE event_id BETWEEN $first_event_id AND $last_event_id AND domain <> ''
), burst AS (
    SELECT a.src_ip, a.domain, a.hour, count(*) AS queries, count(DISTINCT name) AS names,
        avg(length(name) - length(domain) - 1) AS mean_length, sum(length(name) - length(domain) - 1)::BIGINT AS carried,
        count(*) FILTER (query_type IN ('TXT', 'NULL', 'CNAME', 'MX', 'SRV', 'KEY', 'PRIVATE')) AS odd,
        min(time) AS first_time, max(time) AS last_time, mode(dst_ip ORDER BY dst_ip) AS dst_ip, mode(dst_port ORDER BY dst_port) AS dst_port,
        mode(host ORDER BY host) AS host, max(name) AS example,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM asked a
    WHERE EXISTS (FROM touched t WHERE t.hour = a.hour AND t.domain = a.domain AND t.src_ip IS NOT DISTINCT FROM a.src_ip)
    GROUP BY ALL
    HAVING count(DISTINCT name) >= $names AND avg(length(name) - length(domain) - 1) >= $length
       AND 3 * count(DISTINCT name) >= count(*)
), tunnel AS (
    SELECT *, least(0.95, 0.5 + 0.1 * log2(names / $names) + 0.2 * odd / queries + 0.1 * (mean_length >= 50)::INTEGER)::DOUBLE AS score FROM burst
    WHERE NOT regexp_matches(domain, '(?:^|\.)(?:in-addr|ip6)\.arpa$|\.(?:local|lan|home|corp|internal|localdomain)$')
      AND NOT regexp_matches(domain, $lookups)
)
SELECT
    md5(concat_ws('|', 'dns-tunnel', coalesce(src_ip, ''), domain, hour)) AS finding_id,
    -- the key of domain_anomaly.sql: what both see is one alert
    concat_ws('|', 'domain-anomaly', coalesce(src_ip, ''), domain, hour::DATE) AS alert_key,
    'dns-tunnel' AS detector, 'trojan' AS risk_type,
    'DNS tunnel below ' || domain[1:200] || coalesce(' asked by ' || src_ip, '') AS title,
    CASE WHEN carried >= 20000 OR 2 * odd >= queries THEN 'high' ELSE 'medium' END AS severity,
    score, first_time AS time, last_time AS time_last, src_ip, dst_ip, dst_port::INTEGER AS dst_port, host, NULL::VARCHAR AS user_name,
    domain[1:500] AS target, queries AS event_count, ['T1048.003', 'T1071.004'] AS techniques,
    to_json([
        {field: 'different names', value: names || ' of ' || queries || ' asked in an hour (threshold ' || $names || ')', weight: round(score, 3)},
        {field: 'length below the domain', value: round(mean_length)::BIGINT || ' characters on average', weight: 0.3},
        {field: 'carried at most', value: carried || ' characters', weight: 0.2},
        {field: 'TXT, NULL, CNAME, MX ...', value: odd || ' of ' || queries, weight: round(0.2 * odd / queries, 3)},
        {field: 'query_name', value: example[1:300], weight: 0.1}])::VARCHAR AS explanation,
    event_ids
FROM tunnel
