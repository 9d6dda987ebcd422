-- Look-alike domains of the owned ones ($domains): names that somebody inside asked for whose domain differs from an owned
-- one by one letter (two from ten letters on; letters swapped count as one), by letters that look alike (0 o, 1 l i, rn m,
-- vv w; an internationalised name by its plain letters), by a word put beside it (example-login), or that put the owned
-- domain in front of another (example.org.evil.test). One finding per domain, owned domain and day.
WITH own AS (
    SELECT DISTINCT trim(lower(one), '. ') AS domain, string_split(trim(lower(one), '. '), '.')[1] AS label
    FROM (SELECT unnest($domains::VARCHAR[]) AS one)
), span AS (
    SELECT min(time)::DATE AS time_from, max(time)::DATE + INTERVAL 1 DAY AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id AND query_name IS NOT NULL AND len($domains::VARCHAR[]) > 0
), asked AS NOT MATERIALIZED (
    SELECT event_id, time, time::DATE AS day, src_ip, host, rcode, trim(lower(trim(query_name)), '.')[1:300] AS name
    FROM events
    WHERE time >= (SELECT time_from FROM span) AND time < (SELECT time_to FROM span) AND query_name IS NOT NULL
), distinct_name AS (
    SELECT name, any_value(regexp_extract(name, '(?:[^.]+\.)?[^.]{1,3}\.[^.]{1,3}$|[^.]+\.[^.]+$')) AS domain,
        bool_or(event_id BETWEEN $first_event_id AND $last_event_id) AS fresh
    FROM asked GROUP BY name
), candidate AS (
    SELECT d.name, d.domain, o.domain AS owned, string_split(d.domain, '.')[1] AS word, o.label AS own_label,
        -- the plain letters of an internationalised name stand before its last hyphen
        CASE WHEN starts_with(word, 'xn--') THEN regexp_replace(word[5:], '-[^-]*$', '') ELSE word END AS plain,
        replace(replace(translate(plain, '0135', 'oles'), 'rn', 'm'), 'vv', 'w') AS folded,
        replace(replace(translate(o.label, '0135', 'oles'), 'rn', 'm'), 'vv', 'w') AS own_folded
    FROM distinct_name d SEMI JOIN (SELECT domain FROM distinct_name WHERE fresh) USING (domain), own o
    WHERE d.domain <> '' AND NOT EXISTS (FROM own WHERE d.name = own.domain OR ends_with(d.name, '.' || own.domain))
      AND length(o.label) >= 4
), alike AS (
    SELECT name, domain, owned, CASE
        WHEN contains('.' || name || '.', '.' || owned || '.') THEN 'holds the whole of it in front'
        WHEN word = own_label THEN NULL  -- the same word under another suffix is a business of its own more often than not
        WHEN folded = own_folded AND plain <> own_label OR starts_with(word, 'xn--') AND damerau_levenshtein(plain, own_label) <= 2 THEN 'looks the same'
        WHEN length(own_label) >= 5 AND abs(length(plain) - length(own_label)) <= 2
            AND damerau_levenshtein(plain, own_label) <= CASE WHEN length(own_label) >= 10 THEN 2 ELSE 1 END THEN 'differs by a letter'
        WHEN length(own_label) >= 6 AND regexp_matches('-' || word || '-', '-' || regexp_escape(own_label) || '-') THEN 'has a word beside it'
        END AS how
    FROM candidate
), named AS (
    SELECT DISTINCT domain, owned, how, name FROM alike WHERE how IS NOT NULL
), hit AS (
    SELECT domain, owned, day, mode(how ORDER BY how) AS how, count(*) AS event_count, min(time) AS first_time, max(time) AS last_time,
        count(DISTINCT src_ip) AS clients, mode(src_ip ORDER BY src_ip) AS client, max(host) AS host, min(name) AS example,
        bool_or(coalesce(rcode, '') = 'NOERROR') AS there,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM asked a JOIN named t USING (name)
    GROUP BY ALL
)
SELECT
    md5(concat_ws('|', 'look-alike-domain', domain, owned, day)) AS finding_id,
    concat_ws('|', 'look-alike-domain', domain, owned, day) AS alert_key,
    'look-alike-domain' AS detector, 'domain-hijack' AS risk_type,
    domain[1:200] || ' ' || how || ': ' || owned AS title,
    CASE WHEN there THEN 'medium' ELSE 'low' END AS severity,
    CASE WHEN there THEN 0.7 ELSE 0.4 END::DOUBLE AS score, first_time AS time, last_time AS time_last,
    NULL::VARCHAR AS src_ip, client AS dst_ip, NULL::INTEGER AS dst_port, host, NULL::VARCHAR AS user_name, domain[1:500] AS target,
    event_count, ['T1566', 'T1583.001'] AS techniques,
    to_json([
        {field: 'query_name', value: example[1:300], weight: 0.7},
        {field: 'owned', value: owned, weight: 0.0},
        {field: 'how', value: how, weight: 0.3},
        {field: 'exists', value: CASE WHEN there THEN 'yes' ELSE 'no answer seen' END, weight: CASE WHEN there THEN 0.2 ELSE 0.0 END},
        {field: 'clients', value: clients::VARCHAR, weight: 0.0}])::VARCHAR AS explanation,
    event_ids
FROM hit
