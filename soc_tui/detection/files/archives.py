"""What lies inside archives and compressed files: known by their content, opened to a depth, and never without end.

An archive is an attacker's too. The sum of all that comes out of one file of the disk is bounded, so is the ratio to
what went in (a bomb of 42 kB that holds petabytes), the number of members and the depth; what cannot be opened is a
note, and the archive itself has been looked at as a file before.
"""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO

from soc_tui.acquisition.unpack import Buffered, Bzip2, Gzip, Xz, Zstd
from soc_tui.detection.files.walking import File, Limits, Note

MEMBERS = 50_000
"""Members of one archive, those of archives inside it included."""
RATIO = 200
"""How many times its own size an archive may hold..."""
FREE_BYTES = 8 * 1024 * 1024
"""...once it holds more than this."""

_Reader = Callable[[io.BufferedReader], Buffered]
_STREAMS: dict[bytes, _Reader] = {
    b"\x1f\x8b\x08": Gzip, b"BZh": Bzip2, b"\xfd7zXZ\x00": Xz, b"\x28\xb5\x2f\xfd": Zstd,
}  # fmt: skip
_SUFFIXES = {".tgz": ".tar", ".tbz": ".tar", ".tbz2": ".tar", ".txz": ".tar", ".tzst": ".tar"}
_CLOSED = {b"7z\xbc\xaf\x27\x1c": "a 7z archive", b"Rar!\x1a\x07": "a RAR archive", b"MSCF\0\0\0\0": "a cabinet"}
_STARTS = {magic[:2] for magic in (*_STREAMS, *_CLOSED)}
_ZIP_END = b"PK\x05\x06"
_ZIP_TAIL = 65_557
"""The end record of a zip file and its longest comment."""
_BLOCK = 1024 * 1024
_DAMAGES = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError,
    OverflowError, RuntimeError, NotImplementedError, KeyError, IndexError, MemoryError,
)  # fmt: skip
"""What the readers of the standard library raise on damaged archives."""


_Opener = Callable[[File, Limits, "_Budget"], Iterator[File]]


@dataclass
class _Budget:
    """What may still come out of one file of the disk."""

    bytes: int
    members: int
    ratio: int
    """Bytes that the ratio allows."""
    note: Note
    shown: str
    over: bool = False

    def take(self, size: int) -> bool:
        """Count bytes; False, with a note, when they are too many."""
        self.bytes -= size
        self.ratio -= size
        if self.bytes < 0:
            return self._end("holds more than is unpacked of one archive")
        if self.ratio < 0:
            return self._end(f"holds more than {RATIO} times its own size, as archive bombs do")
        return True

    def member(self) -> bool:
        """Count a member; False, with a note, when there are too many."""
        self.members -= 1
        return self.members >= 0 or self._end(f"holds more than {MEMBERS:,} files")

    def _end(self, why: str) -> bool:
        if not self.over:
            self.note(f"{self.shown} {why}; the rest of it was not looked at")
        self.over = True
        return False


class _TarInfo(tarfile.TarInfo):
    """A header whose sizes cannot send the reader backwards for ever (CVE-2025-8194)."""

    def _block(self, count: int) -> int:
        if count < 0:
            raise tarfile.InvalidHeaderError("negative size")  # type: ignore[attr-defined]
        return super()._block(count)  # type: ignore[misc, no-any-return]


def unpacked(file: File, limits: Limits, note: Note) -> Iterator[File]:
    """The files inside a file, those of archives inside it included; nothing for what is no archive.

    Args:
        file: as read from the disk.
        limits: bytes of all members together and of each, and how deep.
        note: takes what was not looked at, and why.
    """
    room = max(RATIO * len(file.content), FREE_BYTES)
    budget = _Budget(limits.archive_bytes, MEMBERS, room, note, file.shown)
    yield from _inside(file, limits, budget, 0)


