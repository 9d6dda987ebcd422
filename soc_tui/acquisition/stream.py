"""A log file as a stream of plain bytes, whether it is plain, gzip or zstd; told by its first bytes, not its name."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zlib
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

import zstandard

from soc_tui.core.errors import SourceError

FINGERPRINT_BYTES = 1024
_BLOCK = 64 * 1024
_ZSTD_WINDOW = 128 * 1024 * 1024
"""A frame that asks for more memory is refused (the zstd tool's own default limit)."""

_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\x4d\x3c\xb2\xa1", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\xa1\xb2\x3c\x4d", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture", "run Zeek or Suricata over it and read their logs"),
    (b"\x7fELF", "a program", "name a log file"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it with xz -dk"),
    (b"BZh", "a bzip2 archive", "unpack it with bunzip2 -k"),
    (b"LPKSHHRH", "a systemd journal", "export it with journalctl -o short-iso"),
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
        try:
            self.info = os.fstat(self._raw.fileno())
            magic = os.pread(self._raw.fileno(), 8, 0)
            self.kind: Literal["plain", "gzip", "zstd"] = (
                "gzip" if magic[:3] == b"\x1f\x8b\x08" else "zstd" if magic[:4] == b"\x28\xb5\x2f\xfd" else "plain"
            )
            self.head = self.stream().read(_BLOCK)
            _refuse_binary(path, self.head)
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
        self._raw.close()

    @property
    def compressed(self) -> bool:
        """True when offsets count decompressed bytes and the file is not expected to grow."""
        return self.kind != "plain"

    def stream(self) -> Stream:
        """The bytes from the beginning; ends any stream handed out before."""
        self._raw.seek(0)
        if self.kind == "gzip":
            return _Gzip(self._raw)
        return _Zstd(self._raw) if self.kind == "zstd" else _Plain(self._raw, self.info.st_size)

    def fingerprint(self, length: int = FINGERPRINT_BYTES) -> tuple[str, int]:
        """sha256 of the first ``length`` decompressed bytes (at most 1 KiB) and how many there were."""
        part = self.head[: min(length, FINGERPRINT_BYTES)]
        return (hashlib.sha256(part).hexdigest() if part else ""), len(part)

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


def _refuse_binary(path: Path, head: bytes) -> None:
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


class _Decompressed(ABC):
    """Common to both: a buffer, and skipping by reading."""

    def __init__(self, raw: io.BufferedReader) -> None:
        self._raw = raw
        self._buffer = bytearray()
        self.damage = ""

    @abstractmethod
    def _more(self, wanted: int) -> bytes:
        """At least one more decompressed byte, empty at the end or at damage."""

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            part = self._more(size - len(self._buffer))
            if not part:
                break
            self._buffer += part
        out = bytes(self._buffer[:size])
        del self._buffer[:size]
        return out

    def skip(self, offset: int) -> bool:
        while offset > 0:
            part = self.read(min(offset, 1 << 20))
            if not part:
                return False
            offset -= len(part)
        return True


class _Gzip(_Decompressed):
    """Members one after another (RFC 1952, 2.2); everything before a damage is given."""

    def __init__(self, raw: io.BufferedReader) -> None:
        super().__init__(raw)
        self._inflate = zlib.decompressobj(wbits=31)
        self._input = b""
        self._ended = False

    def _more(self, wanted: int) -> bytes:
        while not self._ended:
            if self._inflate.eof:
                self._input = (self._inflate.unused_data or b"").lstrip(b"\0") or self._raw.read(_BLOCK).lstrip(b"\0")
                self._inflate = zlib.decompressobj(wbits=31)
                if not self._input:
                    self._ended = True
                    return b""
            elif not self._input:
                self._input = self._raw.read(_BLOCK)
                if not self._input:
                    self.damage = "the gzip stream is cut off before its end"
                    self._ended = True
                    return self._inflate.flush()
            before, fed = self._inflate.copy(), self._input
            try:
                out = self._inflate.decompress(fed, wanted)
            except zlib.error as error:
                self.damage = f"the gzip stream is damaged: {error}"
                self._ended = True
                return _salvage(before, fed)
            self._input = self._inflate.unconsumed_tail
            if out:
                return out
        return b""


def _salvage(inflate: zlib._Decompress, fed: bytes) -> bytes:
    """What can be had of a block that ends in a damage: byte by byte up to it."""
    out = bytearray()
    try:
        for at in range(len(fed)):
            out += inflate.decompress(fed[at : at + 1])
    except zlib.error:
        return bytes(out)
    return bytes(out)


class _Zstd(_Decompressed):
    """Frames one after another."""

    def __init__(self, raw: io.BufferedReader) -> None:
        super().__init__(raw)
        made = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._reader = made.stream_reader(raw, read_size=_BLOCK, read_across_frames=True, closefd=False)

    def _more(self, wanted: int) -> bytes:
        if self.damage:
            return b""
        try:
            return bytes(self._reader.read(max(wanted, 1)))
        except zstandard.ZstdError as error:
            self.damage = f"the zstd stream is damaged: {error}"
            return b""
