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


class _ServerLog(Headed):
    """Knows from where the processes of the last connections came, for refused logins that do not tell."""

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every record is an event; ``header["received"]`` holds the last 256 ``connection received``."""
        made = super().normalise(lines, header, origin)
        events = made.events.filter(pc.equal(made.events["activity"], "connect"))
        count, known = int(header.get("count", 0)), list(header.get("received", []))
        recent = events.slice(max(events.num_rows - _REMEMBERED, 0))
        for at, event in enumerate(recent.to_pylist(), count + events.num_rows - recent.num_rows + 1):
            pid = json.loads(event["extra"] or "{}").get("pid")
            if pid:
                port = event["src_port"] and str(event["src_port"])
                known.append({"pid": pid, "address": event["src_ip"], "port": port,
                              "source_offset": event["source_offset"], "number": at})  # fmt: skip
        if not known:
            return made
        return made._replace(header={**header, "count": count + events.num_rows, "received": known[-_REMEMBERED:]})

    def _params(self, header: Header, origin: Origin) -> dict[str, Any]:
        received = json.dumps(header.get("received", []))
        return {**super()._params(header, origin), "received": received, "count": int(header.get("count", 0))}


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
