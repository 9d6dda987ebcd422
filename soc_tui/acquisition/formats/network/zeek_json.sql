-- Which log each Zeek JSON record is of, kinds mixed freely: the first of two passes. {kinds} is written by zeek.py out of
-- constants. The section of zeek_events.sql comes back as `activity`.
-- The CASE keeps text that is no JSON object away from the functions that raise on it. A key is looked for as text, a
-- fifth of the cost of another parse: inside a string its quotes would have a backslash, so only a key looks like that.
WITH parsed AS (
    SELECT source_offset, source_length, line,
        CASE WHEN json_valid(line) AND starts_with(ltrim(line, E' \t\r\n'), '{') THEN line END AS doc
    FROM lines
), named AS (
    SELECT source_offset, source_length,
        CASE WHEN doc IS NULL THEN CASE WHEN json_valid(line) THEN 'JSON, but not an object' ELSE 'not valid JSON' END END AS reason,
        CASE WHEN starts_with(doc, '{"_path":"') AND NOT contains(doc[11:60], '\') THEN split_part(doc[11:110], '"', 1)
            WHEN contains(doc, '"_path"') OR contains(doc, '"@stream"')
            THEN coalesce(json_extract_string(doc, '$._path'), json_extract_string(doc, '$."@stream"')) END AS said, doc
    FROM parsed
), told AS (
    SELECT source_offset, source_length, reason, CASE
        WHEN said IS NOT NULL THEN said
        WHEN contains(doc, '"conn_state":') THEN 'conn'
        WHEN contains(doc, '"history":') AND contains(doc, '"orig_pkts":') THEN 'conn'
        WHEN contains(doc, '"note":') THEN 'notice'
        WHEN contains(doc, '"seen.indicator":') THEN 'intel'
        WHEN contains(doc, '"query":') AND (contains(doc, '"qtype_name":') OR contains(doc, '"trans_id":') OR contains(doc, '"qclass":')) THEN 'dns'
        WHEN contains(doc, '"trans_id":') AND contains(doc, '"rcode":') THEN 'dns'
        WHEN contains(doc, '"helo":') OR contains(doc, '"mailfrom":') THEN 'smtp'
        WHEN contains(doc, '"request_from":') OR contains(doc, '"call_id":') THEN 'sip'
        WHEN contains(doc, '"subprotocol":') OR contains(doc, '"client_protocols":') THEN 'websocket'
        WHEN contains(doc, '"uri":') THEN 'http'
        WHEN contains(doc, '"trans_depth":') AND (contains(doc, '"method":') OR contains(doc, '"status_code":')) THEN 'http'
        WHEN contains(doc, '"auth_success":') OR contains(doc, '"auth_attempts":') OR contains(doc, '"kex_alg":') THEN 'ssh'
        WHEN contains(doc, '"fuid":') AND contains(doc, '"seen_bytes":') THEN 'files'
        WHEN contains(doc, '"client_initial_dcid":') THEN 'quic'
        WHEN contains(doc, '"established":') OR contains(doc, '"cert_chain_fuids":') OR contains(doc, '"ssl_history":') THEN 'ssl'
        WHEN contains(doc, '"name":') AND contains(doc, '"notice":') THEN 'weird'
        WHEN contains(doc, '"request_type":') AND contains(doc, '"client":') THEN 'kerberos'
        WHEN contains(doc, '"certificate.version":') THEN 'x509'
        WHEN contains(doc, '"security_protocol":') THEN 'rdp'
        WHEN contains(doc, '"endpoint":') AND contains(doc, '"operation":') THEN 'dce_rpc'
        WHEN contains(doc, '"tunnel_type":') THEN 'tunnel'
        WHEN contains(doc, '"msg_types":') THEN 'dhcp'
        WHEN contains(doc, '"ts":') AND contains(doc, '"proto":') AND NOT contains(doc, '"service":') AND contains(doc, '"orig_bytes":') THEN 'conn'
        ELSE $stem END AS log_name
    FROM named
)
SELECT *, CASE WHEN list_contains({kinds}, kind) THEN kind ELSE 'other' END AS activity
FROM (SELECT *, CASE WHEN starts_with(log_name, 'open_') THEN substr(log_name, 6) ELSE log_name END AS kind FROM told)
