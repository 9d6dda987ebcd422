"""What a workspace learns from its analysts' marks: a small head beside the network, held by anchors. numpy only.

The network itself never changes. The head adds a linear function of the last hidden layer to the log odds; it is fitted
on the marks together with the shipped anchors, on which it must stay what it was. Marks can be bought: an attacker who
makes an analyst close 200 alerts as false teaches the head that his attack is benign. So the head is scaled back until
the recall falls by at most ``MOST_RECALL_LOST``; more than that takes an admin's approval. What it costs is measured on
anchors that did not take part in the fit (each half judges a head that was fitted with the other). As they are few, and
an attacker may know them, what may stand behind their count must keep half the limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.calibration import probability

MOST_RECALL_LOST = 0.01
"""Share of the attacks that marks alone may cost."""
MOST_FALSE_GAINED = 0.01
"""Share of what is benign that marks alone may turn into alarms."""
_SURE = 1.28
"""Standard deviations above a count: nine times in ten the truth is below (one-sided)."""
_RESERVE = 0.5
"""Share of both limits that the anchors may use up: marks are chosen, not drawn."""
_TAKEN = 0.75
"""Share of what the anchors allow that is taken: where the first falls, some of those behind it have fallen."""
_RIDGE = 1.0
_MARK_WEIGHT = 1.0
"""How much one mark counts against one anchor."""


@dataclass(frozen=True)
class Anchors:
    """A sample of the validation data as the last hidden layer sees it; ships with the weights."""

    hidden: NDArray[np.float32]
    """(A, M)."""
    log_odds: NDArray[np.float64]
    """(A,): the network's own."""
    risky: NDArray[np.bool_]
    """(A,)."""

    def where(self, places: slice) -> Anchors:
        """Some of them."""
        return Anchors(self.hidden[places], self.log_odds[places], self.risky[places])


@dataclass(frozen=True)
class Head:
    """A linear correction of the log odds: ``weights @ hidden + bias``."""

    weights: NDArray[np.float64]
    """(M,)."""
    bias: float

    def log_odds(self, raw: NDArray[Any], hidden: NDArray[Any]) -> NDArray[np.float64]:
        """Corrected log odds (n,) of rows with the network's own (n,) and hidden views (n, M)."""
        return np.asarray(raw, np.float64) + hidden.astype(np.float64) @ self.weights + self.bias

    def scaled(self, share: float) -> Head:
        """The same correction, weaker."""
        return Head(self.weights * share, self.bias * share)


@dataclass(frozen=True)
class Learned:
    """A fitted head and what it costs."""

    head: Head
    share: float
    """1.0: the marks are followed whole; less: held back by the anchors."""
    recall_lost: float
    """Share of found anchor attacks that are no longer found."""
    recall_lost_whole: float
    """... if the marks were followed whole: what an approval would accept."""
    false_gained: float
    """Share of benign anchors that become alarms."""


def learn(
    hidden: NDArray[Any], raw: NDArray[Any], risky: NDArray[np.bool_], anchors: Anchors, threshold: float, *,
    approved: bool = False,
) -> Learned:  # fmt: skip
    """Fit the head on marks and anchors.

    Args:
        hidden: (n, M) views of the marked examples.
        raw: (n,) the network's own log odds of them.
        risky: (n,) True: marked as a true positive; False: as a false one.
        anchors: what must not be forgotten.
        threshold: on the network's own log odds, what makes an alarm.
        approved: an admin has agreed to lose more recall than marks alone may cost.
    """
    whole = _fit(hidden, raw, risky, anchors)
    parts = [anchors.where(slice(begin, None, 2)) for begin in (0, 1)]
    judged = [(_fit(hidden, raw, risky, fitted), held) for fitted, held in (parts, parts[::-1])] + [(whole, anchors)]
    share = 1.0
    if not approved and not _allowed(judged, threshold, share):
        low, high = 0.0, 1.0
        for _ in range(24):
            middle = (low + high) / 2
            low, high = (middle, high) if _allowed(judged, threshold, middle) else (low, middle)
        share = _TAKEN * low
    now, alarms = _cost(judged, threshold, share)
    return Learned(whole.scaled(share), round(share, 6), now, _cost(judged, threshold, 1.0)[0], alarms)


Judged = list[tuple[Head, Anchors]]
"""A head of each half of the anchors with the other half, and the head of all with all."""


def _allowed(judged: Judged, threshold: float, share: float) -> bool:
    """Whether a share of the marks' effect keeps both limits, by held-out anchors and by all."""
    for part in (judged[:-1], judged[-1:]):
        lost, found, gained, quiet = _counts(part, threshold, share)
        if lost and _upper(lost) > _RESERVE * MOST_RECALL_LOST * found:
            return False
        if gained and _upper(gained) > _RESERVE * MOST_FALSE_GAINED * quiet:
            return False
    return True


def _upper(count: int) -> float:
    """What a count of rare events may stand for (Poisson, normal approximation)."""
    return count + 1 + _SURE * math.sqrt(count + 1)


def _cost(judged: Judged, threshold: float, share: float) -> tuple[float, float]:
    """Share of found attacks that are lost, and of benign ones that alarm: on held-out anchors or on all, the worse."""
    rates = [
        (lost / max(found, 1), gained / max(quiet, 1))
        for lost, found, gained, quiet in (_counts(part, threshold, share) for part in (judged[:-1], judged[-1:]))
    ]
    return max(rate[0] for rate in rates), max(rate[1] for rate in rates)


def _counts(judged: Judged, threshold: float, share: float) -> tuple[int, int, int, int]:
    """Anchor attacks that are lost, of how many that were found; benign ones that alarm now, of how many quiet ones."""
    total = np.zeros(4, np.int64)
    for head, anchors in judged:
        before = anchors.log_odds >= threshold
        after = head.scaled(share).log_odds(anchors.log_odds, anchors.hidden) >= threshold
        found, quiet = anchors.risky & before, ~anchors.risky & ~before
        total += [(found & ~after).sum(), found.sum(), (quiet & after).sum(), quiet.sum()]
    lost, of_found, gained, of_quiet = total.tolist()
    return lost, of_found, gained, of_quiet


def _fit(hidden: NDArray[Any], raw: NDArray[Any], risky: NDArray[np.bool_], anchors: Anchors) -> Head:
    """Ridge logistic regression by Newton steps, the network's log odds as an offset."""
    x = np.concatenate([hidden, anchors.hidden]).astype(np.float64)
    x = np.concatenate([x, np.ones((len(x), 1))], 1)  # the bias
    offset = np.concatenate([raw, anchors.log_odds]).astype(np.float64)
    marked = np.asarray(risky, np.float64)
    # The target is the network's own opinion of the anchors, not their label: only the marks may teach something new.
    target = np.concatenate([marked, probability(anchors.log_odds)])
    weight = np.concatenate([np.full(len(marked), _MARK_WEIGHT), np.ones(len(anchors.log_odds))])
    at = np.zeros(x.shape[1])
    for _ in range(30):
        p = probability(offset + x @ at)
        slope = x.T @ (weight * (p - target)) + _RIDGE * at
        bend = (x * (weight * np.maximum(p * (1 - p), 1e-6))[:, None]).T @ x + _RIDGE * np.eye(len(at))
        step = np.linalg.solve(bend, slope)
        step *= min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        at = at - step
        if float(np.abs(step).max()) < 1e-8:
            break
    return Head(at[:-1], float(at[-1]))
