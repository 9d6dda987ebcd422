-- Window context of the flow events $first_event_id..$last_event_id: one row per flow event, columns CONTEXT_FIELDS.
-- A slot is 300 s of end time (Zeek writes a flow when it ends). Counted: the running slot up to the event, in order of
-- event_id, plus the whole slot before. Running sums only, so the cost is a few sorts of the batch and its look-back of
-- at most two slots and 100,000 events. encoding/flow.py context() is the same in numpy; a test compares them.
WITH flow AS (
    SELECT event_id, coalesce(src_ip, '') AS src, coalesce(dst_ip, '') AS dst, coalesce(dst_port, 0) AS port,
           epoch(time) + CASE WHEN isfinite(duration) AND duration > 0 THEN duration ELSE 0 END AS ended,
           CAST(floor(ended / 300) AS BIGINT) AS slot,
           CAST(coalesce(conn_state, '') IN ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR', 'new') AS INTEGER) AS failed
    FROM events
    WHERE event_id BETWEEN $first_event_id - 100000 AND $last_event_id
      AND class_uid = 4001 AND log_name IN ('conn', 'flow') AND time IS NOT NULL
), near AS (
    SELECT * FROM flow WHERE slot >= (SELECT min(slot) FROM flow WHERE event_id >= $first_event_id) - 1
), coded AS (  -- numbers sort several times faster than address texts
    SELECT event_id, ended, slot, failed, port, hash(src) AS src, hash(dst) AS dst, hash(src, dst, port) AS pair FROM near
), firsts AS (
    SELECT *,
           CAST(row_number() OVER (PARTITION BY slot, src, dst ORDER BY event_id) = 1 AS INTEGER) AS new_pair,
           CAST(row_number() OVER (PARTITION BY slot, src, port ORDER BY event_id) = 1 AS INTEGER) AS new_port
    FROM coded
), running AS (
    SELECT event_id, ended, slot, src, dst, pair,
           count(*) OVER by_src AS src_flows, sum(new_pair) OVER by_src AS src_hosts,
           sum(new_port) OVER by_src AS src_ports, sum(failed) OVER by_src AS src_failed,
           count(*) OVER by_dst AS dst_flows, sum(new_pair) OVER by_dst AS dst_sources,
           sum(failed) OVER by_dst AS dst_failed, count(*) OVER by_pair AS pair_flows,
           lag(ended, 1) OVER ever AS ended_1, lag(slot, 1) OVER ever AS slot_1,
           lag(ended, 2) OVER ever AS ended_2, lag(slot, 2) OVER ever AS slot_2
    FROM firsts
    WINDOW by_src AS (PARTITION BY slot, src ORDER BY event_id ROWS UNBOUNDED PRECEDING),
           by_dst AS (PARTITION BY slot, dst ORDER BY event_id ROWS UNBOUNDED PRECEDING),
           by_pair AS (PARTITION BY slot, pair ORDER BY event_id ROWS UNBOUNDED PRECEDING),
           ever AS (PARTITION BY pair ORDER BY event_id)
), src_slot AS (
    SELECT slot + 1 AS slot, src, max(src_flows) AS flows, max(src_hosts) AS hosts, max(src_ports) AS ports,
           max(src_failed) AS failed
    FROM running GROUP BY ALL
), dst_slot AS (
    SELECT slot + 1 AS slot, dst, max(dst_flows) AS flows, max(dst_sources) AS sources, max(dst_failed) AS failed
    FROM running GROUP BY ALL
), pair_slot AS (
    SELECT slot + 1 AS slot, pair, max(pair_flows) AS flows FROM running GROUP BY ALL
)
SELECT r.event_id,
       CAST(src_flows + coalesce(s.flows, 0) AS DOUBLE) AS src_flows,
       CAST(src_hosts + coalesce(s.hosts, 0) AS DOUBLE) AS src_hosts,
       CAST(src_ports + coalesce(s.ports, 0) AS DOUBLE) AS src_ports,
       CAST(src_failed + coalesce(s.failed, 0) AS DOUBLE) AS src_failed,
       CAST(dst_flows + coalesce(d.flows, 0) AS DOUBLE) AS dst_flows,
       CAST(dst_sources + coalesce(d.sources, 0) AS DOUBLE) AS dst_sources,
       CAST(dst_failed + coalesce(d.failed, 0) AS DOUBLE) AS dst_failed,
       CAST(pair_flows + coalesce(p.flows, 0) AS DOUBLE) AS pair_flows,
       CASE WHEN slot_1 >= r.slot - 1 THEN abs(r.ended - ended_1) END AS pair_gap,
       CASE WHEN slot_1 >= r.slot - 1 AND slot_2 >= r.slot - 1 THEN abs(ended_1 - ended_2) END AS pair_gap_before
FROM running r
LEFT JOIN src_slot s ON s.slot = r.slot AND s.src = r.src
LEFT JOIN dst_slot d ON d.slot = r.slot AND d.dst = r.dst
LEFT JOIN pair_slot p ON p.slot = r.slot AND p.pair = r.pair
WHERE r.event_id >= $first_event_id
ORDER BY r.event_id
