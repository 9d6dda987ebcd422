"""One record a line: what almost every log is."""

from __future__ import annotations

from soc_tui.acquisition.framing.base import CHUNK_RECORDS, Cut, line_bounds, records, whole_lines


class Lines:
    """Every line that is not blank is a record."""

    holds = False

    def cut(self, block: bytes, offset: int, max_record_bytes: int, *, final: bool) -> Cut:
        """All whole lines, and the last without its line end when ``final``."""
        whole = whole_lines(block, final=final)
        starts, ends, following = line_bounds(whole, offset)
        used = len(whole)
        if len(starts) > CHUNK_RECORDS:
            used = int(following[CHUNK_RECORDS - 1])
            starts, ends = starts[:CHUNK_RECORDS], ends[:CHUNK_RECORDS]
        return Cut(*records(whole, offset, starts, ends, max_record_bytes), used)


LINES_FRAMING = Lines()
"""The one instance that every plain format shares."""
