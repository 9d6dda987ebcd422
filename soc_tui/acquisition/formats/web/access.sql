-- Apache/nginx common and combined access logs, with an optional virtual host in front.
-- A server that escapes quotes (both do by default) cannot be fooled by a quote in the request: the first alternative
-- of a quoted part takes escapes into account, the second only serves servers that write them raw.
-- The `ordinary` lines, nearly all, are cut at their quotes and blanks, many times as fast; by their shape the full
-- pattern could not read them otherwise (a test holds both against each other).
WITH cut AS (
    SELECT source_offset, source_length, line, string_split(line, '"') AS p FROM lines
), words AS (
    SELECT *, string_split(p[1], ' ') AS h, string_split(p[2], ' ') AS r FROM cut
), shaped AS (
    SELECT *, CASE WHEN len(p) = 7 THEN p[5] = ' ' AND ends_with(p[3], ' ') ELSE len(p) = 3 END
        AND len(r) = 3 AND r[1] IN ('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND')
        AND r[3] IN ('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/3.0')
        AND regexp_full_match(p[3], ' \d\d\d (?:\d+|-) ?')
        AND regexp_full_match(p[1], '(?:[\w.-]+:\d{1,5} )?(?:(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)|[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*) - \S+ \[\d\d/[A-Z][a-z][a-z]/\d\d\d\d:\d\d:\d\d:\d\d [+-]\d\d\d\d\] ')
        AND NOT contains(line, '\"') AS ordinary
    FROM words
), full_pattern AS (
    SELECT *, CASE WHEN NOT ordinary THEN regexp_extract(line,
        '(?s)^(?:([\w.-]+:\d{1,5}) )?(\S+) (\S+) (.*?) ?\[(\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\] "((?:[^"\\]|\\.)*|.*?)" (\d{3}) (\d+|-)(?: (.*))?$',
        ['vhost', 'client', 'ident', 'user', 'stamp', 'request', 'code', 'size', 'rest']) END AS a
    FROM shaped
), rests AS (
    SELECT *,
        CASE WHEN NOT ordinary THEN regexp_extract(a.rest, '(?s)^"((?:[^"\\]|\\.)*)"(?: "((?:[^"\\]|\\.)*)(?:"|$))?\s*(.*)$', ['referrer', 'agent', 'more']) END AS b,
        CASE WHEN NOT ordinary THEN regexp_extract(a.request, '(?s)^([A-Za-z_-]+) (.*?)(?: (HTTP/\d(?:\.\d)?))?$', ['method', 'target', 'version']) END AS q
    FROM full_pattern
), parts AS (
    SELECT source_offset, source_length, ordinary,
        try_strptime(CASE WHEN ordinary THEN right(p[1], 28) ELSE a.stamp || '] ' END, '%d/%b/%Y:%H:%M:%S %z] ')::TIMESTAMP AS time,
        CASE WHEN NOT ordinary THEN a.vhost WHEN len(h) = 7 THEN h[1] ELSE '' END AS vhost,
        CASE WHEN ordinary THEN h[-6] ELSE a.client END AS client,
        CASE WHEN ordinary AND NOT contains(h[-6], ':') THEN h[-6] ELSE as_ip(client) END AS src_ip,
        CASE WHEN NOT ordinary THEN a.ident END AS ident,
        CASE WHEN ordinary THEN h[-4] ELSE a.user END AS user_name,
        CASE WHEN ordinary THEN p[2] ELSE a.request END AS request,
        CASE WHEN ordinary THEN r[1] ELSE q.method END AS method,
        CASE WHEN ordinary THEN r[2] ELSE q.target END AS target,
        CASE WHEN ordinary THEN r[3] ELSE q.version END AS version,
        try_cast(CASE WHEN ordinary THEN p[3][2:4] ELSE a.code END AS INTEGER) AS code,
        try_cast(CASE WHEN ordinary THEN p[3][6:] ELSE a.size END AS BIGINT) AS bytes_in,
        CASE WHEN ordinary THEN p[4] ELSE b.referrer END AS referrer,
        CASE WHEN ordinary THEN p[6] ELSE b.agent END AS agent,
        CASE WHEN ordinary THEN CASE WHEN p[7] <> '' THEN regexp_replace(p[7], '^\s+', '') ELSE '' END
            WHEN b.referrer = '' AND b.agent = '' AND b.more = '' AND a.rest NOT IN ('"" ""', '""') THEN a.rest ELSE b.more END AS more
    FROM rests
), requests AS (
    SELECT source_offset, source_length, time,
        CASE WHEN code IS NULL THEN 'not an access log line' WHEN time IS NULL THEN 'no such date' END AS reason,
        'apache-nginx' AS product, 'access' AS log_name, NULL::VARCHAR AS host, NULL::VARCHAR AS process, user_name,
        src_ip, NULL::INTEGER AS src_port, NULL::VARCHAR AS dst_ip, NULL::INTEGER AS dst_port,
        code, request AS message, NULL::VARCHAR AS session_uid, NULL::DOUBLE AS duration, NULL::BIGINT AS bytes_out, bytes_in,
        method, target, CASE WHEN vhost <> '' THEN regexp_replace(vhost, ':\d+$', '') END AS site,
        agent, referrer, NULL::VARCHAR AS tls_server_name, NULL::VARCHAR AS file_path, 'request' AS kind, NULL::VARCHAR AS conn_state, 'info' AS severity,
        CASE WHEN ordinary AND vhost = '' AND more = '' AND src_ip IS NOT NULL THEN concat('{"http_version":"', version, '"}')
            ELSE members(concat_ws(',', member('client', CASE WHEN src_ip IS NULL THEN client END),
                member('ident', nullif(nullif(ident, '-'), '')), member('vhost', nullif(vhost, '')),
                member('http_version', nullif(version, '')), member('more', nullif(more, '')))) END AS extra
    FROM parts
)
