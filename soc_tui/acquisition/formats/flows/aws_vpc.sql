-- AWS VPC flow logs: one direction of a flow in one capture window. `tcp-flags` knows FIN 1, SYN 2, RST 4 and, together
-- with SYN, ACK 16; a lone ACK is not recorded. REJECT: a security group or network ACL let nothing through.
read AS (
    SELECT * EXCLUDE (instance, interface), nullif(instance, '-') AS instance, nullif(interface, '-') AS interface,
        coalesce(log_status, '') IN ('NODATA', 'SKIPDATA') AS empty, ip_protocol(protocol) AS proto,
        try_cast(flags AS INTEGER) AS bits, from_epoch(began) AS moment
    FROM flows
)
SELECT
    source_offset, source_length, reason,
    coalesce(moment, $modified) AS time,
    CASE WHEN empty THEN 6000 ELSE 4001 END::INTEGER AS class_uid,
    CASE WHEN empty THEN 'log' ELSE 'traffic' END AS activity,
    'aws-vpc' AS product,
    CASE WHEN empty THEN 'status' ELSE 'flow' END AS log_name,
    coalesce(instance, interface) AS host,
    as_ip(src_ip) AS src_ip, try_cast(src_port AS INTEGER) AS src_port,
    as_ip(dst_ip) AS dst_ip, try_cast(dst_port AS INTEGER) AS dst_port,
    proto AS protocol,
    CASE verdict WHEN 'ACCEPT' THEN 'success' WHEN 'REJECT' THEN 'failure' ELSE 'unknown' END AS status,
    CASE WHEN log_status = 'SKIPDATA' THEN 'low' ELSE 'info' END AS severity,
    CASE WHEN empty THEN log_status || ' ' || coalesce(interface, '') END AS message,
    CASE WHEN try_cast(ended AS DOUBLE) >= try_cast(began AS DOUBLE) THEN try_cast(ended AS DOUBLE) - try_cast(began AS DOUBLE) END AS duration,
    try_cast(bytes_out AS BIGINT) AS bytes_out, try_cast(packets_out AS BIGINT) AS packets_out,
    CASE WHEN verdict = 'REJECT' THEN 'REJ'
        WHEN proto = 'tcp' AND bits & 2 = 2 THEN CASE WHEN bits & 4 = 4 THEN 'RSTO' WHEN bits & 1 = 1 THEN 'SF' WHEN bits & 16 = 16 THEN 'S1'
            WHEN packets_out = '1' THEN 'S0' END
    END AS conn_state,
    members(concat_ws(',', rest,
        CASE WHEN instance IS NOT NULL THEN member('interface-id', interface) END,
        CASE WHEN moment IS NULL THEN '"time_source":"file"' END)) AS extra
FROM read
