-- Resolver drift: a machine inside asks a resolver that is none of the known ones ($resolvers), or, where none are set, one
-- outside that nobody inside asked the day before (a day with at least 200 questions). One finding per client, resolver
-- and day, from 10 questions on. What asks more than 10 servers a day is a resolver itself and looks for names by asking
-- their owners.
WITH span AS (
    SELECT min(time)::DATE AS time_from, max(time)::DATE + INTERVAL 1 DAY AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id AND class_uid = 4003
), asked AS (
    SELECT event_id, time, time::DATE AS day, src_ip, dst_ip, dst_port, host, query_name
    FROM events
    WHERE time >= (SELECT time_from FROM span) - INTERVAL 1 DAY AND time < (SELECT time_to FROM span) AND class_uid = 4003
      AND dst_port IN (53, 853) AND src_ip IS NOT NULL AND dst_ip IS NOT NULL AND regexp_matches(src_ip, $private)
      AND NOT regexp_matches(dst_ip, '^(?:22[4-9]|23\d|255)\.|^(?i:ff[0-9a-f]{2}):|^127\.|^::1$')
), client AS (
    SELECT src_ip, day FROM asked GROUP BY ALL HAVING count(DISTINCT dst_ip) <= 10
), touched AS (
    SELECT DISTINCT src_ip, dst_ip, day FROM asked WHERE event_id BETWEEN $first_event_id AND $last_event_id
), known AS (  -- by day: those of the settings, else those of the day before when that day is worth believing
    SELECT DISTINCT a.dst_ip, a.day + 1 AS day FROM asked a
    WHERE len($resolvers::VARCHAR[]) = 0
), believed AS (
    SELECT DISTINCT day + 1 AS day FROM asked WHERE len($resolvers::VARCHAR[]) = 0 GROUP BY day HAVING count(*) >= 200
), strange AS (
    SELECT a.src_ip, a.dst_ip, a.day, count(*) AS questions, min(time) AS first_time, max(time) AS last_time, max(a.host) AS host,
        mode(dst_port ORDER BY dst_port) AS dst_port, min(query_name) AS example,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM asked a SEMI JOIN touched USING (src_ip, dst_ip, day) SEMI JOIN client USING (src_ip, day)
    WHERE CASE WHEN len($resolvers::VARCHAR[]) > 0 THEN NOT list_contains($resolvers::VARCHAR[], a.dst_ip) AND NOT list_contains($resolvers::VARCHAR[], a.src_ip)
        ELSE a.day IN (FROM believed) AND NOT regexp_matches(a.dst_ip, $private) END
    GROUP BY ALL HAVING count(*) >= 10
)
SELECT
    md5(concat_ws('|', 'unknown-resolver', src_ip, dst_ip, day)) AS finding_id,
    concat_ws('|', 'unknown-resolver', src_ip, dst_ip, day) AS alert_key,
    'unknown-resolver' AS detector, 'domain-hijack' AS risk_type,
    src_ip || ' asks the resolver ' || dst_ip || CASE WHEN len($resolvers::VARCHAR[]) > 0 THEN ', which is not known' ELSE ', which is new here' END AS title,
    CASE WHEN len($resolvers::VARCHAR[]) > 0 THEN 'medium' ELSE 'low' END AS severity,
    CASE WHEN len($resolvers::VARCHAR[]) > 0 THEN 0.6 ELSE 0.4 END::DOUBLE AS score,
    first_time AS time, last_time AS time_last, dst_ip AS src_ip, src_ip AS dst_ip, dst_port::INTEGER AS dst_port, host,
    NULL::VARCHAR AS user_name, dst_ip AS target, questions AS event_count, ['T1557', 'T1584.002'] AS techniques,
    to_json([
        {field: 'resolver', value: dst_ip, weight: 0.6},
        {field: 'questions', value: questions::VARCHAR, weight: 0.1},
        {field: 'query_name', value: coalesce(example, '')[1:300], weight: 0.0}])::VARCHAR AS explanation,
    event_ids
FROM strange
WHERE NOT EXISTS (FROM known k WHERE k.dst_ip = strange.dst_ip AND k.day = strange.day)
