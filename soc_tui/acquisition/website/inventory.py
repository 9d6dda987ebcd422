"""The inventory of a tree: every entry with its attributes, hashed only when those say that it may have changed.

Whoever attacks a website writes in its tree, so nothing in it is trusted: every component of a path is opened relative
to the folder before it and never through a symbolic link, special files are never opened, names are bytes, and a file
that changes while it is read says so. Nothing is written; the access time stays where the system allows that.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import zstandard

from soc_tui.core.settings import AcquisitionSettings

_BLOCK = 1024 * 1024
_TRIES = 3
"""How often a file that changes under the reader is read."""
_SETTLED_NS = 50_000_000
"""A hash made this soon after the file's last change may have missed another change within one tick of its clock."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device",
}  # fmt: skip


class Entry(NamedTuple):
    """One name in a tree as it was when last looked at."""

    name: bytes
    """Path below the tree, as the bytes that the file system holds."""
    kind: str
    """file, directory, symlink, fifo, socket or device."""
    size: int
    mode: int
    """Permission bits with setuid, setgid and sticky."""
    uid: int
    gid: int
    mtime_ns: int
    ctime_ns: int
    device: int
    inode: int
    sha256: str
    """Of a file's content; empty for what is no file or could not be hashed (``note`` says why)."""
    target: str
    """Where a symbolic link points."""
    note: str
    """Why there is no hash: denied, too large, changing."""
    checked_ns: int
    """When the content was last read; 0 when it was not, so that every look tries again."""

    def same_stat(self, other: Entry) -> bool:
        """True when nothing that the kernel keeps of the two differs."""
        return self[1:10] == other[1:10] and self.target == other.target


@dataclass(frozen=True)
class Limits:
    """What is read of a tree."""

    hash_bytes: int
    content_bytes: int
    content_types: tuple[str, ...]
    """Ends of the names whose content is kept, lower case."""
    max_depth: int

    def keeps(self, name: bytes, size: int) -> bool:
        """True for content that page protection needs."""
        return size <= self.content_bytes and os.fsdecode(name).lower().endswith(self.content_types)


def limits_of(settings: AcquisitionSettings) -> Limits:
    """The limits that the settings name."""
    return Limits(
        settings.website_hash_bytes,
        settings.website_content_bytes,
        tuple(suffix.lower() for suffix in settings.website_content),
        settings.max_depth,
    )


class Seen(NamedTuple):
    """An entry that was looked at, and its content where that is kept."""

    entry: Entry
    content: bytes | None
    """Compressed (zstd); None for what is not kept, and for what was not read again."""


@dataclass
class Scan:
    """The outcome of one walk through a tree."""

    unreadable: list[str] = field(default_factory=list)
    """Folders that could not be entered, with the reason."""
    closed: list[bytes] = field(default_factory=list)
    """Their names: what lies below them is unknown, not gone."""


def scan(
    tree: str, known: Mapping[bytes, Entry], limits: Limits, outcome: Scan, below: bytes = b"",
    *, stopping: Callable[[], bool] = lambda: False,
) -> Iterator[Seen]:  # fmt: skip
    """Walk a tree, or the part of it below one folder.

    Args:
        tree: the tree's own path; links in it are followed, those inside never.
        known: entries whose content is not read again while their attributes are the same.
        limits: sizes and depth.
        outcome: receives what could not be entered.
        below: name of a folder in the tree, empty for all.
        stopping: asked before each entry; True ends the walk early.

    Yields:
        Every entry but the tree itself, folders before what is in them.

    Raises:
        OSError: the tree (or the folder) itself cannot be opened.
    """
    descriptor = _descend(open_root(tree), below)
    yield from _walk(descriptor, below, known, limits, outcome, stopping)


def look(tree: str, name: bytes, known: Entry | None, limits: Limits) -> Seen | None:
    """One entry by its name; None when it is gone, or nothing of it may be known.

    Raises:
        OSError: the tree itself cannot be opened.
    """
    folder, _, last = name.rpartition(b"/")
    root = open_root(tree)
    try:
        descriptor = _descend(root, folder)
    except OSError:
        return None
    try:
        return _seen(descriptor, last, name, known, limits)
    except (FileNotFoundError, PermissionError):
        return None
    finally:
        os.close(descriptor)


