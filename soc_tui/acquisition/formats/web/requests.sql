-- The second half of every website normaliser: the named parts of one request (relation `requests`) as an HTTP event.
-- `src_ip` is the peer as the server names it, `target` the request target with its query, `site` the virtual host.
-- `kind` is 'request', 'connection' (of a proxy that does not look inside) or 'notice' (the server's own words).
SELECT
    source_offset, source_length, reason, time,
    CASE kind WHEN 'request' THEN 4002 WHEN 'connection' THEN 4001 ELSE 6000 END::INTEGER AS class_uid,
    CASE WHEN kind = 'connection' THEN 'traffic' WHEN kind = 'notice' THEN 'log' WHEN method IN ('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS') THEN lower(method)
        ELSE http_activity(method) END AS activity,
    product, log_name, host, process,
    nullif(nullif(user_name, '-'), '') AS user_name,
    src_ip, src_port, dst_ip, dst_port,
    CASE WHEN kind <> 'notice' THEN 'tcp' END AS protocol,
    CASE WHEN kind = 'request' THEN 'http' END AS service,
    CASE WHEN kind <> 'connection' THEN http_status_word(code) WHEN conn_state IS NULL THEN 'unknown'
        WHEN conn_state = '--' THEN 'success' ELSE 'failure' END AS status,
    severity, message, session_uid, duration, bytes_out, bytes_in, conn_state,
    nullif(method, '') AS http_method,
    -- A target that begins with a slash has no host (RFC 9112, 3.2.1): only the others pay for the patterns.
    CASE WHEN starts_with(target, '/') THEN nullif(site, '')
        ELSE coalesce(target_host(target), CASE WHEN method = 'CONNECT' THEN split_part(target, ':', 1) END, nullif(site, '')) END AS url_host,
    CASE WHEN method = 'CONNECT' THEN NULL WHEN starts_with(target, '/') THEN split_part(target, '?', 1)
        WHEN method <> '' THEN target_path(target) END AS url_path,
    CASE WHEN contains(target, '?') THEN target_query(target) END AS url_query,
    code AS http_status,
    nullif(nullif(agent, '-'), '') AS user_agent,
    nullif(nullif(referrer, '-'), '') AS referrer,
    tls_server_name, file_path,
    extra
FROM requests
