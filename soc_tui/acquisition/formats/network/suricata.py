"""Suricata's EVE JSON, every event type, the DNS records of versions 1, 2 and 3."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.network.sections import OTHER, kinds, section
from soc_tui.acquisition.formats.network.split import by_section


def _texts(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), "VARCHAR")


_FLAT = "timestamp flow_id event_type src_ip src_port dest_ip dest_port proto app_proto community_id host"
_QUERIES: dict[str, Any] = _texts("type rrname rrtype rcode") | {"queries": [_texts("rrname rrtype")]}
_SCHEMA: dict[str, Any] = {
    "alert": _texts("signature_id signature category severity"),
    "http": _texts("hostname url http_user_agent http_refer http_method status version")
    | {"request_headers": [_texts("name value")], "response_headers": [_texts("name value")]},
    "dns": _QUERIES | {"query": [_texts("rrname rrtype")], "answer": _texts("rrname rrtype rcode")},
    "mdns": _QUERIES,
    "llmnr": _QUERIES,
    "flow": _texts("pkts_toserver pkts_toclient bytes_toserver bytes_toclient start end state src_ip"),
    "netflow": _texts("pkts bytes start end"),
    "tcp": _texts("rst"),
    "tls": _texts("sni subject") | {"ja3": _texts("hash")},
    "quic": _texts("sni") | {"ja3": _texts("hash")},
    "fileinfo": _texts("filename size sha256 sha1 md5"),
    "anomaly": _texts("event type layer"),
    "drop": _texts("reason"),
    "krb5": _texts("msg_type failed_request cname sname error_code"),
    "smb": _texts("command status filename") | {"ntlmssp": _texts("user")},
    "dcerpc": _texts("request response"),
    "ssh": {"client": _texts("software_version"), "server": _texts("software_version")},
    "rdp": _texts("event_type cookie error_code reason"),
    "rfb": {"authentication": _texts("security_result")} | _texts("server_security_failure_reason"),
    "ftp": _texts("command command_data") | {"completion_code": ["VARCHAR"], "reply": ["VARCHAR"]},
    "ftp_data": _texts("command filename"),
    "email": _texts("subject"),
    "pop3": {"request": _texts("command") | {"args": ["VARCHAR"]}, "response": _texts("success header")},
    "dhcp": _texts("type dhcp_type client_mac assigned_ip hostname"),
    "snmp": _texts("pdu_type"),
    "sip": _texts("method code request_line response_line"),
    "nfs": _texts("procedure filename status"),
    "tftp": _texts("packet file"),
    "ike": _texts("exchange_type_verbose"),
    "mqtt": {"connect": _texts("username"), "connack": _texts("return_code"), "publish": _texts("topic")}
    | {"subscribe": "JSON"},
    "modbus": {"request": _texts("function_raw function_code"), "response": {"exception": "JSON"}},
    "pgsql": {
        "request": _texts("simple_query message") | {"startup_parameters": _texts("user")},
        "response": _texts("code message secret_key process_id"),
    },
    "ldap": {
        "request": _texts("operation") | {"bind_request": _texts("name"), "search_request": _texts("base_object")},
        "responses": [{"bind_response": _texts("result_code")}],
    },
    "arp": _texts("opcode src_ip dest_ip src_mac dest_mac"),
    "engine": _texts("message"),
}  # fmt: skip


_FILE = "network/suricata"
_GONE = (
    "timestamp",
    "flow_id",
    "event_type",
    "src_ip",
    "src_port",
    "dest_ip",
    "dest_port",
    "proto",
    "community_id",
    "host",
)
"""The members of every record that have a column whole. The object of an event type stays in ``extra`` as it is."""


@cache
def _kinds_sql() -> str:
    # The event type is among the first members, in front of any object. Inside a string its quotes would be escaped, so
    # the text is looked at instead of parsing the record once more; a record of another order is parsed.
    return f"""
        WITH parsed AS (
            SELECT source_offset, source_length, line,
                CASE WHEN json_valid(line) AND starts_with(ltrim(line, E' \\t\\r\\n'), '{{') THEN line END AS doc
            FROM lines
        ), split AS (
            SELECT *, instr(doc, '"event_type":"') AS place FROM parsed
        ), named AS (
            SELECT source_offset, source_length,
                CASE WHEN doc IS NULL THEN
                    CASE WHEN json_valid(line) THEN 'JSON, but not an object' ELSE 'not valid JSON' END END AS reason,
                replace(CASE WHEN place > 0 AND NOT contains(substr(doc, 2, place), '{{')
                    THEN split_part(substr(doc, place + 14, 40), '"', 1)
                    ELSE json_extract_string(doc, '$.event_type') END, '-', '_') AS kind
            FROM split
        )
        SELECT source_offset, source_length, reason, kind AS log_name, CASE WHEN kind = 'http2' THEN 'http'
            WHEN list_contains({list(kinds(_FILE))}, kind) THEN kind ELSE '{OTHER}' END AS activity
        FROM named"""  # noqa: S608 - made of our own names only


@cache
def _sql(kind: str) -> str:
    known = section(_FILE, kind)
    schema = json.dumps(_texts(f"{_FLAT} log_level") | {name: _SCHEMA[name] for name in known.names})
    columns = ", ".join(f"{sql} AS {name}" for name, sql in known.columns.items())
    return f"""
        WITH records AS (
            SELECT source_offset, source_length, from_json(line, '{schema}') AS r,
                json_merge_patch(line, '{json.dumps(dict.fromkeys(_GONE))}')::VARCHAR AS rest
            FROM lines
        ), known AS (
            SELECT source_offset, source_length, r, nullif(rest, '{{}}') AS rest,
                coalesce(from_iso(r."timestamp"), from_any_epoch(r."timestamp")) AS stamp
            FROM records
        )
        SELECT source_offset, source_length, NULL::VARCHAR AS reason, coalesce(stamp, $modified) AS time, {columns},
            CASE WHEN stamp IS NULL THEN json_merge_patch(coalesce(rest, '{{}}'), '{{"time_source":"file"}}')::VARCHAR
                ELSE rest END AS extra
        FROM known"""  # noqa: S608 - our own text


class SuricataEve(Format):
    """Records with an ``event_type`` and a ``timestamp``."""

    name = "suricata-eve"

    def confidence(self, lines: Sequence[str]) -> float:
        """By the two keys that every EVE record has."""
        return 1.0 if any(_is_eve(line) for line in lines[:20]) else 0.0

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every JSON object is an event; the sections of its type stay in ``extra`` whole."""
        return by_section(_kinds_sql(), _sql, lines, header, origin)


def _is_eve(line: str) -> bool:
    if not line.startswith("{") or '"event_type"' not in line:
        return False
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and "event_type" in record and "timestamp" in record
