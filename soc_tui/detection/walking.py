"""One walk through a machine's files, from which every collector takes what it needs."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
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
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    stack: list[tuple[int, str, list[str]]] = []  # the open folders from the root down, and what is left to enter
    seen = 0
    try:
        handle, inside = os.open(root, flags), ""
        while True:
            folders: list[str] = []
            stack.append((handle, inside, folders))
            for entry in _entries(handle, inside, watch):
                seen += 1
                try:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif entry.is_file(follow_symlinks=False):
                        about = entry.stat(follow_symlinks=False)
                        yield Walked(inside, entry.name, about.st_mode, about.st_uid, about.st_gid)
                except OSError:
                    continue  # gone since
            watch.progress(shown(inside), seen, 0)
            if watch.stopping():
                return
            if seen > MAX_FILES:
                watch.note(f"{shown(inside)}: more than {MAX_FILES} files; the rest is not looked at")
                return
            skipped = NOT_OF_THE_MACHINE if not inside else frozenset()
            folders[:] = [name for name in reversed(folders) if name not in skipped and f"{inside}/{name}" not in foreign]
            if len(stack) > MAX_DEPTH and folders:
                watch.note(f"{shown(inside)}: folders deeper than {MAX_DEPTH} levels are not entered")
                folders.clear()
            while True:
                while stack and not stack[-1][2]:
                    os.close(stack.pop()[0])
                if not stack:
                    return
                above, place, left = stack[-1]
                name = left.pop()
                inside = f"{place}/{name}"
                try:
                    handle = os.open(name, flags | os.O_NOFOLLOW, dir_fd=above)
                    break
                except OSError as error:
                    _complain(error, inside, watch)
    finally:
        for handle, _, _ in stack:
            os.close(handle)


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
