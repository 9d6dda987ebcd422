"""JSON documents out of a mirror: files, folders, archives; damage is named and the rest is read on."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

MAX_DOCUMENT = 32 * 1024 * 1024
"""Bytes of one document or line; the longest advisories of the Linux kernel have some."""
MAX_UNPACKED = 16 * 1024**3
"""Bytes that all archives of one load may unpack to."""
MAX_MEMBERS = 3_000_000
MAX_DEPTH = 16
_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_WHOLE = (".json", ".json.gz")
_FORMS = (*_LINES, *_WHOLE, ".zip")


class Document(NamedTuple):
    """One JSON object and where it stands."""

    source: str
    line: int
    """Counted from 1; 0 where lines mean nothing (a member of an archive)."""
    data: dict[str, Any]


class Damage(NamedTuple):
    """What could not be read, where, and what to do about it."""

    source: str
    line: int
    message: str
    remedy: str


class Documents:
    """Every document below a path.

    Args:
        path: a file (``.json``, ``.jsonl``, each also with ``.gz``, or a ``.zip`` of ``.json``) or a folder of such.
        lists: keys under which an object may hold the documents as a list (``vulnerabilities`` of a catalogue).
    """

    def __init__(self, path: Path, lists: tuple[str, ...] = ()) -> None:
        self._path = path
        self._lists = lists
        self._unpacked = 0
        self.damages: list[Damage] = []
        """What could not be read, known once all documents have been taken."""
        self.damaged = 0
        """How many damages there were; only the first :data:`KEPT_DAMAGES` are kept."""

    def __iter__(self) -> Iterator[Document]:
        try:
            folder = stat.S_ISDIR(self._path.stat().st_mode)
        except OSError as error:
            self.damage(str(self._path), 0, f"cannot be read: {error.strerror}", "check the path and its permissions")
            return
        for file in self._below(self._path, 0) if folder else iter([self._path]):
            yield from self._file(file)

    def damage(self, source: str, line: int, message: str, remedy: str) -> None:
        """Take note of something that cannot be used."""
        self.damaged += 1
        if len(self.damages) < KEPT_DAMAGES:
            self.damages.append(Damage(source, line, message, remedy))

    def _below(self, folder: Path, depth: int) -> Iterator[Path]:
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self.damage(str(folder), 0, f"cannot be read: {error.strerror}", "check its permissions")
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth < MAX_DEPTH:
                    yield from self._below(Path(entry.path), depth + 1)
                else:
                    self.damage(entry.path, 0, f"is deeper than {MAX_DEPTH} folders", "name this folder itself")
            elif entry.name.lower().endswith(_FORMS) and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)

    def _file(self, path: Path) -> Iterator[Document]:
        name = path.name.lower()
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as raw:
                if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
                    self.damage(str(path), 0, "is no regular file", "name a file or a folder")
                elif name.endswith(".zip"):
                    yield from self._archive(path, raw)
                else:
                    file = cast(IO[bytes], gzip.GzipFile(fileobj=raw) if name.endswith(".gz") else raw)
                    if name.endswith(_LINES):
                        yield from self._by_line(path, file, packed=file is not raw)
                    else:
                        yield from self._parsed(str(path), 1, self._taken(file, packed=file is not raw))
        except (OSError, EOFError, zlib.error) as error:
            said = getattr(error, "strerror", None) or error
            self.damage(str(path), 0, f"cannot be read to its end: {said}", "fetch the file again")

    def _taken(self, file: IO[bytes], *, packed: bool) -> bytes:
        data = file.read(MAX_DOCUMENT + 1)
        self._count(len(data) if packed else 0)
        return data

    def _count(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > MAX_UNPACKED:
            raise OSError(f"archives unpack to more than {MAX_UNPACKED >> 30} GiB")

    def _by_line(self, path: Path, file: IO[bytes], *, packed: bool) -> Iterator[Document]:
        number = 0
        while line := file.readline(MAX_DOCUMENT + 1):
            number += 1
            self._count(len(line) if packed else 0)
            if line.strip():  # its end is taken off, or a text that ends too early would end in the next line
                yield from self._parsed(str(path), number, line.rstrip())
            while len(line) > MAX_DOCUMENT and not line.endswith(b"\n"):  # the rest of a line that is too long
                line = file.readline(MAX_DOCUMENT + 1)
                self._count(len(line) if packed else 0)

    def _archive(self, path: Path, raw: IO[bytes]) -> Iterator[Document]:
        try:
            with zipfile.ZipFile(raw) as archive:
                members = [one for one in archive.infolist() if one.filename.lower().endswith(".json")]
                if len(members) > MAX_MEMBERS:
                    self.damage(str(path), 0, f"has more than {MAX_MEMBERS} members", "split the archive")
                for member in members[:MAX_MEMBERS]:
                    where = f"{path}!{member.filename}"
                    try:
                        with archive.open(member) as file:
                            data = self._taken(file, packed=True)
                    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, zlib.error, EOFError,
                            lzma.LZMAError) as error:  # fmt: skip
                        self.damage(where, 0, f"cannot be unpacked: {error}", "fetch the archive again")
                        continue
                    yield from self._parsed(where, 0, data)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            self.damage(str(path), 0, f"is no ZIP archive: {error}", "fetch the archive again")

    def _parsed(self, source: str, line: int, data: bytes) -> Iterator[Document]:
        if len(data) > MAX_DOCUMENT:
            self.damage(source, line, f"is longer than {MAX_DOCUMENT >> 20} MiB", "no advisory is; take it out")
            return
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            at = line + getattr(error, "lineno", 1) - 1 if line else 0
            self.damage(source, at, f"is no JSON: {str(error)[:120]}", "fetch the file again")
            return
        documents = [found]
        if isinstance(found, list):
            documents = found
        elif isinstance(found, dict):
            documents = next((found[key] for key in self._lists if isinstance(found.get(key), list)), [found])
        for one in documents:
            if isinstance(one, dict):
                yield Document(source, line, one)
            else:
                self.damage(source, line, "holds something that is no object", "take it out")


KEPT_DAMAGES = 200
"""So many damages are told one by one; a mirror of another format would otherwise fill the memory with complaints."""
