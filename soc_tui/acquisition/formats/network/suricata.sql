-- What each Suricata EVE record says in the columns of an event; suricata.py puts the sections `every` and that of an event
-- type together, so a query reads nothing of other types. A section's head names the type and the JSON objects that it reads.
-- r is the record as text. An entry ends in `AS column,` at the end of a line. What has no column stays in `extra`.
-- Fields: https://docs.suricata.io/en/latest/output/eve/eve-json-format.html and etc/schema.json of Suricata 8.

-- [every]
6000 AS class_uid,
'log' AS activity,
'suricata' AS product,
coalesce(r.event_type, 'unknown') AS log_name,
r.host AS host,
as_ip(r.src_ip) AS src_ip,
try_cast(r.src_port AS INTEGER) AS src_port,
as_ip(r.dest_ip) AS dst_ip,
try_cast(r.dest_port AS INTEGER) AS dst_port,
lower(r.proto) AS protocol,
CASE WHEN r.app_proto = 'tls' THEN 'ssl' WHEN r.app_proto NOT IN ('failed', 'unknown') THEN r.app_proto END AS service,
'unknown' AS status,
'info' AS severity,
r.flow_id AS session_uid,
r.community_id AS community_id,

-- [other]
'log' AS activity,

-- [alert] alert flow http dns tls quic fileinfo smb
2004 AS class_uid,
'detect' AS activity,
CASE r.alert.severity WHEN '1' THEN 'high' WHEN '2' THEN 'medium' ELSE 'low' END AS severity,
r.alert.signature AS message,
r.alert.signature_id AS rule_id,
r.alert.signature AS rule_name,
r.alert.category AS rule_category,
-- Counters belong to the initiator of the flow; a packet on its way back has the ends the other way.
try_cast(CASE WHEN r.flow.src_ip <> r.src_ip THEN r.flow.bytes_toclient ELSE r.flow.bytes_toserver END AS BIGINT) AS bytes_out,
try_cast(CASE WHEN r.flow.src_ip <> r.src_ip THEN r.flow.bytes_toserver ELSE r.flow.bytes_toclient END AS BIGINT) AS bytes_in,
try_cast(CASE WHEN r.flow.src_ip <> r.src_ip THEN r.flow.pkts_toclient ELSE r.flow.pkts_toserver END AS BIGINT) AS packets_out,
try_cast(CASE WHEN r.flow.src_ip <> r.src_ip THEN r.flow.pkts_toserver ELSE r.flow.pkts_toclient END AS BIGINT) AS packets_in,
r.http.http_method AS http_method,
coalesce(r.http.hostname, target_host(r.http.url)) AS url_host,
target_path(r.http.url) AS url_path,
target_query(r.http.url) AS url_query,
try_cast(r.http.status AS INTEGER) AS http_status,
r.http.http_user_agent AS user_agent,
r.http.http_refer AS referrer,
coalesce(r.dns.rrname, r.dns.queries[1].rrname, r.dns.query[1].rrname, r.dns.answer.rrname) AS query_name,
coalesce(r.dns.rrtype, r.dns.queries[1].rrtype, r.dns.query[1].rrtype, r.dns.answer.rrtype) AS query_type,
coalesce(r.dns.rcode, r.dns.answer.rcode) AS rcode,
coalesce(r.tls.sni, r.quic.sni) AS tls_server_name,
coalesce(r.tls.ja3.hash, r.quic.ja3.hash) AS ja3,
coalesce(r.fileinfo.filename, r.smb.filename) AS file_path,
lower(coalesce(r.fileinfo.sha256, r.fileinfo.sha1, r.fileinfo.md5)) AS file_hash,

-- [drop] drop alert
4001 AS class_uid,
'drop' AS activity,
'failure' AS status,
'low' AS severity,
coalesce(r.alert.signature, r."drop".reason) AS message,
r.alert.signature_id AS rule_id,
r.alert.signature AS rule_name,
r.alert.category AS rule_category,

