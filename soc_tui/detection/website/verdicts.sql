-- Whether web attacks got through, judged by what was stored of the answers: one row per `web-attack` alert that the new
-- events, or `$alert_keys`, touch. An alert is touched by any request to a page that it is about, on its day or the day
-- before, because what is ordinary for a page comes from there; so the verdict is the same in whatever order requests
-- arrive. Runs after the findings of the same events are merged. The requests of an alert are those of
-- rules/web_attack.sql: a test holds the two together.
WITH asked AS (
    SELECT DISTINCT coalesce(dst_ip, host) AS server, url_path, time::DATE AS day
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id AND (url_path IS NOT NULL OR http_status IS NOT NULL)
), span AS (
    SELECT least(min(day), min(own)) AS day_from, greatest(max(day) + 1, max(own)) AS day_to
    FROM (SELECT day, NULL::DATE AS own FROM asked
        UNION ALL SELECT NULL, time::DATE FROM findings WHERE list_contains($alert_keys::VARCHAR[], alert_key))
), known AS (
    SELECT alert_key, coalesce(dst_ip, host) AS server, src_ip, time::DATE AS day, event_ids[1] AS event_id
    FROM findings WHERE detector = 'web-attack' AND time >= (SELECT day_from FROM span) AND time < (SELECT day_to + 1 FROM span)
), place AS (  -- all requests of a finding are to one path
    SELECT DISTINCT k.alert_key, k.server, k.src_ip, k.day, e.url_path
    FROM known k JOIN (SELECT event_id, url_path FROM events WHERE event_id IN (SELECT event_id FROM known)) e USING (event_id)
), touched AS (
    SELECT DISTINCT alert_key FROM place p
    WHERE list_contains($alert_keys::VARCHAR[], alert_key) OR EXISTS (FROM asked a WHERE a.day IN (p.day, p.day - 1)
        AND a.server IS NOT DISTINCT FROM p.server AND a.url_path IS NOT DISTINCT FROM p.url_path)
), wanted AS (
    SELECT p.*, split_part(alert_key, '|', 2) AS label FROM place p SEMI JOIN touched USING (alert_key)
), page AS (
    SELECT DISTINCT server, url_path, day FROM wanted
), web AS (
    SELECT event_id, time, time::DATE AS on_day, src_ip, coalesce(dst_ip, host) AS server, coalesce(http_method, '') AS http_method,
        url_path, url_query, user_agent, referrer, http_status, bytes_in
    FROM events e
    WHERE time >= (SELECT min(day) - 1 FROM page) AND time < (SELECT max(day) + 1 FROM page)
      AND EXISTS (FROM page p WHERE p.server IS NOT DISTINCT FROM coalesce(e.dst_ip, e.host) AND p.url_path IS NOT DISTINCT FROM e.url_path)
), bad AS (
    SELECT value, score, label FROM scores WHERE model = 'query' AND score >= $threshold AND length(value) > 1
), pairs AS (
    SELECT url_query, pair, instr(pair, '=') AS equals
    FROM (SELECT url_query, unnest(string_split(url_query, '&')) AS pair FROM (SELECT DISTINCT url_query FROM web WHERE url_query <> ''))
), parts AS (
    SELECT url_query, substr(pair, 1, equals - 1) AS parameter, substr(pair, equals + 1) AS value FROM pairs WHERE equals > 0
    UNION ALL
    SELECT url_query, '', CASE WHEN equals > 0 THEN substr(pair, 1, equals - 1) ELSE pair END FROM pairs
), texts AS (
    SELECT event_id, 'url_path' AS field, '' AS parameter, url_path AS value FROM web
    UNION ALL SELECT event_id, 'user_agent', '', user_agent FROM web
    UNION ALL SELECT event_id, 'referrer', '', referrer FROM web
    UNION ALL SELECT event_id, 'url_query', parameter, value FROM web JOIN (FROM parts SEMI JOIN bad USING (value)) USING (url_query)
), worst AS (
    SELECT event_id, field, parameter, value, label FROM texts JOIN bad USING (value)
    QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY score DESC, value, field, parameter) = 1
), ordinary AS (  -- the page's answers to requests in which the network saw no attack
    SELECT p.server, p.url_path, p.day, w.http_method, count(*) AS answers, median(w.bytes_in) AS usual, mad(w.bytes_in) AS spread
    FROM page p JOIN web w ON w.on_day IN (p.day, p.day - 1) AND w.server IS NOT DISTINCT FROM p.server AND w.url_path IS NOT DISTINCT FROM p.url_path
    WHERE w.http_status // 100 = 2 AND w.bytes_in IS NOT NULL AND w.event_id NOT IN (SELECT event_id FROM worst)
    GROUP BY ALL
), alike AS (  -- how many different attacks, and of how many classes, a page answered with one size
    SELECT server, url_path, on_day, http_method, http_status, bytes_in, count(DISTINCT value) AS values_alike, count(DISTINCT label) AS labels_alike
    FROM web JOIN worst USING (event_id) GROUP BY ALL
), attack AS (
    SELECT a.alert_key, a.label, a.src_ip, a.server, a.url_path, a.day, w.event_id, w.time, w.http_method, w.http_status, w.bytes_in,
        worst.field, worst.parameter, worst.value, coalesce(probe.page, 'unknown') AS probed, coalesce(probe.reflected, 'no') AS reflected
    FROM wanted a
    JOIN web w ON w.on_day = a.day AND w.server IS NOT DISTINCT FROM a.server AND w.url_path IS NOT DISTINCT FROM a.url_path
        AND w.src_ip IS NOT DISTINCT FROM a.src_ip
    JOIN worst ON worst.event_id = w.event_id AND worst.label = a.label
    LEFT JOIN probes probe ON probe.alert_key = a.alert_key AND probe.url_path = a.url_path AND probe.parameter = worst.parameter
), compared AS (
    SELECT a.*, o.answers, o.usual, alike.values_alike, alike.labels_alike,
        count(*) OVER (PARTITION BY a.alert_key, a.field, a.http_status, a.bytes_in) AS together,
        greatest(32, 0.1 * o.usual, 4 * o.spread) AS leeway, length(a.value) AS echo  -- a page that repeats the value grows by it
    FROM attack a
    LEFT JOIN ordinary o ON o.server IS NOT DISTINCT FROM a.server AND o.url_path IS NOT DISTINCT FROM a.url_path AND o.day = a.day
        AND o.http_method = a.http_method
    LEFT JOIN alike ON alike.server IS NOT DISTINCT FROM a.server AND alike.url_path IS NOT DISTINCT FROM a.url_path AND alike.on_day = a.day
        AND alike.http_method = a.http_method AND alike.http_status IS NOT DISTINCT FROM a.http_status AND alike.bytes_in IS NOT DISTINCT FROM a.bytes_in
), judged AS (
    SELECT *, CASE
        WHEN http_status IS NULL THEN 'unknown'
        WHEN label = 'lookup' THEN 'anywhere'
        WHEN http_status IN (404, 410) THEN 'missing'
        WHEN http_status // 100 = 2 AND probed = 'any' THEN 'nothing'
        WHEN http_status IN (500, 502) THEN 'error'
        WHEN http_status // 100 IN (4, 5) THEN 'blocked'
        WHEN http_status // 100 <> 2 THEN 'redirect'
        WHEN field IN ('user_agent', 'referrer') THEN 'header'
        WHEN label = 'xss' THEN CASE reflected WHEN 'raw' THEN 'raw' WHEN 'escaped' THEN 'escaped' ELSE 'script' END
        WHEN field = 'url_path' THEN CASE
            WHEN label NOT IN ('traversal', 'inclusion', 'command', 'code') THEN 'answered'
            WHEN together >= 3 THEN 'alike' ELSE 'path' END
        WHEN coalesce(answers, 0) < 3 OR bytes_in IS NULL THEN 'answered'
        WHEN bytes_in BETWEEN usual - leeway AND usual + leeway THEN 'ordinary'
        WHEN bytes_in BETWEEN usual AND usual + leeway + echo THEN 'echo'
        WHEN labels_alike >= 2 OR label = 'sqli' AND values_alike >= 3 THEN 'alike'
        ELSE 'size' END AS sign
    FROM compared
), rated AS (
    SELECT j.*, s.place, s.verdict, s.words
    FROM judged j JOIN (VALUES  -- the first sign that an alert has decides
        ('size', 1, 'likely success', 'answered 2xx with another size than this page''s ordinary answers'),
        ('path', 2, 'likely success', 'answered 2xx though the path itself is the attack'),
        ('raw', 3, 'likely success', 'answered 2xx by a page that repeats an inert marker unescaped'),
        ('error', 4, 'attempt', 'answered 500 or 502: the value disturbed the code'),
        ('script', 5, 'attempt', 'answered 2xx, which does not tell whether the script was escaped'),
        ('answered', 6, 'attempt', 'answered 2xx, with too few ordinary answers of this page to compare with'),
        ('echo', 7, 'attempt', 'answered 2xx and longer by no more than the value, which the page may repeat'),
        ('ordinary', 8, 'attempt', 'answered 2xx with the page''s ordinary size'),
        ('escaped', 9, 'attempt', 'answered 2xx by a page that escapes an inert marker'),
        ('alike', 10, 'attempt', 'answered 2xx with one size for different attacks, as a page of refusal does'),
        ('anywhere', 11, 'attempt', 'with a lookup, which works wherever it is logged, whatever the answer'),
        ('header', 12, 'attempt', 'answered 2xx with the attack in a header, where the answer does not tell'),
        ('unknown', 13, 'attempt', 'without a known answer'),
        ('redirect', 14, 'attempt', 'redirected'),
        ('blocked', 15, 'attempt', 'refused (4xx, 5xx)'),
        ('nothing', 16, 'no such page', 'answered like a page that does not exist'),
        ('missing', 17, 'no such page', 'answered 404 or 410')
    ) s(sign, place, verdict, words) USING (sign)
), counted AS (
    SELECT alert_key, place, any_value(verdict) AS verdict, any_value(words) AS words, any_value(sign) AS sign, count(*) AS requests,
        min({'time': time, 'path': url_path, 'parameter': parameter, 'status': http_status, 'size': bytes_in, 'usual': usual,
            'answers': answers}) AS example
    FROM rated GROUP BY alert_key, place
)
SELECT alert_key, list(verdict ORDER BY place)[1] AS verdict,
    concat('of ', sum(requests), CASE WHEN sum(requests) = 1 THEN ' request ' ELSE ' requests ' END, array_to_string(list(requests || ' ' || words || CASE WHEN sign IN ('size', 'path', 'raw', 'error') THEN concat(
        ', as ', coalesce(example.path, '/')[1:120], CASE WHEN example.parameter <> '' THEN ' (parameter ' || example.parameter[1:60] || ')' ELSE '' END,
        ': ', example.status, coalesce(', ' || example.size || ' bytes', ''),
        CASE WHEN sign = 'size' THEN concat(' where ', round(example.usual)::BIGINT, ' are usual (median of ', example.answers, ')') ELSE '' END)
        ELSE '' END ORDER BY place), '; ')) AS verdict_reason,
    sum(requests)::BIGINT AS requests
FROM counted GROUP BY alert_key
