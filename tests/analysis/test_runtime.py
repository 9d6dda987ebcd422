"""A network at work says what the network says that learned."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis import network as networks
from soc_tui.analysis import runtime
from soc_tui.analysis.architecture import NetworkConfig, as_json, shapes
from soc_tui.analysis.encoding import inference
from soc_tui.core.errors import ModelError
from tests.networks import characters, groups, made, rows

GROUPS = NetworkConfig(kind="groups", classes=4, tokens=9, width=6, hidden=8)
CHARACTERS = NetworkConfig(kind="characters", classes=3, vocabulary=40, embedding=6, patch=4, hidden=8)
ANY = st.one_of(groups, characters)


@settings(max_examples=150, deadline=None)
@given(config=ANY, seed=st.integers(0, 999))
def test_every_switch_says_the_same_as_torch(config: NetworkConfig, seed: int) -> None:
    network, read = made(config, seed), rows(config, seed)
    with torch.inference_mode():
        seen, _ = network.embed(*network.encode(networks.tensor(read)))
        logits = network.last(seen)
    working = network.at_work()
    np.testing.assert_allclose(working.hidden(read), seen.numpy(), atol=2e-6, rtol=2e-5)
    np.testing.assert_allclose(working.logits(working.hidden(read)), logits.numpy(), atol=5e-6, rtol=2e-5)


@settings(max_examples=100, deadline=None)
@given(config=ANY)
def test_the_tensors_of_a_config_are_those_of_its_network(config: NetworkConfig) -> None:
    assert {name: tuple(value.shape) for name, value in made(config, 1).state_dict().items()} == shapes(config)


def test_what_it_says_is_a_chance_of_each_class() -> None:
    working = made(GROUPS, 1).at_work()
    found = inference.run(working, rows(GROUPS, 1))
    np.testing.assert_allclose(found.probabilities.sum(1), 1, atol=1e-6)
    risk = found.probabilities[:, 1:].sum(1)
    np.testing.assert_allclose(found.log_odds, np.log(risk / found.probabilities[:, 0]), atol=1e-4)
    nothing = inference.run(working, np.zeros((0, 9, 6), np.float32))
    assert nothing.probabilities.shape == (0, 4)
    assert nothing.hidden.shape == (0, working.last_weight.shape[1])


def test_a_network_that_learns_on_does_not_change_one_at_work() -> None:
    network, read = made(GROUPS, 1), rows(GROUPS, 1)
    working = network.at_work()
    before = working.hidden(read)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(working.hidden(read), before)
    np.testing.assert_array_equal(working.last_weight, working.tensors["dnn.4.weight"])
    assert np.abs(working.last_weight).sum() > 0


def test_several_threads_may_ask_at_once() -> None:
    working = made(CHARACTERS, 1).at_work(threads=2)
    read = [np.random.default_rng(seed).integers(1, 40, (64, 128)).astype(np.uint8) for seed in range(16)]
    alone = [working.hidden(one) for one in read]
    with ThreadPoolExecutor(8) as pool:
        for found, expected in zip(pool.map(working.hidden, read), alone, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("config", [GROUPS, CHARACTERS])
def test_weights_survive_a_round_trip(tmp_path: Path, config: NetworkConfig) -> None:
    network = made(config, 1)
    networks.save(network, tmp_path / "w.safetensors", {"cases": torch.ones(2, 3)})
    again, extras = runtime.load(as_json(config), tmp_path / "w.safetensors")
    np.testing.assert_array_equal(extras.pop("cases"), np.ones((2, 3), np.float32))
    assert extras == {}
    read = rows(config, 2)
    np.testing.assert_array_equal(again.hidden(read), network.at_work().hidden(read))


@pytest.mark.parametrize(
    "change", [{"hidden": 16}, {"tokens": 8}, {"attention_heads": 2}, {"classes": 9}, {"skip": True}, {"dense": False}]
)
def test_weights_of_another_shape_are_a_model_error(tmp_path: Path, change: dict[str, Any]) -> None:
    networks.save(made(GROUPS, 1), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="do not fit the card"):
        runtime.load({**as_json(GROUPS), **change}, tmp_path / "w.safetensors")


def test_a_file_that_is_no_safetensors_is_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ModelError):
        runtime.load(as_json(GROUPS), tmp_path / "w.safetensors")


def test_scoring_and_explaining_need_no_torch() -> None:
    code = (
        "import sys; from soc_tui.analysis.prediction import score_values; "
        "found = score_values('query', [\"1' OR 1=1 -- \"]); "
        "sys.exit('torch' in sys.modules or found[0]['verdict'] != 'attack' or not found[0]['explanation'])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