-- [anomaly] anomaly
4001 AS class_uid,
'anomaly' AS activity,
'low' AS severity,
r.anomaly.event AS message,
r.anomaly."type" AS rule_id,
r.anomaly.event AS rule_name,
r.anomaly.layer AS rule_category,

-- [flow] flow tcp
4001 AS class_uid,
'traffic' AS activity,
CASE WHEN r.tcp.rst = 'true' AND r.flow.state <> 'established' OR r.flow.pkts_toclient = '0' THEN 'failure'
    WHEN try_cast(r.flow.pkts_toclient AS BIGINT) > 0 THEN 'success' ELSE 'unknown' END AS status,
epoch_us(from_iso(r.flow."end")) / 1e6 - epoch_us(from_iso(r.flow."start")) / 1e6 AS duration,
try_cast(r.flow.bytes_toserver AS BIGINT) AS bytes_out,
try_cast(r.flow.bytes_toclient AS BIGINT) AS bytes_in,
try_cast(r.flow.pkts_toserver AS BIGINT) AS packets_out,
try_cast(r.flow.pkts_toclient AS BIGINT) AS packets_in,
r.flow.state AS conn_state,

-- [netflow] netflow
4001 AS class_uid,
'traffic' AS activity,
-- one direction only: the answer is a record of its own
epoch_us(from_iso(r.netflow."end")) / 1e6 - epoch_us(from_iso(r.netflow."start")) / 1e6 AS duration,
try_cast(r.netflow.bytes AS BIGINT) AS bytes_out,
try_cast(r.netflow.pkts AS BIGINT) AS packets_out,

-- [http] http
4002 AS class_uid,
-- HTTP/2 may have its method and status only among the headers, the pseudo-headers first (RFC 9113, section 8.3).
http_activity(coalesce(r.http.http_method, CASE WHEN r.http.request_headers[1].name = ':method' THEN r.http.request_headers[1].value END)) AS activity,
'http' AS service,
http_status_word(try_cast(coalesce(r.http.status, CASE WHEN r.http.response_headers[1].name = ':status' THEN r.http.response_headers[1].value END) AS INTEGER)) AS status,
concat_ws(' ', coalesce(r.http.http_method, CASE WHEN r.http.request_headers[1].name = ':method' THEN r.http.request_headers[1].value END), r.http.url) AS message,
coalesce(r.http.http_method, CASE WHEN r.http.request_headers[1].name = ':method' THEN r.http.request_headers[1].value END) AS http_method,
coalesce(r.http.hostname, target_host(r.http.url)) AS url_host,
target_path(r.http.url) AS url_path,
target_query(r.http.url) AS url_query,
try_cast(coalesce(r.http.status, CASE WHEN r.http.response_headers[1].name = ':status' THEN r.http.response_headers[1].value END) AS INTEGER) AS http_status,
r.http.http_user_agent AS user_agent,
r.http.http_refer AS referrer,

-- [websocket]
4001 AS class_uid,
'message' AS activity,
'websocket' AS service,

-- [dns] dns
4003 AS class_uid,
CASE WHEN r.dns."type" IN ('answer', 'response') THEN 'response' ELSE 'query' END AS activity,
'dns' AS service,
CASE WHEN r.dns."type" IN ('answer', 'response') THEN dns_status(coalesce(r.dns.rcode, r.dns.answer.rcode)) ELSE 'unknown' END AS status,
concat_ws(' ', coalesce(r.dns.rrtype, r.dns.queries[1].rrtype, r.dns.query[1].rrtype, r.dns.answer.rrtype),
    coalesce(r.dns.rrname, r.dns.queries[1].rrname, r.dns.query[1].rrname, r.dns.answer.rrname)) AS message,
