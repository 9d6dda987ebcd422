-- Domain name hijacking: answers to questions for owned names against the pinned records (`$pins`: name, type and value
-- with a bar between) and against the network's own history of answers. One finding per name, type, value and day:
--   pinned   an address, name server or mail host that the pinned records of this name and type do not hold;
--   drift    a value that nobody was ever told before, of a name that had been told at most 8 others, at least
--            5 times, for longer than a day;
--   ttl      the day's first 10 answers live for at most a minute where one lived for ten minutes and more before.
-- History is what the database holds, not the archive beyond the look-back. Nobody is accused: an answer names whom it likes.
WITH asked AS NOT MATERIALIZED (
    SELECT event_id, time, time::DATE AS day, src_ip, dst_ip, dst_port, host, upper(coalesce(query_type, '')) AS type,
        trim(lower(trim(query_name)), '.') AS name, extra
    FROM events
    WHERE class_uid = 4003 AND query_name IS NOT NULL AND contains(extra, '"answers"')
      AND regexp_matches(trim(lower(trim(query_name)), '.'), $owned)
), touched AS (
    SELECT DISTINCT name, type FROM asked WHERE event_id BETWEEN $first_event_id AND $last_event_id
), answer AS (
    SELECT a.*,
        list_distinct(coalesce(from_json(extra -> '$.answers', '["VARCHAR"]'), json_extract_string(extra, '$.dns.answers[*].rdata'))) AS told,
        list_max(coalesce(from_json(extra -> '$.TTLs', '["DOUBLE"]'), json_extract_string(extra, '$.dns.answers[*].ttl')::DOUBLE[])) AS ttl
    FROM asked a SEMI JOIN touched USING (name, type)
), pin AS (
    SELECT DISTINCT string_split(one, '|')[1] AS name, string_split(one, '|')[2] AS type, string_split(one, '|')[3] AS value
    FROM (SELECT unnest($pins::VARCHAR[]) AS one)
), told AS (
    SELECT event_id, time, day, src_ip, dst_ip, dst_port, host, name, type, ttl, trim(lower(value), '.') AS value
    FROM (SELECT *, unnest(told) AS value FROM answer)
    -- an answer to A holds the aliases on the way too
    WHERE type NOT IN ('A', 'AAAA') OR regexp_full_match(value, '[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*')
), pinned AS (
    SELECT t.*, 'pinned' AS kind FROM told t
    WHERE EXISTS (FROM pin WHERE pin.name = t.name AND pin.type = t.type)
      AND NOT EXISTS (FROM pin WHERE pin.name = t.name AND pin.type = t.type AND pin.value = t.value)
), first_told AS (
    SELECT name, type, value, min(time) AS first_time, count(*) AS times FROM told GROUP BY ALL
), drifted AS (
    SELECT f.name, f.type, f.value
    FROM first_told f JOIN told before ON before.name = f.name AND before.type = f.type AND before.time < f.first_time
    WHERE NOT EXISTS (FROM pin WHERE pin.name = f.name AND pin.type = f.type)
    GROUP BY f.name, f.type, f.value, f.first_time
    HAVING count(DISTINCT before.event_id) >= 5 AND count(DISTINCT before.value) <= 8 AND max(before.time) - min(before.time) >= INTERVAL 1 DAY
), drift AS (  -- only its first day: from then on it is history
    SELECT t.*, 'drift' AS kind FROM told t JOIN first_told f USING (name, type, value)
    WHERE t.day = f.first_time::DATE AND EXISTS (FROM drifted d WHERE d.name = t.name AND d.type = t.type AND d.value = t.value)
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY name, type, day ORDER BY time, ttl, src_ip) AS place
    FROM answer WHERE ttl IS NOT NULL
), short_day AS (
    SELECT name, type, day FROM ranked WHERE place <= 10 GROUP BY ALL HAVING count(*) = 10 AND max(ttl) <= 60
), short AS (
    SELECT r.event_id, r.time, r.day, r.src_ip, r.dst_ip, r.dst_port, r.host, r.name, r.type, r.ttl, 'ttl' AS value, 'ttl' AS kind
    FROM ranked r SEMI JOIN short_day USING (name, type, day)
    WHERE r.place <= 10 AND EXISTS (FROM answer a WHERE a.name = r.name AND a.type = r.type AND a.day < r.day AND a.ttl >= 600)
), wrong AS (
    SELECT * FROM pinned UNION ALL BY NAME SELECT * FROM drift UNION ALL BY NAME SELECT * FROM short
), found AS (
    SELECT kind, name, type, value, day, count(DISTINCT event_id) AS event_count, min(time) AS first_time, max(time) AS last_time,
        count(DISTINCT src_ip) AS clients, mode(src_ip ORDER BY src_ip) AS client, mode(dst_ip ORDER BY dst_ip) AS resolver,
        count(DISTINCT dst_ip) AS resolvers, min(ttl) AS ttl, max(host) AS host,
        list_transform(min({'time': time, 'event_id': event_id}, 20), lambda e: e.event_id) AS event_ids
    FROM wrong GROUP BY ALL
    HAVING bool_or(event_id BETWEEN $first_event_id AND $last_event_id)
)
SELECT
    md5(concat_ws('|', 'domain-hijack', kind, name, type, value, day)) AS finding_id,
    concat_ws('|', 'domain-hijack', kind, name, type, day) AS alert_key,
    'domain-hijack' AS detector, 'domain-hijack' AS risk_type,
    CASE kind WHEN 'pinned' THEN type || ' of ' || name || ' is not as pinned: ' || value[1:200]
        WHEN 'drift' THEN type || ' of ' || name || ' was never ' || value[1:200] || ' before'
        ELSE 'Answers for ' || name || ' live for a minute at most' END AS title,
    CASE kind WHEN 'pinned' THEN 'critical' WHEN 'ttl' THEN 'low' ELSE CASE WHEN type IN ('NS', 'MX') THEN 'high' ELSE 'medium' END END AS severity,
    CASE kind WHEN 'pinned' THEN 0.97 WHEN 'ttl' THEN 0.4 ELSE 0.7 END::DOUBLE AS score,
    first_time AS time, last_time AS time_last, NULL::VARCHAR AS src_ip, client AS dst_ip, NULL::INTEGER AS dst_port, host,
    NULL::VARCHAR AS user_name, name[1:500] AS target, event_count,
    CASE WHEN type = 'NS' THEN ['T1584.002'] ELSE ['T1557', 'T1584.002'] END AS techniques,
    to_json([
        {field: type || ' answered', value: value[1:300], weight: 0.9},
        {field: 'expected', value: coalesce((SELECT string_agg(DISTINCT pin.value, ', ' ORDER BY pin.value) FROM pin WHERE pin.name = found.name AND pin.type = found.type),
            (SELECT string_agg(DISTINCT f.value, ', ' ORDER BY f.value) FROM first_told f WHERE f.name = found.name AND f.type = found.type AND f.first_time < found.first_time),
            'nothing shorter than before')[1:300], weight: 0.0},
        {field: 'ttl', value: coalesce(ttl::BIGINT || ' s', 'not logged'), weight: CASE WHEN ttl <= 60 THEN 0.1 ELSE 0.0 END},
        {field: 'answered by', value: coalesce(resolver, 'not logged') || CASE WHEN resolvers > 1 THEN ' and ' || resolvers - 1 || ' more' ELSE '' END, weight: 0.0},
        {field: 'clients told so', value: clients::VARCHAR, weight: 0.0}])::VARCHAR AS explanation,
    event_ids
FROM found
