-- Signs: single records worth seeing, by the table signs.yaml (soc_tui/detection/signs.py puts its conditions in here).
-- One finding per sign, source, machine and hour, and per account where there is no source or the sign says that something
-- is new; one alert per day and family, or for good where the sign only says that something is new. Of the hours in which
-- new events are signs, whatever can be of the same finding is read whole, so nothing depends on how they were cut.
-- Requests are judged once for all that are alike. First only ids and signs: most events are none, and a wide row is dear.
-- The source is the address that the format took from where only the program writes, never a client.
WITH request AS MATERIALIZED (
    SELECT *, {sign_of_request} AS request_sign
    FROM (SELECT DISTINCT 4002 AS class_uid, http_method, url_path, url_query, user_agent FROM events
          WHERE event_id BETWEEN $first_event_id AND $last_event_id AND class_uid = 4002)
), fresh AS MATERIALIZED (
    SELECT event_id, time_bucket(INTERVAL 1 HOUR, time) AS hour, {sign_by_request} AS sign
    FROM (
        SELECT e.*, r.request_sign
        FROM (FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id AND time IS NOT NULL AND ({candidates})) e
        LEFT JOIN (FROM request WHERE request_sign IS NOT NULL) r ON e.class_uid = r.class_uid
            AND e.http_method IS NOT DISTINCT FROM r.http_method AND e.url_path IS NOT DISTINCT FROM r.url_path
            AND e.url_query IS NOT DISTINCT FROM r.url_query AND e.user_agent IS NOT DISTINCT FROM r.user_agent)
), stretch AS (
    SELECT min(hour) AS time_from, max(hour) + INTERVAL 1 HOUR AS time_to FROM fresh WHERE sign IS NOT NULL
), place AS (  -- the source of a request is never another than its address
    SELECT DISTINCT hour, class_uid, host, CASE WHEN class_uid = 4002 THEN src_ip END AS client
    FROM events JOIN (FROM fresh WHERE sign IS NOT NULL) USING (event_id)
    WHERE event_id BETWEEN $first_event_id AND $last_event_id
), earlier AS MATERIALIZED (
    SELECT event_id, {sign} AS sign
    FROM (FROM events WHERE time >= (SELECT time_from FROM stretch) AND time < (SELECT time_to FROM stretch)
        AND NOT event_id BETWEEN $first_event_id AND $last_event_id AND ({candidates})) e
    WHERE EXISTS (FROM place p WHERE p.hour = time_bucket(INTERVAL 1 HOUR, e.time) AND p.class_uid IS NOT DISTINCT FROM e.class_uid
        AND p.host IS NOT DISTINCT FROM e.host AND p.client IS NOT DISTINCT FROM CASE WHEN e.class_uid = 4002 THEN e.src_ip END)
), signed AS (
    SELECT event_id, time, time_bucket(INTERVAL 1 HOUR, time) AS hour, sign, class_uid, product, process, service, src_ip, dst_ip, dst_port,
        host, user_name, message, http_method, url_path, url_query, user_agent, http_status, source_id,
        CASE WHEN product IN ('mysql', 'mariadb', 'postgresql') THEN coalesce(session_uid, extra ->> '$.pid') END AS session
    FROM events JOIN (SELECT event_id, sign FROM fresh WHERE sign IS NOT NULL UNION ALL FROM earlier WHERE sign IS NOT NULL) USING (event_id)
    WHERE time >= (SELECT time_from FROM stretch) AND time < (SELECT time_to FROM stretch)
), opened AS (  -- a database names account and address when a session begins, not with every statement
    SELECT source_id, coalesce(session_uid, extra ->> '$.pid') AS session, time, arg_max(user_name, event_id) AS user_name, arg_max(src_ip, event_id) AS src_ip
    FROM events
    WHERE time >= (SELECT time_from FROM stretch) - INTERVAL 24 HOUR AND time < (SELECT time_to FROM stretch)
      AND class_uid = 3002 AND product IN ('mysql', 'postgresql') AND (activity = 'connect' OR activity = 'logon' AND status = 'success')
    GROUP BY ALL
), owned AS (
    SELECT s.*, o.user_name AS opened_by, o.src_ip AS opened_from
    FROM (FROM signed WHERE session IS NOT NULL) s ASOF LEFT JOIN opened o ON s.source_id = o.source_id AND s.session = o.session AND s.time >= o.time
    UNION ALL BY NAME
    FROM signed WHERE session IS NULL
), named AS (
    SELECT event_id, time, hour, sign, coalesce({actor}, src_ip, opened_from) AS actor, dst_ip, dst_port, host,
        coalesce(user_name, opened_by)[1:200] AS account, sign IN ({known}) OR actor IS NULL AS apart,
        CASE WHEN class_uid = 4002 THEN concat_ws(' ', http_method, url_path || coalesce('?' || nullif(url_query, ''), ''))
            ELSE coalesce(message, '') END AS words,
        user_agent, coalesce(process, product) AS program, coalesce(service, process, product) AS service, http_status
    FROM owned
), found AS (
    SELECT sign, actor, host, CASE WHEN apart THEN account END AS only_account, hour, count(*) AS event_count, min(time) AS first_time,
        max(time) AS last_time, mode(account ORDER BY account) AS account, count(DISTINCT account) AS accounts,
        max(dst_ip) AS dst_ip, max(dst_port) AS dst_port, min(words) AS words, min(user_agent) AS user_agent, min(program) AS program, min(service) AS service,
        max(http_status) AS http_status,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM named GROUP BY ALL
    HAVING bool_or(event_id BETWEEN $first_event_id AND $last_event_id)
), sign(number, name, title, severity, score, risk_type, techniques, family, known) AS (VALUES {signs})
SELECT
    md5(concat_ws('|', 'log-sign', name, coalesce(actor, ''), coalesce(host, ''), coalesce(only_account, ''), hour)) AS finding_id,
    -- failed logins have the keys of the rules that count them, so that what grows into an attack stays one alert; else one
    -- source is not told apart by the names it tries
    CASE WHEN family = 'login' AND actor IS NOT NULL AND service = 'ssh'
            THEN concat_ws('|', 'ssh-brute-force', actor, coalesce(host, dst_ip, ''), strftime(hour, '%Y-%m-%d'))
        WHEN family = 'login' AND actor IS NOT NULL
            THEN concat_ws('|', 'login-brute-force', 'guess', actor, service, coalesce(host, dst_ip, ''), hour::DATE)
        ELSE concat_ws('|', 'log-sign', family, coalesce(actor, ''), coalesce(host, ''),
            CASE WHEN known OR actor IS NULL THEN coalesce(account, '') END, CASE WHEN NOT known THEN hour::DATE END) END AS alert_key,
    'log-sign' AS detector, risk_type,
    title || coalesce(' by ' || actor, '') || coalesce(' as ' || account[1:64], '') || coalesce(' on ' || host, '') AS title,
    severity, score, first_time AS time, last_time AS time_last, actor AS src_ip, dst_ip, dst_port::INTEGER AS dst_port, host,
    account AS user_name, words[1:500] AS target, event_count, techniques,
    to_json(list_filter([
        {field: 'sign', value: name, weight: score},
        {field: 'record', value: words[1:300], weight: 0.1::DOUBLE},
        {field: 'program', value: coalesce(program, ''), weight: 0.0::DOUBLE},
        {field: 'accounts', value: CASE WHEN accounts > 1 THEN accounts::VARCHAR ELSE '' END, weight: 0.0::DOUBLE},
        {field: 'user_agent', value: coalesce(user_agent, '')[1:200], weight: 0.0::DOUBLE},
        {field: 'http_status', value: coalesce(http_status::VARCHAR, ''), weight: 0.0::DOUBLE}], lambda one: one.value <> ''))::VARCHAR AS explanation,
    event_ids
FROM found JOIN sign ON sign.number = found.sign
