"""Access logs as JSON objects: nginx and whoever names the fields alike, Caddy 2, Traefik."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise

_COLUMNS = (
    "time", "src_ip", "src_port", "dst_ip", "dst_port", "code", "bytes_in", "bytes_out", "duration", "verb", "path",
    "args", "request_line", "site", "agent", "referrer", "user_name", "tls_server_name", "words", "level",
)  # fmt: skip
"""What json.sql reads, as text."""

_UNTIMED = """CASE WHEN time IS NULL THEN '"time_source":"file"' END"""


@dataclass(frozen=True, eq=False)
class JsonAccess(Format):
    """Access records as JSON objects of one server, named as it names them."""

    product: str
    likeness: Callable[[Mapping[str, Any]], float]
    """How sure one record is of this format."""
    schema: Mapping[str, Any]
    """The fields that are read, as ``from_json`` wants them; their names differ by more than case."""
    columns: Mapping[str, str]
    """SQL over ``r``, the record by ``schema``; columns left out are null."""
    gone: str
    """SQL that gives the merge patch (RFC 7396) that takes what has a column out of ``extra``."""
    second: str = "1"
    """Seconds in one unit of the duration."""
    called: str = ""
    """The name of the format where it is not the product's."""

    @property
    def name(self) -> str:
        """As the product, unless called otherwise."""
        return self.called or self.product

    def confidence(self, lines: Sequence[str]) -> float:
        """By the keys of the first records; one that only this server writes is enough."""
        head = lines[:20]
        found = [self.likeness(record) for line in head if (record := _object(line))]
        return 1.0 if 1.0 in found else sum(found) / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every JSON object is an event, one that is no request an application event; other lines are rejects."""
        params = {"modified": origin.modified, "zone": origin.zone}
        return Normalised(*normalise(_sql(self), lines, params), header)


@cache
def _sql(one: JsonAccess) -> str:
    columns = ", ".join(f"({one.columns.get(name, 'NULL')})::VARCHAR AS {name}" for name in _COLUMNS)
    text = load_sql("web/json").replace("{schema}", json.dumps(one.schema)).replace("{columns}", columns)
    text = text.replace("{gone}", one.gone).replace("{product}", one.product).replace("{second}", one.second)
    return text + load_sql("web/requests")


def _object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _patches(*cases: tuple[str, Iterable[str]]) -> str:
    """SQL that gives a merge patch: the first case (condition, fields that have a column) that holds."""
    texts = " ".join(f"WHEN {case} THEN '{json.dumps(dict.fromkeys(fields))[1:-1]}'" for case, fields in cases)
    return f"'{{' || concat_ws(',', CASE {texts} END, {_UNTIMED}) || '}}'"


_ALIASES: Mapping[str, tuple[str, ...]] = {
    "time": ("time_iso8601", "time_local", "@timestamp", "timestamp", "msec", "time", "ts", "datetime", "date"),
    "src_ip": ("remote_addr", "remote_ip", "remoteAddr", "remote-addr", "clientip", "client"),
    "src_port": ("remote_port", "remotePort"),
    "dst_ip": ("server_addr",),
    "dst_port": ("server_port",),
    "code": ("status", "status_code", "statusCode", "http_status", "response_status", "response"),
    "bytes_in": ("body_bytes_sent", "bytes_sent", "bodyBytesSent", "bytes", "response_size", "size"),
    "bytes_out": ("request_length", "requestLength", "bytes_received"),
    "duration": ("request_time", "requestTime"),
    "verb": ("request_method", "requestMethod", "method", "http_method", "verb"),
    "path": ("request_uri", "requestUri", "uri", "url", "request_path", "path"),
    "args": ("args", "query_string", "query"),
    "request_line": ("request", "requestLine"),
    "site": ("http_host", "host", "server_name", "vhost", "domain"),
    "agent": ("http_user_agent", "user_agent", "userAgent", "agent", "http_user-agent"),
    "referrer": ("http_referer", "http_referrer", "referer", "referrer"),
    "user_name": ("remote_user", "remoteUser", "user_name", "username", "user"),
    "tls_server_name": ("ssl_server_name",),
    "words": ("message", "msg"),
    "level": ("level",),
}
"""Field names in use for each column; the first that a record has is taken, the others stay in ``extra``. Names such as
``client_ip`` or ``x_forwarded_for`` are not among the addresses: clients or proxies write them."""


def _first(column: str) -> str:
    found = ", ".join(f'r."{key}"' for key in _ALIASES[column])
    return f"coalesce({found})" if len(_ALIASES[column]) > 1 else found


def _taken(column: str) -> str:
    """The member of the merge patch that removes the field which a column was read from, where it could be."""
    cases = " ".join(f"""WHEN r."{key}" IS NOT NULL THEN '"{key}":null'""" for key in _ALIASES[column])
    return f"CASE WHEN {column} IS NOT NULL THEN CASE {cases} END END"


def _like_nginx(record: Mapping[str, Any]) -> float:
    """A peer, a request and a status, by whatever names; not quite certain."""
    peer, code, path = (not record.keys().isdisjoint(_ALIASES[column]) for column in ("src_ip", "code", "path"))
    other = {"event_type", "uid", "id.orig_h", "_path"} & record.keys()
    return 0.95 if peer and code and (path or isinstance(record.get("request"), str)) and not other else 0.0


_WITH_COLUMN = [_taken(column) for column in _ALIASES if column not in {"words", "level"}]

NGINX_JSON = JsonAccess(
    called="nginx-json",
    product="nginx",
    likeness=_like_nginx,
    schema=dict.fromkeys((key for keys in _ALIASES.values() for key in keys), "VARCHAR"),
    columns={column: _first(column) for column in _ALIASES}
    | {"request_line": f"CASE WHEN NOT starts_with({_first('request_line')}, '{{') THEN {_first('request_line')} END"},
    gone=f"'{{' || concat_ws(',', {', '.join([*_WITH_COLUMN, _UNTIMED])}) || '}}'",
)
"""What ``log_format NAME escape=json '{...}'`` writes, by the names of nginx's variables or names like them."""


