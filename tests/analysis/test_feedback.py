from __future__ import annotations

import numpy as np
import pytest

from soc_tui.analysis import feedback
from soc_tui.analysis.feedback import Anchors


@pytest.fixture
def anchors() -> Anchors:
    rng = np.random.default_rng(4)
    risky = np.arange(1000) >= 500
    hidden = rng.normal(size=(1000, 12)).astype(np.float32) + 1.2 * risky[:, None]
    odds = (hidden.sum(1) - 7.0) * 1.5
    return Anchors(hidden, odds.astype(np.float64), risky)


def _found(anchors: Anchors, head: feedback.Head | None = None) -> float:
    odds = anchors.log_odds if head is None else head.log_odds(anchors.log_odds, anchors.hidden)
    return float((odds[anchors.risky] >= 0).mean())


def test_marks_of_a_local_oddity_are_learned(anchors: Anchors) -> None:
    # a corner that the anchors do not know: a house's own software that looks like an attack
    odd = np.zeros((30, 12), np.float32)
    odd[:, 0], odd[:, 1] = 14.0, -6.0
    raw = np.full(30, 2.0)
    learned = feedback.learn(odd, raw, np.zeros(30, bool), anchors, 0.0)
    assert learned.head.log_odds(raw, odd).max() < 0
    assert learned.recall_lost <= feedback.MOST_RECALL_LOST
    assert _found(anchors, learned.head) >= _found(anchors) - 0.01


@pytest.mark.parametrize("seed", range(5))
def test_200_bought_marks_cost_at_most_a_point_of_recall(anchors: Anchors, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bought = rng.normal(size=(200, 12)).astype(np.float32) + 1.2  # exactly what attacks look like
    raw = ((bought.sum(1) - 7.0) * 1.5).astype(np.float64)
    learned = feedback.learn(bought, raw, np.zeros(200, bool), anchors, 0.0)
    assert learned.recall_lost_whole > 0.01  # followed whole they would have cost more
    assert learned.share < 1
    assert _found(anchors) - _found(anchors, learned.head) <= feedback.MOST_RECALL_LOST + 1e-9
    # not only on the anchors: fresh attacks of the same kind
    fresh = rng.normal(size=(5000, 12)).astype(np.float32) + 1.2
    odds = (fresh.sum(1) - 7.0) * 1.5
    lost = (odds >= 0).mean() - (learned.head.log_odds(odds, fresh) >= 0).mean()
    assert lost <= 0.01


def test_an_admin_may_approve_more(anchors: Anchors) -> None:
    rng = np.random.default_rng(0)
    bought = rng.normal(size=(200, 12)).astype(np.float32) + 1.2
    raw = ((bought.sum(1) - 7.0) * 1.5).astype(np.float64)
    learned = feedback.learn(bought, raw, np.zeros(200, bool), anchors, 0.0, approved=True)
    assert learned.share == 1
    assert learned.recall_lost == learned.recall_lost_whole > 0.01


def test_marks_cannot_flood_the_analyst_either(anchors: Anchors) -> None:
    ordinary = np.random.default_rng(1).normal(size=(200, 12)).astype(np.float32)
    raw = ((ordinary.sum(1) - 7.0) * 1.5).astype(np.float64)
    learned = feedback.learn(ordinary, raw, np.ones(200, bool), anchors, 0.0)
    assert learned.false_gained <= feedback.MOST_FALSE_GAINED


def test_marks_that_agree_with_the_network_change_little(anchors: Anchors) -> None:
    chosen = np.flatnonzero(anchors.risky & (anchors.log_odds > 8))[:50]
    learned = feedback.learn(anchors.hidden[chosen], anchors.log_odds[chosen], np.ones(len(chosen), bool), anchors, 0.0)
    change = learned.head.log_odds(anchors.log_odds, anchors.hidden) - anchors.log_odds
    assert np.abs(change).max() < 0.1
