"""Labelled token sequences of malicious and ordinary source files, and which of them are nearly the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from soc_tui.core.errors import SourceError

_BINS = 64
_SHINGLE = 5


@dataclass(frozen=True)
class Files:
    """Files of source text, as tokens."""

    table: pa.Table
    """The column ``tokens``."""
    malicious: NDArray[np.bool_]
    """(files,)."""
    repository: NDArray[np.str_]
    """(files,) ``owner/name`` on GitHub."""
    language: NDArray[np.str_]
    """(files,) php, jsp, asp, aspx, js or html."""
    digest: NDArray[np.str_]
    """(files,) sha256 of the file, hex: what any choice among files goes by."""
    likeness: NDArray[np.float64]
    """(files,) Jaccard likeness to the nearest file of the training part, as the data state it; 0 where unknown."""

    def where(self, mask: NDArray[np.bool_]) -> Files:
        """The files for which ``mask`` is True."""
        return Files(
            self.table.filter(pa.array(mask)), self.malicious[mask], self.repository[mask], self.language[mask],
            self.digest[mask], self.likeness[mask],
        )  # fmt: skip


def read_files(path: Path) -> Files:
    """Read a Parquet file of token sequences.

    Raises:
        SourceError: it is missing, unreadable or lacks a column.
    """
    try:
        table = pq.read_table(path)
        text = {
            name: np.array(table[name].cast(pa.string()).fill_null("").to_pylist(), np.str_)
            for name in ("repo", "language", "sha256")
        }
        likeness = table["near_dup_train"] if "near_dup_train" in table.column_names else pa.nulls(table.num_rows)
        return Files(
            table.select(["tokens"]), table["label"].to_numpy() == 1, text["repo"], text["language"], text["sha256"],
            np.asarray(likeness.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False), np.float64),
        )  # fmt: skip
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise SourceError(
            f"no token sequences: {error}", source=path, remedy="give the data folder that holds malcode/"
        ) from error


def sketches(files: Files) -> NDArray[np.uint64]:
    """(files, 64): the least hash of the 5-token shingles in each of 64 bins (one-permutation MinHash).

    The share of equal entries of two files estimates the Jaccard likeness of their sets of shingles.
    """
    out = np.full((len(files.malicious), _BINS), np.uint64(2**64 - 1))
    for place, row in enumerate(files.table["tokens"]):
        ids = np.asarray(row.as_py() or [0], np.uint64)
        key = np.zeros(max(len(ids) - _SHINGLE + 1, 1), np.uint64)
        for offset in range(min(_SHINGLE, len(ids))):
            key = (key ^ ids[offset : offset + len(key)]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        key *= np.uint64(0xBF58476D1CE4E5B9)
        np.minimum.at(out[place], (key >> np.uint64(58)).astype(np.int64), key)
    return out


def likest(some: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.float64]:
    """For each sketch of ``some`` the likeness (0 to 1) to the nearest of ``others``.

    Bins that are empty on both sides do not count.
    """
    empty = np.uint64(2**64 - 1)
    out = np.zeros(len(some))
    for place, one in enumerate(some):
        filled = (one != empty) | (others != empty)
        same = ((one == others) & filled).sum(1)
        out[place] = float((same / np.maximum(filled.sum(1), 1)).max(initial=0.0))
    return out
