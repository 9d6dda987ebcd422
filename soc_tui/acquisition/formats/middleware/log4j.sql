-- Log4j, Logback, java.util.logging in one line, Spring Boot and their kin: a stamp, then level, thread and logger in any order and in
-- brackets or not, then the text; a stack trace belongs to its record. Whatever cannot be told apart stays in the text.
--   2024-03-05 10:11:12,123 ERROR [main] org.x.Y - text        [2024-03-05T10:11:12,123][INFO ][o.e.n.Node] [node-1] text
--   10:11:12.123 [main] ERROR o.x.Y - text                     2024-03-05T10:11:12.123+01:00  INFO 1 --- [app] [main] c.x.Y : text
--   17/06/09 20:10:40 INFO exec.Backend: text                  081109 203615 148 INFO dfs.DataNode: text
-- A time of day alone is the latest such moment that is not after the file's last change.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        split_part(line, chr(10), 1) AS whole_first
    FROM lines
), cut_2 AS (
    SELECT *, CASE WHEN starts_with(line, '[') THEN substr(whole_first, 2) ELSE whole_first END AS first
    FROM cut_1
), cut AS (
    SELECT *, CASE WHEN first[5] = '-' AND first[8] = '-' AND first[14] = ':' THEN 11 + length(regexp_extract(substr(first, 12, 26), '^[\d:.,]+(?:Z|[+-]\d\d:?\d\d| [+-]\d{4}| UTC)?', 0))
             WHEN first[3] = '/' AND first[6] = '/' AND first[12] = ':' THEN 17
             WHEN first[3] = ':' AND first[6] = ':' THEN length(regexp_extract(left(first, 24), '^[\d:.,]+', 0))
             WHEN first[7] = ' ' AND first[14] = ' ' THEN 13 ELSE 0 END AS width
    FROM cut_2
), stamped_1 AS (
    SELECT *,
        CASE
        WHEN width = 0 THEN NULL
        WHEN first[5] = '-' THEN CASE
            WHEN width = 23 AND first[20] IN (',', '.') THEN in_zone(try_cast(first[:19] || '.' || first[21:23] AS TIMESTAMP), $zone)
            WHEN regexp_matches(first[20:width], 'Z$|[+-]\d\d:?\d\d$|UTC$') THEN try_cast(replace(replace(left(first, width), ',', '.'), ' UTC', 'Z') AS TIMESTAMPTZ)::TIMESTAMP
            ELSE in_zone(try_cast(replace(left(first, width), ',', '.') AS TIMESTAMP), $zone) END
        WHEN width = 17 AND first[3] = '/' THEN in_zone(try_cast('20' || replace(first[:8], '/', '-') || first[9:17] AS TIMESTAMP), $zone)
        WHEN first[3] = ':' THEN clock_stamp(replace(left(first, width), ',', '.'), $modified, $zone)
        ELSE in_zone(try_cast('20' || first[1:2] || '-' || first[3:4] || '-' || first[5:6] || ' ' || first[8:9] || ':' || first[10:11] || ':' || first[12:13] AS TIMESTAMP), $zone)
        END AS stamp,
        CASE WHEN length(whole_first) < length(line) THEN substr(line, length(whole_first) + 2) END AS more
    FROM cut
), stamped AS (
    SELECT *, CASE WHEN stamp IS NOT NULL THEN ltrim(substr(first, width + 1), '] -|' || chr(9)) END AS rest
    FROM stamped_1
), words_1 AS (
    SELECT *,
        split_part(rest, ' ', 1) AS word
    FROM stamped
), words_2 AS (
    SELECT *, -- the two commonest orders cost no pattern: LEVEL [thread] logger, and [thread] LEVEL logger
        CASE WHEN rest IS NULL THEN NULL
             WHEN word IN ('INFO', 'ERROR', 'WARN', 'DEBUG', 'TRACE', 'FATAL') THEN word
             WHEN starts_with(rest, '[') AND contains(rest, '] ') AND split_part(ltrim(split_part(rest, '] ', 2)), ' ', 1) IN ('INFO', 'ERROR', 'WARN', 'DEBUG', 'TRACE', 'FATAL') THEN split_part(ltrim(split_part(rest, '] ', 2)), ' ', 1)
        END AS plain_level
    FROM words_1
), words AS (
    SELECT *, CASE WHEN plain_level IS NULL AND rest IS NOT NULL THEN regexp_extract(rest,
            '^((?:\[[^\]]*\]+|\(?[\w.:/#@$-]+\)?)?(?:[ \t|-]+(?:\[[^\]]*\]+|\d+))?)[ \t|:(-]*\[?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL|FINE|FINER|FINEST|CONFIG)\b *\]?[ \t|:)-]*(.*)$', ['before', 'level', 'after']) END AS odd
    FROM words_2
), levels_1 AS (
    SELECT *,
        coalesce(plain_level, nullif(odd['level'], '')) AS level,
        CASE WHEN plain_level IS NULL THEN CASE WHEN odd['level'] = '' THEN NULL ELSE trim(odd['before'], ' |-:[]') END WHEN word <> plain_level THEN substr(rest, 2, instr(rest, '] ') - 2) END AS before,
        CASE WHEN plain_level IS NULL THEN CASE WHEN odd['level'] = '' THEN rest ELSE odd['after'] END
             WHEN word = plain_level THEN ltrim(substr(rest, length(word) + 1))
             ELSE ltrim(substr(rest, instr(rest, '] ') + 2 + instr(substr(rest, instr(rest, '] ') + 2), plain_level) - 1 + length(plain_level))) END AS behind
    FROM words
), levels AS (
    SELECT *, ltrim(behind, '|- ') AS after
    FROM levels_1
), threads_1 AS (
    SELECT *,
        -- Spring Boot: PID --- [app] [thread] logger : text
        CASE WHEN contains(left(after, 24), ' --- ') THEN regexp_extract(after, '^(\d+) --- (?:\[([^\]]*)\] )?(?:\[[^\]]*-[^\]]*\] )?\[([^\]]*)\] (?:\[[0-9a-f -]*\] )?(\S+) +: ?(.*)$', ['pid', 'app', 'thread', 'logger', 'text']) END AS spring
    FROM levels
), threads_2 AS (
    SELECT *, CASE WHEN level IS NOT NULL AND coalesce(spring['thread'], '') = '' AND starts_with(after, '[') AND contains(after, '] ') THEN substr(after, 2, instr(after, '] ') - 2) END AS bracket
    FROM threads_1
), threads_3 AS (
    SELECT *, CASE WHEN bracket IS NOT NULL THEN ltrim(substr(after, length(bracket) + 3), ' ]') ELSE after END AS after_bracket
    FROM threads_2
), threads AS (
    SELECT *, split_part(after_bracket, ' ', 1) AS next_word
    FROM threads_3
), found_1 AS (
    SELECT *,
        CASE WHEN level IS NULL OR coalesce(spring['logger'], '') <> '' THEN NULL
             WHEN length(next_word) > 1 AND next_word[-1] = ':' THEN rtrim(next_word, ':')
             WHEN contains(next_word, '.') AND NOT starts_with(next_word, '[') OR starts_with(ltrim(substr(after_bracket, length(next_word) + 1)), '- ') OR starts_with(ltrim(substr(after_bracket, length(next_word) + 1)), ': ')
                THEN CASE WHEN regexp_full_match(next_word, '[\w.$\[\]/#-]+(?:\(.*\))?(?::\d+)?') THEN next_word END END AS word_logger,
        CASE WHEN more IS NOT NULL THEN nullif(regexp_extract(more, '(?m)^\s*(?:Caused by: )?((?:[a-z_][\w]*\.)+[A-Z][\w$]*)(?::|$)', 1), '') END AS exception
    FROM threads
), found_2 AS (
    SELECT *, coalesce(nullif(spring['logger'], ''), word_logger, CASE WHEN bracket IS NOT NULL AND contains(bracket, '.') AND NOT contains(rtrim(bracket), ' ') AND coalesce(before, '') = '' THEN rtrim(bracket) END,
            -- Kafka puts it last, in round brackets
            CASE WHEN level IS NOT NULL AND after_bracket[-1] = ')' AND starts_with(line, '[') THEN nullif(regexp_extract(after_bracket, ' \(([\w.$]+)\)$', 1), '') END) AS logger,
        CASE WHEN coalesce(spring['text'], '') <> '' THEN spring['text']
             WHEN word_logger IS NULL THEN ltrim(after_bracket, '-| ')
             ELSE ltrim(substr(after_bracket, length(next_word) + 1), ' ') END AS said
    FROM found_1
), found AS (
    SELECT *, CASE WHEN coalesce(spring['text'], '') = '' AND word_logger IS NOT NULL THEN regexp_replace(said, '^[-:|] ?', '') ELSE said END AS text,
        CASE WHEN coalesce(spring['thread'], '') <> '' THEN trim(spring['thread'])
             WHEN before <> '' THEN before WHEN bracket IS NOT NULL AND rtrim(bracket) <> coalesce(logger, '') THEN trim(bracket) END AS thread
    FROM found_2
)
SELECT
    source_offset, source_length, CASE WHEN width > 0 AND stamp IS NULL AND regexp_matches(first, '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|^\d\d/\d\d/\d\d \d\d:\d\d:\d\d|^\d\d:\d\d:\d\d[.,]\d{3}|^\d{6} \d{6} ') THEN 'no such date' END AS reason,
    coalesce(stamp, $modified) AS time, 6000::INTEGER AS class_uid, 'log' AS activity, 'log4j' AS product, 'application' AS log_name, 'unknown' AS status,
    CASE WHEN level IN ('FATAL', 'CRITICAL') THEN 'high' WHEN level IN ('ERROR', 'SEVERE') THEN 'medium' WHEN level IN ('WARN', 'WARNING') THEN 'low' ELSE 'info' END AS severity,
    CASE WHEN stamp IS NULL THEN line ELSE text END AS message,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END), member('level', lower(level)), member('thread', nullif(thread, '')), member('logger', logger),
        member('pid', nullif(spring['pid'], '')), member('application', nullif(trim(spring['app']), '')), member('exception', exception), member('more', more))) AS extra
FROM found
