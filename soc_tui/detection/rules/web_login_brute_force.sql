-- Web login brute force: at least $failures login attempts of one source against one server within any $minutes minutes.
-- An attempt is a POST to a login-like path, whatever the answer (applications say "wrong password" with 200, 302 and
-- 401 alike), a 401 anywhere, or a POST that was answered 403. The server is an address or a log's own machine, never the
-- Host header, which the attacker writes. Windows and slots as in ssh_brute_force.sql.
WITH span AS (
    SELECT min(time) AS time_from, max(time) AS time_to FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), attempt AS (
    SELECT event_id, time, src_ip, dst_ip, dst_port, host, url_host, url_path, http_status, bytes_in, user_agent, user_name,
        coalesce(dst_ip, host) AS server,
        floor(epoch(time) / (60 * $minutes))::BIGINT AS slot
    FROM events
    WHERE time BETWEEN (SELECT time_from FROM span) - 3 * to_minutes($minutes) AND (SELECT time_to FROM span) + 3 * to_minutes($minutes)
      AND class_uid = 4002 AND src_ip IS NOT NULL
      AND (http_status = 401 OR http_method = 'POST' AND (http_status = 403 OR regexp_matches(lower(url_path), $login_pattern)))
), touched AS (
    SELECT DISTINCT src_ip, server, slot FROM attempt WHERE event_id BETWEEN $first_event_id AND $last_event_id
), changed AS (
    SELECT DISTINCT src_ip, server, slot + step AS slot FROM touched, (VALUES (-1), (0), (1)) AS steps(step)
), moment AS (
    SELECT src_ip, server, time, count(*) AS tries FROM attempt
    WHERE EXISTS (FROM touched t WHERE t.src_ip = attempt.src_ip AND t.server IS NOT DISTINCT FROM attempt.server)
    GROUP BY src_ip, server, time
), rolling AS (
    SELECT *, sum(tries) OVER (PARTITION BY src_ip, server ORDER BY time
        RANGE BETWEEN to_minutes($minutes) PRECEDING AND CURRENT ROW) AS within
    FROM moment
), judged AS (
    SELECT src_ip, server, time, max(within) OVER (PARTITION BY src_ip, server ORDER BY time
        RANGE BETWEEN CURRENT ROW AND to_minutes($minutes) FOLLOWING) AS peak
    FROM rolling
), part AS (
    SELECT attempt.*, peak
    FROM attempt JOIN judged ON attempt.src_ip = judged.src_ip AND attempt.server IS NOT DISTINCT FROM judged.server AND attempt.time = judged.time
    WHERE peak >= $failures
      AND EXISTS (FROM changed c WHERE c.src_ip = attempt.src_ip AND c.server IS NOT DISTINCT FROM attempt.server AND c.slot = attempt.slot)
), attack AS (
    SELECT src_ip, server, slot, count(*) AS event_count, max(peak)::BIGINT AS peak,
        count(*) FILTER (http_status IN (401, 403)) AS denied, mode(url_path ORDER BY url_path) AS path,
        max(dst_ip) AS dst_ip, max(host) AS host, max(dst_port) AS dst_port, mode(url_host ORDER BY url_host) AS url_host,
        mode(user_name ORDER BY user_name) AS user_name, mode(bytes_in ORDER BY bytes_in) AS usual_size,
        count(DISTINCT user_agent) AS agents, min(time) AS first_time, max(time) AS last_time,
        list(bytes_in) AS sizes,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM part
    GROUP BY src_ip, server, slot
), scored AS (
    SELECT *, least(0.94, 1 - 0.5 * $failures / peak)::DOUBLE AS score,
        len(list_filter(sizes, lambda size: size = usual_size)) AS same_size,
        strftime(make_timestamp((slot * 60 * $minutes * 1000000)::BIGINT), '%Y-%m-%d') AS day
    FROM attack
)
SELECT
    md5(concat_ws('|', 'web-login-brute-force', src_ip, coalesce(server, ''), $minutes, slot)) AS finding_id,
    concat_ws('|', 'web-login-brute-force', src_ip, coalesce(server, ''), day) AS alert_key,
    'web-login-brute-force' AS detector, 'intrusion' AS risk_type,
    'Web login brute force by ' || src_ip || coalesce(' against ' || server, '') AS title,
    CASE WHEN score >= 0.8 THEN 'high' ELSE 'medium' END AS severity,
    score, first_time AS time, last_time AS time_last, src_ip, dst_ip, dst_port, host, user_name,
    (coalesce(url_host, server, '') || coalesce(path, ''))[1:500] AS target, event_count, ['T1110.001'] AS techniques,
    to_json([
        {field: 'attempts within window', value: peak || ' in ' || $minutes || ' min (threshold ' || $failures || ')', weight: round(score, 3)},
        {field: 'refused (401, 403)', value: denied::VARCHAR, weight: round(0.3 * denied / event_count, 3)},
        {field: 'answers of the same size', value: same_size || ' of ' || event_count, weight: round(0.2 * same_size / event_count, 3)},
        {field: 'url_path', value: coalesce(path, '')[1:200], weight: 0.1},
        {field: 'user agents', value: agents::VARCHAR, weight: 0.0}])::VARCHAR AS explanation,
    event_ids
FROM scored
