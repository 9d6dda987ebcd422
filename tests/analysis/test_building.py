from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from soc_tui.analysis import building, calibration, figures
from soc_tui.analysis.architecture import NetworkConfig, as_json
from soc_tui.analysis.card import read_card
from soc_tui.analysis.corpora import attacks, flow_task, ordinary, query, sample, tables
from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.corpora.sample import Sample, Task
from soc_tui.analysis.encoding import flow
from soc_tui.analysis.prediction import Predictor
from soc_tui.core.errors import SourceError, UsageError


def _sample(seed: int, rows: int = 2000, shift: float = 1.5) -> Sample:
    rng = np.random.default_rng(seed)
    risky = rng.random(rows) < 0.3
    x = rng.normal(size=(rows, 4, 3)).astype(np.float32) + shift * risky[:, None, None]
    allowed = np.stack([~risky, risky, risky], 1)
    return Sample(x.astype(np.float32), np.arange(rows), allowed, np.full(rows, "made"))


def _task() -> Task:
    return Task(
        name="flow", classes=("benign", "a", "b"),
        architecture={"kind": "groups", "classes": 3, "tokens": 4, "width": 3, "hidden": 8},
        train=_sample(1), validation=_sample(2), tests={"other": _sample(3)}, augment=lambda rows, rng: rows,
        files={"train": {}, "validation": {}, "test": {}}, split="by seed", licence="Apache-2.0", false_positives=0.05, epochs=6,
    )  # fmt: skip


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    cards = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        network, epochs = building.fit(_task(), seed, 12)
        cards.append(building.write_card(_task(), network, tmp_path, tmp_path / name, seed, epochs))
    assert cards[0].weights_sha256 == cards[1].weights_sha256 != cards[2].weights_sha256
    assert cards[0].metrics["other"]["auroc"] > 0.95
    assert read_card(tmp_path / "a", "flow") == cards[0]
    assert Predictor.load(tmp_path / "a", "flow").threshold == cards[0].threshold


def test_training_stops_early_and_keeps_its_best_epoch() -> None:
    told: list[str] = []
    easy = _sample(2)
    turned = Sample(easy.rows, easy.owner, np.stack([easy.risky, ~easy.risky, ~easy.risky], 1), easy.origin)
    plan = replace(_task(), validation=turned)  # what it learns makes this validation worse
    _, best = building.fit(plan, 1, 60, told.append)
    assert len(told) < 60
    assert len(told) == best + 4
    losses = [float(line.rsplit(" ", 1)[1]) for line in told]
    assert losses[best - 1] == min(losses)


def test_the_threshold_keeps_the_promised_rate_on_validation() -> None:
    hard = _sample(5, rows=3000, shift=0.4)
    network, _ = building.fit(_task(), 1, 3)
    threshold = building.fix_threshold(network, hard, 0.05)
    raw, weight = building.log_odds(network, hard), building.balance(hard)
    score = calibration.probability(calibration.fit(raw, hard.risky, weight).log_odds(raw))
    assert (score[~hard.risky] >= threshold).mean() <= 0.05
    assert (score[~hard.risky] >= threshold - 0.02).mean() > 0.04


def test_balance_gives_both_sides_the_same_weight() -> None:
    both = sample.join([_sample(1), _sample(2, rows=40)])
    weight = building.balance(both)
    assert weight[both.risky].sum() == pytest.approx(weight[~both.risky].sum(), rel=1e-4)


def test_measure_counts_by_hand() -> None:
    score = np.array([0.9, 0.8, 0.4, 0.7, 0.1])
    risky = np.array([True, True, True, False, False])
    assert figures.measure(score, risky, 0.5) == {
        "rows": 5, "positives": 3, "precision": 0.66667, "recall": 0.66667, "f1": 0.66667, "fpr": 0.5, "auroc": 0.83333,
    }  # fmt: skip
    assert figures.measure(score[3:], risky[3:], 0.95) == {
        "rows": 2, "positives": 0, "precision": None, "recall": None, "f1": None, "fpr": 0.0, "auroc": None,
    }  # fmt: skip


def test_auroc_counts_ties_half() -> None:
    assert figures.auroc(np.array([0.5, 0.5]), np.array([True, False])) == 0.5


def test_a_sample_keeps_rows_with_their_examples() -> None:
    whole = Sample(
        np.arange(5, dtype=np.uint8)[:, None],
        np.array([0, 0, 1, 2, 2]),
        np.eye(3, 2, dtype=bool),
        np.array(["x", "y", "z"]),
    )
    part = whole.where(np.array([True, False, True]))
    assert part.rows[:, 0].tolist() == [0, 1, 3, 4]
    assert part.owner.tolist() == [0, 0, 1, 1]
    assert sample.join([part, part]).owner.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_unknown_models_and_missing_data_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no model"):
        building.train("nothing", tmp_path, tmp_path)
    with pytest.raises(SourceError):
        building.train("flow", tmp_path, tmp_path)
    with pytest.raises(SourceError):
        building.train("query", tmp_path, tmp_path)


def test_hidden_groups_are_marked_unknown() -> None:
    rows = np.full((4000, flow.TOKENS, flow.WIDTH), 0.5, np.float32)
    hidden = flow_task.hide_groups(rows, np.random.default_rng(1))
    token = list(flow.GROUPS).index("target")
    place = flow.GROUPS["target"].index(("dst_flows", "missing"))
    gone = hidden[:, token, 0] == 0
    assert 0.15 < gone.mean() < 0.21
    assert (hidden[gone, token, place] == 1).all()
    assert (rows == 0.5).all()


def test_labels_of_the_captures(shared_data: Path) -> None:
    counts = {}
    for name in ("001", "002", "008", "011", "zeroaccess"):
        part = captures.load(shared_data, (name,))
        counts[name] = (int(part.allowed[:, 0].sum()), int((~part.allowed[:, 0]).sum()))
    assert counts["008"] == (1402, 4201)
    assert counts["011"] == (4771, 3951)
    assert counts["001"][1] == 244
    assert counts["002"][0] == 0
    assert counts["zeroaccess"] == (131, 207)


def test_tables_map_to_classes(shared_data: Path) -> None:
    table, bits = tables.load_nsl(shared_data)
    assert table.num_rows == 125_973
    assert int((bits == captures.BENIGN).sum()) == 67_343
    assert flow.encode(table.slice(0, 50)).shape == (50, flow.TOKENS, flow.WIDTH)


def test_made_values_are_seeded_and_distinct() -> None:
    one, two = (attacks.made(500, np.random.default_rng(3)) for _ in range(2))
    assert one == two
    assert len(one) == 500
    values = ordinary.ordinary(500, np.random.default_rng(3))
    assert values == ordinary.ordinary(500, np.random.default_rng(3))
    assert len(set(values)) == 500
    assert not set(values) & set(one)


def test_noisy_lists_are_cleaned(shared_data: Path) -> None:
    found, sentences = query.websec(shared_data)
    assert "the weirdness in phishing messages can be lost in everyday email weirdness." not in found
    assert not any("$(" in s for s in sentences)
    assert not any(v.startswith("Exploit Description") for v in query.fuzzdb(shared_data))


def test_networks_of_a_card_can_be_rebuilt() -> None:
    config = NetworkConfig(**_task().architecture)
    assert NetworkConfig(**as_json(config)) == config
