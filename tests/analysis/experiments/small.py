"""A small made-up table: a method that is exact, and one that guesses."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from soc_tui.analysis.experiments.protocol import Contender
from soc_tui.analysis.experiments.tables import Column, DataSet, Part

COLUMNS = (Column("size", "volume", 0), Column("word", "words", 1, ("get", "put")))


def part(rows: int, seed: int, kinds: tuple[str, ...] = ("normal", "flood", "probe")) -> Part:
    """Floods are large, probes say put; what is normal is neither."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(np.array(kinds), rows)
    size = np.where(kind == "flood", rng.uniform(5000, 9000, rows), rng.uniform(0, 400, rows))
    put = kind == "probe"
    labels = np.select([kind == "normal", kind == "flood"], [0, 1], 2).astype(np.int64)
    return Part(np.stack([size, ~put, put], 1).astype(np.float32), labels, kind)


def table(name: str = "nsl-kdd") -> DataSet:
    return DataSet(name, ("normal", "flood", "probe"), COLUMNS, part(1200, 1), {"made up": part(600, 2)}, (), "made up")


class Exact:
    """Knows the rule; ``shift`` moves all its scores, which no figure may notice."""

    fitted: ClassVar[list[tuple[int, int, int]]] = []

    def __init__(self, shift: float = 0.0, blind: bool = False) -> None:
        self.shift, self.blind = shift, blind

    def fit(self, rows: Any, labels: Any, validation: Any, seed: int) -> "Exact":
        Exact.fitted.append((len(rows), int(labels.max()), seed))
        return self

    def score(self, rows: Any) -> Any:
        found = (rows[:, 0] > 1000) if self.blind else (rows[:, 0] > 1000) | (rows[:, 2] > 0)
        return np.clip(0.1 + 0.5 * found + self.shift + rows[:, 0] * 1e-6, 0, 1)

    def classes(self, rows: Any) -> Any:
        return np.where(rows[:, 0] > 1000, 1, np.where(rows[:, 2] > 0, 2, 0))


def contender(*grid: Mapping[str, Any], name: str = "exact", classifies: bool = True) -> Contender:
    return Contender(name, name.title(), lambda options: Exact(**options), grid or ({},), classifies)
