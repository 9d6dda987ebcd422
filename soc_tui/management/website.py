"""One website source tree at work: its inventory in the store, changes to it as events, exactly once.

The inventory and the events that tell of its changes commit in one transaction. Whatever happens in between (a crash,
a full disk, an engine that does not run) is therefore found by the next walk, and nothing is told twice.
"""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from soc_tui.acquisition.stream import absolute
from soc_tui.acquisition.website import (
    FORMAT,
    GONE,
    Change,
    Entry,
    Notice,
    Scan,
    Seen,
    TreeWatcher,
    changed,
    events_of,
    glimpsed,
    limits_of,
    look,
    moved,
    readable,
    scan,
    summary_of,
    tree_event,
)
from soc_tui.core.clock import Clock
from soc_tui.core.schema import NORMALISED
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.types import SourceState
from soc_tui.store.database import Store
from soc_tui.store.intake import load_sources
from soc_tui.store.website import CONTENTS, FILES, append_changes, load_inventory

_MOST_CHANGES = 10_000
_MOST_BYTES = 32 * 1024 * 1024
"""What is committed at once of a large tree."""
_SETTLE_SECONDS = 0.15
"""Notices are gathered this long, so that a file is looked at when its writer is done with it."""


class _Inventory:
    """What is known of a tree, with changes on top that are not committed yet."""

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {}
        self._inside: dict[bytes, set[bytes]] = {}
        self.changes: list[Change] = []
        self.touched: dict[bytes, Entry | None] = {}
        self.contents: dict[str, bytes] = {}
        self.content_bytes = 0

    def put(self, entry: Entry) -> None:
        if self.entries.get(entry.name) != entry:
            self.touched[entry.name] = entry
            self.load(entry)

    def load(self, entry: Entry) -> None:
        self.entries[entry.name] = entry
        self._inside.setdefault(entry.name.rpartition(b"/")[0], set()).add(entry.name)

    def drop(self, name: bytes) -> None:
        if self.entries.pop(name, None) is not None:
            self.touched[name] = None
            self._inside.get(name.rpartition(b"/")[0], set()).discard(name)

    def below(self, name: bytes) -> Iterator[bytes]:
        """What lies inside a folder, the deepest first."""
        for inner in sorted(self._inside.get(name, ())):
            yield from self.below(inner)
            yield inner

    def keep(self, seen: Seen) -> None:
        if seen.content is not None and seen.entry.sha256 not in self.contents:
            self.contents[seen.entry.sha256] = seen.content
            self.content_bytes += len(seen.content)

    @property
    def full(self) -> bool:
        return len(self.touched) >= _MOST_CHANGES or self.content_bytes >= _MOST_BYTES

    def committed(self) -> None:
        self.changes, self.touched, self.contents, self.content_bytes = [], {}, {}, 0


