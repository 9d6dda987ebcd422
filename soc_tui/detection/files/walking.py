"""Every file of a folder, read once: confined to the folder, never through a symbolic link, bounded in every way.

Who owns a hacked website writes in its tree, so each component is opened below the one before it
(:mod:`soc_tui.acquisition.website.inventory` opens in the same way), special files are never read, and names are bytes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soc_tui.acquisition.website.inventory import open_below, open_root, readable
from soc_tui.core.errors import SourceError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.tools import Watch

DEPTH = 64
"""How deep folders are entered: each holds one descriptor open."""
_BLOCK = 64 * 1024
_KERNEL = ("/proc", "/sys", "/dev")
"""File systems whose files are no files: their sizes say nothing, and reading some of them acts."""
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ESTALE}


@dataclass(frozen=True)
class Limits:
    """What is read of a tree and of its archives."""

    file_bytes: int = 64 * 1024 * 1024
    archive_bytes: int = 256 * 1024 * 1024
    archive_depth: int = 4
    depth: int = DEPTH


def limits_of(settings: ScanSettings) -> Limits:
    """The limits that the settings name."""
    return Limits(settings.file_bytes, settings.archive_bytes, settings.archive_depth)


@dataclass(eq=False)
class File:
    """A file that was read, or one out of an archive."""

    path: str
    """The file on the disk, as text (``\\xNN`` for bytes of a name that are not UTF-8)."""
    below: str
    """Its path below the folder looked at, archive members included: ``site.zip!dir/shell.php``."""
    content: bytes
    mode: int = 0o644
    """Permission bits; of a member what its archive says."""
    member: str = ""
    """Path inside the archive; empty for a file of the disk."""
    seen: dict[Any, Any] = field(default_factory=dict)
    """What one tool has worked out of the content and another may use again."""
    _key: tuple[bytes, str] | None = None

    @property
    def shown(self) -> str:
        """Where it is, for people: ``/srv/www/site.zip!dir/shell.php``."""
        return f"{self.path}!{self.member}" if self.member else self.path

    @property
    def suffix(self) -> str:
        """The end of the innermost name in lower case, ``.php``; empty when it has none."""
        return self.key[1]

    @property
    def sha256(self) -> str:
        """Of the content."""
        return self.key[0].hex()

    @property
    def key(self) -> tuple[bytes, str]:
        """What is judged once: the content's SHA-256 and the suffix."""
        if self._key is None:
            name = self.below.rpartition("!")[2].rpartition("/")[2]
            _, dot, end = name.rpartition(".")
            self._key = hashlib.sha256(self.content).digest(), dot + end.lower() if dot else ""
        return self._key

    def bare(self) -> File:
        """The same place and content without the bytes, to be remembered."""
        return File(self.path, self.below, b"", self.mode, self.member, _key=self.key)


def walk(target: str, limits: Limits, watch: Watch) -> Iterator[File]:
    """The regular files of a folder, or the one file that ``target`` is, in the order of their names.

    Empty files are left out. What cannot be read, is too large or too deep, or goes away meanwhile is a note.

    Raises:
        SourceError: there is no such file or folder, or it may not be read.
    """
    try:
        kind = Path(target).stat()  # the links of the target's own path are the caller's
        if stat.S_ISDIR(kind.st_mode):
            root = open_root(target)
        elif stat.S_ISREG(kind.st_mode):
            root = open_root(str(Path(target).resolve().parent))
        else:
            raise SourceError("is neither a file nor a folder", source=target, remedy="name a folder or a regular file")
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise SourceError(f"cannot be looked at: {said}", source=printable(target), remedy="check the path") from None
    reader = _Reader(limits, watch)
    if stat.S_ISDIR(kind.st_mode):
        yield from reader.folder(root, os.fsencode(target).rstrip(b"/") or b"")
        return
    try:
        folder, _, last = os.fsencode(Path(target).resolve()).rpartition(b"/")
        one = reader.read(root, last, folder, b"")
    finally:
        os.close(root)
    if one is not None:
        yield one


