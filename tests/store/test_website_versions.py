"""Changed files of website trees with the contents that are kept of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard

from soc_tui.core.schema import NORMALISED
from soc_tui.core.settings import StoreSettings
from soc_tui.core.types import SourceState
from soc_tui.store.database import Store
from soc_tui.store.website import CONTENTS, append_changes
from soc_tui.store.website_versions import versions

CHANGES = pa.schema([("path", pa.string()), ("before", pa.string()), ("after", pa.string())])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "w.duckdb", StoreSettings(threads=1)) as opened:
        kept = {"h1": zstandard.compress(b"old"), "h2": zstandard.compress(b"new\xff"), "h3": b"no zstd"}
        contents = pa.table([list(kept), list(kept.values())], schema=CONTENTS)
        append_changes(
            opened, SourceState("/www", format="website"), NORMALISED.empty_table(), datetime(2026, 1, 1, tzinfo=UTC),
            contents=contents,
        )  # fmt: skip
        yield opened


def test_contents_stand_beside_the_changes_and_what_is_not_kept_is_left_out(store: Store) -> None:
    rows = [("a", "h1", "h2"), ("b", None, "h2"), ("c", "lost", "h1"), ("d", "h1", "lost"), ("e", "h1", "h3")]
    changes = pa.Table.from_pylist([dict(zip(CHANGES.names, row, strict=True)) for row in rows], CHANGES)
    found = versions(store, changes).to_pylist()
    assert [(f["path"], f["before_content"], f["after_content"]) for f in found] == [
        ("a", b"old", b"new\xff"), ("b", None, b"new\xff"), ("c", None, b"old"),
    ]  # fmt: skip


def test_no_changes_are_no_versions(store: Store) -> None:
    assert versions(store, CHANGES.empty_table()).num_rows == 0
