"""Records of several lines: a line that does not look like a beginning goes on with the one before it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.framing.base import CHUNK_RECORDS, Cut, line_bounds, records, texts, whole_lines


class Joined:
    """A stack trace belongs to the line that reports it.

    Args:
        start: RE2 pattern, found at the beginning of a line, of a line that begins a record.
        max_lines: a record of more lines is cut, so that one strange file cannot be held back for ever.
    """

    holds = True
    most = CHUNK_RECORDS

    def __init__(self, start: str, max_lines: int = 1000) -> None:
        self.start, self.max_lines = start, max_lines

    def cut(self, block: bytes, offset: int, max_record_bytes: int, *, final: bool) -> Cut:
        """Records whose end is known: followed by another beginning, or all when ``final``."""
        whole = whole_lines(block, final=final)
        starts, ends, _ = line_bounds(whole, offset)
        first = np.flatnonzero(self._beginnings(texts(whole, starts, ends)))
        used, count = len(whole), len(first)
        if not final:  # blank lines before the first record are used up, those inside the last one wait with it
            used, count = (int(starts[first[-1]]), count - 1) if count else (len(whole), 0)
        if count > self.most:
            used, count = int(starts[first[self.most]]), self.most
        last = np.append(first[1:], len(starts)) - 1
        return Cut(*records(whole, offset, starts[first[:count]], ends[last[:count]], max_record_bytes), used)

    def _beginnings(self, lines: pa.LargeStringArray) -> npt.NDArray[np.bool_]:
        if len(lines) == 0:
            return np.zeros(0, np.bool_)
        begins: npt.NDArray[np.bool_] = pc.match_substring_regex(lines, f"^(?:{self.start})").to_numpy(
            zero_copy_only=False
        )
        begins = begins.copy()
        begins[0] = True  # what precedes the first beginning is a record by itself
        place = np.arange(len(begins))
        since = place - np.maximum.accumulate(np.where(begins, place, 0))
        begins |= since % self.max_lines == 0
        return begins
