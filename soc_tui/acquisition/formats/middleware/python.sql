-- Logs of Python programs: the `logging` module's usual formats, Celery, Gunicorn, Flask and OpenStack (oslo.log). Tracebacks joined.
--   2024-03-05 10:11:12,123 - name - ERROR - text         2024-03-05 10:11:12,123 - ERROR - text        ERROR:name:text
--   [2024-03-05 10:11:12 +0000] [12] [INFO] text          [2024-03-05 10:11:12,123: INFO/MainProcess] text
--   [2024-03-05 10:11:12,123] ERROR in module: text       2024-03-05 10:11:12.123 12 INFO name [req-ID ...] text
-- The address of an OpenStack WSGI line is what eventlet writes: forwarded-for parts first, the peer last.
WITH cut_1 AS (
    SELECT source_offset,
        source_length,
        line,
        split_part(line, chr(10), 1) AS whole_first
    FROM lines
), cut_2 AS (
    SELECT *, -- the name of the file, where several logs were put together
        CASE WHEN contains(left(whole_first, 80), '.log') AND NOT starts_with(line, '[') AND NOT line[1] BETWEEN '0' AND '9' THEN split_part(whole_first, ' ', 1) END AS file,
        CASE WHEN length(whole_first) < length(line) THEN substr(line, length(whole_first) + 2) END AS more
    FROM cut_1
), cut_3 AS (
    SELECT *, CASE WHEN file IS NOT NULL THEN substr(whole_first, length(file) + 2) WHEN starts_with(line, '[') THEN substr(whole_first, 2) ELSE whole_first END AS first
    FROM cut_2
), cut_4 AS (
    SELECT *, first[5] = '-' AND first[8] = '-' AND first[14] = ':' AS dated
    FROM cut_3
), cut_5 AS (
    SELECT *, CASE WHEN dated THEN CASE WHEN first[20] IN (',', '.') THEN 23 ELSE 19 END ELSE 0 END AS width
    FROM cut_4
), cut AS (
    SELECT *, CASE WHEN dated AND width = 19 AND first[20:21] IN (' +', ' -') THEN try_cast(first[:19] || first[21:23] || ':' || first[24:25] AS TIMESTAMPTZ)::TIMESTAMP
             WHEN dated THEN in_zone(try_cast(replace(left(first, width), ',', '.') AS TIMESTAMP), $zone) END AS stamp
    FROM cut_5
), parsed_1 AS (
    SELECT *,
        substr(first, width + 1) AS rest
    FROM cut
), parsed_2 AS (
    SELECT *, CASE WHEN dated AND starts_with(rest, ' - ') THEN split_part(rest, ' - ', 2) END AS dash_name
    FROM parsed_1
), parsed AS (
    SELECT *, CASE
        WHEN dash_name IN ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL') THEN {'logger': '', 'level': dash_name, 'pid': '', 'process': '', 'request': '', 'text': substr(rest, 7 + length(dash_name))}
        WHEN dash_name IS NOT NULL AND split_part(rest, ' - ', 3) IN ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL') THEN
            {'logger': dash_name, 'level': split_part(rest, ' - ', 3), 'pid': '', 'process': '', 'request': '', 'text': substr(rest, 10 + length(dash_name) + length(split_part(rest, ' - ', 3)))}
        WHEN dash_name IS NOT NULL THEN regexp_extract(rest, '^ - ([\w.-]+)(?: - (\d+))?(?: - ([\w.-]+))?() - (DEBUG|INFO|WARNING|ERROR|CRITICAL) - (.*)$', ['logger', 'pid', 'process', 'request', 'level', 'text'])
        WHEN dated AND starts_with(line, '[') THEN CASE WHEN starts_with(rest, ': ')
            THEN regexp_extract(rest, '^: (DEBUG|INFO|WARNING|ERROR|CRITICAL)/([^\]]+)\] ?()()()(.*)$', ['level', 'process', 'logger', 'pid', 'request', 'text'])
            ELSE regexp_extract(rest, '^[^\]]*\] (?:\[(\d+)\] )?\[?(DEBUG|INFO|WARNING|ERROR|CRITICAL)\]?(?: in ([\w.]+):)? ?()()(.*)$', ['pid', 'level', 'logger', 'process', 'request', 'text']) END
        WHEN dated AND width = 23 AND rest[2] BETWEEN '0' AND '9' AND split_part(rest, ' ', 3) IN ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL', 'TRACE', 'AUDIT') THEN
            {'logger': split_part(rest, ' ', 4), 'level': split_part(rest, ' ', 3), 'pid': split_part(rest, ' ', 2), 'process': '',
             'request': CASE WHEN starts_with(split_part(rest, ' ', 5), '[') THEN split_part(split_part(rest, '] ', 1), ' [', 2) ELSE '' END,
             'text': CASE WHEN starts_with(split_part(rest, ' ', 5), '[') THEN substr(rest, instr(rest, '] ') + 2)
                ELSE substr(rest, 5 + length(split_part(rest, ' ', 2)) + length(split_part(rest, ' ', 3)) + length(split_part(rest, ' ', 4))) END}
        WHEN NOT dated THEN regexp_extract(first, '^(DEBUG|INFO|WARNING|ERROR|CRITICAL):([\w.-]+):()()()(.*)$', ['level', 'logger', 'pid', 'process', 'request', 'text'])
        END AS p
    FROM parsed_2
), found_1 AS (
    SELECT *,
        coalesce(p.level, '') <> '' AS whole,
        CASE WHEN more IS NOT NULL THEN nullif(regexp_extract(more, '(?m)^((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning|Timeout))(?::|$)', 1), '') END AS exception
    FROM parsed
), found_2 AS (
    SELECT *, CASE WHEN whole THEN p.text ELSE first END AS text
    FROM found_1
), found AS (
    SELECT *, -- eventlet: ADDRESSES "METHOD TARGET HTTP/1.1" status: N len: N time: N
        CASE WHEN whole AND contains(text, '" status: ') AND contains(p.logger, 'wsgi') THEN regexp_extract(text,
            '^([\w.:,]+) "([A-Z]+) (.*) HTTP/[\d.]+" status: (\d{3}) +len: (\d+) time: ([\d.]+)', ['clients', 'method', 'target', 'code', 'size', 'seconds']) END AS w
    FROM found_2
)
SELECT
    source_offset, source_length, CASE WHEN dated AND stamp IS NULL AND regexp_matches(first, '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d') THEN 'no such date' END AS reason,
    coalesce(stamp, $modified) AS time,
    CASE WHEN w.method <> '' THEN 4002 ELSE 6000 END::INTEGER AS class_uid, CASE WHEN w.method <> '' THEN http_activity(w.method) ELSE 'log' END AS activity,
    'python' AS product, CASE WHEN w.method <> '' THEN 'access' ELSE 'application' END AS log_name,
    CASE WHEN w.method <> '' THEN as_ip(split_part(w.clients, ',', -1)) END AS src_ip, CASE WHEN w.method <> '' THEN 'http' END AS service,
    CASE WHEN w.method <> '' THEN http_status_word(try_cast(w.code AS INTEGER)) ELSE 'unknown' END AS status,
    CASE p.level WHEN 'CRITICAL' THEN 'high' WHEN 'ERROR' THEN 'medium' WHEN 'WARNING' THEN 'low' ELSE 'info' END AS severity,
    CASE WHEN whole OR stamp IS NOT NULL THEN ltrim(text) ELSE line END AS message,
    CASE WHEN w.method <> '' THEN try_cast(w.seconds AS DOUBLE) END AS duration,
    CASE WHEN w.method <> '' THEN try_cast(w.size AS BIGINT) END AS bytes_in,
    nullif(w.method, '') AS http_method, target_host(w.target) AS url_host, target_path(nullif(w.target, '')) AS url_path, target_query(w.target) AS url_query, try_cast(nullif(w.code, '') AS INTEGER) AS http_status,
    members(concat_ws(',', member('time_source', CASE WHEN stamp IS NULL THEN 'file' END), member('level', lower(nullif(p.level, ''))), member('logger', nullif(p.logger, '')),
        member('process', nullif(p.process, '')), member('pid', nullif(p.pid, '')), member('request', nullif(nullif(p.request, ''), '-')), member('file', file),
        member('forwarded', CASE WHEN contains(w.clients, ',') THEN left(w.clients, length(w.clients) - length(split_part(w.clients, ',', -1)) - 1) END),
        member('exception', exception), member('more', CASE WHEN whole OR stamp IS NOT NULL THEN more END))) AS extra
FROM found
