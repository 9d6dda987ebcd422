"""Known cases: what a score is like, and the anchors that keep local learning honest. numpy only.

The weights file carries, beside the network, the last hidden layer's view of a few hundred examples: *cases*, which
have words to be shown beside an alert ("the nearest known case"), and *anchors*, a sample of the validation data on
which the local head (``feedback.py``) must not forget. They are numbers from which no record can be read back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CASES_PER_CLASS = 24
ANCHORS = 1024
"""Half of them attacks."""


def choose(
    hidden: NDArray[np.float32], group: NDArray[np.int64], per_group: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Places of examples that together stand for their groups: k-means++ seeding, the first of each by chance.

    Args:
        hidden: (n, M) view of the examples.
        group: (n,) their class; below 0 is left out.
        per_group: how many of each at most.
        rng: fixes the choice.
    """
    chosen: list[int] = []
    for one in np.unique(group[group >= 0]):
        places = rng.permutation(np.flatnonzero(group == one))[:4096]
        points = hidden[places].astype(np.float64)
        far = np.full(len(places), np.inf)
        at = 0
        for _ in range(min(per_group, len(places))):
            chosen.append(int(places[at]))
            far = np.minimum(far, ((points - points[at]) ** 2).sum(1))
            if far.max() <= 0:
                break
            at = int(rng.choice(len(places), p=far / far.sum()))
    return np.array(sorted(chosen), np.int64)


def nearest(hidden: NDArray[np.float32], cases: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest case of each row and how alike they are, 1 for the same and 0 for nothing in common (cosine).

    Args:
        hidden: (n, M).
        cases: (K, M), K > 0.
    """
    alike = _unit(hidden) @ _unit(cases).T  # (n, K)
    place = alike.argmax(1)
    return place, np.clip(alike[np.arange(len(place)), place], 0.0, 1.0)


def _unit(points: NDArray[Any]) -> NDArray[np.float64]:
    wide = points.astype(np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12), np.float64)
