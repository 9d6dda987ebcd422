-- The slow query log of MySQL, MariaDB and Percona: a record runs from `# User@Host:` to the line before the next; a `# Time:`
-- line belongs to what follows it, so it stands at the end of the record before and is taken off. The time of a record is its
-- `SET timestamp=N`, which every entry has; the first one counts, since the statement comes after it.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        instr(line, '# User@Host: ') AS place
    FROM lines
), cut_2 AS (
    SELECT *, CASE WHEN place BETWEEN 1 AND 2000 THEN substr(line, place) END AS body
    FROM cut_1
), cut_3 AS (
    SELECT *, CASE WHEN contains(body, chr(10) || '# Time: ') THEN regexp_replace(body, '\n# Time: [^\n]*$', '') ELSE body END AS entry
    FROM cut_2
), cut AS (
    SELECT *, coalesce(instr(entry, 'SET timestamp='), 0) AS setting,
        split_part(entry, chr(10), 1) AS who
    FROM cut_3
), found_1 AS (
    SELECT *,
        CASE WHEN setting > 0 THEN nullif(regexp_extract(substr(entry, setting + 14, 24), '^(\d+)(?:\.\d+)?;', 1), '') END AS seconds,
        CASE WHEN setting > 0 THEN left(entry, setting - 1) ELSE entry END AS head,
        regexp_extract(who, '^# User@Host: (.*)\[(.*)\] @ (\S*) \[([^\]]*)\](?:  ?Id: +(\d+))?', ['priv', 'user', 'host', 'ip', 'id']) AS u
    FROM cut
), found AS (
    SELECT *, from_epoch(seconds) AS stamp,
        ltrim(CASE WHEN seconds IS NOT NULL THEN substr(entry, setting + instr(substr(entry, setting), ';')) ELSE regexp_replace(entry, '^(?:#[^\n]*\n?)+', '') END, chr(10)) AS query
    FROM found_1
)
SELECT
    source_offset, source_length, NULL::VARCHAR AS reason, coalesce(stamp, $modified) AS time,
    6000::INTEGER AS class_uid, CASE WHEN body IS NULL THEN 'log' ELSE 'query' END AS activity, 'mysql' AS product, 'slow' AS log_name,
    coalesce(nullif(u.priv, ''), nullif(u."user", '')) AS user_name, as_ip(u.ip) AS src_ip, 'mysql' AS service,
    'unknown' AS status, 'info' AS severity, CASE WHEN body IS NULL THEN line ELSE query END AS message,
    nullif(coalesce(nullif(u.id, ''), regexp_extract(head, '# Thread_id: (\d+)', 1)), '') AS session_uid,
    try_cast(nullif(regexp_extract(head, '# Query_time: ([\d.]+)', 1), '') AS DOUBLE) AS duration,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END),
        member('client_host', nullif(u.host, '')),
        member('database', nullif(coalesce(nullif(regexp_extract(head, '(?m)^use (.*);$', 1), ''), regexp_extract(head, '  Schema: (\S+)', 1)), '')),
        member('lock_seconds', try_cast(nullif(regexp_extract(head, ' Lock_time: ([\d.]+)', 1), '') AS DOUBLE)),
        member('rows_sent', try_cast(nullif(regexp_extract(head, ' Rows_sent: (\d+)', 1), '') AS BIGINT)),
        member('rows_examined', try_cast(nullif(regexp_extract(head, ' Rows_examined: (\d+)', 1), '') AS BIGINT)))) AS extra
FROM found
