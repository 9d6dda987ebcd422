"""W3C extended logs (https://www.w3.org/TR/WD-logfile.html) of websites: IIS, HTTP.sys' error log, Amazon CloudFront.

The ``#Fields:`` line says what the columns are and may change within a file. Times are UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import REASONS, Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.core.schema import NORMALISED

_MAX_FIELDS = 512
"""More names than any ``#Fields`` line has (CloudFront, the longest known, has 33)."""

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "day": ("date",),
    "clock": ("time",),
    "host": ("s-computername",),
    "server": ("s-ip",),
    "dst_port": ("s-port",),
    "client": ("c-ip",),
    "src_port": ("c-port",),
    "method": ("cs-method",),
    "path": ("cs-uri-stem", "cs-uri"),
    "query": ("cs-uri-query",),
    "user_name": ("cs-username",),
    "agent": ("cs(user-agent)",),
    "referrer": ("cs(referer)", "cs(referrer)"),
    "site": ("x-host-header", "cs-host", "cs(host)"),
    "code": ("sc-status",),
    "bytes_in": ("sc-bytes",),
    "bytes_out": ("cs-bytes",),
    "took": ("time-taken",),
}
"""What w3c.sql reads, and the fields (lower case) that it is taken from, the first that the log has."""


class W3cLog(Format):
    """A website log with ``#Fields:``; ``#`` lines are taken in and are no records."""

    name = "iis"
    skips = "#"

    def confidence(self, lines: Sequence[str]) -> float:
        """Certain when a ``#Fields:`` line names a request's parts."""
        fields = [set(line.lower().split()[1:]) for line in lines if line.startswith("#Fields:")]
        return 1.0 if any({"c-ip", "cs-method", "cs-uri-stem", "sc-status"} & names for names in fields) else 0.0

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every line below a header is an event or has the wrong number of fields; ``c-ip`` is the peer."""
        groups, header = _by_header(lines, header)
        results = [_group(group, head, origin) for head, group in groups]
        if len(results) == 1:
            return Normalised(*results[0], header)
        events = pa.concat_tables([NORMALISED.empty_table(), *(result[0] for result in results)])
        rejects = pa.concat_tables([REASONS.empty_table(), *(result[1] for result in results)])
        return Normalised(events.sort_by("source_offset"), rejects.sort_by("source_offset"), header)


def _by_header(lines: pa.Table, header: Header) -> tuple[list[tuple[Header, pa.Table]], Header]:
    """The records under each header in force, and the header after the last line."""
    marks = pc.indices_nonzero(pc.starts_with(lines["line"], "#")).to_pylist()
    groups: dict[str, tuple[Header, list[pa.Table]]] = {}
    start = 0
    for mark in [*marks, lines.num_rows]:
        if mark > start:
            groups.setdefault(json.dumps(header), (header, []))[1].append(lines.slice(start, mark - start))
        if mark < lines.num_rows:
            header = _read_header(lines["line"][mark].as_py(), header)
        start = mark + 1
    return [(head, pa.concat_tables(parts)) for head, parts in groups.values()], header


def _read_header(line: str, header: Header) -> Header:
    word, _, rest = line.partition(":")
    if word == "#Fields":
        return {**header, "fields": rest.split()}
    if word == "#Date":  # the day of records that only tell the time
        return {**header, "date": rest.split()[0] if rest.split() else ""}
    return header


def _group(lines: pa.Table, header: Header, origin: Origin) -> tuple[pa.Table, pa.Table]:
    fields: list[str] = header.get("fields", [])
    if not fields or len(fields) > _MAX_FIELDS:
        reason = "no #Fields line before this record" if not fields else f"#Fields names over {_MAX_FIELDS} columns"
        rejects = lines.select(["source_offset", "source_length"])
        return NORMALISED.empty_table(), rejects.append_column("reason", pa.array([reason] * lines.num_rows))
    at: dict[str, int] = {}
    for number, field in enumerate(fields, 1):
        at.setdefault(field.lower(), number)
    cloudfront = "x-edge-location" in at
    params: dict[str, Any] = {
        "modified": origin.modified, "separator": "\t" if cloudfront else " ", "count": len(fields),
        "date": header.get("date", ""),
    }  # fmt: skip
    read = {column: next((name for name in names if name in at), "") for column, names in _COLUMNS.items()}
    columns = [
        f"nullif(f[{at[name]}], '-') AS {column}" if name else f"NULL::VARCHAR AS {column}"
        for column, name in read.items()
    ]
    extra = []
    for number, field in enumerate(fields, 1):
        if field.lower() not in read.values():
            params[f"n{number}"] = f"{json.dumps(field)}:"  # names are data: they reach SQL only as parameters
            extra.append(f"$n{number} || to_json(nullif(nullif(f[{number}], '-'), ''))::VARCHAR")
    # IIS writes a blank of a header as a plus sign, CloudFront percent-encodes it.
    words = "CASE WHEN contains({0}, '%') THEN url_decode({0}) ELSE {0} END" if cloudfront else "replace({0}, '+', ' ')"
    text = load_sql("web/w3c").replace("{columns}", ", ".join(columns)).replace("{extra}", ", ".join(["NULL", *extra]))
    text = text.replace("{agent}", words.format("agent")).replace("{second}", "1" if cloudfront else "1e-3")
    text = text.replace("{referrer}", words.format("referrer") if cloudfront else "referrer")
    text = text.replace("{product}", "cloudfront" if cloudfront else "iis") + load_sql("web/requests")
    used = set(re.findall(r"\$(\w+)", text))
    return normalise(text, lines, {name: value for name, value in params.items() if name in used})
