-- Signs: single records worth seeing, by the table signs.yaml (soc_tui/detection/signs.py puts its conditions in here).
-- One finding per sign, source, machine, account and minute; one alert per day and family, or for good where the sign only
-- says that something is new. A minute that the new events touch is read whole, so nothing depends on how they were cut.
-- The source is the address that the format took from where only the program writes, never a client.
WITH span AS (
    SELECT time_bucket(INTERVAL 1 MINUTE, min(time)) AS time_from, time_bucket(INTERVAL 1 MINUTE, max(time)) + INTERVAL 1 MINUTE AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), kept AS (
    SELECT event_id, time, time_bucket(INTERVAL 1 MINUTE, time) AS minute, class_uid, activity, product, process, log_name, status,
        service, src_ip, src_port, dst_ip, dst_port, host, user_name, message, http_method, url_path, url_query, user_agent,
        http_status, extra, source_id, session_uid
    FROM events
    WHERE time >= (SELECT time_from FROM span) AND time < (SELECT time_to FROM span)
      AND ({candidates})
), minutes AS (
    SELECT DISTINCT minute FROM kept WHERE event_id BETWEEN $first_event_id AND $last_event_id
), seen AS (
    SELECT *, {sign} AS sign FROM kept SEMI JOIN minutes USING (minute)
), signed AS (
    SELECT *, coalesce(session_uid, extra ->> '$.pid') AS session FROM seen WHERE sign IS NOT NULL
), opened AS (  -- a database names account and address when a session begins, not with every statement
    SELECT source_id, coalesce(session_uid, extra ->> '$.pid') AS session, time, arg_max(user_name, event_id) AS user_name, arg_max(src_ip, event_id) AS src_ip
    FROM events
    WHERE time >= (SELECT time_from FROM span) - INTERVAL 24 HOUR AND time < (SELECT time_to FROM span)
      AND class_uid = 3002 AND product IN ('mysql', 'postgresql') AND (activity = 'connect' OR activity = 'logon' AND status = 'success')
    GROUP BY ALL
), named AS (
    SELECT event_id, s.time, minute, sign, coalesce({actor}, s.src_ip, o.src_ip) AS actor, dst_ip, dst_port, host,
        coalesce(s.user_name, o.user_name)[1:200] AS account,
        CASE WHEN class_uid = 4002 THEN concat_ws(' ', http_method, url_path || coalesce('?' || nullif(url_query, ''), ''))
            ELSE coalesce(message, '') END AS words,
        user_agent, coalesce(process, product) AS program, coalesce(service, process, product) AS service, http_status
    FROM signed s ASOF LEFT JOIN opened o ON s.source_id = o.source_id AND s.session = o.session AND s.time >= o.time
), found AS (
    SELECT sign, actor, host, account, minute, count(*) AS event_count, min(time) AS first_time, max(time) AS last_time,
        max(dst_ip) AS dst_ip, max(dst_port) AS dst_port, min(words) AS words, min(user_agent) AS user_agent, min(program) AS program, min(service) AS service,
        max(http_status) AS http_status,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM named GROUP BY ALL
    HAVING bool_or(event_id BETWEEN $first_event_id AND $last_event_id)
), sign(number, name, title, severity, score, risk_type, techniques, family, known) AS (VALUES {signs})
SELECT
    md5(concat_ws('|', 'log-sign', name, coalesce(actor, ''), coalesce(host, ''), coalesce(account, ''), minute)) AS finding_id,
    -- failed logins have the keys of the rules that count them, so that what grows into an attack stays one alert; else one
    -- source is not told apart by the names it tries
    CASE WHEN family = 'login' AND actor IS NOT NULL AND service = 'ssh'
            THEN concat_ws('|', 'ssh-brute-force', actor, coalesce(host, dst_ip, ''), strftime(minute, '%Y-%m-%d'))
        WHEN family = 'login' AND actor IS NOT NULL
            THEN concat_ws('|', 'login-brute-force', 'guess', actor, service, coalesce(host, dst_ip, ''), minute::DATE)
        ELSE concat_ws('|', 'log-sign', family, coalesce(actor, ''), coalesce(host, ''),
            CASE WHEN known OR actor IS NULL THEN coalesce(account, '') END, CASE WHEN NOT known THEN minute::DATE END) END AS alert_key,
    'log-sign' AS detector, risk_type,
    title || coalesce(' by ' || actor, '') || coalesce(' as ' || account[1:64], '') || coalesce(' on ' || host, '') AS title,
    severity, score, first_time AS time, last_time AS time_last, actor AS src_ip, dst_ip, dst_port::INTEGER AS dst_port, host,
    account AS user_name, words[1:500] AS target, event_count, techniques,
    to_json(list_filter([
        {field: 'sign', value: name, weight: score},
        {field: 'record', value: words[1:300], weight: 0.1::DOUBLE},
        {field: 'program', value: coalesce(program, ''), weight: 0.0::DOUBLE},
        {field: 'user_agent', value: coalesce(user_agent, '')[1:200], weight: 0.0::DOUBLE},
        {field: 'http_status', value: coalesce(http_status::VARCHAR, ''), weight: 0.0::DOUBLE}], lambda one: one.value <> ''))::VARCHAR AS explanation,
    event_ids
FROM found JOIN sign ON sign.number = found.sign
