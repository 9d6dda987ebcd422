"""A file of source text (PHP, JSP, ASP, JavaScript, HTML) as the ids of its lexical tokens (``lexer.py``).

A long file is read in overlapping windows and its score is the highest of them, so a webshell behind ten thousand
lines of an innocent library is read like one that stands alone. Of a file with more than ``MAX_WINDOWS`` windows the
first and the last halves of that number are read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis.encoding import lexer
from soc_tui.analysis.encoding.base import Encoded, Reasons, entry
from soc_tui.analysis.encoding.spans import heaviest

LENGTH = 2048
"""Tokens per window; the published token sequences hold as many at most."""
STRIDE = 1536
"""Tokens from one window to the next: any 512 tokens in a row lie inside one window."""
MAX_WINDOWS = 64
VOCABULARY = 65536
"""Ids 1 to 65535; 0 is padding."""
SPANS = 4
"""Runs of tokens that an explanation names."""
SPAN_TOKENS = 48
"""The greatest length of a run."""
_SHOWN = 200
"""Characters shown of a run."""

Ids = NDArray[np.uint16]


def network_ids(tokens: NDArray[Any]) -> Ids:
    """Hashed tokens (any integers) as network input: never 0, which is padding."""
    whole = np.asarray(tokens).astype(np.int64, copy=False) % 65536
    return np.asarray(whole % 65535 + 1, np.uint16)


def source_text(line: str) -> str:
    """A line of ``soc-tui score code``: a JSON string where it is one (so newlines can be written), else itself."""
    if len(line) > 1 and line[0] == line[-1] == '"':
        try:
            read = json.loads(line, strict=False)
        except (ValueError, RecursionError):
            return line
        return read if isinstance(read, str) else line
    return line


class CodeEncoding:
    """Tables with a column ``tokens`` (lists of hashed tokens), or ``value`` (source text), or both.

    A row without tokens is lexed.
    """

    name = "code"
    risk_type = "malicious-code"
    run = 16
    """Tokens of one run that an explanation is checked by: about a line."""

    def table_of(self, values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        """Source texts, one a line; a JSON string is unpacked. No line is refused."""
        texts = [source_text(v).encode("utf-8", "backslashreplace").decode() for v in values]
        return pa.table({"value": pa.array(texts, pa.string())}), {}

    def encode(self, table: pa.Table) -> Encoded:
        """Windows of token ids, (n, ``LENGTH``); ``start`` is a window's first token."""
        rows: list[Ids] = []
        owner: list[int] = []
        starts: list[int] = []
        for index, ids in enumerate(_sequences(table)):
            for start in _starts(len(ids)):
                row = np.zeros(LENGTH, np.uint16)
                part = ids[start : start + LENGTH]
                row[: len(part)] = part
                rows.append(row)
                owner.append(index)
                starts.append(start)
        stacked = np.stack(rows) if rows else np.zeros((0, LENGTH), np.uint16)
        return Encoded(stacked, np.array(owner, np.int64), np.array(starts, np.int64))

    def explain(
        self, table: pa.Table, encoded: Encoded, rows: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> list[Reasons]:
        """The runs of tokens that weigh most: ``lines A-B`` of the source with their text, or ``tokens A-B``.

        Lines count from 1 and both ends are meant; tokens count from 0, the second excluded.
        """
        return [
            self._reasons(_text(table, int(encoded.owner[row])), int(encoded.start[row]), weight)
            for row, weight in zip(rows, weights, strict=True)
        ]

    def _reasons(self, text: str | None, start: int, weights: NDArray[np.float32]) -> Reasons:
        runs = heaviest(weights, SPANS, SPAN_TOKENS)
        if text is None:
            named = [entry(f"tokens {start + a}-{start + b}", "", weight) for a, b, weight in runs]
        else:
            tokens = lexer.lex(text)
            named = []
            for a, b, weight in runs:
                if start + a >= len(tokens.ids):
                    continue
                begin, end = tokens.start[start + a], tokens.end[min(start + b, len(tokens.ids)) - 1]
                first = text.count("\n", 0, begin) + 1
                last = first + text.count("\n", begin, end)
                shown = text[begin:end][:_SHOWN].encode("utf-8", "backslashreplace").decode()
                named.append(entry(f"line {first}" if first == last else f"lines {first}-{last}", shown, weight))
        rest = float(weights.sum()) - sum(weight for _, _, weight in runs)
        return [*named, entry("other tokens", "", rest)]


def _sequences(table: pa.Table) -> list[Ids]:
    """Each row's token ids, at least one."""
    given = _lists(table)
    texts = table["value"].cast(pa.string()).to_pylist() if "value" in table.column_names else [None] * table.num_rows
    empty = network_ids(np.zeros(1))
    out = []
    for tokens, text in zip(given, texts, strict=True):
        read = np.frombuffer(lexer.lex(text or "").ids, np.uint16) if tokens is None else tokens
        out.append(network_ids(read) if len(read) else empty)
    return out


def _lists(table: pa.Table) -> list[NDArray[Any] | None]:
    """The column ``tokens``, row by row; what is no list of numbers counts as absent."""
    absent: list[NDArray[Any] | None] = [None] * table.num_rows
    if "tokens" not in table.column_names:
        return absent
    column = table["tokens"]
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        return absent
    kind = column.type.value_type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return absent
    out: list[NDArray[Any] | None] = []
    for row in column:
        values = row.values
        if values is None:
            out.append(None)
            continue
        numbers = values.to_numpy(zero_copy_only=False)
        if numbers.dtype.kind == "f":  # floats, or integers with nulls among them
            finite = np.isfinite(numbers) & (np.abs(numbers) < 2**53)
            numbers = np.where(finite, numbers, 0).astype(np.int64)
        out.append(numbers)
    return out


def _text(table: pa.Table, index: int) -> str | None:
    """The source text that a row was lexed from; None where its tokens were given."""
    if "tokens" in table.column_names and _lists(table.slice(index, 1))[0] is not None:
        return None
    if "value" not in table.column_names:
        return None
    return str(table["value"].cast(pa.string())[index].as_py() or "")


def _starts(count: int) -> list[int]:
    """First tokens of the windows of a file with so many tokens."""
    starts = [0, *range(STRIDE, count - (LENGTH - STRIDE), STRIDE)]
    if len(starts) > MAX_WINDOWS:
        half = MAX_WINDOWS // 2
        starts = starts[:half] + starts[-half:]
    return starts


ENCODING = CodeEncoding()
