"""What no other format claims: JSON and plain text, kept and never refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise

_NAMES: dict[str, tuple[str, ...]] = {
    "word": ("timestamp", "@timestamp", "ts", "time", "datetime", "event.created", "@t", "date", "eventtime", "_time",
             "created_at"),
    "level": ("level", "severity", "loglevel", "log.level", "@l"),
    "host": ("host.name", "hostname", "host.hostname", "host"),
    "process": ("process.name", "program", "process"),
    "user_name": ("user.name", "username", "user_name", "user"),
    "src_ip": ("source.ip", "src_ip", "source_ip", "client.ip", "client_ip", "clientip", "remote_addr"),
    "src_port": ("source.port", "src_port", "source_port", "client.port"),
    "dst_ip": ("destination.ip", "dst_ip", "dest_ip", "destination_ip", "server.ip"),
    "dst_port": ("destination.port", "dst_port", "dest_port", "destination_port", "server.port"),
    "method": ("http.request.method", "http_method", "request_method"),
    "code": ("http.response.status_code", "http_status", "status_code"),
    "agent": ("user_agent.original", "user_agent", "http_user_agent"),
    "path": ("url.path", "url_path"),
    "query": ("url.query", "url_query"),
    "domain": ("url.domain", "url_host"),
    "target": ("url.original", "url", "request_uri"),
    "outcome": ("event.outcome", "outcome", "status", "result"),
    "file_path": ("file.path", "file_path"),
}  # fmt: skip
"""Per column (or text that becomes one), the members that fill it: the first that is there. ECS names first."""

_MESSAGE = ("message", "msg", "@m", "log_message", "log", "event")


class JsonLines(Format):
    """One JSON value per line, of no known product."""

    name = "json"

    def confidence(self, lines: Sequence[str]) -> float:
        """Weak on purpose: products with JSON of their own are asked first."""
        head = lines[:20]
        return 0.5 * sum(_is_object(line) for line in head) / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Values become events with everything in ``extra``; only what is not JSON is a reject."""
        params = {"modified": origin.modified, "zone": origin.zone, "product": "json"}
        return Normalised(*normalise(_json_sql(), lines, params), header)


class TextLines(Format):
    """Any text."""

    name = "text"

    def confidence(self, lines: Sequence[str]) -> float:  # noqa: ARG002
        """The last resort."""
        return 0.01

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every line is an application event whose message it is."""
        params = {"modified": origin.modified, "zone": origin.zone}
        sql = load_sql("other/text").replace("{stamp}", load_sql("other/stamp"))
        return Normalised(*normalise(sql, lines, params), header)


@cache
def _json_sql() -> str:
    members: dict[str, None] = {}
    columns = []
    for column, names in _NAMES.items():
        columns.append(f"coalesce({', '.join(_member(name, members) for name in names)}) AS {column}")
    message = f"coalesce({', '.join(_member(name, members) for name in _MESSAGE)})"
    head = load_sql("other/json").replace("{names}", ", ".join(columns)).replace("{message}", message)
    schema = json.dumps(dict.fromkeys(members, "VARCHAR"))
    return (head + load_sql("other/record")).replace("{schema}", schema).replace("{stamp}", load_sql("other/stamp"))


def _member(name: str, members: dict[str, None]) -> str:
    """The SQL that reads a member as text: by its own name, and where that has a dot inside the object before it."""
    members[name] = None
    own = f'r."{name}"'
    outer, dot, inner = name.partition(".")
    if not dot:  # an object is no text; its parts have names of their own
        return f"CASE WHEN NOT starts_with({own}, '{{') THEN {own} END"
    members[outer] = None
    return f"{own}, CASE WHEN starts_with(r.\"{outer}\", '{{') THEN json_extract_string(r.\"{outer}\", '$.{inner}') END"


def _is_object(line: str) -> bool:
    if not line.startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
