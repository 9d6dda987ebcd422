-- Guessed passwords of databases, mail, FTP and other services (SSH and the web have rules of their own): at least
-- $failures failed logins of one source against one service of one machine within any $minutes minutes; and a login of
-- that source within the hour after such a burst, which is the graver finding. One finding of each kind per source, service,
-- machine and hour. MySQL writes a connection before it checks the password: it got in when statements follow.
WITH span AS (  -- the hours that the new events can change
    SELECT time_bucket(INTERVAL 1 HOUR, min(time) - to_minutes($minutes)) AS hour_from,
        time_bucket(INTERVAL 1 HOUR, max(time) + INTERVAL 1 HOUR + to_minutes($minutes)) AS hour_to,
        hour_from - INTERVAL 1 HOUR - 2 * to_minutes($minutes) AS time_from, hour_to + INTERVAL 1 HOUR + to_minutes($minutes) AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), worked AS (
    SELECT source_id, session_uid, bool_or(event_id BETWEEN $first_event_id AND $last_event_id) AS fresh FROM events
    WHERE time BETWEEN (SELECT time_from FROM span) AND (SELECT time_to FROM span)
      AND class_uid = 6000 AND product = 'mysql' AND log_name = 'general' AND session_uid IS NOT NULL
    GROUP BY ALL
), attempt AS (
    SELECT e.event_id, e.time, time_bucket(INTERVAL 1 HOUR, e.time) AS hour, e.src_ip, coalesce(e.service, e.process, e.product) AS service,
        coalesce(e.host, e.dst_ip) AS machine, e.user_name, e.host, e.dst_ip, e.dst_port, coalesce(e.status = 'failure', false) AS failed,
        coalesce(w.fresh AND e.activity = 'connect', false) AS fresh
    FROM events e LEFT JOIN worked w ON w.source_id = e.source_id AND w.session_uid = e.session_uid
    WHERE e.time BETWEEN (SELECT time_from FROM span) AND (SELECT time_to FROM span) AND e.class_uid = 3002 AND e.src_ip IS NOT NULL
      AND coalesce(e.service, '') NOT IN ('ssh', 'http')
      AND (e.activity = 'logon' AND e.status IN ('failure', 'success')
           OR e.activity = 'connect' AND e.product = 'mysql' AND w.source_id IS NOT NULL)
), touched AS (
    SELECT DISTINCT src_ip, service, machine FROM attempt WHERE fresh OR event_id BETWEEN $first_event_id AND $last_event_id
), busy AS (
    SELECT a.src_ip, a.service, a.machine FROM attempt a JOIN touched t ON a.src_ip = t.src_ip AND a.service = t.service AND a.machine IS NOT DISTINCT FROM t.machine
    WHERE failed GROUP BY ALL HAVING count(*) >= $failures
), mine AS (
    SELECT a.* FROM attempt a JOIN busy b ON a.src_ip = b.src_ip AND a.service = b.service AND a.machine IS NOT DISTINCT FROM b.machine
), rolling AS (
    SELECT *, count(*) FILTER (failed) OVER (PARTITION BY src_ip, service, machine ORDER BY time
        RANGE BETWEEN to_minutes($minutes) PRECEDING AND CURRENT ROW) AS within
    FROM mine
), judged AS (
    SELECT *, max(within) OVER (PARTITION BY src_ip, service, machine ORDER BY time RANGE BETWEEN CURRENT ROW AND to_minutes($minutes) FOLLOWING) AS peak,
        max(within) OVER (PARTITION BY src_ip, service, machine ORDER BY time RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND CURRENT ROW) AS before
    FROM rolling
), part AS (
    SELECT *, 'guess' AS kind, peak AS burst FROM judged WHERE failed AND peak >= $failures
    UNION ALL BY NAME
    SELECT *, 'in' AS kind, before AS burst FROM judged WHERE NOT failed AND before >= $failures
), found AS (
    SELECT p.kind, p.src_ip, p.service, p.machine, p.hour, count(*) AS event_count, max(p.burst)::BIGINT AS burst, min(p.time) AS first_time,
        max(p.time) AS last_time, count(DISTINCT p.user_name) AS users, mode(p.user_name ORDER BY p.user_name) AS account,
        bool_or(EXISTS (FROM mine m WHERE m.failed AND m.src_ip = p.src_ip AND m.service = p.service AND m.machine IS NOT DISTINCT FROM p.machine
            AND m.user_name = p.user_name AND m.time BETWEEN p.time - INTERVAL 1 HOUR - to_minutes($minutes) AND p.time)) AS account_tried, max(p.host) AS host, max(p.dst_ip) AS dst_ip, max(p.dst_port) AS dst_port,
        list_transform(min({'time': p.time, 'event_id': p.event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM part p
    WHERE p.hour BETWEEN (SELECT hour_from FROM span) AND (SELECT hour_to FROM span)
    GROUP BY ALL
), scored AS (
    SELECT *, CASE WHEN kind = 'guess' THEN least(0.94, 1 - 0.5 * $failures / burst) WHEN account_tried THEN 0.97 ELSE 0.85 END::DOUBLE AS score FROM found
)
SELECT
    md5(concat_ws('|', 'login-brute-force', kind, src_ip, service, coalesce(machine, ''), hour)) AS finding_id,
    concat_ws('|', 'login-brute-force', kind, src_ip, service, coalesce(machine, ''), hour::DATE) AS alert_key,
    'login-brute-force' AS detector, 'intrusion' AS risk_type,
    CASE kind WHEN 'guess' THEN 'Guessed ' || service || ' passwords by ' || src_ip ELSE service || ' login after failures by ' || src_ip || coalesce(' as ' || account[1:64], '') END
        || coalesce(' on ' || machine, '') AS title,
    CASE WHEN score >= 0.95 THEN 'critical' WHEN score >= 0.8 THEN 'high' ELSE 'medium' END AS severity,
    score, first_time AS time, last_time AS time_last, src_ip, dst_ip, dst_port::INTEGER AS dst_port, host, account AS user_name,
    coalesce(machine || ' ', '') || service AS target, event_count,
    CASE WHEN kind = 'in' THEN ['T1078', 'T1110.001'] WHEN users >= 5 THEN ['T1110.001', 'T1110.003'] ELSE ['T1110.001'] END AS techniques,
    to_json([
        {field: 'failures within window', value: burst || ' in ' || $minutes || ' min (threshold ' || $failures || ')', weight: round(score, 3)},
        {field: 'distinct users', value: users::VARCHAR, weight: 0.0::DOUBLE},
        {field: 'user_name', value: coalesce(account, 'not logged')[1:64], weight: CASE WHEN kind = 'in' AND account_tried THEN 0.4 ELSE 0.0 END}])::VARCHAR AS explanation,
    event_ids
FROM scored
