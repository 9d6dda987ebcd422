"""The risk networks at work: what of the new events each network scores, and the findings that come of it.

Every model has features (SQL over ``events``) that yield a ``key`` and what its encoding reads; scores are kept under
the key in ``scores``, and the model's rule joins them back to events. A key that stands for its content (a parameter
value, a name, a file's hash) is scored once and never again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.analysis.encoding.lexer import decode
from soc_tui.analysis.features import expanded, sessions
from soc_tui.analysis.feedback import Head
from soc_tui.analysis.prediction import EXPLAINED, Predictor
from soc_tui.core.schema import FINDINGS
from soc_tui.core.settings import AnalysisSettings
from soc_tui.detection.detectors import NETWORKS, Detector
from soc_tui.store.database import Store
from soc_tui.store.models import load_head, load_threshold
from soc_tui.store.reach import Reach
from soc_tui.store.website_versions import versions

FLOW_LOOK_BACK = 100_000
"""How many ids before its window ``features/flow_window.sql`` looks at."""

Run = Callable[[Detector, int, int, float], pa.Table]
"""Runs a rule over a window of events at a threshold; yields findings."""


@dataclass(frozen=True)
class Scored:
    """How one model meets the events."""

    features: str
    """The query of its features: ``key`` and what its encoding reads; ``{NAME}`` stands for ``features/NAME.sql``."""
    look_back: int = 0
    """Ids before the window that the features read."""
    once: bool = True
    """A key is scored once; else its score may change with every event and is replaced."""
    contents: Mapping[str, str] = field(default_factory=dict)
    """Column of the encoding -> the version, ``before`` or ``after``, whose content it holds."""
    at_once: int = 16_384
    """Rows that are encoded together: it bounds memory."""
    parts: int = 1
    """How often the query is run, each time for a part of the sources (``$part`` of ``$parts``): it bounds memory."""
    events: int = 1_000_000
    """Events that are scored together at most: rows for every event, not only for what is new, take memory."""
    gather: Callable[[pa.Table, int], pa.Table] | None = None
    """Makes of what the query found the rows with ``key``; it is told the first new event."""


SCORED: Mapping[str, Scored] = {
    "query": Scored("SELECT DISTINCT value AS key, value FROM ({query_values})"),
    "flow": Scored(
        "SELECT event_id::VARCHAR AS key, * FROM ({flow_rows})", look_back=FLOW_LOOK_BACK, once=False, events=200_000
    ),
    "domain": Scored("SELECT value AS key, value FROM ({domain_names})"),
    "session": Scored(
        "{session_events}",
        look_back=FLOW_LOOK_BACK,
        once=False,
        at_once=128,
        parts=2,
        events=200_000,
        gather=sessions.gathered,
    ),
    "code": Scored(
        "SELECT DISTINCT after AS key, NULL::VARCHAR AS before, after FROM ({website_changes}) SEMI JOIN"
        " (SELECT sha256 AS after FROM website_contents) USING (after) WHERE is_code",
        contents={"value": "after"},
        at_once=64,
    ),
    "page": Scored(
        "SELECT DISTINCT concat_ws('>', coalesce(before, ''), after) AS key, before, after FROM ({website_changes})"
        " SEMI JOIN (SELECT sha256 AS after FROM website_contents) USING (after) WHERE is_page",
        contents={"before": "before", "after": "after"},
        at_once=64,
    ),
}
"""Every model that the engine runs, in this order; its rule is ``detection.detectors.NETWORKS``."""


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
        found = [
            self._found(name, begin, min(begin + scored.events - 1, last))
            for name, scored in SCORED.items()
            for begin in range(first, last + 1, scored.events)
        ]
        return pa.concat_tables(found)

    def _found(self, name: str, first: int, last: int) -> pa.Table:
        scored = SCORED[name]
        done: list[pa.Table] = []
        found = False
        for part in range(scored.parts):
            rows = self.inputs(name, first, last, unscored=scored.once, part=part)
            found |= rows.num_rows > 0
            # Each piece may explain its share: a flood must not keep the next window waiting.
            share = -(-EXPLAINED // (scored.parts * max(-(-rows.num_rows // scored.at_once), 1)))
            for piece in self.filled(name, rows):
                scores = self.predictor(name).score(piece, reasons=share)
                done.append(scores.append_column("key", piece["key"].cast(pa.string())))
            del rows
        if done:
            whole = pa.concat_tables(done)
            self.save(name, whole["key"], whole.drop_columns("key"))
        if not found and not (scored.once and self.inputs(name, first, last, most=1).num_rows):
            return FINDINGS.empty_table()
        return self._run(NETWORKS[name], first, last, self.predictor(name).threshold)

    def filled(self, name: str, rows: pa.Table) -> Iterator[pa.Table]:
        """The rows of :meth:`inputs` as the encoding reads them, contents in their place; nothing for no rows."""
        contents, size = SCORED[name].contents, SCORED[name].at_once
        for start in range(0, rows.num_rows, size):
            part = rows.slice(start, size)
            if contents:
                held = versions(self._store, part)
                texts = {
                    to: [None if c is None else decode(c) for c in held[f"{kept}_content"].to_pylist()]
                    for to, kept in contents.items()
                }
                part = pa.table({"key": held["key"], **{to: pa.array(t, pa.string()) for to, t in texts.items()}})
            if part.num_rows:
                yield part

    def inputs(
        self, name: str, first: int, last: int, *, unscored: bool = False, most: int = 0, part: int | None = None
    ) -> pa.Table:
        """What a model reads of the events ``first`` to ``last``: ``key`` and the columns of its encoding.

        Args:
            name: the model.
            first: id of the first event.
            last: id of the last event.
            unscored: leave out keys that have a score.
            most: at most so many rows; 0: all.
            part: of the model's parts; None: all of them together.
        """
        scored = SCORED[name]
        text = f"SELECT * FROM ({expanded(scored.features)}) found"  # noqa: S608 - our own files
        if unscored:
            text += f" WHERE NOT EXISTS (FROM scores s WHERE s.model = '{name}' AND s.value = found.key)"
        text += f" LIMIT {int(most)}" if most else " ORDER BY key" if scored.once else ""
        window = {"first_event_id": first, "last_event_id": last}
        window |= {"part": 0, "parts": 1} if part is None else {"part": part, "parts": scored.parts}
        rows = self._store.sql(text, window, reach=Reach(first - scored.look_back, last))
        return scored.gather(rows, first) if scored.gather else rows

    def save(self, name: str, keys: pa.ChunkedArray, scores: pa.Table) -> None:
        """Keep scores under their keys; of keys that are scored again and again only what reaches the threshold."""
        table = scores.append_column("value", keys.cast(pa.string()))
        if not SCORED[name].once:
            table = table.filter(pc.greater_equal(table["score"], self.predictor(name).threshold))
        if not table.num_rows:
            return
        with self._store.transaction("findings") as tx:
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
