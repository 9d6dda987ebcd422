"""The runner of benchmarks/loso.py: a fold is trained, judged on what it lacks, and told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import loso
from soc_tui.analysis.corpora.sample import Sample, Task


def _sample(seed: int, shift: float) -> Sample:
    rng = np.random.default_rng(seed)
    risky = rng.random(600) < 0.4
    rows = (rng.normal(size=(600, 2, 3)) + shift * risky[:, None, None]).astype(np.float32)
    return Sample(rows, np.arange(600), np.stack([~risky, risky], 1), np.full(600, "made"))


def _plan() -> Task:
    return Task(
        name="flow", classes=("benign", "risk"), architecture={"kind": "groups", "classes": 2, "tokens": 2, "width": 3, "hidden": 8},
        train=_sample(1, 3), validation=_sample(2, 3), tests={"away": _sample(3, 3), "same": _sample(4, 0)},
        augment=lambda rows, rng: rows, files={}, split="", licence="", false_positives=0.05, epochs=9,
    )  # fmt: skip


def test_a_fold_is_judged_on_what_it_lacks(tmp_path: Path) -> None:
    result = loso.run(("away", _plan), 7, 25, 400)
    assert (result["fold"], result["epochs"], result["rows"]) == ("away", 25, 400)
    assert result["figures"]["away"]["auroc"] > 0.95
    assert 0.4 < result["figures"]["same"]["auroc"] < 0.6
    file = tmp_path / "out.jsonl"
    assert loso.finished(file) == []
    file.write_text(json.dumps(result) + "\n", encoding="utf-8")
    assert loso.finished(file) == [json.loads(json.dumps(result))]


def test_the_table_names_folds_and_leaves_out_what_is_undefined() -> None:
    figures = {"rows": 10, "positives": 10, "auroc": None, "recall": 0.5, "fpr": None}
    shown = loso.table([{"fold": "a", "threshold": 0.75, "figures": {"a": figures, "b": figures | {"auroc": 0.9876}}}])
    assert shown.splitlines()[2:] == [
        "| a | 10 | 10 | - | 0.5000 | - | 0.7500 |", "| a: b | 10 | 10 | 0.9876 | 0.5000 | - | 0.7500 |"
    ]  # fmt: skip


def test_folds_come_from_the_models_task(monkeypatch: pytest.MonkeyPatch) -> None:
    from soc_tui.analysis.corpora import query_task

    monkeypatch.setattr(query_task, "query_task", lambda data, seed, without: replace(_plan(), name=without))
    found = dict(loso.folds("query", Path("nowhere"), 7))
    assert set(found) == set(query_task.GROUPS)
    assert found["fuzzdb"]().name == "fuzzdb"
