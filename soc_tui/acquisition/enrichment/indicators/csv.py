"""Comma-separated indicators with a header: MISP's CSV export, abuse.ch's and anybody's who names the columns."""

from __future__ import annotations

import csv as python_csv
import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from soc_tui.acquisition.enrichment.indicators.base import Parsed, Tally, lines, load_sql, run
from soc_tui.core.errors import SourceError, UsageError

VALUES = (
    "indicator", "ioc", "ioc_value", "value", "observable", "address", "ip", "ip_address", "ipaddress", "dst_ip",
    "src_ip", "host", "hostname", "domain", "fqdn", "url", "hash", "md5", "md5_hash", "sha1", "sha1_hash", "sha256",
    "sha256_hash", "network", "cidr", "subnet", "dest_ip",
)  # fmt: skip
"""Names of columns that hold values; all of them that a file has are read."""
_SEVERITY = ("severity", "threat_level", "risk")
_DESCRIPTION = ("description", "comment", "malware_printable", "malware", "signature", "threat", "info", "tags")
_UNTIL = ("valid_until", "expires", "expiration", "expiry")
_MOST_COLUMNS = 200


class Header(NamedTuple):
    """Where a file's columns are, from 1; 0 for one that it does not have."""

    line: int
    """The line of the header, from 0; data starts after it."""
    values: tuple[int, ...]
    severity: int
    description: int
    until: int
    to_ids: int
    type: int


def header(text: str, column: str) -> Header | None:
    """The header among the first lines: the first line that is no comment, or a comment that names the columns."""
    for number, line in enumerate(text.splitlines()[:200]):
        named = line.lstrip("#; \t\ufeff").rstrip()
        if not named:
            continue
        names = _names(named)
        wanted = _names(column) if column else VALUES
        places = tuple(place for place, name in enumerate(names, 1) if name in wanted)
        if places and (column or len(names) > 1) and len(names) <= _MOST_COLUMNS:
            return Header(
                number,
                places,
                *(_first(names, among) for among in (_SEVERITY, _DESCRIPTION, _UNTIL, ("to_ids",), ("type",))),
            )
        if not line.lstrip("\ufeff \t").startswith(("#", ";")):
            return None
    return None


def _names(line: str) -> list[str]:
    try:
        row = next(python_csv.reader([line[:65536]], skipinitialspace=True), [])
    except python_csv.Error:
        return []
    return [re.sub(r"[\s-]+", "_", name.strip().strip('"').lower()) for name in row]


def _first(names: list[str], among: tuple[str, ...]) -> int:
    return next((names.index(name) + 1 for name in among if name in names), 0)


def read(parts: Iterator[str], column: str, now: datetime) -> Parsed:
    """Every indicator of a CSV.

    Raises:
        SourceError: there is no header with a known column.
        UsageError: the named column is not there.
    """
    first = next(parts, "")
    head = header(first, column)
    if head is None and column:
        raise UsageError(f"there is no column {column!r}", remedy="see the first line of the file")
    if head is None:
        raise SourceError("no column of the header holds values", remedy="name it: --column NAME")
    first = "\n".join(["", *first.split("\n")[head.line + 1 :]])
    params = {
        "values": list(head.values), "severity": head.severity, "description": head.description, "until": head.until,
        "to_ids": head.to_ids, "type": head.type, "now": now,
    }  # fmt: skip
    tally = Tally()
    for part in _chain(first, parts):
        tally.add(run(load_sql("csv"), lines(part), params))
    return tally.parsed("csv")


def _chain(first: str, parts: Iterator[str]) -> Iterator[str]:
    yield first
    yield from parts
