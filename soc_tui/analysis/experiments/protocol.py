"""One rule for every method: same rows, same budget, threshold from training rows alone, figures with their spread.

The threshold of every method is the lowest that lets at most 1 % of the benign rows of a validation part of the
training rows through (captures have validation captures of their own); test rows have no say in it. Settings are chosen
from at most :data:`BUDGET` per method by a part of the training rows again: where the test holds attack types that
training does not know, whole attack types are kept out of the rows learnt from, and a setting counts by what it finds
of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.experiments.tables import DataSet, Part, stratified
from soc_tui.analysis.figures import intervals, measure

FALSE_POSITIVES = 0.01
"""Share of benign validation rows that a threshold may let through."""
MATCHED = (0.01, 0.05)
"""False-positive rates of the *test* at which recall is read off beside: it compares methods, it fixes nothing."""
VALIDATION = 0.2
"""Share of the training rows, each attack type alike, that methods do not learn from."""
BUDGET = 4
"""Settings of one method that may be tried."""
CHOICE_ROWS = 10_000
"""Rows of a trial of settings, and as many to judge it."""


class Method(Protocol):
    """What can be measured. The rivals of ``benchmarks/rivals`` and the network's variants alike."""

    def fit(
        self,
        rows: NDArray[np.float32],
        labels: NDArray[np.int64],
        validation: tuple[NDArray[np.float32], NDArray[np.int64]] | None,
        seed: int,
    ) -> Self:
        """Learn from rows (n, F) and class numbers (n,), 0 benign; all randomness by the seed."""
        ...

    def score(self, rows: NDArray[np.float32]) -> NDArray[Any]:
        """Risk (n,) in [0, 1]."""
        ...

    def classes(self, rows: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class number (n,).

        Raises:
            ValueError: the method knows none.
        """
        ...


Factory = Callable[[Mapping[str, Any]], Method]


@dataclass(frozen=True)
class Contender:
    """A method with the settings that may be tried; the first is its default."""

    name: str
    title: str
    make: Factory
    grid: Sequence[Mapping[str, Any]]
    classifies: bool = True


def split(part: Part, seed: int, share: float = VALIDATION) -> tuple[Part, Part]:
    """The rows to learn from and the validation part, each kind in both."""
    held = stratified(part.kinds, share, seed)
    return part.take(~held), part.take(held)


def threshold(benign: NDArray[Any], share: float = FALSE_POSITIVES) -> float:
    """The lowest threshold at which at most ``share`` of the benign scores are alarms (score >= threshold)."""
    falling = np.sort(np.asarray(benign, np.float64))[::-1]
    allowed = int(share * len(falling))
    return float(np.nextafter(falling[min(allowed, len(falling) - 1)], np.inf))


def recall_at(score: NDArray[Any], risky: NDArray[np.bool_], share: float) -> float:
    """Recall at the threshold at which ``share`` of *these* benign rows are alarms."""
    return float((score[risky] >= threshold(score[~risky], share)).mean())


def figures(score: NDArray[Any], part: Part, limit: float, known: frozenset[str]) -> dict[str, Any]:
    """Everything that is said of one method on one test: rates, intervals, matched rates, recall on unseen types."""
    score = np.asarray(score, np.float64)
    risky = part.risky
    unseen = risky & ~np.isin(part.kinds, sorted(known))
    found = measure(score, risky, limit) | {"intervals": intervals(score, risky, limit)}
    share = float(risky.mean())
    for rate in MATCHED:
        recall = recall_at(score, risky, rate)
        precision = recall * share / (recall * share + rate * (1 - share)) if recall else 0.0
        f1 = 2 * precision * recall / (precision + recall) if recall else 0.0
        found[f"at {rate:.0%}"] = {"precision": precision, "recall": recall, "f1": f1}
    hit = score >= limit
    return found | {
        "unseen": int(unseen.sum()),
        "recall_unseen": float(hit[unseen].mean()) if unseen.any() else None,
        "recall_seen": float(hit[risky & ~unseen].mean()) if (risky & ~unseen).any() else None,
    }


def class_figures(said: NDArray[np.int64], part: Part, names: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro F1 over the classes that the test holds, and each class's F1."""
    each: dict[str, float] = {}
    for number, name in enumerate(names):
        mine, told = part.labels == number, said == number
        if mine.any():
            each[name] = float(2 * (mine & told).sum() / (mine.sum() + told.sum()))
    return {
        "accuracy": float((said == part.labels).mean()),
        "macro_f1": float(np.mean(list(each.values()))),
        "f1": each,
    }


def choose(contender: Contender, data: DataSet, seed: int, held: Sequence[str]) -> tuple[dict[str, Any], list[Any]]:
    """The setting of a method that the training rows favour.

    Args:
        contender: the method.
        data: its training part alone is used.
        seed: of the rows drawn and of the method.
        held: attack types kept out of what the method learns from; none, and it is judged on known ones.

    Returns:
        The best setting and all trials as (setting, figure). With ``held`` the figure is the mean of recall on known
        types and mean recall over the held types, else F1; both at the threshold of :data:`FALSE_POSITIVES`.

    Raises:
        ValueError: more settings than :data:`BUDGET`.
    """
    if not 0 < len(contender.grid) <= BUDGET:
        raise ValueError(f"{contender.name}: {len(contender.grid)} settings, the budget is 1 to {BUDGET}")
    if len(contender.grid) == 1:
        return dict(contender.grid[0]), []
    rng = np.random.default_rng(seed)
    unknown = np.isin(data.train.kinds, list(held))
    learn, judge = split(data.train.take(~unknown), seed, 0.4)
    learn = learn.take(rng.permutation(len(learn))[:CHOICE_ROWS])
    judge = judge.take(rng.permutation(len(judge))[:CHOICE_ROWS])
    strange = data.train.take(unknown)
    strange = strange.take(rng.permutation(len(strange))[:CHOICE_ROWS])
    trials = []
    for options in contender.grid:
        labels = (learn.labels > 0).astype(np.int64)
        method = contender.make(options).fit(learn.rows, labels, (judge.rows, judge.risky.astype(np.int64)), seed)
        score = np.asarray(method.score(judge.rows), np.float64)
        limit = threshold(score[~judge.risky])
        if len(strange):
            far = np.asarray(method.score(strange.rows), np.float64) >= limit
            new = float(np.mean([far[strange.kinds == kind].mean() for kind in np.unique(strange.kinds)]))
            figure = (float((score[judge.risky] >= limit).mean()) + new) / 2
        else:
            figure = float(measure(score, judge.risky, limit)["f1"] or 0.0)
        trials.append((dict(options), round(figure, 5)))
    return max(trials, key=lambda trial: trial[1])[0], trials


def run(contender: Contender, data: DataSet, options: Mapping[str, Any], seed: int, *, many: bool) -> dict[str, Any]:
    """Train once and measure on every test.

    Args:
        contender: the method.
        data: the table.
        options: the chosen setting.
        seed: of the validation part and of the method.
        many: all classes of the table (True) or benign against attack.

    Returns:
        JSON: ``threshold``, and for each test what :func:`figures` gives; with ``many`` also :func:`class_figures`
        under ``classes``.
    """
    learn, held = split(data.train, seed) if data.validation is None else (data.train, data.validation)

    def labels(part: Part) -> NDArray[np.int64]:
        return part.labels if many else part.risky.astype(np.int64)

    method = contender.make(options).fit(learn.rows, labels(learn), (held.rows, labels(held)), seed)
    limit = threshold(np.asarray(method.score(held.rows), np.float64)[~held.risky])
    known = frozenset(str(kind) for kind in np.unique(learn.kinds))
    tests: dict[str, Any] = {}
    for name, part in data.tests.items():
        tests[name] = figures(method.score(part.rows), part, limit, known)
        if many:
            tests[name]["classes"] = class_figures(method.classes(part.rows), part, data.classes)
    return {"threshold": limit, "tests": tests}