coalesce(r.dns.rrname, r.dns.queries[1].rrname, r.dns.query[1].rrname, r.dns.answer.rrname) AS query_name,
coalesce(r.dns.rrtype, r.dns.queries[1].rrtype, r.dns.query[1].rrtype, r.dns.answer.rrtype) AS query_type,
coalesce(r.dns.rcode, r.dns.answer.rcode) AS rcode,

-- [mdns] mdns
4003 AS class_uid,
CASE WHEN r.mdns."type" IN ('answer', 'response') THEN 'response' ELSE 'query' END AS activity,
'mdns' AS service,
CASE WHEN r.mdns."type" IN ('answer', 'response') THEN dns_status(r.mdns.rcode) ELSE 'unknown' END AS status,
concat_ws(' ', coalesce(r.mdns.rrtype, r.mdns.queries[1].rrtype), coalesce(r.mdns.rrname, r.mdns.queries[1].rrname)) AS message,
coalesce(r.mdns.rrname, r.mdns.queries[1].rrname) AS query_name,
coalesce(r.mdns.rrtype, r.mdns.queries[1].rrtype) AS query_type,
r.mdns.rcode AS rcode,

-- [llmnr] llmnr
4003 AS class_uid,
CASE WHEN r.llmnr."type" IN ('answer', 'response') THEN 'response' ELSE 'query' END AS activity,
'llmnr' AS service,
CASE WHEN r.llmnr."type" IN ('answer', 'response') THEN dns_status(r.llmnr.rcode) ELSE 'unknown' END AS status,
concat_ws(' ', coalesce(r.llmnr.rrtype, r.llmnr.queries[1].rrtype), coalesce(r.llmnr.rrname, r.llmnr.queries[1].rrname)) AS message,
coalesce(r.llmnr.rrname, r.llmnr.queries[1].rrname) AS query_name,
coalesce(r.llmnr.rrtype, r.llmnr.queries[1].rrtype) AS query_type,
r.llmnr.rcode AS rcode,

-- [tls] tls
4001 AS class_uid,
'open' AS activity,
'ssl' AS service,
coalesce(r.tls.sni, r.tls.subject) AS message,
r.tls.sni AS tls_server_name,
r.tls.ja3.hash AS ja3,

-- [quic] quic
4001 AS class_uid,
'open' AS activity,
'quic' AS service,
r.quic.sni AS message,
r.quic.sni AS tls_server_name,
r.quic.ja3.hash AS ja3,

-- [fileinfo] fileinfo http
4010 AS class_uid,
'transfer' AS activity,
r.fileinfo.filename AS message,
try_cast(r.fileinfo.size AS BIGINT) AS bytes_out,
r.fileinfo.filename AS file_path,
lower(coalesce(r.fileinfo.sha256, r.fileinfo.sha1, r.fileinfo.md5)) AS file_hash,
r.http.http_method AS http_method,
coalesce(r.http.hostname, target_host(r.http.url)) AS url_host,
target_path(r.http.url) AS url_path,
target_query(r.http.url) AS url_query,
try_cast(r.http.status AS INTEGER) AS http_status,
r.http.http_user_agent AS user_agent,
r.http.http_refer AS referrer,

-- [smb] smb
CASE WHEN contains(r.smb.command, 'SESSION_SETUP') AND r.smb.ntlmssp.user <> '' THEN 3002 ELSE 4006 END AS class_uid,
CASE WHEN contains(r.smb.command, 'SESSION_SETUP') AND r.smb.ntlmssp.user <> '' THEN 'logon'
    ELSE http_activity(replace(split_part(r.smb.command, '_COMMAND_', -1), '_', '-')) END AS activity,
'smb' AS service,
CASE WHEN r.smb.status IS NULL OR r.smb.status = 'STATUS_MORE_PROCESSING_REQUIRED' THEN 'unknown'
    WHEN r.smb.status IN ('STATUS_SUCCESS', 'STATUS_PENDING', 'STATUS_BUFFER_OVERFLOW') THEN 'success' ELSE 'failure' END AS status,
