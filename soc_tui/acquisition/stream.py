"""A log file as a stream of plain bytes, also when it is compressed or binary; told by content, never by its name."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Protocol

from soc_tui.acquisition.convert import LOOK_BYTES, ZONE, ToolStream, converter_of
from soc_tui.acquisition.unpack import Bzip2, Gzip, Xz, Zstd
from soc_tui.core.errors import SourceError

FINGERPRINT_BYTES = 1024
_BLOCK = 64 * 1024
_PACKED = (
    ("gzip", re.compile(rb"\x1f\x8b\x08")),
    ("zstd", re.compile(rb"\x28\xb5\x2f\xfd")),
    ("xz", re.compile(rb"\xfd7zXZ\x00")),
    ("bzip2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")),
)
_UNPACK: dict[str, Callable[[io.BufferedReader], Stream]] = {"gzip": Gzip, "zstd": Zstd, "xz": Xz, "bzip2": Bzip2}

_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\x4d\x3c\xb2\xa1", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\xa1\xb2\x3c\x4d", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\x7fELF", "a program", "name a log file"),
    (b"ElfFile\x00", "a Windows event log", "convert it to JSON lines first"),
    (b"SQLite format 3\x00", "a database", "name a log file"),
    (b"PAR1", "a Parquet file", "name a log file"),
    (b"\x89PNG", "a picture", "name a log file"),
    (b"\xff\xd8\xff", "a picture", "name a log file"),
    (b"%PDF-", "a PDF document", "name a log file"),
)
_MAX_NUL_SHARE = 0.25
"""Logs may hold some NUL bytes (a crash leaves runs of them); a head with more is UTF-16 or no text at all."""


def absolute(path: Path) -> Path:
    """The path from the root without ``..``; symbolic links stay, since ``current.log`` is what a log is known by."""
    return Path(os.path.normpath(path.absolute()))


class Stream(Protocol):
    """Decompressed bytes in order."""

    @property
    def damage(self) -> str:
        """Why the stream ended before its proper end; empty while all is well."""
        ...

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, empty at the end."""
        ...

    def skip(self, offset: int) -> bool:
        """Go to a byte of the decompressed stream from its beginning; False when it ends before that."""
        ...


class LogFile:
    """An open log file.

    Raises:
        SourceError: it cannot be opened or is no log; says what to do.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw = _open(path)
        self._running: ToolStream | None = None
        try:
            self.info = os.fstat(self._raw.fileno())
            magic = os.pread(self._raw.fileno(), LOOK_BYTES, 0)
            self.converter = converter_of(magic, self.info.st_size)
            self.kind = "tool" if self.converter else _packed(magic)
            """``plain``, how it is compressed, or ``tool``: read through :attr:`converter`."""
            if self.converter:
                self._command = self.converter.command(path)
            else:
                _refuse_binary(path, self.head, packed=self.kind != "plain")
        except OSError as error:
            self._raw.close()
            raise SourceError(f"cannot be read: {error.strerror}", source=path, remedy="check the disk") from error
        except SourceError:
            self._raw.close()
            raise

    def __enter__(self) -> LogFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_tool()
        self._raw.close()

    @property
    def compressed(self) -> bool:
        """True when the file is finished: it is not expected to grow, and offsets count decompressed bytes."""
        return not self.converter.grows if self.converter else self.kind != "plain"

    @property
    def zone(self) -> str | None:
        """The time zone of its stamps, where that is known for sure."""
        return ZONE if self.converter else None

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB of the stream, less where there is less."""
        head = self.stream().read(_BLOCK)
        self._end_tool()
        return head

    @property
    def position(self) -> int:
        """Bytes on disk that the stream has taken in so far."""
        return self._raw.tell()

    def stream(self) -> Stream:
        """The bytes from the beginning; ends any stream handed out before."""
        self._end_tool()
        self._raw.seek(0)
        if self.converter:
            try:
                self._running = ToolStream(self.converter, self._command, self._raw.fileno())
            except OSError as error:
                message = f"cannot be read: {self.converter.tool} does not start: {error.strerror}"
                raise SourceError(message, source=self.path, remedy="try again later") from error
            return self._running
        return _UNPACK[self.kind](self._raw) if self.kind in _UNPACK else _Plain(self._raw, self.info.st_size)

    def _end_tool(self) -> None:
        if self._running is not None:
            self._running.close()

    def fingerprint(self, length: int = FINGERPRINT_BYTES) -> tuple[str, int]:
        """sha256 of the first ``length`` decompressed bytes (at most 1 KiB) and how many there were.

        Of a file that a tool reads, those of its own bytes that stay: neither the tool nor its version decides.
        """
        if self.converter:
            begin, end = self.converter.identity
            part = os.pread(self._raw.fileno(), min(length, end - begin), begin)
        else:
            part = self.head[: min(length, FINGERPRINT_BYTES)]
        return (hashlib.sha256(part).hexdigest() if part else ""), len(part)

    def now(self, begin: int, end: int) -> str:
        """sha256 of bytes of a plain file as they are at this moment, whatever was read before; empty for no bytes."""
        part = os.pread(self._raw.fileno(), end - begin, begin)
        return hashlib.sha256(part).hexdigest() if part else ""

    def digest_before(self, offset: int, length: int) -> str:
        """sha256 of the ``length`` bytes that end at ``offset``; empty when the file is shorter."""
        stream = self.stream()
        if not stream.skip(offset - length):
            return ""
        part = stream.read(length)
        return hashlib.sha256(part).hexdigest() if len(part) == length else ""


def _open(path: Path) -> io.BufferedReader:
    try:
        # Non-blocking: opening a FIFO that somebody put in a log folder must not hang the reader.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError as error:
        raise SourceError("does not exist", source=path, remedy="check the path") from error
    except PermissionError as error:
        remedy = "run as a user that may read it, for example a member of group adm"
        raise SourceError("may not be read: permission denied", source=path, remedy=remedy) from error
    except OSError as error:
        raise SourceError(f"cannot be opened: {error.strerror}", source=path, remedy="name a log file") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a directory" if stat.S_ISDIR(mode) else "a pipe, socket or device, not a file"
        raise SourceError(f"is {what}", source=path, remedy="name log files or a directory of them")
    return os.fdopen(descriptor, "rb")


def _packed(magic: bytes) -> str:
    return next((kind for kind, mark in _PACKED if mark.match(magic)), "plain")


def _refuse_binary(path: Path, head: bytes, *, packed: bool) -> None:
    inside = converter_of(head[:LOOK_BYTES], None) if packed else None
    if inside:
        raise SourceError(f"is {inside.what} inside an archive", source=path, remedy="unpack it, then name the result")
    for magic, what, remedy in _BINARY:
        if head.startswith(magic):
            raise SourceError(f"is {what}, not a log", source=path, remedy=remedy)
    if len(head) >= 16 and head.count(0) > _MAX_NUL_SHARE * len(head):
        remedy = "name a log file; turn UTF-16 text into UTF-8 with iconv"
        raise SourceError("is binary, not a log", source=path, remedy=remedy)


class _Plain:
    """The file up to the size it had when it was opened, so a fast writer cannot hold the reader."""

    damage = ""

    def __init__(self, raw: io.BufferedReader, size: int) -> None:
        self._raw, self._left = raw, size
        self._size = size

    def read(self, size: int) -> bytes:
        part = self._raw.read(min(size, self._left))
        self._left -= len(part)
        return part

    def skip(self, offset: int) -> bool:
        self._raw.seek(offset)
        self._left = max(self._size - offset, 0)
        return offset <= self._size
