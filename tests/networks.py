"""Networks of every shape with weights of their own, for the tests that hold torch, ONNX and numpy together."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray

from soc_tui.analysis.architecture import NetworkConfig
from soc_tui.analysis.network import CharacterTokens, RiskNetwork

_SWITCHES = ("bidirectional", "attention", "batch_norm", "max_pool", "dense")
switches = st.fixed_dictionaries({name: st.booleans() for name in _SWITCHES} | {"layers": st.integers(1, 2)})
groups = st.builds(
    lambda switched, shared, skip, recurrent: NetworkConfig(
        "groups", 4, tokens=9, width=6, hidden=8, shared=shared, skip=skip, recurrent=recurrent, **switched
    ),
    switches, st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
characters = st.builds(
    lambda switched, patch, wide, counted: NetworkConfig(
        "characters", 3, vocabulary=40, embedding=6, patch=patch, hidden=8, wide=wide, counted=counted, **switched
    ),
    switches, st.sampled_from([2, 4, 8]), st.sampled_from([0, 8]), st.booleans(),
)  # fmt: skip


def made(config: NetworkConfig, seed: int) -> RiskNetwork:
    """A network in eval mode whose every tensor is random: what BatchNorm and the wide way have learned as well."""
    torch.manual_seed(seed)
    network = RiskNetwork(config).eval()
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, torch.nn.BatchNorm1d):
                assert part.running_mean is not None
                assert part.running_var is not None
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
        if isinstance(network.encode, CharacterTokens) and network.encode.wide is not None:
            network.encode.wide.weight.normal_()
            network.encode.wide.rarity.uniform_(1, 3)
            network.encode.wide.bias.fill_(0.3)
    return network


def rows(config: NetworkConfig, seed: int) -> NDArray[Any]:
    """Five rows that a network of this config reads, some with padding, one with a part that comes twice."""
    rng = np.random.default_rng(seed)
    if config.kind == "groups":
        found = rng.normal(size=(5, config.tokens, config.width)).astype(np.float32)
        found[2:, 6:] = 0
        return found
    ids = rng.integers(1, 60000 if config.wide else config.vocabulary, (5, 48)).astype(np.uint16)
    ids[1, 8:12] = ids[1, 0:4]
    ids[2:, 20:], ids[4, 3:] = 0, 0
    return ids
