-- Which page and parameter each of the web attacks `$alert_keys` is about, by the evidence of its findings: what an inert
-- probe may ask for (detection/website/probing.py refuses what is itself the attack).
WITH told AS (
    SELECT DISTINCT alert_key, unnest(event_ids) AS event_id FROM findings
    WHERE detector = 'web-attack' AND list_contains($alert_keys::VARCHAR[], alert_key)
), request AS (
    SELECT alert_key, event_id, coalesce(dst_ip, host) AS server, url_host, url_path, url_query
    FROM told JOIN (SELECT event_id, dst_ip, host, url_host, url_path, url_query FROM events
        WHERE event_id IN (SELECT event_id FROM told)) USING (event_id)
), pairs AS (
    SELECT event_id, unnest(string_split(url_query, '&')) AS pair FROM request WHERE url_query <> ''
), bad AS (
    SELECT p.event_id, substr(p.pair, 1, instr(p.pair, '=') - 1) AS parameter
    FROM pairs p JOIN scores s ON s.value = substr(p.pair, instr(p.pair, '=') + 1)
    WHERE instr(p.pair, '=') > 1 AND s.model = 'query' AND s.score >= $threshold
)
SELECT DISTINCT alert_key, server, url_host, url_path, coalesce(parameter, '') AS parameter
FROM request LEFT JOIN bad USING (event_id)
WHERE url_path IS NOT NULL
ORDER BY ALL
