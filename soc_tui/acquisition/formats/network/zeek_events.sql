-- What each Zeek log says in the columns of an event. One text for TSV and JSON, so the same traffic gives the same
-- events; zeek_logs.py puts the sections `every` and that of a log together, so a query has nothing of other logs in it.
-- A section's head names the log and its fields that have a column whole and so are not repeated in `extra`.
-- z."field" is a field as text, NULL when unset or empty. An entry ends in `AS column,` at the end of a line.
-- Fields: https://docs.zeek.org/en/master/script-reference/log-files.html (Zeek 7) and the scripts it names.

-- [every] ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto community_id
6000 AS class_uid,
'log' AS activity,
'zeek' AS product,
z.log_name AS log_name,
z.sensor AS host,
as_ip(z.orig_h) AS src_ip,
try_cast(z.orig_p AS INTEGER) AS src_port,
as_ip(z.resp_h) AS dst_ip,
try_cast(z.resp_p AS INTEGER) AS dst_port,
lower(z.proto) AS protocol,
'unknown' AS status,
'info' AS severity,
z.uid AS session_uid,
z.community_id AS community_id,

-- [other]
z.message AS message,
verdict_word(z.success) AS status,

-- [conn] service duration orig_bytes resp_bytes conn_state orig_pkts resp_pkts
4001 AS class_uid,
'traffic' AS activity,
-- Zeek 7.1 logs transports that it does not follow, with their number (IANA protocol numbers).
CASE WHEN z.proto = 'unknown_transport' THEN CASE z.ip_proto
    WHEN '2' THEN 'igmp' WHEN '41' THEN 'ipv6' WHEN '47' THEN 'gre' WHEN '50' THEN 'esp' WHEN '51' THEN 'ah' WHEN '88' THEN 'eigrp'
    WHEN '89' THEN 'ospf' WHEN '103' THEN 'pim' WHEN '112' THEN 'vrrp' WHEN '132' THEN 'sctp' ELSE z.proto END
    ELSE lower(z.proto) END AS protocol,
lower(z.service) AS service,
CASE WHEN z.conn_state IN ('SF', 'S1', 'S2', 'S3') THEN 'success'
    WHEN z.conn_state IN ('S0', 'REJ', 'RSTO', 'RSTR', 'RSTOS0', 'RSTRH', 'SH', 'SHR') THEN 'failure' ELSE 'unknown' END AS status,
try_cast(z.duration AS DOUBLE) AS duration,
try_cast(z.orig_bytes AS BIGINT) AS bytes_out,
try_cast(z.resp_bytes AS BIGINT) AS bytes_in,
try_cast(z.orig_pkts AS BIGINT) AS packets_out,
try_cast(z.resp_pkts AS BIGINT) AS packets_in,
z.conn_state AS conn_state,

-- [dns] query qtype_name rcode_name
4003 AS class_uid,
'query' AS activity,
'dns' AS service,
CASE WHEN z.rcode_name IS NULL AND z.rejected IN ('T', 'true') THEN 'failure' ELSE dns_status(z.rcode_name) END AS status,
concat_ws(' ', z.qtype_name, z.query) AS message,
z.query AS query_name,
z.qtype_name AS query_type,
z.rcode_name AS rcode,

-- [http] method host uri referrer user_agent status_code request_body_len response_body_len username
4002 AS class_uid,
http_activity(z.method) AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'http' AS service,
http_status_word(try_cast(z.status_code AS INTEGER)) AS status,
concat_ws(' ', z.method, z.uri) AS message,
z.username AS user_name,
try_cast(z.request_body_len AS BIGINT) AS bytes_out,
try_cast(z.response_body_len AS BIGINT) AS bytes_in,
z.method AS http_method,
coalesce(z.host, target_host(z.uri)) AS url_host,
target_path(z.uri) AS url_path,
target_query(z.uri) AS url_query,
try_cast(z.status_code AS INTEGER) AS http_status,
z.user_agent AS user_agent,
z.referrer AS referrer,

