"""Lines as bytes and where they are: what formats that cut lines by their bytes share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Places = npt.NDArray[np.int64]
"""Bytes of the lines, one for each line."""
Truths = npt.NDArray[np.bool_]
_MOST_BYTES = 2**31 - 1
"""What the offsets of Arrow's strings can tell."""


def bytes_of(lines: pa.LargeStringArray) -> tuple[pa.Buffer, Places]:
    """The bytes of all lines and where each begins in them; the last place is their end.

    Lines of no bytes, or of more than offsets can tell, give no line.
    """
    _, offsets, content = lines.buffers()
    bounds = np.frombuffer(offsets, np.int64)[lines.offset : lines.offset + len(lines) + 1]
    size = int(bounds[-1] - bounds[0]) if len(bounds) else 0
    if not 0 < size <= _MOST_BYTES:
        return pa.py_buffer(b""), np.zeros(1, np.int64)
    return content.slice(int(bounds[0]), size), bounds - bounds[0]


def text_of(data: pa.Buffer, starts: Places, ends: Places, null: Truths | None = None) -> pa.StringArray:
    """The text of each span; spans are in order and do not overlap."""
    # Spans and what lies between them as one array over the same memory, of which every second entry is taken.
    bounds = np.empty(2 * len(starts) + 1, np.int32)
    bounds[0:-1:2], bounds[1::2], bounds[-1] = starts, ends, data.size
    both = pa.Array.from_buffers(pa.string(), 2 * len(starts), [None, pa.py_buffer(bounds), data])
    return both.take(pa.array(np.arange(len(starts)) * 2, mask=null))
