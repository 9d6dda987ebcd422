"""Every Zeek log as a whole event, from TSV and from JSON alike. The records are written by hand after the scripts'
documentation (https://docs.zeek.org/en/master/script-reference/log-files.html)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from soc_tui.acquisition.formats.network.zeek_logs import events_sql, kinds, log
from soc_tui.core.schema import NORMALISED

Events = Callable[..., list[dict[str, Any]]]
Fields = dict[str, tuple[str, Any]]
ENDS: Fields = {
    "id.orig_h": ("addr", "10.0.0.5"), "id.orig_p": ("port", 50000),
    "id.resp_h": ("addr", "192.0.2.9"), "id.resp_p": ("port", 99),
}  # fmt: skip
COMMON = {
    "time": datetime(2023, 11, 14, 22, 13, 20, 250000), "product": "zeek", "src_ip": "10.0.0.5", "src_port": 50000,
    "dst_ip": "192.0.2.9", "dst_port": 99, "status": "unknown", "severity": "info", "session_uid": "CU1d",
}  # fmt: skip
NO_ENDS = dict.fromkeys(("src_ip", "src_port", "dst_ip", "dst_port", "session_uid"))


def s(value: str) -> tuple[str, str]:
    return "string", value


def n(value: int) -> tuple[str, int]:
    return "count", value


def b(value: bool) -> tuple[str, bool]:
    return "bool", value


def sets(*values: str) -> tuple[str, list[str]]:
    return "set[string]", list(values)


CASES: list[tuple[str, Fields, dict[str, Any], dict[str, Any]]] = [
    ("conn", {"proto": ("enum", "unknown_transport"), "conn_state": s("OTH"), "ip_proto": n(47), "orig_bytes": n(7)},
     {"class_uid": 4001, "activity": "traffic", "protocol": "gre", "conn_state": "OTH", "bytes_out": 7}, {"ip_proto": 47}),
    ("dns", {"proto": ("enum", "udp"), "query": s("a.example"), "qtype_name": s("AAAA"), "rejected": b(True), "AA": b(False),
             "answers": ("vector[string]", ["::1", "TXT x"])},
     {"class_uid": 4003, "activity": "query", "protocol": "udp", "service": "dns", "status": "failure", "query_name": "a.example",
      "query_type": "AAAA", "message": "AAAA a.example"}, {"rejected": True, "AA": False, "answers": ["::1", "TXT x"]}),
    ("ssl", {"version": s("TLSv13"), "cipher": s("TLS_AES_128_GCM_SHA256"), "server_name": s("x.example"), "established": b(False),
             "ja3": s("abc"), "ja3s": s("def"), "ja4": s("t13d"), "validation_status": s("self signed certificate")},
     {"class_uid": 4001, "activity": "open", "protocol": "tcp", "service": "ssl", "status": "failure", "message": "x.example",
      "tls_server_name": "x.example", "ja3": "abc"},
     {"version": "TLSv13", "cipher": "TLS_AES_128_GCM_SHA256", "established": False, "ja3s": "def", "ja4": "t13d",
      "validation_status": "self signed certificate"}),
    ("quic", {"version": s("1"), "server_name": s("q.example"), "client_protocol": s("h3"), "history": s("ISisH")},
     {"class_uid": 4001, "activity": "open", "protocol": "udp", "service": "quic", "message": "q.example", "tls_server_name": "q.example"},
     {"version": "1", "client_protocol": "h3", "history": "ISisH"}),
    ("websocket", {"host": s("w.example:8080"), "uri": s("/ws?a=1"), "user_agent": s("u"), "subprotocol": s("chat")},
     {"class_uid": 4001, "activity": "open", "protocol": "tcp", "service": "websocket", "message": "w.example:8080/ws?a=1",
      "url_host": "w.example:8080", "url_path": "/ws", "url_query": "a=1", "user_agent": "u"}, {"subprotocol": "chat"}),
    ("files", {"fuid": s("F1"), "source": s("HTTP"), "mime_type": s("application/zip"), "is_orig": b(False), "seen_bytes": n(10),
               "duration": ("interval", 0.5), "filename": s("x.zip"), "md5": s("AA"), "sha256": s("BB")},
     {"class_uid": 4010, "activity": "transfer", "src_ip": "192.0.2.9", "src_port": 99, "dst_ip": "10.0.0.5", "dst_port": 50000,
      "service": "http", "message": "HTTP application/zip x.zip", "bytes_out": 10, "duration": 0.5, "file_path": "x.zip", "file_hash": "bb"},
     {"fuid": "F1", "source": "HTTP", "mime_type": "application/zip", "is_orig": False, "md5": "AA", "sha256": "BB"}),
    ("intel", {"seen.indicator": s("evil.example"), "seen.indicator_type": ("enum", "Intel::DOMAIN"), "seen.where": ("enum", "DNS::IN_REQUEST"),
               "matched": sets("Intel::DOMAIN"), "sources": sets("feed1", "feed2")},
     {"class_uid": 2004, "activity": "detect", "severity": "high", "message": "evil.example in DNS::IN_REQUEST", "rule_id": "Intel::DOMAIN",
      "rule_name": "evil.example", "rule_category": "DNS::IN_REQUEST", "query_name": "evil.example"},
     {"matched": ["Intel::DOMAIN"], "sources": ["feed1", "feed2"]}),
    ("intel", {"seen.indicator": s("evil.example/a/b?c"), "seen.indicator_type": ("enum", "Intel::URL")},
     {"class_uid": 2004, "activity": "detect", "severity": "high", "message": "evil.example/a/b?c", "rule_id": "Intel::URL",
      "rule_name": "evil.example/a/b?c", "url_host": "evil.example", "url_path": "/a/b", "url_query": "c"}, {}),
    ("ssh", {"auth_success": b(False), "auth_attempts": n(3), "client": s("SSH-2.0-Go"), "server": s("SSH-2.0-OpenSSH_9.6"), "hassh": s("h")},
     {"class_uid": 4007, "activity": "open", "protocol": "tcp", "service": "ssh", "status": "failure", "message": "SSH-2.0-Go to SSH-2.0-OpenSSH_9.6"},
     {"auth_success": False, "auth_attempts": 3, "client": "SSH-2.0-Go", "server": "SSH-2.0-OpenSSH_9.6", "hassh": "h"}),
    ("smb_files", {"action": ("enum", "SMB::FILE_DELETE"), "path": s("\\\\srv\\share"), "name": s("a\\b.txt"), "size": n(4)},
     {"class_uid": 4006, "activity": "delete", "protocol": "tcp", "service": "smb", "message": "SMB::FILE_DELETE a\\b.txt",
      "file_path": "\\\\srv\\share\\a\\b.txt"}, {"action": "SMB::FILE_DELETE", "path": "\\\\srv\\share", "size": 4}),
    ("smb_mapping", {"path": s("\\\\srv\\IPC$"), "service": s("IPC"), "share_type": s("PIPE")},
     {"class_uid": 4006, "activity": "connect", "protocol": "tcp", "service": "smb", "message": "\\\\srv\\IPC$", "file_path": "\\\\srv\\IPC$"},
     {"service": "IPC", "share_type": "PIPE"}),
    ("smb_cmd", {"command": s("TREE_CONNECT"), "argument": s("\\\\srv\\c$"), "status": s("ACCESS_DENIED"), "username": s("bob")},
     {"class_uid": 4006, "activity": "command", "protocol": "tcp", "service": "smb", "status": "failure", "user_name": "bob",
      "message": "TREE_CONNECT \\\\srv\\c$"}, {"command": "TREE_CONNECT", "argument": "\\\\srv\\c$", "status": "ACCESS_DENIED"}),
    ("dce_rpc", {"named_pipe": s("\\pipe\\svcctl"), "endpoint": s("svcctl"), "operation": s("CreateServiceW")},
     {"class_uid": 4001, "activity": "call", "protocol": "tcp", "service": "dce_rpc", "message": "svcctl CreateServiceW"},
     {"named_pipe": "\\pipe\\svcctl", "endpoint": "svcctl", "operation": "CreateServiceW"}),
    ("kerberos", {"request_type": s("AS"), "client": s("host/a.b/EXAMPLE.ORG"), "service": s("krbtgt/EXAMPLE.ORG"), "success": b(False),
                  "error_msg": s("KDC_ERR_PREAUTH_FAILED")},
     {"class_uid": 3002, "activity": "logon", "service": "kerberos", "status": "failure", "user_name": "host/a.b",
      "message": "AS host/a.b/EXAMPLE.ORG krbtgt/EXAMPLE.ORG KDC_ERR_PREAUTH_FAILED"},
     {"request_type": "AS", "client": "host/a.b/EXAMPLE.ORG", "service": "krbtgt/EXAMPLE.ORG", "success": False,
      "error_msg": "KDC_ERR_PREAUTH_FAILED"}),
    ("kerberos", {"request_type": s("AS"), "client": s("bob/X"), "success": b(False), "error_msg": s("KDC_ERR_PREAUTH_REQUIRED")},
     {"class_uid": 3002, "activity": "logon", "service": "kerberos", "user_name": "bob", "message": "AS bob/X KDC_ERR_PREAUTH_REQUIRED"},
     {"request_type": "AS", "client": "bob/X", "success": False, "error_msg": "KDC_ERR_PREAUTH_REQUIRED"}),
    ("kerberos", {"request_type": s("TGS"), "client": s("bob/X"), "success": b(True)},
     {"class_uid": 3002, "activity": "service-ticket", "service": "kerberos", "status": "success", "user_name": "bob", "message": "TGS bob/X"},
     {"request_type": "TGS", "client": "bob/X", "success": True}),
    ("ntlm", {"username": s("bob"), "domainname": s("CORP"), "success": b(True)},
     {"class_uid": 3002, "activity": "logon", "protocol": "tcp", "service": "ntlm", "status": "success", "user_name": "bob", "message": "CORP\\bob"},
     {"domainname": "CORP", "success": True}),
    ("radius", {"username": s("bob"), "result": s("failed"), "reply_msg": s("no")},
     {"class_uid": 3002, "activity": "logon", "protocol": "udp", "service": "radius", "status": "failure", "user_name": "bob", "message": "no"},
     {"result": "failed", "reply_msg": "no"}),
    ("rdp", {"cookie": s("admin"), "result": s("SSL_NOT_ALLOWED_BY_SERVER")},
     {"class_uid": 4005, "activity": "open", "protocol": "tcp", "service": "rdp", "status": "failure", "user_name": "admin",
      "message": "admin SSL_NOT_ALLOWED_BY_SERVER"}, {"result": "SSL_NOT_ALLOWED_BY_SERVER"}),
    ("rfb", {"authentication_method": s("VNC"), "auth": b(False)},
     {"class_uid": 3002, "activity": "logon", "protocol": "tcp", "service": "rfb", "status": "failure", "message": "VNC"},
     {"authentication_method": "VNC", "auth": False}),
    ("ftp", {"user": s("bob"), "command": s("STOR"), "arg": s("ftp://192.0.2.9/a/b.txt"), "reply_code": n(550), "reply_msg": s("no")},
     {"class_uid": 4008, "activity": "stor", "protocol": "tcp", "service": "ftp", "status": "failure", "user_name": "bob",
      "message": "STOR ftp://192.0.2.9/a/b.txt", "file_path": "/a/b.txt"},
     {"command": "STOR", "arg": "ftp://192.0.2.9/a/b.txt", "reply_code": 550, "reply_msg": "no"}),
    ("ftp", {"user": s("bob"), "command": s("PASS"), "arg": s("<hidden>"), "reply_code": n(530)},
     {"class_uid": 3002, "activity": "logon", "protocol": "tcp", "service": "ftp", "status": "failure", "user_name": "bob", "message": "PASS"},
     {"command": "PASS", "arg": "<hidden>", "reply_code": 530}),
    ("smtp", {"mailfrom": s("a@x"), "rcptto": sets("b@y", "c@y"), "subject": s("Hi"), "last_reply": s("550 no such user")},
     {"class_uid": 4009, "activity": "send", "protocol": "tcp", "service": "smtp", "status": "failure", "message": "Hi"},
     {"mailfrom": "a@x", "rcptto": ["b@y", "c@y"], "last_reply": "550 no such user"}),
    ("socks", {"version": n(5), "user": s("bob"), "status": s("succeeded"), "request.name": s("t.example"), "request_p": ("port", 443)},
     {"class_uid": 4001, "activity": "open", "protocol": "tcp", "service": "socks", "status": "success", "user_name": "bob",
      "message": "t.example:443", "url_host": "t.example"}, {"version": 5, "status": "succeeded", "request.name": "t.example", "request_p": 443}),
    ("tunnel", {"tunnel_type": ("enum", "Tunnel::TEREDO"), "action": ("enum", "Tunnel::DISCOVER")},
     {"class_uid": 4001, "activity": "discover", "service": "teredo", "message": "Tunnel::TEREDO Tunnel::DISCOVER"},
     {"tunnel_type": "Tunnel::TEREDO", "action": "Tunnel::DISCOVER"}),
    ("sip", {"method": s("REGISTER"), "uri": s("sip:x"), "user_agent": s("friendly-scanner"), "status_code": n(200)},
     {"class_uid": 4001, "activity": "register", "service": "sip", "status": "success", "message": "REGISTER sip:x",
      "user_agent": "friendly-scanner"}, {"uri": "sip:x", "status_code": 200}),
    ("snmp", {"duration": ("interval", 1.5), "version": s("2c"), "community": s("public"), "display_string": s("router")},
     {"class_uid": 4001, "activity": "query", "protocol": "udp", "service": "snmp", "duration": 1.5, "message": "router"},
     {"version": "2c", "community": "public", "display_string": "router"}),
    ("mysql", {"cmd": s("login"), "arg": s("root"), "success": b(False), "response": s("Access denied")},
     {"class_uid": 3002, "activity": "logon", "protocol": "tcp", "service": "mysql", "status": "failure", "user_name": "root", "message": "login root"},
     {"cmd": "login", "arg": "root", "success": False, "response": "Access denied"}),
    ("mysql", {"cmd": s("query"), "arg": s("SELECT 1"), "success": b(True), "rows": n(1)},
     {"class_uid": 6000, "activity": "query", "protocol": "tcp", "service": "mysql", "status": "success", "message": "query SELECT 1"},
     {"cmd": "query", "arg": "SELECT 1", "success": True, "rows": 1}),
    ("postgresql", {"user": s("bob"), "database": s("d"), "frontend": s("startup"), "backend": s("auth_request,error"),
                    "backend_arg": s("Code=28P01"), "success": b(False)},
     {"class_uid": 3002, "activity": "logon", "protocol": "tcp", "service": "postgresql", "status": "failure", "user_name": "bob",
      "message": "startup Code=28P01"},
     {"database": "d", "frontend": "startup", "backend": "auth_request,error", "backend_arg": "Code=28P01", "success": False}),
    ("postgresql", {"user": s("bob"), "frontend": s("simple_query"), "frontend_arg": s("SELECT 1"), "success": b(True)},
     {"class_uid": 6000, "activity": "simple-query", "protocol": "tcp", "service": "postgresql", "status": "success", "user_name": "bob",
      "message": "simple_query SELECT 1"}, {"frontend": "simple_query", "frontend_arg": "SELECT 1", "success": True}),
    ("redis", {"cmd.name": s("SET"), "cmd.key": s("k"), "success": b(True)},
     {"class_uid": 6000, "activity": "set", "protocol": "tcp", "service": "redis", "status": "success", "message": "SET k"},
     {"cmd.name": "SET", "cmd.key": "k", "success": True}),
    ("redis", {"cmd.command": s("auth"), "response.err": b(True)},
     {"class_uid": 3002, "activity": "logon", "protocol": "tcp", "service": "redis", "status": "failure", "message": "auth"},
     {"cmd.command": "auth", "response.err": True}),
    ("ldap", {"opcode": s("bind simple"), "result": s("invalid credentials"), "object": s("cn=bob")},
     {"class_uid": 3002, "activity": "logon", "service": "ldap", "status": "failure", "user_name": "cn=bob",
      "message": "bind simple cn=bob invalid credentials"}, {"opcode": "bind simple", "result": "invalid credentials", "object": "cn=bob"}),
    ("ldap", {"opcode": s("unbind")}, {"class_uid": 6000, "activity": "unbind", "service": "ldap", "message": "unbind"}, {"opcode": "unbind"}),
    ("modbus", {"func": s("WRITE_SINGLE_COIL"), "exception": s("ILLEGAL_FUNCTION"), "pdu_type": s("RESP")},
     {"class_uid": 4001, "activity": "command", "protocol": "tcp", "service": "modbus", "status": "failure",
      "message": "WRITE_SINGLE_COIL ILLEGAL_FUNCTION"}, {"func": "WRITE_SINGLE_COIL", "exception": "ILLEGAL_FUNCTION", "pdu_type": "RESP"}),
    ("dnp3", {"fc_request": s("READ"), "iin": n(4096)}, {"class_uid": 4001, "activity": "command", "service": "dnp3", "message": "READ"},
     {"fc_request": "READ", "iin": 4096}),
    ("irc", {"nick": s("bot"), "command": s("JOIN"), "value": s("#c2")},
     {"class_uid": 4001, "activity": "join", "protocol": "tcp", "service": "irc", "user_name": "bot", "message": "JOIN #c2"},
     {"command": "JOIN", "value": "#c2"}),
    ("syslog", {"proto": ("enum", "udp"), "facility": s("AUTH"), "severity": s("CRIT"), "message": s("m")},
     {"class_uid": 6000, "activity": "log", "protocol": "udp", "service": "syslog", "severity": "critical", "message": "m"},
     {"facility": "AUTH", "severity": "CRIT"}),
    ("ntp", {"mode": n(3), "stratum": n(0)}, {"class_uid": 4001, "activity": "sync", "protocol": "udp", "service": "ntp",
     "message": "mode 3 stratum 0"}, {"mode": 3, "stratum": 0}),
    ("telnet", {"user": s("root"), "success": b(False)}, {"class_uid": 3002, "activity": "logon", "protocol": "tcp", "service": "telnet",
     "status": "failure", "user_name": "root"}, {"success": False}),
    ("mqtt_connect", {"client_id": s("c"), "connect_status": s("Refused: not authorized")},
     {"class_uid": 3002, "activity": "logon", "protocol": "tcp", "service": "mqtt", "status": "failure", "message": "Refused: not authorized"},
     {"client_id": "c", "connect_status": "Refused: not authorized"}),
    ("dpd", {"analyzer": s("HTTP"), "failure_reason": s("not http")}, {"class_uid": 6000, "activity": "violation", "message": "HTTP: not http"},
     {"analyzer": "HTTP", "failure_reason": "not http"}),
    ("never_heard_of", {"message": s("m"), "success": b(True), "x": n(1)}, {"class_uid": 6000, "activity": "log", "status": "success",
     "message": "m"}, {"message": "m", "success": True, "x": 1}),
]  # fmt: skip
WITHOUT_ENDS: list[tuple[str, Fields, dict[str, Any], dict[str, Any]]] = [
    ("x509", {"fingerprint": s("AB12"), "certificate.subject": s("CN=x\\, y"), "san.dns": sets("x")},
     {"class_uid": 6000, "activity": "certificate", "message": "CN=x\\, y", "file_hash": "ab12"}, {"certificate.subject": "CN=x\\, y", "san.dns": ["x"]}),
    ("ocsp", {"id": s("F"), "certStatus": s("revoked")},
     {"class_uid": 6000, "activity": "certificate", "service": "ocsp", "status": "failure", "message": "revoked"}, {"id": "F", "certStatus": "revoked"}),
    ("pe", {"id": s("F"), "machine": s("AMD64"), "os": s("Windows 10"), "subsystem": s("WINDOWS_CUI")},
     {"class_uid": 4010, "activity": "inspect", "message": "AMD64 Windows 10 WINDOWS_CUI"},
     {"id": "F", "machine": "AMD64", "os": "Windows 10", "subsystem": "WINDOWS_CUI"}),
    ("notice", {"note": ("enum", "Scan::Port_Scan"), "msg": s("m"), "src": ("addr", "192.0.2.1"), "dst": ("addr", "::1"), "p": ("port", 22)},
     {"class_uid": 2004, "activity": "detect", "severity": "medium", "src_ip": "192.0.2.1", "dst_ip": "::1", "dst_port": 22, "message": "m",
      "rule_id": "Scan::Port_Scan", "rule_name": "m", "rule_category": "Scan"}, {"src": "192.0.2.1", "dst": "::1", "p": 22}),
    ("weird", {"name": s("dns_unmatched_msg"), "addl": s("x"), "notice": b(False)},
     {"class_uid": 4001, "activity": "anomaly", "severity": "low", "message": "dns_unmatched_msg x", "rule_name": "dns_unmatched_msg"},
     {"notice": False}),
    ("signatures", {"src_addr": ("addr", "192.0.2.1"), "src_port": ("port", 5), "dst_addr": ("addr", "192.0.2.2"), "dst_port": ("port", 6),
                    "note": ("enum", "Signatures::Sensitive_Signature"), "sig_id": s("s1"), "event_msg": s("m")},
     {"class_uid": 2004, "activity": "detect", "severity": "medium", "src_ip": "192.0.2.1", "src_port": 5, "dst_ip": "192.0.2.2", "dst_port": 6,
      "message": "m", "rule_id": "s1", "rule_name": "m", "rule_category": "Signatures::Sensitive_Signature"},
     {"note": "Signatures::Sensitive_Signature"}),
    ("traceroute", {"src": ("addr", "192.0.2.1"), "dst": ("addr", "192.0.2.2"), "proto": ("enum", "udp")},
     {"class_uid": 4001, "activity": "traceroute", "severity": "low", "protocol": "udp", "src_ip": "192.0.2.1", "dst_ip": "192.0.2.2"}, {}),
    ("dhcp", {"uids": sets("C1", "C2"), "client_addr": ("addr", "10.0.0.7"), "server_addr": ("addr", "10.0.0.1"), "mac": s("00:11"),
              "host_name": s("pc"), "msg_types": ("vector[string]", ["REQUEST", "NAK"]), "duration": ("interval", 0.25)},
     {"class_uid": 4004, "activity": "nak", "protocol": "udp", "service": "dhcp", "status": "failure", "src_ip": "10.0.0.7", "dst_ip": "10.0.0.1",
      "session_uid": "C1", "duration": 0.25, "message": "NAK 00:11 pc"},
     {"uids": ["C1", "C2"], "client_addr": "10.0.0.7", "server_addr": "10.0.0.1", "mac": "00:11", "host_name": "pc", "msg_types": ["REQUEST", "NAK"]}),
    ("software", {"host": ("addr", "10.0.0.7"), "software_type": ("enum", "HTTP::BROWSER"), "name": s("curl"), "unparsed_version": s("curl/8.5")},
     {"class_uid": 6000, "activity": "discover", "src_ip": "10.0.0.7", "message": "curl/8.5"}, {"software_type": "HTTP::BROWSER", "name": "curl"}),
    ("known_hosts", {"host": ("addr", "10.0.0.7")}, {"class_uid": 6000, "activity": "discover", "src_ip": "10.0.0.7", "message": "10.0.0.7"}, {}),
    ("known_services", {"host": ("addr", "10.0.0.7"), "port_num": ("port", 22), "port_proto": ("enum", "tcp"), "service": sets("SSH")},
     {"class_uid": 6000, "activity": "discover", "dst_ip": "10.0.0.7", "dst_port": 22, "protocol": "tcp", "service": "ssh", "message": "tcp 22 SSH"},
     {"service": ["SSH"]}),
    ("known_certs", {"host": ("addr", "10.0.0.7"), "port_num": ("port", 443), "subject": s("CN=x"), "serial": s("01")},
     {"class_uid": 6000, "activity": "discover", "dst_ip": "10.0.0.7", "dst_port": 443, "protocol": "tcp", "service": "ssl", "message": "CN=x"},
     {"serial": "01"}),
    ("known_modbus", {"host": ("addr", "10.0.0.7"), "device_type": ("enum", "Known::MODBUS_SLAVE")},
     {"class_uid": 6000, "activity": "discover", "dst_ip": "10.0.0.7", "protocol": "tcp", "service": "modbus", "message": "Known::MODBUS_SLAVE"},
     {"device_type": "Known::MODBUS_SLAVE"}),
    ("reporter", {"level": ("enum", "Reporter::ERROR"), "message": s("m"), "location": s("x.zeek")},
     {"class_uid": 6000, "activity": "log", "severity": "medium", "message": "m"}, {"level": "Reporter::ERROR", "location": "x.zeek"}),
    ("capture_loss", {"peer": s("w1"), "gaps": n(5), "acks": n(10), "percent_lost": ("double", 50.0)},
     {"class_uid": 6000, "activity": "health", "severity": "medium", "message": "50.000 % lost"},
     {"peer": "w1", "gaps": 5, "acks": 10, "percent_lost": 50.0}),
    ("stats", {"peer": s("w1"), "mem": n(5)}, {"class_uid": 6000, "activity": "health"}, {"peer": "w1", "mem": 5}),
]  # fmt: skip


def tsv(kind: str, fields: Fields) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, bool):
            return "T" if value else "F"
        if isinstance(value, list):
            return ",".join(value)
        return str(value).replace("\\", "\\\\")

    lines = ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{kind}"]
    lines += ["\t".join(("#fields", *fields)), "\t".join(("#types", *(kind_of for kind_of, _ in fields.values())))]
    return "\n".join([*lines, "\t".join(cell(value) for _, value in fields.values())]) + "\n"


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("kind", "fields", "expected", "extra"),
    [
        *((kind, {"uid": ("string", "CU1d"), **ENDS, **more}, {**COMMON, **want}, extra) for kind, more, want, extra in CASES),
        *((kind, more, {**COMMON, **NO_ENDS, **want}, extra) for kind, more, want, extra in WITHOUT_ENDS),
    ],
    ids=[kind for kind, *_ in [*CASES, *WITHOUT_ENDS]],
)  # fmt: skip
def test_a_log_gives_the_same_whole_event_from_tsv_and_json(
    events_of: Events, kind: str, fields: Fields, expected: dict[str, Any], extra: dict[str, Any]
) -> None:
    fields = {"ts": ("time", 1700000000.25), **fields}
    record = json.dumps({"_path": kind, **{name: value for name, (_, value) in fields.items()}}) + "\n"
    for text, format_name in ((tsv(kind, fields), "zeek-tsv"), (record, "zeek-json")):
        event = events_of(text, format_name)[0]
        said = {k: v for k, v in event.items() if v is not None and not k.startswith("source_") and k != "extra"}
        assert said == {k: v for k, v in {**expected, "log_name": kind}.items() if v is not None}, format_name
        assert json.loads(event["extra"] or "{}") == extra, format_name


def test_sections_name_only_columns_of_the_schema() -> None:
    for kind in kinds():
        assert set(log(kind).columns) <= set(NORMALISED.names), kind
        assert "$modified" in events_sql(kind)
    assert len(kinds()) >= 50
    assert log("never_heard_of") == log("other")