nullif(concat_ws(' ', r.smb.command, r.smb.filename, r.smb.status), '') AS message,
nullif(r.smb.ntlmssp.user, '') AS user_name,
r.smb.filename AS file_path,

-- [dcerpc] dcerpc
4001 AS class_uid,
'call' AS activity,
'dcerpc' AS service,
nullif(concat_ws(' ', r.dcerpc.request, r.dcerpc.response), '') AS message,

-- [krb5] krb5
3002 AS class_uid,
CASE WHEN starts_with(r.krb5.msg_type, 'KRB_TGS') OR starts_with(r.krb5.failed_request, 'KRB_TGS') THEN 'service-ticket' ELSE 'logon' END AS activity,
'krb5' AS service,
-- The KDC's request for pre-authentication is the ordinary first step of a logon, no failed one.
CASE WHEN r.krb5.error_code IS NULL THEN 'success' WHEN contains(r.krb5.error_code, 'PREAUTH_REQUIRED') THEN 'unknown' ELSE 'failure' END AS status,
nullif(concat_ws(' ', r.krb5.msg_type, r.krb5.cname, r.krb5.sname, r.krb5.error_code), '') AS message,
CASE WHEN r.krb5.cname NOT IN ('', '<empty>') THEN r.krb5.cname END AS user_name,
-- The record may be of the KDC's packet; who asks is the source.
as_ip(CASE WHEN r.src_port = '88' THEN r.dest_ip ELSE r.src_ip END) AS src_ip,
try_cast(CASE WHEN r.src_port = '88' THEN r.dest_port ELSE r.src_port END AS INTEGER) AS src_port,
as_ip(CASE WHEN r.src_port = '88' THEN r.src_ip ELSE r.dest_ip END) AS dst_ip,
try_cast(CASE WHEN r.src_port = '88' THEN r.src_port ELSE r.dest_port END AS INTEGER) AS dst_port,

-- [ssh] ssh
4007 AS class_uid,
'open' AS activity,
'ssh' AS service,
nullif(concat_ws(' to ', r.ssh.client.software_version, r.ssh.server.software_version), '') AS message,

-- [rdp] rdp
4005 AS class_uid,
http_activity(replace(r.rdp.event_type, '_', '-')) AS activity,
'rdp' AS service,
CASE WHEN r.rdp.error_code IS NOT NULL THEN 'failure' ELSE 'unknown' END AS status,
nullif(concat_ws(' ', r.rdp.event_type, r.rdp.cookie, r.rdp.reason), '') AS message,
r.rdp.cookie AS user_name,
as_ip(CASE WHEN r.src_port = '3389' THEN r.dest_ip ELSE r.src_ip END) AS src_ip,
try_cast(CASE WHEN r.src_port = '3389' THEN r.dest_port ELSE r.src_port END AS INTEGER) AS src_port,
as_ip(CASE WHEN r.src_port = '3389' THEN r.src_ip ELSE r.dest_ip END) AS dst_ip,
try_cast(CASE WHEN r.src_port = '3389' THEN r.src_port ELSE r.dest_port END AS INTEGER) AS dst_port,

-- [rfb] rfb
CASE WHEN r.rfb.authentication.security_result IS NULL THEN 4001 ELSE 3002 END AS class_uid,
CASE WHEN r.rfb.authentication.security_result IS NULL THEN 'open' ELSE 'logon' END AS activity,
'rfb' AS service,
CASE WHEN r.rfb.authentication.security_result IS NULL THEN 'unknown' WHEN r.rfb.authentication.security_result = 'OK' THEN 'success' ELSE 'failure' END AS status,
coalesce(r.rfb.server_security_failure_reason, r.rfb.authentication.security_result) AS message,

