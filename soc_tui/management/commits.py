"""What has been read and waits for its commit.

A commit costs the disk the same for one record as for a hundred thousand, and DuckDB writes whole row groups straight
to the file. So chunks are gathered, of one source or of many small ones, and committed together with the offsets of
all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.reader import Chunk
from soc_tui.acquisition.templates import Templates
from soc_tui.acquisition.website import FORMAT as TREE
from soc_tui.core.clock import Clock
from soc_tui.core.schema import OcsfClass
from soc_tui.core.types import SourceState
from soc_tui.detection.tools import FORMAT as SCAN
from soc_tui.management.lag import LagMeter
from soc_tui.management.tally import SourceTally
from soc_tui.store.database import Store
from soc_tui.store.intake import ROW_GROUP, append_chunks, load_sources
from soc_tui.store.templates import Learned, load_templates

_LEARNED = frozenset({"json", "csv", "text", "syslog"})
"""Formats of whose messages templates are learned; of syslog, those of no narrower class."""
_MOST_BYTES = 64 * 1024 * 1024
"""Of events and rejects that wait at most."""


class Commits:
    """Gathers chunks; not safe from several threads at once.

    Args:
        store: the workspace.
        clock: for time stamps and for how long something waits.
        on_events: called after a commit that added events.
        learn: give messages that no format has taken apart the template they follow.
    """

    def __init__(self, store: Store, clock: Clock, on_events: Callable[[], None], *, learn: bool = False) -> None:
        self._store, self._clock, self._on_events = store, clock, on_events
        self._waiting: list[Chunk] = []
        self._rows = self._bytes = 0
        self._since = 0.0
        self.meter = LagMeter(clock)
        self._templates = Templates(*load_templates(store)) if learn else None
        self._counts: list[tuple[SourceTally, SourceState, Chunk]] = []
        self.states: dict[int, SourceState] = {}
        """Every source as it will be after the next commit."""
        self._load()

    def _load(self) -> None:
        self.states = {s.source_id: s for s in load_sources(self._store) if s.format not in {TREE, SCAN}}

    def add(self, before: SourceState, chunk: Chunk, counts: SourceTally) -> SourceState:
        """Take a chunk that was read after ``before``; commits when a row group is full.

        Returns:
            The state after the chunk, with the source's number.

        Raises:
            StoreError: the commit failed. Nothing that waited was stored; the states are again those of the store.
        """
        chunk = replace(chunk, state=self._numbered(chunk.state))
        nothing = not (chunk.events.num_rows or chunk.rejects.num_rows or chunk.bytes_read)
        if nothing and replace(chunk.state, last_read=before.last_read, size=before.size) == before:
            self.states[chunk.state.source_id] = chunk.state  # nothing worth a commit has changed
            return chunk.state
        self._wait(chunk)
        self._counts.append((counts, before, chunk))
        if self._rows >= ROW_GROUP or self._bytes >= _MOST_BYTES:
            self.flush()
        return chunk.state

    def touch(self, state: SourceState) -> None:
        """Keep a source's path and state when they are not yet as given."""
        known = self.states.get(state.source_id)
        if known is None or (known.path, known.state, known.error) != (state.path, state.state, state.error):
            self._wait(Chunk.of_state(self._numbered(state)))

    def flush(self, older_than: float = 0.0) -> None:
        """Commit what has waited for at least that many seconds.

        Raises:
            StoreError: as for :meth:`add`.
        """
        if not self._waiting or self._clock.monotonic() - self._since < older_than:
            return
        waiting, rows = self._waiting, self._rows
        # Of what is stored, the times are all that is looked at behind the commit.
        counts = [
            (tally, before, replace(read, events=read.events.select(["time"]))) for tally, before, read in self._counts
        ]
        self._waiting, self._counts, self._rows, self._bytes = [], [], 0, 0
        try:
            learned = self._learn(waiting)
            append_chunks(self._store, _drained(waiting), self._clock.now(), learned=learned)
        except BaseException:
            self._load()
            raise
        if self._templates is not None:
            self._templates.committed()
        for tally, before, chunk in counts:
            tally.add(before, chunk.state, chunk.bytes_read)
            self.meter.committed(chunk.state, chunk)
        if rows:
            self._on_events()

    def _numbered(self, state: SourceState) -> SourceState:
        return state if state.source_id else replace(state, source_id=self._store.next_source_id())

    def _learn(self, chunks: Sequence[Chunk]) -> Learned | None:
        """The templates of the messages that no format has taken apart, and what is new of them."""
        if self._templates is None or not any(chunk.state.format in _LEARNED for chunk in chunks):
            return None
        ids, new = [], None
        for chunk in chunks:
            messages = chunk.events["message"]
            if chunk.state.format not in _LEARNED:
                ids.append(pa.nulls(len(messages), pa.int64()))
                continue
            if chunk.state.format == "syslog":
                plain = pc.equal(chunk.events["class_uid"], OcsfClass.APPLICATION_ACTIVITY)
                messages = pc.if_else(plain, messages, pa.scalar(None, pa.string()))
            found, *new = self._templates.assign(messages)
            ids.append(found)
        return Learned(pa.chunked_array(ids, pa.int64()), *(new or ()))

    def _wait(self, chunk: Chunk) -> None:
        if not self._waiting:
            self._since = self._clock.monotonic()
        self._waiting.append(chunk)
        self._rows += chunk.events.num_rows
        self._bytes += chunk.events.nbytes + chunk.rejects.nbytes
        self.states[chunk.state.source_id] = chunk.state


def _drained(chunks: list[Chunk]) -> Iterator[Chunk]:
    """The chunks, each let go of as it is taken: events are copied on their way, and once is enough."""
    while chunks:
        yield chunks.pop(0)
