"""What Sigma's log sources are here: which events each means, and where its fields are in the columns of ``events``.

A rule whose log source is not in :data:`LOGSOURCES`, or that asks for a field that its source does not have, is *not
applicable* and says why. Field names are compared without case. The expressions are our own text; of a rule nothing
gets into them but the names that :data:`NAME` allows (Zeek's fields without a column, which lie in ``extra``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from soc_tui.detection.detectors import PRIVATE_ADDRESS

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""A field's name that may stand in a JSON path."""

Kind = Literal["text", "number", "list", "address"]


@dataclass(frozen=True)
class Field:
    """One field of a log source."""

    sql: str
    """The expression over ``events``."""
    kind: Kind = "text"
    """``list``: VARCHAR[], one of whose members has to match."""
    within: str = ""
    """A cheap expression whose text holds the value of this field whole; empty: nothing is known to."""
    json: bool = False
    """``within`` is JSON, in which quotes, backslashes and control characters are written otherwise."""


@dataclass(frozen=True)
class Source:
    """The events that a log source means."""

    name: str
    title: str
    """For the table of what is read."""
    where: str
    """The condition over ``events``."""
    fields: Mapping[str, Field]
    """By lower-case name."""
    keywords: Field
    """Where values without a field are looked for."""
    attacker: str = "src_ip"
    """The expression of who did it: an address that the log's writer saw."""
    victim: str = "dst_ip"
    target: str = "NULL::VARCHAR"
    risk_type: str = "intrusion"
    near: str = ""
    """A condition over kinds (:mod:`soc_tui.detection.kinds`) that all of its events meet; empty: ``where`` is one."""
    alike: bool = False
    """Its events are alike by the thousand: what is alike in all that rules ask is judged once."""
    extra: bool = False
    """Any other field lies in ``extra`` under its own name."""

    def find(self, name: str) -> Field | None:
        """The field of that name, or None: the events do not have it."""
        known = self.fields.get(name.lower()) or EVERYWHERE.get(name.lower())
        if known is not None or not self.extra or not NAME.fullmatch(name):
            return known
        return of_extra(name)


def column(name: str, kind: Kind = "text") -> Field:
    """A field that is a column."""
    return Field(name, kind, name if kind == "text" else "")


def of_extra(name: str) -> Field:
    """A field that is a member of ``extra``."""
    return Field(f"try(extra ->> '$.\"{name}\"')", "text", "extra", json=True)


MESSAGE = column("message")
EVERYWHERE = {name: column("host") for name in ("computer", "computername", "hostname")}
"""What events of every source have."""
_ADDRESS = Field("src_ip", "address")
_ENDS = {
    "src_ip": Field("src_ip", "address"), "dst_ip": Field("dst_ip", "address"),
    "src_port": column("src_port", "number"), "dst_port": column("dst_port", "number"),
}  # fmt: skip
_OUTSIDE = (
    f"regexp_matches(src_ip, '{PRIVATE_ADDRESS}') AND NOT coalesce(regexp_matches(dst_ip, '{PRIVATE_ADDRESS}'), false)"
)
# A client inside that goes out is what the rule is about, and no attacker; any other client is who did it.
_WHO = f"CASE WHEN {_OUTSIDE} THEN NULL ELSE src_ip END"
_WHOM = f"CASE WHEN {_OUTSIDE} THEN src_ip ELSE dst_ip END"
_NOBODY = "NULL::VARCHAR"

# -- the web ---------------------------------------------------------------------------------------------------------

_PATH_QUERY = "(coalesce(url_path, '') || coalesce('?' || url_query, ''))"
_URI = Field(_PATH_QUERY, "text", _PATH_QUERY)
_URL_TEXT = f"('http://' || coalesce(url_host, '') || {_PATH_QUERY})"
_URL = Field(_URL_TEXT, "text", _URL_TEXT)
_EXTENSION = Field(r"regexp_extract(url_path, '\.([^./]+)$', 1)", "text", "url_path")
_PAGE = "(coalesce(url_host, '') || coalesce(url_path, ''))"
_WEB = {
    "cs-method": column("http_method"), "cs-uri-query": _URI, "cs-uri-stem": column("url_path"), "cs-uri": _URI,
    "c-uri": _URL, "c-uri-query": column("url_query"), "c-uri-stem": column("url_path"), "c-uri-extension": _EXTENSION,
    "c-useragent": column("user_agent"), "cs-user-agent": column("user_agent"), "cs-host": column("url_host"),
    "r-dns": column("url_host"), "cs-referer": column("referrer"), "cs-referrer": column("referrer"),
    "cs-username": column("user_name"), "sc-status": column("http_status", "number"),
    "sc-bytes": column("bytes_in", "number"), "cs-bytes": column("bytes_out", "number"), "c-ip": _ADDRESS,
    "s-ip": Field("dst_ip", "address"), "s-port": column("dst_port", "number"),
    "time-taken": column("duration", "number"),
    "url": _URL, **_ENDS,
}  # fmt: skip
_RECORD = "concat_ws(' ', http_method, " + _PATH_QUERY + ", http_status, user_agent, referrer, url_host, user_name)"
_WEB_RECORD = Field(_RECORD, "text", _RECORD)

