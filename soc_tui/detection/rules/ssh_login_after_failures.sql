-- An SSH login by a source that had failed at least $failures times in the 24 hours before, against any machine.
-- One finding per source, machine, user and hour of login; the hours that the new events can change are recomputed.
-- Somebody who mistypes also fails ten times a day. So it is critical only when the failures came in a burst
-- ($failures within $minutes minutes, what ssh_brute_force.sql calls an attack) and the account was among those tried.
WITH span AS (
    SELECT min(time) AS time_from, max(time) AS time_to FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), inside AS (  -- most sources only fail: those that got in are few, and nothing is read of the others
    SELECT DISTINCT src_ip FROM events
    WHERE time BETWEEN date_trunc('hour', (SELECT time_from FROM span)) AND (SELECT time_to FROM span) + INTERVAL 25 HOUR
      AND status = 'success' AND src_ip IS NOT NULL
      AND (class_uid = 3002 AND service = 'ssh' AND activity = 'logon' OR class_uid = 4007 AND product = 'zeek' AND log_name = 'ssh')
), login AS (
    SELECT event_id, time, src_ip, user_name, host, dst_ip, dst_port, status,
        CASE product WHEN 'zeek' THEN dst_ip ELSE coalesce(host, dst_ip) END AS machine,
        CASE WHEN status = 'success' THEN 0 WHEN contains(extra, '"repeat"')
            THEN greatest(1, least(100000, coalesce(try_cast(json_extract_string(extra, '$.repeat') AS INTEGER), 1))) ELSE 1 END AS tries
    FROM events SEMI JOIN inside USING (src_ip)
    WHERE time BETWEEN (SELECT time_from FROM span) - INTERVAL 25 HOUR - to_minutes($minutes) AND (SELECT time_to FROM span) + INTERVAL 25 HOUR
      AND status IN ('success', 'failure') AND src_ip IS NOT NULL
      AND (class_uid = 3002 AND service = 'ssh' AND activity = 'logon' OR class_uid = 4007 AND product = 'zeek' AND log_name = 'ssh')
), touched AS (
    SELECT DISTINCT src_ip FROM login WHERE event_id BETWEEN $first_event_id AND $last_event_id
), moment AS (  -- what happened at the same time counts the same: a log of whole seconds has fewer of them than lines
    SELECT src_ip, time, sum(tries) AS tries FROM login WHERE src_ip IN (FROM touched) GROUP BY src_ip, time
), rolling AS (
    SELECT src_ip, time,
        sum(tries) OVER (PARTITION BY src_ip ORDER BY time RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND CURRENT ROW) AS failures,
        sum(tries) OVER (PARTITION BY src_ip ORDER BY time RANGE BETWEEN to_minutes($minutes) PRECEDING AND CURRENT ROW) AS within
    FROM moment
), judged AS (
    SELECT *, max(within) OVER (PARTITION BY src_ip ORDER BY time RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND CURRENT ROW) AS peak
    FROM rolling
), entrance AS (
    SELECT login.*, failures, peak, date_trunc('hour', time) AS hour
    FROM login JOIN judged USING (src_ip, time)
    WHERE status = 'success' AND failures >= $failures
      AND date_trunc('hour', time) BETWEEN date_trunc('hour', (SELECT time_from FROM span)) AND date_trunc('hour', (SELECT time_to FROM span) + INTERVAL 24 HOUR)
), own AS (  -- the failures of the accounts that got in
    SELECT src_ip, user_name, time,
        sum(sum(tries)) OVER (PARTITION BY src_ip, user_name ORDER BY time RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND CURRENT ROW) AS own_failures
    FROM login
    WHERE EXISTS (FROM entrance e WHERE e.src_ip = login.src_ip AND e.user_name IS NOT DISTINCT FROM login.user_name)
    GROUP BY src_ip, user_name, time
), entry AS (
    SELECT src_ip, machine, user_name, hour, max(failures)::BIGINT AS failures, max(own_failures)::BIGINT AS own_failures, max(peak)::BIGINT AS peak,
        count(*) AS event_count, min(time) AS first_time, max(time) AS last_time,
        max(dst_ip) AS dst_ip, max(host) AS host, max(dst_port) AS dst_port,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM (SELECT e.*, o.own_failures FROM entrance e
        JOIN own o ON e.src_ip = o.src_ip AND e.time = o.time AND e.user_name IS NOT DISTINCT FROM o.user_name)
    GROUP BY src_ip, machine, user_name, hour
), scored AS (
    SELECT *, user_name IS NULL OR own_failures > 0 AS tried,  -- a log without names cannot clear the account
        CASE WHEN peak >= $failures AND tried THEN 0.97 WHEN peak >= $failures OR tried THEN 0.85 ELSE 0.6 END::DOUBLE AS score FROM entry
)
SELECT
    md5(concat_ws('|', 'ssh-login-after-failures', src_ip, coalesce(machine, ''), coalesce(user_name, ''), hour)) AS finding_id,
    concat_ws('|', 'ssh-login-after-failures', src_ip, coalesce(machine, ''), hour::DATE::VARCHAR, coalesce(user_name, '')) AS alert_key,
    'ssh-login-after-failures' AS detector, 'intrusion' AS risk_type,
    'SSH login after failures by ' || src_ip || coalesce(' on ' || machine, '') || coalesce(' as ' || user_name[1:64], '') AS title,
    CASE WHEN score >= 0.95 THEN 'critical' WHEN score >= 0.8 THEN 'high' ELSE 'medium' END AS severity,
    score, first_time AS time, last_time AS time_last, src_ip, dst_ip, coalesce(dst_port, 22)::INTEGER AS dst_port, host,
    user_name, machine AS target, event_count, ['T1078', 'T1110.001'] AS techniques,
    to_json([
        {field: 'failures before', value: failures || ' in 24 h (threshold ' || $failures || ')', weight: 0.5},
        {field: 'failures in a burst', value: peak || ' in ' || $minutes || ' min', weight: CASE WHEN peak >= $failures THEN 0.4 ELSE -0.1 END},
        {field: 'failures of this user', value: own_failures::VARCHAR, weight: CASE WHEN own_failures > 0 THEN 0.4 ELSE -0.1 END},
        {field: 'user_name', value: coalesce(user_name, 'not logged')[1:64], weight: 0.1}])::VARCHAR AS explanation,
    event_ids
FROM scored
