"""Comma-separated values (RFC 4180) with a header row, also with semicolons, tabs or bars between the fields."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from soc_tui.acquisition.formats.base import REASONS, Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.acquisition.framing import Framing, Quoted
from soc_tui.core.schema import NORMALISED

_DELIMITERS = (",", ";", "\t", "|")
_MAX_FIELDS = 400
"""Of a header; a line with more is a line like any other."""
_FRAMING = Quoted()
_NAME = re.compile(r"[A-Za-z_@#%][^\x00-\x1f\"{}=<>\\]{0,63}")
"""What a column may be called. A value with an equals sign or a brace is none: ``a=1,b=2`` is no header."""

_COLUMNS: dict[str, tuple[str, ...]] = {
    "word": ("timestamp", "@timestamp", "time_stamp", "ts", "datetime", "date_time", "date time", "time", "date",
             "event_time", "eventtime", "timegenerated", "timecreated", "utc", "created", "created_at", "start_time"),
    "level": ("level", "severity", "loglevel", "log.level", "priority"),
    "host": ("host", "hostname", "host.name", "computer", "computername", "machine", "device", "agent.name"),
    "process": ("process", "program", "process.name", "processname", "image", "application", "app"),
    "user_name": ("user", "username", "user_name", "user.name", "account", "accountname", "login", "targetusername"),
    "src_ip": ("src_ip", "source_ip", "source.ip", "src", "srcip", "sourceip", "source", "source address", "client_ip",
               "clientip", "c-ip", "remote_addr", "ip", "ip_address", "ipaddress", "src_addr", "source ip"),
    "src_port": ("src_port", "source_port", "source.port", "sport", "srcport", "source port", "sourceport"),
    "dst_ip": ("dst_ip", "dest_ip", "destination_ip", "destination.ip", "dst", "dstip", "destip", "destination",
               "destination address", "dst_addr", "server_ip", "s-ip", "destination ip"),
    "dst_port": ("dst_port", "dest_port", "destination_port", "destination.port", "dport", "dstport", "s-port",
                 "destination port", "destinationport"),
    "method": ("http.request.method", "http_method", "request_method", "cs-method", "method"),
    "code": ("http.response.status_code", "http_status", "status_code", "sc-status"),
    "agent": ("user_agent.original", "user_agent", "useragent", "user agent", "cs(user-agent)"),
    "path": ("url.path", "url_path", "cs-uri-stem"),
    "query": ("url.query", "url_query", "cs-uri-query"),
    "domain": ("url.domain", "url_host", "cs-host"),
    "target": ("url", "uri", "url.original", "request_uri"),
    "outcome": ("event.outcome", "outcome", "status", "result", "action"),
    "file_path": ("file", "file_path", "file.path", "filename", "path"),
    "message": ("message", "msg", "description", "content", "event", "text", "details", "info", "summary", "log"),
}  # fmt: skip
"""Per column of ours (or text that becomes one), the header's names that fill it, in lower case; the first counts."""

_KNOWN = {name for names in _COLUMNS.values() for name in names}


class Csv(Format):
    """A table as text. Its first record names the columns and is no event."""

    name = "csv"

    @property
    def framing(self) -> Framing:
        """A quoted field may hold line ends."""
        return _FRAMING

    def confidence(self, lines: Sequence[str]) -> float:
        """By a header row of distinct names and as many fields in almost every row below it; weak on purpose."""
        header = _header(lines[0]) if len(lines) > 1 else {}
        names = [name.lower() for name in header.get("columns", ())]
        if len(names) < (2 if _KNOWN & set(names) else 4):
            return 0.0
        try:
            rows = list(csv.reader(lines[1:50], delimiter=header["delimiter"]))
        except csv.Error:  # a carriage return within a row, or a field beyond the module's limit
            return 0.0
        fits = sum(len(row) == len(names) for row in rows)
        return 0.45 if rows and fits >= 0.6 * len(rows) else 0.0

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every row below the header is an event; one with another number of fields is kept as its text."""
        if "columns" not in header:
            first = str(lines["line"][0].as_py())
            header = _header(first)
            if header:
                lines = lines.slice(1)
            else:  # named csv by a person, but without a header row
                delimiter = max(_DELIMITERS, key=first.count)
                header = {"delimiter": delimiter, "columns": []}
        if lines.num_rows == 0:
            return Normalised(NORMALISED.empty_table(), REASONS.empty_table(), header)
        columns: list[str] = header["columns"]
        delimiter = header["delimiter"]
        params: dict[str, Any] = {
            "modified": origin.modified, "zone": origin.zone, "product": "csv", "delimiter": delimiter,
            "field": _field_pattern(delimiter), "mark": "\x1f", "count": len(columns),
            **{f"n{number}": f"{json.dumps(name)}:" for number, name in enumerate(columns, 1)},
        }  # fmt: skip
        sql = _sql(len(columns), tuple(_places(columns).items()))
        used = set(re.findall(r"\$(\w+)", sql))
        kept = {name: value for name, value in params.items() if name in used}
        return Normalised(*normalise(sql, lines, kept), header)


def _header(line: str) -> Header:
    """The delimiter and the columns that a header row names; empty when the line is none."""
    delimiter = max(_DELIMITERS, key=line.count)
    if delimiter not in line:
        return {}
    try:
        names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except (csv.Error, StopIteration):
        return {}
    if names and not names[0]:
        names[0] = "#"  # a table written with its row numbers, as pandas does
    if len(names) > _MAX_FIELDS or len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)):
        return {}
    return {"delimiter": delimiter, "columns": names}


def _places(columns: Sequence[str]) -> dict[str, int]:
    """Where each column of ours is found in a row, from 1."""
    at = {name.lower(): number for number, name in reversed(list(enumerate(columns, 1)))}
    places = {}
    for column, names in _COLUMNS.items():
        found = next((at[name] for name in names if name in at), 0)
        if found:
            places[column] = found
    if columns and {"date", "time"} <= at.keys() and places["word"] in {at["date"], at["time"]}:
        places["word"], places["clock"] = at["date"], at["time"]
    return places


def _field_pattern(delimiter: str) -> str:
    mark = re.escape(delimiter)
    return f'(?s){mark}("(?:[^"]|"")*"[^{mark}]*|[^{mark}]*)'


@cache
def _sql(count: int, places: tuple[tuple[str, int], ...]) -> str:
    """The query for a header of that many columns; it is made of our own names and of numbers only."""
    at = dict(places)
    columns = []
    for column in _COLUMNS:
        value = f"nullif(nullif(f[{at[column]}], ''), '-')" if column in at else "NULL::VARCHAR"
        if column == "word" and "clock" in at:
            value = f"{value} || ' ' || f[{at['clock']}]"
        if column == "message":
            value = f"CASE WHEN fits THEN {value} ELSE line END"
        columns.append(f"{value if column == 'message' else f'CASE WHEN fits THEN {value} END'} AS {column}")
    members = [f"CASE WHEN f[{n}] <> '' THEN $n{n} || to_json(f[{n}])::VARCHAR END" for n in range(1, count + 1)]
    doc = f"CASE WHEN fits THEN '{{' || concat_ws(',', {', '.join(members)}) || '}}' END" if count else "NULL::VARCHAR"
    head = load_sql("other/csv").replace("{doc}", doc).replace("{columns}", ", ".join(columns))
    return (head + load_sql("other/record")).replace("{stamp}", load_sql("other/stamp"))