def _inside(file: File, limits: Limits, budget: _Budget, depth: int) -> Iterator[File]:
    content = file.content
    opener = _opener(content)
    if opener is None:
        return
    if isinstance(opener, str):
        budget.note(f"{file.shown} is {opener}, which only the virus scanner looks into")
        return
    if depth >= limits.archive_depth:
        budget.note(f"{file.shown} is an archive deeper than {limits.archive_depth} and was not opened")
        return
    try:
        for member in opener(file, limits, budget):
            yield member
            if budget.over:
                return
            yield from _inside(member, limits, budget, depth + 1)
    except _DAMAGES as error:
        chance = content[:2] != b"PK" and isinstance(error, zipfile.BadZipFile)  # four bytes of something else
        if not budget.over and not chance:
            budget.note(f"{file.shown} is a damaged archive: {error or type(error).__name__}")


def _opener(content: bytes) -> _Opener | str | None:
    """What opens a content; the name of what nothing here opens; None for what is no archive."""
    if content[:2] in _STARTS:
        for magic, reader in _STREAMS.items():
            if content.startswith(magic):
                return partial(_stream, reader)
        for magic, name in _CLOSED.items():
            if content.startswith(magic):
                return name
    if content[:4] == b"PK\x03\x04" or (content[:2] != b"PK" and content.rfind(_ZIP_END, -_ZIP_TAIL) > 0):
        return _zip
    return _tar if content[257:262] == b"ustar" else None


def _member(file: File, name: str, content: bytes, mode: int) -> File:
    clean = name.encode("utf-8", "backslashreplace").decode()
    inner = f"{file.member}!{clean}" if file.member else clean
    return File(file.path, f"{file.below}!{clean}", content, mode, inner)


def _stream(reader: _Reader, file: File, limits: Limits, budget: _Budget) -> Iterator[File]:
    stream = reader(io.BufferedReader(io.BytesIO(file.content)))
    parts: list[bytes] = []
    while part := stream.read(_BLOCK):
        if not budget.take(len(part)):
            break
        parts.append(part)
    content = b"".join(parts)
    parts.clear()
    if stream.damage and not budget.over:
        budget.note(f"{file.shown}: {stream.damage}")
    if not content or not budget.member():
        return
    if content[257:262] == b"ustar":  # a compressed tar is one archive, not two
        yield from _tar(File(file.path, file.below, content, file.mode, file.member), limits, budget)
    elif len(content) > limits.file_bytes:
        budget.note(f"{file.shown} holds a file larger than {limits.file_bytes:,} bytes, which was not looked into")
    else:
        name = file.below.rpartition("!")[2].rpartition("/")[2]
        stem, dot, last = name.rpartition(".")
        yield _member(file, stem + _SUFFIXES.get(dot + last.lower(), "") if dot and stem else name, content, file.mode)


def _zip(file: File, limits: Limits, budget: _Budget) -> Iterator[File]:
    locked = 0
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if not budget.member():
                return
            if info.flag_bits & 1:
                locked += 1
                continue
            try:
                with archive.open(info) as stream:
                    content = _read(stream, info.filename, file, limits, budget)
            except _DAMAGES as error:
                budget.note(f"{file.shown}!{info.filename!r} cannot be unpacked: {error or type(error).__name__}")
                continue
            if content:
                yield _member(file, info.filename, content, (info.external_attr >> 16) & 0o7777)
            if budget.over:
                return
    if locked:
        budget.note(f"{file.shown} holds {locked} encrypted files, which were not looked into")


def _tar(file: File, limits: Limits, budget: _Budget) -> Iterator[File]:
    with tarfile.open(fileobj=io.BytesIO(file.content), mode="r:", tarinfo=_TarInfo) as archive:
        for info in archive:
            if not budget.member():
                return
            if not info.isreg():
                continue
            stream = archive.extractfile(info)
            content = _read(stream, info.name, file, limits, budget) if stream is not None else None
            if content:
                yield _member(file, info.name, content, info.mode & 0o7777)
            if budget.over:
                return


def _read(stream: IO[bytes], name: str, file: File, limits: Limits, budget: _Budget) -> bytes | None:
    """A member's content; None, with a note, when it is too large."""
    parts, size = [], 0
    while part := stream.read(_BLOCK):
        size += len(part)
        if not budget.take(len(part)):
            return None
        if size > limits.file_bytes:
            budget.note(f"{file.shown}!{name!r} is larger than {limits.file_bytes:,} bytes and was not looked into")
            return None
        parts.append(part)
    return b"".join(parts)
