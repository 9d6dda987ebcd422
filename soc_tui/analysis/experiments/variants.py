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
from soc_tui.analysis.experiments.protocol import Contender, Factory
from soc_tui.analysis.experiments.tables import Column
from soc_tui.analysis.network import RiskNetwork
from soc_tui.analysis.novelty import Distance, Neighbours, Rarity, combine

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


TEACHERS: dict[str, dict[str, Any]] = {
    "lightgbm": {"learning_rate": 0.05, "feature_fraction": 0.5},
    "random-forest": {},
}
"""Methods that can teach a network, with their options: those that find most attack types kept out of training rows."""


class Network:
    """One or several networks of one setting; see :class:`soc_tui.analysis.experiments.protocol.Method`."""

    def __init__(
        self,
        columns: Sequence[Column],
        architecture: Mapping[str, Any],
        *,
        members: int = 1,
        unfamiliar: float = 0.0,
        taught: float = 0.0,
        taught_by: Sequence[str] = ("lightgbm",),
        teachers: Mapping[str, Factory] | None = None,
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
            members: networks of seeds of their own whose log odds are averaged, of each teacher.
            unfamiliar: synthetic rows for each training row (:mod:`soc_tui.analysis.corpora.synthesis`).
            taught: synthetic rows for each training row that a teacher labels: the network learns its border where
                no training row lies (distillation; Hinton et al. 2015).
            taught_by: names of teachers. Each has networks of its own, and what those say is one opinion.
            teachers: makes a teacher from its options, by name.
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
        self._taught, self._taught_by, self._teachers = taught, tuple(taught_by), dict(teachers or {})
        self._networks: list[list[RiskNetwork]] = []
        """By teacher."""

    def fit(self, rows: Rows, labels: Labels, validation: tuple[Rows, Labels] | None, seed: int) -> Self:
        """Learn; the validation part decides when to stop.

        Raises:
            ValueError: no validation part, or rows to be taught and no such teacher.
        """
        if validation is None:
            raise ValueError("the network stops by a validation part: give one")
        missing = set(self._taught_by) - set(self._teachers) if self._taught else set()
        if missing:
            raise ValueError(f"a taught network needs its teacher ({min(missing)}): install the extra bench")
        self._group = Grouping(self._columns, rows, self._bins)
        classes = int(max(labels.max(), validation[1].max())) + 1
        plain = _sample(self._group(rows), labels, classes)
        held = _sample(self._group(validation[0]), validation[1], classes)
        some = np.zeros(len(held.rows), bool)
        some[np.random.default_rng(seed).permutation(len(some))[:STOP_ROWS]] = True
        shape = {"kind": "groups", "classes": classes, "tokens": self._group.tokens, "width": self._group.width}
        self._networks = []
        for place, teacher in enumerate(self._taught_by if self._taught else ("",)):
            lessons = self._lessons(teacher, rows, labels, classes, seed) if teacher else None
            own: list[RiskNetwork] = []
            for member in range(self._members):
                number = seed * 1000 + place * 100 + member
                rng = np.random.default_rng(number)
                train = with_unfamiliar(
                    plain, self._group.spans, int(self._unfamiliar * len(rows)), self._exchange, rng
                )
                train = train if lessons is None else join([train, lessons])
                plan = Task(
                    name="table", classes=tuple(str(number) for number in range(classes)),
                    architecture=shape | self._architecture, train=train, validation=held.where(some), tests={},
                    augment=lambda rows, _: rows, files={}, split="", licence="", false_positives=0.01,
                    epochs=self._epochs, rows_per_epoch=self._rows_per_epoch,
                )  # fmt: skip
                own.append(building.fit(plan, number, self._epochs)[0])
            self._networks.append(own)
        if self._novelty:
            known = self._filled(plain.rows[~plain.risky])
            self._distances = (Distance.fit(known), Neighbours.fit(known, seed))
            benign = held.rows[~held.risky]
            self._rarities = [Rarity.fit(opinion) for opinion in self._opinions(benign)]
        return self

    def _lessons(self, name: str, rows: Rows, labels: Labels, classes: int, seed: int) -> Sample:
        """Training rows with exchanged columns; each is risky or benign by a draw from the teacher's risk."""
        rng = np.random.default_rng(seed)
        teacher = self._teachers[name](TEACHERS[name]).fit(rows, (labels > 0).astype(np.int64), None, seed)
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
        """Risk (n,) in [0, 1]: the networks' mean log odds as a probability, or how rare they and the distances are."""
        opinions = self._opinions(self._group(rows))
        if self._novelty:
            return combine([rarity(opinion) for rarity, opinion in zip(self._rarities, opinions, strict=True)])
        return np.asarray(1 / (1 + np.exp(-np.clip(np.mean(opinions, axis=0), -35, 35))), np.float64)

    def classes(self, rows: Rows) -> Labels:
        """Class number (n,): the highest mean probability."""
        outputs = [out for same in self._run(self._group(rows)) for out in same]
        return np.asarray(np.mean([out.probabilities for out in outputs], axis=0).argmax(1), np.int64)

    def _opinions(self, grouped: Rows) -> list[NDArray[np.float64]]:
        """Scores (n,) of each teacher's networks and, where asked for, of the distances: higher is riskier."""
        odds = [np.asarray(np.mean([out.log_odds for out in same], axis=0)) for same in self._run(grouped)]
        if not self._novelty:
            return odds
        filled = self._filled(grouped)
        return [*odds, *(distance(filled) for distance in self._distances)]

    def _filled(self, grouped: Rows) -> Rows:
        """Groups (n, T, W) as (n, K) without the places that no column fills: distances cost a fraction."""
        places = [np.arange(start, end) + token * self._group.width for token, start, end in self._group.spans]
        return grouped.reshape(len(grouped), -1)[:, np.concatenate(places)]

    def _run(self, grouped: Rows) -> list[list[inference.Outputs]]:
        return [[inference.run(network, grouped) for network in same] for same in self._networks]


def _sample(rows: Rows, labels: Labels, classes: int) -> Sample:
    allowed = np.arange(classes) == labels[:, None]
    return Sample(rows, np.arange(len(rows)), allowed, labels.astype(str))


def contender(
    name: str,
    columns: Sequence[Column],
    grid: Sequence[Mapping[str, Any]],
    teachers: Mapping[str, Factory] | None = None,
) -> Contender:
    """A variant of :data:`VARIANTS` over ``grid``: options of :class:`Network`, ``architecture`` among them."""
    title, switched = VARIANTS[name]

    def make(options: Mapping[str, Any]) -> Network:
        rest = {key: value for key, value in options.items() if key != "architecture"}
        return Network(columns, {**options.get("architecture", {}), **switched}, teachers=teachers, **rest)

    return Contender(name, title, make, grid)
