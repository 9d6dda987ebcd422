"""The inventory of website trees and the contents of their protected files, kept with the events about them."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa
import zstandard

from soc_tui.core.clock import naive_utc
from soc_tui.core.schema import REJECTS
from soc_tui.core.types import SourceState
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks

FILES = pa.schema(
    [
        ("name", pa.binary()), ("path", pa.string()), ("kind", pa.string()), ("size", pa.int64()), ("mode", pa.int32()),
        ("uid", pa.int64()), ("gid", pa.int64()), ("mtime_ns", pa.int64()), ("ctime_ns", pa.int64()),
        ("device", pa.uint64()), ("inode", pa.uint64()), ("sha256", pa.string()), ("target", pa.string()),
        ("note", pa.string()), ("checked_ns", pa.int64()),
    ]
)  # fmt: skip
"""Rows of an inventory."""
CONTENTS = pa.schema([("sha256", pa.string()), ("content", pa.binary())])
"""Contents, compressed with zstd."""
_MOST_BYTES = 1 << 30


class _Changes(NamedTuple):
    state: SourceState
    events: pa.Table
    rejects: pa.Table


def load_inventory(store: Store, source_id: int) -> pa.Table:
    """The inventory of a tree as last committed; schema :data:`FILES`."""
    names = ", ".join(FILES.names)
    text = f"SELECT {names} FROM website_files WHERE source_id = $source_id"  # noqa: S608 - our own names
    return store.sql(text, {"source_id": source_id}).cast(FILES)


def append_changes(
    store: Store, state: SourceState, events: pa.Table, now: datetime, *,
    gone: pa.Array | None = None, files: pa.Table | None = None, contents: pa.Table | None = None,
) -> SourceState:  # fmt: skip
    """Commit events about a tree together with the inventory that they lead to.

    Args:
        store: the workspace.
        state: the tree's source after the events.
        events: columns of ``core.schema.NORMALISED``.
        now: the time kept with source and contents.
        gone: names (binary) that leave the inventory.
        files: rows that are new or replace those of the same name; schema :data:`FILES`.
        contents: schema :data:`CONTENTS`; those already kept are left out.

    Returns:
        The state with the source's number.

    Raises:
        StoreError: nothing was committed.
    """
    gone = pa.array([], pa.binary()) if gone is None else gone
    files = FILES.empty_table() if files is None else files
    contents = CONTENTS.empty_table() if contents is None else contents
    if not state.source_id:
        state = dataclasses.replace(state, source_id=store.next_source_id())
    with store.transaction() as tx:
        append_chunks(store, [_Changes(state, events, REJECTS.empty_table())], now, within=tx)
        named = {"source_id": state.source_id}
        leaving = pa.table({"name": pa.chunked_array([gone, *files["name"].chunks], pa.binary())})
        if leaving.num_rows:
            tx.execute(
                "DELETE FROM website_files WHERE source_id = $source_id AND name IN (SELECT name FROM leaving)",
                named, {"leaving": leaving},
            )  # fmt: skip
        if files.num_rows:
            tx.execute(
                "INSERT INTO website_files BY NAME SELECT $source_id AS source_id, * FROM incoming",
                named, {"incoming": files},
            )  # fmt: skip
        if contents.num_rows:
            tx.execute(
                "INSERT OR IGNORE INTO website_contents SELECT sha256, content, $now FROM incoming",
                {"now": naive_utc(now)}, {"incoming": contents},
            )  # fmt: skip
    return state


def load_content(store: Store, sha256: str) -> bytes | None:
    """The kept content of that hash, decompressed; None when it is not kept."""
    found = store.sql("SELECT content FROM website_contents WHERE sha256 = $sha256", {"sha256": sha256}).column(
        "content"
    )
    if not len(found):
        return None
    return zstandard.ZstdDecompressor().decompress(found[0].as_py(), max_output_size=_MOST_BYTES)


def keeps_content(store: Store, sha256: str) -> bool:
    """True when the content of that hash is kept."""
    found = store.sql("SELECT count(*) AS n FROM website_contents WHERE sha256 = $sha256", {"sha256": sha256})
    return bool(found.column("n")[0].as_py())