def printable(path: str) -> str:
    """A path of the file system as text that can be encoded."""
    return readable(os.fsencode(path))


class _Reader:
    """Reads what a walk meets."""

    def __init__(self, limits: Limits, watch: Watch) -> None:
        self._limits, self._watch = limits, watch
        self._kernel = {Path(name).stat().st_dev for name in _KERNEL if Path(name).is_dir()}

    def folder(self, root: int, base: bytes) -> Iterator[File]:
        """Everything below an open folder, which is closed."""
        stack: list[tuple[int, bytes, Iterator[bytes]]] = []
        try:
            stack.append((root, b"", iter(_names(root))))
            while stack:
                folder, prefix, names = stack[-1]
                last = next(names, None)
                if last is None or self._watch.stopping():
                    os.close(stack.pop()[0])
                    continue
                name = prefix + b"/" + last if prefix else last
                try:
                    mode = os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode
                except OSError as error:
                    self._lost(base, name, error)
                    continue
                if stat.S_ISREG(mode):
                    one = self.read(folder, last, base, prefix)
                    if one is not None:
                        yield one
                elif stat.S_ISDIR(mode):
                    self._enter(stack, folder, last, base, name)
        finally:
            for folder, _, _ in stack:
                os.close(folder)

    def _enter(self, stack: list[Any], folder: int, last: bytes, base: bytes, name: bytes) -> None:
        if len(stack) >= self._limits.depth:
            self._note(base, name, f"lies deeper than {self._limits.depth} folders and was not entered")
            return
        try:
            inner = open_below(last, folder, os.O_DIRECTORY)
        except OSError as error:
            self._lost(base, name, error)
            return
        try:
            if os.fstat(inner).st_dev in self._kernel:
                self._note(base, name, "is the kernel's and was not entered")
                os.close(inner)
                return
            stack.append((inner, name, iter(_names(inner))))
        except OSError as error:
            os.close(inner)
            self._lost(base, name, error)

    def read(self, folder: int, last: bytes, base: bytes, prefix: bytes) -> File | None:
        """One file of an open folder; None, with a note, when it cannot be had."""
        name = prefix + b"/" + last if prefix else last
        try:
            descriptor = open_below(last, folder)
        except OSError as error:
            self._lost(base, name, error)
            return None
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                return None
            most = self._limits.file_bytes
            content = _content(descriptor, info.st_size, most) if info.st_size <= most else None
        except OSError as error:
            self._lost(base, name, error)
            return None
        finally:
            os.close(descriptor)
        if content is None:
            self._note(base, name, f"is larger than {most:,} bytes and was not looked into")
            return None
        if not content:
            return None
        return File(readable(base + b"/" + name), readable(name), content, stat.S_IMODE(info.st_mode))

    def _lost(self, base: bytes, name: bytes, error: OSError) -> None:
        if error.errno in _GONE:
            self._note(base, name, "went away, or was replaced, before it could be read")
        else:
            self._note(base, name, f"cannot be read: {error.strerror}")

    def _note(self, base: bytes, name: bytes, text: str) -> None:
        self._watch.note(f"{readable(base + b'/' + name)} {text}")


def _names(folder: int) -> list[bytes]:
    return sorted(os.fsencode(name) for name in os.listdir(folder))


def _content(descriptor: int, expected: int, most: int) -> bytes | None:
    """All bytes of an open file; None when it has grown beyond ``most``."""
    parts, size = [], 0
    while True:
        wanted = max(expected + 1 - size, _BLOCK if size else 1)
        part = os.read(
            descriptor, wanted
        )  # one more than there should be: a short answer is the end, and nearly always
        parts.append(part)
        size += len(part)
        if size > most:
            return None
        if len(part) < wanted:
            return parts[0] if len(parts) == 1 else b"".join(parts)


Note = Callable[[str], None]
"""Takes a sentence about what could not be looked at."""
