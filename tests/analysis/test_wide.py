"""The wide way of a network: n-grams that speak for themselves, fitted alone, named in explanations."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from soc_tui.analysis import building
from soc_tui.analysis.architecture import NetworkConfig
from soc_tui.analysis.encoding import inference
from soc_tui.analysis.figures import auroc
from soc_tui.analysis.network import CharacterTokens, RiskNetwork, WideTokens, tensor
from soc_tui.analysis.wide import Wide, buckets

CONFIG = NetworkConfig("characters", 2, vocabulary=50, embedding=4, patch=2, hidden=8, max_pool=True, wide=12)


def made(count: int = 240) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Rows of ids; those that hold the pair 7 9 (but not 9 7) are risky."""
    rng = np.random.default_rng(2)
    rows = rng.integers(10, 60000, (count, 16)).astype(np.uint16)
    risky = np.arange(count) % 2 == 0
    place = rng.integers(0, 14, count)
    for row, at, bad in zip(rows, place, risky, strict=True):
        row[at : at + 2] = (7, 9) if bad else (9, 7)
    rows[:, 15:] = 0
    return rows, risky


def wide_of(network: RiskNetwork) -> WideTokens:
    assert isinstance(network.encode, CharacterTokens)
    assert isinstance(network.encode.wide, WideTokens)
    return network.encode.wide


def _wide(bits: int, weight: object, *, counted: bool = False) -> Wide:
    ones = np.ones(1 << bits, np.float32)
    return Wide(np.asarray(weight * ones, np.float32), ones, np.zeros(1, np.float32), counted)


def test_a_repeated_gram_counts_once_or_by_its_logarithm_and_order_matters() -> None:
    wide = _wide(14, np.arange(1 << 14) / 1000, counted=True)
    once, twice, turned = np.array([[5, 6, 0, 0]]), np.array([[5, 6, 5, 6]]), np.array([[6, 5, 0, 0]])
    assert buckets(once, 1 << 14, True)[1].sum() == 3  # two ids, one pair
    often = buckets(twice, 1 << 14, True)[1][0]  # 5, 6 and 5 6 twice, 6 5, 5 6 5 and 6 5 6 once
    assert np.allclose(sorted(often[often > 0].tolist()), [1, 1, 1, *[1 + np.log(2)] * 3])
    assert int(buckets(twice, 1 << 14, False)[1].sum()) == 6
    assert float(wide.total(once)[0, 0]) != float(wide.total(turned)[0, 0])


def test_a_row_counts_alike_whatever_stands_before_and_behind_it() -> None:
    rows = made()[0]
    together = buckets(rows, 1 << 14, True)
    for place in (0, 17, 239):
        alone = buckets(rows[place : place + 1], 1 << 14, True)
        np.testing.assert_array_equal(together[0][place], alone[0][0])
        np.testing.assert_array_equal(together[1][place], alone[1][0])


def test_padding_says_nothing() -> None:
    wide = _wide(14, 1.0)
    assert float(wide.total(np.zeros((1, 8), np.int64))[0, 0]) == 0.0
    assert float(wide.total(np.array([[3, 4]]))[0, 0]) == float(wide.total(np.array([[3, 4, 0, 0, 0, 0]]))[0, 0])


def test_positions_sum_to_the_whole() -> None:
    wide = _wide(12, np.random.default_rng(1).normal(size=1 << 12))
    ids = made()[0]
    np.testing.assert_allclose(wide.positions(ids).sum(1, keepdims=True), wide.total(ids), atol=1e-5)


def test_fitted_alone_it_tells_a_pair_from_its_reverse_and_training_leaves_it_as_it_is() -> None:
    rows, risky = made()
    wide = WideTokens(14)
    building.fit_wide(wide, rows[:160], risky[:160], np.ones(160, np.float32))
    odds = wide(tensor(rows[160:])).squeeze(1).numpy()
    assert auroc(odds, risky[160:]) > 0.97  # the pair and its triples; every other n-gram is new
    assert not wide.weight.requires_grad


def test_a_network_hears_it_in_use_and_not_while_learning() -> None:
    torch.manual_seed(3)
    network = RiskNetwork(CONFIG).eval()
    ids = tensor(made()[0][:8])
    before = network(ids)[0]
    with torch.no_grad():
        wide_of(network).weight.fill_(5.0)
    after = network(ids)[0]
    assert (after[:, 1] - after[:, 0] > before[:, 1] - before[:, 0]).all()
    network.train()
    assert float(network.encode(ids)[-1].abs().sum()) == 0.0


def test_attributions_hold_the_wide_part_exactly() -> None:
    torch.manual_seed(3)
    network = RiskNetwork(CONFIG).eval()
    rows = made()[0][:8]
    plain = inference.attributions(network.at_work(), rows)
    with torch.no_grad():
        wide_of(network).weight.copy_(torch.randn(4096, generator=torch.Generator().manual_seed(1)))
    ids = tensor(rows)
    gained = inference.attributions(network.at_work(), rows) - plain
    assert np.allclose(gained[:, :15].sum(1), wide_of(network)(ids).squeeze(1).numpy(), atol=1e-4)
    assert (inference.attributions(network.at_work(), rows)[rows == 0] == 0).all()


def test_long_rows_go_in_small_batches_to_the_same_scores() -> None:
    torch.manual_seed(3)
    working = RiskNetwork(CONFIG).eval().at_work()
    rows = np.random.default_rng(1).integers(1, 60000, (130, 2048)).astype(np.uint16)
    assert [part.stop - part.start for part in inference.batches(rows, 1024)][:1] == [4]
    whole = inference.run(working, rows).log_odds
    assert np.allclose(whole[[0, 129]], inference.run(working, rows[[0, 129]]).log_odds, atol=1e-5)
    assert np.isfinite(whole).all()
