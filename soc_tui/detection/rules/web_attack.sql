-- Requests with a text that the query network scored at or above the threshold (rows of `scores` whose model is 'query').
-- The texts of a request are those of analysis/features/query_values.sql: a test holds the two together. A request
-- counts once, under its worst text. One finding per source, server, class, path and hour; the hours that the new events
-- touch are recomputed whole. The server is an address or the log's own machine, never the Host header.
WITH span AS (
    SELECT time_bucket(INTERVAL 1 HOUR, min(time)) AS time_from, time_bucket(INTERVAL 1 HOUR, max(time)) + INTERVAL 1 HOUR AS time_to
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), bad AS (
    SELECT value, score, label, explanation FROM scores WHERE model = 'query' AND score >= $threshold
), web AS NOT MATERIALIZED (  -- read column by column below: few of many requests carry a bad text
    SELECT * FROM events WHERE time >= (SELECT time_from FROM span) AND time < (SELECT time_to FROM span)
), queries AS (
    SELECT url_query, unnest(string_split(url_query, '&')) AS pair
    FROM (SELECT DISTINCT url_query FROM web WHERE url_query <> '')
), pairs AS (
    SELECT url_query, pair, instr(pair, '=') AS equals FROM queries
), parts AS (
    SELECT url_query, substr(pair, equals + 1) AS value FROM pairs WHERE equals > 0
    UNION ALL
    SELECT url_query, CASE WHEN equals > 0 THEN substr(pair, 1, equals - 1) ELSE pair END FROM pairs
), texts AS (
    SELECT event_id, 'url_path' AS field, url_path AS value FROM web WHERE url_path IN (SELECT value FROM bad)
    UNION ALL
    SELECT event_id, 'user_agent', user_agent FROM web WHERE user_agent IN (SELECT value FROM bad)
    UNION ALL
    SELECT event_id, 'referrer', referrer FROM web WHERE referrer IN (SELECT value FROM bad)
    UNION ALL
    SELECT event_id, 'url_query', value
    FROM web JOIN (SELECT * FROM parts WHERE value IN (SELECT value FROM bad)) USING (url_query)
), worst AS (
    SELECT t.event_id, t.field, t.value, b.score, b.label, b.explanation
    FROM texts t JOIN bad b USING (value)
    WHERE length(value) > 1
    QUALIFY row_number() OVER (PARTITION BY t.event_id ORDER BY b.score DESC, t.value, t.field) = 1
), attack AS (
    SELECT event_id, time, src_ip, dst_ip, dst_port, host, user_name, user_agent, referrer, http_method, http_status, url_host,
        url_path, url_query, coalesce(dst_ip, host) AS server, time_bucket(INTERVAL 1 HOUR, time) AS hour,
        worst.field, worst.value, worst.score, worst.label, worst.explanation,
        -- 2xx and 5xx: the request reached something; an unknown answer is taken as one
        coalesce(http_status // 100 IN (2, 5), true) AS reached
    FROM worst JOIN web USING (event_id)
), touched AS (
    SELECT DISTINCT src_ip, server, label, url_path, hour FROM attack
    WHERE event_id BETWEEN $first_event_id AND $last_event_id
), burst AS (
    SELECT a.src_ip, a.server, a.label, a.url_path, a.hour, max(a.score) AS score, count(*) AS event_count,
        bool_or(a.reached) AS reached, count(*) FILTER (a.reached) AS reached_count,
        min(a.time) AS first_time, max(a.time) AS last_time, max(a.dst_ip) AS dst_ip, max(a.dst_port) AS dst_port,
        max(a.host) AS host, mode(a.user_name ORDER BY a.user_name) AS user_name, mode(a.url_host ORDER BY a.url_host) AS url_host,
        list(a.value ORDER BY a.score DESC, a.value)[1] AS value, list(a.field ORDER BY a.score DESC, a.value)[1] AS field,
        list(a.explanation ORDER BY a.score DESC, a.value)[1] AS explanation,
        list(a.event_id ORDER BY a.score DESC, a.time, a.event_id)[1:20] AS event_ids
    FROM attack a
    WHERE EXISTS (FROM touched t WHERE t.hour = a.hour AND t.label = a.label AND t.src_ip IS NOT DISTINCT FROM a.src_ip
        AND t.server IS NOT DISTINCT FROM a.server AND t.url_path IS NOT DISTINCT FROM a.url_path)
    GROUP BY ALL
), rated AS (
    SELECT *,
        -- medium when well above the threshold, else low; one step up when the request reached something
        CASE WHEN (score - $threshold) / greatest(1 - $threshold, 1e-9) >= 0.5 THEN 3 ELSE 2 END + reached::INTEGER AS rank
    FROM burst
)
SELECT
    md5(concat_ws('|', 'web-attack', coalesce(src_ip, ''), coalesce(server, ''), label, hour, coalesce(url_path, ''))) AS finding_id,
    -- without the path: a scanner's 5,000 paths are one alert
    concat_ws('|', 'web-attack', label, coalesce(src_ip, ''), coalesce(server, ''), hour::DATE) AS alert_key,
    'web-attack' AS detector, 'web-attack' AS risk_type,
    'Web attack (' || CASE label  -- in words that knowledge entries are matched by
        WHEN 'traversal' THEN 'path traversal' WHEN 'command' THEN 'command injection' WHEN 'code' THEN 'code injection'
        WHEN 'inclusion' THEN 'file inclusion' WHEN 'template' THEN 'template injection' WHEN 'lookup' THEN 'JNDI lookup'
        ELSE label END || ')' || coalesce(' by ' || src_ip, '') || coalesce(' against ' || server, '') AS title,
    CASE rank WHEN 4 THEN 'high' WHEN 3 THEN 'medium' ELSE 'low' END AS severity,
    score, first_time AS time, last_time AS time_last, src_ip, dst_ip, dst_port, host, user_name,
    (coalesce(url_host, server, '') || coalesce(url_path, ''))[1:500] AS target, event_count,
    CASE label
        WHEN 'xss' THEN ['T1189'] WHEN 'traversal' THEN ['T1083', 'T1190'] WHEN 'inclusion' THEN ['T1105', 'T1190']
        WHEN 'command' THEN ['T1059', 'T1190'] WHEN 'code' THEN ['T1059', 'T1190'] WHEN 'template' THEN ['T1059', 'T1190']
        WHEN 'lookup' THEN ['T1059', 'T1190'] ELSE ['T1190'] END AS techniques,
    to_json([
            {field: field, value: value[1:300], weight: round(score, 3)},
            {field: 'requests that reached something (2xx, 5xx)', value: reached_count || ' of ' || event_count, weight: 0.0::DOUBLE}]
        || coalesce(from_json(explanation, '[{"field": "VARCHAR", "value": "VARCHAR", "weight": "DOUBLE"}]'), [])
    )::VARCHAR AS explanation,
    event_ids
FROM rated
