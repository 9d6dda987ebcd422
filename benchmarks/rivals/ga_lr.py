"""GA-LR: a genetic algorithm chooses features, logistic regression judges each choice.

Source: C. Khammassi, S. Krichen, "A GA-LR wrapper approach for feature selection in network intrusion detection",
Computers & Security 70, 2017, 255-277.

As in the paper: a wrapper. A chromosome is one bit a feature; its fitness rewards the accuracy of a logistic regression on
the chosen features and, by a small share, few features; the best chromosome is the subset. The paper then classifies with
decision trees on that subset: the setting ``classifier="tree"`` (entropy, as C4.5). The tables that cite the method, and its
name, use logistic regression: the default.

Decided: tournaments of three, uniform crossover, two elites, two expected flips a chromosome; accuracy is balanced over
benign and risky rows; candidates learn from a seeded subsample of the training rows and are judged on another, which keeps
the search within seconds, then the winner learns from all rows. Rows are standardised as for the plain
logistic regression. One gene is one encoded column, so single values of a one-hot field can be dropped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from benchmarks.rivals import Labels, Rows
from benchmarks.rivals.base import Probabilistic
from benchmarks.rivals.scaling import Standard

GRID: list[dict[str, Any]] = [
    {},
    {"few": 0.1},
    {"c": 0.01},
    {"classifier": "tree"},
]
Bits = NDArray[np.bool_]
TOURNAMENT = 3
ELITE = 2


class GaLr(Probabilistic):
    """Genetic feature selection wrapped around logistic regression.

    Args:
        population: chromosomes a generation.
        generations: how often the population is replaced.
        sample: training rows that candidates learn from, and as many others that judge them.
        few: share of the fitness that rewards few features; the rest is balanced accuracy.
        c: inverse strength of the L2 penalty.
        classifier: what learns from the chosen features at the end, ``logistic`` or ``tree``.
    """

    def __init__(
        self,
        population: int = 24,
        generations: int = 20,
        sample: int = 3000,
        few: float = 0.02,
        c: float = 1.0,
        classifier: str = "logistic",
    ) -> None:
        super().__init__()
        if classifier not in ("logistic", "tree"):
            raise ValueError(f"classifier is logistic or tree, not {classifier}")
        self._population, self._generations, self._sample = population, generations, sample
        self._few, self._c, self._classifier = few, c, classifier
        self.selected: Bits = np.empty(0, bool)
        """(F,) the features of the best chromosome."""
        self.best: list[float] = []
        """Fitness of the best chromosome of each generation; elites make it non-decreasing."""

    def _fit(self, rows: Rows, targets: Labels, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._scale = Standard().fit(rows)
        rows = self._scale.transform(rows)
        self.selected = self._search(rows, targets > 0, rng)
        self._final: LogisticRegression | DecisionTreeClassifier
        if self._classifier == "tree":
            self._final = DecisionTreeClassifier(criterion="entropy", min_samples_leaf=2, random_state=seed)
        else:
            self._final = LogisticRegression(C=self._c, tol=1e-3, max_iter=200, random_state=seed)
        self._final.fit(rows[:, self.selected], targets)

    def _probabilities(self, rows: Rows) -> NDArray[np.float64]:
        return np.asarray(self._final.predict_proba(self._scale.transform(rows)[:, self.selected]))

    def _search(self, rows: Rows, risky: Bits, rng: np.random.Generator) -> Bits:
        """The best chromosome (F,) of the last generation."""
        width = rows.shape[1]
        learn, judge = self._halves(risky, rng)
        known: dict[bytes, float] = {}

        def fitness(bits: Bits) -> float:
            key = np.packbits(bits).tobytes()
            if key not in known:
                line = LogisticRegression(C=self._c, tol=1e-2, max_iter=50)
                line.fit(rows[np.ix_(learn, bits)], risky[learn])
                right = line.predict(rows[np.ix_(judge, bits)]) == risky[judge]
                accuracy = (right[risky[judge]].mean() + right[~risky[judge]].mean()) / 2
                known[key] = float((1 - self._few) * accuracy + self._few * (1 - bits.mean()))
            return known[key]

        people = _alive(rng.random((self._population, width)) < 0.5, rng)  # (P, F)
        fit = np.array([fitness(bits) for bits in people])  # (P,)
        self.best = [float(fit.max())]
        for _ in range(self._generations):
            elite = people[np.argsort(-fit, kind="stable")[:ELITE]]  # (ELITE, F)
            mothers, fathers = people[self._winners(fit, rng)], people[self._winners(fit, rng)]
            children = np.where(rng.random(mothers.shape) < 0.5, mothers, fathers)  # (P - ELITE, F)
            children ^= rng.random(children.shape) < 2 / width
            people = np.concatenate([elite, _alive(children, rng)])
            fit = np.array([fitness(bits) for bits in people])
            self.best.append(float(fit.max()))
        best: Bits = people[int(fit.argmax())]
        return best

    def _halves(self, risky: Bits, rng: np.random.Generator) -> tuple[Labels, Labels]:
        """Two seeded subsamples that share no row where there are enough; each holds benign and risky rows."""
        learn, judge = [], []
        for rows in (np.flatnonzero(risky), np.flatnonzero(~risky)):
            share = max(1, min(len(rows) // 2, round(self._sample * len(rows) / len(risky))))
            mixed = rng.permutation(rows)
            learn.append(mixed[:share])
            judge.append(mixed[-share:])
        return np.concatenate(learn), np.concatenate(judge)

    def _winners(self, fit: NDArray[np.float64], rng: np.random.Generator) -> Labels:
        """One parent for each child: the fittest of a few drawn at random."""
        drawn = rng.integers(len(fit), size=(self._population - ELITE, TOURNAMENT))
        winners: Labels = drawn[np.arange(len(drawn)), fit[drawn].argmax(1)]
        return winners


def _alive(people: Bits, rng: np.random.Generator) -> Bits:
    """A chromosome without any feature cannot be judged: it gets one."""
    empty = np.flatnonzero(~people.any(1))
    people[empty, rng.integers(people.shape[1], size=len(empty))] = True
    return people
