"""Comma-separated values (RFC 4180): a line end inside quotes does not end the record."""

from __future__ import annotations

import numpy as np

from soc_tui.acquisition.framing.base import CHUNK_RECORDS, Bounds, Cut, line_bounds, records, whole_lines


class Quoted:
    """Records end at a line end outside quotes.

    One stray quote would turn the rest of a file inside out. A record that is longer than ``max_lines`` is therefore
    not believed: its first line ends it, and counting begins anew.

    Args:
        quote: the quote byte.
        max_lines: lines that one record may have.
    """

    holds = True
    most = CHUNK_RECORDS

    def __init__(self, quote: bytes = b'"', max_lines: int = 1000) -> None:
        self._quote, self.max_lines = quote[0], max_lines

    def cut(self, block: bytes, offset: int, max_record_bytes: int, *, final: bool) -> Cut:
        """Records whose quotes are closed; the rest is held back unless ``final``."""
        whole = whole_lines(block, final=final)
        starts, ends, following = line_bounds(whole, offset)
        quotes = np.flatnonzero(np.frombuffer(whole, np.uint8) == self._quote)
        first, last = self._grouped(np.searchsorted(quotes, ends), final)
        count = min(len(last), self.most)
        if len(last) > self.most or (len(last) and not final):
            used = int(following[last[count - 1]])
        else:
            used = len(whole) if final or not len(starts) else 0
        return Cut(*records(whole, offset, starts[first[:count]], ends[last[:count]], max_record_bytes), used)

    def _grouped(self, quotes: Bounds, final: bool) -> tuple[Bounds, Bounds]:
        """First and last line of each record, from the number of quotes up to the end of each line."""
        ends_record = np.zeros(len(quotes), np.bool_)
        at, before = 0, 0
        while at < len(quotes):
            even = (quotes[at:] - before) % 2 == 0
            closing = np.flatnonzero(even)
            gaps = np.diff(closing, prepend=-1)
            broken = np.flatnonzero(gaps > self.max_lines)
            good = closing[: broken[0]] if len(broken) else closing
            ends_record[at + good] = True
            rest = at + (int(good[-1]) + 1 if len(good) else 0)
            if len(broken) == 0 and len(quotes) - rest <= self.max_lines:
                break  # the record that is open at the end may still be closed
            ends_record[rest] = True
            at, before = rest + 1, int(quotes[rest])
        if final and len(quotes):
            ends_record[-1] = True
        last = np.flatnonzero(ends_record)
        first = np.append(0, last[:-1] + 1) if len(last) else last
        return first, last