# -- Linux -----------------------------------------------------------------------------------------------------------

_SYSLOG = "log_name IN ('syslog', 'auth', 'cron', 'firewall')"
# What was run: auditd's events have the command as their message, sudo and cron name it in their line.
_COMMAND = "CASE WHEN product = 'auditd' THEN message ELSE try(extra ->> '$.command') END"
_RAN = f"split_part({_COMMAND}, ' ', 1)"
_IMAGE = (
    f"CASE WHEN product = 'auditd' AND activity <> 'sudo' THEN try(extra ->> '$.exe') "
    f"WHEN starts_with({_RAN}, '/') THEN {_RAN} END"
)
_EITHER = "concat_ws(' ', message, extra)"
_LINUX_USER = Field(
    "coalesce(try(extra ->> '$.target_user'), user_name)", "text", "concat_ws(' ', user_name, extra)", json=True
)

_RAW = "CASE WHEN activity = 'launch' THEN NULL ELSE message END"


def _argument(number: int) -> Field:
    """An argument of a program, as ``EXECVE`` counts them, else that of the system call."""
    word = f"string_split(message, ' ')[{number + 1}]"
    raw = rf"nullif(regexp_extract(message, ' a{number}=(\S+)', 1), '')"
    return Field(f"CASE WHEN activity = 'launch' THEN {word} ELSE {raw} END", "text", "message")


def _audited(key: str) -> Field:
    """A value that stands in the raw lines of an event, which every event but a launch keeps as its message."""
    return Field(rf"""nullif(regexp_extract({_RAW}, ' {key}="?([^" \n]+)', 1), '')""", "text", "message")


_TYPES = (
    "list_filter([try(extra ->> '$.type'), CASE WHEN activity = 'launch' THEN 'EXECVE' END,"
    " CASE WHEN contains(extra, '\"paths\":') THEN 'PATH' END, CASE WHEN contains(extra, '\"cwd\":') THEN 'CWD' END,"
    " CASE WHEN class_uid = 4001 THEN 'SOCKADDR' END], lambda one: one IS NOT NULL)"
)
_NAMES = "list_append(coalesce(try((extra -> '$.paths')::VARCHAR[]), []), file_path)"
_COMM = (
    "CASE WHEN activity = 'launch' THEN left(regexp_extract(string_split(message, ' ')[1], '[^/]*$'), 15) "
    """ELSE nullif(regexp_extract(message, ' comm="?([^" \\n]+)', 1), '') END"""
)
_AUDIT = {
    "type": Field(_TYPES, "list"), "syscall": of_extra("syscall"), "exe": of_extra("exe"),
    "comm": Field(_COMM, "text", "message"),
    "name": Field(_NAMES, "list", "concat_ws(' ', extra, file_path)", json=True),
    "nametype": Field(rf"regexp_extract_all({_RAW}, ' nametype=(\w+)', 1)", "list", "message"),
    "key": column("rule_name"), "unit": of_extra("unit"), "cwd": of_extra("cwd"), "terminal": of_extra("terminal"),
    "hostname": of_extra("hostname"), "op": of_extra("op"), "exit": of_extra("exit"), "pid": of_extra("pid"),
    "ppid": of_extra("ppid"), "uid": of_extra("uid"), "auid": of_extra("auid"), "ses": of_extra("ses"),
    "acct": column("user_name"), "addr": _ADDRESS, "res": column("status"), "saddr": _audited("saddr"),
    "success": Field("CASE status WHEN 'success' THEN 'yes' WHEN 'failure' THEN 'no' END"),
    **{f"a{number}": _argument(number) for number in range(16)},
}  # fmt: skip

