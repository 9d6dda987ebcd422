-- Which log each Zeek JSON record is of, kinds mixed freely: the first of two passes. {schema} and {kinds} are written by
-- zeek.py out of constants. The section of zeek_events.sql comes back as `activity`.
-- The CASE keeps text that is no JSON object away from the functions that raise on it.
WITH parsed AS (
    SELECT source_offset, source_length, line,
        CASE WHEN json_valid(line) AND starts_with(ltrim(line, E' \t\r\n'), '{') THEN line END AS doc
    FROM lines
), records AS (
    SELECT *, from_json(doc, '{schema}') AS r FROM parsed
), named AS (
    SELECT source_offset, source_length,
        CASE WHEN doc IS NULL THEN CASE WHEN json_valid(line) THEN 'JSON, but not an object' ELSE 'not valid JSON' END END AS reason,
        coalesce(r._path, r."@stream", CASE
            WHEN r.conn_state IS NOT NULL OR (r.history IS NOT NULL AND r.orig_pkts IS NOT NULL) THEN 'conn'
            WHEN r.note IS NOT NULL THEN 'notice'
            WHEN r."seen.indicator" IS NOT NULL THEN 'intel'
            WHEN r.query IS NOT NULL AND coalesce(r.qtype_name, r.trans_id, r.qclass) IS NOT NULL THEN 'dns'
            WHEN r.trans_id IS NOT NULL AND r.rcode IS NOT NULL THEN 'dns'
            WHEN r.helo IS NOT NULL OR r.mailfrom IS NOT NULL THEN 'smtp'
            WHEN r.uri IS NOT NULL OR (r.trans_depth IS NOT NULL AND coalesce(r.method, r.status_code) IS NOT NULL) THEN 'http'
            WHEN r.auth_success IS NOT NULL OR r.auth_attempts IS NOT NULL OR r.kex_alg IS NOT NULL THEN 'ssh'
            WHEN r.fuid IS NOT NULL AND r.seen_bytes IS NOT NULL THEN 'files'
            WHEN r.established IS NOT NULL OR r.cert_chain_fuids IS NOT NULL OR r.ssl_history IS NOT NULL THEN 'ssl'
            WHEN r.name IS NOT NULL AND r.notice IS NOT NULL THEN 'weird'
            WHEN r.request_type IS NOT NULL AND r.client IS NOT NULL THEN 'kerberos'
            WHEN r."certificate.version" IS NOT NULL THEN 'x509'
            WHEN r.security_protocol IS NOT NULL THEN 'rdp'
            WHEN r.endpoint IS NOT NULL AND r.operation IS NOT NULL THEN 'dce_rpc'
            WHEN r.tunnel_type IS NOT NULL THEN 'tunnel'
            WHEN r.msg_types IS NOT NULL THEN 'dhcp'
            WHEN r.ts IS NOT NULL AND r.proto IS NOT NULL AND r.service IS NULL AND r.orig_bytes IS NOT NULL THEN 'conn'
        END, $stem) AS log_name
    FROM records
)
SELECT *, CASE WHEN list_contains({kinds}, kind) THEN kind ELSE 'other' END AS activity
FROM (SELECT *, CASE WHEN starts_with(log_name, 'open_') THEN substr(log_name, 6) ELSE log_name END AS kind FROM named)
