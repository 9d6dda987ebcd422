"""One HTTP parameter value (or path, or header) as character ids.

The value is read without its disguises (``decoding``), and the first id says what was taken off, so that double
encoding stays visible. Letters are folded to lower case (``SeLeCt`` is ``select``), and what is not printable ASCII to
a few classes.

A long value is read in overlapping windows and its score is the highest of them: padding in front of, behind or around
an attack changes nothing. ``MAX_WINDOWS`` windows cover the 8 KiB that web servers accept as a request line; of a
longer value the head, the tail and the windows with the most punctuation are read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis.encoding.base import Encoded, Reasons, distinct_texts, entry, spread, values_table
from soc_tui.analysis.encoding.decoding import decode

LENGTH = 128
"""Ids per window, the first of which is the depth mark."""
STRIDE = 95
"""Characters from one window to the next: any 32 characters in a row lie inside one window."""
MAX_WINDOWS = 96

_DEPTH = (1, 2, 3)
"""Ids of a first window: decoded 0, 1 or more times, by what honest clients use as well."""
_INNER = 4
"""Id that starts every later window."""
_ODD, _EMBEDDED = 5, 6
"""Ids of a first window: a form was undone that only attackers write; base64 was opened."""
_CONTROL, _LINE, _TAB, _NUL, _LETTER, _SYMBOL, INVALID = range(7, 14)
"""Ids of what is not printable ASCII; ``INVALID``, a byte that is no UTF-8, is the last of them."""
_ASCII = 14 - 0x20
ZERO = ord("0") + _ASCII
"""Id of the digit 0; the other digits follow."""
VOCABULARY = 14 + 0x5F


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
        return INVALID
    return _LETTER if char.isalpha() or unicodedata.category(char)[0] == "M" else _SYMBOL


def punctuation(rows: Ids) -> NDArray[np.int64]:
    """(n,): characters of each window (n, LENGTH) that are no letter, digit or blank."""
    return np.asarray((~_WORD[rows] & (rows > _EMBEDDED)).sum(1))


def encode(values: Sequence[str]) -> Encoded:
    """Values to windows of ids, (n, LENGTH) padded with 0; every value has at least one.

    Args:
        values: as sent, not decoded.
    """
    rows: list[Ids] = []
    owner: list[int] = []
    starts: list[int] = []
    for index, value in enumerate(values):
        decoded = decode(value)
        ids = characters(decoded.text)
        first = _ODD if decoded.odd else _EMBEDDED if decoded.embedded else _DEPTH[decoded.depth]
        for start in _starts(ids):
            row = np.zeros(LENGTH, np.uint8)
            part = ids[start : start + LENGTH - 1]
            row[0] = _INNER if start else first
            row[1 : len(part) + 1] = part
            rows.append(row)
            owner.append(index)
            starts.append(start)
    ids = np.stack(rows) if rows else np.zeros((0, LENGTH), np.uint8)
    return Encoded(ids, np.array(owner, np.int64), np.array(starts, np.int64))


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


def spans(value: str, start: int, weights: NDArray[Any], runs: int = 3, most: int = 40) -> list[tuple[int, str, float]]:
    """The runs of characters that weigh most, none overlapping another, the weightiest first.

    Args:
        value: as sent.
        start: first character of the window that was scored.
        weights: (LENGTH,) attribution per id of that window, the mark first.
        runs: how many at most; later ones are named only above a tenth of the first.
        most: greatest length of one.

    Returns:
        (position in the decoded value, its text, its summed weight) each; empty for an empty value.
    """
    text = decode(value).text
    inner = np.asarray(weights[1 : len(text) - start + 1], np.float64)
    left = inner - max(float(inner.mean()), 0.0) if len(inner) else inner  # above the average: finds the core
    found: list[tuple[int, str, float]] = []
    for _ in range(runs if len(inner) else 0):
        begin, end = _heaviest(left, most)
        weight = float(inner[begin:end].sum())
        if found and weight < max(found[0][2], 0.0) / 10:
            break
        found.append((start + begin, text[start + begin : start + end], weight))
        left[begin:end] = -np.inf
        if not np.isfinite(left).any():
            break
    return found


def _heaviest(weights: NDArray[np.float64], most: int) -> tuple[int, int]:
    """Begin and end of the run of at most ``most`` places with the greatest sum, the first of equals."""
    best, begin, end = -np.inf, 0, 1
    for length in range(1, min(most, len(weights)) + 1):
        sums = np.lib.stride_tricks.sliding_window_view(weights, length).sum(1)
        at = int(sums.argmax())
        if sums[at] > best or (sums[at] == best and at < begin):
            best, begin, end = float(sums[at]), at, at + length
    return begin, end


class QueryEncoding:
    """Texts of web requests: parameter values and names, paths, headers."""

    name = "query"
    risk_type = "web-attack"
    column = "value"

    def table_of(self, values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        """Lines as the column ``value``; none is refused."""
        return values_table(values)

    def encode(self, table: pa.Table) -> Encoded:
        """Windows of the column ``value``, a null being the empty one; each distinct value is read once."""
        values, back = distinct_texts(table, "value")
        return spread(encode(values), back)

    def explain(
        self, table: pa.Table, encoded: Encoded, rows: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> list[Reasons]:
        """The runs of characters that weigh most, and all others together.

        ``field`` is ``characters A-B`` of the decoded value, counted from 0, B excluded.
        """
        known = "value" in table.column_names
        values = table["value"].take(pa.array(encoded.owner[rows])).to_pylist() if known else [""] * len(rows)
        out: list[Reasons] = []
        for value, start, weight in zip(values, encoded.start[rows], weights, strict=True):
            runs = spans(value or "", int(start), weight)
            reasons = [
                entry(f"characters {at}-{at + len(text)}", text.encode("utf-8", "backslashreplace").decode(), carried)
                for at, text, carried in runs
            ]
            rest = float(weight.sum()) - sum(carried for _, _, carried in runs)
            out.append([*reasons, entry("other characters", "", rest)])
        return out


ENCODING = QueryEncoding()
