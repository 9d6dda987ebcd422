from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from soc_tui.analysis import building
from soc_tui.analysis.corpora.sample import Sample, Task


def _sample(seed: int, rows: int = 900) -> Sample:
    rng = np.random.default_rng(seed)
    risky = rng.random(rows) < 0.3
    x = rng.normal(size=(rows, 4, 3)) + 0.8 * risky[:, None, None]
    return Sample(
        x.astype(np.float32), np.arange(rows), np.stack([~risky, risky], 1), np.full(rows, "made"),
        np.where(np.arange(rows) % 3 == 0, "made row", "").astype(object),
    )  # fmt: skip


def _task() -> Task:
    return Task(
        name="flow", classes=("benign", "scan"),
        architecture={"kind": "groups", "classes": 2, "tokens": 4, "width": 3, "hidden": 8},
        train=_sample(1), validation=_sample(2), tests={}, augment=lambda rows, rng: rows + rng.normal(0, 0.1, rows.shape).astype(np.float32),
        files={}, split="by seed", licence="Apache-2.0", false_positives=0.05, epochs=5, batch=64,
    )  # fmt: skip


class _StoppedError(Exception):
    pass


def _weights(network: torch.nn.Module) -> dict[str, list[float]]:
    return {name: value.flatten().tolist() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("after", [1, 3])
def test_a_stopped_training_goes_on_to_the_very_same_weights(tmp_path: Path, after: int) -> None:
    straight, best = building.fit(_task(), 7, 5)
    seen: list[str] = []

    def stop(said: str) -> None:
        seen.append(said)
        if said.startswith(f"epoch {after + 1} "):  # in the middle of the next epoch's end: that epoch is lost
            raise _StoppedError

    with pytest.raises(_StoppedError):
        building.fit(_task(), 7, 5, stop, keep=tmp_path / "flow.training")
    told: list[str] = []
    resumed, again = building.fit(_task(), 7, 5, told.append, keep=tmp_path / "flow.training")
    assert told[0] == f"going on after epoch {after}"
    assert len(told) == 1 + 5 - after
    assert again == best
    assert _weights(resumed) == _weights(straight)


@pytest.mark.parametrize("damage", ["other plan", "other data", "cut", "rubbish"])
def test_the_state_of_another_training_is_not_taken(tmp_path: Path, damage: str) -> None:
    state = tmp_path / "flow.training"
    building.fit(_task(), 7, 2, keep=state)
    plan, seed = _task(), 7
    if damage == "other plan":
        seed = 8
    elif damage == "other data":
        plan = replace(plan, train=_sample(9))
    elif damage == "cut":
        state.write_bytes(state.read_bytes()[:-100])
    else:
        state.write_bytes(b"\x00" * 64)
    told: list[str] = []
    building.fit(plan, seed, 2, told.append, keep=state)
    assert told[0].startswith("epoch 1 of 2")


def test_a_finished_training_leaves_no_state_and_ships_cases_and_anchors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from soc_tui.analysis.prediction import NEAREST, Predictor

    monkeypatch.setattr(building, "task", lambda name, data, seed: _task())
    shares: list[float] = []
    card = building.train("flow", tmp_path, tmp_path / "out", epochs=10, bar=shares.append)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["flow.json", "flow.safetensors"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {case["class"] for case in card.cases} == {"benign", "scan"}
    assert all(case["text"] == "made row" for case in card.cases)
    assert set(card.metrics["validation"]["intervals"]) == {"precision", "recall", "f1", "fpr", "auroc"}
    assert 0 <= card.ece < 0.1
    model = Predictor.load(tmp_path / "out", "flow")
    assert model.anchors is not None
    assert model.anchors.risky.sum() == (~model.anchors.risky).sum() or len(model.anchors.risky) < 1024
    assert NEAREST == "nearest known case"
