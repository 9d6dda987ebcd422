-- The second half of both Zeek normalisers: the named fields of any Zeek log (relation `fields`, all text) as events.
-- One text for TSV and JSON, so the same traffic gives the same events. `kind` is the log without an `open_` prefix.
SELECT
    source_offset, source_length, reason,
    coalesce(from_epoch(ts), from_iso(ts), $modified) AS time,
    (CASE
        WHEN kind IN ('conn', 'ssl', 'weird') THEN 4001
        WHEN kind = 'dns' THEN 4003
        WHEN kind = 'http' THEN 4002
        WHEN kind = 'files' THEN 4010
        WHEN kind = 'notice' THEN 2004
        WHEN kind = 'ssh' THEN 4007
        WHEN kind IN ('kerberos', 'ntlm', 'radius') THEN 3002
        WHEN kind = 'dhcp' THEN 4004
        WHEN kind = 'rdp' THEN 4005
        WHEN kind IN ('smb_files', 'smb_mapping', 'smb_cmd') THEN 4006
        WHEN kind = 'ftp' THEN 4008
        WHEN kind = 'smtp' THEN 4009
        ELSE 6000
    END)::INTEGER AS class_uid,
    CASE kind
        WHEN 'conn' THEN 'traffic' WHEN 'dns' THEN 'query' WHEN 'http' THEN http_activity(method) WHEN 'ssl' THEN 'open'
        WHEN 'files' THEN 'transfer' WHEN 'notice' THEN 'detect' WHEN 'weird' THEN 'anomaly'
        WHEN 'ssh' THEN 'open' WHEN 'kerberos' THEN 'logon' WHEN 'ntlm' THEN 'logon' WHEN 'radius' THEN 'logon'
        ELSE 'log'
    END AS activity,
    'zeek' AS product,
    log_name,
    host,
    user_name,
    as_ip(coalesce(orig_h, CASE kind WHEN 'files' THEN tx_host WHEN 'notice' THEN src END)) AS src_ip,
    try_cast(orig_p AS INTEGER) AS src_port,
    as_ip(coalesce(resp_h, CASE kind WHEN 'files' THEN rx_host WHEN 'notice' THEN dst END)) AS dst_ip,
    try_cast(coalesce(resp_p, CASE kind WHEN 'notice' THEN p END) AS INTEGER) AS dst_port,
    coalesce(lower(proto), CASE WHEN kind IN ('http', 'ssl', 'ssh', 'ftp', 'smtp') THEN 'tcp' END) AS protocol,
    CASE
        WHEN kind = 'conn' THEN lower(service)
        WHEN kind IN ('dns', 'http', 'ssl', 'ssh', 'ftp', 'smtp', 'dhcp', 'rdp', 'sip', 'snmp', 'ntp', 'kerberos',
                      'ntlm', 'radius', 'rfb', 'modbus', 'irc', 'mysql', 'dce_rpc') THEN kind
        WHEN starts_with(kind, 'smb_') THEN 'smb'
    END AS service,
    CASE
        WHEN kind = 'conn' THEN CASE
            WHEN conn_state IN ('SF', 'S1', 'S2', 'S3') THEN 'success'
            WHEN conn_state IN ('S0', 'REJ', 'RSTO', 'RSTR', 'RSTOS0', 'RSTRH', 'SH', 'SHR') THEN 'failure'
            ELSE 'unknown' END
        WHEN kind = 'dns' THEN dns_status(rcode_name)
        WHEN kind = 'http' THEN http_status_word(try_cast(status_code AS INTEGER))
        WHEN kind IN ('ssl', 'ssh', 'kerberos', 'ntlm') THEN CASE
            WHEN outcome IN ('T', 'true') THEN 'success' WHEN outcome IN ('F', 'false') THEN 'failure' ELSE 'unknown' END
        ELSE 'unknown'
    END AS status,
    CASE kind WHEN 'notice' THEN 'medium' WHEN 'weird' THEN 'low' ELSE 'info' END AS severity,
    CASE kind
        WHEN 'conn' THEN NULL
        WHEN 'http' THEN concat_ws(' ', method, uri)
        WHEN 'dns' THEN concat_ws(' ', qtype_name, query)
        WHEN 'notice' THEN msg
        WHEN 'weird' THEN concat_ws(' ', name, addl)
        WHEN 'ssl' THEN server_name
        ELSE message
    END AS message,
    coalesce(uid, conn_uid) AS session_uid,
    community_id,
    CASE WHEN kind IN ('conn', 'files') THEN try_cast(duration AS DOUBLE) END AS duration,
    try_cast(CASE kind WHEN 'conn' THEN orig_bytes WHEN 'http' THEN request_body_len
                       WHEN 'files' THEN seen_bytes END AS BIGINT) AS bytes_out,
    try_cast(CASE kind WHEN 'conn' THEN resp_bytes WHEN 'http' THEN response_body_len END AS BIGINT) AS bytes_in,
    CASE kind WHEN 'conn' THEN try_cast(orig_pkts AS BIGINT) END AS packets_out,
    CASE kind WHEN 'conn' THEN try_cast(resp_pkts AS BIGINT) END AS packets_in,
    CASE kind WHEN 'conn' THEN conn_state END AS conn_state,
    CASE kind WHEN 'http' THEN method END AS http_method,
    CASE kind WHEN 'http' THEN coalesce(http_host, target_host(uri)) END AS url_host,
    CASE kind WHEN 'http' THEN target_path(uri) END AS url_path,
    CASE kind WHEN 'http' THEN target_query(uri) END AS url_query,
    CASE kind WHEN 'http' THEN try_cast(status_code AS INTEGER) END AS http_status,
    CASE kind WHEN 'http' THEN user_agent END AS user_agent,
    CASE kind WHEN 'http' THEN referrer END AS referrer,
    CASE kind WHEN 'dns' THEN query END AS query_name,
    CASE kind WHEN 'dns' THEN qtype_name END AS query_type,
    CASE kind WHEN 'dns' THEN rcode_name END AS rcode,
    CASE kind WHEN 'ssl' THEN server_name END AS tls_server_name,
    CASE kind WHEN 'ssl' THEN ja3 END AS ja3,
    CASE kind WHEN 'files' THEN filename WHEN 'smb_files' THEN name END AS file_path,
    CASE kind WHEN 'files' THEN lower(coalesce(sha256, sha1, md5)) END AS file_hash,
    CASE kind WHEN 'notice' THEN note END AS rule_id,
    CASE kind WHEN 'notice' THEN msg WHEN 'weird' THEN name END AS rule_name,
    CASE kind WHEN 'notice' THEN split_part(note, '::', 1) END AS rule_category,
    CASE WHEN from_epoch(ts) IS NULL AND from_iso(ts) IS NULL
        THEN json_merge_patch(coalesce(extra, '{}'), '{"time_source":"file"}')::VARCHAR
        ELSE extra END AS extra
FROM fields
