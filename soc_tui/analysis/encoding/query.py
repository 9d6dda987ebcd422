"""One HTTP parameter value (or path, or header) as character ids.

The value is percent-decoded at most twice, as a server and a careless application would, and the depth is the first
id, so double encoding is visible. Letters are folded to lower case (``SeLeCt`` is ``select``), compatibility forms to
their plain letter (NFKC: full-width ``＜`` is ``<``), and what is not printable ASCII to a few classes.

A long value is read in overlapping windows and its score is the highest of them: padding in front of, behind or around
an attack changes nothing. ``MAX_WINDOWS`` windows cover the 8 KiB that web servers accept as a request line; of a
longer value the head, the tail and the windows with the most punctuation are read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis.encoding.base import Encoded, Reasons, distinct_texts, entry, spread, values_table

LENGTH = 128
"""Ids per window, the first of which is the depth mark."""
STRIDE = 95
"""Characters from one window to the next: any 32 characters in a row lie inside one window."""
MAX_WINDOWS = 96

_DEPTH = (1, 2, 3)
"""Ids of a first window: decoded 0, 1 or 2 times."""
_INNER = 4
"""Id that starts every later window."""
_CONTROL, _LINE, _TAB, _NUL, _LETTER, _SYMBOL, _INVALID = range(5, 12)
_ASCII = 12 - 0x20
VOCABULARY = 12 + 0x5F


def _table() -> NDArray[np.uint8]:
    ids = np.full(128, _CONTROL, np.uint8)
    ids[0x20:0x7F] = np.arange(0x20, 0x7F) + _ASCII
    ids[ord("A") : ord("Z") + 1] = np.arange(ord("a"), ord("z") + 1) + _ASCII
    for char, value in (("\r", _LINE), ("\n", _LINE), ("\t", _TAB), ("\0", _NUL)):
        ids[ord(char)] = value
    return ids


_IDS = _table()
_WORD = np.zeros(256, bool)
_WORD[[c + _ASCII for c in b"abcdefghijklmnopqrstuvwxyz0123456789 "] + [_LETTER]] = True

Ids = NDArray[np.uint8]


def decode(value: str) -> tuple[str, int]:
    """The value after at most two rounds of percent-decoding, and the rounds that changed it.

    A ``+`` means a space wherever form encoding is possible, that is, in the first round.
    """
    text, depth = value.replace("+", " "), 0
    while depth < 2 and "%" in text:
        raw = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
        decoded = raw.decode("utf-8", "surrogateescape")
        if decoded == text:
            break
        text, depth = decoded, depth + 1
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)), depth


def characters(text: str) -> Ids:
    """One id per character."""
    if text.isascii():
        return _IDS[np.frombuffer(text.encode("ascii"), np.uint8)]
    return np.array([_character(c) for c in text], np.uint8)


def _character(char: str) -> int:
    code = ord(char)
    if code < 128:
        return int(_IDS[code])
    if 0xDC80 <= code <= 0xDCFF:
        return _INVALID
    return _LETTER if char.isalpha() or unicodedata.category(char)[0] == "M" else _SYMBOL


@dataclass(frozen=True)
class Windows:
    """Windows of many values."""

    ids: Ids
    """(windows, LENGTH), padded with 0."""
    owner: NDArray[np.int64]
    """(windows,): the value each belongs to."""
    start: NDArray[np.int64]
    """(windows,): its first character in the decoded value."""


def encode(values: Sequence[str]) -> Windows:
    """Values to windows; every value has at least one.

    Args:
        values: as sent, not decoded.
    """
    rows: list[Ids] = []
    owner: list[int] = []
    starts: list[int] = []
    for index, value in enumerate(values):
        text, depth = decode(value[: 64 * 1024])
        ids = characters(text)
        for start in _starts(ids):
            row = np.zeros(LENGTH, np.uint8)
            part = ids[start : start + LENGTH - 1]
            row[0] = _INNER if start else _DEPTH[depth]
            row[1 : len(part) + 1] = part
            rows.append(row)
            owner.append(index)
            starts.append(start)
    ids = np.stack(rows) if rows else np.zeros((0, LENGTH), np.uint8)
    return Windows(ids, np.array(owner, np.int64), np.array(starts, np.int64))


def _starts(ids: Ids) -> list[int]:
    if len(ids) < LENGTH:
        return [0]
    starts = [*range(0, len(ids) - LENGTH + 1, STRIDE), len(ids) - LENGTH + 1]
    if len(starts) <= MAX_WINDOWS:
        return starts
    edge = MAX_WINDOWS // 4
    middle = starts[edge:-edge]
    odd = np.concatenate([[0], np.cumsum(~_WORD[ids])])
    ends = np.minimum(np.array(middle) + LENGTH - 1, len(ids))
    count = odd[ends] - odd[middle]
    chosen = np.sort(np.argsort(-count, kind="stable")[: MAX_WINDOWS - 2 * edge])
    return [*starts[:edge], *(middle[i] for i in chosen), *starts[-edge:]]


def parameters(url_query: str) -> list[tuple[str, str]]:
    """A query string as (name, value) pairs, neither decoded; the reference for features/query_values.sql."""
    pairs = []
    for part in url_query.split("&"):
        name, _, value = part.partition("=")
        if part:
            pairs.append((name, value))
    return pairs


def span(value: str, start: int, weights: NDArray[Any], most: int = 40) -> tuple[int, str, float]:
    """The run of characters that weighs most: (position in the decoded value, its text, its summed weight).

    Args:
        value: as sent.
        start: first character of the window that was scored.
        weights: (LENGTH,) attribution per id of that window, the depth mark first.
        most: greatest length of the run.
    """
    text, _ = decode(value[: 64 * 1024])
    inner = np.asarray(weights[1 : len(text) - start + 1], np.float64)
    if not len(inner):
        return 0, "", 0.0
    sums = np.concatenate([[0.0], np.cumsum(inner - max(inner.mean(), 0.0))])  # above the average: finds the core
    best = max(
        ((sums[e] - sums[b], b, e) for b in range(len(inner)) for e in range(b + 1, min(b + most, len(inner)) + 1)),
        key=lambda item: (item[0], -item[1]),
    )
    begin, end = best[1], best[2]
    return start + begin, text[start + begin : start + end], float(inner[begin:end].sum())


class QueryEncoding:
    """Parameter values, paths and headers as characters."""

    name = "query"
    risk_type = "web-attack"
    column = "value"

    def table_of(self, values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        """One value a line, as sent."""
        return values_table(values)

    def encode(self, table: pa.Table) -> Encoded:
        """A column ``value``; a null is the empty value."""
        values, back = distinct_texts(table, "value")
        windows = encode(values)
        return spread(Encoded(windows.ids, windows.owner, windows.start), back)

    def explain(
        self, table: pa.Table, encoded: Encoded, rows: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> list[Reasons]:
        """The run of characters that weighs most, counted in the decoded value from 0, its end excluded; the rest."""
        values = table["value"].take(pa.array(encoded.owner[rows])).to_pylist()
        reasons: list[Reasons] = []
        for value, start, weight in zip(values, encoded.start[rows], weights, strict=True):
            at, text, most = span(value or "", int(start), weight)
            shown = text.encode("utf-8", "backslashreplace").decode()
            named = entry(f"characters {at}-{at + len(text)}", shown, most)
            reasons.append([named, entry("other characters", "", float(weight.sum()) - most)])
        return reasons


ENCODING = QueryEncoding()