-- [websocket] host uri user_agent
4001 AS class_uid,
'open' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'websocket' AS service,
nullif(concat_ws('', z.host, z.uri), '') AS message,
z.host AS url_host,
target_path(z.uri) AS url_path,
target_query(z.uri) AS url_query,
z.user_agent AS user_agent,

-- [ssl] server_name ja3
4001 AS class_uid,
'open' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'ssl' AS service,
verdict_word(z.established) AS status,
z.server_name AS message,
z.server_name AS tls_server_name,
z.ja3 AS ja3,

-- [quic] server_name
4001 AS class_uid,
'open' AS activity,
coalesce(lower(z.proto), 'udp') AS protocol,
'quic' AS service,
z.server_name AS message,
z.server_name AS tls_server_name,

-- [x509] fingerprint
'certificate' AS activity,
z."certificate.subject" AS message,
lower(z.fingerprint) AS file_hash,

-- [ocsp]
'certificate' AS activity,
'ocsp' AS service,
CASE z.certStatus WHEN 'good' THEN 'success' WHEN 'revoked' THEN 'failure' ELSE 'unknown' END AS status,
z.certStatus AS message,

-- [files] filename duration seen_bytes
4010 AS class_uid,
'transfer' AS activity,
-- From its sender to its receiver. Since Zeek 5.1 there are no tx_hosts, but is_orig says which end of the connection sent it.
as_ip(coalesce(z.tx_host, CASE WHEN z.is_orig IN ('F', 'false') THEN z.resp_h ELSE z.orig_h END)) AS src_ip,
CASE WHEN z.tx_host IS NULL THEN try_cast(CASE WHEN z.is_orig IN ('F', 'false') THEN z.resp_p ELSE z.orig_p END AS INTEGER) END AS src_port,
as_ip(coalesce(z.rx_host, CASE WHEN z.is_orig IN ('F', 'false') THEN z.orig_h ELSE z.resp_h END)) AS dst_ip,
CASE WHEN z.tx_host IS NULL THEN try_cast(CASE WHEN z.is_orig IN ('F', 'false') THEN z.orig_p ELSE z.resp_p END AS INTEGER) END AS dst_port,
lower(z.source) AS service,
nullif(concat_ws(' ', z.source, z.mime_type, z.filename), '') AS message,
coalesce(z.uid, z.conn_uid) AS session_uid,
try_cast(z.duration AS DOUBLE) AS duration,
try_cast(z.seen_bytes AS BIGINT) AS bytes_out,
z.filename AS file_path,
lower(coalesce(z.sha256, z.sha1, z.md5)) AS file_hash,

-- [pe]
4010 AS class_uid,
'inspect' AS activity,
nullif(concat_ws(' ', z.machine, z.os, z.subsystem), '') AS message,

-- [notice] note msg
2004 AS class_uid,
'detect' AS activity,
as_ip(coalesce(z.orig_h, z.src)) AS src_ip,
as_ip(coalesce(z.resp_h, z.dst)) AS dst_ip,
try_cast(coalesce(z.resp_p, z.p) AS INTEGER) AS dst_port,
'medium' AS severity,
z.msg AS message,
z.note AS rule_id,
z.msg AS rule_name,
split_part(z.note, '::', 1) AS rule_category,

-- [signatures] sig_id event_msg src_addr src_port dst_addr dst_port
2004 AS class_uid,
'detect' AS activity,
as_ip(z.src_addr) AS src_ip,
try_cast(z.src_port AS INTEGER) AS src_port,
as_ip(z.dst_addr) AS dst_ip,
try_cast(z.dst_port AS INTEGER) AS dst_port,
'medium' AS severity,
z.event_msg AS message,
z.sig_id AS rule_id,
z.event_msg AS rule_name,
z.note AS rule_category,

