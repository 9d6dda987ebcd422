"""Labelled files of a user, for ``models evaluate``: Zeek logs, Parquet, CSV, JSON lines."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from soc_tui.analysis.encoding import encoding
from soc_tui.analysis.encoding.base import values_table
from soc_tui.core.errors import SourceError, UsageError

_LONGEST = 64 * 1024 * 1024
"""Characters of a CSV field at most."""
_FIRST_LINE = 65_536
_NONE = {"", "none", "nan", "null", "-"}
"""Labels that say nothing: such a row is left out, as in a log of flows."""
_TRUE = {"1", "1.0", "true", "True", "attack", "malicious"}


def read_labelled(name: str, file: Path) -> tuple[pa.Table, NDArray[np.bool_]]:
    """The rows of a labelled file as a model's encoding reads them, and which of them are attacks.

    Args:
        name: the model.
        file: for ``flow`` a Zeek log with labels, as TSV, JSON or a copy as CSV (rows without a label feed the context
            of others and are left out), or a table as below of JSON records; for the others Parquet, CSV or JSON lines
            with ``value`` and ``label`` (1 = attack; rows without one are left out); in Parquet, ``tokens`` may stand
            for ``value``.

    Raises:
        SourceError: it cannot be read, or lacks a column.
        UsageError: no row has a label, or a value is none of the model's.
    """
    if name == "flow" and _is_log(file):
        return _flows(file)
    values, labels = _columns(file)
    known = np.array([str(label).strip().lower() not in _NONE for label in labels], bool)
    if not known.any():
        raise UsageError("no row has a label", source=file, remedy="give values with labels (1 = attack)")
    values = values.filter(pa.array(known))
    risky = np.array([str(label).strip() in _TRUE for label, said in zip(labels, known, strict=True) if said], bool)
    if values.column_names != ["value"]:
        return values, risky
    table, refused = encoding(name).table_of([str(value or "") for value in values["value"].to_pylist()])
    if refused:
        place, reason = next(iter(refused.items()))
        row = np.flatnonzero(known)[place] + 1
        raise UsageError(f"row {row} {reason}", source=file, remedy=f"see the values that score {name} takes")
    return table, risky


def _is_log(file: Path) -> bool:
    """True for a log of flows; False for a table of ``value`` and ``label``, which may end in the same suffix."""
    if file.suffix not in {".csv", ".jsonl"}:
        return file.suffix != ".parquet"
    try:
        with file.open("rb") as opened:
            first = opened.readline(_FIRST_LINE)
    except OSError:
        return False  # told by the reader of tables
    return b"orig_h" in first or (file.suffix == ".jsonl" and b'"value"' not in first)


def read_table(path: Path) -> pa.Table:
    """The column ``value`` of a Parquet file, else its column ``tokens``.

    Raises:
        SourceError: it cannot be read or has neither.
    """
    try:
        there = pq.read_schema(path).names
        wanted = "tokens" if "tokens" in there and "value" not in there else "value"
        return pq.read_table(path, columns=[wanted]).select([wanted])
    except (OSError, KeyError, pa.ArrowException) as error:
        raise SourceError(
            f"cannot be read as values: {error!r}", source=path, remedy="give Parquet with a column value or tokens"
        ) from error


def _flows(file: Path) -> tuple[pa.Table, NDArray[np.bool_]]:
    from soc_tui.analysis.corpora import flow as captures
    from soc_tui.analysis.encoding import flow

    whole = flow.context(captures.read_flows(file))
    bits = captures.labelled(whole)
    known = bits != captures.UNKNOWN
    if not known.any():
        raise UsageError("no row is labelled Malicious or Benign", source=file, remedy="give a labelled Zeek log")
    return whole.filter(pa.array(known)), bits[known] != captures.BENIGN


def _columns(path: Path) -> tuple[pa.Table, list[Any]]:
    """``value`` or ``tokens``, and the labels."""
    try:
        if path.suffix == ".parquet":
            return read_table(path), pq.read_table(path, columns=["label"])["label"].to_pylist()
        if path.suffix == ".csv":
            csv.field_size_limit(_LONGEST)
            with path.open(newline="", encoding="utf-8", errors="replace") as file:
                rows: list[dict[str, Any]] = list(csv.DictReader(file))
        else:
            rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        values = [row["value"] if isinstance(row["value"], str) else json.dumps(row["value"]) for row in rows]
        return values_table(values)[0], [row["label"] for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error, pa.ArrowException) as error:
        raise SourceError(
            f"cannot be read as labelled values: {error!r}", source=path,
            remedy="give Parquet, CSV or JSONL with the columns value and label (1 = attack)",
        ) from error  # fmt: skip