class Website:
    """Follows one tree.

    Args:
        store: the workspace.
        path: the tree, existing or not.
        settings: limits and pace.
        clock: for the time that a commit is kept with.
        on_events: called after a commit that added events.
    """

    def __init__(
        self, store: Store, path: str, settings: AcquisitionSettings, clock: Clock, on_events: Callable[[], None]
    ) -> None:
        self.path = str(absolute(Path(path).expanduser()))
        self._store, self._settings, self._clock, self._on_events = store, settings, clock, on_events
        self._limits, self._host = limits_of(settings), socket.gethostname()
        self._stopping = threading.Event()
        self._watcher: TreeWatcher | None = None
        self._live = False
        self._known: _Inventory | None = None
        self._next_scan, self._found_by = 0.0, "start"
        self.state = SourceState(path=self.path, format=FORMAT)

    def stop(self) -> None:
        """End a walk that is under way and let go of the watches."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.stop()

    def step(self) -> float:
        """One round: look at what was noticed, walk the tree when it is time; the wait for notices is inside."""
        if self._stopping.is_set():
            return 1.0
        known = self._load()
        try:
            self._attach()
            notices, lost = self._noticed()
            self._next_scan = 0.0 if lost else self._next_scan
            self._follow(known, notices)
            if self._clock.monotonic() >= self._next_scan:
                self._walk(known)
        except OSError as error:
            self._lost(error)
            return self._settings.poll_seconds
        except BaseException:
            self._known = None  # what was not committed is found again by comparing with what was
            raise
        return 0.0

    def _load(self) -> _Inventory:
        if self._known is None:
            known = _Inventory()
            stored = [s for s in load_sources(self._store) if s.path == self.path and s.format == FORMAT]
            if stored:
                self.state = stored[-1]
                for row in zip(
                    *(column.to_pylist() for column in load_inventory(self._store, self.state.source_id).columns),
                    strict=True,
                ):
                    fields = dict(zip(FILES.names, row, strict=True))
                    known.load(Entry(**{name: fields[name] for name in Entry._fields}))
            self._known, self._next_scan = known, 0.0
        return self._known

    @property
    def _begun(self) -> bool:
        """True once the first inventory is complete: from then on what is new is news."""
        return bool(json.loads(self.state.header or "{}").get("baseline"))

    # -- watching ------------------------------------------------------------------------------------------------

    def _attach(self) -> None:
        """Watch the folder that bears the tree's name now; it may have come back as another one."""
        info = Path(self.path).stat()
        if self._watcher is None or self._watcher.identity != (info.st_dev, info.st_ino):
            if self._watcher is not None:
                self._watcher.stop()
            self._watcher = TreeWatcher(self.path)
            self._live = self._watcher.start()
            self._next_scan = 0.0
        if self.state.state == "error" and self._begun and "not there" in self.state.error:
            self._commit(self._tree_event("create", "the tree is back"), replace(self.state, state="active", error=""))

    def _noticed(self) -> tuple[list[Notice], bool]:
        if self._watcher is None or not self._begun:
            return [], False
        due = self._clock.monotonic() >= self._next_scan  # what was noticed before a walk is told before it
        notices, lost = self._watcher.take(0 if due else self._settings.flush_seconds)
        if notices and not self._stopping.wait(_SETTLE_SECONDS):
            more, lost_more = self._watcher.take(0)
            return notices + more, lost or lost_more
        return notices, lost

    def _lost(self, error: OSError) -> None:
        """The tree is not there: said once; its inventory is kept to compare with when it comes back."""
        if self._stopping.is_set():
            return
        self._known = None  # what was not committed is found again by comparing with what was
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher = None
        absent = error.errno in {errno.ENOENT, errno.ENOTDIR}
        why = f"the tree {'is not there' if absent else 'cannot be read'}: {error.strerror}"
        if self.state.state == "error" and self.state.error == why:
            return
        gone = replace(self.state, state="error", error=why)
        if absent and self._begun and self.state.state != "error":
            self._commit(self._tree_event("delete", why), gone)
        else:
            self.state = append_changes(self._store, gone, NORMALISED.empty_table(), self._clock.now())

    def _tree_event(self, activity: str, why: str) -> pa.Table:
        return tree_event(activity, self.path, self._host, self.state.offset, time.time_ns(), why)

    # -- changes -------------------------------------------------------------------------------------------------

    def _follow(self, known: _Inventory, notices: list[Notice]) -> None:
        for notice in notices:
            if notice.name == b"":
                continue
            match notice.what:
                case "delete":
                    self._deleted(known, notice)
                case "move":
                    self._moved(known, notice)
                case _:
                    self._touched(known, notice)
            if known.full:
                self._flush(known)
        self._flush(known)

    def _touched(self, known: _Inventory, notice: Notice) -> None:
        old = known.entries.get(notice.name)
        seen = look(self.path, notice.name, old, self._limits)
        if seen is None:
            if old is None and notice.what == "create":
                ghost = glimpsed(notice.name, folder=notice.folder)
                known.changes += changed(None, ghost, notice.moment_ns, "inotify")
                known.put(ghost)
            return
        self._compare(known, seen, notice.moment_ns, "inotify")
        if seen.entry.kind == "directory" and (old is None or notice.what == "create"):
            for inner in scan(
                self.path, known.entries, self._limits, Scan(), notice.name, stopping=self._stopping.is_set
            ):
                self._compare(known, inner, notice.moment_ns, "inotify")

    def _deleted(self, known: _Inventory, notice: Notice) -> None:
        for name in [*known.below(notice.name), notice.name]:
            if (old := known.entries.get(name)) is not None:
                known.changes += changed(old, None, notice.moment_ns, "inotify")
                known.drop(name)

    def _moved(self, known: _Inventory, notice: Notice) -> None:
        if notice.name not in known.entries:
            self._touched(known, notice._replace(what="create", name=notice.to))
            return
        for name in [*known.below(notice.to)]:  # an empty folder may be moved over; anything known inside is old
            known.drop(name)
        for name in [notice.name, *reversed([*known.below(notice.name)])]:
            old, to = known.entries[name], notice.to + name[len(notice.name) :]
            replaced, seen = known.entries.get(to), look(self.path, to, None, self._limits)
            known.drop(name)
            entry = seen.entry if seen is not None and old.note == GONE else old._replace(name=to)
            known.changes.append(moved(old, entry, replaced, notice.moment_ns))
            known.put(entry)
            if seen is not None:
                self._compare(known, seen, notice.moment_ns, "inotify")

    def _compare(self, known: _Inventory, seen: Seen, moment_ns: int, found_by: str) -> None:
        known.changes += changed(known.entries.get(seen.entry.name), seen.entry, moment_ns, found_by)
        known.put(seen.entry)
        known.keep(seen)

    def _walk(self, known: _Inventory) -> None:
        """Compare the whole tree with what is known of it."""
        began, outcome, first = self._clock.monotonic(), Scan(), not self._begun
        met: set[bytes] = set()
        for seen in scan(self.path, known.entries, self._limits, outcome, stopping=self._stopping.is_set):
            met.add(seen.entry.name)
            self._compare(known, seen, time.time_ns(), self._found_by)
            if known.full:
                self._flush(known, told=not first)
        if self._stopping.is_set():
            self._flush(known, told=not first)
            return
        for name in [name for name in known.entries if name not in met and not _inside(name, outcome.closed)]:
            known.changes += changed(known.entries[name], None, time.time_ns(), self._found_by)
            known.drop(name)
            if known.full:
                self._flush(known, told=not first)
        self._flush(known, told=not first)
        self._settle(known, outcome, first=first)
        took = self._clock.monotonic() - began
        pause = self._settings.website_rescan_seconds if self._live else self._settings.poll_seconds
        self._next_scan, self._found_by = self._clock.monotonic() + max(pause, 5 * took), "rescan"

    def _settle(self, known: _Inventory, outcome: Scan, *, first: bool) -> None:
        """After a walk: the summary of a first one, and what could not be read in words."""
        unread = [f"{readable(e.name)}: {e.note}" for e in known.entries.values() if e.note]
        problems = [*outcome.unreadable, *unread]
        error = f"{len(problems)} could not be read: {'; '.join(problems[:5])}" if problems else ""
        state = replace(self.state, error=error, state="active")
        if first:
            summary = summary_of(known.entries.values(), outcome.unreadable, self.path, self._host, time.time_ns())
            self._commit(summary, replace(state, header=json.dumps({"baseline": True})))
        elif state != self.state:
            self.state = append_changes(self._store, state, NORMALISED.empty_table(), self._clock.now())

    # -- committing ----------------------------------------------------------------------------------------------

    def _flush(self, known: _Inventory, *, told: bool = True) -> None:
        """Commit what has gathered; ``told`` False leaves out the events of a first inventory."""
        if not known.touched and not known.changes and not known.contents:
            return
        events = NORMALISED.empty_table()
        if told and known.changes:
            events = events_of(known.changes, self.path, self._host, self.state.offset)
        gone = pa.array([name for name, entry in known.touched.items() if entry is None], pa.binary())
        rows = [self._stored(entry) for entry in known.touched.values() if entry is not None]
        contents = pa.table([list(known.contents), list(known.contents.values())], schema=CONTENTS)
        files = pa.Table.from_pylist(rows, FILES)
        self._commit(events, self.state, gone=gone, files=files, contents=contents)
        known.committed()

    def _stored(self, entry: Entry) -> dict[str, Any]:
        return {**entry._asdict(), "path": f"{self.path}/{readable(entry.name)}"}

    def _commit(
        self, events: pa.Table, state: SourceState, *, gone: pa.Array | None = None, files: pa.Table | None = None,
        contents: pa.Table | None = None,
    ) -> None:  # fmt: skip
        count = state.offset + events.num_rows
        after = replace(state, offset=count, size=count, records_read=count, records_stored=count)
        self.state = append_changes(
            self._store, after, events, self._clock.now(), gone=gone, files=files, contents=contents
        )
        if events.num_rows:
            self._on_events()


def _inside(name: bytes, folders: list[bytes]) -> bool:
    return any(name.startswith(folder + b"/") for folder in folders)