-- [intel] seen.indicator seen.indicator_type seen.where
2004 AS class_uid,
'detect' AS activity,
'high' AS severity,
nullif(concat_ws(' ', z."seen.indicator", 'in ' || z."seen.where"), '') AS message,
z."seen.indicator_type" AS rule_id,
z."seen.indicator" AS rule_name,
z."seen.where" AS rule_category,
CASE WHEN z."seen.indicator_type" = 'Intel::DOMAIN' THEN z."seen.indicator" END AS query_name,
CASE WHEN z."seen.indicator_type" = 'Intel::URL' THEN target_host('x://' || z."seen.indicator") END AS url_host,
CASE WHEN z."seen.indicator_type" = 'Intel::URL' THEN target_path('x://' || z."seen.indicator") END AS url_path,
CASE WHEN z."seen.indicator_type" = 'Intel::URL' THEN target_query(z."seen.indicator") END AS url_query,
CASE WHEN z."seen.indicator_type" = 'Intel::FILE_NAME' THEN z."seen.indicator" END AS file_path,
CASE WHEN z."seen.indicator_type" IN ('Intel::FILE_HASH', 'Intel::CERT_HASH') THEN lower(z."seen.indicator") END AS file_hash,
CASE WHEN z."seen.indicator_type" = 'Intel::USER_NAME' THEN z."seen.indicator" END AS user_name,

-- [weird] name addl
4001 AS class_uid,
'anomaly' AS activity,
'low' AS severity,
nullif(concat_ws(' ', z.name, z.addl), '') AS message,
z.name AS rule_name,

-- [traceroute] src dst
4001 AS class_uid,
'traceroute' AS activity,
as_ip(z.src) AS src_ip,
as_ip(z.dst) AS dst_ip,
'low' AS severity,

-- [tunnel]
4001 AS class_uid,
http_activity(replace(split_part(z.action, '::', 2), '_', '-')) AS activity,
lower(split_part(z.tunnel_type, '::', 2)) AS service,
nullif(concat_ws(' ', z.tunnel_type, z.action), '') AS message,

-- [ssh]
4007 AS class_uid,
'open' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'ssh' AS service,
verdict_word(z.auth_success) AS status,
nullif(concat_ws(' to ', z.client, z.server), '') AS message,

-- [rdp] cookie
4005 AS class_uid,
'open' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'rdp' AS service,
-- `encrypted` says only that Zeek cannot see how it went on
CASE WHEN z.result = 'Success' THEN 'success' WHEN z.result IS NULL OR z.result = 'encrypted' THEN 'unknown' ELSE 'failure' END AS status,
nullif(concat_ws(' ', z.cookie, z.result), '') AS message,
z.cookie AS user_name,

-- [rfb]
CASE WHEN z.auth IS NULL THEN 4001 ELSE 3002 END AS class_uid,
CASE WHEN z.auth IS NULL THEN 'open' ELSE 'logon' END AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'rfb' AS service,
verdict_word(z.auth) AS status,
z.authentication_method AS message,

-- [kerberos]
3002 AS class_uid,
CASE WHEN z.request_type = 'TGS' THEN 'service-ticket' ELSE 'logon' END AS activity,
'kerberos' AS service,
-- The KDC's request for pre-authentication is the ordinary first step of a logon, no failed one.
CASE WHEN z.error_msg = 'KDC_ERR_PREAUTH_REQUIRED' THEN 'unknown' ELSE verdict_word(z.success) END AS status,
nullif(concat_ws(' ', z.request_type, z.client, z.service, z.error_msg), '') AS message,
-- name/REALM, where the name of a service has a / of its own
nullif(CASE WHEN contains(z.client, '/') THEN left(z.client, length(z.client) - length(split_part(z.client, '/', -1)) - 1)
    ELSE z.client END, '') AS user_name,

