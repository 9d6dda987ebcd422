-- Website access records as JSON objects, one a line. {schema}, {columns}, {gone}, {product} and {second} are
-- written by json_access.py out of constants; {gone} is the merge patch that takes what has a column out of `extra`
-- and names the source of a time that the record does not have. The
-- first CASE keeps text that is not JSON away from functions that raise on it.
WITH parsed AS (
    SELECT source_offset, source_length, line,
        CASE WHEN starts_with(ltrim(line, E' \t\r'), '{') THEN CASE WHEN json_valid(line) THEN line END END AS doc
    FROM lines
), records AS (
    SELECT *, from_json(doc, '{schema}') AS r FROM parsed
), named AS (
    SELECT *, {columns} FROM records
), split AS (
    SELECT *, CASE WHEN contains(request_line, ' ') THEN string_split(request_line, ' ') END AS w FROM named
), shaped AS (
    SELECT *, len(w) = 3 AND w[1] IN ('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND')
        AND starts_with(w[3], 'HTTP/') AS ordinary
    FROM split
), typed AS (
    SELECT * REPLACE (
            as_ip(src_ip) AS src_ip, as_ip(dst_ip) AS dst_ip,
            try_cast(src_port AS INTEGER) AS src_port, try_cast(dst_port AS INTEGER) AS dst_port,
            try_cast(code AS INTEGER) AS code, try_cast(duration AS DOUBLE) * {second} AS duration,
            try_cast(bytes_in AS BIGINT) AS bytes_in, try_cast(bytes_out AS BIGINT) AS bytes_out,
            CASE WHEN NOT contains(time, ':') THEN from_any_epoch(time)
                WHEN contains(time, '/') THEN coalesce(try_strptime(time, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP,
                    in_zone(try_strptime(time, ['%Y/%m/%d %H:%M:%S.%f', '%Y/%m/%d %H:%M:%S']), $zone))
                WHEN $zone <> 'UTC' AND NOT regexp_matches(time, '(?i)(?:z|[+-]\d\d:?\d\d)$') THEN in_zone(from_iso(time), $zone)
                ELSE from_iso(time) END AS time),
        coalesce(verb, CASE WHEN ordinary THEN w[1] ELSE nullif(regexp_extract(request_line, '^([A-Za-z_-]+) ', 1), '') END) AS method,
        coalesce(path, CASE WHEN ordinary THEN w[2]
            ELSE nullif(regexp_extract(request_line, '(?s)^[A-Za-z_-]+ (.*?)(?: HTTP/\d(?:\.\d)?)?$', 1), '') END) AS wanted
    FROM shaped
), patched AS (
    -- Once, and with one patch for everything: every JSON function holds an arena of some MB for each thread.
    SELECT *, json_merge_patch(doc, {gone})::VARCHAR AS rest FROM typed
), requests AS (
    SELECT source_offset, source_length,
        CASE WHEN doc IS NULL THEN CASE WHEN json_valid(line) THEN 'JSON, but not an object' ELSE 'not valid JSON' END END AS reason,
        coalesce(time, $modified) AS time, '{product}' AS product, 'access' AS log_name, NULL::VARCHAR AS host,
        NULL::VARCHAR AS process, user_name, src_ip, src_port, dst_ip, dst_port, code, NULL::VARCHAR AS session_uid, duration,
        bytes_out, bytes_in, site, agent, referrer, nullif(tls_server_name, '') AS tls_server_name, NULL::VARCHAR AS file_path, method,
        CASE WHEN args NOT IN ('', '-', '?') AND NOT contains(wanted, '?') THEN wanted || '?' || ltrim(args, '?') ELSE wanted END AS target,
        coalesce(request_line, nullif(concat_ws(' ', verb, path), ''), words) AS message,
        CASE WHEN method IS NULL AND code IS NULL THEN 'notice' ELSE 'request' END AS kind, NULL::VARCHAR AS conn_state,
        CASE WHEN method IS NOT NULL OR code IS NOT NULL THEN 'info'
            ELSE CASE lower(level) WHEN 'warn' THEN 'low' WHEN 'warning' THEN 'low' WHEN 'error' THEN 'medium'
                WHEN 'fatal' THEN 'high' WHEN 'panic' THEN 'high' ELSE 'info' END END AS severity,
        nullif(rest, '{}') AS extra
    FROM patched
)
