"""A picture of everything on a machine that persists."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from soc_tui.detection.persistence.listeners import Listener, Process, listeners, processes
from soc_tui.detection.persistence.places import PLACES, Place
from soc_tui.detection.rooted import Root, lines_of, shown
from soc_tui.detection.system.packages.owned import Owned
from soc_tui.detection.tools import Watch
from soc_tui.detection.walking import walk

MAX_BYTES = 1024 * 1024
"""Larger files are known by size and time only."""
MAX_LINES, MAX_LINE, MAX_FILES = 5000, 2000, 20_000
_PROGRAM = (b"\x7fELF", b"\xca\xfe\xba\xbe", b"MZ")


@dataclass(frozen=True)
class Kept:
    """One file of a place."""

    kind: str
    sha256: str
    """Of the content; of a link that is kept as one, of where it points."""
    lines: tuple[tuple[int, str], ...] = ()
    """The lines that do something, by number from 1; none of a program."""
    vendor: bool = False
    """A package brought it with this very content."""


@dataclass(frozen=True)
class Snapshot:
    """What persists."""

    root: str
    """The folder that was looked at."""
    files: Mapping[str, Kept] = field(default_factory=dict)
    """By path, beginning with a slash."""
    setuid: Mapping[str, str] = field(default_factory=dict)
    """Path to mode and owner of each setuid file."""
    listeners: tuple[Listener, ...] = ()
    processes: tuple[Process, ...] = ()
    """What runs; it is judged by itself and is no part of a baseline."""


def snapshot(folder: Path | str, watch: Watch | None = None) -> Snapshot:
    """Look at every place, at setuid files and at what listens.

    Args:
        folder: the root, ``/`` for this machine. Nothing in it is changed, and no link leads out of it.
        watch: is told what cannot be looked at.

    Raises:
        SourceError: it is no folder that can be read.
    """
    watch = watch or Watch()
    root = Root(folder)
    owned = Owned(root, watch)
    files: dict[str, Kept] = {}
    homes = list(_homes(root, watch))
    for place in PLACES:
        watch.progress(place.what, len(files), 0)
        for path in _paths(root, place, homes):
            if watch.stopping():
                break
            if shown(path) not in files and len(files) < MAX_FILES:
                kept = _kept(root, path, place, owned, watch)
                if kept is not None:
                    files[shown(path)] = kept
    if len(files) >= MAX_FILES:
        watch.note(f"more than {MAX_FILES} files; the rest is not looked at")
    running = processes(root, watch)
    return Snapshot(
        root=str(folder), files=files, setuid=dict(_setuid(root, watch)),
        listeners=listeners(root, running, watch), processes=running,
    )  # fmt: skip


def _homes(root: Root, watch: Watch) -> Iterator[str]:
    """The homes of the accounts, and what lies in ``/home``."""
    seen = {"root"}
    yield "root"
    for path in root.glob("home/*"):
        seen.add(path.strip("/"))
        yield path.strip("/")
    data = root.read_noted("etc/passwd", MAX_BYTES, watch) or b""
    for _, line in lines_of(data):
        parts = line.split(":")
        home = parts[5].strip("/") if len(parts) >= 7 else ""
        if home and home not in seen and "*" not in home and len(seen) < 10_000:
            seen.add(home)
            yield home


def _paths(root: Root, place: Place, homes: list[str]) -> Iterator[str]:
    for pattern in place.files:
        if pattern.startswith("~/"):
            for home in homes:
                # a home's own name may hold what means something in a pattern
                if any(sign in pattern for sign in "*?["):
                    yield from root.glob(_literal(home) + pattern[1:])
                elif root.exists(home + pattern[1:], follow=False):
                    yield f"/{home}{pattern[1:]}"
        else:
            yield from root.glob(pattern)


def _literal(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _kept(root: Root, path: str, place: Place, owned: Owned, watch: Watch) -> Kept | None:
    try:
        about = root.stat(path, follow=False)
        if stat.S_ISLNK(about.st_mode):
            if "/systemd/" in path:
                return _link(root.link(path), place, vendor=owned.has(path))
            about = root.stat(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            watch.note(f"{shown(path)}: cannot be looked at: {error.strerror}")
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    if about.st_size > MAX_BYTES:
        said = f"size {about.st_size}, changed {about.st_mtime_ns}"
        watch.note(f"{shown(path)}: is longer than {MAX_BYTES} bytes; only size and time are compared")
        return Kept(place.kind, hashlib.sha256(said.encode()).hexdigest())
    data = root.read_noted(path, MAX_BYTES, watch)
    return (
        None
        if data is None
        else Kept(
            place.kind,
            hashlib.sha256(data).hexdigest(),
            tuple(_active(data, place.comment)),
            owned.unchanged(path, data),
        )
    )


def _link(target: str, place: Place, *, vendor: bool) -> Kept:
    """An enabled unit, an alias, or a masked one: the link itself is what was set."""
    text = f"-> {os.fsencode(target).decode('utf-8', 'backslashreplace')}"[:MAX_LINE]
    return Kept(place.kind, hashlib.sha256(text.encode()).hexdigest(), ((0, text),), vendor)


def _active(data: bytes, comment: str) -> Iterator[tuple[int, str]]:
    if data.startswith(_PROGRAM) or b"\0" in data[:8192]:
        return
    made = 0
    for number, line in lines_of(data):
        text = line.strip()
        if text and (not text.startswith(comment) or text.startswith("#!")) and made < MAX_LINES:
            made += 1
            yield number, text[:MAX_LINE]


def _setuid(root: Root, watch: Watch) -> Iterator[tuple[str, str]]:
    for file in walk(root.folder, watch):
        if file.mode & stat.S_ISUID:
            yield shown(file.path), f"{stat.filemode(file.mode)} {file.uid}:{file.gid}"
