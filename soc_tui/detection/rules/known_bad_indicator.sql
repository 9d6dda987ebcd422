-- Events that name a known-bad value: an address, network, domain, URL or file hash of the table `indicators`.
-- Distinct values of the new events meet the indicators once, then the hours in which one was seen are recomputed whole,
-- so the order of arrival decides nothing. With $source, only values that this source's loads from $added on brought
-- count as seen: indicators that come later are matched with events that are stored already.
--
-- Who did it: the known-bad address, or the outside server of a known-bad name, URL or file. The machine inside that
-- spoke to it is the victim (dst_ip). A name in DNS accuses no address, so src_ip is then unknown. What a client outside
-- writes to a server inside (Host, SNI) is only text and no contact.
WITH recent AS MATERIALIZED (
    SELECT event_id, src_ip, dst_ip, query_name, tls_server_name, url_host, url_path, url_query, file_hash, extra, class_uid
    FROM events WHERE event_id BETWEEN $first_event_id AND $last_event_id
), seen_ip AS (
    SELECT ip AS seen, ip_number(ip) AS number
    FROM (SELECT src_ip AS ip FROM recent UNION SELECT dst_ip FROM recent) v LEFT JOIN addresses a USING (ip)
    WHERE ip IS NOT NULL AND NOT coalesce(a.own, false) AND coalesce(a.class, '') NOT IN ('loopback', 'multicast', 'unknown')
), seen_name AS (
    SELECT name AS seen, registered_domain,
        -- the name and what lies above it, down to the registered domain; five steps at most, as names may be made to hurt
        list_distinct([name, registered_domain] || list_transform(range(1, least(len(labels), 5) + 1),
            lambda i: array_to_string(labels[-i:], '.') || '.' || registered_domain)) AS names
    FROM (SELECT name, d.registered_domain, CASE WHEN d.subdomain IS NULL THEN [] ELSE string_split(d.subdomain, '.') END AS labels
          FROM (SELECT DISTINCT event_name(query_name, tls_server_name, url_host) AS name FROM recent) v
          LEFT JOIN domains d USING (name) WHERE name IS NOT NULL)
), seen_url AS (
    SELECT DISTINCT url_key(url_host, url_path, url_query) AS seen FROM recent WHERE url_host IS NOT NULL AND url_path IS NOT NULL
    UNION SELECT url_key(url_host, url_path, NULL) FROM recent WHERE url_host IS NOT NULL AND url_path IS NOT NULL
), seen_hash AS (
    SELECT DISTINCT lower(unnest([file_hash] || json_extract_string(CASE WHEN json_valid(extra) THEN extra END,
        ['$.md5', '$.sha1', '$.sha256', '$.fileinfo.md5', '$.fileinfo.sha1', '$.fileinfo.sha256']))) AS seen
    FROM recent WHERE file_hash IS NOT NULL
), met AS (
    SELECT s.seen, 'ip' AS way, i.* FROM seen_ip s JOIN indicators i ON i.range_first = s.number WHERE i.kind = 'ip'
    UNION ALL
    SELECT s.seen, 'ip', i.*
    FROM seen_ip s LEFT JOIN addresses a ON a.ip = s.seen
    JOIN (FROM indicators WHERE kind = 'network') i ON s.number >= i.range_first AND s.number <= i.range_last
    WHERE coalesce(a.class, '') NOT IN ('private', 'cgnat', 'link-local')  -- lists of bogons do not mean one's own network
    UNION ALL
    SELECT s.seen, 'name', i.* FROM (SELECT seen, unnest(names) AS value FROM seen_name) s JOIN indicators i ON i.value = s.value WHERE i.kind = 'domain'
    UNION ALL
    SELECT s.seen, 'url', i.* FROM seen_url s JOIN indicators i ON i.value = s.seen WHERE i.kind = 'url'
    UNION ALL
    SELECT s.seen, 'hash', i.* FROM seen_hash s JOIN indicators i ON i.value = s.seen WHERE i.kind = 'hash'
), named AS (
    SELECT way, seen, kind, value, max(severity_rank(severity)) AS rank, list_sort(list(DISTINCT source))[1:5] AS sources,
        max(description) AS description, CASE WHEN count(*) = count(valid_until) THEN max(valid_until) END AS valid_until,
        bool_or($source = '' OR source = $source AND added >= $added) AS asked, any_value(range_last - range_first) AS width
    FROM met GROUP BY way, seen, kind, value
), hit AS MATERIALIZED (  -- the narrowest indicator speaks for a value
    SELECT * FROM named
    WHERE (SELECT bool_or(asked) FROM named)
    QUALIFY row_number() OVER (PARTITION BY way, seen ORDER BY width NULLS FIRST, length(value) DESC, value) = 1 AND bool_or(asked) OVER (PARTITION BY way, seen)
), hour AS MATERIALIZED (
    SELECT DISTINCT time_bucket(INTERVAL 1 HOUR, e.time) AS hour
    FROM events e
    WHERE e.event_id BETWEEN $first_event_id AND $last_event_id AND e.time IS NOT NULL AND (
        e.src_ip IN (SELECT seen FROM hit WHERE way = 'ip') OR e.dst_ip IN (SELECT seen FROM hit WHERE way = 'ip')
        OR event_name(e.query_name, e.tls_server_name, e.url_host) IN (SELECT seen FROM hit WHERE way = 'name')
        OR url_key(e.url_host, e.url_path, e.url_query) IN (SELECT seen FROM hit WHERE way = 'url')
        OR url_key(e.url_host, e.url_path, NULL) IN (SELECT seen FROM hit WHERE way = 'url')
        OR e.file_hash IS NOT NULL AND EXISTS (FROM hit WHERE way = 'hash'))
), wide AS MATERIALIZED (
    SELECT event_id, time, src_ip, dst_ip, dst_port, host, user_name, class_uid, query_name, tls_server_name, url_host, url_path, url_query, file_hash, file_path, extra,
        time_bucket(INTERVAL 1 HOUR, time) AS hour
    FROM events
    WHERE time >= (SELECT min(hour) FROM hour) AND time < (SELECT max(hour) FROM hour) + INTERVAL 1 HOUR
      AND (src_ip IN (SELECT seen FROM hit WHERE way = 'ip') OR dst_ip IN (SELECT seen FROM hit WHERE way = 'ip')
        OR event_name(query_name, tls_server_name, url_host) IN (SELECT seen FROM hit WHERE way = 'name')
        OR url_key(url_host, url_path, url_query) IN (SELECT seen FROM hit WHERE way = 'url')
        OR url_key(url_host, url_path, NULL) IN (SELECT seen FROM hit WHERE way = 'url')
        OR file_hash IS NOT NULL AND EXISTS (FROM hit WHERE way = 'hash'))
), contact AS (
    SELECT e.*, h.*, 'src_ip' AS field FROM wide e JOIN hit h ON h.way = 'ip' AND e.src_ip = h.seen
    UNION ALL
    SELECT e.*, h.*, 'dst_ip' FROM wide e JOIN hit h ON h.way = 'ip' AND e.dst_ip = h.seen AND e.dst_ip IS DISTINCT FROM e.src_ip
    UNION ALL
    SELECT e.*, h.*, CASE WHEN e.query_name IS NOT NULL THEN 'query_name' WHEN e.tls_server_name IS NOT NULL THEN 'tls_server_name' ELSE 'url_host' END
    FROM wide e JOIN hit h ON h.way = 'name' AND event_name(e.query_name, e.tls_server_name, e.url_host) = h.seen
    UNION ALL
    SELECT e.*, h.*, 'url' FROM wide e JOIN hit h ON h.way = 'url' AND url_key(e.url_host, e.url_path, e.url_query) = h.seen
    UNION ALL
    SELECT e.*, h.*, 'url' FROM wide e JOIN hit h ON h.way = 'url' AND url_key(e.url_host, e.url_path, NULL) = h.seen AND coalesce(e.url_query, '') <> ''
    UNION ALL
    SELECT e.* EXCLUDE (one), h.*, 'file_hash' FROM (SELECT *, unnest(list_distinct(list_transform([file_hash] || json_extract_string(CASE WHEN json_valid(extra) THEN extra END,
            ['$.md5', '$.sha1', '$.sha256', '$.fileinfo.md5', '$.fileinfo.sha1', '$.fileinfo.sha256']), lambda x: lower(x)))) AS one FROM wide WHERE file_hash IS NOT NULL) e
    JOIN hit h ON h.way = 'hash' AND e.one = h.seen
), sided AS (
    SELECT c.* EXCLUDE (hour), c.hour AS hour, is_inside(s.class, s.own) AS src_inside, is_inside(d.class, d.own) AS dst_inside
    FROM contact c LEFT JOIN addresses s ON s.ip = c.src_ip LEFT JOIN addresses d ON d.ip = c.dst_ip
    WHERE (c.valid_until IS NULL OR c.time < c.valid_until) AND c.hour IN (SELECT hour FROM hour)
), judged AS (
    SELECT *,
        CASE WHEN way = 'ip' THEN seen
             WHEN class_uid = 4003 THEN NULL
             WHEN way IN ('name', 'url') THEN CASE WHEN NOT dst_inside THEN dst_ip END
             WHEN src_inside AND NOT dst_inside THEN dst_ip
             WHEN dst_inside AND NOT src_inside THEN src_ip END AS attacker,
        CASE WHEN way = 'ip' THEN CASE field WHEN 'src_ip' THEN dst_ip ELSE src_ip END
             WHEN way IN ('name', 'url') THEN src_ip
             WHEN src_inside AND NOT dst_inside THEN src_ip
             ELSE dst_ip END AS victim,
        field = 'src_ip' AS incoming
    FROM sided
    WHERE NOT (way IN ('name', 'url') AND coalesce(class_uid, 0) <> 4003 AND src_ip IS NOT NULL AND NOT src_inside AND (dst_ip IS NULL OR dst_inside))
), once AS (  -- an event counts once, whichever of its fields met the indicator
    SELECT * FROM judged
    QUALIFY row_number() OVER (PARTITION BY event_id, kind, value, attacker, victim, incoming ORDER BY field, seen) = 1
), burst AS (
    SELECT kind, value, attacker, victim, incoming, hour,
        CASE WHEN victim IS NULL OR attacker IS NOT NULL THEN host END AS machine,
        max(rank) AS rank, min(time) AS first_time, max(time) AS last_time, count(*) AS event_count,
        mode(CASE WHEN class_uid <> 4003 THEN dst_port END ORDER BY dst_port) AS dst_port, mode(user_name ORDER BY user_name) AS user_name, max(seen) AS seen, max(field) AS field,
        any_value(sources) AS sources, max(description) AS description, bool_or(class_uid = 4003) AS by_dns, max(file_path) AS file_path,
        list(event_id ORDER BY time, event_id)[1:20] AS event_ids
    FROM once GROUP BY ALL
)
SELECT
    md5(concat_ws('|', 'known-bad-indicator', kind, value, coalesce(attacker, ''), coalesce(victim, ''), coalesce(machine, ''), incoming, hour)) AS finding_id,
    concat_ws('|', 'known-bad-indicator', kind, value, coalesce(attacker, ''), coalesce(victim, machine, ''), incoming, hour::DATE) AS alert_key,
    'known-bad-indicator' AS detector,
    CASE kind WHEN 'hash' THEN 'virus' WHEN 'url' THEN 'malicious-code' ELSE CASE WHEN incoming THEN 'intrusion' ELSE 'trojan' END END AS risk_type,
    CASE WHEN kind = 'hash' THEN 'Known-bad file ' || value
         WHEN incoming THEN 'Known-bad address ' || seen || ' contacts ' || coalesce(victim, machine, 'this machine')
         ELSE 'Contact with known-bad ' || CASE kind WHEN 'ip' THEN 'address ' || value WHEN 'network' THEN 'network ' || value
             WHEN 'domain' THEN 'domain ' || value[1:200] ELSE 'URL ' || value[1:200] END || coalesce(' by ' || coalesce(victim, machine), '') END AS title,
    severity_word(rank) AS severity,
    CASE rank WHEN 5 THEN 0.97 WHEN 4 THEN 0.85 WHEN 3 THEN 0.6 WHEN 2 THEN 0.3 ELSE 0.1 END::DOUBLE AS score,
    first_time AS time, last_time AS time_last, attacker AS src_ip, victim AS dst_ip, dst_port, machine AS host, user_name,
    CASE WHEN kind = 'hash' THEN coalesce(file_path, value) WHEN kind IN ('domain', 'url') THEN seen ELSE value END[1:500] AS target,
    event_count,
    CASE WHEN kind = 'hash' THEN ['T1204.002'] WHEN kind = 'url' THEN ['T1105'] WHEN incoming THEN []::VARCHAR[]
         WHEN by_dns THEN ['T1071.004'] ELSE ['T1071'] END AS techniques,
    to_json([
        {field: field, value: seen[1:300], weight: 1.0},
        {field: 'indicator (' || kind || ')', value: value[1:300], weight: 0.5},
        {field: 'listed by', value: array_to_string(sources, ', ')[1:300], weight: 0.0},
        {field: 'why', value: coalesce(description, '')[1:300], weight: 0.0}])::VARCHAR AS explanation,
    event_ids
FROM burst
