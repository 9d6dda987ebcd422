-- One Zeek JSON record per line, kinds mixed freely. {schema}, {columns} and {gone} are written by
-- zeek.py out of constants; {gone} maps a kind to the keys that
-- have a column and so leave `extra`. The CASE keeps text that is not JSON away from functions that raise on it.
WITH parsed AS (
    SELECT source_offset, source_length, line,
        CASE WHEN json_valid(line) THEN CASE WHEN json_type(line) = 'OBJECT' THEN line END END AS doc
    FROM lines
), records AS (
    SELECT source_offset, source_length, line, doc, from_json(doc, '{schema}') AS r FROM parsed
), named AS (
    SELECT *, coalesce(r._path, r."@stream", CASE
        WHEN r.conn_state IS NOT NULL OR (r.history IS NOT NULL AND r.orig_pkts IS NOT NULL) THEN 'conn'
        WHEN r.note IS NOT NULL THEN 'notice'
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
        WHEN r.ts IS NOT NULL AND r.proto IS NOT NULL AND r.service IS NULL AND r.orig_bytes IS NOT NULL THEN 'conn'
    END, $stem) AS log_name
    FROM records
), kinds AS (
    SELECT *, regexp_replace(log_name, '^open_', '') AS kind FROM named
), fields AS (
    SELECT source_offset, source_length, log_name, kind,
        CASE WHEN doc IS NULL THEN CASE WHEN json_valid(line) THEN 'JSON, but not an object' ELSE 'not valid JSON' END END AS reason,
        without(doc, coalesce({gone}[kind], {gone}[''])) AS extra,
        coalesce(r."@system", r._system_name) AS host,
        coalesce(r."id.orig_h", r.id_orig_h) AS orig_h, coalesce(r."id.orig_p", r.id_orig_p) AS orig_p,
        coalesce(r."id.resp_h", r.id_resp_h) AS resp_h, coalesce(r."id.resp_p", r.id_resp_p) AS resp_p,
        r.tx_hosts[1] AS tx_host, r.rx_hosts[1] AS rx_host, r.conn_uids[1] AS conn_uid,
        CASE kind WHEN 'http' THEN nullif(r.username, '') WHEN 'ntlm' THEN nullif(r.username, '')
                  WHEN 'ftp' THEN nullif(r."user", '') WHEN 'kerberos' THEN nullif(r.client, '') END AS user_name,
        CASE kind WHEN 'ssl' THEN r.established WHEN 'ssh' THEN r.auth_success ELSE r.success END AS outcome,
        nullif(r.host, '') AS http_host, {columns}
    FROM kinds
)
