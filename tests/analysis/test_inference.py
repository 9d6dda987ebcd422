"""Encoded rows through a network at work, and what each of their inputs did to a score."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis.architecture import NetworkConfig
from soc_tui.analysis.encoding import inference
from soc_tui.analysis.network import RiskNetwork
from soc_tui.analysis.runtime import Runtime

GROUPS = NetworkConfig(kind="groups", classes=4, tokens=9, width=6, hidden=8)
CHARACTERS = NetworkConfig(kind="characters", classes=3, vocabulary=40, embedding=6, patch=4, hidden=8)


def _made(config: NetworkConfig, seed: int = 3) -> Runtime:
    torch.manual_seed(seed)
    return RiskNetwork(config).eval().at_work()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 128), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
def test_a_score_does_not_depend_on_its_neighbours(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.zeros((len(lengths), 128), np.uint8)
    for row, length in zip(rows, lengths, strict=True):
        row[:length] = rng.integers(1, 40, length)
    net = _made(CHARACTERS)
    together = inference.probabilities(net, rows, batch_size=4)
    alone = np.concatenate([inference.probabilities(net, rows[i : i + 1]) for i in range(len(rows))])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("attention", [True, False])
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(0, 64), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_padding_that_is_left_out_changes_nothing(
    bidirectional: bool, attention: bool, lengths: list[int], seed: int
) -> None:
    config = NetworkConfig(
        kind="groups", classes=3, tokens=64, width=5, hidden=8, shared=True, bidirectional=bidirectional,
        attention=attention,
    )  # fmt: skip
    torch.manual_seed(seed)
    network = RiskNetwork(config).eval()
    rows = np.zeros((len(lengths), 64, 5), np.float32)
    for row, length in enumerate(lengths):
        rows[row, :length] = np.random.default_rng(seed + row).random((length, 5)).round(1)
        rows[row, : length // 3] = 0  # what is blanked for an explanation lies in front of the last event
    outputs = inference.run(network.at_work(), rows, batch_size=5)
    with torch.inference_mode():
        whole, _ = network.embed(*network.encode(torch.from_numpy(rows)))
    np.testing.assert_allclose(outputs.hidden, whole.numpy(), atol=2e-6)


def test_attributions_add_up_to_the_log_odds_gained() -> None:
    net = _made(GROUPS)
    rows = np.random.default_rng(1).normal(size=(6, 9, 6)).astype(np.float32)
    parts = inference.attributions(net, rows, steps=32)
    gained = inference.run(net, rows).log_odds - inference.run(net, np.zeros((1, 9, 6), np.float32)).log_odds
    np.testing.assert_allclose(parts.sum((1, 2)), gained, atol=0.02)


def test_attributions_of_padding_are_zero() -> None:
    rows = np.zeros((2, 128), np.uint8)
    rows[0, :20], rows[1, :3] = 9, 11
    parts = inference.attributions(_made(CHARACTERS), rows)
    assert parts.shape == (2, 128)
    assert np.abs(parts[0, :20]).sum() > 0
    assert np.abs(parts[0, 20:]).max() == 0
    assert np.abs(parts[1, 3:]).max() == 0


def test_a_run_that_matters_gains_by_being_taken_out() -> None:
    net = _made(CHARACTERS)
    rows = np.zeros((3, 64), np.uint8)
    rows[0, :40] = np.arange(40) % 9 + 1
    rows[1, :1] = 3  # nothing can be taken out of one id
    weights = inference.attributions(net, rows)
    found = inference.checked(net, rows, weights)
    assert found.shape == weights.shape
    assert np.isfinite(found).all()
    assert (found[1:] == [[w / 2 for w in row] for row in weights[1:].tolist()]).all()
    assert (found[:, 40:] == 0).all()
    best = int(np.convolve(weights[0, :40], np.ones(5), "valid")[::2].argmax()) * 2
    without = np.zeros_like(rows[:1])
    without[0, :35] = np.delete(rows[0, :40], np.arange(best, best + 5))
    lost = float((inference.run(net, rows[:1]).log_odds - inference.run(net, without).log_odds)[0])
    tried = 2 * found[0] - weights[0]
    assert tried[best : best + 5].sum() != 0
    assert abs(lost) > 0


def test_removals_of_every_event_are_its_occlusions() -> None:
    net = _made(NetworkConfig("groups", 3, tokens=7, width=4, hidden=8, shared=True))
    rows = np.random.default_rng(3).integers(1, 64, (70, 7, 4)).astype(np.float32) / 64
    rows[::3, 5:] = 0  # padding
    events = [[(token, place) for place in range(4)] for token in range(7)]
    expected = inference.occlusions(net, rows, events, np.zeros((7, 4), np.float32))
    np.testing.assert_allclose(inference.removals(net, rows, 7), expected, atol=1e-4)
    some = inference.removals(net, rows, 2)
    assert ((some != 0).sum((1, 2)) <= 2).all()
    np.testing.assert_allclose(some[some != 0], expected[some != 0], atol=1e-4)
