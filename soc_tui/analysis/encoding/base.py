"""What every risk model's encoding promises: events or values in, network input out, and weights back to named fields.

An encoding never imports torch and never fails on content: whatever a log holds, it has rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Reasons = list[dict[str, Any]]
"""Entries ``{field, value, weight}`` of one explanation, the weightiest first; a weight > 0 pushed towards risk."""
MOST_FIELDS = 6
"""Fields that an explanation of named fields has at most."""


@dataclass(frozen=True)
class Encoded:
    """Examples as network input. A flow is one row; a long text is several windows, and its worst counts."""

    rows: NDArray[Any]
    """(n, T, W) float32 feature groups, or (n, L) unsigned ids padded with 0."""
    owner: NDArray[np.int64]
    """(n,): the example each row belongs to, never decreasing; every example has a row."""
    start: NDArray[np.int64]
    """(n,): where the row begins in its example (a character, a token, an event); 0 for feature groups."""

    @classmethod
    def single(cls, rows: NDArray[Any]) -> Encoded:
        """One row an example."""
        return cls(rows, np.arange(len(rows)), np.zeros(len(rows), np.int64))

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return int(self.owner[-1]) + 1 if len(self.owner) else 0


class Encoding(Protocol):
    """One risk model's way from events to network input."""

    @property
    def name(self) -> str:
        """The model's name: ``flow``, ``query`` ..."""
        ...

    @property
    def risk_type(self) -> str:
        """The risk data class (``core.types.RISK_TYPES``) of its findings."""
        ...

    def table_of(self, values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        """Lines of ``soc-tui score`` as a table for :meth:`encode`, and the reason for each line that is refused.

        A refused line has a row as well, of unknowns, so that places stay the same.
        """
        ...

    def encode(self, table: pa.Table) -> Encoded:
        """Network input for every row of a table; missing columns count as unknown."""
        ...

    def explain(
        self, table: pa.Table, encoded: Encoded, rows: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> list[Reasons]:
        """What carried a score, in the words of an analyst.

        Args:
            table: what was encoded.
            encoded: its encoding.
            rows: (k,) places in ``encoded.rows``: the row that decided, for each example to explain.
            weights: (k, ...) attribution of each input of these rows to the log odds of risk.
        """
        ...


def named(weights: NDArray[Any]) -> NDArray[np.int64]:
    """Which fields an explanation names, and in which order.

    Those that moved the score most; of these first what pushed towards risk, then what held it back: together the two
    would undo one another, and neither would explain an alert.

    Args:
        weights: (k, F) of the fields of each row.

    Returns:
        Places (k, at most :data:`MOST_FIELDS`) of fields.
    """
    heaviest = np.argsort(-np.abs(weights), axis=1, kind="stable")[:, :MOST_FIELDS]
    order = np.argsort(-np.take_along_axis(weights, heaviest, 1), axis=1, kind="stable")
    pushed = np.take_along_axis(heaviest, order, 1)
    held = np.take_along_axis(weights, pushed, 1) < 0  # of these the heaviest first again
    back = np.argsort(np.where(held, np.take_along_axis(weights, pushed, 1), -np.inf), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(pushed, back, 1), np.int64)


def entry(field: str, value: str, weight: float) -> dict[str, Any]:
    """One entry of an explanation."""
    return {"field": field, "value": value, "weight": round(float(weight), 4)}


def values_table(values: Sequence[str], column: str = "value") -> tuple[pa.Table, dict[int, str]]:
    """Lines as the one text column that they are; lone surrogates (bytes that are no UTF-8) are written out."""
    clean = [value.encode("utf-8", "backslashreplace").decode() for value in values]
    return pa.table({column: pa.array(clean, pa.string())}), {}


def distinct_texts(table: pa.Table, column: str) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct texts of a column, a null being the empty one, and each row's place among them."""
    if column not in table.column_names:
        return [""], np.zeros(table.num_rows, np.int64)
    coded = table[column].cast(pa.string()).fill_null("").combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):  # no rows, no chunks
        return [], np.zeros(0, np.int64)
    return coded.dictionary.to_pylist(), np.asarray(coded.indices.to_numpy(zero_copy_only=False), np.int64)


def spread(encoded: Encoded, back: NDArray[np.int64]) -> Encoded:
    """The rows of distinct examples for every example that equals one of them.

    Args:
        encoded: of the distinct examples.
        back: (examples,) the distinct one that each equals.
    """
    count = np.bincount(encoded.owner, minlength=encoded.examples)
    first = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
    repeats = count[back] if len(back) else np.zeros(0, np.int64)
    owner = np.repeat(np.arange(len(back)), repeats)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    places = np.repeat(first[back] if len(back) else back, repeats) + within
    return Encoded(encoded.rows[places], owner, encoded.start[places])
