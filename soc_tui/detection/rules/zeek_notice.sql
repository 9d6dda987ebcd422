-- Zeek's notices, passed on: one finding per event. Notices about the sensor itself (packet loss, filters) are no risk.
-- A "..._Victim" notice names the victim as its source, and so does one about a file that a machine inside fetched from
-- outside; every other notice names who did it.
WITH notice AS (
    SELECT *, regexp_matches(rule_id, '(?i)_victim$') OR coalesce(regexp_matches(rule_id, '(?i)hash_?registry|malwarehash')
            AND regexp_matches(src_ip, $private) AND NOT regexp_matches(dst_ip, $private), false) AS about_victim,
        coalesce(time_bucket(INTERVAL 1 DAY, time)::DATE::VARCHAR, '') AS day
    FROM events
    WHERE event_id BETWEEN $first_event_id AND $last_event_id
      AND class_uid = 2004 AND product = 'zeek' AND rule_id IS NOT NULL
      AND NOT regexp_matches(rule_id, '^(?:CaptureLoss|PacketFilter|Notice|Reporter|Stats|ProfilingHeap)::')
), rated AS (
    SELECT *,
        CASE WHEN about_victim THEN dst_ip ELSE src_ip END AS attacker,
        CASE WHEN about_victim THEN src_ip ELSE dst_ip END AS victim,
        CASE
            WHEN regexp_matches(rule_id, '(?i)injection|password_guessing|heartbleed_attack|exploit|malware|ransom|backdoor') THEN 'high'
            WHEN regexp_matches(rule_id, '^(?:SSL|X509|Weird|Software|FTP|SMTP|Traceroute)::') THEN 'low'
            ELSE 'medium' END AS rating
    FROM notice
)
SELECT
    md5('zeek-notice|' || event_id) AS finding_id,
    concat_ws('|', 'zeek-notice', rule_id, coalesce(attacker, ''), coalesce(victim, ''), coalesce(host, ''), day) AS alert_key,
    'zeek-notice' AS detector,
    CASE
        WHEN regexp_matches(rule_id, '(?i)sql_injection|xss') THEN 'web-attack'
        WHEN regexp_matches(rule_id, '(?i)malware') THEN 'malicious-code'
        ELSE 'intrusion' END AS risk_type,
    'Zeek notice ' || rule_id AS title,
    rating AS severity,
    CASE rating WHEN 'high' THEN 0.85 WHEN 'medium' THEN 0.6 ELSE 0.3 END::DOUBLE AS score,
    time, time AS time_last, attacker AS src_ip, victim AS dst_ip, dst_port, host, user_name,
    coalesce(url_host || url_path, query_name, tls_server_name, file_path) AS target,
    1::BIGINT AS event_count,
    CASE
        WHEN regexp_matches(rule_id, '(?i)password_guessing') THEN ['T1110.001']
        WHEN regexp_matches(rule_id, '^Scan::') THEN ['T1046']
        WHEN regexp_matches(rule_id, '(?i)injection|exploit|heartbleed') THEN ['T1190']
        WHEN regexp_matches(rule_id, '(?i)interesting_hostname_login|watched_country_login') THEN ['T1078']
        WHEN regexp_matches(rule_id, '(?i)malware') THEN ['T1204.002']
        ELSE []::VARCHAR[] END AS techniques,
    to_json([
        {field: 'note', value: rule_id, weight: 1.0},
        {field: 'msg', value: coalesce(rule_name, '')[1:500], weight: 0.5}])::VARCHAR AS explanation,
    [event_id] AS event_ids
FROM rated
