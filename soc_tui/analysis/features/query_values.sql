-- Distinct texts for the query model among the events $first_event_id..$last_event_id: parameter values, names that are
-- no plain word, paths, agents and referrers, as sent. `field` says where a text stood; event_id is the first event that
-- carried it. A referrer of nothing but a plain address is left out: there are as many of them as pages.
WITH web AS (
    SELECT event_id, url_path, url_query, user_agent, referrer FROM events
    WHERE event_id BETWEEN $first_event_id AND $last_event_id
      AND (url_path IS NOT NULL OR url_query IS NOT NULL OR user_agent IS NOT NULL OR referrer IS NOT NULL)
), pairs AS (
    SELECT event_id, unnest(string_split(url_query, '&')) AS pair FROM web WHERE url_query <> ''
), texts AS (
    SELECT event_id, 'url_path' AS field, url_path AS value FROM web
    UNION ALL
    SELECT event_id, 'user_agent', user_agent FROM web
    UNION ALL
    SELECT event_id, 'referrer', referrer FROM web WHERE NOT regexp_full_match(referrer, '[A-Za-z0-9_./:-]*') OR contains(referrer, '..')
    UNION ALL
    SELECT event_id, 'url_query', substr(pair, instr(pair, '=') + 1) FROM pairs WHERE contains(pair, '=')
    UNION ALL
    SELECT event_id, 'url_query', CASE WHEN contains(pair, '=') THEN substr(pair, 1, instr(pair, '=') - 1) ELSE pair END
    FROM pairs WHERE NOT regexp_full_match(CASE WHEN contains(pair, '=') THEN substr(pair, 1, instr(pair, '=') - 1) ELSE pair END, '[A-Za-z0-9_.\[\]-]*')
)
SELECT field, value, min(event_id) AS event_id, count(*) AS events
FROM texts WHERE length(value) > 1
GROUP BY ALL
