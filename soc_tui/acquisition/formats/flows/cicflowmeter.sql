-- CICFlowMeter: durations in microseconds, lengths without headers, dates day first. Version 3 writes a 12-hour clock
-- without AM and PM, which cannot be undone: such a time is kept as it stands.
timed AS (
    SELECT *, ip_protocol(protocol) AS proto,
        try_cast(packets_out AS BIGINT) AS sent, try_cast(packets_in AS BIGINT) AS received,
        try_cast(fin AS DOUBLE) AS fins, try_cast(syn AS DOUBLE) AS syns, try_cast(rst AS DOUBLE) AS rsts,
        CASE
            WHEN ends_with(stamp, 'M') THEN try_strptime(stamp, ['%d/%m/%Y %I:%M:%S %p', '%d/%m/%Y %I:%M %p', '%Y-%m-%d %I:%M:%S %p'])
            WHEN stamp[3] = '/' AND stamp[6] = '/' THEN try_cast(stamp[7:10] || '-' || stamp[4:5] || '-' || stamp[1:2] || stamp[11:] AS TIMESTAMP)
            WHEN contains(stamp, '/') THEN try_cast(
                split_part(split_part(stamp, ' ', 1), '/', 3) || '-' || split_part(stamp, '/', 2) || '-' || split_part(stamp, '/', 1)
                || ' ' || split_part(stamp, ' ', 2) AS TIMESTAMP)
            ELSE try_cast(stamp AS TIMESTAMP)
        END AS written
    FROM flows
), states AS (
    -- The flags of both directions are counted together, so only these states are certain.
    SELECT *, CASE WHEN isfinite(written) THEN in_zone(written, $zone) END AS moment, CASE
        WHEN proto = 'tcp' AND received = 0 AND syns > 0 THEN CASE WHEN rsts > 0 THEN 'RSTOS0' WHEN fins > 0 THEN 'SH' ELSE 'S0' END
        WHEN proto = 'tcp' AND received > 0 AND syns > 0 AND rsts > 0 AND fins = 0 AND sent = received
            AND try_cast(bytes_out AS DOUBLE) = 0 AND try_cast(bytes_in AS DOUBLE) = 0 THEN 'REJ'
        WHEN proto = 'tcp' AND received > 0 AND rsts = 0 THEN CASE WHEN fins >= 2 THEN 'SF' WHEN syns > 0 AND fins = 0 THEN 'S1' END
        WHEN proto IN ('udp', 'icmp', 'ipv6-icmp') THEN CASE WHEN received > 0 THEN 'SF' WHEN sent > 0 THEN 'S0' END
    END AS state
    FROM timed
)
SELECT
    source_offset, source_length, reason,
    coalesce(moment, $modified) AS time,
    4001::INTEGER AS class_uid, 'traffic' AS activity, 'cicflowmeter' AS product, 'flow' AS log_name,
    as_ip(src_ip) AS src_ip, try_cast(src_port AS INTEGER) AS src_port,
    as_ip(dst_ip) AS dst_ip, try_cast(dst_port AS INTEGER) AS dst_port,
    proto AS protocol,
    CASE WHEN state IN ('SF', 'S1') THEN 'success' WHEN state IS NOT NULL OR received = 0 AND sent > 0 THEN 'failure'
        WHEN received > 0 THEN 'success' ELSE 'unknown' END AS status,
    'info' AS severity,
    nullif(flow_id, '') AS session_uid,
    CASE WHEN try_cast(duration AS DOUBLE) >= 0 THEN try_cast(duration AS DOUBLE) / 1e6 END AS duration,
    try_cast(try_cast(bytes_out AS DOUBLE) AS BIGINT) AS bytes_out, try_cast(try_cast(bytes_in AS DOUBLE) AS BIGINT) AS bytes_in,
    sent AS packets_out, received AS packets_in,
    state AS conn_state,
    members(concat_ws(',', rest,
        CASE WHEN moment IS NULL THEN '"time_source":"file"' END)) AS extra
FROM states