-- [ftp] ftp
CASE WHEN upper(r.ftp.command) = 'PASS' THEN 3002 ELSE 4008 END AS class_uid,
CASE WHEN upper(r.ftp.command) = 'PASS' THEN 'logon' ELSE http_activity(r.ftp.command) END AS activity,
'ftp' AS service,
http_status_word(try_cast(r.ftp.completion_code[-1] AS INTEGER)) AS status,
-- without the password
nullif(concat_ws(' ', r.ftp.command, CASE WHEN upper(r.ftp.command) <> 'PASS' THEN r.ftp.command_data END, r.ftp.reply[-1]), '') AS message,
CASE WHEN upper(r.ftp.command) = 'USER' THEN r.ftp.command_data END AS user_name,

-- [ftp_data] ftp_data
4008 AS class_uid,
http_activity(r.ftp_data.command) AS activity,
'ftp' AS service,
nullif(concat_ws(' ', r.ftp_data.command, r.ftp_data.filename), '') AS message,
r.ftp_data.filename AS file_path,

-- [smtp] email
4009 AS class_uid,
'send' AS activity,
'smtp' AS service,
r.email.subject AS message,

-- [pop3] pop3
CASE WHEN upper(r.pop3.request.command) IN ('PASS', 'APOP', 'AUTH') THEN 3002 ELSE 4009 END AS class_uid,
CASE WHEN upper(r.pop3.request.command) IN ('PASS', 'APOP', 'AUTH') THEN 'logon' ELSE http_activity(r.pop3.request.command) END AS activity,
'pop3' AS service,
verdict_word(r.pop3.response.success) AS status,
nullif(concat_ws(' ', r.pop3.request.command, r.pop3.response.header), '') AS message,
CASE WHEN upper(r.pop3.request.command) IN ('USER', 'APOP') THEN r.pop3.request.args[1] END AS user_name,

-- [dhcp] dhcp
4004 AS class_uid,
http_activity(coalesce(r.dhcp.dhcp_type, r.dhcp."type")) AS activity,
'dhcp' AS service,
CASE r.dhcp.dhcp_type WHEN 'ack' THEN 'success' WHEN 'nak' THEN 'failure' WHEN 'decline' THEN 'failure' ELSE 'unknown' END AS status,
nullif(concat_ws(' ', coalesce(r.dhcp.dhcp_type, r.dhcp."type"), r.dhcp.client_mac, r.dhcp.assigned_ip, r.dhcp.hostname), '') AS message,

-- [snmp] snmp
4001 AS class_uid,
'query' AS activity,
'snmp' AS service,
r.snmp.pdu_type AS message,

-- [sip] sip
4001 AS class_uid,
CASE WHEN r.sip.method IS NULL THEN 'response' ELSE http_activity(r.sip.method) END AS activity,
'sip' AS service,
http_status_word(try_cast(r.sip.code AS INTEGER)) AS status,
coalesce(r.sip.request_line, r.sip.response_line) AS message,

-- [nfs] nfs
4010 AS class_uid,
http_activity(r.nfs.procedure) AS activity,
'nfs' AS service,
CASE WHEN r.nfs.status IS NULL THEN 'unknown' WHEN r.nfs.status = 'OK' THEN 'success' ELSE 'failure' END AS status,
nullif(concat_ws(' ', r.nfs.procedure, nullif(r.nfs.filename, '')), '') AS message,
nullif(r.nfs.filename, '') AS file_path,

-- [tftp] tftp
4010 AS class_uid,
http_activity(r.tftp.packet) AS activity,
'tftp' AS service,
nullif(concat_ws(' ', r.tftp.packet, r.tftp.file), '') AS message,
r.tftp.file AS file_path,

-- [ike] ike
4001 AS class_uid,
'open' AS activity,
'ike' AS service,
r.ike.exchange_type_verbose AS message,

-- [mqtt] mqtt
CASE WHEN r.mqtt."connect" IS NOT NULL OR r.mqtt.connack IS NOT NULL THEN 3002 ELSE 4001 END AS class_uid,
CASE WHEN r.mqtt."connect" IS NOT NULL OR r.mqtt.connack IS NOT NULL THEN 'logon' WHEN r.mqtt.publish IS NOT NULL THEN 'publish'
    WHEN r.mqtt."subscribe" IS NOT NULL THEN 'subscribe' ELSE 'message' END AS activity,
