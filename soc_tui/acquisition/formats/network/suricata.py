"""Suricata's EVE JSON, every event type, the DNS records of versions 1, 2 and 3."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise


def _texts(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), "VARCHAR")


_FLAT = "timestamp flow_id event_type src_ip src_port dest_ip dest_port proto app_proto community_id host"
_SCHEMA: dict[str, Any] = _texts(_FLAT) | {
    "alert": _texts("signature_id signature category severity"),
    "http": _texts("hostname url http_user_agent http_refer http_method status"),
    "dns": _texts("type rrname rrtype rcode")
    | {
        "queries": [_texts("rrname rrtype")],
        "query": [_texts("rrname rrtype")],
        "answer": _texts("rrname rrtype rcode"),
    },
    "flow": _texts("pkts_toserver pkts_toclient bytes_toserver bytes_toclient start end state src_ip"),
    "tcp": _texts("rst"),
    "tls": _texts("sni") | {"ja3": _texts("hash")},
    "quic": _texts("sni") | {"ja3": _texts("hash")},
    "fileinfo": _texts("filename sha256 sha1 md5"),
    "anomaly": _texts("event type layer"),
    "krb5": _texts("cname error_code"),
}


@cache
def _sql() -> str:
    gone = json.dumps(dict.fromkeys(_FLAT.replace("app_proto ", "").split()))
    return load_sql("network/suricata").replace("{schema}", json.dumps(_SCHEMA)).replace("{gone}", gone)


class SuricataEve(Format):
    """Records with an ``event_type`` and a ``timestamp``."""

    name = "suricata-eve"

    def confidence(self, lines: Sequence[str]) -> float:
        """By the two keys that every EVE record has."""
        return 1.0 if any(_is_eve(line) for line in lines[:20]) else 0.0

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every JSON object is an event; the sections of its type stay in ``extra`` whole."""
        return Normalised(*normalise(_sql(), lines, {"modified": origin.modified}), header)


def _is_eve(line: str) -> bool:
    if not line.startswith("{") or '"event_type"' not in line:
        return False
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and "event_type" in record and "timestamp" in record