def _like_caddy(record: Mapping[str, Any]) -> float:
    """Its logger's name, or a request that is an object with Caddy's names."""
    request = record.get("request")
    if str(record.get("logger", "")).startswith("http.log"):
        return 1.0
    known = isinstance(request, dict) and "uri" in request and {"remote_ip", "remote_addr"} & request.keys()
    return 1.0 if known and "ts" in record else 0.0


_CADDY_SURE = ("user_id", "size", "bytes_read", "status")

CADDY = JsonAccess(
    product="caddy",
    likeness=_like_caddy,
    schema={
        **dict.fromkeys(("ts", "level", "msg", "duration", *_CADDY_SURE), "VARCHAR"),
        "request": {
            **dict.fromkeys(("remote_ip", "remote_addr", "remote_port", "method", "host", "uri"), "VARCHAR"),
            "headers": {"User-Agent": ["VARCHAR"], "Referer": ["VARCHAR"]},
            "tls": {"server_name": "VARCHAR"},
        },
    },
    columns={
        "time": "r.ts", "code": "nullif(r.status, '0')", "bytes_in": "r.size", "bytes_out": "r.bytes_read",
        "duration": "r.duration", "verb": "r.request.method", "path": "r.request.uri", "site": "r.request.host",
        "agent": "r.request.headers.\"User-Agent\"[1]", "referrer": "r.request.headers.Referer[1]",
        "user_name": "r.user_id", "tls_server_name": "r.request.tls.server_name", "words": "r.msg", "level": "r.level",
        "src_ip": "coalesce(r.request.remote_ip, trim(regexp_replace(r.request.remote_addr, ':\\d+$', ''), '[]'))",
        "src_port": "coalesce(r.request.remote_port, regexp_extract(r.request.remote_addr, ':(\\d+)$', 1))",
    },
    # A duration in words ("1.5ms", an option of the encoder) has no column.
    gone=_patches(
        ("time IS NOT NULL AND duration IS NOT NULL", (*_CADDY_SURE, "ts", "duration")),
        ("time IS NOT NULL", (*_CADDY_SURE, "ts")),
        ("true", _CADDY_SURE),
    ),
)  # fmt: skip
"""Caddy 2 (https://caddyserver.com/docs/logging). The request stays in ``extra`` whole; its ``client_ip`` is made of
headers and is no peer."""


def _like_traefik(record: Mapping[str, Any]) -> float:
    """Names that only Traefik gives."""
    return (
        1.0 if "RequestMethod" in record and {"DownstreamStatus", "ClientAddr", "RouterName"} & record.keys() else 0.0
    )


_TRAEFIK_SURE = (
    "StartUTC", "ClientPort", "ClientUsername", "DownstreamStatus", "DownstreamContentSize", "RequestContentSize",
    "Duration", "RequestMethod", "RequestPath", "RequestHost", "request_User-Agent", "request_Referer",
)  # fmt: skip

TRAEFIK = JsonAccess(
    product="traefik",
    likeness=_like_traefik,
    second="1e-9",
    schema=dict.fromkeys((*_TRAEFIK_SURE, "StartLocal", "time", "ClientAddr", "ClientHost", "msg", "level"), "VARCHAR"),
    columns={
        "time": "coalesce(r.StartUTC, r.StartLocal, r.time)", "code": "nullif(r.DownstreamStatus, '0')",
        "src_ip": "trim(regexp_replace(r.ClientAddr, ':\\d+$', ''), '[]')", "src_port": "r.ClientPort",
        "bytes_in": "r.DownstreamContentSize", "bytes_out": "r.RequestContentSize", "duration": "r.Duration",
        "verb": "r.RequestMethod", "path": "r.RequestPath", "site": "r.RequestHost",
        "agent": "r.\"request_User-Agent\"", "referrer": "r.request_Referer", "user_name": "r.ClientUsername",
        "words": "r.msg", "level": "r.level",
    },
    gone=_patches(
        ("src_ip IS NULL", _TRAEFIK_SURE),
        ("r.ClientHost = src_ip", (*_TRAEFIK_SURE, "ClientAddr", "ClientHost")),
        ("true", (*_TRAEFIK_SURE, "ClientAddr")),
    ),
)  # fmt: skip
"""Traefik (https://doc.traefik.io/traefik/observability/access-logs/). The peer is ``ClientAddr``: ``ClientHost`` is
the ``X-Forwarded-For`` of a request that carries one."""
