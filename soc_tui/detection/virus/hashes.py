"""Lists of known-bad hashes: MD5, SHA-1 and SHA-256, one a line, millions of them.

A line is a hash and, behind a space, comma, semicolon or colon, a name if one is known: plain lists, the output of
``sha256sum``, and ClamAV's ``hash:size:name`` alike. Hashes are kept as sorted bytes (32 MB for a million SHA-256),
names are read from the list again when one is needed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from soc_tui.core.errors import SocTuiError
from soc_tui.detection.files.walking import File, Limits, walk
from soc_tui.detection.tools import Watch

LIST_BYTES = 1024 * 1024 * 1024
"""A larger list is refused."""
KINDS = {"md5": 16, "sha1": 20, "sha256": 32}
"""Bytes of each kind."""
_LINE = re.compile(rb"^[ \t]*\"?([0-9A-Fa-f]{64}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32})(?![0-9A-Fa-f])\"?[^\r\n]*\r?$", re.M)
_OTHER = re.compile(
    rb"^(?![ \t]*\"?(?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32})(?![0-9A-Fa-f]))[ \t]*[^#;\s][^\n]*$", re.M
)
_TOLD = 5
"""Damaged lines of one list that are named; the others are counted."""
_NAME = re.compile(r"[\s,;:\"*]+")


class HashHit(NamedTuple):
    """A file's hash on a list."""

    kind: str
    digest: str
    name: str
    """As the list calls it; empty when it says nothing."""
    source: str
    """``list:line``."""


@dataclass(frozen=True)
class _Part:
    """The hashes of one kind in one list."""

    path: str
    kind: str
    digests: NDArray[Any]
    """Sorted, of fixed width."""
    offsets: NDArray[np.int64]
    """Where in the list each line begins."""


class HashLists:
    """Hash lists, loaded.

    Args:
        paths: files, or folders of files.
        note: takes what could not be read, with file and line.
    """

    def __init__(self, paths: Iterable[str], note: Callable[[str], None]) -> None:
        self._parts = [part for path in paths for part in _load(path, note)]
        self._kinds = [kind for kind in KINDS if any(part.kind == kind for part in self._parts)]
        self.count = sum(len(part.digests) for part in self._parts)
        """Hashes of all lists together."""

    def find(self, file: File) -> HashHit | None:
        """The first list entry that a file's content has."""
        for kind in self._kinds:
            digest = (
                file.key[0] if kind == "sha256" else hashlib.new(kind, file.content, usedforsecurity=False).digest()
            )
            for part in self._parts:
                if part.kind == kind and (place := _place(part.digests, digest)) >= 0:
                    name, line = _said(part.path, int(part.offsets[place]))
                    return HashHit(kind, digest.hex(), name, f"{part.path}:{line}" if line else part.path)
        return None


def _place(digests: NDArray[Any], digest: bytes) -> int:
    wanted = np.array(digest, digests.dtype)
    place = int(np.searchsorted(digests, wanted))
    return place if place < len(digests) and digests[place] == wanted else -1


def _load(path: str, note: Callable[[str], None]) -> Iterator[_Part]:
    watch = Watch(note=lambda text: note(f"hash lists: {text}"))
    try:
        for file in walk(path, Limits(file_bytes=LIST_BYTES), watch):
            yield from _parts(file, note)
    except SocTuiError as error:
        note(f"hash lists: {error}")


def _parts(file: File, note: Callable[[str], None]) -> Iterator[_Part]:
    lines: dict[int, tuple[list[bytes], list[int]]] = {size: ([], []) for size in KINDS.values()}
    for match in _LINE.finditer(file.content):
        digest = bytes.fromhex(match[1].decode())
        digests, offsets = lines[len(digest)]
        digests.append(digest)
        offsets.append(match.start())
    damaged = [match.start() for match in _OTHER.finditer(file.content)]
    for offset in damaged[:_TOLD]:
        line = file.content.count(b"\n", 0, offset) + 1
        note(f"hash lists: {file.path}:{line}: no MD5, SHA-1 or SHA-256 (the other lines are used)")
    if len(damaged) > _TOLD:
        note(f"hash lists: {file.path}: {len(damaged) - _TOLD} more lines are no hashes")
    for kind, size in KINDS.items():
        digests, offsets = lines[size]
        if digests:
            array = np.array(digests, f"S{size}")
            order = np.argsort(array, kind="stable")
            yield _Part(file.path, kind, array[order], np.array(offsets, np.int64)[order])


def _said(path: str, offset: int) -> tuple[str, int]:
    """The name behind a hash and its line's number; nothing when the list is gone meanwhile."""
    try:
        with Path(path).open("rb") as stream:
            line, left = 1, offset
            while left > 0 and (block := stream.read(min(left, 1 << 20))):
                line += block.count(b"\n")
                left -= len(block)
            text = stream.readline(4096).decode("utf-8", "backslashreplace").strip(' \t\r\n"')
    except OSError:
        return "", 0
    words = [word for word in _NAME.split(text)[1:] if word]
    if words and words[0].isdecimal() and len(words) > 1:  # ClamAV's hash:size:name
        words = words[1:]
    return " ".join(words)[:200], line