'mqtt' AS service,
CASE WHEN r.mqtt.connack.return_code IS NULL THEN 'unknown' WHEN r.mqtt.connack.return_code = '0' THEN 'success' ELSE 'failure' END AS status,
r.mqtt.publish.topic AS message,
r.mqtt."connect".username AS user_name,

-- [modbus] modbus
4001 AS class_uid,
'command' AS activity,
'modbus' AS service,
CASE WHEN r.modbus.response.exception IS NOT NULL THEN 'failure' WHEN r.modbus.response IS NOT NULL THEN 'success' ELSE 'unknown' END AS status,
coalesce(r.modbus.request.function_code, r.modbus.request.function_raw) AS message,

-- [dnp3]
4001 AS class_uid,
'command' AS activity,
'dnp3' AS service,

-- [enip]
4001 AS class_uid,
'command' AS activity,
'enip' AS service,

-- [pgsql] pgsql
-- SQLSTATE class 28 is a refused logon; a session begins with the key of its backend (PostgreSQL documentation, 53.2.1).
CASE WHEN starts_with(r.pgsql.response.code, '28') OR r.pgsql.response.secret_key IS NOT NULL THEN 3002 ELSE 6000 END AS class_uid,
CASE WHEN starts_with(r.pgsql.response.code, '28') OR r.pgsql.response.secret_key IS NOT NULL THEN 'logon' ELSE 'query' END AS activity,
'pgsql' AS service,
CASE WHEN r.pgsql.response.code IS NOT NULL THEN 'failure' WHEN r.pgsql.response.secret_key IS NOT NULL THEN 'success' ELSE 'unknown' END AS status,
coalesce(r.pgsql.request.simple_query, r.pgsql.response.message, r.pgsql.request.message) AS message,
r.pgsql.request.startup_parameters.user AS user_name,

-- [ldap] ldap
CASE WHEN r.ldap.request.operation = 'bind_request' THEN 3002 ELSE 6000 END AS class_uid,
CASE WHEN r.ldap.request.operation = 'bind_request' THEN 'logon'
    ELSE http_activity(replace(replace(r.ldap.request.operation, '_request', ''), '_', '-')) END AS activity,
'ldap' AS service,
CASE WHEN r.ldap.request.operation <> 'bind_request' OR r.ldap.responses[1].bind_response.result_code IS NULL THEN 'unknown'
    WHEN lower(r.ldap.responses[1].bind_response.result_code) = 'success' THEN 'success'
    WHEN starts_with(lower(r.ldap.responses[1].bind_response.result_code), 'sasl') THEN 'unknown' ELSE 'failure' END AS status,
nullif(concat_ws(' ', r.ldap.request.operation, r.ldap.request.bind_request.name, r.ldap.request.search_request.base_object), '') AS message,
nullif(r.ldap.request.bind_request.name, '') AS user_name,

-- [arp] arp
4001 AS class_uid,
'arp' AS activity,
as_ip(coalesce(r.src_ip, r.arp.src_ip)) AS src_ip,
as_ip(coalesce(r.dest_ip, r.arp.dest_ip)) AS dst_ip,
nullif(concat_ws(' ', r.arp.opcode, r.arp.src_mac, r.arp.dest_mac), '') AS message,

-- [bittorrent_dht]
4001 AS class_uid,
'peer' AS activity,
'bittorrent-dht' AS service,

-- [stats]
'health' AS activity,

-- [engine] engine
'health' AS activity,
CASE WHEN lower(r.log_level) IN ('error', 'critical', 'alert', 'emergency') THEN 'medium' WHEN lower(r.log_level) = 'warning' THEN 'low' ELSE 'info' END AS severity,
r.engine.message AS message,
