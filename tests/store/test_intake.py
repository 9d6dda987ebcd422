"""Events, rejects and offsets commit together and are numbered densely."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from soc_tui.core.errors import StoreError
from soc_tui.core.schema import NORMALISED, REJECTS
from soc_tui.core.types import SourceState
from soc_tui.store.database import Store
from soc_tui.store.intake import (
    append_chunk,
    checkpoint,
    last_event_id,
    load_sources,
    save_source,
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


def test_ids_are_dense_and_in_the_order_of_arrival(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        first = append_chunk(store, _state(3, 3, 0, offset=3), _events(3), _rejects(0), NOW)
        second = append_chunk(store, SourceState("/other"), _events(0), _rejects(0), NOW)
        third = append_chunk(store, first.state, _events(100_000, 3), _rejects(0), NOW)
        assert (first.first_event_id, first.last_event_id) == (1, 3)
        assert (second.first_event_id, second.state.source_id) == (0, 2)
        assert (third.first_event_id, third.last_event_id) == (4, 100_003)
        assert last_event_id(store) == 100_003
        check = "SELECT bool_and(event_id = source_offset + 1) AS ordered, count(DISTINCT event_id) AS n FROM events"
        assert store.sql(check).to_pylist() == [{"ordered": True, "n": 100_003}]


def test_rejects_keep_reason_place_and_bytes(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        append_chunk(store, _state(2, 0, 2), _events(0), _rejects(2), NOW)
        rows = store.sql("SELECT source_id, source_offset, reason, raw FROM rejects ORDER BY source_offset").to_pylist()
    assert rows == [{"source_id": 1, "source_offset": n, "reason": "r", "raw": b"\x00\xff"} for n in range(2)]


def test_counters_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        with pytest.raises(ValueError, match="stored"):
            append_chunk(store, _state(3, 1, 1), _events(1), _rejects(1), NOW)
        assert load_sources(store) == []


def test_offset_and_events_stay_behind_together(tmp_path: Path) -> None:
    """A commit that fails halfway leaves neither events nor a new offset."""
    with Store.open(tmp_path / "w.duckdb") as store:
        kept = append_chunk(store, _state(1, 1, 0, offset=10), _events(1), _rejects(0), NOW).state
        broken = REJECTS.empty_table().append_column("surplus", pa.array([], pa.string()))
        bad = pa.concat_tables(
            [broken, pa.table({**{n: [None] for n in REJECTS.names}, "surplus": ["x"]}, broken.schema)]
        )
        with pytest.raises(StoreError):
            append_chunk(store, _state(3, 2, 1, offset=30, source_id=1), _events(1), bad, NOW)
        assert load_sources(store) == [kept]
        assert last_event_id(store) == 1


def test_a_source_survives_a_round_trip(tmp_path: Path) -> None:
    state = _state(5, 4, 1, format="zeek", device=2**63 + 5, inode=7, fingerprint="ab", header="{}", pending_bytes=9)
    with Store.open(tmp_path / "w.duckdb") as store:
        saved = save_source(store, state)
        assert saved.source_id == 1
        assert load_sources(store) == [saved]
        save_source(store, saved)
        assert len(load_sources(store)) == 1


def test_checkpoints(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        assert checkpoint(store, "detection") == 0
        for number in (5, 9):
            with store.transaction() as tx:
                set_checkpoint(tx, "detection", number)
        assert checkpoint(store, "detection") == 9
