"""Access logs of a layout: those that the settings define and the built-in ones that are most shortly said so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.acquisition.formats.web.layout import Field, Layout, compile_layout, compile_setting

_HEAD_LINES = 50
_COLUMNS = (
    "client", "src_port", "server", "dst_port", "verb", "path", "query", "request", "site", "code", "bytes_in",
    "bytes_out", "duration", "agent", "referrer", "user", "tls_server_name", "file_path",
)  # fmt: skip
"""The roles that layout.sql reads, as text."""


@dataclass(frozen=True)
class LayoutFormat(Format):
    """An access log whose records have one layout."""

    called: str
    layout: Layout
    product: str

    @property
    def name(self) -> str:
        """As the settings call it."""
        return self.called

    def confidence(self, lines: Sequence[str]) -> float:
        """The share of the first lines that the whole pattern fits; RE2 does it, so no line can take long."""
        head = pa.array(lines[:_HEAD_LINES], pa.string())
        fits = pc.sum(pc.match_substring_regex(head, self.layout.pattern)).as_py() or 0
        return float(fits) / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """``src_ip`` is the peer (``%a``, ``%h``, ``$remote_addr``), never a header."""
        sql = _sql(self)
        params = {"modified": origin.modified, "zone": origin.zone, "name": self.called, "product": self.product}
        used = {key: value for key, value in params.items() if f"${key}" in sql}
        return Normalised(*normalise(sql, lines, used), header)


@cache
def custom_format(name: str, text: str) -> LayoutFormat:
    """The format of ``acquisition.access_formats``.

    Raises:
        SettingsError: the layout cannot be compiled.
    """
    return LayoutFormat(name, compile_setting(name, text), "apache-nginx")


@cache
def _sql(one: LayoutFormat) -> str:
    """The normaliser of a layout. The pattern and the names in it are literals: they come from the settings."""
    fields = one.layout.fields
    groups = [f"g{number}" for number in range(1, len(fields) + 1)]
    value = {id(field): f"g.{group}" for field, group in zip(fields, groups, strict=True)}
    if one.layout.json:
        value = {key: _unescaped(text) for key, text in value.items()}
    chosen = {role: ranked[0] for role in _COLUMNS if (ranked := _ranked(fields, role))}
    times = _times(fields)
    columns = [f"{_set(value[id(chosen[role])]) if role in chosen else 'NULL::VARCHAR'} AS {role}" for role in _COLUMNS]
    columns.append(f"{_time_sql(times, value)} AS stamp")
    unit = chosen["duration"].unit if "duration" in chosen else "1"
    columns.append(f"try_cast(duration AS DOUBLE) * {unit} AS seconds")
    taken = {id(field) for field in (*chosen.values(), *times)}
    members = [f"member({_quoted(field.name)}, {_set(value[id(field)])})" for field in fields if id(field) not in taken]
    if "client" in chosen:  # a host name has no column
        members.insert(0, f"member({_quoted(chosen['client'].name)}, CASE WHEN as_ip(client) IS NULL THEN client END)")
    members.append("""CASE WHEN stamp IS NULL THEN '"time_source":"file"' END""")
    text = load_sql("web/layout").replace("{pattern}", _quoted(one.layout.pattern))
    text = text.replace("{groups}", ", ".join(f"'{group}'" for group in ("whole", *groups)))
    text = text.replace("{columns}", ", ".join(columns)).replace("{members}", ", ".join(members))
    text = text.replace("{dated}", "true" if times else "false")
    return text + load_sql("web/requests")


def _ranked(fields: Sequence[Field], role: str) -> list[Field]:
    return sorted((field for field in fields if field.role == role), key=lambda field: field.rank)


def _times(fields: Sequence[Field]) -> list[Field]:
    """The fields that together tell the time: those of the start where there are any, the first of its kinds."""
    found = _ranked(fields, "time") or _ranked(fields, "time_end")
    if not found or found[0].stamp in {"clf", "iso"}:
        return found[:1]
    whole = [field for field in found if field.stamp in {"", "clf", "iso"}]
    if whole:  # seconds since 1970, and perhaps the fraction beside them
        fraction = (
            [field for field in found if field.stamp == "%f"] if whole[0].unit == "1" and not whole[0].stamp else []
        )
        return [whole[0], *fraction[:1]]
    written = " ".join(field.stamp for field in found)
    dated = re.search(r"%[Yy]", written) and (re.search(r"%j", written) or re.search(r"%-?d", written))
    return found if dated else []


def _time_sql(times: Sequence[Field], value: dict[int, str]) -> str:
    if not times:
        return "NULL::TIMESTAMP"
    first = value[id(times[0])]
    if times[0].stamp == "clf":
        return f"try_strptime({first}, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMP"
    if times[0].stamp == "iso":
        zoned = f"regexp_matches({first}, '(?:Z|[+-]\\d\\d:?\\d\\d)$')"
        return f"CASE WHEN $zone = 'UTC' OR {zoned} THEN from_iso({first}) ELSE in_zone(from_iso({first}), $zone) END"
    if not times[0].stamp:
        seconds = f"try_cast({first} AS DOUBLE) * {times[0].unit}"
        for fraction in times[1:]:
            seconds += f" + try_cast('0.' || {value[id(fraction)]} AS DOUBLE)"
        return f"from_epoch({seconds})"
    text = " || ' ' || ".join(value[id(field)] for field in times)
    stamp = " ".join(field.stamp for field in times)
    parsed = f"try_strptime({text}, {_quoted(stamp)})"
    return f"{parsed}::TIMESTAMP" if "%z" in stamp else f"in_zone({parsed}, $zone)"


def _set(value: str) -> str:
    """NULL for what the servers write where there is nothing."""
    return f"nullif(nullif({value}, '-'), '')"


def _unescaped(value: str) -> str:
    text = f"""'"' || {value} || '"'"""
    escaped = f"contains({value}, '\\') AND json_valid({text})"
    return f"CASE WHEN {escaped} THEN json_extract_string({text}, '$') ELSE {value} END"


def _quoted(text: str) -> str:
    """An SQL string. ``$`` and ``{`` in it mean nothing to DuckDB inside quotes."""
    return "'" + text.replace("'", "''") + "'"


TRAEFIK_CLF = LayoutFormat(
    "traefik-clf",
    compile_layout(
        '%h - %u %t "%r" %s %b "%{Referer}i" "%{User-Agent}i" %{request_count}n "%{router}n" "%{server_url}n" %{ms}Tms',
        firm={"router", "server_url"},
    ),
    "traefik",
)
"""Traefik's common log (https://doc.traefik.io/traefik/observability/access-logs/), which writes quotes raw. Its first
field is the peer, or what a proxy that Traefik is told to trust says it is."""

ALB = LayoutFormat(
    "aws-alb",
    compile_layout(
        "$type $time_iso8601 $elb $remote_addr:$remote_port $target $request_processing_time $target_processing_time"
        ' $response_processing_time $status $target_status $request_length $bytes_sent "$request" "$http_user_agent"'
        " $ssl_cipher $ssl_protocol $target_group_arn",
        more=True,
    ),
    "aws-alb",
)
"""Application Load Balancer (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/
load-balancer-access-logs.html); the fields after the target group have changed often and stay together."""

S3 = LayoutFormat(
    "aws-s3",
    compile_layout(
        "$bucket_owner $bucket [$time_local] $remote_addr $requester $request_id $operation $key"
        ' "$request" $status $error_code $bytes_sent $object_size $total_ms $turn_around_ms "$http_referer"'
        ' "$http_user_agent" $version_id',
        more=True,
    ),
    "aws-s3",
)
"""S3 server access log (https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html)."""