-- [ntlm] username
3002 AS class_uid,
'logon' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'ntlm' AS service,
verdict_word(z.success) AS status,
nullif(concat_ws('\', z.domainname, z.username), '') AS message,
z.username AS user_name,

-- [radius] username
3002 AS class_uid,
'logon' AS activity,
coalesce(lower(z.proto), 'udp') AS protocol,
'radius' AS service,
CASE z.result WHEN 'success' THEN 'success' WHEN 'failed' THEN 'failure' ELSE 'unknown' END AS status,
z.reply_msg AS message,
z.username AS user_name,

-- [login] user
3002 AS class_uid,
'logon' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
coalesce(lower(z.service), 'login') AS service,
verdict_word(z.success) AS status,
z.user AS user_name,

-- [telnet] user
3002 AS class_uid,
'logon' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'telnet' AS service,
verdict_word(z.success) AS status,
z.user AS user_name,

-- [smb_files] name
4006 AS class_uid,
http_activity(replace(replace(split_part(z.action, '::', 2), 'FILE_', ''), '_', '-')) AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'smb' AS service,
nullif(concat_ws(' ', z.action, z.name), '') AS message,
CASE WHEN z.path IS NULL OR z.name IS NULL THEN z.name ELSE rtrim(z.path, '\') || '\' || ltrim(z.name, '\') END AS file_path,

-- [smb_mapping] path
4006 AS class_uid,
'connect' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'smb' AS service,
z.path AS message,
z.path AS file_path,

-- [smb_cmd] username
4006 AS class_uid,
'command' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'smb' AS service,
CASE WHEN z.status IS NULL THEN 'unknown' WHEN z.status IN ('SUCCESS', 'MORE_PROCESSING_REQUIRED') THEN 'success' ELSE 'failure' END AS status,
nullif(concat_ws(' ', z.command, z.sub_command, z.argument), '') AS message,
z.username AS user_name,
z."referenced_file.name" AS file_path,

-- [dce_rpc]
4001 AS class_uid,
'call' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'dce_rpc' AS service,
nullif(concat_ws(' ', z.endpoint, z.operation), '') AS message,

-- [ftp] user
CASE WHEN z.command = 'PASS' THEN 3002 ELSE 4008 END AS class_uid,
CASE WHEN z.command = 'PASS' THEN 'logon' ELSE http_activity(z.command) END AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'ftp' AS service,
http_status_word(try_cast(z.reply_code AS INTEGER)) AS status,
nullif(concat_ws(' ', z.command, CASE WHEN z.command <> 'PASS' THEN z.arg END), '') AS message,
z.user AS user_name,
CASE WHEN z.command IN ('RETR', 'STOR', 'STOU', 'APPE', 'DELE', 'MKD', 'RMD', 'SIZE') THEN target_path(z.arg) END AS file_path,

-- [smtp] subject
4009 AS class_uid,
'send' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'smtp' AS service,
CASE WHEN z.last_reply[1] IN ('2', '3') THEN 'success' WHEN z.last_reply[1] IN ('4', '5') THEN 'failure' ELSE 'unknown' END AS status,
z.subject AS message,

-- [irc] nick
4001 AS class_uid,
http_activity(z.command) AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'irc' AS service,
nullif(concat_ws(' ', z.command, z.value, z.addl), '') AS message,
z.nick AS user_name,
z.dcc_file_name AS file_path,

-- [socks] user
4001 AS class_uid,
'open' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'socks' AS service,
CASE WHEN z.status IS NULL THEN 'unknown' WHEN z.status = 'succeeded' THEN 'success' ELSE 'failure' END AS status,
nullif(concat_ws(':', coalesce(z."request.name", z."request.host"), z.request_p), '') AS message,
z.user AS user_name,
coalesce(z."request.name", z."request.host") AS url_host,

-- [dhcp] duration
4004 AS class_uid,
http_activity(z.msg_type) AS activity,
as_ip(coalesce(z.orig_h, z.client_addr)) AS src_ip,
as_ip(coalesce(z.resp_h, z.server_addr)) AS dst_ip,
coalesce(lower(z.proto), 'udp') AS protocol,
'dhcp' AS service,
CASE WHEN z.msg_type = 'ACK' THEN 'success' WHEN z.msg_type IN ('NAK', 'DECLINE') THEN 'failure' ELSE 'unknown' END AS status,
nullif(concat_ws(' ', z.msg_type, z.mac, coalesce(z.assigned_addr, z.assigned_ip), z.host_name), '') AS message,
coalesce(z.uid, z.first_uid) AS session_uid,
try_cast(z.duration AS DOUBLE) AS duration,

-- [sip] method user_agent
4001 AS class_uid,
http_activity(z.method) AS activity,
'sip' AS service,
http_status_word(try_cast(z.status_code AS INTEGER)) AS status,
nullif(concat_ws(' ', z.method, z.uri), '') AS message,
z.user_agent AS user_agent,

-- [snmp] duration
4001 AS class_uid,
'query' AS activity,
coalesce(lower(z.proto), 'udp') AS protocol,
'snmp' AS service,
z.display_string AS message,
try_cast(z.duration AS DOUBLE) AS duration,

-- [ntp]
4001 AS class_uid,
'sync' AS activity,
coalesce(lower(z.proto), 'udp') AS protocol,
'ntp' AS service,
'mode ' || z.mode || ' stratum ' || coalesce(z.stratum, '?') AS message,

-- [mysql]
CASE WHEN z.cmd = 'login' THEN 3002 ELSE 6000 END AS class_uid,
CASE WHEN z.cmd = 'login' THEN 'logon' ELSE http_activity(replace(z.cmd, '_', '-')) END AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'mysql' AS service,
verdict_word(z.success) AS status,
nullif(concat_ws(' ', z.cmd, z.arg), '') AS message,
CASE WHEN z.cmd = 'login' THEN z.arg END AS user_name,

-- [postgresql] user
CASE WHEN z.frontend = 'startup' AND (contains(z.backend, 'auth') OR contains(z.backend, 'error')) THEN 3002 ELSE 6000 END AS class_uid,
CASE WHEN z.frontend = 'startup' AND (contains(z.backend, 'auth') OR contains(z.backend, 'error')) THEN 'logon'
    ELSE http_activity(replace(z.frontend, '_', '-')) END AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'postgresql' AS service,
verdict_word(z.success) AS status,
nullif(concat_ws(' ', z.frontend, coalesce(z.frontend_arg, z.backend_arg)), '') AS message,
z.user AS user_name,

-- [redis]
CASE WHEN upper(coalesce(z."cmd.name", z."cmd.command")) = 'AUTH' THEN 3002 ELSE 6000 END AS class_uid,
CASE WHEN upper(coalesce(z."cmd.name", z."cmd.command")) = 'AUTH' THEN 'logon'
    ELSE http_activity(coalesce(z."cmd.name", z."cmd.command")) END AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'redis' AS service,
CASE WHEN z."response.err" IN ('T', 'true') THEN 'failure' WHEN z."response.err" IN ('F', 'false') THEN 'success'
    ELSE verdict_word(z.success) END AS status,
nullif(concat_ws(' ', coalesce(z."cmd.name", z."cmd.command"), z."cmd.key"), '') AS message,

-- [ldap]
CASE WHEN starts_with(z.opcode, 'bind') THEN 3002 ELSE 6000 END AS class_uid,
CASE WHEN starts_with(z.opcode, 'bind') THEN 'logon' ELSE http_activity(replace(replace(z.opcode, '_', '-'), ' ', '-')) END AS activity,
'ldap' AS service,
CASE WHEN z.result IS NULL OR contains(z.result, 'in progress') THEN 'unknown' WHEN z.result = 'success' THEN 'success' ELSE 'failure' END AS status,
nullif(concat_ws(' ', z.opcode, z.object, z.result), '') AS message,
CASE WHEN starts_with(z.opcode, 'bind') THEN z.object END AS user_name,

-- [ldap_search]
'search' AS activity,
'ldap' AS service,
CASE WHEN z.result IS NULL THEN 'unknown' WHEN z.result = 'success' THEN 'success' ELSE 'failure' END AS status,
nullif(concat_ws(' ', z.base_object, z.filter), '') AS message,

-- [mqtt_connect]
3002 AS class_uid,
'logon' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'mqtt' AS service,
CASE WHEN z.connect_status IS NULL THEN 'unknown' WHEN z.connect_status = 'Connection Accepted' THEN 'success' ELSE 'failure' END AS status,
z.connect_status AS message,

-- [mqtt_publish] topic
4001 AS class_uid,
'publish' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'mqtt' AS service,
z.topic AS message,

-- [mqtt_subscribe]
4001 AS class_uid,
coalesce(http_activity(split_part(z.action, '::', -1)), 'subscribe') AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'mqtt' AS service,

-- [modbus]
4001 AS class_uid,
'command' AS activity,
coalesce(lower(z.proto), 'tcp') AS protocol,
'modbus' AS service,
CASE WHEN z.exception IS NOT NULL THEN 'failure' WHEN z.pdu_type = 'RESP' THEN 'success' ELSE 'unknown' END AS status,
nullif(concat_ws(' ', z.func, z.exception), '') AS message,

-- [dnp3]
4001 AS class_uid,
'command' AS activity,
'dnp3' AS service,
coalesce(z.fc_request, z.fc_reply) AS message,

-- [syslog] message
'syslog' AS service,
CASE WHEN z.severity IN ('EMERG', 'ALERT', 'CRIT') THEN 'critical' WHEN z.severity = 'ERR' THEN 'medium'
    WHEN z.severity = 'WARNING' THEN 'low' ELSE 'info' END AS severity,
z.message AS message,

-- [software] host host_p unparsed_version
'discover' AS activity,
-- what runs on a host as a client is its doing; what has a port is a server
CASE WHEN z.host_p IS NULL THEN as_ip(z.host) END AS src_ip,
CASE WHEN z.host_p IS NOT NULL THEN as_ip(z.host) END AS dst_ip,
try_cast(z.host_p AS INTEGER) AS dst_port,
coalesce(z.unparsed_version, z.name) AS message,

-- [known_hosts] host
'discover' AS activity,
as_ip(z.host) AS src_ip,
z.host AS message,

-- [known_devices]
'discover' AS activity,
nullif(concat_ws(' ', z.mac, z.dhcp_host_name), '') AS message,

-- [known_services] host port_num port_proto
'discover' AS activity,
as_ip(z.host) AS dst_ip,
try_cast(z.port_num AS INTEGER) AS dst_port,
lower(z.port_proto) AS protocol,
lower(z.known_service) AS service,
nullif(concat_ws(' ', z.port_proto, z.port_num, z.known_service), '') AS message,

-- [known_certs] host port_num subject
'discover' AS activity,
as_ip(z.host) AS dst_ip,
try_cast(z.port_num AS INTEGER) AS dst_port,
'tcp' AS protocol,
'ssl' AS service,
z.subject AS message,

-- [known_modbus] host
'discover' AS activity,
as_ip(z.host) AS dst_ip,
'tcp' AS protocol,
'modbus' AS service,
z.device_type AS message,

-- [reporter] message
CASE z.level WHEN 'Reporter::ERROR' THEN 'medium' WHEN 'Reporter::WARNING' THEN 'low' ELSE 'info' END AS severity,
z.message AS message,

-- [capture_loss]
'health' AS activity,
CASE WHEN try_cast(z.percent_lost AS DOUBLE) >= 10 THEN 'medium' ELSE 'info' END AS severity,
try_cast(z.percent_lost AS DOUBLE)::DECIMAL(18, 3) || ' % lost' AS message,

-- [stats]
'health' AS activity,

-- [packet_filter]
'health' AS activity,
verdict_word(z.success) AS status,
z.filter AS message,

-- [loaded_scripts]
trim(z.name) AS message,

-- [analyzer]
'violation' AS activity,
nullif(concat_ws(': ', z.analyzer_name, z.failure_reason), '') AS message,

-- [dpd]
'violation' AS activity,
nullif(concat_ws(': ', z.analyzer, z.failure_reason), '') AS message,
