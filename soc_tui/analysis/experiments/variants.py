"""The paper's network and what is left of it when one part is switched off: the same code with other settings.

Tables 2 and 3 and figures 7 to 9 of the paper compare the BiLSTM-DNN with the BiLSTM alone, the DNN alone, an LSTM in
its place, and the network without BatchNorm or attention. Each variant here is
:class:`soc_tui.analysis.network.RiskNetwork` trained by :func:`soc_tui.analysis.building.fit`; only its
:class:`NetworkConfig` differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis import building
from soc_tui.analysis.corpora.sample import Sample, Task, join
from soc_tui.analysis.corpora.synthesis import ORIGIN, exchanged, with_unfamiliar
from soc_tui.analysis.encoding import inference
from soc_tui.analysis.experiments.grouping import BINS, Grouping
from soc_tui.analysis.experiments.protocol import Contender, Factory, Method
from soc_tui.analysis.experiments.tables import Column
from soc_tui.analysis.novelty import Distance, Neighbours, Rarity, combine
from soc_tui.analysis.runtime import Runtime

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "bilstm-dnn": ("BiLSTM-DNN", {}),
    "bilstm": ("BiLSTM alone", {"dense": False}),
    "dnn": ("DNN alone", {"recurrent": False}),
    "lstm-dnn": ("LSTM-DNN", {"bidirectional": False}),
    "no-bn": ("without BatchNorm", {"batch_norm": False}),
    "no-attention": ("without attention", {"attention": False}),
}
"""Name -> title and what of ``NetworkConfig`` it switches off."""
STOP_ROWS = 8_000
"""Validation rows that decide when a training stops: the loss of so many is known to a few percent, and costs less."""


TREES: dict[str, dict[str, Any]] = {
    "lightgbm": {"learning_rate": 0.05, "feature_fraction": 0.5},
    "random-forest": {},
}
"""Methods that may speak beside a network, with their options: those of LightGBM find most attack types kept out of
the training rows."""
TEACHER = "lightgbm"
"""The one of them that labels synthetic rows for a network."""
_SURE = 1e-4
"""Trees are never surer than this: a forest says 0 and 1, whose log odds are infinite."""


class Network:
    """Networks of one setting and what is asked beside them: a ``protocol.Method``."""

    def __init__(
        self,
        columns: Sequence[Column],
        architecture: Mapping[str, Any],
        *,
        members: int = 1,
        unfamiliar: float = 0.0,
        taught: float = 0.0,
        voices: Sequence[str] = (),
        trees: Mapping[str, Factory] | None = None,
        exchange: float = 0.15,
        novelty: bool = False,
        bins: int = BINS,
        epochs: int = 8,
        rows_per_epoch: int = 60_000,
    ) -> None:
        """A network, untrained.

        Args:
            columns: what the places of a row mean.
            architecture: settings of ``NetworkConfig`` beyond shape and classes.
            members: networks of seeds of their own whose log odds are averaged.
            unfamiliar: synthetic rows for each training row (:mod:`soc_tui.analysis.corpora.synthesis`).
            taught: synthetic rows for each training row that a teacher labels: the network learns its border where
                no training row lies (distillation; Hinton et al. 2015).
            voices: names of :data:`TREES` that are asked beside the networks, each one opinion.
            trees: makes one of them from its options, by name.
            exchange: share of the fields of a synthetic row that come from elsewhere.
            novelty: whether distances from benign rows count beside the networks (:mod:`soc_tui.analysis.novelty`).
            bins: quantiles of a number's code.
            epochs: at most so many; a validation part that no longer gains stops earlier.
            rows_per_epoch: rows drawn for an epoch where there are more.
        """
        self._columns = tuple(columns)
        self._architecture = dict(architecture)
        self._members, self._unfamiliar, self._exchange, self._bins = members, unfamiliar, exchange, bins
        self._epochs, self._rows_per_epoch, self._novelty = epochs, rows_per_epoch, novelty
        self._taught, self._voices, self._trees = taught, tuple(voices), dict(trees or {})
        self._networks: list[Runtime] = []

    def fit(self, rows: Rows, labels: Labels, validation: tuple[Rows, Labels] | None, seed: int) -> Self:
        """Learn; the validation part decides when to stop.

        Raises:
            ValueError: no validation part, or trees that are needed and not there.
        """
        if validation is None:
            raise ValueError("the network stops by a validation part: give one")
        missing = self._needed - set(self._trees)
        if missing:
            raise ValueError(f"the setting needs {min(missing)}: install the extra bench")
        self._group = Grouping(self._columns, rows, self._bins)
        classes = int(max(labels.max(), validation[1].max())) + 1
        plain = _sample(self._group(rows), labels, classes)
        held = _sample(self._group(validation[0]), validation[1], classes)
        some = np.zeros(len(held.rows), bool)
        some[np.random.default_rng(seed).permutation(len(some))[:STOP_ROWS]] = True
        shape = {"kind": "groups", "classes": classes, "tokens": self._group.tokens, "width": self._group.width}
        asked = {name: self._grown(name, rows, labels, seed) for name in self._trees if name in self._needed}
        lessons = self._lessons(asked[TEACHER], rows, classes, seed) if self._taught else None
        self._heard = [asked[name] for name in self._voices]
        self._networks = []
        for member in range(self._members):
            own = seed * 1000 + member
            rng = np.random.default_rng(own)
            train = with_unfamiliar(plain, self._group.spans, int(self._unfamiliar * len(rows)), self._exchange, rng)
            train = train if lessons is None else join([train, lessons])
            plan = Task(
                name="table", classes=tuple(str(number) for number in range(classes)),
                architecture=shape | self._architecture, train=train, validation=held.where(some), tests={},
                augment=lambda rows, _: rows, files={}, split="", licence="", false_positives=0.01,
                epochs=self._epochs, rows_per_epoch=self._rows_per_epoch,
            )  # fmt: skip
            self._networks.append(building.fit(plan, own, self._epochs)[0].at_work())
        if self._novelty:
            known = self._filled(plain.rows[~plain.risky])
            self._distances = (Distance.fit(known), Neighbours.fit(known, seed))
        self._rarities = [Rarity.fit(opinion) for opinion in self._opinions(validation[0][validation[1] == 0])]
        return self

    @property
    def _needed(self) -> set[str]:
        return {*self._voices, *([TEACHER] if self._taught else ())}

    def _grown(self, name: str, rows: Rows, labels: Labels, seed: int) -> Method:
        """One of the trees, risky rows against benign ones."""
        return self._trees[name](TREES[name]).fit(rows, (labels > 0).astype(np.int64), None, seed)

    def _lessons(self, teacher: Method, rows: Rows, classes: int, seed: int) -> Sample:
        """Training rows with exchanged columns; each is risky or benign by a draw from the teacher's risk."""
        rng = np.random.default_rng(seed)
        count = int(self._taught * len(rows))
        stock = rows[rng.integers(0, len(rows), count), None]  # (count, 1, F): one token as wide as the row
        spans = [(0, column.start, column.start + column.width) for column in self._columns]
        made = exchanged(stock, rows[:, None], spans, self._exchange, rng)[:, 0]
        risky = rng.random(count) < teacher.score(made)
        allowed = np.zeros((count, classes), bool)
        allowed[~risky, 0] = True
        allowed[risky, 1:] = True
        return Sample(self._group(made), np.arange(count), allowed, np.full(count, ORIGIN))

    def score(self, rows: Rows) -> NDArray[np.float64]:
        """Risk (n,) in [0, 1]: the networks' probability, or how rare their opinion and the others are together."""
        opinions = self._opinions(rows)
        if len(opinions) > 1:
            return combine([rarity(opinion) for rarity, opinion in zip(self._rarities, opinions, strict=True)])
        return np.asarray(1 / (1 + np.exp(-np.clip(opinions[0], -35, 35))), np.float64)

    def classes(self, rows: Rows) -> Labels:
        """Class number (n,): the networks' highest mean probability."""
        outputs = self._run(self._group(rows))
        return np.asarray(np.mean([out.probabilities for out in outputs], axis=0).argmax(1), np.int64)

    def _opinions(self, rows: Rows) -> list[NDArray[np.float64]]:
        """Scores (n,) of the networks together, of each tree and of the distances: higher is riskier."""
        grouped = self._group(rows)
        said = [np.asarray(np.mean([out.log_odds for out in self._run(grouped)], axis=0))]
        for tree in self._heard:
            risk = np.clip(np.asarray(tree.score(rows), np.float64), _SURE, 1 - _SURE)
            said.append(np.log(risk / (1 - risk)))
        if self._novelty:
            filled = self._filled(grouped)
            said += [distance(filled) for distance in self._distances]
        return said

    def _filled(self, grouped: Rows) -> Rows:
        """Groups (n, T, W) as (n, K) without the places that no column fills: distances cost a fraction."""
        places = [np.arange(start, end) + token * self._group.width for token, start, end in self._group.spans]
        return grouped.reshape(len(grouped), -1)[:, np.concatenate(places)]

    def _run(self, grouped: Rows) -> list[inference.Outputs]:
        return [inference.run(network, grouped) for network in self._networks]


def _sample(rows: Rows, labels: Labels, classes: int) -> Sample:
    allowed = np.arange(classes) == labels[:, None]
    return Sample(rows, np.arange(len(rows)), allowed, labels.astype(str))


def contender(
    name: str,
    columns: Sequence[Column],
    grid: Sequence[Mapping[str, Any]],
    trees: Mapping[str, Factory] | None = None,
) -> Contender:
    """A variant of :data:`VARIANTS` over ``grid``: options of :class:`Network`, ``architecture`` among them."""
    title, switched = VARIANTS[name]

    def make(options: Mapping[str, Any]) -> Network:
        rest = {key: value for key, value in options.items() if key != "architecture"}
        return Network(columns, {**options.get("architecture", {}), **switched}, trees=trees, **rest)

    return Contender(name, title, make, grid)
