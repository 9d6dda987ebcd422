-- Part of postgresql.sql: what is asked for an address (`asks`) takes that of the last `connection received` of its process, if it is
-- among the last 256 of the log. `$received` holds those of the lines before these, `$count` how many there ever were.
WITH rows AS MATERIALIZED (
    FROM found
), numbered AS (
    SELECT source_offset, pid, address, x.port AS port, kind, asks, $count + count(*) FILTER (kind = 'connect') OVER (ORDER BY source_offset ROWS UNBOUNDED PRECEDING) AS number
    FROM rows WHERE kind = 'connect' OR asks
), received AS (
    SELECT pid, address, port, source_offset, number FROM numbered WHERE kind = 'connect'
    UNION ALL
    SELECT r.pid, r.address, r.port, r.source_offset, r.number
    FROM (SELECT unnest(from_json($received, '[{"pid":"VARCHAR","address":"VARCHAR","port":"VARCHAR","source_offset":"BIGINT","number":"BIGINT"}]')) AS r)
), answers AS (
    SELECT a.source_offset AS asked_at, r.address AS received_address, r.port AS received_port
    FROM (FROM numbered WHERE asks) a ASOF JOIN received r ON a.pid = r.pid AND a.source_offset > r.source_offset
    WHERE r.number > a.number - 256
)
SELECT rows.*, received_address, received_port FROM rows LEFT JOIN answers ON asked_at = source_offset
ORDER BY source_offset
