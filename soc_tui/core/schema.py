"""The event schema: OCSF attribute names, flattened and shortened by one documented table.

Every format's normaliser yields exactly these columns, the store keeps them, and nothing else in the system knows
what a log line looked like. What has no column stays in ``extra`` as JSON.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa


class Column(NamedTuple):
    """One column of the ``events`` table."""

    name: str
    type: pa.DataType
    ocsf: str
    """The OCSF 1.x attribute path it shortens; empty where OCSF has none."""
    doc: str


class OcsfClass:
    """The OCSF ``class_uid`` numbers in use (https://schema.ocsf.io)."""

    FILE_ACTIVITY = 1001
    PROCESS_ACTIVITY = 1007
    VULNERABILITY_FINDING = 2002
    COMPLIANCE_FINDING = 2003
    DETECTION_FINDING = 2004
    AUTHENTICATION = 3002
    NETWORK_ACTIVITY = 4001
    HTTP_ACTIVITY = 4002
    DNS_ACTIVITY = 4003
    DHCP_ACTIVITY = 4004
    RDP_ACTIVITY = 4005
    SMB_ACTIVITY = 4006
    SSH_ACTIVITY = 4007
    FTP_ACTIVITY = 4008
    EMAIL_ACTIVITY = 4009
    NETWORK_FILE_ACTIVITY = 4010
    APPLICATION_ACTIVITY = 6000
    """The Application Activity category, for records that fit no narrower class."""


_TEXT, _INT, _BIG, _REAL = pa.string(), pa.int32(), pa.int64(), pa.float64()

EVENT_COLUMNS: tuple[Column, ...] = (
    Column("event_id", _BIG, "metadata.uid", "dense number given by the store in order of arrival, from 1"),
    Column("time", pa.timestamp("us"), "time", "when it happened, UTC"),
    Column("class_uid", _INT, "class_uid", "OCSF class, e.g. 4001 network activity, 3002 authentication"),
    Column("activity", _TEXT, "activity_name", "what was done, lower case: logon, logoff, open, query, get, sudo"),
    Column("product", _TEXT, "metadata.product.name", "zeek, suricata, sshd, sudo, apache-nginx ..."),
    Column("log_name", _TEXT, "metadata.log_name", "the log within the product: conn, dns, alert, access, auth"),
    Column("source_id", _INT, "metadata.log_provider", "row of the sources table"),
    Column("source_offset", _BIG, "", "byte at which the record starts in the (decompressed) source"),
    Column("source_length", _INT, "", "bytes of the record without its line end"),
    Column("host", _TEXT, "device.hostname", "the machine that wrote or observed the record"),
    Column("process", _TEXT, "actor.process.name", "the program that wrote the record"),
    Column("user_name", _TEXT, "actor.user.name", "the account acted as or tried"),
    Column("src_ip", _TEXT, "src_endpoint.ip", "who started it"),
    Column("src_port", _INT, "src_endpoint.port", ""),
    Column("dst_ip", _TEXT, "dst_endpoint.ip", "whom it was for"),
    Column("dst_port", _INT, "dst_endpoint.port", ""),
    Column("protocol", _TEXT, "connection_info.protocol_name", "tcp, udp, icmp, lower case"),
    Column("service", _TEXT, "connection_info.app_name", "application protocol: http, dns, ssl, ssh"),
    Column("status", _TEXT, "status", "success, failure or unknown"),
    Column("severity", _TEXT, "severity", "info, low, medium, high or critical, as the product rated it"),
    Column("message", _TEXT, "message", "the record in words, or the raw text"),
    Column("session_uid", _TEXT, "connection_info.uid", "Zeek uid, Suricata flow_id"),
    Column("community_id", _TEXT, "connection_info.community_uid", "community id flow hash"),
    Column("duration", _REAL, "duration", "seconds"),
    Column("bytes_out", _BIG, "traffic.bytes_out", "payload bytes from src to dst"),
    Column("bytes_in", _BIG, "traffic.bytes_in", "payload bytes from dst to src"),
    Column("packets_out", _BIG, "traffic.packets_out", "packets from src to dst"),
    Column("packets_in", _BIG, "traffic.packets_in", "packets from dst to src"),
    Column("conn_state", _TEXT, "connection_info.state", "Zeek conn_state (SF, S0, REJ ...) or Suricata flow state"),
    Column("http_method", _TEXT, "http_request.http_method", ""),
    Column("url_host", _TEXT, "http_request.url.hostname", ""),
    Column("url_path", _TEXT, "http_request.url.path", "as sent, not decoded, without the query"),
    Column("url_query", _TEXT, "http_request.url.query_string", "as sent, not decoded, without the ?"),
    Column("http_status", _INT, "http_response.code", ""),
    Column("user_agent", _TEXT, "http_request.user_agent", ""),
    Column("referrer", _TEXT, "http_request.referrer", ""),
    Column("query_name", _TEXT, "query.hostname", "the DNS name asked for"),
    Column("query_type", _TEXT, "query.type", "A, AAAA, TXT ..."),
    Column("rcode", _TEXT, "rcode", "DNS answer code: NOERROR, NXDOMAIN ..."),
    Column("tls_server_name", _TEXT, "tls.sni", ""),
    Column("ja3", _TEXT, "tls.ja3_hash.value", ""),
    Column("file_path", _TEXT, "file.path", "path or name of the file"),
    Column("file_hash", _TEXT, "file.hashes.value", "sha256, else sha1, else md5, lower-case hex"),
    Column("rule_id", _TEXT, "finding_info.uid", "Suricata signature id, Zeek notice type"),
    Column("rule_name", _TEXT, "finding_info.title", "the signature or notice in words"),
    Column("rule_category", _TEXT, "finding_info.types", "the class the product gave"),
    Column("extra", _TEXT, "unmapped", "what has no column, as one JSON object"),
    Column("template_id", _BIG, "", "the learned template of the message (table templates), given by the store"),
)
"""Every column of ``events``, in table order."""

EVENTS = pa.schema([(c.name, c.type) for c in EVENT_COLUMNS])
"""The stored event."""

STORE_ASSIGNED = ("event_id", "source_id", "template_id")
"""Columns that the store fills in; normalisers leave them out."""

NORMALISED = pa.schema([f for f in EVENTS if f.name not in STORE_ASSIGNED])
"""What a normaliser returns: an event before the store numbered it."""

REJECTS = pa.schema(
    [("source_offset", pa.int64()), ("source_length", pa.int32()), ("reason", pa.string()), ("raw", pa.binary())]
)
"""A record that could not be read: where it is, why, and its bytes."""

LINES = pa.schema([("source_offset", pa.int64()), ("source_length", pa.int32()), ("line", pa.large_string())])
"""Raw records on their way into a normaliser: offset, length in bytes (without line end), text."""


def schema_table() -> str:
    """The documented schema as a Markdown table (docs/schema.md is this text; a test keeps them equal)."""
    rows = ["| column | type | OCSF attribute | meaning |", "|---|---|---|---|"]
    rows += [f"| `{c.name}` | {c.type} | {f'`{c.ocsf}`' if c.ocsf else ''} | {c.doc} |" for c in EVENT_COLUMNS]
    return "\n".join(rows) + "\n"


FINDINGS = pa.schema(
    [
        ("finding_id", _TEXT),
        ("alert_key", _TEXT),
        ("detector", _TEXT),
        ("risk_type", _TEXT),
        ("title", _TEXT),
        ("severity", _TEXT),
        ("score", _REAL),
        ("time", pa.timestamp("us")),
        ("time_last", pa.timestamp("us")),
        ("src_ip", _TEXT),
        ("dst_ip", _TEXT),
        ("dst_port", _INT),
        ("host", _TEXT),
        ("user_name", _TEXT),
        ("target", _TEXT),
        ("event_count", _BIG),
        ("techniques", pa.list_(_TEXT)),
        ("explanation", _TEXT),
        ("event_ids", pa.list_(_BIG)),
    ]
)
"""Abnormal data. ``finding_id`` is a stable key of what was found (finding it again replaces the row), ``alert_key``
groups equal findings into one alert, ``explanation`` is a JSON list of ``{field, value, weight}``, ``event_ids`` names
at most 20 of the events it rests on, and ``src_ip`` is who did it (never a value that the attacker wrote)."""
