"""One walk through a machine's files, from which every collector takes what it needs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Walked:
    """One file."""

    path: str
    """Relative to the root, beginning with a slash, as ``os.fsdecode`` gives it."""
    mode: int
    """``st_mode``."""
    uid: int
    gid: int

    @property
    def name(self) -> str:
        """The last component."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """Everything before the last component; empty for the root."""
        return self.path.rpartition("/")[0]


def walk(root: Path, watch: Watch) -> Iterator[Walked]:
    """Every regular file below a root, folder by folder in the order of names; links are never followed.

    File systems of the kernel or of other machines are left out. A folder that cannot be read is a note.
    """
    foreign = _foreign_mounts() if root == Path("/") else frozenset()
    seen = 0

    def failed(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # it vanished while we looked
            watch.note(f"{shown(_inside(str(error.filename), root))}: cannot be read: {error.strerror}")

    for folder, folders, files, handle in os.fwalk(root, onerror=failed, follow_symlinks=False):
        inside = _inside(folder, root)
        if watch.stopping():
            return
        if inside.count("/") >= MAX_DEPTH and folders:
            watch.note(f"{shown(inside)}: folders deeper than {MAX_DEPTH} levels are not entered")
            folders.clear()
        skipped = NOT_OF_THE_MACHINE if not inside else frozenset()
        folders[:] = sorted(
            name for name in folders if name not in skipped and f"{inside}/{name}" not in foreign
        )  # fmt: skip
        for name in sorted(files):
            try:
                about = os.stat(name, dir_fd=handle, follow_symlinks=False)
            except OSError:
                continue  # gone since
            seen += 1
            if stat.S_ISREG(about.st_mode):
                yield Walked(f"{inside}/{name}", about.st_mode, about.st_uid, about.st_gid)
        watch.progress(shown(inside), seen, 0)
        if seen > MAX_FILES:
            watch.note(f"{shown(inside)}: more than {MAX_FILES} files; the rest is not looked at")
            return


def _inside(folder: str, root: Path) -> str:
    inside = folder.removeprefix(str(root)).strip("/")
    return f"/{inside}" if inside else ""


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
