-- Access logs of one layout. {pattern}, {groups}, {columns}, {members} and {dated} are written by custom.py out of the
-- compiled layout; the first group is the record, so that a record of nothing but empty fields is still one.
WITH cut AS (
    SELECT source_offset, source_length, regexp_extract(line, {pattern}, [{groups}]) AS g FROM lines
), parts AS (
    SELECT source_offset, source_length, g, {columns} FROM cut
), words AS (
    SELECT *, CASE WHEN contains(request, ' ') THEN string_split(request, ' ') END AS w FROM parts
), split AS (
    SELECT *, len(w) = 3 AND w[1] IN ('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND')
        AND starts_with(w[3], 'HTTP/') AS ordinary
    FROM words
), asked AS (
    SELECT *, CASE WHEN NOT ordinary THEN regexp_extract(request,
        '(?s)^([A-Za-z_-]+) (.*?)(?: (HTTP/\d(?:\.\d)?))?$', ['method', 'target', 'version']) END AS q
    FROM split
), named AS (
    SELECT *,
        coalesce(verb, CASE WHEN ordinary THEN w[1] ELSE nullif(q.method, '') END) AS method,
        coalesce(path, CASE WHEN ordinary THEN w[2] ELSE nullif(q.target, '') END) AS wanted,
        CASE WHEN ordinary THEN w[3] ELSE nullif(q.version, '') END AS version
    FROM asked
), requests AS (
    SELECT source_offset, source_length, coalesce(stamp, $modified) AS time,
        CASE WHEN g.whole = '' THEN 'not of the layout ' || $name WHEN {dated} AND stamp IS NULL THEN 'no such date' END AS reason,
        $product AS product, 'access' AS log_name, NULL::VARCHAR AS host, NULL::VARCHAR AS process, "user" AS user_name,
        as_ip(client) AS src_ip, try_cast(src_port AS INTEGER) AS src_port, as_ip(server) AS dst_ip,
        try_cast(dst_port AS INTEGER) AS dst_port, try_cast(code AS INTEGER) AS code,
        coalesce(request, nullif(concat_ws(' ', verb, path || coalesce(query, '')), '')) AS message,
        NULL::VARCHAR AS session_uid, seconds AS duration, try_cast(bytes_out AS BIGINT) AS bytes_out,
        try_cast(bytes_in AS BIGINT) AS bytes_in, method,
        CASE WHEN query IS NOT NULL AND NOT contains(wanted, '?') THEN wanted || '?' || ltrim(query, '?') ELSE wanted END AS target,
        site, agent, referrer, tls_server_name, file_path, 'request' AS kind, NULL::VARCHAR AS conn_state, 'info' AS severity,
        members(concat_ws(',', {members}, member('http_version', version))) AS extra
    FROM named
)
