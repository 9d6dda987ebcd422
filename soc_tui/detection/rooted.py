"""A machine's files as seen from a root folder, of which nothing leads out.

What is looked at may be hostile: a link that points at ``/``, one that is swapped while we look, a FIFO that nobody
writes to, a file that grows without end. So every path is walked component by component with ``O_NOFOLLOW`` and links
are resolved here, against the root, as the kernel does in a ``chroot``.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from soc_tui.core.errors import SourceError
from soc_tui.detection.tools import Watch

MAX_LINKS = 40
"""Links followed for one path, as many as Linux follows."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_BLOCK = 1 << 20


def shown(path: str) -> str:
    r"""A path as text: what is not UTF-8 becomes ``\xNN``, and it begins with a slash."""
    return "/" + os.fsencode(path.lstrip("/")).decode("utf-8", "backslashreplace")


class Root:
    """The files below a folder, by path relative to it (a leading slash changes nothing).

    Args:
        folder: the root.

    Raises:
        SourceError: it is no folder, or may not be entered.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        try:
            handle = self._open_folder()
            self.owner = os.fstat(handle).st_uid
            """The user id that the root belongs to: root's, or of an unpacked image that of whoever unpacked it."""
            self._close(handle)
        except OSError as error:
            raise SourceError(
                f"is no folder that can be read: {error.strerror}", source=folder, remedy="name a root folder, e.g. /"
            ) from error

    def _open_folder(self) -> int:
        return os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @staticmethod
    def _close(*handles: int) -> None:
        for handle in handles:
            with suppress(OSError):
                os.close(handle)

    def _parent(self, path: str, *, follow: bool) -> tuple[int, str]:
        """An open folder and the name of ``path`` in it, links on the way (and with ``follow`` the last) resolved."""
        left = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        stack, links = [self._open_folder()], 0
        try:
            while True:
                if not left:
                    name = "."
                    break
                part = left.pop()
                if part == "..":
                    if len(stack) > 1:
                        self._close(stack.pop())
                    continue
                if left or follow:
                    target = self._link(part, stack[-1])
                    if target is not None:
                        links += 1
                        if links > MAX_LINKS:
                            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                        if target.startswith("/"):
                            self._close(*stack[1:])
                            del stack[1:]
                        left += [piece for piece in reversed(target.split("/")) if piece not in ("", ".")]
                        continue
                if not left:
                    name = part
                    break
                stack.append(os.open(part, _FOLDER, dir_fd=stack[-1]))
            self._close(*stack[:-1])
            return stack[-1], name
        except BaseException:
            self._close(*stack)
            raise

    @staticmethod
    def _link(name: str, folder: int) -> str | None:
        try:
            return os.readlink(name, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise

    def open(self, path: str) -> int:
        """A descriptor of a regular file, never of a FIFO, device or socket.

        Raises:
            OSError: there is none, or it cannot be read.
        """
        folder, name = self._parent(path, follow=True)
        try:
            handle = os.open(name, _FILE, dir_fd=folder)
        finally:
            self._close(folder)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            self._close(handle)
            raise OSError(errno.EINVAL, "is no regular file")
        return handle

    def read(self, path: str, limit: int) -> bytes:
        """The content of a regular file.

        Raises:
            OSError: it cannot be read, or is longer than ``limit`` bytes (``EFBIG``).
        """
        handle = self.open(path)
        try:
            parts, left = [], limit + 1
            while left > 0 and (part := os.read(handle, min(left, _BLOCK))):
                parts.append(part)
                left -= len(part)
        finally:
            self._close(handle)
        if left <= 0:
            raise OSError(errno.EFBIG, f"is longer than {limit} bytes")
        return b"".join(parts)

    def head(self, path: str, size: int) -> bytes:
        """The first bytes of a regular file.

        Raises:
            OSError: it cannot be read.
        """
        handle = self.open(path)
        try:
            return os.read(handle, size)
        finally:
            self._close(handle)

    def stat(self, path: str, *, follow: bool = True) -> os.stat_result:
        """What is known of a file.

        Raises:
            OSError: there is none.
        """
        folder, name = self._parent(path, follow=follow)
        try:
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        finally:
            self._close(folder)

    def exists(self, path: str, *, follow: bool = True) -> bool:
        """Whether there is such a file or folder (or, without ``follow``, a link); False when that cannot be told."""
        try:
            self.stat(path, follow=follow)
        except (OSError, ValueError):
            return False
        return True

    def link(self, path: str) -> str:
        """Where a symbolic link points, as it is written.

        Raises:
            OSError: it is none.
        """
        folder, name = self._parent(path, follow=False)
        try:
            return os.readlink(name, dir_fd=folder)
        finally:
            self._close(folder)

    def names(self, path: str) -> list[str]:
        """The sorted names in a folder; empty when there is none or it cannot be read."""
        try:
            folder, name = self._parent(path, follow=True)
        except OSError:
            return []
        try:
            handle = os.open(name, _FOLDER, dir_fd=folder)
        except OSError:
            return []
        finally:
            self._close(folder)
        try:
            return sorted(os.listdir(handle))  # noqa: PTH208 - of a descriptor
        except OSError:
            return []
        finally:
            self._close(handle)

    def glob(self, pattern: str) -> list[str]:
        """The existing paths of a pattern with ``*``, ``?`` and ``[...]`` within components, sorted.

        A link that leads nowhere exists too: what it points at may be put there later.
        """
        found = [""]
        for part in pattern.strip("/").split("/"):
            if not any(sign in part for sign in "*?["):
                found = [f"{base}/{part}" for base in found]
                continue
            hidden = part.startswith(".")
            found = [
                f"{base}/{name}"
                for base in found
                for name in self.names(base)
                if fnmatch.fnmatchcase(name, part) and (hidden or not name.startswith("."))
            ]
        return [path for path in found if self.exists(path, follow=False)]

    def read_noted(self, path: str, limit: int, watch: Watch) -> bytes | None:
        """The content, or None: in silence when there is no such file, with a note when it cannot be read."""
        try:
            return self.read(path, limit)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            watch.note(f"{shown(path)}: cannot be read: {getattr(error, 'strerror', None) or error}")
            return None


def lines_of(data: bytes) -> Iterator[tuple[int, str]]:
    r"""The lines of a file by number from 1; bytes that are not UTF-8 become ``\xNN``."""
    for number, line in enumerate(data.split(b"\n"), 1):
        yield number, line.rstrip(b"\r").decode("utf-8", "backslashreplace")
