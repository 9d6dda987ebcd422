"""What the kernel says of a tree while it happens, in order: also of what is over before anyone can look."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

_log = logging.getLogger(__name__)
_MOST = 100_000
"""Notices kept at most; beyond that a rescan finds what changed."""
_KINDS = {"created": "create", "deleted": "delete", "moved": "move", "modified": "touch", "attrib": "touch",
          "closed": "touch"}  # fmt: skip


class Notice(NamedTuple):
    """Something happened to a name."""

    what: str
    """``create``, ``delete``, ``move``, or ``touch`` (written, or its attributes changed)."""
    name: bytes
    """Path below the tree; empty for the tree itself."""
    to: bytes
    """Where a move led."""
    folder: bool
    moment_ns: int


class TreeWatcher:
    """Collects notices of everything below one folder.

    Args:
        tree: an existing folder.
    """

    def __init__(self, tree: str) -> None:
        self._root = os.fsencode(os.path.realpath(tree))
        self._notices: list[Notice] = []
        self._overflow = False
        self._ready = threading.Condition()
        self._observer: BaseObserver | None = None
        info = Path(tree).stat()
        self.identity = (info.st_dev, info.st_ino)
        """Of the folder that is watched: another one may have taken its name since."""

    def start(self) -> bool:
        """Begin; False when inotify is missing or used up, so that only rescans find changes."""
        observer = Observer()
        try:
            observer.schedule(_Handler(self), os.fsdecode(self._root), recursive=True)
            observer.start()
        except OSError as error:
            _log.warning("%s cannot be watched with inotify (%s); changes are found by rescans", self._root, error)
            observer.unschedule_all()
            return False
        self._observer = observer
        return True

    def take(self, timeout: float) -> tuple[list[Notice], bool]:
        """Wait for notices and hand them over in order; the second value is True when some were lost."""
        with self._ready:
            self._ready.wait_for(lambda: bool(self._notices), timeout)
            out, lost = self._notices, self._overflow
            self._notices, self._overflow = [], False
            return out, lost

    def stop(self) -> None:
        """End; may be called twice."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join(timeout=5)

    def note(self, event: FileSystemEvent) -> None:
        """Keep what the observer tells."""
        what = _KINDS.get(event.event_type)
        if what is None or (event.is_directory and event.event_type == "modified"):
            return
        moment = time.time_ns()
        name, to = self._below(event.src_path), self._below(event.dest_path) if event.dest_path else None
        if what == "move" and (name is None or to is None):  # into or out of the tree
            what, name, to = ("create", to, None) if name is None else ("delete", name, None)
        if name is None:
            return
        with self._ready:
            if len(self._notices) >= _MOST:
                self._overflow = True
                return
            self._notices.append(Notice(what, name, to or b"", event.is_directory, moment))
            self._ready.notify_all()

    def _below(self, path: str | bytes) -> bytes | None:
        name = os.fsencode(path)
        if name == self._root:
            return b""
        prefix = self._root.rstrip(b"/") + b"/"
        return name[len(prefix) :] if name.startswith(prefix) else None


class _Handler(FileSystemEventHandler):
    def __init__(self, watcher: TreeWatcher) -> None:
        self._watcher = watcher

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._watcher.note(event)
