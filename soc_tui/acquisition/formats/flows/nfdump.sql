-- nfdump: each record is one direction of a flow, unless it was paired (-b): then the `out` counters are the answer's.
read AS (
    SELECT *, ip_protocol(protocol) AS proto,
        try_cast(packets_out AS BIGINT) AS sent, try_cast(packets_in AS BIGINT) AS received,
        try_cast(stamp AS TIMESTAMP) AS began, contains(stamp, '-') AS dated,
        contains(flags, 'S') AS syn, contains(flags, 'A') AS ack, contains(flags, 'F') AS fin, contains(flags, 'R') AS rst
    FROM flows
), states AS (
    SELECT *, proto IN ('icmp', 'ipv6-icmp') AS icmp,
        CASE WHEN dated THEN CASE WHEN isfinite(began) THEN in_zone(began, $zone) END ELSE from_any_epoch(stamp) END AS moment,
        CASE
        WHEN proto = 'tcp' THEN CASE
            WHEN received > 0 THEN CASE WHEN NOT syn THEN 'OTH' WHEN NOT ack OR rst THEN NULL WHEN fin THEN 'SF' ELSE 'S1' END
            WHEN syn AND ack THEN CASE WHEN rst THEN 'RSTO' WHEN fin THEN 'SF' ELSE 'S1' END
            WHEN syn THEN CASE WHEN rst THEN 'RSTOS0' WHEN fin THEN 'SH' ELSE 'S0' END
            WHEN ack AND NOT rst THEN 'OTH' END
        WHEN proto IN ('udp', 'icmp', 'ipv6-icmp') AND received > 0 THEN 'SF'
        END AS state
    FROM read
)
SELECT
    source_offset, source_length, reason,
    coalesce(moment, $modified) AS time,
    4001::INTEGER AS class_uid, 'traffic' AS activity, 'nfdump' AS product, 'flow' AS log_name,
    nullif(nullif(router, ''), '0.0.0.0') AS host,
    as_ip(src_ip) AS src_ip,
    -- ICMP has no ports: nfdump gives type and code in dp, as 256 * type + code or as `type.code`. Zeek's order is kept.
    CASE WHEN icmp THEN CASE WHEN contains(dst_port, '.') THEN try_cast(split_part(dst_port, '.', 1) AS INTEGER) ELSE try_cast(dst_port AS INTEGER) // 256 END
        ELSE try_cast(src_port AS INTEGER) END AS src_port,
    as_ip(dst_ip) AS dst_ip,
    CASE WHEN icmp THEN CASE WHEN contains(dst_port, '.') THEN try_cast(split_part(dst_port, '.', 2) AS INTEGER) ELSE try_cast(dst_port AS INTEGER) % 256 END
        ELSE try_cast(dst_port AS INTEGER) END AS dst_port,
    proto AS protocol,
    -- Forwarding status 128-191: the exporter dropped it (RFC 7270, 4.12).
    CASE WHEN try_cast(forwarding AS INTEGER) BETWEEN 128 AND 191 THEN 'failure'
        WHEN state IN ('SF', 'S1') THEN 'success' WHEN state IN ('S0', 'RSTO', 'RSTOS0', 'SH') THEN 'failure' ELSE 'unknown' END AS status,
    'info' AS severity,
    nullif(flow_id, '') AS session_uid,
    CASE WHEN contains(duration, ':') THEN
            coalesce(try_cast(regexp_extract(duration, '(\d+)d', 1) AS DOUBLE), 0) * 86400
            + epoch(try_cast(regexp_extract(duration, '(\d\d?:\d\d:\d\d(?:\.\d+)?)$', 1) AS INTERVAL))
        WHEN duration IS NULL AND ended IS NOT NULL THEN CASE WHEN dated THEN epoch(try_cast(ended AS TIMESTAMP)) - epoch(began)
            ELSE epoch(from_any_epoch(ended)) - epoch(from_any_epoch(stamp)) END
        ELSE try_cast(duration AS DOUBLE) END AS duration,
    try_cast(bytes_out AS BIGINT) AS bytes_out,
    CASE WHEN received > 0 THEN try_cast(bytes_in AS BIGINT) END AS bytes_in,
    sent AS packets_out,
    CASE WHEN received > 0 THEN received END AS packets_in,
    state AS conn_state,
    members(concat_ws(',', rest,
        CASE WHEN moment IS NULL THEN '"time_source":"file"' END)) AS extra
FROM states
