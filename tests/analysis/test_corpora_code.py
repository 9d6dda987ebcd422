"""The code model's files: near duplicates found, and none of them on both sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soc_tui.analysis.corpora import code
from soc_tui.analysis.corpora.code_task import parted, sample, vary
from soc_tui.core.errors import SourceError


def written(path: Path) -> Path:
    """A hundred files of two repositories; every tenth of the second is nearly one of the first."""
    rng = np.random.default_rng(1)
    tokens = [rng.integers(0, 65536, 200).tolist() for _ in range(100)]
    for place in range(50, 100, 10):
        tokens[place] = [*tokens[place - 50][:198], 1, 2]
    table = pa.table({
        "sha256": [f"{0xFFFFFFFF - i:08x}{'0' * 56}" for i in range(100)],
        "repo": ["a/a"] * 50 + ["xl7dev/WebShell"] * 50, "language": ["php"] * 100,
        "label": pa.array([i % 2 for i in range(100)], pa.int8()), "tokens": pa.array(tokens, pa.list_(pa.uint16())),
    })  # fmt: skip
    pq.write_table(table, path)
    return path


def test_near_duplicates_of_training_files_do_not_validate(tmp_path: Path) -> None:
    train, validation = parted(code.read_files(written(tmp_path / "t.parquet")))
    assert (len(train.malicious), len(validation.malicious)) == (50, 45)
    assert set(train.repository) == {"a/a"}
    assert set(validation.repository) == {"xl7dev/WebShell"}


def test_likeness_is_the_share_of_common_shingles(tmp_path: Path) -> None:
    files = code.read_files(written(tmp_path / "t.parquet"))
    marks = code.sketches(files)
    assert code.likest(marks[:3], marks[:3]).tolist() == [1.0, 1.0, 1.0]
    assert code.likest(marks[[50]], marks[:50])[0] > 0.9
    assert code.likest(marks[[51]], marks[:50])[0] < 0.1


def test_cuts_keep_the_order_and_the_padding_behind(tmp_path: Path) -> None:
    rows = sample(code.read_files(written(tmp_path / "t.parquet"))).rows
    varied = vary(rows, np.random.default_rng(2))
    lengths = (varied > 0).sum(1)
    assert varied.shape == rows.shape
    assert (lengths >= 80).all()
    assert len(set(lengths.tolist())) > 20
    assert all((row[:length] > 0).all() for row, length in zip(varied, lengths, strict=True))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="malcode"):
        code.read_files(tmp_path / "none.parquet")
