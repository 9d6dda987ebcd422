-- Names of a window that are not cut at their public suffix yet, in order.
SELECT DISTINCT name FROM (
    SELECT event_name(query_name, tls_server_name, url_host) AS name FROM events
    WHERE event_id BETWEEN $first AND $last AND (query_name IS NOT NULL OR tls_server_name IS NOT NULL OR url_host IS NOT NULL)
) WHERE name IS NOT NULL AND name NOT IN (SELECT name FROM domains) ORDER BY name
