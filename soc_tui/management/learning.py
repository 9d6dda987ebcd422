"""Networks that know their workspace: thresholds by an alert budget, marks of analysts, warnings of drift.

Nothing here needs labels: a budget is met on the traffic as it is. What that costs is told by the labelled sets of
the model card, and a head that was learned from marks may cost no more recall than its anchors allow
(``analysis.feedback``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.analysis import calibration, drift, feedback
from soc_tui.analysis.figures import recall_at
from soc_tui.analysis.prediction import Predictor
from soc_tui.core.clock import Clock
from soc_tui.core.errors import UsageError
from soc_tui.core.settings import Settings
from soc_tui.detection.detectors import NETWORKS
from soc_tui.management.scoring import SCORED, Scoring
from soc_tui.store.database import Store, Transaction
from soc_tui.store.models import (
    MARKS,
    CalibrationRow,
    drop_calibration,
    marks_of,
    other_scores,
    save_calibration,
    save_head,
    save_marks,
)

WINDOW_EVENTS = 100_000
PROFILE_ROWS = 20_000
"""Rows of a profile at most, spread over the period."""
MARK_EVENTS = 5
"""Events of an alert that a mark learns from."""
FEWEST_MARKS = 5
"""Below so many marks nothing is learned: one slip must not bend a network."""


@dataclass(frozen=True)
class _Period:
    """The events that a calibration looks at."""

    first: int
    last: int
    days: float


class Learning:
    """Calibration, marks and drift of one engine.

    Args:
        store: the workspace.
        settings: the detectors' own, which a rule needs.
        clock: for time stamps.
        scoring: whose networks.
        on_change: called when a threshold or head has changed.
    """

    def __init__(
        self, store: Store, settings: Settings, clock: Clock, scoring: Scoring, on_change: Callable[[], None]
    ) -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self._scoring, self._on_change = scoring, on_change

    # -- thresholds ------------------------------------------------------------------------------------------------

    def calibrate(self, budget: float, days: float, names: Sequence[str], actor: str) -> Iterator[dict[str, Any]]:
        """Fix the thresholds of networks on the latest events so that they raise at most ``budget`` alerts a day.

        The budget is shared alike by the networks that have anything to score. Of a network the lowest threshold that
        keeps its share is taken, at least ``calibration.LOWEST_THRESHOLD``; a threshold in the settings still wins.

        Args:
            budget: alerts a day, above 0.
            days: how far back from the newest event.
            names: the networks; all when empty.
            actor: who asked.

        Yields:
            ``{"progress": {...}}``, and last ``{"result": {"models": [...]}}``.

        Raises:
            UsageError: the budget is none, a name is unknown, or there is nothing to calibrate on.
        """
        if budget <= 0 or days <= 0:
            raise UsageError("the budget and the period must be above 0", remedy="write --budget 20/day --days 7")
        unknown = [name for name in names if name not in SCORED]
        if unknown:
            raise UsageError(f"there is no model {unknown[0]!r}", remedy=f"the models are {', '.join(SCORED)}")
        period = self._period(days)
        busy = [
            name for name in names or SCORED if self._scoring.inputs(name, period.first, period.last, most=1).num_rows
        ]
        if not busy:
            raise UsageError("nothing that the networks score is stored", remedy="ingest some days of traffic first")
        found = []
        for name in busy:
            yield {"progress": {"step": "calibrate", "path": name, "rows": 0}}
            found.append(self._calibrated(name, period, budget / len(busy), actor))
        self._on_change()
        yield {"result": {"models": found, "days": round(period.days, 3), "budget": budget}}

    def restore(self, name: str) -> dict[str, Any]:
        """Go back to the threshold of the model card."""
        if name not in SCORED:
            raise UsageError(f"there is no model {name!r}", remedy=f"the models are {', '.join(SCORED)}")
        with self._store.transaction() as tx:
            drop_calibration(tx, name)
            self._forget_scores(tx, name)
        self._scoring.reload(name)
        self._on_change()
        return {"model": name, "threshold": self._scoring.predictor(name).threshold}

    def _period(self, days: float) -> _Period:
        text = """
            SELECT min(event_id) AS first, max(event_id) AS last, epoch(max(time) - min(time)) / 86400 AS days
            FROM events WHERE time > (SELECT max(time) FROM events) - to_seconds($seconds)
        """
        row = self._store.sql(text, {"seconds": days * 86400}).to_pylist()[0]
        if row["first"] is None:
            raise UsageError("there are no events", remedy="ingest some days of traffic first")
        # Less than an hour says little about a day: it is taken for an hour.
        return _Period(row["first"], row["last"], max(float(row["days"] or 0.0), 1 / 24))

    def _calibrated(self, name: str, period: _Period, budget: float, actor: str) -> dict[str, Any]:
        predictor = self._scoring.predictor(name)
        scored, rows, columns = self._scores(name, period, predictor)
        count = self._counter(name, period, scored)
        allowed = budget * max(period.days, 1.0) if period.days >= 1 else budget * period.days
        steps = np.unique(np.append(scored["score"].to_numpy(), calibration.LOWEST_THRESHOLD))
        threshold, alerts = _lowest(steps, count, allowed)
        card = predictor.card
        recall = {
            set_name: {
                "card": round(recall_at(curve, calibration.odds_of(card.threshold)), 4),
                "here": round(recall_at(curve, calibration.odds_of(threshold)), 4),
            }
            for set_name, curve in card.curves.items()
        }
        row = CalibrationRow(
            name, card.weights_sha256, threshold, budget, round(alerts / period.days, 3), round(period.days, 3), rows,
            json.dumps(recall, sort_keys=True), drift.profile(columns).to_json(), actor,
        )  # fmt: skip
        before = count(predictor.threshold) / period.days
        with self._store.transaction() as tx:
            save_calibration(tx, row, self._clock.now())
            self._forget_scores(tx, name)
        self._scoring.reload(name)
        return {
            "model": name, "threshold": threshold, "threshold_before": predictor.threshold,
            "alerts_per_day": row.alerts_per_day, "alerts_per_day_before": round(before, 3), "budget": budget,
            "rows": rows, "recall": recall,
        }  # fmt: skip

    def _scores(
        self, name: str, period: _Period, predictor: Predictor
    ) -> tuple[pa.Table, int, dict[str, np.ndarray[Any, Any]]]:
        """Everything that may pass the lowest threshold, how much was scored, and a sample of inputs and scores."""
        lowest = Predictor(predictor.card, predictor.network, calibration.LOWEST_THRESHOLD, head=predictor.head)
        kept, total = [], 0
        parts: list[dict[str, Any]] = []
        for first in range(period.first, period.last + 1, WINDOW_EVENTS):
            rows = self._scoring.inputs(name, first, min(first + WINDOW_EVENTS - 1, period.last))
            if not rows.num_rows:
                continue
            total += rows.num_rows
            for part in self._scoring.filled(name, rows):
                scores = lowest.score(part, reasons=0).append_column("value", part["key"].cast(pa.string()))
                kept.append(scores.filter(pc.greater_equal(scores["score"], calibration.LOWEST_THRESHOLD)))
            parts.append(self._inputs_of(name, predictor, rows))
        columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        every = max(1, -(-total // PROFILE_ROWS))
        return _distinct(pa.concat_tables(kept)), total, {key: values[::every] for key, values in columns.items()}

    def _inputs_of(self, name: str, predictor: Predictor, rows: pa.Table) -> dict[str, Any]:
        """Inputs and scores of a sample of rows, for a profile."""
        every = max(1, rows.num_rows // PROFILE_ROWS)
        sample = rows.take(pa.array(np.arange(0, rows.num_rows, every)))
        parts = [predictor.inputs(part) for part in self._scoring.filled(name, sample)]
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    def _counter(self, name: str, period: _Period, scored: pa.Table) -> Callable[[float], int]:
        """How many alerts the model's rule would raise in the period at a threshold."""
        detector = NETWORKS[name]
        text = f"SELECT count(DISTINCT alert_key) AS n FROM ({detector.sql})"  # noqa: S608 - our own file
        window = {"first_event_id": period.first, "last_event_id": period.last}

        def count(threshold: float) -> int:
            parameters = {**detector.parameters(self._settings.detection), **window, "threshold": threshold}
            with other_scores(self._store, name, scored) as cursor:
                return int(cursor.execute(text, parameters).fetchone()[0])

        return count

    def _forget_scores(self, tx: Transaction, name: str) -> None:
        """What was scored gets its label anew when it is seen again."""
        tx.execute("DELETE FROM scores WHERE model = $model", {"model": name})

    # -- marks -----------------------------------------------------------------------------------------------------

    def marks(self, alerts: Sequence[Mapping[str, Any]], *, risky: bool) -> pa.Table:
        """What the networks saw behind alerts of theirs, as marks; alerts of rules have none."""
        by_detector = {detector.name: name for name, detector in NETWORKS.items()}
        rows = []
        for alert in alerts:
            name = by_detector.get(str(alert["detector"]))
            if name is None:
                continue
            predictor = self._scoring.predictor(name)
            for event_id in (alert["event_ids"] or [])[:MARK_EVENTS]:
                inputs = self._scoring.inputs(name, event_id, event_id)
                for part in self._scoring.filled(name, inputs):
                    hidden, raw = predictor.views(part)
                    worst = int(raw.argmax())  # the one that made the alert
                    rows.append({
                        "alert_id": alert["alert_id"], "model": name, "weights_sha256": predictor.card.weights_sha256,
                        "risky": risky, "hidden": hidden[worst].tolist(), "log_odds": float(raw[worst]),
                    })  # fmt: skip
        return pa.Table.from_pylist(rows, schema=MARKS)

    def keep(self, tx: Transaction, marks: pa.Table, actor: str) -> None:
        """Keep marks in the transaction that changes the alerts' state."""
        save_marks(tx, marks, actor, self._clock.now())

    def learn(self, name: str, actor: str, *, approved: bool = False) -> dict[str, Any]:
        """Fit the local head of a network on its marks.

        Args:
            name: the network.
            actor: who asked.
            approved: an admin accepts the loss of recall that the marks would cost.

        Raises:
            UsageError: there are too few marks, or the model ships no anchors.
        """
        if name not in SCORED:
            raise UsageError(f"there is no model {name!r}", remedy=f"the models are {', '.join(SCORED)}")
        predictor = self._scoring.predictor(name)
        marks = marks_of(self._store, name, predictor.card.weights_sha256)
        alerts = len(pc.unique(marks["alert_id"]))
        if alerts < FEWEST_MARKS:
            raise UsageError(
                f"{alerts} alerts of {name} are marked, {FEWEST_MARKS} are needed",
                remedy="mark alerts as true or false positives in the console",
            )
        if predictor.anchors is None:
            raise UsageError(f"the model {name!r} has no anchors", remedy="train it with this version")
        hidden = np.array(marks["hidden"].to_pylist(), np.float32)
        raw, risky = marks["log_odds"].to_numpy(), marks["risky"].to_numpy(zero_copy_only=False)
        learned = feedback.learn(
            hidden, raw, risky, predictor.anchors, predictor.raw_threshold, approved=approved
        )  # fmt: skip
        row = {
            "model": name, "weights_sha256": predictor.card.weights_sha256,
            "weights": learned.head.weights.tolist(), "bias": learned.head.bias, "marks": alerts,
            "share": learned.share, "recall_lost": learned.recall_lost,
            "recall_lost_whole": learned.recall_lost_whole, "false_gained": learned.false_gained,
            "approved_by": actor if approved else "",
        }  # fmt: skip
        with self._store.transaction() as tx:
            save_head(tx, row, self._clock.now())
            self._forget_scores(tx, name)
        self._scoring.reload(name)
        self._on_change()
        return {key: value for key, value in row.items() if key not in {"weights", "bias", "weights_sha256"}}

    # -- drift -----------------------------------------------------------------------------------------------------

    def drift(self, days: float = 1.0) -> list[dict[str, Any]]:
        """How far the latest traffic is from the one that each threshold was fixed on; see ``analysis.drift``."""
        rows = self._store.sql("SELECT * FROM calibrations ORDER BY model").to_pylist()
        return [self._drifted(row, days) for row in rows if row["model"] in SCORED]

    def _drifted(self, row: Mapping[str, Any], days: float) -> dict[str, Any]:
        name, then = row["model"], drift.Profile.from_json(row["profile"])
        predictor, period = self._scoring.predictor(name), self._period(days)
        first = max(period.first, period.last - WINDOW_EVENTS + 1)
        inputs = self._scoring.inputs(name, first, period.last)
        now = (
            drift.profile(self._inputs_of(name, predictor, inputs), then)
            if inputs.num_rows
            else drift.Profile(0, {}, {})
        )
        moved = drift.stability(then, now)
        worst = max(moved.values(), default=0.0)
        return {
            "model": name, "calibrated": row["time"], "rows": now.rows, "psi_score": moved.get("score"),
            "psi_worst": worst, "drifted": worst >= drift.CHANGED,
            "inputs": [{"input": key, "psi": value} for key, value in list(moved.items())[:5]],
            "stale": predictor.card.weights_sha256 != row["weights_sha256"],
        }  # fmt: skip


def _lowest(steps: np.ndarray[Any, Any], count: Callable[[float], int], allowed: float) -> tuple[float, int]:
    """The lowest of ascending thresholds whose alerts are within what is allowed; above all when none is."""
    low, high = 0, len(steps) - 1
    best: tuple[float, int] | None = None
    while low <= high:
        middle = (low + high) // 2
        at = min(float(steps[middle]), calibration.HIGHEST)
        alerts = count(at)
        if alerts <= allowed:
            best, high = (at, alerts), middle - 1
        else:
            low = middle + 1
    if best is None:
        return calibration.HIGHEST, count(calibration.HIGHEST)
    return best


def _distinct(scored: pa.Table) -> pa.Table:
    """The first row of each value."""
    coded = scored["value"].combine_chunks().dictionary_encode()
    if not scored.num_rows:
        return scored
    indices = coded.indices.to_numpy(zero_copy_only=False)
    return scored.take(pa.array(np.sort(np.unique(indices, return_index=True)[1])))
