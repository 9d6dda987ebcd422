"""Events, rejects and offsets commit together and are numbered densely."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from soc_tui.acquisition.reader import Chunk
from soc_tui.core.errors import StoreError
from soc_tui.core.schema import NORMALISED, REJECTS
from soc_tui.core.types import SourceState
from soc_tui.store.database import Store
from soc_tui.store.intake import (
    append_chunks,
    checkpoint,
    last_event_id,
    load_sources,
    set_checkpoint,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _events(count: int, start: int = 0) -> pa.Table:
    filled = {"source_offset": range(start, start + count), "source_length": [1] * count, "message": ["m"] * count}
    return pa.table({f.name: pa.array(filled.get(f.name, [None] * count), f.type) for f in NORMALISED}, NORMALISED)


def _rejects(count: int) -> pa.Table:
    return pa.table(
        {
            "source_offset": range(count),
            "source_length": [1] * count,
            "reason": ["r"] * count,
            "raw": [b"\x00\xff"] * count,
        },
        REJECTS,
    )


def _state(read: int, stored: int, rejected: int, **more: object) -> SourceState:
    return SourceState("/log", records_read=read, records_stored=stored, records_rejected=rejected, **more)  # type: ignore[arg-type]


def _append(store: Store, state: SourceState, events: pa.Table, rejects: pa.Table) -> tuple[int, int]:
    return append_chunks(store, [Chunk(state, events, rejects, 0)], NOW)


def test_ids_are_dense_and_in_the_order_of_arrival(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        first, other = _state(3, 3, 0, offset=3, source_id=1), SourceState("/other", source_id=2)
        assert _append(store, first, _events(3), _rejects(0)) == (1, 3)
        assert _append(store, other, _events(0), _rejects(0)) == (4, 3)
        grown = _state(200_003, 200_003, 0, offset=9, source_id=1)
        chunks = [Chunk(grown, _events(100_000, start), _rejects(0), 0) for start in (3, 100_003)]
        assert append_chunks(store, chunks, NOW) == (4, 200_003)
        assert last_event_id(store) == 200_003
        check = "SELECT bool_and(event_id = source_offset + 1) AS ordered, count(DISTINCT event_id) AS n FROM events"
        assert store.sql(check).to_pylist() == [{"ordered": True, "n": 200_003}]
        assert [(s.source_id, s.offset) for s in load_sources(store)] == [(1, 9), (2, 0)]


def test_chunks_of_several_sources_commit_together(tmp_path: Path) -> None:
    states = [_state(2, 2, 0, source_id=1), _state(1, 0, 1, source_id=2), _state(3, 3, 0, source_id=1, offset=8)]
    with Store.open(tmp_path / "w.duckdb") as store:
        tables = [(_events(2), _rejects(0)), (_events(0), _rejects(1)), (_events(1, 2), _rejects(0))]
        append_chunks(store, [Chunk(s, *t, 0) for s, t in zip(states, tables, strict=True)], NOW)
        rows = store.sql("SELECT event_id, source_id, source_offset FROM events ORDER BY 1").to_pylist()
        assert [tuple(row.values()) for row in rows] == [(1, 1, 0), (2, 1, 1), (3, 1, 2)]
        assert store.sql("SELECT source_id FROM rejects").to_pylist() == [{"source_id": 2}]
        assert [(s.source_id, s.offset, s.records_read) for s in load_sources(store)] == [(1, 8, 3), (2, 0, 1)]


def test_rejects_keep_reason_place_and_bytes(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        _append(store, _state(2, 0, 2, source_id=1), _events(0), _rejects(2))
        rows = store.sql("SELECT source_id, source_offset, reason, raw FROM rejects ORDER BY source_offset").to_pylist()
    assert rows == [{"source_id": 1, "source_offset": n, "reason": "r", "raw": b"\x00\xff"} for n in range(2)]


@pytest.mark.parametrize("state", [_state(3, 1, 1, source_id=1), _state(1, 1, 0)], ids=["sum", "no number"])
def test_counters_that_do_not_add_up_are_refused(tmp_path: Path, state: SourceState) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        with pytest.raises(ValueError, match="stored"):
            _append(store, state, _events(1), _rejects(0))
        assert load_sources(store) == []


def test_offset_and_events_stay_behind_together(tmp_path: Path) -> None:
    """A commit that fails halfway leaves neither events nor a new offset."""
    with Store.open(tmp_path / "w.duckdb") as store:
        _append(store, _state(1, 1, 0, offset=10, source_id=1), _events(1), _rejects(0))
        kept = load_sources(store)
        broken = REJECTS.empty_table().append_column("surplus", pa.array([], pa.string()))
        bad = pa.concat_tables(
            [broken, pa.table({**{n: [None] for n in REJECTS.names}, "surplus": ["x"]}, broken.schema)]
        )
        with pytest.raises(StoreError):
            _append(store, _state(3, 2, 1, offset=30, source_id=1), _events(1), bad)
        assert load_sources(store) == kept
        assert last_event_id(store) == 1


def test_a_source_survives_a_round_trip(tmp_path: Path) -> None:
    state = _state(
        5, 4, 1, source_id=1, format="zeek", device=2**63 + 5, inode=7, fingerprint="ab", header="{}", pending_bytes=9
    )
    with Store.open(tmp_path / "w.duckdb") as store:
        for _ in range(2):
            append_chunks(store, [Chunk.of_state(state)], NOW)
            assert load_sources(store) == [dataclasses.replace(state, last_read=NOW.replace(tzinfo=None))]


def test_checkpoints(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        assert checkpoint(store, "detection") == 0
        for number in (5, 9):
            with store.transaction() as tx:
                set_checkpoint(tx, "detection", number)
        assert checkpoint(store, "detection") == 9


def test_what_is_remembered_is_what_is_stored(tmp_path: Path) -> None:
    """The newest event and the checkpoints are answered from memory: a rollback, and a new owner, must not show."""
    with Store.open(tmp_path / "w.duckdb") as store:
        assert (last_event_id(store), checkpoint(store, "detection")) == (0, 0)
        with store.transaction() as tx:
            append_chunks(store, [Chunk(_state(2, 2, 0, source_id=1), _events(2), _rejects(0), 0)], NOW, within=tx)
            append_chunks(store, [Chunk(_state(3, 3, 0, source_id=1), _events(1, 2), _rejects(0), 0)], NOW, within=tx)
            set_checkpoint(tx, "detection", 3)
            assert (last_event_id(store), checkpoint(store, "detection")) == (0, 0)
        assert (last_event_id(store), checkpoint(store, "detection")) == (3, 3)
        with pytest.raises(ZeroDivisionError), store.transaction() as tx:
            append_chunks(store, [Chunk(_state(4, 4, 0, source_id=1), _events(1, 3), _rejects(0), 0)], NOW, within=tx)
            set_checkpoint(tx, "detection", 4)
            raise ZeroDivisionError
        assert (last_event_id(store), checkpoint(store, "detection")) == (3, 3)
        assert store.sql("SELECT list(event_id ORDER BY event_id) AS ids FROM events").to_pylist() == [
            {"ids": [1, 2, 3]}
        ]
    with Store.open(tmp_path / "w.duckdb") as store:
        assert (last_event_id(store), checkpoint(store, "detection")) == (3, 3)
