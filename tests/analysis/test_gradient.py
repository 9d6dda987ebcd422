"""Gradients by numpy are those that torch finds."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis import gradient
from soc_tui.analysis import network as networks
from soc_tui.analysis.architecture import NetworkConfig
from tests.networks import characters, groups, made, rows


def log_odds(logits: torch.Tensor) -> torch.Tensor:
    """Of any risk class against class 0, summed over the rows."""
    return (torch.logsumexp(logits[:, 1:], 1) - logits[:, 0]).sum()


@settings(max_examples=150, deadline=None)
@given(config=groups, seed=st.integers(0, 999))
def test_by_the_numbers_of_groups(config: NetworkConfig, seed: int) -> None:
    network, read = made(config, seed), rows(config, seed)
    at = networks.tensor(read).requires_grad_()
    (expected,) = torch.autograd.grad(log_odds(network(at)[0]), at)
    found = gradient.of_groups(network.at_work(), read)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-3 * float(expected.abs().max()))


@settings(max_examples=150, deadline=None)
@given(config=characters, seed=st.integers(0, 999), share=st.sampled_from([0.25, 0.75, 1.0]))
def test_by_characters_and_by_the_wide_sum(config: NetworkConfig, seed: int, share: float) -> None:
    network, ids = made(config, seed), rows(config, seed)
    working, encode = network.at_work(), network.encode
    assert isinstance(encode, networks.CharacterTokens)
    embedded = (encode.embed(networks.tensor(ids)).detach() * share).requires_grad_()
    real = (networks.tensor(ids) != 0).view(len(ids), -1, config.patch).any(2)
    tokens = torch.tanh(encode.mix(embedded.transpose(1, 2))).transpose(1, 2) * real.unsqueeze(2)
    wide = None if working.wide is None else working.wide.total(ids)
    heard = None if wide is None else torch.from_numpy(wide).requires_grad_()
    wanted = [embedded] if heard is None else [embedded, heard]
    expected = torch.autograd.grad(log_odds(network.classify(tokens, real, heard)[0]), wanted)
    by_characters, by_wide = gradient.of_characters(
        working, gradient.embedded(working, ids) * np.float32(share), ids, wide
    )
    np.testing.assert_allclose(by_characters, expected[0].numpy(), atol=1e-3 * float(expected[0].abs().max()))
    if by_wide is not None:
        np.testing.assert_allclose(by_wide, expected[1].numpy(), atol=1e-4)
    else:
        assert len(expected) == 1
