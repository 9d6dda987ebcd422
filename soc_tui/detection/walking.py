"""One walk through a machine's files, from which every collector takes what it needs."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from soc_tui.detection.rooted import shown
from soc_tui.detection.tools import Watch

MAX_DEPTH = 64
"""Deeper folders are named and not entered: each level holds a descriptor while it is walked."""
MAX_FILES = 20_000_000
NOT_OF_THE_MACHINE = frozenset({"dev", "proc", "run", "sys"})
"""Folders of a root that the kernel fills."""
_FOREIGN = frozenset({
    "autofs", "bpf", "cgroup", "cgroup2", "cifs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fuse.gvfsd-fuse",
    "fuse.sshfs", "fusectl", "hugetlbfs", "iso9660", "mqueue", "nfs", "nfs4", "nsfs", "proc", "pstore", "securityfs",
    "smb3", "squashfs", "sysfs", "tracefs",
})  # fmt: skip
"""File systems that are the kernel's or another machine's; those of ``squashfs`` (snap) cannot be changed."""


_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_Open = tuple[int, str, list[str]]
"""An open folder from the root down, and the names in it that are left to enter, the last one first."""


class Walked(NamedTuple):
    """One file."""

    folder: str
    """The folder it lies in, beginning with a slash (empty: the root), as ``os.fsdecode`` gives it."""
    name: str
    mode: int
    """``st_mode``."""
    uid: int
    gid: int

    @property
    def path(self) -> str:
        """Relative to the root, beginning with a slash."""
        return f"{self.folder}/{self.name}"


def walk(root: Path, watch: Watch) -> Iterator[Walked]:
    """Every regular file below a root, folder by folder in the order of names; links are never followed.

    File systems of the kernel or of other machines are left out. A folder that cannot be read is a note. Folders are
    opened from the one above, with ``O_NOFOLLOW``, so nobody can lead the walk away while it walks.
    """
    foreign = _foreign_mounts() if root == Path("/") else frozenset()
    stack: list[_Open] = []
    seen = 0
    try:
        handle, inside = os.open(root, _FLAGS), ""
        while True:
            folders: list[str] = []
            stack.append((handle, inside, folders))
            for entry in _entries(handle, inside, watch):
                seen += 1
                with suppress(OSError):  # it is gone since
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif entry.is_file(follow_symlinks=False):
                        about = entry.stat(follow_symlinks=False)
                        yield Walked(inside, entry.name, about.st_mode, about.st_uid, about.st_gid)
            watch.progress(shown(inside), seen, 0)
            if watch.stopping():
                return
            if seen > MAX_FILES:
                watch.note(f"{shown(inside)}: more than {MAX_FILES} files; the rest is not looked at")
                return
            skipped = foreign if inside else foreign | {f"/{name}" for name in NOT_OF_THE_MACHINE}
            folders[:] = [name for name in reversed(folders) if f"{inside}/{name}" not in skipped]
            if len(stack) > MAX_DEPTH and folders:
                watch.note(f"{shown(inside)}: folders deeper than {MAX_DEPTH} levels are not entered")
                folders.clear()
            entered = _next(stack, watch)
            if entered is None:
                return
            handle, inside = entered
    finally:
        for handle, _, _ in stack:
            os.close(handle)


def _next(stack: list[_Open], watch: Watch) -> tuple[int, str] | None:
    """Enter the next folder; None when there is none left."""
    while stack:
        above, place, left = stack[-1]
        if not left:
            os.close(stack.pop()[0])
            continue
        inside = f"{place}/{left[-1]}"
        try:
            return os.open(left.pop(), _FLAGS | os.O_NOFOLLOW, dir_fd=above), inside
        except OSError as error:
            _complain(error, inside, watch)
    return None


def _entries(handle: int, inside: str, watch: Watch) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(handle) as scan:
            return sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        _complain(error, inside, watch)
        return []


def _complain(error: OSError, inside: str, watch: Watch) -> None:
    if error.errno not in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):  # it has vanished, or become another thing
        watch.note(f"{shown(inside)}: cannot be read: {error.strerror}")


def _foreign_mounts() -> frozenset[str]:
    found = set()
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        parts = line.split(" ")
        if len(parts) > 2 and (parts[2] in _FOREIGN or (parts[2] == "overlay" and parts[1] != "/")):
            found.add(parts[1].encode().decode("unicode_escape") if "\\" in parts[1] else parts[1])
    return frozenset(found)
