"""The server log of PostgreSQL, as text and as CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.middleware.headed import Headed
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.acquisition.framing import Quoted

_LEVELS = r"LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?"
_STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? "
# Up to the first `:  `, which ends the prefix, so that a STATEMENT that quotes a severity begins no record.
_PREFIX = r"(?:[^:]|:[^ ]|: [^ ])*?"
_REMEMBERED = 256


_UNANSWERED = "SELECT *, NULL::VARCHAR AS received_address, NULL::VARCHAR AS received_port FROM found"


class _ServerLog(Headed):
    """Knows from where the processes of the last connections came, for logins that do not tell."""

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every record is an event; ``header["received"]`` holds the last 256 ``connection received``."""
        before: list[dict[str, Any]] = header.get("received", [])
        count = int(header.get("count", 0))
        params = self._params(header, origin)
        if not before and not pc.any(pc.match_substring(lines["line"], "connection received: ")).as_py():
            sql = self._sql.replace("{answered}", _UNANSWERED)
            return Normalised(*normalise(sql, lines, params), header)
        params |= {"received": json.dumps(before), "count": count}
        sql = self._sql.replace("{answered}", load_sql("middleware/postgresql_received"))
        events, rejects = normalise(sql, lines, params)
        connects = events.filter(pc.equal(events["activity"], "connect"))
        recent = connects.slice(max(connects.num_rows - _REMEMBERED, 0))
        first = count + connects.num_rows - recent.num_rows + 1
        known = before + [_received(event, number) for number, event in enumerate(recent.to_pylist(), first)]
        kept = {"count": count + connects.num_rows, "received": known[-_REMEMBERED:]}
        return Normalised(events, rejects, {**header, **kept})


def _received(event: dict[str, Any], number: int) -> dict[str, Any]:
    """What is remembered of one ``connection received``."""
    port = None if event["src_port"] is None else str(event["src_port"])
    return {
        "pid": json.loads(event["extra"] or "{}").get("pid"), "address": event["src_ip"], "port": port,
        "source_offset": event["source_offset"], "number": number,
    }  # fmt: skip


POSTGRESQL = _ServerLog(
    "postgresql",
    start=rf"{_STAMP}{_PREFIX}\b(?:{_LEVELS}):  ",
    mark=rf"{_STAMP}[^\t]{{0,300}}?\b(?:{_LEVELS}|DETAIL|HINT|STATEMENT|CONTEXT):  ",
)
"""https://www.postgresql.org/docs/current/runtime-config-logging.html, ``log_destination = stderr``."""

_CSV = re.compile(
    r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z+-][\w+-]*,(?:"(?:[^"]|"")*"|[^",]*),(?:"(?:[^"]|"")*"|[^",]*),'
    r'\d+,(?:"(?:[^"]|"")*"|[^",]*),[0-9a-f]+\.[0-9a-f]+,\d+,'
)


class PostgresqlCsv(Format):
    """``log_destination = csvlog``: 23 columns to PostgreSQL 12, 24 in 13, 26 from 14 on."""

    name = "postgresql-csv"
    framing = Quoted()

    def confidence(self, lines: Sequence[str]) -> float:
        """By the process number, session and line number that stand after the time."""
        head = [line[:4096] for line in lines[:50]]
        hits = [bool(_CSV.match(line)) for line in head]
        return 0.0 if not any(hits) else 1.0 if hits[0] else 0.9 * sum(hits) / len(hits)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every record of at least 23 columns is an event."""
        return Normalised(*normalise(load_sql("middleware/postgresql_csv"), lines, {"zone": origin.zone}), header)
