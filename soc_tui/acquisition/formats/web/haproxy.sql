-- HAProxy's HTTP, HTTPS, CLF and TCP logs, quoted or not (configuration manual, section 8.2), with or without a syslog
-- head. The client chooses captured headers, cookies and the request; HAProxy writes quotes, braces and bars in them as
-- #22, #7B, #7D, #7C, so the fields before them, which have no blank, can be cut at blanks.
WITH headed AS (
    SELECT *,
        CASE WHEN instr(line, ']: ') BETWEEN 1 AND 300 AND regexp_matches(left(line, 300), '^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) (?:[^ \[\]]+ )?[^ \[\]]+\[\d+\]: ') THEN instr(line, ']: ') + 3
            WHEN starts_with(line, '<') THEN length(regexp_extract(left(line, 300), '^<\d{1,3}>1 \S+ \S+ \S+ \d+ \S+ (?:-|\[.*?\]) ')) + 1
            ELSE 1 END AS begins
    FROM lines
), bodied AS (
    SELECT source_offset, source_length, begins > 1 AS with_head, ends_with(left(line, begins - 1), ']: ') AS tagged,
        CASE WHEN begins > 1 THEN left(line, begins - 1) END AS head,
        CASE WHEN begins > 1 THEN substr(line, begins) ELSE line END AS body
    FROM headed
), daemons AS (
    SELECT *, CASE WHEN tagged THEN string_split(head[:-4], ' ') WHEN with_head THEN string_split(head, ' ') END AS d FROM bodied
), named AS (
    SELECT * EXCLUDE d,
        CASE WHEN NOT tagged THEN d[3] WHEN NOT regexp_full_match(d[-2], '\d\d:\d\d:\d\d|.*\d{4}-\d\d-\d\dT\S+') THEN d[-2] END AS host,
        CASE WHEN tagged THEN split_part(d[-1], '[', 1) ELSE d[4] END AS tag,
        CASE WHEN tagged THEN split_part(d[-1], '[', 2) ELSE d[5] END AS pid
    FROM daemons
), cut AS (
    SELECT *, string_split(CASE WHEN starts_with(body, '"') THEN replace(body, '""', '"-"') ELSE body END, '"') AS p FROM named
), fronts AS (
    SELECT *, CASE WHEN starts_with(body, '"') AND len(p) > 3 THEN array_to_string(p[:-4], '') || p[-3] ELSE p[1] END AS front,
        CASE WHEN starts_with(body, '"') AND len(p) > 3 THEN p[-2] ELSE p[2] END AS request
    FROM cut
), kinds AS (
    SELECT *, string_split(front, ' ') AS h, CASE WHEN plainly THEN 'http'
        WHEN regexp_full_match(front, '\S+:\d+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] \S+ [^/\s]+/\S+ (?:[+-]?\d+/){4}\+?-?\d+ -?\d+ \+?\d+ \S+ \S+ \S{4} (?:\d+/){4}\+?\d+ \d+/\d+ (?:\{.*\} |- )*') AND request IS NOT NULL THEN 'http'
        WHEN regexp_full_match(body, '\S+:\d+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] \S+ [^/\s]+/\S+ -?\d+/-?\d+/\+?-?\d+ \+?\d+ \S\S (?:\d+/){4}\+?\d+ \d+/\d+\s*') THEN 'tcp'
        WHEN contains(body, ' - - [') AND regexp_matches(body, '^\S+ - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "[^"]*" -?\d+ \+?\d+ "[^"]*" "[^"]*" \d+ \d+ "') THEN 'clf'
        WHEN starts_with(body, 'Connect from ') AND regexp_full_match(body, 'Connect from \S+:\d+ to \S+:\d+ \(\S+/(?:HTTP|TCP)\)\s*') THEN 'connect'
        WHEN regexp_matches(body, '^\S+:\d+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] \S+: ') THEN 'error'
        WHEN with_head OR regexp_matches(body, '^(?:Proxy |Server |Health check |Backup Server |backend |\[(?:NOTICE|WARNING|ALERT)\])') THEN 'words'
        END AS shape
    FROM (SELECT *, request IS NOT NULL AND regexp_full_match(front, '[\w.:%-]+:\d+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] [\w.:~-]+ [\w.:-]+/[\w.:<>-]+ (?:-?(?:0|[1-9]\d*)/){4}-?(?:0|[1-9]\d*) -?\d+ \d+ - - [A-Za-z-]{4} (?:\d+/){4}\d+ \d+/\d+ (?:\{.*\} )?') AS plainly FROM fronts)
), clf AS (
    SELECT *, CASE WHEN shape = 'clf' THEN regexp_extract(body,
        '^(\S+) - - \[([^\]]*)\] "([^"]*)" (-?\d+) \+?(\d+) "[^"]*" "[^"]*" (\d+) (\d+) "([^"]*)" "([^"]*)" "([^"]*)" (-?\d+) (-?\d+) (-?\d+) (-?\d+) \+?(-?\d+) "?([^ "]{4})"? ',
        ['client', 'stamp', 'request', 'code', 'size', 'port', 'ms', 'frontend', 'backend', 'server', 'tr1', 'tw', 'tc', 'tr', 'ta', 'state']) END AS c,
        CASE WHEN shape = 'error' THEN regexp_extract(body, '^\S+ \[.{24}\] (\S+): (.*)$', ['listener', 'said']) END AS e
    FROM kinds
), fields AS (
    SELECT source_offset, source_length, shape, plainly, host, tag, pid, head, h,
        CASE shape WHEN 'words' THEN NULL WHEN 'clf' THEN c.client || ':' || c.port WHEN 'connect' THEN h[3] ELSE h[1] END AS peer,
        CASE WHEN shape = 'connect' THEN h[5] END AS local,
        CASE WHEN shape IN ('http', 'tcp', 'error') THEN in_zone(try_strptime(h[2], '[%d/%b/%Y:%H:%M:%S.%g]'), $zone)
            WHEN shape = 'clf' THEN try_strptime(c.stamp, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP + to_milliseconds(coalesce(try_cast(c.ms AS INTEGER), 0)) END AS accepted,
        CASE WHEN shape IN ('words', 'connect') THEN coalesce(from_iso(regexp_extract(head, '\d{4}-\d\d-\d\dT\S+')),
            in_zone(try_strptime(year($modified) || ' ' || regexp_extract(head, '[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d'), '%Y %b %d %H:%M:%S'), $zone)) END AS logged,
        CASE shape WHEN 'http' THEN h[3] WHEN 'tcp' THEN h[3] WHEN 'clf' THEN c.frontend WHEN 'error' THEN e.listener WHEN 'connect' THEN trim(h[6], '()') END AS frontend,
        CASE shape WHEN 'clf' THEN c.backend || '/' || c."server" WHEN 'http' THEN h[4] WHEN 'tcp' THEN h[4] END AS backend,
        CASE WHEN shape IN ('http', 'tcp') THEN string_split(replace(h[5], '+', ''), '/') WHEN shape = 'clf' THEN [c.tr1, c.tw, c.tc, c.tr, c.ta] END AS t,
        CASE shape WHEN 'http' THEN h[6] WHEN 'clf' THEN c.code END AS code,
        CASE shape WHEN 'http' THEN h[7] WHEN 'tcp' THEN h[6] WHEN 'clf' THEN c.size END AS size,
        CASE shape WHEN 'http' THEN h[10] WHEN 'tcp' THEN h[7] WHEN 'clf' THEN c.state END AS state,
        CASE shape WHEN 'http' THEN h[11] WHEN 'tcp' THEN h[8] END AS connections,
        CASE shape WHEN 'http' THEN h[12] WHEN 'tcp' THEN h[9] END AS queues,
        CASE WHEN shape = 'http' AND (h[8] <> '-' OR h[9] <> '-') THEN h[8] || ' ' || h[9] END AS cookies,
        CASE WHEN shape = 'http' AND contains(front, '{') THEN substr(front, instr(front, ' {') + 1) END AS captured,
        CASE WHEN shape = 'http' THEN request WHEN shape = 'clf' THEN c.request END AS request,
        CASE WHEN shape = 'http' AND NOT starts_with(body, '"') THEN nullif(trim(array_to_string(p[3:], '"')), '') END AS more,
        CASE WHEN shape = 'error' THEN e.said WHEN shape IN ('words', 'connect', 'tcp') THEN body END AS words
    FROM clf
), words AS (
    SELECT *, string_split(request, ' ') AS w, split_part(peer, ':', -1) AS port, split_part(local, ':', -1) AS local_port,
        CASE WHEN more IS NOT NULL THEN regexp_extract(more, '^(\S+/\S+/\S+/\S+/\S+) (\S+)/(\S+)/(\S+)$', ['errors', 'sni', 'version', 'cipher']) END AS tls
    FROM fields
), requests AS (
    SELECT source_offset, source_length,
        CASE WHEN shape IS NULL THEN 'not an HAProxy record' WHEN shape IN ('http', 'tcp', 'clf') AND accepted IS NULL THEN 'no such date' END AS reason,
        coalesce(accepted, CASE WHEN logged > $modified + INTERVAL 1 DAY THEN logged - INTERVAL 1 YEAR ELSE logged END, $modified) AS time,
        'haproxy' AS product, CASE WHEN shape IN ('tcp', 'connect') THEN 'conn' WHEN shape IN ('http', 'clf') THEN 'access' ELSE 'haproxy' END AS log_name,
        nullif(nullif(host, ''), '-') AS host, nullif(tag, '') AS process, NULL::VARCHAR AS user_name,
        as_ip(left(peer, length(peer) - length(port) - 1)) AS src_ip, try_cast(port AS INTEGER) AS src_port,
        as_ip(left(local, length(local) - length(local_port) - 1)) AS dst_ip, try_cast(local_port AS INTEGER) AS dst_port,
        CASE WHEN code <> '-1' THEN try_cast(code AS INTEGER) END AS code, coalesce(request, words) AS message,
        NULL::VARCHAR AS session_uid, CASE WHEN NOT starts_with(t[-1], '-') THEN try_cast(t[-1] AS DOUBLE) / 1000 END AS duration,
        NULL::BIGINT AS bytes_out, try_cast(ltrim(size, '+') AS BIGINT) AS bytes_in,
        CASE WHEN len(w) > 1 AND regexp_full_match(w[1], '[A-Za-z_-]+') THEN w[1] END AS method,
        CASE WHEN method IS NULL THEN NULL WHEN len(w) = 3 AND starts_with(w[3], 'HTTP/') THEN w[2] ELSE regexp_replace(substr(request, length(w[1]) + 2), ' HTTP/\d(?:\.\d)?$', '') END AS target,
        NULL::VARCHAR AS site, NULL::VARCHAR AS agent, NULL::VARCHAR AS referrer, nullif(nullif(tls.sni, ''), '-') AS tls_server_name,
        NULL::VARCHAR AS file_path,
        CASE WHEN shape IN ('http', 'clf') THEN 'request' WHEN shape IN ('tcp', 'connect') THEN 'connection' ELSE 'notice' END AS kind,
        CASE WHEN shape = 'tcp' THEN state END AS conn_state,
        CASE WHEN shape = 'error' THEN 'low' WHEN contains(words, ' is DOWN') OR contains(words, 'has no server available') THEN 'high'
            WHEN starts_with(words, '[ALERT]') THEN 'high' WHEN starts_with(words, '[WARNING]') THEN 'medium' ELSE 'info' END AS severity,
        CASE WHEN plainly THEN concat('{', '"pid":"' || pid || '",', '"frontend":"', h[3], '","backend":"', replace(h[4], '/', '","server":"'),
            '","termination_state":"', state, '","timers":{"TR":', t[1], ',"Tw":', t[2], ',"Tc":', t[3], ',"Tr":', t[4], ',"Ta":', t[5],
            '},"connections":"', connections, '","queues":"', queues, '"', ',' || member('captured_headers', rtrim(captured)),
            CASE WHEN len(w) = 3 AND w[3] = 'HTTP/1.1' THEN ',"http_version":"HTTP/1.1"' ELSE ',' || member('http_version', CASE WHEN len(w) = 3 AND starts_with(w[3], 'HTTP/') THEN w[3] END) END,
            CASE WHEN more IS NOT NULL THEN concat(',' || member('tls_version', nullif(nullif(tls.version, ''), '-')),
                ',' || member('tls_cipher', nullif(nullif(tls.cipher, ''), '-')), ',' || member('more', more)) END, '}')
        ELSE members(concat_ws(',', member('pid', nullif(pid, '')), member('frontend', frontend),
            member('backend', nullif(split_part(backend, '/', 1), '')), member('server', nullif(split_part(backend, '/', 2), '')),
            member('termination_state', state),
            CASE len(t) WHEN 5 THEN '"timers":{"TR":' || try_cast(t[1] AS BIGINT) || ',"Tw":' || try_cast(t[2] AS BIGINT) || ',"Tc":' || try_cast(t[3] AS BIGINT) || ',"Tr":' || try_cast(t[4] AS BIGINT) || ',"Ta":' || try_cast(t[5] AS BIGINT) || '}'
                WHEN 3 THEN '"timers":{"Tw":' || try_cast(t[1] AS BIGINT) || ',"Tc":' || try_cast(t[2] AS BIGINT) || ',"Tt":' || try_cast(t[3] AS BIGINT) || '}' END,
            member('connections', connections), member('queues', queues), member('cookies', cookies),
            member('captured_headers', rtrim(captured)), member('http_version', CASE WHEN len(w) = 3 AND starts_with(w[3], 'HTTP/') THEN w[3] END),
            member('tls_version', nullif(nullif(tls.version, ''), '-')), member('tls_cipher', nullif(nullif(tls.cipher, ''), '-')), member('more', more),
            CASE WHEN coalesce(accepted, logged) IS NULL THEN '"time_source":"file"' END)) END AS extra
    FROM words
)
