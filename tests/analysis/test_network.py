from __future__ import annotations

import pytest
import torch

from soc_tui.analysis import network as networks
from soc_tui.analysis.architecture import NetworkConfig
from soc_tui.analysis.network import RiskNetwork

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


def test_loss_counts_the_probability_of_all_allowed_classes() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 0.0]])
    p = torch.softmax(logits, 1)
    allowed = torch.tensor([[False, True, True], [True, False, False]])
    expected = -(2 * torch.log(p[0, 1] + p[0, 2]) + torch.log(p[1, 0])) / 3
    torch.testing.assert_close(networks.allowed_loss(logits, allowed, torch.tensor([2.0, 1.0])), expected)
