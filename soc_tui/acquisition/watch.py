"""Being told when log files change, with inotify where it works and by polling where it does not."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from soc_tui.acquisition.stream import absolute
from soc_tui.core.settings import AcquisitionSettings

_log = logging.getLogger(__name__)
_READ_ONLY_EVENTS = frozenset({"opened", "closed_no_write"})
"""What our own reading causes; reacting to it would read in a circle."""


class Watcher:
    """Collects the paths of files that were made, written to, moved or removed under some paths.

    A path that does not exist yet is waited for: the nearest folder above it that does exist is watched. What is
    reported is a hint to look; the caller also scans everything each ``rescan_seconds``, because inotify loses events
    under load and sees nothing that another machine writes on a network file system.

    Args:
        paths: files and directories, existing or not.
        settings: ``poll_seconds`` is the pace of polling.
        polling: do not even try inotify.
    """

    def __init__(self, paths: Sequence[Path], settings: AcquisitionSettings, *, polling: bool = False) -> None:
        self.paths = [absolute(path) for path in paths]
        self.settings = settings
        self.polling = polling
        """True when polling, by wish or because inotify is missing or used up."""
        self._changed: set[Path] = set()
        self._ready = threading.Condition()
        self._observer: BaseObserver | None = None

    def start(self) -> None:
        """Begin to watch."""
        if not self.polling:
            try:
                self._observer = self._started(Observer())
                return
            except OSError as error:  # no inotify, or its instances or watches are used up
                _log.warning("inotify cannot be used (%s); polling every %s s", error, self.settings.poll_seconds)
        self.polling = True
        self._observer = self._started(PollingObserver(timeout=self.settings.poll_seconds))

    def changed(self, timeout: float) -> set[Path]:
        """Wait for changes and hand them over.

        Args:
            timeout: seconds to wait at most.

        Returns:
            The files that changed since the last call; empty after the time.
        """
        with self._ready:
            self._ready.wait_for(lambda: bool(self._changed), timeout)
            out, self._changed = self._changed, set()
            return out

    def stop(self) -> None:
        """End watching; may be called twice, and wakes a waiting :meth:`changed` by its timeout."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join(timeout=5)

    def _started(self, observer: BaseObserver) -> BaseObserver:
        try:
            for folder, recursive in self._folders():
                observer.schedule(_Handler(self), str(folder), recursive=recursive)
            observer.start()
        except OSError:
            observer.unschedule_all()
            raise
        return observer

    def _folders(self) -> list[tuple[Path, bool]]:
        wanted: dict[Path, bool] = {}
        for path in self.paths:
            if path.is_dir():
                wanted[path] = True
                continue
            folder = path.parent  # a file is watched through its folder, so that a rotated one is seen coming back
            missing = not folder.is_dir()
            while not folder.is_dir():
                folder = folder.parent
            wanted[folder] = wanted.get(folder, False) or missing
        return sorted(wanted.items())

    def _note(self, name: str | bytes) -> None:
        path = absolute(Path(os.fsdecode(name)))
        if any(
            path == p or p in path.parents or (p.parent == path.parent and _named_like(path, p)) for p in self.paths
        ):
            with self._ready:
                self._changed.add(path)
                self._ready.notify_all()


def _named_like(path: Path, watched: Path) -> bool:
    """A rotation of a watched file: ``app.log.1`` beside ``app.log``."""
    return path.name.startswith(watched.name) and path.name != watched.name


class _Handler(FileSystemEventHandler):
    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _READ_ONLY_EVENTS:
            return
        for name in (event.src_path, event.dest_path):
            if name and not (event.is_directory and event.event_type == "modified"):
                self._watcher._note(name)
