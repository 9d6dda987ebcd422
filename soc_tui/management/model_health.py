"""Health of the networks: traffic that has moved away from the one a threshold was fixed on is an alert.

A threshold that kept the budget in spring may drown an analyst, or be blind, in autumn. So every few hours the latest
traffic is compared with the profile that the calibration kept (``analysis.drift``). Like the health of sources, this
accuses nobody: the detector is ``model-drift``, the risk type ``health``, and the alert closes when the traffic is back
or a new calibration was made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa

from soc_tui.core.clock import Clock, naive_utc
from soc_tui.core.schema import FINDINGS
from soc_tui.core.types import HEALTH
from soc_tui.knowledge.library import Library
from soc_tui.management.health_alerts import close_alerts, open_keys, raise_alerts
from soc_tui.management.learning import Learning
from soc_tui.store.database import Store

DETECTOR = "model-drift"


class ModelHealth:
    """Looks at the drift of the calibrated networks now and then.

    Args:
        store: the workspace.
        learning: measures the drift.
        hours: the pause between two looks; 0: never.
        clock: for the pause and for time stamps.
        library: the knowledge that alerts are matched with.
        on_change: called when an alert was raised or closed.
    """

    def __init__(
        self, store: Store, learning: Learning, hours: float, clock: Clock, library: Library,
        on_change: Callable[[], None],
    ) -> None:  # fmt: skip
        self._store, self._learning, self._seconds = store, learning, hours * 3600
        self._clock, self._library, self._on_change = clock, library, on_change
        self._next = clock.monotonic() + self._seconds

    def check(self) -> None:
        """Look when it is time; cheap otherwise."""
        if self._seconds > 0 and self._clock.monotonic() >= self._next:
            self._next = self._clock.monotonic() + self._seconds
            self.look()

    def look(self) -> list[dict[str, Any]]:
        """Measure now, raise and close alerts; what was measured."""
        now = naive_utc(self._clock.now())
        measured = self._learning.drift()
        moved = {_key(one["model"]): _finding(one, now) for one in measured if one["drifted"]}
        before = set(open_keys(self._store, DETECTOR))
        raised = [finding for key, finding in moved.items() if key not in before]
        over = sorted(before - set(moved))
        if raised:
            raise_alerts(self._store, self._library, pa.Table.from_pylist(raised, FINDINGS))
        if over:
            close_alerts(self._store, over)
        if raised or over:
            self._on_change()
        return measured


def _key(model: str) -> str:
    return f"{DETECTOR}|{model}"


def _finding(measured: dict[str, Any], now: datetime) -> dict[str, object]:
    key = _key(measured["model"])
    reasons = [
        {"field": one["input"], "value": f"population stability {one['psi']:.2f}", "weight": one["psi"]}
        for one in measured["inputs"]
    ]
    return {
        "finding_id": hashlib.md5(f"{key}|{now.isoformat()}".encode(), usedforsecurity=False).hexdigest(),
        "alert_key": key, "detector": DETECTOR, "risk_type": HEALTH,
        "title": f"Model drift: {measured['model']}", "severity": "low", "score": 0.5, "time": now, "time_last": now,
        "target": measured["model"], "event_count": 0, "techniques": [], "event_ids": [],
        "explanation": json.dumps(reasons),
    }  # fmt: skip
