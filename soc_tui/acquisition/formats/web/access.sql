-- Apache/nginx common and combined access logs, with an optional virtual host in front.
-- A server that escapes quotes (both do by default) cannot be fooled by a quote in the request: the first alternative
-- of a quoted part takes escapes into account, the second only serves servers that write them raw.
WITH split AS (
    SELECT source_offset, source_length, line, regexp_extract(line,
        '(?s)^(?:([\w.-]+:\d{1,5}) )?(\S+) (\S+) (.*?) ?\[(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\] "((?:[^"\\]|\\.)*|.*?)" (\d{3}) (\d+|-)(?: (.*))?$',
        ['vhost', 'client', 'ident', 'user', 'stamp', 'request', 'code', 'size', 'rest']) AS a
    FROM lines
), parts AS (
    SELECT *,
        regexp_extract(a.rest, '(?s)^"((?:[^"\\]|\\.)*)"(?: "((?:[^"\\]|\\.)*)(?:"|$))?\s*(.*)$', ['referrer', 'agent', 'more']) AS b,
        regexp_extract(a.request, '(?s)^([A-Za-z_-]+) (.*?)(?: (HTTP/\d(?:\.\d)?))?$', ['method', 'target', 'version']) AS q,
        try_strptime(a.stamp, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP AS stamp
    FROM split
)
SELECT
    source_offset, source_length,
    CASE WHEN a.code = '' THEN 'not an access log line' WHEN stamp IS NULL THEN 'no such date' END AS reason,
    stamp AS time,
    4002::INTEGER AS class_uid,
    http_activity(q.method) AS activity,
    'apache-nginx' AS product,
    'access' AS log_name,
    nullif(nullif(a.user, '-'), '') AS user_name,
    as_ip(a.client) AS src_ip,
    'tcp' AS protocol,
    'http' AS service,
    http_status_word(try_cast(a.code AS INTEGER)) AS status,
    'info' AS severity,
    a.request AS message,
    try_cast(a.size AS BIGINT) AS bytes_in,
    nullif(q.method, '') AS http_method,
    coalesce(target_host(q.target), CASE WHEN q.method = 'CONNECT' THEN split_part(q.target, ':', 1) END,
        nullif(regexp_replace(a.vhost, ':\d+$', ''), '')) AS url_host,
    CASE WHEN q.method <> 'CONNECT' THEN target_path(q.target) END AS url_path,
    target_query(q.target) AS url_query,
    try_cast(a.code AS INTEGER) AS http_status,
    nullif(nullif(b.agent, '-'), '') AS user_agent,
    nullif(nullif(b.referrer, '-'), '') AS referrer,
    lean(json_object(
        'client', CASE WHEN as_ip(a.client) IS NULL THEN a.client END, 'ident', nullif(nullif(a.ident, '-'), ''),
        'vhost', nullif(a.vhost, ''), 'http_version', nullif(q.version, ''),
        'more', nullif(CASE WHEN b.referrer = '' AND b.agent = '' AND b.more = '' THEN a.rest ELSE b.more END, ''))) AS extra
FROM parts
