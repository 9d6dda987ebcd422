-- nginx's error log: `2023/01/01 00:00:00 [error] 123#0: *456 text, client: A, server: S, request: "R", upstream: "U", host: "H", referrer: "F"`.
--
-- Hostile text stands on both sides of the address: the text before it may quote the decoded path, what follows are the
-- request line and headers as sent, none of them escaped. Of several `, client: ` the true one is
--   the first, where the text before it is nginx's own (nothing quoted; the rate limit; a user name, which cannot hold a colon);
--   else the one that is followed by what nginx writes next (`, server: ` and `, request: "`), where only one address is;
--   else several could be meant (a whole forged ending in a path, or in a referrer), and none is taken.
-- A line end in a decoded path makes a new line in the log, which no reader can tell from nginx's own.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        CASE WHEN line[5] = '/' AND line[20:21] = ' [' THEN in_zone(try_cast(replace(line[:19], '/', '-') AS TIMESTAMP), $zone) END AS stamp
    FROM lines
), cut_2 AS (
    SELECT *, CASE WHEN stamp IS NOT NULL THEN substr(line, 22, instr(line, ']') - 22) END AS level
    FROM cut_1
), cut AS (
    SELECT *, CASE WHEN stamp IS NULL THEN line ELSE substr(line, length(level) + 24) END AS rest
    FROM cut_2
), ids_1 AS (
    SELECT *,
        CASE WHEN stamp IS NOT NULL THEN split_part(rest, ': ', 1) END AS ids
    FROM cut
), ids_2 AS (
    SELECT *, CASE WHEN stamp IS NULL THEN rest ELSE substr(rest, length(ids) + 3) END AS after_ids
    FROM ids_1
), ids_3 AS (
    SELECT *, CASE WHEN starts_with(after_ids, '*') THEN split_part(substr(after_ids, 2), ' ', 1) END AS connection
    FROM ids_2
), ids_4 AS (
    SELECT *, CASE WHEN connection IS NULL THEN after_ids ELSE substr(after_ids, length(connection) + 3) END AS said
    FROM ids_3
), ids AS (
    SELECT *, CASE WHEN connection IS NOT NULL THEN string_split(said, ', client: ') ELSE [said] END AS parts
    FROM ids_4
), chosen_1 AS (
    SELECT *,
        CASE WHEN length(parts) > 2 THEN list_filter(range(2, length(parts) + 1), lambda one: contains(parts[one], ', server: ') AND contains(parts[one], ', request: "')) END AS chained
    FROM ids
), chosen_2 AS (
    SELECT *, CASE
        WHEN length(parts) = 1 THEN NULL
        WHEN length(parts) = 2 THEN 2
        WHEN starts_with(parts[1], 'limiting ') OR NOT contains(parts[1], '"') AND NOT starts_with(parts[1], '[') AND NOT starts_with(parts[1], 'js')
            OR regexp_matches(parts[1], '^user "[^:]*"(?:: password mismatch| was not found in "[^"]*")$') THEN 2
        ELSE CASE WHEN length(list_distinct(list_transform(chained, lambda one: split_part(parts[one], ',', 1)))) = 1 THEN chained[1] END
        END AS place
    FROM chosen_1
), chosen AS (
    SELECT *, CASE WHEN length(parts) = 1 OR place = 2 THEN parts[1] WHEN place IS NULL THEN said
            ELSE array_to_string(parts[:place - 1], ', client: ') END AS text,
        CASE WHEN place IS NOT NULL THEN array_to_string(parts[place:], ', client: ') END AS tail
    FROM chosen_2
), quoted_1 AS (
    SELECT *,
        split_part(tail, ',', 1) AS client,
        CASE WHEN tail IS NOT NULL AND contains(tail, ', server: ') THEN split_part(substr(tail, instr(tail, ', server: ') + 10), ', request: "', 1) END AS server,
        CASE WHEN tail IS NOT NULL AND contains(tail, ', request: "') THEN substr(tail, instr(tail, ', request: "') + 12) END AS asked
    FROM chosen
), quoted_2 AS (
    SELECT *, -- the ordinary request holds no quote: it ends at the first; one that does ends where nginx goes on
        CASE WHEN asked IS NOT NULL THEN CASE WHEN regexp_matches(asked, '^[^"]*"(?:$|, (?:subrequest|upstream|host|referrer): ")') THEN split_part(asked, '"', 1)
            ELSE regexp_extract(asked, '(?s)^(.*?)"(?:$|, (?:subrequest|upstream|host|referrer): ")', 1) END END AS request
    FROM quoted_1
), quoted AS (
    SELECT *, CASE WHEN asked IS NOT NULL THEN substr(asked, length(request) + 2) END AS others
    FROM quoted_2
), found_1 AS (
    SELECT *,
        split_part(request, ' ', 1) AS method,
        CASE
        WHEN connection IS NULL THEN NULL
        WHEN starts_with(text, 'user "') AND regexp_matches(text, '^user ".*"(?:: password mismatch| was not found in ".*")$') THEN 'logon'
        WHEN (starts_with(text, '[client ') OR starts_with(text, 'ModSecurity: ')) AND regexp_matches(text, '^(?:\[client [^\]]*\] )?ModSecurity: (?:Warning\.|Access denied)') THEN 'detect'
        WHEN starts_with(text, 'limiting requests') OR starts_with(text, 'limiting connections') OR starts_with(text, 'delaying request') THEN 'limit'
        WHEN starts_with(text, 'access forbidden by rule') OR starts_with(text, 'directory index of ') THEN 'deny'
        WHEN starts_with(text, 'open() "') OR starts_with(text, '"') THEN CASE regexp_extract(right(text, 60), '(?:failed|is not found|is forbidden) \((2|13): [^()]*\)$', 1) WHEN '2' THEN 'not-found' WHEN '13' THEN 'deny' END
        WHEN starts_with(text, 'client sent ') THEN 'invalid-request'
        WHEN starts_with(text, 'client intended to send too large body') THEN 'too-large'
        END AS kind
    FROM quoted
), found AS (
    SELECT *, CASE WHEN contains(request, ' ') THEN nullif(regexp_replace(substr(request, length(method) + 2), ' HTTP/[\d.]+$', ''), '') END AS target
    FROM found_1
)
SELECT
    source_offset, source_length,
    CASE WHEN stamp IS NULL AND regexp_matches(line, '^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[') THEN 'no such date' END AS reason,
    coalesce(stamp, $modified) AS time,
    (CASE kind WHEN 'logon' THEN 3002 WHEN 'detect' THEN 2004 ELSE 6000 END)::INTEGER AS class_uid,
    coalesce(kind, 'log') AS activity, CASE kind WHEN 'detect' THEN 'modsecurity' ELSE 'nginx' END AS product, 'error' AS log_name,
    CASE kind WHEN 'logon' THEN nullif(regexp_extract(text, '^user "(.*?)"(?:: password mismatch$| was not found in ")', 1), '') END AS user_name,
    as_ip(client) AS src_ip,
    CASE WHEN connection IS NOT NULL THEN 'http' END AS service,
    CASE WHEN kind IS NULL OR kind = 'detect' AND NOT contains(text, 'Access denied') OR starts_with(text, 'delaying') OR contains(text, ', dry run') THEN 'unknown' ELSE 'failure' END AS status,
    CASE WHEN kind = 'detect' THEN CASE regexp_extract(text, '\[severity "(\w+)"\]', 1)
            WHEN '0' THEN 'critical' WHEN '1' THEN 'critical' WHEN '2' THEN 'high' WHEN 'CRITICAL' THEN 'high' WHEN '3' THEN 'medium'
            WHEN 'ERROR' THEN 'medium' WHEN '4' THEN 'low' WHEN '5' THEN 'low' WHEN '6' THEN 'info' WHEN '7' THEN 'info' ELSE 'medium' END
         WHEN kind = 'invalid-request' THEN 'info'
         WHEN kind IS NOT NULL THEN 'low'
         WHEN level IN ('emerg', 'alert') THEN 'critical' WHEN level = 'crit' THEN 'high' WHEN level = 'error' THEN 'medium'
         WHEN level = 'warn' THEN 'low' ELSE 'info' END AS severity,
    CASE WHEN stamp IS NULL THEN line ELSE text END AS message,
    CASE WHEN request IS NOT NULL THEN nullif(regexp_extract(method, '^[A-Za-z_-]{1,20}$', 0), '') END AS http_method,
    CASE WHEN others <> '' AND contains(others, ', host: "') THEN nullif(regexp_extract(others, ', host: "([^":]*)', 1), '') END AS url_host,
    CASE WHEN method <> 'CONNECT' THEN target_path(target) END AS url_path,
    target_query(target) AS url_query,
    CASE kind WHEN 'logon' THEN 401 WHEN 'not-found' THEN 404 WHEN 'deny' THEN 403 WHEN 'too-large' THEN 413
        WHEN 'invalid-request' THEN CASE WHEN starts_with(text, 'client sent invalid') THEN 400 END
        WHEN 'limit' THEN CASE WHEN starts_with(text, 'limiting') AND NOT contains(text, ', dry run') THEN 503 END
        WHEN 'detect' THEN try_cast(nullif(regexp_extract(text, 'Access denied with code (\d{3})', 1), '') AS INTEGER) END AS http_status,
    CASE WHEN others <> '' AND contains(others, ', referrer: "') THEN nullif(regexp_extract(others, '(?s), referrer: "(.*)"$', 1), '') END AS referrer,
    CASE WHEN kind IN ('not-found', 'deny') THEN nullif(regexp_extract(text, '(?s)^(?:open\(\) |directory index of )?"(.*)"', 1), '') END AS file_path,
    CASE WHEN kind = 'detect' THEN nullif(regexp_extract(text, '\[id "([^"]*)"\]', 1), '') END AS rule_id,
    CASE WHEN kind = 'detect' THEN coalesce(nullif(regexp_extract(text, '\[msg "((?:[^"\\]|\\.)*)"\]', 1), ''), left(text, 200)) END AS rule_name,
    CASE WHEN kind = 'detect' THEN nullif(regexp_extract(text, '\[tag "((?:[^"\\]|\\.)*)"\]', 1), '') END AS rule_category,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END), member('level', level),
        member('pid', split_part(ids, '#', 1)), member('connection', connection), member('server', server),
        member('client', CASE WHEN place IS NOT NULL AND as_ip(client) IS NULL THEN client END),
        member('clients', CASE WHEN place IS NULL AND length(parts) > 2 THEN list_transform(parts[2:], lambda part: split_part(part, ',', 1)) END),
        member('upstream', CASE WHEN others <> '' AND contains(others, ', upstream: "') THEN nullif(regexp_extract(others, ', upstream: "([^"]*)', 1), '') END),
        CASE WHEN kind = 'detect' THEN concat_ws(',', member('tags', nullif(regexp_extract_all(text, '\[tag "((?:[^"\\]|\\.)*)"\]', 1), [])),
            member('unique_id', nullif(regexp_extract(text, '\[unique_id "([^"]*)"\]', 1), ''))) END)) AS extra
FROM found
