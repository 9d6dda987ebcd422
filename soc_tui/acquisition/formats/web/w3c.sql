-- W3C extended log records under one #Fields line. What is in braces is written by w3c.py out of constants and numbers.
WITH cut AS (
    SELECT source_offset, source_length, string_split(rtrim(line, E' \t\r'), $separator) AS f FROM lines
), named AS (
    SELECT source_offset, source_length, len(f) AS found, {columns}, members(concat_ws(',', {extra})) AS rest FROM cut
), stamped AS (
    SELECT *, try_cast(coalesce(day, $date) || ' ' || clock AS TIMESTAMP) AS stamp,
        CASE WHEN query IS NOT NULL AND NOT contains(path, '?') THEN path || '?' || query ELSE path END AS target
    FROM named
), requests AS (
    SELECT source_offset, source_length,
        CASE WHEN found <> $count THEN found || ' fields where #Fields names ' || $count
            WHEN stamp IS NULL AND clock IS NOT NULL AND coalesce(day, $date) <> '' THEN 'no such date' END AS reason,
        coalesce(stamp, $modified) AS time, '{product}' AS product, 'access' AS log_name, host, NULL::VARCHAR AS process,
        user_name, as_ip(client) AS src_ip, try_cast(src_port AS INTEGER) AS src_port, as_ip(server) AS dst_ip,
        try_cast(dst_port AS INTEGER) AS dst_port, try_cast(code AS INTEGER) AS code,
        nullif(concat_ws(' ', method, target), '') AS message, NULL::VARCHAR AS session_uid,
        try_cast(took AS DOUBLE) * {second} AS duration, try_cast(bytes_out AS BIGINT) AS bytes_out,
        try_cast(bytes_in AS BIGINT) AS bytes_in, CASE WHEN regexp_full_match(method, '[A-Za-z_-]+') THEN method END AS method,
        target, site, {agent} AS agent, {referrer} AS referrer, NULL::VARCHAR AS tls_server_name, NULL::VARCHAR AS file_path,
        'request' AS kind, NULL::VARCHAR AS conn_state, 'info' AS severity,
        CASE WHEN stamp IS NULL THEN coalesce(left(rest, -1) || ',', '{') || '"time_source":"file"}' ELSE rest END AS extra
    FROM stamped
)
