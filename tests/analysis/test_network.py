from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis import network as networks
from soc_tui.analysis.encoding import inference
from soc_tui.analysis.network import NetworkConfig, RiskNetwork
from soc_tui.core.errors import ModelError

GROUPS = NetworkConfig(kind="groups", classes=4, tokens=9, width=6, hidden=8)
CHARACTERS = NetworkConfig(kind="characters", classes=3, vocabulary=40, embedding=6, patch=4, hidden=8)


def _made(config: NetworkConfig) -> RiskNetwork:
    torch.manual_seed(3)
    return RiskNetwork(config).eval()


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_every_switch_gives_the_same_shapes(bidirectional: bool, attention: bool, batch_norm: bool) -> None:
    config = NetworkConfig(
        kind="groups", classes=4, tokens=9, width=6, hidden=8,
        bidirectional=bidirectional, attention=attention, batch_norm=batch_norm,
    )  # fmt: skip
    logits, weights = _made(config)(torch.randn(5, 9, 6))
    assert logits.shape == (5, 4)
    assert weights.shape == (5, 9)
    torch.testing.assert_close(weights.sum(1), torch.ones(5))
    if not attention:
        torch.testing.assert_close(weights, torch.full((5, 9), 1 / 9))


def test_dnn_hidden_layer_is_half_of_inputs_and_outputs() -> None:
    first = _made(GROUPS).dnn[0]
    assert isinstance(first, torch.nn.Linear)
    assert (first.in_features, first.out_features) == (16, (16 + 4) // 2)


def test_attention_is_equation_6() -> None:
    net = _made(GROUPS)
    states = torch.randn(2, 9, 16)
    pooled, weights = net.attend(states, None)
    for row in range(2):
        keys, values = net.key(states[row]), net.value(states[row])
        expected = torch.softmax(net.query @ keys.T / 8**0.5, 0)
        torch.testing.assert_close(weights[row], expected)
        torch.testing.assert_close(pooled[row], expected @ values)


def test_lstm_is_equation_4() -> None:
    net = _made(NetworkConfig(kind="groups", classes=4, tokens=3, width=6, hidden=8, bidirectional=False))
    tokens = torch.randn(1, 3, 8)
    h, c = torch.zeros(8), torch.zeros(8)
    lstm = net.lstm
    for x in tokens[0]:
        gates = lstm.weight_ih_l0 @ x + lstm.bias_ih_l0 + lstm.weight_hh_l0 @ h + lstm.bias_hh_l0
        i, f, g, o = gates.chunk(4)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    torch.testing.assert_close(lstm(tokens)[0][0, -1], h)


def test_padding_gets_no_attention() -> None:
    ids = torch.zeros(1, 16, dtype=torch.long)
    ids[0, :5] = 7
    _, weights = _made(CHARACTERS)(ids)
    assert weights.shape == (1, 4)
    assert weights[0, 2:].abs().max() == 0


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
    outputs = inference.run(network, rows, batch_size=5)
    with torch.inference_mode():
        whole, _ = network.embed(*network.encode(torch.from_numpy(rows)))
    np.testing.assert_allclose(outputs.hidden, whole.numpy(), atol=2e-6)


def test_loss_counts_the_probability_of_all_allowed_classes() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0]])
    p = torch.softmax(logits, 1)
    allowed = torch.tensor([[False, True, True], [True, False, False]])
    expected = -(2 * torch.log(p[0, 1] + p[0, 2]) + torch.log(p[1, 0])) / 3
    torch.testing.assert_close(networks.allowed_loss(logits, allowed, torch.tensor([2.0, 1.0])), expected)


def test_attributions_add_up_to_the_log_odds_gained() -> None:
    net = _made(GROUPS)
    rows = np.random.default_rng(1).normal(size=(6, 9, 6)).astype(np.float32)
    parts = inference.attributions(net, rows, steps=32)
    with torch.inference_mode():
        gained = networks.risk_log_odds(net(torch.from_numpy(rows))[0]) - networks.risk_log_odds(
            net(torch.zeros(1, 9, 6))[0]
        )
    np.testing.assert_allclose(parts.sum((1, 2)), gained.numpy(), atol=0.02)


def test_attributions_of_padding_are_zero() -> None:
    rows = np.zeros((2, 128), np.uint8)
    rows[0, :20], rows[1, :3] = 9, 11
    parts = inference.attributions(_made(CHARACTERS), rows)
    assert parts.shape == (2, 128)
    assert np.abs(parts[0, :20]).sum() > 0
    assert np.abs(parts[0, 20:]).max() == 0
    assert np.abs(parts[1, 3:]).max() == 0


def test_weights_survive_a_round_trip(tmp_path: Path) -> None:
    net = _made(CHARACTERS)
    networks.save(net, tmp_path / "w.safetensors")
    again, extras = networks.load(networks.architecture(CHARACTERS), tmp_path / "w.safetensors")
    assert extras == {}
    rows = np.full((1, 128), 5, np.uint8)
    np.testing.assert_array_equal(inference.probabilities(net, rows), inference.probabilities(again, rows))


@pytest.mark.parametrize("change", [{"hidden": 16}, {"tokens": 8}, {"attention_heads": 2}, {"classes": 9}])
def test_weights_of_another_shape_are_a_model_error(tmp_path: Path, change: dict[str, int]) -> None:
    networks.save(_made(GROUPS), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="do not fit the card"):
        networks.load({**networks.architecture(GROUPS), **change}, tmp_path / "w.safetensors")


def test_a_file_that_is_no_safetensors_is_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ModelError):
        networks.load(networks.architecture(GROUPS), tmp_path / "w.safetensors")


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
    torch.manual_seed(3)
    net = RiskNetwork(NetworkConfig("groups", 3, tokens=7, width=4, hidden=8, shared=True)).eval()
    rows = np.random.default_rng(3).integers(1, 64, (70, 7, 4)).astype(np.float32) / 64
    rows[::3, 5:] = 0  # padding
    events = [[(token, place) for place in range(4)] for token in range(7)]
    expected = inference.occlusions(net, rows, events, np.zeros((7, 4), np.float32))
    np.testing.assert_allclose(inference.removals(net, rows, 7), expected, atol=1e-4)
    some = inference.removals(net, rows, 2)
    assert ((some != 0).sum((1, 2)) <= 2).all()
    np.testing.assert_allclose(some[some != 0], expected[some != 0], atol=1e-4)
