-- Mass reads from a database: one session or account reads at least $tables whole tables (SELECT * without a condition, COPY
-- to the client, mysqldump) or is sent at least $rows rows (slow log) within an hour. One finding per server, account (else
-- session) and hour. MySQL's general log names account and address only when a session begins: they are taken from there.
WITH span AS (
    SELECT time_bucket(INTERVAL 1 HOUR, min(time)) AS time_from, time_bucket(INTERVAL 1 HOUR, max(time)) + INTERVAL 1 HOUR AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id AND product IN ('mysql', 'postgresql')
), statement AS (
    SELECT event_id, time, time_bucket(INTERVAL 1 HOUR, time) AS hour, source_id, product, host, user_name, src_ip, session_uid,
        coalesce(session_uid, extra ->> '$.pid') AS session,
        lower(regexp_extract(message, '(?is)^\s*(?:duration: [0-9.]+ ms\s+)?(?:statement: |execute [^:]*: )?(?:select\s+(?:/\*!40001 SQL_NO_CACHE \*/\s+)?\*\s+from|copy)\s+([\w."`]+)\s*(?:;?\s*$|(?:\([^)]*\)\s+)?to\s+stdout\b)', 1)) AS named,
        coalesce(try_cast(extra ->> '$.rows_sent' AS BIGINT), 0) AS rows_sent, message
    FROM events
    WHERE time >= (SELECT time_from FROM span) AND time < (SELECT time_to FROM span) AND class_uid = 6000
      AND product IN ('mysql', 'postgresql') AND activity IN ('query', 'execute', 'audit')
      AND (contains(lower(message), 'select') OR contains(lower(message), 'copy'))
), opened AS (
    SELECT source_id, coalesce(session_uid, extra ->> '$.pid') AS session, time, arg_max(user_name, event_id) AS user_name, arg_max(src_ip, event_id) AS src_ip
    FROM events
    WHERE time >= (SELECT time_from FROM span) - INTERVAL 24 HOUR AND time < (SELECT time_to FROM span)
      AND class_uid = 3002 AND product IN ('mysql', 'postgresql') AND (activity = 'connect' OR activity = 'logon' AND status = 'success')
    GROUP BY ALL
), read AS (
    SELECT s.event_id, s.time, s.hour, s.product, s.host, nullif(s.named, '') AS read_table, s.rows_sent, s.message,
        coalesce(s.user_name, o.user_name) AS account, coalesce(s.src_ip, o.src_ip) AS actor, s.session
    FROM statement s ASOF LEFT JOIN opened o ON s.source_id = o.source_id AND s.session = o.session AND s.time >= o.time
    WHERE s.named <> '' OR s.rows_sent > 0
), touched AS (
    SELECT DISTINCT hour FROM read WHERE event_id BETWEEN $first_event_id AND $last_event_id
), found AS (
    SELECT product, host, account, actor, CASE WHEN account IS NULL AND actor IS NULL THEN session END AS nameless, hour,
        count(*) AS event_count, count(DISTINCT read_table) AS tables_read, sum(rows_sent)::BIGINT AS rows_read, min(time) AS first_time,
        max(time) AS last_time, list(DISTINCT read_table ORDER BY read_table)[1:10] AS examples,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM read SEMI JOIN touched USING (hour)
    GROUP BY ALL HAVING count(DISTINCT read_table) >= $tables OR sum(rows_sent) >= $rows
)
SELECT
    md5(concat_ws('|', 'database-mass-read', product, coalesce(host, ''), coalesce(account, ''), coalesce(actor, ''), coalesce(nameless, ''), hour)) AS finding_id,
    concat_ws('|', 'database-mass-read', product, coalesce(host, ''), coalesce(account, ''), coalesce(actor, ''), coalesce(nameless, ''), hour::DATE) AS alert_key,
    'database-mass-read' AS detector, 'intrusion' AS risk_type,
    'Mass read from ' || product || coalesce(' as ' || account[1:64], '') || coalesce(' by ' || actor, '') || coalesce(' on ' || host, '') AS title,
    CASE WHEN tables_read >= 3 * $tables OR rows_read >= 10 * $rows THEN 'high' ELSE 'medium' END AS severity,
    least(0.9, 0.5 + 0.1 * greatest(tables_read / $tables, rows_read / $rows))::DOUBLE AS score,
    first_time AS time, last_time AS time_last, actor AS src_ip, NULL::VARCHAR AS dst_ip, NULL::INTEGER AS dst_port, host,
    account AS user_name, product AS target, event_count, ['T1005', 'T1213.006'] AS techniques,
    to_json([
        {field: 'whole tables', value: tables_read || ' in an hour (threshold ' || $tables || '): ' || array_to_string(examples, ', ')[1:300], weight: 0.6},
        {field: 'rows sent', value: rows_read || ' (threshold ' || $rows || ', slow log only)', weight: 0.3},
        {field: 'user_name', value: coalesce(account, 'not logged')[1:64], weight: 0.0}])::VARCHAR AS explanation,
    event_ids
FROM found
