-- Suricata EVE JSON, one record per line (https://docs.suricata.io/en/latest/output/eve/eve-json-format.html).
-- {schema} and {gone} are written by suricata.py out of constants.
WITH parsed AS (
    SELECT source_offset, source_length, line,
        CASE WHEN json_valid(line) THEN CASE WHEN json_type(line) = 'OBJECT' THEN line END END AS doc
    FROM lines
), records AS (
    SELECT *, from_json(doc, '{schema}') AS r FROM parsed
), named AS (
    SELECT *, coalesce(r.event_type, 'unknown') AS kind, coalesce(from_iso(r."timestamp"), from_any_epoch(r."timestamp")) AS stamp,
        -- Counters of a flow belong to its initiator; a record of a packet on its way back has the ends the other way.
        r.flow.src_ip IS NULL OR r.flow.src_ip = r.src_ip AS forward,
        coalesce(r.dns.rrname, r.dns.queries[1].rrname, r.dns.query[1].rrname, r.dns.answer.rrname) AS rrname
    FROM records
)
SELECT
    source_offset, source_length,
    CASE WHEN doc IS NULL THEN CASE WHEN json_valid(line) THEN 'JSON, but not an object' ELSE 'not valid JSON' END END AS reason,
    coalesce(stamp, $modified) AS time,
    (CASE kind
        WHEN 'alert' THEN 2004 WHEN 'http' THEN 4002 WHEN 'dns' THEN 4003 WHEN 'fileinfo' THEN 4010
        WHEN 'flow' THEN 4001 WHEN 'netflow' THEN 4001 WHEN 'tls' THEN 4001 WHEN 'quic' THEN 4001 WHEN 'anomaly' THEN 4001
        WHEN 'ssh' THEN 4007 WHEN 'ftp' THEN 4008 WHEN 'ftp_data' THEN 4008 WHEN 'smtp' THEN 4009
        WHEN 'dhcp' THEN 4004 WHEN 'rdp' THEN 4005 WHEN 'smb' THEN 4006 WHEN 'krb5' THEN 3002
        ELSE 6000
    END)::INTEGER AS class_uid,
    CASE kind
        WHEN 'alert' THEN 'detect' WHEN 'http' THEN http_activity(r.http.http_method) WHEN 'flow' THEN 'traffic'
        WHEN 'netflow' THEN 'traffic' WHEN 'fileinfo' THEN 'transfer' WHEN 'tls' THEN 'open' WHEN 'ssh' THEN 'open'
        WHEN 'anomaly' THEN 'anomaly' WHEN 'krb5' THEN 'logon'
        WHEN 'dns' THEN CASE WHEN r.dns."type" IN ('answer', 'response') THEN 'response' ELSE 'query' END
        ELSE 'log'
    END AS activity,
    'suricata' AS product,
    kind AS log_name,
    r.host AS host,
    CASE kind WHEN 'krb5' THEN r.krb5.cname END AS user_name,
    as_ip(r.src_ip) AS src_ip, try_cast(r.src_port AS INTEGER) AS src_port,
    as_ip(r.dest_ip) AS dst_ip, try_cast(r.dest_port AS INTEGER) AS dst_port,
    lower(r.proto) AS protocol,
    CASE WHEN kind IN ('http', 'dns', 'ssh', 'ftp', 'smtp', 'dhcp', 'rdp', 'smb', 'krb5', 'dcerpc', 'snmp', 'sip', 'nfs', 'quic') THEN kind
         WHEN kind = 'tls' OR r.app_proto = 'tls' THEN 'ssl'
         WHEN r.app_proto NOT IN ('failed', 'unknown') THEN r.app_proto END AS service,
    CASE kind
        WHEN 'http' THEN http_status_word(try_cast(r.http.status AS INTEGER))
        WHEN 'dns' THEN CASE WHEN r.dns."type" IN ('answer', 'response') THEN dns_status(r.dns.rcode) ELSE 'unknown' END
        WHEN 'flow' THEN CASE
            WHEN r.tcp.rst = 'true' AND r.flow.state <> 'established' OR r.flow.pkts_toclient = '0' THEN 'failure'
            WHEN try_cast(r.flow.pkts_toclient AS BIGINT) > 0 THEN 'success' ELSE 'unknown' END
        WHEN 'krb5' THEN CASE WHEN r.krb5.error_code IS NOT NULL THEN 'failure' ELSE 'success' END
        ELSE 'unknown'
    END AS status,
    CASE kind
        WHEN 'alert' THEN CASE r.alert.severity WHEN '1' THEN 'high' WHEN '2' THEN 'medium' ELSE 'low' END
        WHEN 'anomaly' THEN 'low' ELSE 'info'
    END AS severity,
    CASE kind
        WHEN 'alert' THEN r.alert.signature
        WHEN 'http' THEN concat_ws(' ', r.http.http_method, r.http.url)
        WHEN 'dns' THEN concat_ws(' ', coalesce(r.dns.rrtype, r.dns.queries[1].rrtype), rrname)
        WHEN 'anomaly' THEN r.anomaly.event
        WHEN 'tls' THEN r.tls.sni
        WHEN 'fileinfo' THEN r.fileinfo.filename
    END AS message,
    r.flow_id AS session_uid,
    r.community_id AS community_id,
    CASE WHEN kind = 'flow'
        THEN epoch_us(from_iso(r.flow."end")) / 1e6 - epoch_us(from_iso(r.flow."start")) / 1e6 END AS duration,
    CASE WHEN forward THEN try_cast(r.flow.bytes_toserver AS BIGINT) ELSE try_cast(r.flow.bytes_toclient AS BIGINT) END AS bytes_out,
    CASE WHEN forward THEN try_cast(r.flow.bytes_toclient AS BIGINT) ELSE try_cast(r.flow.bytes_toserver AS BIGINT) END AS bytes_in,
    CASE WHEN forward THEN try_cast(r.flow.pkts_toserver AS BIGINT) ELSE try_cast(r.flow.pkts_toclient AS BIGINT) END AS packets_out,
    CASE WHEN forward THEN try_cast(r.flow.pkts_toclient AS BIGINT) ELSE try_cast(r.flow.pkts_toserver AS BIGINT) END AS packets_in,
    r.flow.state AS conn_state,
    r.http.http_method AS http_method,
    coalesce(r.http.hostname, target_host(r.http.url)) AS url_host,
    target_path(r.http.url) AS url_path,
    target_query(r.http.url) AS url_query,
    try_cast(r.http.status AS INTEGER) AS http_status,
    r.http.http_user_agent AS user_agent,
    r.http.http_refer AS referrer,
    rrname AS query_name,
    coalesce(r.dns.rrtype, r.dns.queries[1].rrtype, r.dns.query[1].rrtype, r.dns.answer.rrtype) AS query_type,
    coalesce(r.dns.rcode, r.dns.answer.rcode) AS rcode,
    coalesce(r.tls.sni, r.quic.sni) AS tls_server_name,
    coalesce(r.tls.ja3.hash, r.quic.ja3.hash) AS ja3,
    r.fileinfo.filename AS file_path,
    lower(coalesce(r.fileinfo.sha256, r.fileinfo.sha1, r.fileinfo.md5)) AS file_hash,
    CASE kind WHEN 'alert' THEN r.alert.signature_id WHEN 'anomaly' THEN r.anomaly."type" END AS rule_id,
    CASE kind WHEN 'alert' THEN r.alert.signature WHEN 'anomaly' THEN r.anomaly.event END AS rule_name,
    CASE kind WHEN 'alert' THEN r.alert.category WHEN 'anomaly' THEN r.anomaly.layer END AS rule_category,
    CASE WHEN stamp IS NULL
        THEN json_merge_patch(coalesce(without(doc, '{gone}'), '{}'), '{"time_source":"file"}')::VARCHAR
        ELSE without(doc, '{gone}') END AS extra
FROM named
