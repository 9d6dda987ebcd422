-- Names asked for that the domain network scored at or above the threshold (rows of `scores` whose model is 'domain').
-- A name is normalised as in analysis/features/domain_names.sql: a test holds the two together. One finding per source
-- and hour for generated names together, and one per source, hour and domain for tunnels (the last two labels stand for
-- the domain; three where the last two are as short as a suffix such as co.uk). The hours that the new events touch are
-- recomputed whole. One name proves little, so severity grows with the number of different names and, for generated
-- names, with the share that does not exist.
WITH span AS (
    SELECT time_bucket(INTERVAL 1 HOUR, min(time)) AS time_from, time_bucket(INTERVAL 1 HOUR, max(time)) + INTERVAL 1 HOUR AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), bad AS (
    SELECT value, score, label, explanation, label = 'tunnel' AS tunnel,
        CASE WHEN label = 'tunnel' THEN regexp_extract(value, '(?:[^.]+\.)?[^.]{1,3}\.[^.]{1,3}$|[^.]+\.[^.]+$') END AS domain
    FROM scores WHERE model = 'domain' AND score >= $threshold
), asked AS (
    SELECT e.event_id, e.time, e.src_ip, e.dst_ip, e.dst_port, e.host, e.user_name, e.rcode, bad.*,
        time_bucket(INTERVAL 1 HOUR, e.time) AS hour
    FROM events e JOIN bad ON bad.value = trim(lower(trim(e.query_name)), '.')
    WHERE e.time >= (SELECT time_from FROM span) AND e.time < (SELECT time_to FROM span) AND e.query_name IS NOT NULL
), touched AS (
    SELECT DISTINCT src_ip, tunnel, domain, hour FROM asked
    WHERE event_id BETWEEN $first_event_id AND $last_event_id
), burst AS (
    SELECT a.src_ip, a.tunnel, a.domain, a.hour, max(a.score) AS score, count(*) AS event_count,
        count(DISTINCT a.value) AS name_count,
        count(DISTINCT a.value) FILTER (a.rcode = 'NXDOMAIN') AS missing_count,
        min(a.time) AS first_time, max(a.time) AS last_time, mode(a.dst_ip ORDER BY a.dst_ip) AS dst_ip,
        mode(a.dst_port ORDER BY a.dst_port) AS dst_port, mode(a.host ORDER BY a.host) AS host,
        mode(a.user_name ORDER BY a.user_name) AS user_name, mode(a.label ORDER BY a.label) AS label,
        arg_max(a.value, (a.score, a.value)) AS value, arg_max(a.explanation, (a.score, a.value)) AS explanation,
        list(DISTINCT a.value ORDER BY a.value)[1:10] AS names,
        list(a.event_id ORDER BY a.score DESC, a.time, a.event_id)[1:20] AS event_ids
    FROM asked a
    WHERE EXISTS (FROM touched t WHERE t.hour = a.hour AND t.tunnel = a.tunnel AND t.src_ip IS NOT DISTINCT FROM a.src_ip
        AND t.domain IS NOT DISTINCT FROM a.domain)
    GROUP BY ALL
)
SELECT
    md5(concat_ws('|', 'domain-anomaly', coalesce(src_ip, ''), tunnel, coalesce(domain, ''), hour)) AS finding_id,
    concat_ws('|', 'domain-anomaly', coalesce(src_ip, ''), coalesce(domain, ''), hour::DATE) AS alert_key,
    'domain-anomaly' AS detector, 'trojan' AS risk_type,
    CASE WHEN tunnel THEN 'Names that carry data below ' || domain ELSE 'Generated domain names (' || label || ')' END
        || coalesce(' asked by ' || src_ip, '') AS title,
    CASE WHEN name_count >= 10 AND (tunnel OR 2 * missing_count >= name_count) THEN 'high'
        WHEN name_count >= 4 THEN 'medium' ELSE 'low' END AS severity,
    score, first_time AS time, last_time AS time_last, src_ip, dst_ip, dst_port, host, user_name,
    coalesce(domain, value)[1:500] AS target, event_count,
    CASE WHEN tunnel THEN ['T1071.004', 'T1048.003'] ELSE ['T1568.002'] END AS techniques,
    to_json([
            {field: 'query_name', value: value[1:300], weight: round(score, 3)},
            {field: 'different names', value: name_count || ', ' || missing_count || ' of them unknown (NXDOMAIN): '
                || array_to_string(names, ', ')[1:600], weight: 0.0::DOUBLE}]
        || coalesce(from_json(explanation, '[{"field": "VARCHAR", "value": "VARCHAR", "weight": "DOUBLE"}]'), [])
    )::VARCHAR AS explanation,
    event_ids
FROM burst