def open_root(tree: str) -> int:
    """A descriptor of a tree's own folder; links in its path are followed.

    Raises:
        OSError: it cannot be opened.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        return os.open(tree, flags | os.O_NOATIME)
    except PermissionError:
        return os.open(tree, flags)


def _descend(descriptor: int, folder: bytes) -> int:
    """Open a folder component by component; closes the descriptor given, answers a new one."""
    for part in folder.split(b"/") if folder else ():
        try:
            inner = open_below(part, descriptor, os.O_DIRECTORY)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def open_below(name: bytes, folder: int, more: int = 0) -> int:
    """A descriptor of one name in an open folder: never through a symbolic link, never waiting for a FIFO's other end.

    Raises:
        OSError: it cannot be opened, or is a symbolic link (``ELOOP``).
    """
    try:  # only the owner (or root) may ask not to move the access time
        return os.open(name, _READ | more | os.O_NOATIME, dir_fd=folder)
    except PermissionError:
        return os.open(name, _READ | more, dir_fd=folder)


def _walk(
    folder: int, prefix: bytes, known: Mapping[bytes, Entry], limits: Limits, outcome: Scan,
    stopping: Callable[[], bool],
) -> Iterator[Seen]:  # fmt: skip
    try:
        names = sorted(os.fsencode(name) for name in os.listdir(folder))
        for last in names:
            if stopping():
                return
            name = prefix + b"/" + last if prefix else last
            try:
                seen = _seen(folder, last, name, known.get(name), limits)
            except FileNotFoundError:  # gone between listing and looking
                continue
            except PermissionError as error:  # names may be listed, but nothing of them may be known
                if not prefix:
                    raise
                outcome.closed.append(prefix)
                outcome.unreadable.append(f"{readable(prefix)}: {error.strerror}")
                return
            yield seen
            if seen.entry.kind != "directory":
                continue
            if name.count(b"/") + 1 >= limits.max_depth:
                outcome.closed.append(name)
                outcome.unreadable.append(f"{readable(name)}: lies too deep and was not entered")
                continue
            try:
                inner = open_below(last, folder, os.O_DIRECTORY)
            except OSError as error:
                if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
                    outcome.closed.append(name)
                    outcome.unreadable.append(f"{readable(name)}: {error.strerror}")
                continue
            yield from _walk(inner, name, known, limits, outcome, stopping)
    finally:
        os.close(folder)


def _seen(folder: int, last: bytes, name: bytes, known: Entry | None, limits: Limits) -> Seen:
    entry = _entry(name, os.stat(last, dir_fd=folder, follow_symlinks=False))
    if entry.kind == "symlink":
        with contextlib.suppress(OSError):
            entry = entry._replace(target=readable(os.readlink(last, dir_fd=folder)))
    if entry.kind != "file":
        return Seen(entry, None)
    if (
        known is not None
        and known.same_stat(entry)
        and not known.note
        and known.checked_ns - known.ctime_ns > _SETTLED_NS
    ):
        return Seen(entry._replace(sha256=known.sha256, checked_ns=known.checked_ns), None)
    return _read(folder, last, entry, limits)


def _entry(name: bytes, info: os.stat_result) -> Entry:
    kind = _KINDS.get(stat.S_IFMT(info.st_mode), "device")
    size = info.st_size if kind in {"file", "symlink"} else 0
    mtime, ctime = (0, 0) if kind == "directory" else (info.st_mtime_ns, info.st_ctime_ns)
    return Entry(
        name, kind, size, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, mtime, ctime, info.st_dev, info.st_ino,
        "", "", "", 0,
    )  # fmt: skip


def _read(folder: int, last: bytes, entry: Entry, limits: Limits) -> Seen:
    """Hash a file, and keep its content if it is of a protected type."""
    if entry.size > limits.hash_bytes:
        return Seen(entry._replace(note=f"larger than {limits.hash_bytes} bytes"), None)
    for _ in range(_TRIES):
        try:
            descriptor = open_below(last, folder)
        except FileNotFoundError:
            raise
        except OSError as error:
            return Seen(entry._replace(note=error.strerror or "cannot be opened"), None)
        try:
            before = _entry(entry.name, os.fstat(descriptor))
            if before.kind != "file":
                return Seen(before, None)
            checked = time.time_ns()
            digest, content = _digest(descriptor, before, limits)
            after = _entry(entry.name, os.fstat(descriptor))
        except OSError as error:
            return Seen(entry._replace(note=error.strerror or "cannot be read"), None)
        finally:
            os.close(descriptor)
        if before.same_stat(after):
            return Seen(before._replace(sha256=digest, checked_ns=checked), content)
        entry = after
    return Seen(entry._replace(note="changes while it is read"), None)


def _digest(descriptor: int, entry: Entry, limits: Limits) -> tuple[str, bytes | None]:
    made = hashlib.sha256()
    kept: bytearray | None = bytearray() if limits.keeps(entry.name, entry.size) else None
    left = limits.hash_bytes
    while left > 0 and (block := os.read(descriptor, min(_BLOCK, left))):
        left -= len(block)
        made.update(block)
        if kept is not None:
            kept += block
            if len(kept) > limits.content_bytes:  # it has grown meanwhile
                kept = None
    return made.hexdigest(), zstandard.ZstdCompressor(level=3).compress(bytes(kept)) if kept is not None else None


GONE = "gone before it could be read"
"""The note of an entry that was over before anyone could look."""


def glimpsed(name: bytes, *, folder: bool) -> Entry:
    """An entry of which only a notice was had."""
    return Entry(name, "directory" if folder else "file", 0, 0, 0, 0, 0, 0, 0, 0, "", "", GONE, 0)


def readable(name: bytes) -> str:
    r"""A name as text: UTF-8, with ``\xNN`` for bytes that are none."""
    return name.decode("utf-8", "backslashreplace")
