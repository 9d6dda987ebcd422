-- SSH brute force: at least $failures failed logins of one source against one machine within any $minutes minutes.
-- A failure belongs to the attack when it lies in such a window, so an attack is counted once, whatever the slots it is
-- reported in (one finding per source, machine and slot of $minutes) and whatever order its lines arrive in: the slots
-- that the new events can change are recomputed from all their events.
WITH span AS (
    SELECT min(time) AS time_from, max(time) AS time_to FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), failure AS (
    SELECT event_id, time, src_ip, user_name, host, dst_ip, dst_port,
        CASE product WHEN 'zeek' THEN dst_ip ELSE coalesce(host, dst_ip) END AS machine,
        -- syslog folds equal lines: "message repeated N times"
        CASE WHEN contains(extra, '"repeat"')
            THEN greatest(1, least(100000, coalesce(try_cast(json_extract_string(extra, '$.repeat') AS INTEGER), 1))) ELSE 1 END AS tries,
        floor(epoch(time) / (60 * $minutes))::BIGINT AS slot
    FROM events
    WHERE time BETWEEN (SELECT time_from FROM span) - 3 * to_minutes($minutes) AND (SELECT time_to FROM span) + 3 * to_minutes($minutes)
      AND status = 'failure' AND src_ip IS NOT NULL
      AND (class_uid = 3002 AND service = 'ssh' AND activity = 'logon' OR class_uid = 4007 AND product = 'zeek' AND log_name = 'ssh')
), touched AS (
    SELECT DISTINCT src_ip, machine, slot FROM failure WHERE event_id BETWEEN $first_event_id AND $last_event_id
), changed AS (  -- a failure changes what its neighbours within $minutes count, so at most the next slots
    SELECT DISTINCT src_ip, machine, slot + step AS slot FROM touched, (VALUES (-1), (0), (1)) AS steps(step)
), moment AS (  -- what failed at the same time counts the same: a log of whole seconds has far fewer of them than lines
    SELECT src_ip, machine, time, sum(tries) AS tries FROM failure
    WHERE EXISTS (FROM touched t WHERE t.src_ip = failure.src_ip AND t.machine IS NOT DISTINCT FROM failure.machine)
    GROUP BY src_ip, machine, time
), rolling AS (
    SELECT *, sum(tries) OVER (PARTITION BY src_ip, machine ORDER BY time
        RANGE BETWEEN to_minutes($minutes) PRECEDING AND CURRENT ROW) AS within
    FROM moment
), judged AS (
    SELECT src_ip, machine, time, max(within) OVER (PARTITION BY src_ip, machine ORDER BY time
        RANGE BETWEEN CURRENT ROW AND to_minutes($minutes) FOLLOWING) AS peak
    FROM rolling
), part AS (
    SELECT failure.*, peak
    FROM failure JOIN judged ON failure.src_ip = judged.src_ip AND failure.machine IS NOT DISTINCT FROM judged.machine AND failure.time = judged.time
    WHERE peak >= $failures
      AND EXISTS (FROM changed c WHERE c.src_ip = failure.src_ip AND c.machine IS NOT DISTINCT FROM failure.machine AND c.slot = failure.slot)
), attack AS (
    SELECT src_ip, machine, slot, sum(tries)::BIGINT AS failures, count(*) AS event_count, max(peak)::BIGINT AS peak,
        count(DISTINCT user_name) AS users, min(time) AS first_time, max(time) AS last_time,
        mode(user_name ORDER BY user_name) AS top_user, max(dst_ip) AS dst_ip, max(host) AS host, max(dst_port) AS dst_port,
        list_sort(list(DISTINCT user_name[1:64]))[1:10] AS names,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM part
    GROUP BY src_ip, machine, slot
), scored AS (
    -- at the threshold 0.5, at 2.5 times it 0.8; failures alone are never critical
    SELECT *, least(0.94, 1 - 0.5 * $failures / peak)::DOUBLE AS score, users >= 5 AS sprayed,
        strftime(make_timestamp((slot * 60 * $minutes * 1000000)::BIGINT), '%Y-%m-%d') AS day
    FROM attack
)
SELECT
    md5(concat_ws('|', 'ssh-brute-force', src_ip, coalesce(machine, ''), $minutes, slot)) AS finding_id,
    concat_ws('|', 'ssh-brute-force', src_ip, coalesce(machine, ''), day) AS alert_key,
    'ssh-brute-force' AS detector, 'intrusion' AS risk_type,
    'SSH brute force by ' || src_ip || coalesce(' against ' || machine, '') AS title,
    CASE WHEN score >= 0.8 THEN 'high' ELSE 'medium' END AS severity,
    score, first_time AS time, last_time AS time_last, src_ip, dst_ip, coalesce(dst_port, 22)::INTEGER AS dst_port, host,
    top_user AS user_name, machine AS target, event_count,
    CASE WHEN sprayed AND failures > users THEN ['T1110.001', 'T1110.003'] WHEN sprayed THEN ['T1110.003'] ELSE ['T1110.001'] END AS techniques,
    to_json([
        {field: 'failures', value: failures::VARCHAR, weight: round(score, 3)},
        {field: 'failures within window', value: peak || ' in ' || $minutes || ' min (threshold ' || $failures || ')', weight: round(score, 3)},
        {field: 'distinct users', value: users::VARCHAR, weight: CASE WHEN sprayed THEN 0.3 ELSE 0.0 END},
        {field: 'users', value: array_to_string(names, ', '), weight: 0.0}])::VARCHAR AS explanation,
    event_ids
FROM scored
