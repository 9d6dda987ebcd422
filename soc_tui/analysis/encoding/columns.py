"""Columns of any table as clean numbers and texts: whatever is missing, of another type or no number is unknown."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_HIGHEST = 1e15
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$"


def _whole(table: pa.Table, name: str) -> pa.Array | None:
    if name not in table.column_names:
        return None
    column = table[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # no rows, no chunks
        column = pa.array([], column.type)
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def numbers(table: pa.Table, name: str) -> tuple[Doubles, Doubles]:
    """A column as doubles and its missing indicator.

    Args:
        table: any table.
        name: the column; one that the table lacks is all missing. Texts are read as numbers where they are some.

    Returns:
        values (rows,), 0 where missing and at most 1e15, and missing (rows,): 1 where the value is null, negative, NaN,
        infinite or no number.
    """
    column = _whole(table, name)
    if column is None:
        return np.zeros(table.num_rows), np.ones(table.num_rows)
    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = pc.if_else(pc.match_substring_regex(column, _NUMBER), pc.utf8_trim_whitespace(column), None)
        doubles = column if column.type == pa.float64() else pc.cast(column, pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return np.zeros(table.num_rows), np.ones(table.num_rows)
    values = np.asarray(doubles.to_numpy(zero_copy_only=False), np.float64)  # null becomes NaN
    known = (values >= 0) & (values < np.inf)  # False for NaN
    return np.where(known, np.minimum(values, _HIGHEST), 0.0), (~known).astype(np.float64)


def text(table: pa.Table, name: str) -> pa.Array:
    """A column as strings, "" where it is missing, null or of a type that is no text."""
    column = _whole(table, name)
    try:
        if column is not None:
            return pc.fill_null(column if column.type == pa.string() else pc.cast(column, pa.string()), "")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    return pa.array([""] * table.num_rows, pa.string())
