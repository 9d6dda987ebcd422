"""Bytes to lines: the Arrow table that every normaliser takes, made without touching lines one by one in Python."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from soc_tui.core.schema import LINES, REJECTS

KEEP_BYTES = 16 * 1024 * 1024
"""The most that is kept of one overlong line; what follows up to its line end is passed over."""
_BATCH = 16 * 1024
"""Rows per Arrow batch: DuckDB reads batches in parallel."""
_BOM = b"\xef\xbb\xbf"


class Split(NamedTuple):
    """The lines of a block that are not blank."""

    lines: pa.Table
    """Schema ``LINES``: those short enough to normalise."""
    overlong: pa.Table
    """Schema ``REJECTS``: those that are not."""


def split_lines(data: bytes, offset: int, max_line_bytes: int) -> Split:
    r"""Find the lines of a block.

    Args:
        data: whole lines; the last may lack its line end.
        offset: where the block begins in the stream.
        max_line_bytes: a longer line is a reject.

    Returns:
        Lines without ``\n`` or ``\r\n``. Bytes that are not UTF-8 are shown as ``\xNN``, so that no one can hide a
        request from detection by a single bad byte; ``source_length`` counts the bytes as they are in the file.
    """
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw == 10)
    if len(data) and raw[-1] != 10:
        ends = np.append(ends, len(data))
    starts = np.zeros(len(ends), np.int64)
    starts[1:] = ends[:-1] + 1
    if offset == 0 and data.startswith(_BOM):
        starts[0] = len(_BOM)
    ends = ends - ((ends > starts) & (raw[np.maximum(ends - 1, 0)] == 13))
    lengths = ends - starts
    if max_line_bytes >= len(data) or not (lengths > max_line_bytes).any():
        overlong = REJECTS.empty_table()
    else:
        rows = np.flatnonzero(lengths > max_line_bytes)
        overlong = pa.Table.from_pylist(
            [overlong_reject(data[starts[r] : ends[r]], offset + int(starts[r]), max_line_bytes) for r in rows], REJECTS
        )
    keep = np.flatnonzero((lengths > 0) & (lengths <= max_line_bytes))
    table = pa.table(
        [
            pa.array(starts[keep] + offset),
            pa.array(lengths[keep].astype(np.int32)),
            _texts(data, starts, ends, keep),
        ],
        schema=LINES,
    )
    return Split(pa.Table.from_batches(table.to_batches(max_chunksize=_BATCH), LINES), overlong)


def overlong_reject(line: bytes, offset: int, max_line_bytes: int) -> dict[str, object]:
    """The reject of a line that is too long, its bytes kept up to :data:`KEEP_BYTES`."""
    kept = line[:KEEP_BYTES]
    reason = f"line longer than {max_line_bytes} bytes"
    if len(line) > len(kept):
        reason += f"; only the first {KEEP_BYTES} are kept"
    return {"source_offset": offset, "source_length": len(kept), "reason": reason, "raw": kept}


def _texts(data: bytes, starts: np.ndarray, ends: np.ndarray, keep: np.ndarray) -> pa.Array:
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            texts = [data[starts[r] : ends[r]].decode("utf-8", "backslashreplace") for r in keep]
            return pa.array(texts, pa.large_string())
    # Lines and what lies between them as one array over the same memory, of which every second entry is taken.
    bounds = np.empty(2 * len(starts) + 1, np.int64)
    bounds[0:-1:2], bounds[1::2], bounds[-1] = starts, ends, len(data)
    both = pa.Array.from_buffers(pa.large_string(), 2 * len(starts), [None, pa.py_buffer(bounds), pa.py_buffer(data)])
    return both.take(pa.array(keep * 2))


def with_raw(rejects: pa.Table, data: bytes, offset: int) -> pa.Table:
    """Put the bytes of the file beside rejected lines: ``REASONS`` becomes ``REJECTS``."""
    spans = zip(rejects["source_offset"].to_pylist(), rejects["source_length"].to_pylist(), strict=True)
    raw = pa.array([data[at - offset : at - offset + length] for at, length in spans], pa.binary())
    return rejects.append_column("raw", raw).cast(REJECTS)
