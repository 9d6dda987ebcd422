-- PostgreSQL's server log on stderr, with the usual values of log_line_prefix:
--   `%m [%p] `   `%m [%p] %q%u@%d `   `%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h `   and relatives with %h, %r or %a elsewhere.
-- DETAIL, HINT, CONTEXT, STATEMENT and QUERY that follow are lines of the same record (framing).
--
-- Hostile text: user, database and application names stand in the prefix, as the client wrote them, before the severity. An
-- address is the server's `client=`, `host=` or own words; where a forged one could be meant, none is taken. A refused login
-- without an address in its prefix takes that of the `connection received` of the same process, if it is among the last 256
-- (postgresql_received.sql stands below where there is any).
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        split_part(line, chr(10), 1) AS first,
        CASE WHEN line[5] = '-' AND line[8] = '-' AND line[11] = ' ' AND line[17] = ':' THEN split_part(substr(line, 12, 24), ' ', 1) END AS clock
    FROM lines
), cut_2 AS (
    SELECT *, instr(first, ':  ') AS two_spaces FROM cut_1
), cut_3 AS (
    SELECT *, CASE WHEN two_spaces > 0 THEN substr(first, greatest(two_spaces - 12, 1), least(12, two_spaces - 1)) END AS left_of FROM cut_2
), cut_4 AS (
    SELECT *, CASE WHEN clock IS NOT NULL THEN substr(line, 13 + length(clock), 40) END AS after_clock,
        CASE WHEN clock IS NOT NULL THEN try_cast(line[1:11] || clock AS TIMESTAMP) END AS local_stamp,
        -- the first `WORD:  ` ends the prefix
        CASE WHEN split_part(left_of, ' ', -1) IN ('LOG', 'ERROR', 'FATAL', 'DETAIL', 'STATEMENT', 'WARNING', 'HINT', 'CONTEXT', 'NOTICE', 'PANIC') THEN split_part(left_of, ' ', -1)
            ELSE regexp_extract(first, '\b(LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION):  ', 1) END AS level
    FROM cut_3
), cut AS (
    SELECT *, CASE WHEN clock IS NOT NULL THEN CASE WHEN after_clock[1] BETWEEN 'A' AND 'Z' OR after_clock[1] IN ('+', '-') THEN split_part(after_clock, ' ', 1) ELSE '' END END AS zone_name,
        instr(first, level || ':  ') AS colon
    FROM cut_4
), stamped_1 AS (
    SELECT *,
        CASE WHEN zone_name IN ('UTC', 'GMT', 'Z') THEN local_stamp
             WHEN zone_name = '' THEN in_zone(local_stamp, $zone)
             WHEN zone_name[1] IN ('+', '-') THEN try_cast(line[1:11] || clock || zone_name AS TIMESTAMPTZ)::TIMESTAMP
             WHEN zone_name IN ('CEST', 'SAST') THEN local_stamp - INTERVAL 2 HOUR WHEN zone_name IN ('BST', 'WEST') THEN local_stamp - INTERVAL 1 HOUR
             WHEN zone_name IN ('EEST', 'MSK') THEN local_stamp - INTERVAL 3 HOUR WHEN zone_name = 'JST' THEN local_stamp - INTERVAL 9 HOUR
             WHEN zone_name = 'EDT' THEN local_stamp + INTERVAL 4 HOUR WHEN zone_name IN ('EST', 'CDT') THEN local_stamp + INTERVAL 5 HOUR
             WHEN zone_name IN ('CST', 'MDT') THEN local_stamp + INTERVAL 6 HOUR WHEN zone_name IN ('MST', 'PDT') THEN local_stamp + INTERVAL 7 HOUR
             WHEN zone_name = 'PST' THEN local_stamp + INTERVAL 8 HOUR
             WHEN zone_name = 'CET' THEN local_stamp - INTERVAL 1 HOUR WHEN zone_name = 'EET' THEN local_stamp - INTERVAL 2 HOUR
             ELSE in_zone(local_stamp, $zone) END AS stamp,
        CASE WHEN length(first) < length(line) THEN substr(line, length(first) + 2) END AS more
    FROM cut
), stamped_2 AS (
    SELECT *, level <> '' AND stamp IS NOT NULL AS whole
    FROM stamped_1
), stamped AS (
    SELECT *, CASE WHEN whole THEN substr(first, 13 + length(clock) + CASE WHEN zone_name <> '' THEN length(zone_name) + 1 ELSE 0 END, greatest(colon - 13 - length(clock) - CASE WHEN zone_name <> '' THEN length(zone_name) + 1 ELSE 0 END, 0)) END AS prefix,
        CASE WHEN whole THEN substr(first, colon + length(level) + 3) ELSE first END AS text
    FROM stamped_2
), words AS (
    SELECT *, CASE WHEN starts_with(prefix, '[') THEN substr(prefix, 2, instr(prefix, ']') - 2) END AS ids,
        CASE WHEN contains(prefix, '@') AND NOT contains(prefix, 'user=') THEN rtrim(split_part(prefix, '] ', -1)) END AS at_words
    FROM stamped
), prefixed_1 AS (
    SELECT *, CASE WHEN ids[1] BETWEEN '0' AND '9' THEN split_part(ids, '-', 1) END AS pid,
        -- a severity in a client's name: the words after it may be the client's, so no address in them is believed
        contains(text, ':  ') AND regexp_matches(text, '\b(?:LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?):  ') AS doubtful,
        CASE WHEN at_words IS NOT NULL THEN left(at_words, length(at_words) - length(split_part(at_words, '@', -1)) - 1)
             WHEN contains(prefix, 'user=') THEN split_part(substr(prefix, instr(prefix, 'user=') + 5), ',', 1) END AS prefix_user,
        CASE WHEN at_words IS NOT NULL THEN split_part(at_words, '@', -1)
             WHEN contains(prefix, ',db=') THEN split_part(rtrim(substr(prefix, instr(prefix, ',db=') + 4)), ',', 1) END AS prefix_db,
        CASE WHEN contains(prefix, 'app=') THEN regexp_extract(prefix, 'app=(.*?)(?:,client=| $|$)', 1) END AS prefix_app
    FROM words
), prefixed AS (
    SELECT *, CASE WHEN (contains(prefix, 'client=') OR contains(prefix, 'host='))
            AND length(regexp_extract_all(prefix, '(?:client|host)=')) = 1
            AND NOT doubtful
            THEN regexp_extract(prefix, '(?:client|host)=([^\s,]*)', 1) END AS prefix_client
    FROM prefixed_1
), found_1 AS (
    SELECT *,
        CASE
        WHEN NOT whole THEN NULL
        WHEN doubtful AND regexp_matches(text, '\bFATAL:  (?:\w+ )+authentication failed for user "') THEN 'logon'
        WHEN level = 'FATAL' AND regexp_matches(text, '^(?:\w+ )+authentication failed for user "|^role ".*" does not exist$|^no pg_hba.conf entry for |^pg_hba.conf rejects |^role ".*" is not permitted to log in$') THEN 'logon'
        WHEN level = 'LOG' AND NOT doubtful THEN CASE
            WHEN starts_with(text, 'connection received: ') THEN 'connect'
            WHEN starts_with(text, 'connection authorized: ') OR starts_with(text, 'replication connection authorized: ') THEN 'authorized'
            WHEN starts_with(text, 'disconnection: ') THEN 'logoff'
            WHEN starts_with(text, 'statement: ') OR starts_with(text, 'duration: ') OR starts_with(text, 'execute ') THEN 'query'
            WHEN starts_with(text, 'AUDIT: ') THEN 'audit'
            WHEN starts_with(text, 'database system is ready') THEN 'start'
            WHEN starts_with(text, 'database system is shut down') THEN 'stop'
            WHEN regexp_matches(text, '^server process \(PID \d+\) was terminated by signal') THEN 'crash' END
        END AS kind,
        -- the ip(port) of %r
        CASE WHEN contains(prefix_client, '(') THEN split_part(prefix_client, '(', 1) ELSE prefix_client END AS client
    FROM prefixed
), found_2 AS (
    SELECT *, CASE kind
            WHEN 'connect' THEN regexp_extract(text, '^connection received: host=(\S+)(?: port=(\d+))?()()$', ['ip', 'port', 'who', 'db'])
            WHEN 'logoff' THEN regexp_extract(text, '^disconnection: session time: [\d:.]+ user=(.*) database=(.*) host=(\S+)(?: port=(\d+))?$', ['who', 'db', 'ip', 'port'])
            WHEN 'authorized' THEN regexp_extract(text, '^(?:replication )?connection authorized: ()()user=(.*?)(?: database=(.*?))?(?: application_name=.*| SSL enabled .*| GSS .*)?$', ['ip', 'port', 'who', 'db'])
            WHEN 'logon' THEN CASE
                WHEN contains(text, 'authentication failed for user "') THEN regexp_extract(text, '^(?:\w+ )+authentication failed for user ()()"(.*)"()$', ['ip', 'port', 'who', 'db'])
                WHEN starts_with(text, 'role ') THEN regexp_extract(text, '^role ()()"(.*)" (?:does not exist|is not permitted to log in)()$', ['ip', 'port', 'who', 'db'])
                ELSE regexp_extract(text, '^(?:no pg_hba.conf entry for|pg_hba.conf rejects) (?:replication )?(?:connection for )?host "([^"]*)"(), user "(.*?)"(?:, database "(.*?)")?(?:, .*)?$', ['ip', 'port', 'who', 'db']) END
        END AS x
    FROM found_1
), found AS (
    SELECT *, kind IN ('logon', 'authorized') AND (x['ip'] = '' OR doubtful) AND prefix_client IS NULL AS asks,
        as_ip(coalesce(CASE WHEN NOT doubtful THEN nullif(x['ip'], '') END, client)) AS address
    FROM found_2
), answered AS (
    {answered}
)
SELECT
    source_offset, source_length, CASE WHEN clock IS NOT NULL AND stamp IS NULL AND regexp_matches(line, '^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d') THEN 'no such date' END AS reason,
    coalesce(stamp, $modified) AS time,
    CASE WHEN kind IN ('logon', 'authorized', 'logoff') THEN 3002 WHEN kind = 'connect' THEN 4001 ELSE 6000 END::INTEGER AS class_uid,
    coalesce(CASE kind WHEN 'authorized' THEN 'logon' ELSE kind END, 'log') AS activity, 'postgresql' AS product, 'postgresql' AS log_name,
    coalesce(nullif(x.who, ''), nullif(nullif(prefix_user, ''), '[unknown]')) AS user_name,
    coalesce(address, received_address) AS src_ip,
    try_cast(coalesce(nullif(x.port, ''), CASE WHEN contains(prefix_client, '(') THEN rtrim(split_part(prefix_client, '(', 2), ')') END, received_port) AS USMALLINT)::INTEGER AS src_port,
    'postgresql' AS service,
    CASE kind WHEN 'logon' THEN 'failure' WHEN 'authorized' THEN 'success' WHEN 'logoff' THEN 'success' WHEN 'connect' THEN 'success' ELSE 'unknown' END AS status,
    CASE WHEN kind = 'logon' THEN 'low' WHEN level = 'PANIC' THEN 'critical' WHEN level = 'FATAL' OR kind = 'crash' THEN 'high' WHEN level = 'ERROR' THEN 'medium' WHEN level = 'WARNING' THEN 'low' ELSE 'info' END AS severity,
    CASE WHEN whole THEN CASE WHEN kind IN ('query', 'audit') AND more IS NOT NULL THEN text || chr(10) || more ELSE text END ELSE line END AS message,
    CASE WHEN kind = 'logoff' THEN epoch(try_cast(regexp_extract(text, 'session time: ([\d:.]+)', 1) AS INTERVAL))
         WHEN kind = 'query' AND starts_with(text, 'duration: ') THEN try_cast(split_part(text, ' ', 2) AS DOUBLE) / 1000 END AS duration,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END), member('level', lower(CASE WHEN whole THEN level END)),
        member('pid', pid), member('database', coalesce(nullif(x.db, ''), nullif(nullif(prefix_db, ''), '[unknown]'))), member('application', nullif(nullif(prefix_app, ''), '[unknown]')),
        member('client', CASE WHEN client <> '' AND address IS NULL AND client <> '[local]' THEN client END),
        CASE WHEN more IS NOT NULL AND coalesce(kind, '') NOT IN ('query', 'audit') THEN concat_ws(',',
            member('detail', CASE WHEN contains(more, 'DETAIL:  ') THEN nullif(regexp_extract(more, '(?m)^[^\t\n][^\n]*?\bDETAIL:  ([^\n]*(?:\n\t[^\n]*)*)', 1), '') END),
            member('hint', CASE WHEN contains(more, 'HINT:  ') THEN nullif(regexp_extract(more, '(?m)^[^\t\n][^\n]*?\bHINT:  ([^\n]*(?:\n\t[^\n]*)*)', 1), '') END),
            member('context', CASE WHEN contains(more, 'CONTEXT:  ') THEN nullif(regexp_extract(more, '(?m)^[^\t\n][^\n]*?\bCONTEXT:  ([^\n]*(?:\n\t[^\n]*)*)', 1), '') END),
            member('statement', CASE WHEN contains(more, 'STATEMENT:  ') THEN nullif(regexp_extract(more, '(?m)^[^\t\n][^\n]*?\bSTATEMENT:  ([^\n]*(?:\n\t[^\n]*)*)', 1), '') END),
            member('more', CASE WHEN NOT whole OR NOT regexp_matches(more, '\b(?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION):  ') THEN more END)) END)) AS extra
FROM answered
