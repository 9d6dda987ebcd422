"""The risk networks at work: what of the new events each network scores, and the findings that come of it.

Every model has features (SQL over ``events``) that yield a ``key`` and what its encoding reads; scores are kept under
the key in ``scores``, and the model's rule joins them back to events. A key that stands for its content (a parameter
value, a name, a file's hash) is scored once and never again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.analysis.features import expanded
from soc_tui.analysis.feedback import Head
from soc_tui.analysis.prediction import Predictor
from soc_tui.core.schema import FINDINGS
from soc_tui.core.settings import AnalysisSettings
from soc_tui.detection.detectors import FLOW_ANOMALY, WEB_ATTACK, Detector
from soc_tui.store.database import Store
from soc_tui.store.models import load_head, load_threshold
from soc_tui.store.reach import Reach

FLOW_LOOK_BACK = 100_000
"""How many ids before its window ``features/flow_window.sql`` looks at."""

Run = Callable[[Detector, int, int, float], pa.Table]
"""Runs a rule over a window of events at a threshold; yields findings."""


@dataclass(frozen=True)
class Scored:
    """How one model meets the events."""

    detector: Detector
    features: str
    """The name of its features; they yield ``key`` and the columns of its encoding."""
    look_back: int = 0
    """Ids before the window that the features read."""
    once: bool = True
    """A key is scored once; else its score may change with every event and is replaced."""


SCORED: Mapping[str, Scored] = {
    "query": Scored(WEB_ATTACK, "SELECT DISTINCT value AS key, value FROM ({query_values})"),
    "flow": Scored(
        FLOW_ANOMALY, "SELECT event_id::VARCHAR AS key, * FROM ({flow_rows})", look_back=FLOW_LOOK_BACK, once=False
    ),
}
"""Every model that the engine runs, in this order."""


class Scoring:
    """Loads networks when they are first needed and scores windows of events.

    Args:
        store: the workspace.
        settings: models and thresholds.
        run: runs a rule.
    """

    def __init__(self, store: Store, settings: AnalysisSettings, run: Run) -> None:
        self._store, self._settings, self._run = store, settings, run
        self._predictors: dict[str, Predictor] = {}
        self._lock = threading.Lock()

    def findings(self, first: int, last: int) -> pa.Table:
        """Score the events ``first`` to ``last`` with every network; the findings of all rules."""
        return pa.concat_tables([self._found(name, first, last) for name in SCORED])

    def _found(self, name: str, first: int, last: int) -> pa.Table:
        scored = SCORED[name]
        rows = self.inputs(name, first, last, unscored=scored.once)
        if rows.num_rows:
            self.save(name, rows["key"], self.predictor(name).score(rows))
        elif not (scored.once and self.inputs(name, first, last, most=1).num_rows):
            return FINDINGS.empty_table()
        return self._run(scored.detector, first, last, self.predictor(name).threshold)

    def inputs(self, name: str, first: int, last: int, *, unscored: bool = False, most: int = 0) -> pa.Table:
        """What a model reads of the events ``first`` to ``last``: ``key`` and the columns of its encoding.

        Args:
            name: the model.
            first: id of the first event.
            last: id of the last event.
            unscored: leave out keys that have a score.
            most: at most so many rows; 0: all.
        """
        scored = SCORED[name]
        text = f"SELECT * FROM ({expanded(scored.features)}) found"  # noqa: S608 - our own files
        if unscored:
            text += f" WHERE NOT EXISTS (FROM scores s WHERE s.model = '{name}' AND s.value = found.key)"
        text += f" LIMIT {int(most)}" if most else " ORDER BY key" if scored.once else ""
        window = {"first_event_id": first, "last_event_id": last}
        return self._store.sql(text, window, reach=Reach(first - scored.look_back, last))

    def save(self, name: str, keys: pa.ChunkedArray, scores: pa.Table) -> None:
        """Keep scores under their keys; of keys that are scored again and again only what reaches the threshold."""
        table = scores.append_column("value", keys.cast(pa.string()))
        if not SCORED[name].once:
            table = table.filter(pc.greater_equal(table["score"], self.predictor(name).threshold))
        if not table.num_rows:
            return
        with self._store.transaction() as tx:
            tx.execute(
                "INSERT OR REPLACE INTO scores SELECT $model, value, score, label, explanation FROM scored",
                {"model": name},
                {"scored": table},
            )

    def predictor(self, name: str) -> Predictor:
        """The network with this workspace's threshold and head, loaded at first use: its import takes seconds."""
        with self._lock:
            if name not in self._predictors:
                self._predictors[name] = self._load(name)
            return self._predictors[name]

    def reload(self, name: str) -> None:
        """Load a network anew at its next use: its threshold or head has changed."""
        with self._lock:
            self._predictors.pop(name, None)

    def loaded(self) -> dict[str, Predictor]:
        """The networks that are in memory."""
        return dict(self._predictors)

    def _load(self, name: str) -> Predictor:
        chosen = self._settings
        folder = Path(chosen.models_dir) if chosen.models_dir else None
        found = Predictor.load(folder, name, chosen.threads)
        sha256 = found.card.weights_sha256
        threshold = getattr(chosen, f"{name}_threshold") or load_threshold(self._store, name, sha256)
        found.threshold = threshold or found.threshold
        head = load_head(self._store, name, sha256)
        found.head = Head(np.array(head[0]), head[1]) if head else None
        return found
