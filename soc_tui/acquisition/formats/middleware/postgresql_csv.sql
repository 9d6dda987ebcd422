-- PostgreSQL's csvlog (https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-CSVLOG): the
-- columns are the server's, so the address (`connection_from`) is the peer whatever the names and messages beside it hold.
WITH masked AS (
    -- Commas inside quotes become the unit separator (U+001F), so that one split gives the fields; a third of the cost of a pattern. A
    -- record that holds that character is split by the pattern.
    SELECT source_offset, source_length, line, contains(line, chr(31)) AS odd,
        CASE WHEN NOT odd THEN string_split(array_to_string(list_transform(string_split(line, '"'),
            lambda piece, place: CASE WHEN place % 2 = 0 THEN replace(piece, ',', chr(31)) ELSE piece END), '"'), ',') END AS masks
    FROM lines
), cut AS MATERIALIZED (
    SELECT source_offset, source_length, CASE WHEN odd THEN csv_fields(line)
        ELSE list_transform(masks, lambda field: CASE WHEN starts_with(field, '"') AND length(field) > 1 THEN replace(replace(field[2:-2], '""', '"'), chr(31), ',') ELSE field END) END AS f
    FROM masked
), named_1 AS (
    SELECT source_offset,
        source_length,
        length(f) AS width,
        f[1] AS word,
        nullif(f[2], '') AS who,
        nullif(f[3], '') AS db,
        f[4] AS pid,
        nullif(f[5], '') AS peer,
        f[6] AS session,
        nullif(f[8], '') AS tag,
        f[12] AS level,
        nullif(f[13], '00000') AS state,
        f[14] AS text,
        nullif(f[15], '') AS detail,
        nullif(f[16], '') AS hint,
        nullif(f[19], '') AS context,
        nullif(f[20], '') AS statement,
        nullif(f[23], '') AS app,
        nullif(f[24], '') AS backend
    FROM cut
), named_2 AS (
    SELECT *, word[25:] AS zone_name,
        try_cast(word[:23] AS TIMESTAMP) AS local_stamp
    FROM named_1
), named AS (
    SELECT *, CASE WHEN zone_name IN ('UTC', 'GMT') THEN local_stamp
             WHEN zone_name[1] IN ('+', '-') THEN try_cast(word[:23] || zone_name AS TIMESTAMPTZ)::TIMESTAMP
             WHEN zone_name IN ('CEST', 'SAST') THEN local_stamp - INTERVAL 2 HOUR WHEN zone_name IN ('BST', 'WEST', 'CET') THEN local_stamp - INTERVAL 1 HOUR
             WHEN zone_name IN ('EEST', 'MSK') THEN local_stamp - INTERVAL 3 HOUR WHEN zone_name = 'EET' THEN local_stamp - INTERVAL 2 HOUR
             WHEN zone_name = 'JST' THEN local_stamp - INTERVAL 9 HOUR WHEN zone_name = 'EDT' THEN local_stamp + INTERVAL 4 HOUR
             WHEN zone_name IN ('EST', 'CDT') THEN local_stamp + INTERVAL 5 HOUR WHEN zone_name IN ('CST', 'MDT') THEN local_stamp + INTERVAL 6 HOUR
             WHEN zone_name IN ('MST', 'PDT') THEN local_stamp + INTERVAL 7 HOUR WHEN zone_name = 'PST' THEN local_stamp + INTERVAL 8 HOUR
             ELSE in_zone(local_stamp, $zone) END AS stamp
    FROM named_2
), found AS (
    SELECT *, CASE
        WHEN level = 'FATAL' AND (state IN ('28P01', '28000') OR regexp_matches(text, '^(?:\w+ )+authentication failed for user "')) THEN 'logon'
        WHEN level = 'LOG' THEN CASE
            WHEN starts_with(text, 'connection received: ') THEN 'connect'
            WHEN starts_with(text, 'connection authorized: ') OR starts_with(text, 'replication connection authorized: ') THEN 'authorized'
            WHEN starts_with(text, 'disconnection: ') THEN 'logoff'
            WHEN starts_with(text, 'statement: ') OR starts_with(text, 'duration: ') OR starts_with(text, 'execute ') THEN 'query'
            WHEN starts_with(text, 'AUDIT: ') THEN 'audit'
            WHEN starts_with(text, 'database system is ready') THEN 'start' WHEN starts_with(text, 'database system is shut down') THEN 'stop'
            WHEN regexp_matches(text, '^server process \(PID \d+\) was terminated by signal') THEN 'crash' END
        END AS kind,
        -- HOST:PORT; an IPv6 address is not in brackets
        CASE WHEN contains(peer, ':') THEN split_part(peer, ':', -1) END AS port
    FROM named
)
SELECT
    source_offset, source_length,
    CASE WHEN width < 23 THEN 'not 23 to 26 columns' WHEN stamp IS NULL THEN 'no such date' END AS reason,
    stamp AS time,
    CASE WHEN kind IN ('logon', 'authorized', 'logoff') THEN 3002 WHEN kind = 'connect' THEN 4001 ELSE 6000 END::INTEGER AS class_uid,
    coalesce(CASE kind WHEN 'authorized' THEN 'logon' ELSE kind END, 'log') AS activity, 'postgresql' AS product, 'postgresql' AS log_name,
    who AS user_name,
    as_ip(CASE WHEN port IS NOT NULL THEN left(peer, length(peer) - length(port) - 1) ELSE peer END) AS src_ip,
    try_cast(port AS USMALLINT)::INTEGER AS src_port, 'postgresql' AS service,
    CASE kind WHEN 'logon' THEN 'failure' WHEN 'authorized' THEN 'success' WHEN 'logoff' THEN 'success' WHEN 'connect' THEN 'success' ELSE 'unknown' END AS status,
    CASE WHEN kind = 'logon' THEN 'low' WHEN level = 'PANIC' THEN 'critical' WHEN level = 'FATAL' OR kind = 'crash' THEN 'high' WHEN level = 'ERROR' THEN 'medium' WHEN level = 'WARNING' THEN 'low' ELSE 'info' END AS severity,
    text AS message, nullif(session, '') AS session_uid,
    CASE WHEN kind = 'logoff' THEN epoch(try_cast(regexp_extract(text, 'session time: ([\d:.]+)', 1) AS INTERVAL))
         WHEN kind = 'query' AND starts_with(text, 'duration: ') THEN try_cast(split_part(text, ' ', 2) AS DOUBLE) / 1000 END AS duration,
    members(concat_ws(',', member('level', lower(level)), member('pid', nullif(pid, '')), member('database', db), member('application', app), member('backend', backend),
        member('command', tag), member('sqlstate', state), member('client', CASE WHEN port IS NULL AND peer <> '[local]' AND as_ip(peer) IS NULL THEN peer END),
        member('detail', detail), member('hint', hint), member('context', context), member('statement', statement))) AS extra
FROM found
