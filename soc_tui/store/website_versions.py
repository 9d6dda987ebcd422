"""The contents behind changed files of website trees: what the code and the page model judge."""

from __future__ import annotations

import pyarrow as pa
import zstandard

from soc_tui.store.database import Store

_MOST_BYTES = 2 * 1024 * 1024
"""Bytes of one content that are unpacked; what a network reads of a file ends well before."""


def versions(store: Store, changes: pa.Table) -> pa.Table:
    """Changed files with their contents.

    Args:
        store: the workspace.
        changes: rows with ``before`` and ``after`` (sha256, null where unknown), as
            ``analysis/features/website_changes.sql`` yields them.

    Returns:
        The rows whose ``after`` is kept, with two columns more: ``before_content`` and ``after_content`` (binary;
        ``before_content`` is null where the earlier content is unknown or not kept).
    """
    hashes = pa.chunked_array([*changes["before"].chunks, *changes["after"].chunks], pa.string()).unique().drop_null()
    wanted = pa.table({"sha256": hashes})
    found = store.sql(
        "SELECT c.sha256, c.content FROM website_contents c JOIN wanted USING (sha256)", tables={"wanted": wanted}
    )
    contents = {
        sha256: _unpacked(content)
        for sha256, content in zip(found["sha256"].to_pylist(), found["content"].to_pylist(), strict=True)
    }
    before = [contents.get(sha256) for sha256 in changes["before"].to_pylist()]
    after = [contents.get(sha256) for sha256 in changes["after"].to_pylist()]
    table = changes.append_column("before_content", pa.array(before, pa.binary()))
    table = table.append_column("after_content", pa.array(after, pa.binary()))
    return table.filter(pa.array([content is not None for content in after], pa.bool_()))


def _unpacked(content: bytes) -> bytes | None:
    try:
        with zstandard.ZstdDecompressor().stream_reader(content) as reader:
            return bytes(reader.read(_MOST_BYTES))
    except zstandard.ZstdError:
        return None
