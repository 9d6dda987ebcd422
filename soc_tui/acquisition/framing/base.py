"""What every framing is, and the two steps they share: where the lines are, and records as an Arrow table.

Nothing here touches lines one by one in Python: bounds are numpy arrays, texts are views of the block's own bytes.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soc_tui.core.schema import LINES, REJECTS

KEEP_BYTES = 16 * 1024 * 1024
"""The most that is kept of one overlong record; what follows up to its line end is passed over."""
CHUNK_RECORDS = 40_960
"""Records that one cut usually gives at most: a third of what is committed at a time, to keep memory small."""
_BOM = b"\xef\xbb\xbf"

Bounds = npt.NDArray[np.int64]
Block = bytes | memoryview
"""A part of a block is a view of it: blocks are tens of megabytes, and several are under way at a time."""


class Cut(NamedTuple):
    """The records at the beginning of a block."""

    records: pa.Table
    """Schema ``LINES``: those short enough to normalise; none blank."""
    overlong: pa.Table
    """Schema ``REJECTS``: those that are not."""
    used: int
    """Bytes of the block that these records and the blank lines between them take; the next cut begins there."""


class Framing(Protocol):
    """One way in which records lie in a stream of bytes.

    The law that every framing keeps: records depend on the stream alone, never on how it was cut into blocks. What
    may still belong to a record is therefore held back (not ``used``) until more has been seen or ``final`` is said.
    """

    @property
    def most(self) -> int:
        """Records that one cut gives at most."""
        ...

    @property
    def holds(self) -> bool:
        """True when whole lines may be held back, so that a quiet source needs a ``final`` cut to give its last."""
        ...

    def cut(self, block: bytes, offset: int, max_record_bytes: int, *, final: bool) -> Cut:
        """Find the records at the beginning of a block.

        Args:
            block: bytes of the stream.
            offset: where the block begins in the stream.
            max_record_bytes: a longer record is a reject.
            final: nothing comes after this block: the last record is whole, also without its line end.
        """
        ...


def line_bounds(block: Block, offset: int) -> tuple[Bounds, Bounds, Bounds]:
    r"""The lines that are not blank: where each starts, ends (without ``\n`` or ``\r\n``), and what follows begins."""
    raw = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(raw == 10)
    if len(block) and raw[-1] != 10:
        ends = np.append(ends, len(block))
    starts = np.zeros(len(ends), np.int64)
    starts[1:] = ends[:-1] + 1
    if len(starts) and offset == 0 and bytes(block[: len(_BOM)]) == _BOM:
        starts[0] = len(_BOM)
    following = np.minimum(ends + 1, len(block))
    ends = ends - ((ends > starts) & (raw[np.maximum(ends - 1, 0)] == 13))
    full = ends > starts
    return starts[full], ends[full], following[full]


def records(
    block: Block, offset: int, starts: Bounds, ends: Bounds, max_record_bytes: int
) -> tuple[pa.Table, pa.Table]:
    r"""Spans of a block as records (``LINES``) and overlong ones (``REJECTS``).

    Bytes that are not UTF-8 are shown as ``\xNN``, so that no one can hide a request from detection by a single bad
    byte; ``source_length`` counts the bytes as they are in the file.

    Args:
        block: the bytes.
        offset: where the block begins in the stream.
        starts: ascending.
        ends: of each span, not beyond the start of the next.
        max_record_bytes: a longer record is a reject.
    """
    lengths = ends - starts
    long = lengths > max_record_bytes
    if long.any():
        spans = [(int(starts[row]), int(ends[row])) for row in np.flatnonzero(long)]
        rejects = [overlong_reject(bytes(block[start:end]), offset + start, max_record_bytes) for start, end in spans]
        overlong = pa.Table.from_pylist(rejects, REJECTS)
        starts, ends, lengths = starts[~long], ends[~long], lengths[~long]
    else:
        overlong = REJECTS.empty_table()
    columns = [pa.array(starts + offset), pa.array(lengths.astype(np.int32)), texts(block, starts, ends)]
    return pa.table(columns, schema=LINES), overlong


def texts(block: Block, starts: Bounds, ends: Bounds) -> pa.LargeStringArray:
    """The text of each span."""
    try:
        if len(block) and np.frombuffer(block, np.uint8).max() > 127:
            str(block, "utf-8")  # faster than any check of our own
    except UnicodeDecodeError:
        spans = zip(starts.tolist(), ends.tolist(), strict=True)
        return pa.array([str(block[a:b], "utf-8", "backslashreplace") for a, b in spans], pa.large_string())
    # Spans and what lies between them as one array over the same memory, of which every second entry is taken.
    bounds = np.empty(2 * len(starts) + 1, np.int64)
    bounds[0:-1:2], bounds[1::2], bounds[-1] = starts, ends, len(block)
    both = pa.Array.from_buffers(pa.large_string(), 2 * len(starts), [None, pa.py_buffer(bounds), pa.py_buffer(block)])
    return both.take(pa.array(np.arange(len(starts)) * 2))


def overlong_reject(record: bytes, offset: int, max_record_bytes: int) -> dict[str, object]:
    """The reject of a record that is too long, its bytes kept up to :data:`KEEP_BYTES`."""
    kept = record[:KEEP_BYTES]
    reason = f"line longer than {max_record_bytes} bytes"
    if len(record) > len(kept):
        reason += f"; only the first {KEEP_BYTES} are kept"
    return {"source_offset": offset, "source_length": len(kept), "reason": reason, "raw": kept}


def whole_lines(block: bytes, *, final: bool) -> Block:
    """The part of a block up to its last line end, all of it when ``final``."""
    return block if final or block.endswith(b"\n") else memoryview(block)[: block.rfind(b"\n") + 1]


def with_raw(rejects: pa.Table, block: Block, offset: int) -> pa.Table:
    """Put the bytes of the file beside rejected records: ``REASONS`` becomes ``REJECTS``."""
    spans = zip(rejects["source_offset"].to_pylist(), rejects["source_length"].to_pylist(), strict=True)
    raw = pa.array([bytes(block[at - offset : at - offset + length]) for at, length in spans], pa.binary())
    return rejects.append_column("raw", raw).cast(REJECTS)