# -- Zeek ------------------------------------------------------------------------------------------------------------

_ZEEK_ENDS = {
    "id.orig_h": Field("src_ip", "address"), "id.orig_p": column("src_port", "number"),
    "id.resp_h": Field("dst_ip", "address"), "id.resp_p": column("dst_port", "number"), "proto": column("protocol"),
    "uid": column("session_uid"), "community_id": column("community_id"),
}  # fmt: skip
_FOLDER = "rtrim(try(extra ->> '$.path'), '\\') || '\\'"
_SMB_NAME = (
    f"CASE WHEN starts_with(file_path, {_FOLDER}) THEN substr(file_path, length({_FOLDER}) + 1) ELSE file_path END"
)
_ZEEK: dict[str, dict[str, Field]] = {
    "conn": {
        "service": column("service"), "duration": column("duration", "number"), "conn_state": column("conn_state"),
        "orig_bytes": column("bytes_out", "number"), "resp_bytes": column("bytes_in", "number"),
        "orig_pkts": column("packets_out", "number"), "resp_pkts": column("packets_in", "number"),
    },
    "dns": {"query": column("query_name"), "qtype_name": column("query_type"), "rcode_name": column("rcode")},
    "http": {
        "method": column("http_method"), "host": column("url_host"), "uri": _URI, "referrer": column("referrer"),
        "user_agent": column("user_agent"), "status_code": column("http_status", "number"),
        "request_body_len": column("bytes_out", "number"), "response_body_len": column("bytes_in", "number"),
        "username": column("user_name"), "c-useragent": column("user_agent"), "c-uri": _URL,
        "cs-host": column("url_host"),
        "cs-method": column("http_method"), "sc-status": column("http_status", "number"),
    },
    "ssl": {"server_name": column("tls_server_name"), "ja3": column("ja3")},
    "x509": {"fingerprint": column("file_hash")},
    "files": {"filename": column("file_path"), "seen_bytes": column("bytes_out", "number")},
    "smb_files": {"name": Field(_SMB_NAME, "text", "file_path")},
    "smb_mapping": {"path": column("file_path")},
    "notice": {"note": column("rule_id"), "msg": column("message")},
    "weird": {"name": column("rule_name")},
    "ntlm": {"username": column("user_name")},
    "ftp": {"user": column("user_name")},
    "smtp": {"subject": column("message")},
    "dce_rpc": {}, "kerberos": {}, "rdp": {"cookie": column("user_name")}, "ssh": {}, "snmp": {}, "ldap": {},
    "mysql": {},
}  # fmt: skip
_ANSWER = "coalesce(try(extra ->> '$.answers'), try(extra ->> '$.dns.answers'), try(extra ->> '$.dns.grouped'))"
_DNS = {
    "query": column("query_name"), "record_type": column("query_type"), "rcode": column("rcode"),
    "answer": Field(_ANSWER, "text", "extra", json=True),
    **_ENDS,
}  # fmt: skip


def _zeek(log: str) -> Source:
    inward = log in {"smb_files", "smb_mapping", "dce_rpc", "kerberos", "rdp", "ssh", "ntlm"}
    record = Field("concat_ws(' ', message, file_path, url_host, query_name, extra)", "text",
                   "concat_ws(' ', message, file_path, url_host, query_name, extra)")  # fmt: skip
    return Source(
        f"zeek-{log.replace('_', '-')}", f"Zeek's {log} log", f"product = 'zeek' AND log_name = '{log}'",
        {**_ZEEK_ENDS, **_ZEEK[log]}, record,
        attacker="src_ip" if inward else _NOBODY if log == "dns" else _WHO,
        victim="dst_ip" if inward else "src_ip" if log == "dns" else _WHOM,
        target="coalesce(query_name, url_host, tls_server_name, file_path)", extra=True,
    )  # fmt: skip


