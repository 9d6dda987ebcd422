"""Following: the watched files and directories are read on as they grow, change their names, and come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from soc_tui.acquisition.identity import copy_in_progress
from soc_tui.acquisition.watch import Watcher
from soc_tui.core.clock import Clock
from soc_tui.core.errors import SourceError
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.management.health import Health
from soc_tui.management.intake import Intake

Look = tuple[int, int, int, int]
"""Device, inode, size and time of change of a file when it was last looked at."""
QUIET_SECONDS = 2.0
"""A copy or archive that has not changed for so long is taken for whole."""


class Follower:
    """Reads watched paths on.

    Args:
        intake: reads one source into the store.
        settings: the pace.
        clock: for the pace.
        health: where lag and what cannot be read are shown.
    """

    def __init__(self, intake: Intake, settings: AcquisitionSettings, clock: Clock, health: Health) -> None:
        self._intake, self._settings, self._clock, self._health = intake, settings, clock, health
        self.watched: list[Path] = []
        self._watcher: Watcher | None = None
        self._next_scan = 0.0
        self._looks: dict[Path, Look] = {}
        self._waiting: dict[Path, tuple[Look, float]] = {}
        """Files that are not ready, as they were and since when: copies being made, records that may go on."""
        self.unreadable: dict[str, str] = {}
        self._halted = threading.Event()

    def halt(self) -> None:
        """End a round that is under way after the chunk it is at; :meth:`step` then does nothing more."""
        self._halted.set()

    def watch(self, paths: Sequence[Path]) -> None:
        """Name the files and directories that :meth:`step` follows; may be called again with more."""
        self.watched += [path for path in paths if path not in self.watched]
        self.stop()

    def stop(self) -> None:
        """Let go of the watches."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()

    def step(self) -> float:
        """One round of following the watched paths; the wait for changes is inside."""
        if not self.watched or self._halted.is_set():
            return 1.0
        watcher = self._watcher
        if watcher is None:
            self._watcher = watcher = Watcher(self.watched, self._settings)
            watcher.start()
            self._next_scan = self._clock.monotonic()
        changed = watcher.changed(self._settings.flush_seconds)
        if self._clock.monotonic() >= self._next_scan:
            files, errors = self._intake.find(self.watched)
            self.unreadable = {str(error.source): str(error) for error in errors}
            self._next_scan = self._clock.monotonic() + self._settings.rescan_seconds
            files = [file for file in files if _look(file) != self._looks.get(file)]
            gone = [Path(state.path) for state in self._intake.states() if state.state == "active"]
        else:
            files, _ = self._intake.find(sorted(changed))  # a change may name a directory
            gone = list(changed)
        gone = [path for path in gone if not path.exists() and self._is_watched(path)] + self._intake.nameless()
        files += [path for path in self._waiting if path not in files]
        if files or gone:
            try:
                with self._health.activity("acquisition"):
                    for path in gone:
                        if self._halted.is_set():
                            break
                        self._intake.leave(path)
                        self._forget(path)
                    self._read(files)
                    self._intake.flush()
            except BaseException:
                self._looks.clear()  # what was read and not committed must be read again
                self._next_scan = 0.0
                raise
        self._show()
        return 0.0

    def _is_watched(self, path: Path) -> bool:
        return any(path == watched or path.is_relative_to(watched) for watched in self.watched)

    def _read(self, files: Iterable[Path]) -> None:
        for path in files:
            if self._halted.is_set():
                return
            look = _look(path)
            if look is None:
                self._forget(path)
                continue
            quiet = self._quiet(path, look)
            try:
                if not quiet and look != self._looks.get(path) and copy_in_progress(path, self._intake.states()):
                    self._wait(path, look)
                    continue
                for _ in self._intake.read(path, final=False, settled=quiet):
                    if self._halted.is_set():
                        return
                self.unreadable.pop(str(path), None)
                self._intake.hold(path)
            except SourceError as error:
                if path.exists():  # a file that has gone is no error of reading
                    self.unreadable[str(path)] = str(error)
            self._looks[path] = look
            if not quiet and self._held_back(path):
                self._wait(path, look)
            else:
                self._waiting.pop(path, None)

    def _quiet(self, path: Path, look: Look) -> bool:
        """True for a waiting file that has not changed for long enough."""
        seen, since = self._waiting.get(path, (None, 0.0))
        needed = self._settings.join_seconds if path in self._looks else QUIET_SECONDS
        return seen == look and self._clock.monotonic() - since >= needed

    def _wait(self, path: Path, look: Look) -> None:
        if self._waiting.get(path, (None, 0.0))[0] != look:
            self._waiting[path] = (look, self._clock.monotonic())

    def _held_back(self, path: Path) -> bool:
        return any(self._intake.holds_back(state) for state in self._intake.states() if state.path == str(path))

    def _forget(self, path: Path) -> None:
        self._looks.pop(path, None)
        self._waiting.pop(path, None)

    def _show(self) -> None:
        problem = next(iter(self.unreadable.values()), "")
        watched = f"{len(self._intake.states())} sources, watching {len(self.watched)} paths"
        self._health.update(
            "acquisition",
            lag=f"{self._intake.lag_bytes()} B",
            detail=f"{watched}; unreadable: {problem}" if problem else watched,
        )


def _look(path: Path) -> Look | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns
