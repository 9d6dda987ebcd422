"""Linux audit events: one event is several lines of one id, and lines of other events may lie between."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.framing.base import (
    CHUNK_RECORDS,
    Bounds,
    Cut,
    line_bounds,
    overlong_reject,
    texts,
)
from soc_tui.core.schema import LINES, REJECTS

_ID = r"^(?P<id>(?:node=\S+ )?type=\S+ msg=audit\(\d+\.\d+:\d+\))"
_TYPE = r"type=\S+ "
_BATCH = 16 * 1024


class AuditEvents:
    """Lines of one ``audit(TIME:SERIAL)`` are one record; a line without an id is one by itself.

    A line joins the line before it of the same id when at most ``reach`` lines lie between, so an id that comes
    again much later is another event. A cut is made only where no event lies on both sides, and what could still be
    joined is held back; where events overlap without end, one is cut all the same after ``max_lines``. All of this
    counts lines from the last cut, which depends on the stream alone.

    Where lines of other events lie between, ``source_offset`` and ``source_length`` are those first lines of the event
    that lie together: true bytes of this event and of no other. The text has all of its lines.

    Args:
        reach: lines that may lie between two lines of an event.
        max_lines: lines after which overlapping events are cut.
    """

    holds = True
    most = CHUNK_RECORDS

    def __init__(self, reach: int = 32, max_lines: int = 1000) -> None:
        self._span, self._max_lines = reach + 1, max_lines

    def cut(self, block: bytes, offset: int, max_record_bytes: int, *, final: bool) -> Cut:
        """Events to which no line can come any more, or all when ``final``; in the order of their first lines."""
        whole = block if final else block[: block.rfind(b"\n") + 1]
        starts, ends, _ = line_bounds(whole, offset)
        if not len(starts):
            return Cut(LINES.empty_table(), REJECTS.empty_table(), len(whole))
        lines = texts(whole, starts, ends)
        before = self._linked(lines)
        known = len(starts) if final else len(starts) - self._span
        cuts = self._cuts(before, known)
        cuts = cuts[cuts <= self.most]
        count = int(cuts[-1]) if len(cuts) else 0
        if not count:
            return Cut(LINES.empty_table(), REJECTS.empty_table(), 0)
        used = len(whole) if count == len(starts) else int(starts[count])
        events = self._events(before[:count])
        return Cut(*_records(whole, offset, lines, (starts[:count], ends[:count], events), max_record_bytes), used)

    def _linked(self, lines: pa.LargeStringArray) -> Bounds:
        """For each line the line before it that it goes on with, or -1."""
        ids = pc.struct_field(pc.extract_regex(lines, _ID), "id")
        ids = pc.replace_substring_regex(ids, _TYPE, "")
        codes = pc.fill_null(pc.dictionary_encode(ids).indices, -1).to_numpy().astype(np.int64)
        order = np.argsort(codes, kind="stable")
        same = (codes[order[1:]] == codes[order[:-1]]) & (codes[order[1:]] >= 0)
        same &= order[1:] - order[:-1] <= self._span
        before = np.full(len(codes), -1, np.int64)
        before[order[1:][same]] = order[:-1][same]
        return before

    def _cuts(self, before: Bounds, known: int) -> Bounds:
        """Where records may be cut, as numbers of lines up to ``known``; links over a forced cut are removed."""
        found: list[Bounds] = []
        at = 0
        while at < known:
            later = np.arange(at, len(before))
            back = before[at:]
            linked = later[back >= at]
            crossing = np.zeros(len(before) - at + 1, np.int64)
            np.add.at(crossing, back[back >= at] + 1 - at, 1)
            np.add.at(crossing, linked + 1 - at, -1)
            free = at + np.flatnonzero(np.cumsum(crossing) == 0)
            free = free[(free > at) & (free <= known)]
            gaps = np.flatnonzero(np.diff(free, prepend=at) > self._max_lines)
            good = free[: gaps[0]] if len(gaps) else free
            found.append(good)
            last = int(good[-1]) if len(good) else at
            if not len(gaps) and known - last < self._max_lines:
                break
            at = last + self._max_lines
            found.append(np.array([at], np.int64))
            crossed = np.flatnonzero((before >= 0) & (before < at))
            before[crossed[crossed >= at]] = -1
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _events(self, before: Bounds) -> Bounds:
        """The first line of each line's event."""
        first = np.where(before >= 0, before, np.arange(len(before)))
        while True:  # each round doubles the links that are followed
            further = first[first]
            if np.array_equal(further, first):
                return first
            first = further


def _records(
    block: bytes, offset: int, lines: pa.LargeStringArray, spans: tuple[Bounds, Bounds, Bounds], max_record_bytes: int
) -> tuple[pa.Table, pa.Table]:
    starts, ends, events = spans
    order = np.lexsort((np.arange(len(events)), events))
    heads = np.flatnonzero(np.append(True, np.diff(events[order]) != 0))
    first = order[heads]
    # the end of the first lines that lie together: the last before a step of more than one
    breaks = np.append(np.flatnonzero(np.append(np.diff(order) != 1, True)), len(order))
    breaks = np.union1d(breaks, np.append(heads[1:], len(order)) - 1)
    last = order[breaks[np.searchsorted(breaks, heads)]]
    bounds = pa.array(np.append(heads, len(order)))
    joined = pc.binary_join(
        pa.LargeListArray.from_arrays(bounds, lines.take(pa.array(order))), pa.scalar("\n", pa.large_string())
    )
    long = pc.greater(pc.binary_length(joined), max_record_bytes).to_numpy(zero_copy_only=False)
    rejects = [overlong_reject(block[starts[a] : ends[b]], offset + int(starts[a]), max_record_bytes)
               for a, b in zip(first[long].tolist(), last[long].tolist(), strict=True)]  # fmt: skip
    keep = ~long
    columns = [
        pa.array(starts[first[keep]] + offset),
        pa.array((ends[last[keep]] - starts[first[keep]]).astype(np.int32)),
        joined.filter(pa.array(keep)),
    ]
    table = pa.table(columns, schema=LINES)
    return pa.Table.from_batches(table.to_batches(max_chunksize=_BATCH), LINES), pa.Table.from_pylist(rejects, REJECTS)
