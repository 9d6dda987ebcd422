"""Which archived files a query can need, and the view ``events`` that holds just those.

The view of the whole archive names every recorded file, and DuckDB asks the disk about each of them whenever a query
names the view: 0.2 ms a file to bind and as much again to read its footer, so 100 ms and more with a few hundred files.
A query that knows which events it can need says so (:class:`Reach`) and gets a view with the files that can hold them.
With none it is the plain table, and nothing has become slower.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from soc_tui.store.tables import HOT

_NEVER, _ALWAYS = datetime(1, 1, 1), datetime(9999, 12, 31)
_FILES = "SELECT path, day, width, min_event_id, max_event_id, min_time, max_time FROM archived_days"
_IN_REACH = f"""
{_FILES}
WHERE (max_event_id >= $first AND min_event_id <= $last) OR (max_time >= $time_from AND min_time <= $time_to)
   OR EXISTS (SELECT 1 FROM (SELECT unnest($ids::BIGINT[]) AS id) WHERE id BETWEEN min_event_id AND max_event_id)
"""  # noqa: S608 - our own text


@dataclass(frozen=True)
class Reach:
    """The events a query can need: those of a range of ids, those of a range of time and some single ones, together.

    Everything in ``events_hot`` is always there; a reach only leaves archived files out. One that is too wide costs
    time, one that is too narrow costs rows.
    """

    first_event_id: int = 1
    last_event_id: int = 0
    """Inclusive; smaller than the first: no range of ids."""
    event_ids: Sequence[int] = field(default_factory=tuple)
    time_from: datetime | None = None
    time_to: datetime | None = None
    """UTC without zone, inclusive; both None: no range of time."""

    def parameters(self) -> dict[str, Any]:
        """What :data:`_IN_REACH` wants."""
        timeless = self.time_from is None and self.time_to is None
        return {
            "first": self.first_event_id,
            "last": self.last_event_id,
            "ids": list(self.event_ids),
            "time_from": _ALWAYS if timeless else self.time_from or _NEVER,
            "time_to": _NEVER if timeless else self.time_to or _ALWAYS,
        }


def narrow(cursor: duckdb.DuckDBPyConnection, folder: Path, reach: Reach, missing: frozenset[str]) -> None:
    """Let ``events`` mean, on this cursor only and until :func:`widen`, the rows of the tables and the files in reach.

    The caller has begun a transaction, so that files and rows are those of one moment.
    """
    relation = cursor.sql(_IN_REACH, params=reach.parameters()).to_arrow_table()
    text = view_text(relation.to_pylist(), folder, missing)
    cursor.execute(f"CREATE OR REPLACE TEMP VIEW events AS {text}")


def widen(cursor: duckdb.DuckDBPyConnection) -> None:
    """Take :func:`narrow` back."""
    cursor.execute("DROP VIEW IF EXISTS temp.events")


def replace_view(cursor: duckdb.DuckDBPyConnection, folder: Path, missing: frozenset[str]) -> int:
    """Rewrite the view of everything inside the caller's transaction; returns how many files it names."""
    rows = cursor.sql(_FILES).to_arrow_table().to_pylist()
    cursor.execute(f"CREATE OR REPLACE VIEW events_hot AS {HOT}")  # also the columns that a migration has added
    cursor.execute(f"CREATE OR REPLACE VIEW events AS {view_text(rows, folder, missing)}")
    return len(rows)


def view_text(files: Iterable[Mapping[str, Any]], folder: Path, missing: frozenset[str]) -> str:
    """The SELECT of ``events`` over the rows of the database and some recorded files.

    Files are grouped by month, each group guarded by the ids and times it holds: a query that names others is answered
    without opening its files. Files of different width (columns were added to ``events`` between them) are apart,
    because one ``read_parquet`` takes its columns from its first file; ``BY NAME`` fills what a group lacks with NULL.
    """
    parts = ["SELECT * FROM events_hot"]
    known = sorted((row for row in files if row["path"] not in missing), key=lambda row: (_month(row), row["path"]))
    for _, group in groupby(known, key=_month):
        rows = list(group)
        names = ", ".join(_quoted(str(folder / row["path"])) for row in rows)
        low, high = min(row["min_event_id"] for row in rows), max(row["max_event_id"] for row in rows)
        begin, end = min(row["min_time"] for row in rows), max(row["max_time"] for row in rows)
        parts.append(
            f"SELECT * FROM read_parquet([{names}], hive_partitioning = false)"  # noqa: S608 - quoted
            f" WHERE event_id BETWEEN {low:d} AND {high:d}"
            f" AND time BETWEEN TIMESTAMP '{begin.isoformat(' ')}' AND TIMESTAMP '{end.isoformat(' ')}'"
        )
    return "\nUNION ALL BY NAME ".join(parts)


def _month(row: Mapping[str, Any]) -> tuple[int, int, int]:
    return row["day"].year, row["day"].month, row["width"]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
