-- Argus: bidirectional flows, bytes with their headers. SrcAddr and DstAddr stay who Argus says they are, whatever the
-- arrow: with `<-` and `?` the one who began is not sure, so Dir is kept in `extra` and nobody is swapped.
read AS (
    SELECT *, trim(src_ip) AS src, trim(dst_ip) AS dst, trim(src_port) AS sport, trim(dst_port) AS dport,
        trim(state_of) AS state, ip_protocol(trim(protocol)) AS proto,
        try_cast(bytes AS BIGINT) AS total, try_cast(bytes_out AS BIGINT) AS sent, try_cast(packets AS BIGINT) AS all_packets,
        CASE WHEN contains(stamp, ':') THEN try_cast(stamp AS TIMESTAMP) ELSE from_epoch(stamp) END AS written
    FROM flows
), named AS (
    SELECT *,
        coalesce(try_cast(bytes_in AS BIGINT), CASE WHEN total >= sent THEN total - sent END) AS received,
        CASE WHEN isfinite(written) THEN CASE WHEN contains(stamp, ':') THEN in_zone(written, $zone) ELSE written END END AS moment,
        as_ip(src) AS from_ip, as_ip(dst) AS to_ip,
        CASE WHEN try_cast(sport AS INTEGER) BETWEEN 0 AND 65535 THEN try_cast(sport AS INTEGER) END AS from_port,
        CASE WHEN try_cast(dport AS INTEGER) BETWEEN 0 AND 65535 THEN try_cast(dport AS INTEGER) END AS to_port,
        split_part(state, '_', 1) AS s, split_part(state, '_', 2) AS d
    FROM read
), states AS (
    -- TCP: the flags seen from the source, `_`, those from the destination; other protocols have one word (ra(1)).
    SELECT *, CASE
        WHEN contains(state, '_') THEN CASE
            WHEN contains(s, 'S') AND contains(d, 'S') THEN CASE
                WHEN contains(s, 'R') THEN 'RSTO' WHEN contains(d, 'R') THEN 'RSTR'
                WHEN contains(s, 'F') AND contains(d, 'F') THEN 'SF' WHEN contains(s, 'F') THEN 'S2' WHEN contains(d, 'F') THEN 'S3'
                ELSE 'S1' END
            WHEN contains(s, 'S') THEN CASE
                WHEN contains(d, 'R') THEN 'REJ' WHEN d <> '' THEN 'OTH'
                WHEN contains(s, 'R') THEN 'RSTOS0' WHEN contains(s, 'F') THEN 'SH' ELSE 'S0' END
            WHEN contains(d, 'S') THEN CASE WHEN contains(d, 'R') THEN 'RSTRH' WHEN contains(d, 'F') THEN 'SHR' ELSE 'OTH' END
            ELSE 'OTH' END
        WHEN state IN ('INT', 'REQ') THEN 'S0'
        WHEN state = 'ECO' THEN CASE WHEN received > 0 THEN 'SF' WHEN received = 0 THEN 'S0' END
        WHEN state = 'CON' THEN CASE WHEN proto = 'tcp' THEN 'S1' ELSE 'SF' END
        WHEN state IN ('EST', 'ACC') THEN 'S1'
        WHEN state IN ('FIN', 'CLO', 'ECR') THEN 'SF'
    END AS conn
    FROM named
)
SELECT
    source_offset, source_length, reason,
    coalesce(moment, $modified) AS time,
    4001::INTEGER AS class_uid, 'traffic' AS activity, 'argus' AS product, 'flow' AS log_name,
    from_ip AS src_ip, from_port AS src_port, to_ip AS dst_ip, to_port AS dst_port,
    proto AS protocol,
    CASE WHEN conn IN ('SF', 'S1', 'S2', 'S3') THEN 'success' WHEN conn IN ('S0', 'REJ', 'RSTO', 'RSTR', 'RSTOS0', 'RSTRH', 'SH', 'SHR') THEN 'failure'
        ELSE 'unknown' END AS status,
    'info' AS severity,
    CASE WHEN try_cast(duration AS DOUBLE) >= 0 THEN try_cast(duration AS DOUBLE) END AS duration,
    sent AS bytes_out, received AS bytes_in,
    coalesce(try_cast(packets_out AS BIGINT), CASE WHEN received = 0 THEN all_packets END) AS packets_out,
    coalesce(try_cast(packets_in AS BIGINT), CASE WHEN received = 0 AND all_packets IS NOT NULL THEN 0 END) AS packets_in,
    conn AS conn_state,
    members(concat_ws(',', rest,
        CASE WHEN from_ip IS NULL OR to_ip IS NULL OR from_port IS NULL OR to_port IS NULL THEN nullif(concat_ws(',',
            member('SrcAddr', CASE WHEN from_ip IS NULL THEN nullif(src, '') END), member('Sport', CASE WHEN from_port IS NULL THEN nullif(sport, '') END),
            member('DstAddr', CASE WHEN to_ip IS NULL THEN nullif(dst, '') END), member('Dport', CASE WHEN to_port IS NULL THEN nullif(dport, '') END)), '') END,
        CASE WHEN moment IS NULL THEN '"time_source":"file"' END)) AS extra
FROM states