_FIREWALL = {
    **_ENDS, "protocol": column("protocol"),
    "action": Field("CASE status WHEN 'success' THEN 'accept' WHEN 'failure' THEN 'deny' END"),
    "blocked": Field("CASE status WHEN 'success' THEN 'false' WHEN 'failure' THEN 'true' END"),
}  # fmt: skip
_NETFLOW = {
    "source.ip": Field("src_ip", "address"), "destination.ip": Field("dst_ip", "address"),
    "source.port": column("src_port", "number"), "destination.port": column("dst_port", "number"),
    "network.transport": column("protocol"), **_ENDS,
}  # fmt: skip
_CLAMD = "process IN ('clamd', 'clamscan', 'clamonacc', 'clamav-milter', 'freshclam', 'clamav')"
_ANTIVIRUS = {
    "signature": Field(r"regexp_extract(message, ': (\S+?)(?:\([0-9a-f]+:\d+\))? FOUND$', 1)", "text", "message"),
    "filename": Field(r"regexp_extract(message, '^(?:.* -> )?(.+?): \S+ FOUND$', 1)", "text", "message"),
}  # fmt: skip


def _plain(name: str, title: str, where: str, fields: Mapping[str, Field] | None = None, **more: Any) -> Source:
    known = fields if fields is not None else {} if "attacker" in more else {**_ENDS, "user": column("user_name")}
    return Source(name, title, where, known, MESSAGE, **more)


_LOCAL: dict[str, Any] = {"attacker": _NOBODY, "victim": _NOBODY}
"""Nobody's address is known of what happens on a machine."""

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source("web", "requests in access logs of web servers and proxies in front of them",
               "class_uid = 4002 AND product NOT IN ('zeek', 'suricata')", _WEB, _WEB_RECORD, target=_PAGE,
               risk_type="web-attack", alike=True),
        Source("proxy", "requests that Zeek and Suricata saw", "class_uid = 4002 AND product IN ('zeek', 'suricata')",
               _WEB, _WEB_RECORD, attacker=_WHO, victim=_WHOM, target=_PAGE, alike=True),
        _plain("apache", "Apache's error log", "product IN ('apache', 'modsecurity')", risk_type="web-attack"),
        _plain("nginx", "nginx's error log", "product IN ('nginx', 'modsecurity')", risk_type="web-attack"),
        Source("process", "programs started on Linux: auditd, sudo, cron",
               "class_uid = 1007 AND (product = 'auditd' OR activity = 'sudo' OR log_name = 'cron')",
               {"commandline": Field(_COMMAND, "text", "message"), "image": Field(_IMAGE, "text", _EITHER, json=True),
                "user": _LINUX_USER, "currentdirectory": of_extra("cwd"), "logonid": of_extra("auid"),
                "processid": of_extra("pid"), "parentprocessid": of_extra("ppid")},
               MESSAGE, attacker=_NOBODY, victim=_NOBODY, target="message"),
        Source("file", "files made or renamed on Linux: auditd, website trees",
               "class_uid = 1001 AND product IN ('auditd', 'website') AND activity IN ('create', 'rename', 'modify')",
               {"targetfilename": column("file_path"), "image": of_extra("exe"), "user": column("user_name")},
               MESSAGE, attacker=_NOBODY, victim=_NOBODY, target="file_path"),
        Source("connection", "connections that auditd saw", "class_uid = 4001 AND product = 'auditd'",
               {"image": of_extra("exe"), "destinationip": Field("dst_ip", "address"), "sourceip": _ADDRESS,
                "destinationport": column("dst_port", "number"), "user": column("user_name"),
                "initiated": Field("CASE WHEN activity IN ('connect', 'sendto') THEN 'true' ELSE 'false' END")},
               MESSAGE, attacker=_NOBODY, target="dst_ip"),
        Source("auditd", "the Linux audit log", "product = 'auditd'", _AUDIT, MESSAGE, victim=_NOBODY,
               target="file_path"),
        _plain("linux", "every log of a Linux machine: syslog, journal, auditd", f"({_SYSLOG} OR product = 'auditd')",
               victim=_NOBODY),
        _plain("syslog", "syslog and journal", _SYSLOG, victim=_NOBODY),
        _plain("sshd", "sshd in syslog and journal", "product IN ('sshd', 'sshd-session', 'sshd-auth')",
               victim=_NOBODY),
        _plain("sudo", "sudo in syslog and journal", f"product = 'sudo' AND {_SYSLOG}",
               {"user": of_extra("target_user"), "caller": column("user_name"),
                "command": of_extra("command"), "pwd": of_extra("cwd"),
                "tty": of_extra("tty")}, **_LOCAL),
        _plain("cron", "cron in syslog and journal", f"{_SYSLOG} AND (log_name = 'cron' OR lower(process) IN ('cron',"
               " 'crond', 'crontab', 'anacron', 'atd'))", **_LOCAL),
        _plain("vsftpd", "vsftpd in syslog and journal", "product = 'vsftpd'", victim=_NOBODY),
        _plain("clamav", "ClamAV in syslog and journal", _CLAMD, risk_type="virus", **_LOCAL),
        _plain("antivirus", "ClamAV in syslog and journal, taken apart", f"{_CLAMD} AND ends_with(message, ' FOUND')",
               _ANTIVIRUS, near=_CLAMD, risk_type="virus", **_LOCAL),
        _plain("guacamole", "guacd in syslog and journal", "process = 'guacd'", victim=_NOBODY),
        Source("dns", "DNS queries of Zeek, Suricata, Sysmon", "class_uid = 4003", _DNS,
               Field("concat_ws(' ', message, extra)", "text", "concat_ws(' ', message, extra)"), attacker=_NOBODY,
               victim="src_ip", target="query_name"),
        Source("firewall", "packets that netfilter or AWS' flow logs judged",
               "class_uid = 4001 AND (log_name = 'firewall' OR product = 'aws-vpc')", _FIREWALL, MESSAGE),
        Source("netflow", "flows: Zeek, Suricata, NetFlow, Argus, AWS",
               "class_uid = 4001 AND log_name IN ('conn', 'flow')", _NETFLOW, MESSAGE),
        _plain("java", "Java applications: Log4j, Logback, Tomcat", "product IN ('log4j', 'tomcat')",
               risk_type="web-attack"),
        _plain("python", "Python applications", "product = 'python'", risk_type="web-attack"),
        _plain("php", "PHP and PHP-FPM", "product = 'php'", risk_type="web-attack"),
        _plain("database", "MySQL and PostgreSQL", "product IN ('mysql', 'postgresql')"),
        *(_zeek(log) for log in _ZEEK),
    )
}  # fmt: skip
"""Every source by its name."""

