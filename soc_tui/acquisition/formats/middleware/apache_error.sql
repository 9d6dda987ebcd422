-- Apache httpd's error log, 2.2 `[time] [level] [client IP] text` and 2.4 `[time] [module:level] [pid N:tid N] [client IP:PORT] AHnnnnn: text`.
--
-- Hostile text: httpd writes `[client ...]` before anything that a client sent, and escapes quotes and control characters after
-- it, so the address is taken from its own place only. A request that failed has its answer in `http_status` where httpd's source
-- leaves only one (File does not exist: 404), so that detectors do not take it as one that reached something.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        instr(line, ']') AS close
    FROM lines
), cut_2 AS (
    SELECT *, CASE WHEN starts_with(line, '[') AND close BETWEEN 25 AND 40 THEN in_zone(month_stamp(substr(line, close - 4, 4), substr(line, 6, 3),
            substr(line, 10, 2), substr(line, 13, close - 18)), $zone) END AS stamp
    FROM cut_1
), cut AS (
    SELECT *, CASE WHEN stamp IS NULL THEN line ELSE split_part(substr(line, close + 2), chr(10), 1) END AS first,
        CASE WHEN contains(line, chr(10)) AND stamp IS NOT NULL THEN substr(line, instr(line, chr(10)) + 1) END AS more
    FROM cut_2
), levels_1 AS (
    SELECT *,
        CASE WHEN stamp IS NOT NULL AND starts_with(first, '[') THEN substr(first, 2, instr(first, ']') - 2) END AS tag
    FROM cut
), levels AS (
    SELECT *, CASE WHEN tag IS NULL THEN first ELSE substr(first, length(tag) + 4) END AS rest
    FROM levels_1
), pids_1 AS (
    SELECT *,
        lower(split_part(tag, ':', -1)) AS level,
        CASE WHEN starts_with(rest, '[pid ') THEN substr(rest, 6, instr(rest, ']') - 6) END AS pid
    FROM levels
), pids_2 AS (
    SELECT *, CASE WHEN pid IS NULL THEN rest ELSE substr(rest, length(pid) + 8) END AS after_pid
    FROM pids_1
), pids_3 AS (
    SELECT *, -- `(13)Permission denied: ` of the system and a file of httpd's own source may stand before the client
        CASE WHEN NOT starts_with(after_pid, '[client ') AND contains(after_pid, '[client ')
            THEN regexp_extract(after_pid, '^(?:[\w./-]+\(\d+\): )?(?:\(\d+\)[^\[\]]*: )?\[client ', 0) END AS before
    FROM pids_2
), pids AS (
    SELECT *, CASE WHEN starts_with(after_pid, '[client ') THEN after_pid WHEN before <> '' THEN substr(after_pid, length(before) - 7) END AS from_client
    FROM pids_3
), clients_1 AS (
    SELECT *,
        CASE WHEN from_client IS NOT NULL THEN substr(from_client, 9, instr(from_client, ']') - 9) END AS client
    FROM pids
), clients_2 AS (
    SELECT *, -- 2.4 writes the port after the last colon, also behind an IPv6 address; 2.2 writes none
        client IS NOT NULL AND (pid IS NOT NULL OR contains(tag, ':') OR contains(client, '.')) AND contains(client, ':') AS with_port,
        coalesce(CASE WHEN before <> '' THEN left(before, length(before) - 8) END, '')
            || CASE WHEN client IS NULL THEN after_pid ELSE substr(from_client, length(client) + 11) END AS said
    FROM clients_1
), clients AS (
    SELECT *, CASE WHEN with_port THEN split_part(client, ':', -1) END AS port
    FROM clients_2
), texts_1 AS (
    SELECT *,
        contains(said, 'ModSecurity: ') AND regexp_matches(said, '^(?:\[client [^\]]*\] )?ModSecurity: ') AS modsec,
        CASE WHEN contains(said, ', referer: ') THEN substr(said, length(said) - instr(reverse(said), reverse(', referer: ')) + 2) END AS referrer
    FROM clients
), texts_2 AS (
    SELECT *, CASE WHEN referrer IS NULL THEN said ELSE left(said, length(said) - length(referrer) - 11) END AS text
    FROM texts_1
), texts AS (
    SELECT *, -- ModSecurity says the client once more
        CASE WHEN modsec THEN substr(text, instr(text, 'ModSecurity: ')) WHEN starts_with(text, 'AH') THEN regexp_replace(text, '^AH\d{5}: ', '') ELSE text END AS words
    FROM texts_2
), found_1 AS (
    SELECT *,
        CASE
        WHEN modsec AND regexp_matches(words, '^ModSecurity: (?:Warning\.|Access (?:denied|allowed|to phase)|Rule )') THEN 'detect'
        WHEN client IS NULL THEN NULL
        WHEN starts_with(words, 'user ') THEN CASE
            WHEN regexp_matches(words, '^user [^:]*: authentication failure for ".*": |^user [^:]* not found: |^user [^:]* in realm .* not found: |^user [^:]*: password mismatch: ') THEN 'logon'
            WHEN regexp_matches(words, '^user [^:]*: authorization failure for ".*"') THEN 'deny' END
        WHEN starts_with(words, 'File does not exist: ') OR regexp_matches(words, '^script ''.*'' not found or unable to stat') OR starts_with(words, 'script not found or unable to stat: ') THEN 'not-found'
        WHEN starts_with(words, 'client denied by server configuration: ') OR starts_with(words, 'Directory index forbidden by ')
            OR starts_with(words, 'Cannot serve directory ') OR starts_with(words, 'Symbolic link not allowed ') THEN 'deny'
        WHEN starts_with(words, 'Invalid URI in request ') OR starts_with(words, 'Invalid method in request ') THEN 'invalid-request'
        END AS kind
    FROM texts
), found_2 AS (
    SELECT *, CASE kind
            WHEN 'not-found' THEN coalesce(nullif(regexp_extract(words, '^script ''(.*)'' not found', 1), ''), substr(words, instr(words, ': ') + 2))
            WHEN 'deny' THEN CASE
                WHEN starts_with(words, 'Cannot') THEN nullif(regexp_extract(words, '^Cannot serve directory (.*?): No matching ', 1), '')
                WHEN starts_with(words, 'user ') THEN NULL ELSE substr(words, instr(words, ': ') + 2) END
        END AS path
    FROM found_1
), found AS (
    SELECT *, CASE WHEN kind = 'detect' THEN regexp_extract(words, '\[uri "((?:[^"\\]|\\.)*)"\]', 1)
             WHEN kind = 'logon' THEN coalesce(nullif(regexp_extract(words, '^user [^:]*: authentication failure for "(.*)": ', 1), ''), nullif(regexp_extract(words, ': (/.*)$', 1), ''))
             WHEN kind = 'deny' AND path IS NULL THEN nullif(regexp_extract(words, ': authorization failure for "(.*?)"', 1), '')
             WHEN kind = 'invalid-request' THEN nullif(regexp_extract(words, ' in request \S+ (\S+)', 1), '') END AS target
    FROM found_2
)
SELECT
    source_offset, source_length,
    CASE WHEN stamp IS NULL AND regexp_matches(line, '^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4}\]') THEN 'no such date' END AS reason,
    coalesce(stamp, $modified) AS time,
    (CASE kind WHEN 'detect' THEN 2004 WHEN 'logon' THEN 3002 ELSE 6000 END)::INTEGER AS class_uid,
    coalesce(kind, 'log') AS activity, CASE kind WHEN 'detect' THEN 'modsecurity' ELSE 'apache' END AS product, 'error' AS log_name,
    CASE WHEN contains(tag, ':') THEN nullif(nullif(split_part(tag, ':', 1), ''), '-') END AS process,
    CASE WHEN starts_with(words, 'user ') AND kind IS NOT NULL THEN regexp_extract(words, '^user [`'']?([^:]*?)[`'']?(?:: | not found: | in realm )', 1) END AS user_name,
    CASE WHEN with_port THEN as_ip(left(client, length(client) - length(port) - 1)) WHEN client IS NOT NULL THEN as_ip(client) END AS src_ip,
    try_cast(port AS USMALLINT)::INTEGER AS src_port,
    CASE WHEN client IS NOT NULL THEN 'http' END AS service,
    CASE WHEN kind IN ('logon', 'not-found', 'deny', 'invalid-request') THEN 'failure'
         WHEN kind = 'detect' AND starts_with(words, 'ModSecurity: Access denied') THEN 'failure' ELSE 'unknown' END AS status,
    CASE WHEN kind = 'detect' THEN CASE upper(regexp_extract(words, '\[severity "(\w+)"\]', 1))
            WHEN 'EMERGENCY' THEN 'critical' WHEN 'ALERT' THEN 'critical' WHEN 'CRITICAL' THEN 'high' WHEN 'ERROR' THEN 'medium'
            WHEN 'WARNING' THEN 'low' WHEN 'NOTICE' THEN 'low' WHEN 'INFO' THEN 'info' WHEN 'DEBUG' THEN 'info' ELSE 'medium' END
         WHEN kind IS NOT NULL THEN 'low'
         WHEN level IN ('emerg', 'alert') THEN 'critical' WHEN level = 'crit' THEN 'high' WHEN level = 'error' THEN 'medium'
         WHEN level = 'warn' THEN 'low' ELSE 'info' END AS severity,
    CASE WHEN stamp IS NULL THEN line ELSE text END AS message,
    CASE WHEN kind = 'detect' THEN nullif(regexp_extract(words, '\[hostname "((?:[^"\\]|\\.)*)"\]', 1), '') END AS url_host,
    CASE WHEN kind = 'invalid-request' AND target IS NOT NULL THEN nullif(regexp_extract(words, ' in request ([A-Za-z]+) ', 1), '') END AS http_method,
    target_path(nullif(target, '')) AS url_path, target_query(nullif(target, '')) AS url_query,
    CASE kind WHEN 'detect' THEN try_cast(nullif(regexp_extract(words, '^ModSecurity: Access denied with code (\d{3}) ', 1), '') AS INTEGER)
        WHEN 'logon' THEN 401 WHEN 'not-found' THEN 404 WHEN 'deny' THEN CASE WHEN path IS NULL THEN 401 ELSE 403 END WHEN 'invalid-request' THEN 400 END AS http_status,
    referrer,
    CASE WHEN kind IN ('not-found', 'deny') THEN path END AS file_path,
    CASE WHEN kind = 'detect' THEN nullif(regexp_extract(words, '\[id "([^"]*)"\]', 1), '') END AS rule_id,
    CASE WHEN kind = 'detect' THEN coalesce(nullif(regexp_extract(words, '\[msg "((?:[^"\\]|\\.)*)"\]', 1), ''), left(words, 200)) END AS rule_name,
    CASE WHEN kind = 'detect' THEN nullif(regexp_extract(words, '\[tag "((?:[^"\\]|\\.)*)"\]', 1), '') END AS rule_category,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END), member('level', level),
        member('pid', split_part(pid, ':', 1)), member('tid', nullif(split_part(pid, ':tid ', 2), '')),
        member('code', CASE WHEN starts_with(text, 'AH') THEN nullif(regexp_extract(text, '^(AH\d{5}): ', 1), '') END),
        member('client', CASE WHEN NOT with_port AND client IS NOT NULL AND as_ip(client) IS NULL THEN client END),
        CASE WHEN kind = 'detect' THEN concat_ws(',', member('tags', regexp_extract_all(words, '\[tag "((?:[^"\\]|\\.)*)"\]', 1)),
            member('data', nullif(regexp_extract(words, '\[data "((?:[^"\\]|\\.)*)"\]', 1), '')),
            member('unique_id', nullif(regexp_extract(words, '\[unique_id "([^"]*)"\]', 1), ''))) END,
        member('more', more))) AS extra
FROM found
