"""Events lie in the narrowest table that has a column for all they hold, and are one table to whoever asks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.acquisition.reader import Chunk
from soc_tui.core.schema import EVENTS, NORMALISED, REJECTS
from soc_tui.core.types import SourceState
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks
from soc_tui.store.tables import NARROW, TABLES, WIDE, table_for

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def events(**values: object) -> pa.Table:
    row = {"source_offset": 0, "source_length": 1, **values}
    return pa.Table.from_pylist([row], NORMALISED)


def test_the_tables_have_the_columns_that_they_are_said_to_have(tmp_path: Path) -> None:
    with Store.open(tmp_path / "w.duckdb") as store:
        for table in TABLES:
            found = store.sql(f"SELECT * FROM {table} LIMIT 0")
            wanted = [name for name in EVENTS.names if table == WIDE or name in NARROW[table]]
            assert found.column_names == wanted
            assert found.schema.types == [EVENTS.field(name).type for name in wanted]
        assert store.sql("SELECT * FROM events_hot LIMIT 0").schema.names == EVENTS.names
        assert store.sql("SELECT * FROM events LIMIT 0").schema.names == EVENTS.names


@pytest.mark.parametrize(
    ("values", "table"),
    [
        ({}, "events_log"),
        ({"host": "web1", "user_name": "ann", "src_port": 22}, "events_log"),
        ({"url_path": "/", "http_status": 200, "user_name": "ann"}, "events_web"),
        ({"dst_ip": "192.0.2.1", "bytes_out": 5, "conn_state": "SF"}, "events_flow"),
        ({"url_path": "/", "dst_ip": "192.0.2.1"}, WIDE),
        ({"query_name": "example.org"}, WIDE),
    ],
)
def test_the_narrowest_table_that_has_it_all(values: dict[str, object], table: str) -> None:
    assert table_for(events(**values)) == table


_TEXTS = [field.name for field in NORMALISED if field.type == pa.string()]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(_TEXTS), st.text(max_size=3), max_size=4), min_size=1, max_size=60))
def test_nothing_is_lost_whichever_columns_are_filled(rows: list[dict[str, str]]) -> None:
    states = [
        SourceState(
            source_id=number, path=f"{number}", format="text", device=1, inode=number, fingerprint="", records_read=1,
            records_stored=1,
        )
        for number in range(1, len(rows) + 1)
    ]  # fmt: skip
    chunks = [Chunk(s, events(**row), REJECTS.empty_table(), 0) for s, row in zip(states, rows, strict=True)]
    with Store.open(Path(":memory:")) as store:
        assert append_chunks(store, chunks, NOW) == (1, len(rows))
        found = store.sql("SELECT * FROM events ORDER BY event_id").to_pylist()
    assert [row["event_id"] for row in found] == [row["source_id"] for row in found] == list(range(1, len(rows) + 1))
    assert [{name: row[name] for name in _TEXTS if row[name] is not None} for row in found] == rows
