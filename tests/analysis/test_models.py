"""The shipped networks: their cards tell the truth, and what they promise holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from soc_tui.analysis import building
from soc_tui.analysis.card import checked_weights, read_card, sha256
from soc_tui.analysis.prediction import Predictor
from soc_tui.core.resources import resource_dir

MODELS = resource_dir("models")
NAMES = ("flow", "query")


@pytest.mark.parametrize("name", NAMES)
def test_card_and_weights_belong_together(name: str) -> None:
    card = read_card(MODELS, name)
    weights = checked_weights(MODELS, card)
    assert weights.stat().st_size < 2_000_000
    network = Predictor.load(MODELS, name).network
    observed = ("running_mean", "running_var", "num_batches_tracked", "rarity")  # not learned
    assert sum(value.size for key, value in network.tensors.items() if not key.endswith(observed)) == card.parameters
    assert len(card.classes) == network.config.classes
    assert card.classes[0] == "benign"


@pytest.mark.parametrize("name", NAMES)
def test_card_says_what_one_must_know(name: str) -> None:
    card = read_card(MODELS, name)
    assert building.LOWEST_THRESHOLD <= card.threshold < 1
    assert "validation" in card.threshold_source
    assert card.licence.startswith("Apache-2.0")
    assert card.notes
    roles = {entry["role"] for entry in card.data.values()}
    assert roles == {"train", "validation", "test"}
    assert all(len(entry["sha256"]) == 64 for entry in card.data.values())
    assert "validation" in card.metrics
    for figures in card.metrics.values():
        assert set(figures) == {"rows", "positives", "precision", "recall", "f1", "fpr", "auroc", "intervals"}


@pytest.mark.parametrize("name", NAMES)
def test_no_file_is_in_two_roles(name: str) -> None:
    card = read_card(MODELS, name)
    digests = [entry["sha256"] for entry in card.data.values()]
    assert len(digests) == len(set(digests))


@pytest.mark.parametrize("name", NAMES)
def test_card_names_the_data_that_are_there(shared_data: Path, name: str) -> None:
    card = read_card(MODELS, name)
    for file, entry in list(card.data.items())[::7]:
        assert sha256(shared_data / file) == entry["sha256"]


def test_cards_are_plain_sorted_json() -> None:
    for path in MODELS.glob("*.json"):
        text = path.read_text()
        assert json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n" == text
