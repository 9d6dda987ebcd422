-- Suricata's alerts, passed on: one finding per event.
-- Who is the attacker: the sender of the packet, except that (a) a signature of an attack's *answer* fires on the
-- victim's packet, and (b) malware that calls home fires on the infected machine's packet to its controller outside.
WITH alert AS (
    SELECT *,
        rule_name ILIKE '%ATTACK_RESPONSE%' AS answered,
        regexp_matches(coalesce(rule_category, ''), '(?i)trojan|malware|command and control|exploit kit')
            AND regexp_matches(src_ip, $private) AND NOT regexp_matches(dst_ip, $private) AS called_home,
        try_cast(json_extract(extra, '$.alert.metadata.mitre_technique_id') AS VARCHAR[]) AS named,
        coalesce(time_bucket(INTERVAL 1 DAY, time)::DATE::VARCHAR, '') AS day
    FROM events
    WHERE event_id BETWEEN $first_event_id AND $last_event_id
      AND class_uid = 2004 AND product = 'suricata' AND rule_id IS NOT NULL
), sided AS (
    SELECT *,
        coalesce(answered OR called_home, false) AS swapped,
        CASE WHEN coalesce(answered OR called_home, false) THEN dst_ip ELSE src_ip END AS attacker,
        CASE WHEN coalesce(answered OR called_home, false) THEN src_ip ELSE dst_ip END AS victim
    FROM alert
)
SELECT
    md5('suricata-alert|' || event_id) AS finding_id,
    concat_ws('|', 'suricata-alert', rule_id, coalesce(attacker, ''), coalesce(victim, ''), coalesce(host, ''), day) AS alert_key,
    'suricata-alert' AS detector,
    CASE
        WHEN regexp_matches(rule_category, '(?i)trojan|malware|command and control') THEN 'trojan'
        WHEN regexp_matches(rule_category, '(?i)web application attack') THEN 'web-attack'
        WHEN regexp_matches(rule_category, '(?i)executable code|exploit kit') THEN 'malicious-code'
        ELSE 'intrusion' END AS risk_type,
    coalesce(rule_name, 'Suricata signature ' || rule_id) AS title,
    coalesce(severity, 'low') AS severity,
    CASE severity WHEN 'critical' THEN 0.97 WHEN 'high' THEN 0.85 WHEN 'medium' THEN 0.6 WHEN 'info' THEN 0.1 ELSE 0.3 END::DOUBLE AS score,
    time, time AS time_last, attacker AS src_ip, victim AS dst_ip,
    -- the port of the service: an answer comes from it, everything else goes to it
    CASE WHEN coalesce(answered, false) THEN src_port ELSE dst_port END AS dst_port,
    host, user_name, coalesce(url_host || url_path, query_name, tls_server_name, file_path) AS target,
    1::BIGINT AS event_count,
    CASE
        WHEN len(named) > 0 THEN list_sort(list_distinct(named))
        WHEN regexp_matches(rule_category, '(?i)network scan|information leak') THEN ['T1595']
        WHEN regexp_matches(rule_category, '(?i)web application attack|administrator privilege|user privilege') THEN ['T1190']
        WHEN regexp_matches(rule_category, '(?i)trojan|malware|command and control') THEN ['T1071']
        WHEN regexp_matches(rule_category, '(?i)denial of service') THEN ['T1498']
        ELSE []::VARCHAR[] END AS techniques,
    to_json([
        {field: 'rule_id', value: rule_id, weight: 1.0},
        {field: 'rule_category', value: coalesce(rule_category, ''), weight: 0.5},
        {field: 'direction', value: CASE WHEN swapped THEN 'the packet came from the victim' ELSE 'the packet came from the attacker' END,
         weight: 0.0}])::VARCHAR AS explanation,
    [event_id] AS event_ids
FROM sided
