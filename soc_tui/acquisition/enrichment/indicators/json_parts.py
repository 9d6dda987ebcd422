"""JSON of any size cut into the objects of its outer lists, block by block and without a Python loop over bytes.

A STIX bundle of a million indicators is one object of some 500 MB; parsed whole it would take gigabytes. Brackets
outside of strings give the depth of every byte, and the depth gives the objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soc_tui.core.errors import SourceError

BLOCK = 8 * 1024 * 1024
MOST_OBJECT = 256 * 1024 * 1024
"""Bytes of one object; a larger one is refused."""

_QUOTE, _BACKSLASH = ord('"'), ord("\\")
_Bytes = npt.NDArray[np.uint8]
_Places = npt.NDArray[np.intp]
_Flags = npt.NDArray[np.bool_]


def objects(file: IO[bytes]) -> Iterator[pa.Array]:
    """The objects in the outermost list: the elements of ``[...]``, or of the lists of ``{"objects": [...]}``.

    Yields:
        Arrays of text (``large_string``), one object each; what is not UTF-8 is replaced.

    Raises:
        SourceError: brackets and quotes do not fit (a broken or cut file), or an object is too large.
    """
    scanner = _Scanner()
    while data := file.read(BLOCK):
        found = scanner.feed(data)
        if found:
            yield pa.array(found, pa.large_string())
    scanner.end()


class _Scanner:
    """Depth, string state and the object that is begun, carried from block to block."""

    def __init__(self) -> None:
        self._depth, self._base = 0, 0
        self._in_string, self._escaped = False, False
        self._begun = bytearray()
        self._open = False

    def feed(self, data: bytes) -> list[str]:
        """The objects that end in this block."""
        raw = np.frombuffer(data, np.uint8)
        if self._base == 0 and not self._begin(data):
            return []
        outside = self._outside(raw)
        opening = ((raw == ord("{")) | (raw == ord("["))) & outside
        closing = ((raw == ord("}")) | (raw == ord("]"))) & outside
        places = np.flatnonzero(opening | closing)
        steps = np.where(opening[places], 1, -1)
        depths = self._depth + np.cumsum(steps)
        if depths.size:
            if depths.min() < 0:
                raise _broken()
            self._depth = int(depths[-1])
        curly = raw[places]
        starts = places[(steps == 1) & (depths == self._base + 1) & (curly == ord("{"))]
        ends = places[(steps == -1) & (depths == self._base) & (curly == ord("}"))] + 1
        return self._cut(data, starts, ends)

    def end(self) -> None:
        """Refuse a file that ends in the middle."""
        if self._base == 0:
            raise SourceError("is empty", remedy="check what the file holds")
        if self._depth or self._in_string:
            raise _broken()

    def _begin(self, data: bytes) -> bool:
        head = data.lstrip(b"\xef\xbb\xbf \t\r\n")
        if not head:
            return False
        if head[:1] not in {b"{", b"["}:
            raise _broken()
        self._base = 2 if head[:1] == b"{" else 1
        return True

    def _outside(self, raw: _Bytes) -> _Flags:
        """Which bytes lie outside of strings."""
        quotes = np.flatnonzero(raw == _QUOTE)
        slashes = np.flatnonzero(raw == _BACKSLASH)
        if slashes.size or self._escaped:
            quotes = quotes[~self._is_escaped(raw, slashes, quotes)]
        toggles = np.zeros(raw.size, np.uint8)
        toggles[quotes] = 1
        inside = np.bitwise_xor.accumulate(toggles) ^ np.uint8(self._in_string)
        if raw.size:
            self._in_string = bool(inside[-1])
        outside: _Flags = inside == 0
        return outside

    def _is_escaped(self, raw: _Bytes, slashes: _Places, quotes: _Places) -> _Flags:
        """A quote after an odd run of backslashes is text; a run may go on from the block before."""
        carried, self._escaped = self._escaped, False
        at_start: _Flags = (quotes == 0) & carried
        if slashes.size == 0:
            return at_start
        begins = np.flatnonzero(np.concatenate(([True], np.diff(slashes) != 1)))
        runs = np.diff(np.concatenate((begins, [slashes.size])))
        first = slashes[begins]
        after = first + runs  # the byte that each run may escape
        if carried and first[0] == 0:  # that backslash is itself escaped and counts for nothing
            at_start, runs = np.zeros(quotes.size, bool), np.concatenate(([runs[0] - 1], runs[1:]))
        after = after[runs % 2 == 1]
        self._escaped = bool(after.size and after[-1] == raw.size)
        escaped: _Flags = np.isin(quotes, after) | at_start
        return escaped

    def _cut(self, data: bytes, starts: _Places, ends: _Places) -> list[str]:
        found: list[str] = []
        at = 0
        if self._open:
            if ends.size == 0:
                self._hold(data)
                return found
            self._hold(data[: int(ends[0])])
            found.append(self._begun.decode("utf-8", "replace"))
            self._begun.clear()
            self._open, at = False, 1
        whole = min(starts.size, ends.size - at)
        pairs = zip(starts[:whole].tolist(), ends[at : at + whole].tolist(), strict=True)
        found += [data[start:end].decode("utf-8", "replace") for start, end in pairs]
        if starts.size > whole:
            self._open = True
            self._hold(data[int(starts[whole]) :])
        return found

    def _hold(self, data: bytes) -> None:
        if len(self._begun) + len(data) > MOST_OBJECT:
            raise SourceError(f"an object is longer than {MOST_OBJECT >> 20} MiB", remedy="check what the file holds")
        self._begun += data


def _broken() -> SourceError:
    return SourceError("is no whole JSON: brackets or quotes do not fit", remedy="fetch the file again")
