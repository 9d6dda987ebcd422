"""The data acquisition module at work: sources are read into the store, by the watch and by ``ingest`` alike.

Reading is serialised: a source that a console's watch and an ``ingest`` both name is read once, because both look up
its committed offset under one lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.reader import Chunk, open_source, predecessors, read_chunks
from soc_tui.acquisition.scan import find_sources
from soc_tui.acquisition.templates import Templates
from soc_tui.acquisition.watch import Watcher
from soc_tui.acquisition.website import FORMAT as TREE
from soc_tui.core.clock import Clock
from soc_tui.core.errors import SocTuiError, SourceError
from soc_tui.core.schema import OcsfClass
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.types import SourceState
from soc_tui.management.health import Health
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunk, load_sources, save_source
from soc_tui.store.templates import Learned, load_templates

_LEARNED = frozenset({"json", "csv", "text", "syslog"})
"""Formats of whose messages templates are learned; of syslog, those of no narrower class."""


@dataclass
class SourceTally:
    """What one run read from one source."""

    path: str
    format: str = ""
    bytes: int = 0
    records_read: int = 0
    records_stored: int = 0
    records_rejected: int = 0
    pending_bytes: int = 0
    error: str = ""

    def add(self, before: SourceState, after: SourceState, read: int) -> None:
        """Count the difference that one chunk made."""
        self.format, self.bytes = after.format, self.bytes + read
        self.pending_bytes, self.error = after.pending_bytes, after.error
        self.records_read += after.records_read - before.records_read
        self.records_stored += after.records_stored - before.records_stored
        self.records_rejected += after.records_rejected - before.records_rejected


@dataclass
class Tally:
    """What one run read."""

    sources: dict[str, SourceTally] = field(default_factory=dict)
    errors: list[SocTuiError] = field(default_factory=list)
    """What was asked for by name and could not be done."""
    skipped: list[SocTuiError] = field(default_factory=list)
    """Files that lay in a directory and could not be read (wholly): archives, pictures, damaged files."""

    def total(self, name: str) -> int:
        """The sum of a counter over all sources."""
        return sum(getattr(source, name) for source in self.sources.values())


class Intake:
    """Reads sources into the store.

    Args:
        store: the workspace.
        settings: limits of reading.
        clock: for time stamps.
        health: where lag is shown.
        on_events: called after a commit that added events.
    """

    def __init__(
        self, store: Store, settings: AcquisitionSettings, clock: Clock, health: Health, on_events: Callable[[], None]
    ) -> None:
        self._store, self._settings, self._clock, self._health = store, settings, clock, health
        self._on_events = on_events
        self._lock = threading.Lock()
        self._states = {state.source_id: state for state in load_sources(store) if state.format != TREE}
        self._templates = Templates(*load_templates(store)) if settings.templates else None
        self._watched: list[Path] = []
        self._watcher: Watcher | None = None
        self._next_scan = 0.0
        self._unreadable: dict[str, str] = {}

    # -- batch ---------------------------------------------------------------------------------------------------

    def ingest(self, paths: Sequence[Path], as_format: str | None, tally: Tally) -> Iterator[dict[str, Any]]:
        """Read everything below ``paths`` once, to its present end.

        Yields:
            ``{"path", "bytes", "total_bytes", "records"}`` after each commit.
        """
        files, errors = self._find(paths)
        named = {str(path) for path in paths}
        tally.errors += errors
        total = sum(_size(file) for file in files)
        done = 0
        for file in files:
            try:
                for read in self.read(file, final=True, as_format=as_format, tally=tally):
                    done += read
                    yield {
                        "path": str(file),
                        "bytes": done,
                        "total_bytes": total,
                        "records": tally.total("records_read"),
                    }
            except SourceError as error:
                (tally.errors if str(file) in named else tally.skipped).append(error)
        for path, source in tally.sources.items():
            if source.error and not source.error.startswith("the file was"):
                damaged = SourceError(
                    source.error, source=path, remedy="what could be read is stored; restore the file"
                )
                (tally.errors if path in named else tally.skipped).append(damaged)

    def _find(self, paths: Sequence[Path]) -> tuple[list[Path], list[SourceError]]:
        """The files below ``paths``, without the workspace itself: an engine must not feed on its own log."""
        files, errors = find_sources(paths, self._settings)
        return [file for file in files if not self._own(file)], errors

    def _own(self, file: Path) -> bool:
        return file.is_relative_to(self._store.path.parent)

    def read(
        self, path: Path, *, final: bool, as_format: str | None = None, tally: Tally | None = None
    ) -> Iterator[int]:
        """Read one source on from its committed offset; yields the bytes of each commit.

        Raises:
            SourceError: the file cannot be read at all.
            StoreError: a commit failed; the offset stays where it was.
        """
        with self._lock:
            known = list(self._states.values())
            for rotated in predecessors(path, known):  # the lines that a rotation took away are read first
                yield from self._read_on(rotated, final=False, tally=tally)
            state = open_source(path, list(self._states.values()), self._settings, as_format=as_format)
            yield from self._read_on(state, final=final, tally=tally)

    def _read_on(self, state: SourceState, *, final: bool, tally: Tally | None) -> Iterator[int]:
        counts = (tally or Tally()).sources.setdefault(state.path, SourceTally(state.path, state.format))
        counts.error, counts.pending_bytes = state.error, state.pending_bytes  # also when there is nothing new to read
        before = self._states.get(state.source_id)
        for read in _ahead(read_chunks(state, self._settings, final=final, clock=self._clock)):
            # The first commit numbers a new source; the reader itself does not know the number.
            chunk = replace(read, state=replace(read.state, source_id=state.source_id))
            counts.add(state, chunk.state, chunk.bytes_read)
            state = before = self._commit(state, chunk)
            yield chunk.bytes_read
        if before is None or (before.path, before.state) != (state.path, state.state):
            self._remember(save_source(self._store, state))

    def _commit(self, before: SourceState, chunk: Chunk) -> SourceState:
        state = chunk.state
        if before.source_id and not (chunk.events.num_rows or chunk.rejects.num_rows or chunk.bytes_read):
            if replace(state, last_read=before.last_read, size=before.size) != before:
                state = save_source(self._store, state)  # only the pending bytes or the end of the source changed
            self._remember(state)
            return state
        learned = self._learn(chunk)
        appended = append_chunk(
            self._store, chunk.state, chunk.events, chunk.rejects, self._clock.now(), learned=learned
        )
        self._remember(appended.state)
        if learned is not None and self._templates is not None:
            self._templates.committed()
        if appended.last_event_id:
            self._on_events()
        return appended.state

    def _learn(self, chunk: Chunk) -> Learned | None:
        """The templates of the messages that no format has taken apart."""
        if self._templates is None or chunk.state.format not in _LEARNED or not chunk.events.num_rows:
            return None
        messages = chunk.events["message"]
        if chunk.state.format == "syslog":
            plain = pc.equal(chunk.events["class_uid"], OcsfClass.APPLICATION_ACTIVITY)
            messages = pc.if_else(plain, messages, pa.scalar(None, pa.string()))
        return Learned(*self._templates.assign(messages))

    def _remember(self, state: SourceState) -> None:
        self._states[state.source_id] = state

    # -- watch ---------------------------------------------------------------------------------------------------

    def watch(self, paths: Sequence[Path]) -> None:
        """Name the files and directories that :meth:`step` follows; may be called again with more."""
        self._watched += [path for path in paths if path not in self._watched]
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None

    def step(self) -> float:
        """One round of following the watched paths; the wait for changes is inside."""
        if not self._watched:
            return 1.0
        now = self._clock.monotonic()
        if self._watcher is None:
            self._watcher = Watcher(self._watched, self._settings)
            self._watcher.start()
            self._next_scan = now
        changed = self._watcher.changed(self._settings.flush_seconds)
        if now >= self._next_scan:
            files, errors = self._find(self._watched)
            self._unreadable = {str(error.source): str(error) for error in errors}
            self._next_scan = self._clock.monotonic() + self._settings.rescan_seconds
        else:
            files, _ = self._find(sorted(changed))  # a change may name a directory
        if files:
            with self._health.activity("acquisition"):
                self._follow(files)
        self._show_lag()
        return 0.0

    def _follow(self, changed: Sequence[Path]) -> None:
        for path in changed:
            try:
                for _ in self.read(path, final=False):
                    pass
                self._unreadable.pop(str(path), None)
            except SourceError as error:
                if path.exists():  # a file that has gone is no error of reading
                    self._unreadable[str(path)] = str(error)

    def _show_lag(self) -> None:
        problem = next(iter(self._unreadable.values()), "")
        watched = f"{len(self._states)} sources, watching {len(self._watched)} paths"
        self._health.update(
            "acquisition",
            lag=f"{self.lag_bytes()} B",
            detail=f"{watched}; unreadable: {problem}" if problem else watched,
        )

    def lag_bytes(self) -> int:
        """Bytes of the followed plain files that are not yet read."""
        active = [s for s in self._states.values() if s.state == "active"]
        return sum(max(_size(Path(s.path)) - s.offset, 0) for s in active if Path(s.path).exists())

    def states(self) -> list[SourceState]:
        """Every source, oldest first."""
        return sorted(self._states.values(), key=lambda state: state.source_id)

    def state(self, source_id: int) -> SourceState:
        """One source.

        Raises:
            KeyError: there is none of that number.
        """
        return self._states[source_id]

    def stop(self) -> None:
        """Let go of the watches."""
        if self._watcher is not None:
            self._watcher.stop()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _ahead(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """The same chunks, each made while the one before it is committed: reading and storing each keep a core busy."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="soc-tui-read") as reader:
        coming = reader.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, chunks, None)
            yield chunk
