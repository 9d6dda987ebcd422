-- Addresses that the DNS answers of a window name, each with the newest name: Zeek's `answers`, Suricata's
-- `dns.answers[].rdata`, `dns.grouped` (version 2) and `dns.rdata` (version 1). Of two names of one moment the later in
-- the alphabet holds, so the order of arrival decides nothing.
WITH dns AS MATERIALIZED (
    SELECT event_id, time, plain_name(query_name) AS name, extra FROM events
    WHERE event_id BETWEEN $first AND $last AND class_uid = 4003 AND query_name IS NOT NULL AND time IS NOT NULL
      AND extra IS NOT NULL AND length(extra) <= 262144 AND (contains(extra, '"answers"') OR contains(extra, '"grouped"') OR contains(extra, '"rdata"'))
), found AS (
    SELECT time, name, json_extract_string(extra, ['$.dns.rdata', '$.rdata', '$.answer'])
        || coalesce(json_extract_string(extra, '$.answers[*]'), []) || coalesce(json_extract_string(extra, '$.answers[*].rdata'), [])
        || coalesce(json_extract_string(extra, '$.dns.answers[*].rdata'), [])
        || coalesce(json_extract_string(extra, '$.dns.grouped.A[*]'), []) || coalesce(json_extract_string(extra, '$.dns.grouped.AAAA[*]'), []) AS answers
    FROM dns WHERE json_valid(extra)
), each AS (
    SELECT time, name, unnest(answers) AS ip FROM found
)
SELECT ip, max({'time': time, 'name': name}).name AS name, max(time) AS name_time
FROM each WHERE ip_number(ip) IS NOT NULL AND name IS NOT NULL AND (contains(ip, ':') OR regexp_full_match(ip, '\d{1,3}(?:\.\d{1,3}){3}'))
GROUP BY ip ORDER BY ip
