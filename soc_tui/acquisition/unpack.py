"""Compressed files as streams of plain bytes; what can be read of a damaged one is given."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import zstandard

_BLOCK = 64 * 1024
_WINDOW = 128 * 1024 * 1024
"""A zstd frame or xz stream that asks for more memory is refused (the zstd tool's own default limit)."""
_DAMAGES = (lzma.LZMAError, OSError, EOFError, ValueError)


class Buffered(ABC):
    """Common to all: a buffer, and skipping by reading."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.damage = ""
        """Why the stream ended before its proper end; empty while all is well."""

    @abstractmethod
    def _more(self, wanted: int) -> bytes:
        """At least one more decompressed byte, empty at the end or at damage."""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, empty at the end."""
        while len(self._buffer) < size:
            part = self._more(size - len(self._buffer))
            if not part:
                break
            self._buffer += part
        out = bytes(self._buffer[:size])
        del self._buffer[:size]
        return out

    def skip(self, offset: int) -> bool:
        """Pass over the first ``offset`` bytes; False when the stream ends before that."""
        while offset > 0:
            part = self.read(min(offset, 1 << 20))
            if not part:
                return False
            offset -= len(part)
        return True


class Gzip(Buffered):
    """Members one after another (RFC 1952, 2.2); everything before a damage is given."""

    def __init__(self, raw: io.BufferedReader) -> None:
        super().__init__()
        self._raw = raw
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


class Zstd(Buffered):
    """Frames one after another."""

    def __init__(self, raw: io.BufferedReader) -> None:
        super().__init__()
        made = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._reader = made.stream_reader(raw, read_size=_BLOCK, read_across_frames=True, closefd=False)

    def _more(self, wanted: int) -> bytes:
        if self.damage:
            return b""
        try:
            return bytes(self._reader.read(max(wanted, 1)))
        except zstandard.ZstdError as error:
            self.damage = f"the zstd stream is damaged: {error}"
            return b""


class _Decoder(Protocol):
    """What :class:`lzma.LZMADecompressor` and :class:`bz2.BZ2Decompressor` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Members(Buffered):
    """Compressed members one after another, with NUL padding between them; everything before a damage is given."""

    name: ClassVar[str]

    def __init__(self, raw: io.BufferedReader) -> None:
        super().__init__()
        self._raw, self._ended, self._given = raw, False, 0
        self._decoder = self._new()

    @abstractmethod
    def _new(self) -> _Decoder:
        """A decoder of one member."""

    def _more(self, wanted: int) -> bytes:  # noqa: ARG002 - always as much, so that a damage is met in the same place
        while not self._ended:
            try:
                out = self._step(_BLOCK)
            except _DAMAGES as error:
                self._ended = True
                self.damage = f"the {self.name} stream is damaged: {error}"
                return self._salvaged()
            if out:
                return out
        return b""

    def _step(self, size: int) -> bytes:
        """At most ``size`` decompressed bytes; none where one member or compressed block ends."""
        data = b""
        if self._decoder.eof:
            data = self._decoder.unused_data.lstrip(b"\0") or self._raw.read(_BLOCK).lstrip(b"\0")
            self._decoder = self._new()
            self._ended = not data
        elif self._decoder.needs_input:
            data = self._raw.read(_BLOCK)
            self._ended = not data
            if self._ended:
                self.damage = f"the {self.name} stream is cut off before its end"
        if self._ended:
            return b""
        out = self._decoder.decompress(data, size)
        self._given += len(out)
        return out

    def _salvaged(self) -> bytes:
        """What the failing call had decoded before it failed: everything is decoded again, the last byte by byte."""
        self._raw.seek(0)
        again, out = type(self)(self._raw), bytearray()
        try:
            while again._given < self._given:
                again._step(_BLOCK)
            while len(out) < _BLOCK and not again._ended:
                out += again._step(1)
        except _DAMAGES:
            return bytes(out)
        return bytes(out)


class Xz(_Members):
    """The .xz format (https://tukaani.org/xz/xz-file-format.txt); a stream that asks for more memory is refused."""

    name = "xz"

    def _new(self) -> _Decoder:
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_WINDOW)


class Bzip2(_Members):
    """bzip2 files, also those of parallel compressors, which hold many members."""

    name = "bzip2"

    def _new(self) -> _Decoder:
        return bz2.BZ2Decompressor()
