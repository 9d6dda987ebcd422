"""The data acquisition module at work: sources are read into the store, by the follower and by ``ingest`` alike.

Reading is serialised: a source that a console's watch and an ``ingest`` both name is read once, because both look up
its committed offset under one lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from soc_tui.acquisition.held import HeldFiles
from soc_tui.acquisition.reader import Chunk, holds_back, open_source, predecessors, read_chunks
from soc_tui.acquisition.scan import find_sources
from soc_tui.core.clock import Clock
from soc_tui.core.errors import SourceError
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.types import SourceState
from soc_tui.management.commits import Commits
from soc_tui.management.lag import LagMeter, disk_size
from soc_tui.management.tally import SourceTally, Tally
from soc_tui.store.database import Store

_MOST_SECONDS = 0.5
"""How long what was read from many small files waits to be committed together."""
_NAMELESS_SECONDS = 10.0
"""How long the writer of a deleted file must be quiet before the file is let go."""


class Intake:
    """Reads sources into the store.

    Args:
        store: the workspace.
        settings: limits of reading.
        clock: for time stamps.
        on_events: called after a commit that added events.
    """

    def __init__(
        self, store: Store, settings: AcquisitionSettings, clock: Clock, on_events: Callable[[], None]
    ) -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self._lock = threading.Lock()
        self._commits = Commits(store, clock, on_events, learn=settings.templates)
        self._held = HeldFiles()
        self._nameless: dict[int, tuple[int, float]] = {}
        """Deleted files that are still read: their size, and since when they have not grown."""

    # -- batch ---------------------------------------------------------------------------------------------------

    def ingest(self, paths: Sequence[Path], as_format: str | None, tally: Tally) -> Iterator[dict[str, Any]]:
        """Read everything below ``paths`` once, to its present end.

        Yields:
            ``{"path", "bytes", "total_bytes", "records", "rate"}`` after each chunk; bytes are those on disk, of
            compressed files too, and the rate is records per second.
        """
        files, errors = self.find(paths)
        named = {str(path) for path in paths}
        tally.errors += errors
        sizes = [disk_size(file) for file in files]
        began = self._clock.monotonic()
        records = 0
        try:
            for number, file in enumerate(files):
                try:
                    for chunk in self.read(file, final=True, as_format=as_format, tally=tally):
                        records += chunk.events.num_rows + chunk.rejects.num_rows
                        position = chunk.position if chunk.compressed else chunk.state.offset
                        yield {
                            "path": str(file),
                            "bytes": sum(sizes[:number]) + min(position, sizes[number]),
                            "total_bytes": sum(sizes),
                            "records": records,
                            "rate": round(records / max(self._clock.monotonic() - began, 0.001), 1),
                        }
                except SourceError as error:
                    (tally.errors if str(file) in named else tally.skipped).append(error)
        finally:
            self.flush()
        for path, source in tally.sources.items():
            if source.error and not source.error.startswith("the file was"):
                damaged = SourceError(
                    source.error, source=path, remedy="what could be read is stored; restore the file"
                )
                (tally.errors if path in named else tally.skipped).append(damaged)

    def find(self, paths: Sequence[Path]) -> tuple[list[Path], list[SourceError]]:
        """The files below ``paths``, without the workspace itself: an engine must not feed on its own log."""
        files, errors = find_sources(paths, self._settings)
        return [file for file in files if not file.is_relative_to(self._store.path.parent)], errors

    def read(
        self,
        path: Path,
        *,
        final: bool,
        as_format: str | None = None,
        tally: Tally | None = None,
        settled: bool = False,
    ) -> Iterator[Chunk]:
        """Read one source on from its committed offset; yields what was read.

        Raises:
            SourceError: the file cannot be read at all.
            StoreError: a commit failed; the offset stays where it was.
        """
        with self._lock:
            yield from self._leave(path, tally)
            state = open_source(path, self.states(), self._settings, as_format=as_format)
            if state.source_id or state.fingerprint or tally is not None:  # an empty file is no source before it is one
                yield from self._read_on(state, final=final, tally=tally, settled=settled)

    def leave(self, path: Path) -> None:
        """Read what was followed under a name that it has lost (renamed, deleted, truncated) to its end."""
        with self._lock:
            for _ in self._leave(path, None):
                pass

    def _leave(self, path: Path, tally: Tally | None) -> Iterator[Chunk]:
        for rotated in predecessors(path, self.states()):  # the lines that a rotation took away are read first
            opened = self._held.path(rotated) if rotated.state == "done" else None
            if opened is None:
                yield from self._read_on(rotated, final=False, tally=tally)
            else:
                yield from self._read_nameless(rotated, opened, tally)

    def _read_nameless(self, gone: SourceState, opened: Path, tally: Tally | None) -> Iterator[Chunk]:
        """Read a deleted file on through its descriptor, until its writer has been quiet for a while."""
        still, size = replace(gone, state="active", error=""), disk_size(opened)
        known, since = self._nameless.get(gone.source_id, (-1, 0.0))
        if known != size:
            since = self._clock.monotonic()
        self._nameless[gone.source_id] = (size, since)
        ended = self._clock.monotonic() - since >= _NAMELESS_SECONDS
        yield from self._read_on(still, final=ended, tally=tally, settled=True, opened=opened)
        state = self.state(gone.source_id)
        if ended or state.state == "done":
            self._commits.touch(replace(state, state="done", error=gone.error, pending_bytes=0))
            self._held.release(gone.source_id)
            del self._nameless[gone.source_id]

    def nameless(self) -> list[Path]:
        """The names that files had which are deleted and still read."""
        return [Path(self.state(source_id).path) for source_id in self._nameless]

    def holds_back(self, state: SourceState) -> bool:
        """True when whole lines of a source wait for more to come."""
        return holds_back(state, self._settings)

    def hold(self, path: Path) -> None:
        """Keep the file that is followed under a name open, so that nothing of it is lost when it is deleted."""
        for state in self._commits.states.values():
            if state.path == str(path) and state.state == "active":
                self._held.hold(state)

    def _read_on(
        self,
        state: SourceState,
        *,
        final: bool,
        tally: Tally | None,
        settled: bool = False,
        opened: Path | None = None,
    ) -> Iterator[Chunk]:
        counts = (tally or Tally()).sources.setdefault(state.path, SourceTally(state.path, state.format))
        counts.error, counts.pending_bytes = state.error, state.pending_bytes  # also when there is nothing new to read
        chunks = read_chunks(state, self._settings, final=final, clock=self._clock, settled=settled, opened=opened)
        for chunk in _ahead(chunks):
            # The first commit numbers a new source; the reader itself does not know the number.
            read = replace(chunk, state=replace(chunk.state, source_id=state.source_id))
            state = self._commits.add(state, read, counts)
            yield read
        self._commits.touch(state)
        self._commits.flush(_MOST_SECONDS)

    def flush(self) -> None:
        """Commit what has been read.

        Raises:
            StoreError: it could not be; it will be read again.
        """
        with self._lock:
            self._commits.flush()

    def lag_bytes(self) -> int:
        """Bytes on disk of every source that are not yet stored."""
        return sum(lag.lag_bytes for lag in self.meter.measure(self.states()))

    @property
    def meter(self) -> LagMeter:
        """How far each source is behind."""
        return self._commits.meter

    def states(self) -> list[SourceState]:
        """Every source, oldest first."""
        return sorted(self._commits.states.values(), key=lambda state: state.source_id)

    def state(self, source_id: int) -> SourceState:
        """One source.

        Raises:
            KeyError: there is none of that number.
        """
        return self._commits.states[source_id]

    def stop(self) -> None:
        """Let go of the files."""
        self._held.close()


def _ahead(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The same chunks, each made while the one before it is committed: reading and storing each keep a core busy."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="soc-tui-read") as reader:
        coming = reader.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, chunks, None)
            yield chunk