LOGSOURCES: tuple[tuple[str | None, str | None, str | None, str], ...] = (
    ("webserver", None, None, "web"), ("proxy", None, None, "proxy"), ("dns", None, None, "dns"),
    ("firewall", None, None, "firewall"), ("antivirus", None, None, "antivirus"), ("database", None, None, "database"),
    ("process_creation", "linux", None, "process"), ("file_event", "linux", None, "file"),
    ("network_connection", "linux", None, "connection"),
    (None, "linux", "auditd", "auditd"), (None, "linux", "sshd", "sshd"), (None, "linux", "sudo", "sudo"),
    (None, "linux", "cron", "cron"), (None, "linux", "auth", "syslog"), (None, "linux", "syslog", "syslog"),
    (None, "linux", "vsftpd", "vsftpd"), (None, "linux", "clamav", "clamav"), (None, "linux", "guacamole", "guacamole"),
    (None, None, "apache", "apache"), (None, None, "nginx", "nginx"), (None, None, "netflow", "netflow"),
    *((None, "zeek", log, f"zeek-{log.replace('_', '-')}") for log in _ZEEK),
    ("application", "jvm", None, "java"), ("application", "spring", None, "java"),
    ("application", "velocity", None, "java"), ("application", "python", None, "python"),
    ("application", "django", None, "python"), ("application", "php", None, "php"),
    ("application", "sql", None, "database"),
)  # fmt: skip
"""(category, product, service) and the source; None: the rule says nothing there."""
_ANY_LINUX = (None, "linux", None)


def source_for(category: str | None, product: str | None, service: str | None) -> Source | None:
    """The events that a rule's log source means, or None: they are not read."""
    asked = tuple(part.lower() if part else None for part in (category, product, service))
    if asked == _ANY_LINUX:
        return SOURCES["linux"]
    for category_, product_, service_, name in LOGSOURCES:
        wanted = (category_, product_, service_)
        # A rule that names no product (category process_creation alone) means that of any, so ours too.
        fits = all(
            have == want or (want is not None and have is None and place == 1 and category_ is not None)
            for place, (have, want) in enumerate(zip(asked, wanted, strict=True))
            if want is not None or have is not None
        )
        if fits:
            return SOURCES[name]
    return None


def described(category: str | None, product: str | None, service: str | None) -> str:
    """A log source in words, for a reason."""
    named = {"category": category, "product": product, "service": service}
    return ", ".join(f"{name} {value}" for name, value in named.items() if value)
