"""Events, rejects and how far each source was read: one transaction, so nothing is lost and nothing counted twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import fields
from datetime import datetime
from typing import Protocol

import numpy as np
import pyarrow as pa

from soc_tui.core.clock import naive_utc
from soc_tui.core.schema import EVENTS
from soc_tui.core.types import SourceState
from soc_tui.store.database import Store, Transaction
from soc_tui.store.tables import NARROW, WIDE, table_for
from soc_tui.store.templates import Learned, save_learned

ROW_GROUP = 122_880
"""Rows of a DuckDB row group."""
_COLUMNS = [f.name for f in fields(SourceState)]
LAST_EVENT = "last event"
"""The position of the newest event's number."""
ARCHIVE = "archive"
"""The checkpoint of the archive: the highest event_id that ever moved there."""
# Numbering goes on where it was when every event has moved to the archive, and when that was deleted.
_LAST_EVENT = f"""
SELECT greatest((SELECT coalesce(max(event_id), 0) FROM events_hot),
    (SELECT coalesce(max(event_id), 0) FROM checkpoints WHERE name = '{ARCHIVE}')) AS n
"""  # noqa: S608 - our own name
_INSERT_REJECTS = """
INSERT INTO rejects SELECT $source_id, source_offset, source_length, reason, raw, $now FROM incoming
"""
_UPSERT_SOURCE = f"""
INSERT OR REPLACE INTO sources ({", ".join(f'"{c}"' for c in _COLUMNS)}) VALUES ({", ".join(f"${c}" for c in _COLUMNS)})
"""  # noqa: S608 - column names of our own dataclass


class Incoming(Protocol):
    """Some records of a source, to be committed with the source's state after them."""

    @property
    def state(self) -> SourceState:
        """The source after these records, with its number."""
        ...

    @property
    def events(self) -> pa.Table:
        """Columns of ``core.schema.NORMALISED``."""
        ...

    @property
    def rejects(self) -> pa.Table:
        """Columns of ``core.schema.REJECTS``."""
        ...


def append_chunks(
    store: Store,
    chunks: Iterable[Incoming],
    now: datetime,
    *,
    learned: Learned | None = None,
    within: Transaction | None = None,
) -> tuple[int, int]:
    """Commit chunks: their events (numbered densely), their rejects, and their sources' new offsets.

    Args:
        store: the workspace.
        chunks: in the order in which they were read; several may be of one source. None is held on to: the events of
            an iterator that lets go of them as well are freed once they are copied.
        now: the time kept with the sources and the rejects.
        learned: the templates of all these events and what is new of them.
        within: the caller's own transaction, which then commits this together with more; else one is made.

    Returns:
        The first and the last number given to an event; the first is the greater one when there was none.

    Raises:
        StoreError: nothing was committed.
        ValueError: the counters do not add up (read = stored + rejected), or a source has no number.
    """
    moment = naive_utc(now)
    taken: list[tuple[int, pa.Table]] = []
    rejected: list[tuple[int, pa.Table]] = []
    states: dict[int, SourceState] = {}
    for chunk in chunks:
        state = chunk.state
        if state.records_read != state.records_stored + state.records_rejected or not state.source_id:
            raise ValueError(f"{state.path}: read {state.records_read} != stored + rejected, or no number")
        states[state.source_id] = state
        taken += [(state.source_id, chunk.events)] if chunk.events.num_rows else []
        rejected += [(state.source_id, chunk.rejects)] if chunk.rejects.num_rows else []
        del chunk
    with nullcontext(within) if within is not None else store.transaction("events") as tx:
        known = tx.position(LAST_EVENT)
        base = last = int(tx.sql(_LAST_EVENT).column("n")[0].as_py()) if known is None else known
        by_table: dict[str, list[pa.Table]] = {}
        for source_id, events in taken:
            ids = None if learned is None else learned.ids.slice(last - base, events.num_rows)
            by_table.setdefault(table_for(events), []).append(_numbered(events, source_id, last, ids))
            last += events.num_rows
            del events
        taken.clear()
        if learned is not None:
            save_learned(tx, learned, moment)
        while by_table:
            table, parts = by_table.popitem()
            columns = [name for name in EVENTS.names if table == WIDE or name in NARROW[table]]
            incoming = _row_groups(pa.concat_tables([part.select(columns) for part in parts]))
            del parts  # before DuckDB needs as much again
            tx.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming", tables={"incoming": incoming})  # noqa: S608
            del incoming
        for source_id, rejects in rejected:
            tx.execute(_INSERT_REJECTS, {"source_id": source_id, "now": moment}, {"incoming": rejects})
        for state in states.values():
            tx.execute(_UPSERT_SOURCE, {**dataclasses.asdict(state), "last_read": moment})
        tx.keep(LAST_EVENT, last)
    return base + 1, last


def _numbered(events: pa.Table, source_id: int, last: int, templates: pa.ChunkedArray | None) -> pa.Table:
    """The events of one source with their ids from ``last + 1`` on (``core.schema.EVENTS``)."""
    count = events.num_rows
    events = events.append_column("event_id", pa.array(np.arange(last + 1, last + count + 1)))
    events = events.append_column("source_id", pa.array(np.full(count, source_id, np.int32)))
    return events.append_column("template_id", pa.nulls(count, pa.int64()) if templates is None else templates)


def _row_groups(events: pa.Table) -> pa.Table:
    """The events in Arrow batches of one row group each.

    DuckDB then writes whole row groups straight to the file, in parallel and in order: 2.6 s per million events instead
    of 3.9 s with batches of another size, which pass through the write-ahead log first.
    """
    return pa.Table.from_batches(events.combine_chunks().to_batches(max_chunksize=ROW_GROUP), events.schema)


def load_sources(store: Store) -> list[SourceState]:
    """Every source that was ever read, oldest first."""
    names = ", ".join(f'"{c}"' for c in _COLUMNS)
    rows = store.sql(f"SELECT {names} FROM sources ORDER BY source_id").to_pylist()  # noqa: S608 - our own names
    return [SourceState(**row) for row in rows]


def last_event_id(store: Store) -> int:
    """The newest event's number, 0 in a workspace that never had one; it never falls."""
    known = store.position(LAST_EVENT)
    if known is None:
        known = store.found(LAST_EVENT, int(store.sql(_LAST_EVENT).column("n")[0].as_py()))
    return known


def checkpoint(store: Store, name: str) -> int:
    """How far a consumer of events has come, 0 if it never ran."""
    known = store.position(f"checkpoint {name}")
    if known is None:
        found = store.sql("SELECT event_id FROM checkpoints WHERE name = $name", {"name": name}).column("event_id")
        known = store.found(f"checkpoint {name}", int(found[0].as_py()) if len(found) else 0)
    return known


def set_checkpoint(tx: Transaction, name: str, event_id: int) -> None:
    """Record, inside the consumer's own transaction, that it is done up to an event."""
    tx.execute("INSERT OR REPLACE INTO checkpoints VALUES ($name, $event_id)", {"name": name, "event_id": event_id})
    tx.keep(f"checkpoint {name}", event_id)


def _next_id(tx: Transaction, table: str, column: str) -> int:
    return int(tx.sql(f"SELECT coalesce(max({column}), 0) + 1 AS n FROM {table}").column("n")[0].as_py())  # noqa: S608
