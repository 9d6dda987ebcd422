"""One record a line: what almost every log is."""

from __future__ import annotations

from soc_tui.acquisition.framing.base import CHUNK_RECORDS, Cut, line_bounds, records, whole_lines


class Lines:
    """Every line that is not blank is a record."""

    holds = False

    def __init__(self, most: int = CHUNK_RECORDS) -> None:
        self.most = most

    def cut(self, block: bytes, offset: int, max_record_bytes: int, *, final: bool) -> Cut:
        """All whole lines, and the last without its line end when ``final``."""
        whole = whole_lines(block, final=final)
        starts, ends, following = line_bounds(whole, offset)
        used = len(whole)
        if len(starts) > self.most:
            used = int(following[self.most - 1])
            starts, ends = starts[: self.most], ends[: self.most]
        return Cut(*records(whole, offset, starts, ends, max_record_bytes), used)


LINES_FRAMING = Lines()
"""The one instance that every plain format shares."""
SHORT_LINES = Lines(CHUNK_RECORDS * 3 // 2)
"""For short lines whose normaliser is long: planning it takes as long as 15,000 lines, whatever a chunk holds."""
