"""Events, rejects and how far each source was read: one transaction, so nothing is lost and nothing counted twice."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
import pyarrow as pa

from soc_tui.core.clock import naive_utc
from soc_tui.core.schema import NORMALISED
from soc_tui.core.types import SourceState
from soc_tui.store.database import Store, Transaction
from soc_tui.store.templates import Learned, save_learned

_ROW_GROUP = 122_880
"""Rows of a DuckDB row group."""
_COLUMNS = [f.name for f in fields(SourceState)]
_INSERT_EVENTS = "INSERT INTO events BY NAME SELECT * FROM incoming"
_INSERT_REJECTS = """
INSERT INTO rejects SELECT $source_id, source_offset, source_length, reason, raw, $now FROM incoming
"""
_UPSERT_SOURCE = f"""
INSERT OR REPLACE INTO sources ({", ".join(f'"{c}"' for c in _COLUMNS)}) VALUES ({", ".join(f"${c}" for c in _COLUMNS)})
"""  # noqa: S608 - column names of our own dataclass


@dataclass(frozen=True)
class Appended:
    """What one commit added."""

    state: SourceState
    first_event_id: int
    """0 when no event was added."""
    last_event_id: int


def append_chunk(
    store: Store, state: SourceState, events: pa.Table, rejects: pa.Table, now: datetime, *,
    learned: Learned | None = None, within: Transaction | None = None,
) -> Appended:  # fmt: skip
    """Commit one chunk: its events (numbered densely), its rejects, and the source's new offset.

    Args:
        store: the workspace.
        state: the source as it is after the chunk; its ``source_id`` is 0 for a new source.
        events: columns of ``core.schema.NORMALISED``.
        rejects: columns of ``core.schema.REJECTS``.
        now: the time kept with the source and its rejects.
        learned: the templates of the events and what was learned from them.
        within: the caller's own transaction, which then commits it together with more; else one is made.

    Returns:
        The state with its source_id, and the range of event ids.

    Raises:
        StoreError: nothing was committed.
        ValueError: the counters do not add up (read = stored + rejected).
    """
    if state.records_read != state.records_stored + state.records_rejected:
        raise ValueError(f"{state.path}: read {state.records_read} != stored + rejected")
    moment = naive_utc(now)
    with nullcontext(within) if within is not None else store.transaction() as tx:
        source_id = state.source_id or _next_id(tx, "sources", "source_id")
        state = dataclasses.replace(state, source_id=source_id, last_read=moment)
        base = _next_id(tx, "events", "event_id") - 1
        if events.num_rows:
            tx.execute(
                _INSERT_EVENTS, tables={"incoming": _numbered(events.cast(NORMALISED), base, source_id, learned)}
            )
        if rejects.num_rows:
            tx.execute(_INSERT_REJECTS, {"source_id": source_id, "now": moment}, {"incoming": rejects})
        if learned is not None:
            save_learned(tx, learned, moment)
        tx.execute(_UPSERT_SOURCE, dataclasses.asdict(state))
    first = base + 1 if events.num_rows else 0
    return Appended(state, first, base + events.num_rows if events.num_rows else 0)


def _numbered(events: pa.Table, base: int, source_id: int, learned: Learned | None) -> pa.Table:
    """The events with their ids, in Arrow batches of one row group each.

    DuckDB then writes whole row groups straight to the file, in parallel and in order: 2.6 s per million events instead
    of 3.9 s with batches of another size, which pass through the write-ahead log first.
    """
    rows = events.num_rows
    numbered = events.append_column("event_id", pa.array(np.arange(base + 1, base + rows + 1)))
    numbered = numbered.append_column("source_id", pa.array(np.full(rows, source_id, np.int32)))
    if learned is not None:
        numbered = numbered.append_column("template_id", learned.ids)
    return pa.Table.from_batches(numbered.combine_chunks().to_batches(max_chunksize=_ROW_GROUP), numbered.schema)


def save_source(store: Store, state: SourceState) -> SourceState:
    """Keep a source's state without new records (renamed, finished, unreadable)."""
    with store.transaction() as tx:
        if not state.source_id:
            state = dataclasses.replace(state, source_id=_next_id(tx, "sources", "source_id"))
        tx.execute(_UPSERT_SOURCE, dataclasses.asdict(state))
    return state


def load_sources(store: Store) -> list[SourceState]:
    """Every source that was ever read, oldest first."""
    names = ", ".join(f'"{c}"' for c in _COLUMNS)
    rows = store.sql(f"SELECT {names} FROM sources ORDER BY source_id").to_pylist()  # noqa: S608 - our own names
    return [SourceState(**row) for row in rows]


def last_event_id(store: Store) -> int:
    """The newest event's number, 0 in an empty workspace."""
    return int(store.sql("SELECT coalesce(max(event_id), 0) AS n FROM events").column("n")[0].as_py())


def checkpoint(store: Store, name: str) -> int:
    """How far a consumer of events has come, 0 if it never ran."""
    found = store.sql("SELECT event_id FROM checkpoints WHERE name = $name", {"name": name}).column("event_id")
    return int(found[0].as_py()) if len(found) else 0


def set_checkpoint(tx: Transaction, name: str, event_id: int) -> None:
    """Record, inside the consumer's own transaction, that it is done up to an event."""
    tx.execute("INSERT OR REPLACE INTO checkpoints VALUES ($name, $event_id)", {"name": name, "event_id": event_id})


def _next_id(tx: Transaction, table: str, column: str) -> int:
    return int(tx.sql(f"SELECT coalesce(max({column}), 0) + 1 AS n FROM {table}").column("n")[0].as_py())  # noqa: S608
