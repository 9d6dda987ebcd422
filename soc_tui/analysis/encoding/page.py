"""A page before and after a change as ids: facts about the change as a whole, then the pieces that changed.

Every window starts with the same facts, so that a piece is judged in the light of the whole: a script on a new page and
a script in an old one are not the same thing. A change with more pieces than fit is read in several windows, what can
act (scripts, frames, forms, hidden things) in the first; its score is the highest of them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis.encoding import lexer
from soc_tui.analysis.encoding.base import Encoded, Reasons, entry
from soc_tui.analysis.encoding.difference import REMOVED, Difference, Piece, compare, words

LENGTH = 512
STRIDE = 384
"""Ids of pieces from one window to the next."""
MAX_WINDOWS = 6
VOCABULARY = 8192
"""Ids 1 to 8191; 0 is padding."""
MOST_PER_PIECE = 96
"""Ids of one piece."""
MOST_REMOVED = 6
"""Ids of one removed piece: what went matters less than what came."""
_NAMED = 6
_SHOWN = 200

_LEXED = frozenset({"script", "code"})


def word_id(word: str) -> int:
    """The id of a word."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) % (VOCABULARY - 1) + 1


def ids_of(difference: Difference) -> tuple[list[int], list[int], list[int]]:
    """Ids of the facts, ids of the pieces, and the piece that each of the latter belongs to."""
    head = [word_id(f"fact:{name}:{value}") for name, value in difference.facts]
    most = STRIDE * MAX_WINDOWS
    ids: list[int] = []
    owners: list[int] = []
    for place, piece in enumerate(difference.pieces):
        if len(ids) >= most:
            break
        lexed = piece.unit.kind in _LEXED
        mine = _code(piece) if lexed else [word_id(word) for word in words(piece, difference.known)]
        mine = mine[: MOST_REMOVED if piece.mark == REMOVED else MOST_PER_PIECE]
        ids += mine
        owners += [place] * len(mine)
    return head, ids[:most], owners[:most]


def _code(piece: Piece) -> list[int]:
    """A line of a script or of server code: its mark, then its lexical tokens."""
    mark = word_id(f"{piece.mark}:{piece.unit.kind}:")
    return [mark, *(int(token) * 31 % (VOCABULARY - 1) + 1 for token in lexer.lex(piece.unit.text[:2000]).ids)]


class PageEncoding:
    """Tables with the columns ``before`` (a null where no earlier version is known) and ``after``."""

    name = "page"
    risk_type = "page-tampering"

    def table_of(self, values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        """JSON objects ``{"before": "...", "after": "..."}``, one a line; ``before`` may be missing or null."""
        pairs: list[tuple[str | None, str | None]] = []
        refused: dict[int, str] = {}
        for place, value in enumerate(values):
            try:
                pairs.append(_pair(value))
            except ValueError as error:
                refused[place] = str(error)
                pairs.append((None, None))
        before, after = zip(*pairs, strict=True) if pairs else ((), ())
        return pa.table({"before": pa.array(before, pa.string()), "after": pa.array(after, pa.string())}), refused

    def encode(self, table: pa.Table) -> Encoded:
        """Windows of ids, (n, ``LENGTH``); ``start`` is a window's first id of pieces."""
        rows: list[NDArray[np.uint16]] = []
        owner: list[int] = []
        starts: list[int] = []
        for index, (before, after) in enumerate(_pairs(table)):
            head, ids, _ = ids_of(compare(before, after))
            room = LENGTH - len(head)
            for start in [0, *range(STRIDE, len(ids) - (room - STRIDE), STRIDE)]:
                row = np.zeros(LENGTH, np.uint16)
                part = [*head, *ids[start : start + room]]
                row[: len(part)] = part
                rows.append(row)
                owner.append(index)
                starts.append(start)
        stacked = np.stack(rows) if rows else np.zeros((0, LENGTH), np.uint16)
        return Encoded(stacked, np.array(owner, np.int64), np.array(starts, np.int64))

    def explain(
        self, table: pa.Table, encoded: Encoded, rows: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> list[Reasons]:
        """The facts and pieces that weigh most.

        A piece is named by what happened to it, its kind and the line of the page (of the earlier one, if removed).
        """
        pairs = _pairs(table)
        return [
            _reasons(*pairs[int(encoded.owner[row])], int(encoded.start[row]), weight)
            for row, weight in zip(rows, weights, strict=True)
        ]


def _reasons(before: str | None, after: str, start: int, weights: NDArray[np.float32]) -> Reasons:
    difference = compare(before, after)
    head, _, owners = ids_of(difference)
    named = [
        entry(name, value, weight) for (name, value), weight in zip(difference.facts, weights[: len(head)], strict=True)
    ]
    mine = np.array(owners[start : start + LENGTH - len(head)], np.int64)
    if len(mine):
        summed = np.bincount(mine, weights[len(head) : len(head) + len(mine)])
        for place in np.unique(mine):
            mark, unit = difference.pieces[place]
            line = (before or "" if mark == REMOVED else after).count("\n", 0, unit.start) + 1
            shown = (f"<{unit.name} {unit.text}>" if unit.kind == "tag" else unit.text)[:_SHOWN]
            kind = f"<{unit.name}>" if unit.kind == "tag" else unit.kind
            told = shown.encode("utf-8", "backslashreplace").decode()
            named.append(entry(f"{mark} {kind}, line {line}", told, float(summed[place])))
    named.sort(key=lambda one: -abs(one["weight"]))
    return [one for one in named[:_NAMED] if one["weight"]]


def _pair(value: str) -> tuple[str | None, str]:
    try:
        read: Any = json.loads(value, strict=False)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'is no JSON object {{"before": ..., "after": ...}}: {str(error)[:80]}') from error
    if not isinstance(read, dict) or not isinstance(read.get("after"), str):
        raise ValueError('lacks "after", the page as it is now')
    before = read.get("before")
    if before is not None and not isinstance(before, str):
        raise ValueError('has a "before" that is no text')
    return None if before is None else _clean(before), _clean(read["after"])


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _pairs(table: pa.Table) -> list[tuple[str | None, str]]:
    def column(name: str) -> list[str | None]:
        if name not in table.column_names:
            return [None] * table.num_rows
        found: list[str | None] = table[name].cast(pa.string()).to_pylist()
        return found

    return [(before, after or "") for before, after in zip(column("before"), column("after"), strict=True)]


ENCODING = PageEncoding()
