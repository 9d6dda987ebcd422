"""Events to findings to alerts to incidents: the risk detection tools and risk analysis modules at work.

Two consumers walk the events by ``event_id``, each with its own checkpoint that commits together with what it found:
*detection* runs the set-based detectors, *analysis* scores with the risk networks. If one of them fails (a missing
model, say) it is retried from its checkpoint and the other goes on. Findings have stable keys, so doing a window twice
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from soc_tui.analysis.extraction import extract
from soc_tui.core.clock import Clock
from soc_tui.core.schema import FINDINGS
from soc_tui.core.settings import Settings
from soc_tui.detection.detectors import DETECTORS, Detector, look_back
from soc_tui.knowledge.library import Library
from soc_tui.management.health import Health
from soc_tui.management.kinds import Kinds
from soc_tui.management.scoring import FLOW_LOOK_BACK, Scoring
from soc_tui.management.sigma import Sigma
from soc_tui.management.verdicts import judge
from soc_tui.store.casework import (
    alerts_for_extraction,
    merge_findings,
    save_extraction,
    save_knowledge,
    supporting_events,
)
from soc_tui.store.database import Store, Transaction
from soc_tui.store.intake import checkpoint, last_event_id, set_checkpoint
from soc_tui.store.reach import Reach

WINDOW_EVENTS = 1_000_000
"""Events examined per commit: bounds memory and lets alerts appear while a backlog is worked off.

Detectors look at what was before their window too, and every window merges its findings into the alerts: 1M lines of
sshd took three times as long in windows of 200,000."""
IDLE_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
"""How long events that pour in may wait for a full window: a session is looked at once, not with every commit."""
REST = 3.0
"""For how many times as long as its last window took a consumer rests while events pour in: reading goes first."""
_LOOK_SECONDS = 0.25
_STILL_SECONDS = 1.0
"""Events pour in as long as none of their commits keeps the next one waiting for longer."""


class Pipeline:
    """Detection and analysis over new events.

    Args:
        store: the workspace.
        settings: thresholds and models.
        clock: the time of extraction.
        health: where lag and errors are shown.
        library: the knowledge database.
        on_change: called after a commit that changed alerts.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        health: Health,
        library: Library,
        on_change: Callable[[], None],
    ) -> None:
        self._store, self._settings, self._clock, self._health = store, settings, clock, health
        self._library, self._on_change = library, on_change
        self.scoring = Scoring(store, settings.analysis, self._run)
        home = settings.workspace / "knowledge" / "sigma"
        self.sigma = Sigma(store, home, clock, self.commit, on_change)
        self.awaited: set[str] = set()
        """Consumers that somebody waits for, knowing that all events are there: they do not wait for more."""
        self.seconds: dict[str, float] = {}
        """How long each rule has run since the start, by the detector's name.

        ``sigma``: all Sigma rules; ``kinds``: finding out which rules the windows concern."""
        self._batches: set[object] = set()
        self._growing: dict[str, tuple[int, float, float]] = {}
        """By consumer: the newest event at its last look, when that came, and since when events have waited."""
        self._took: dict[str, float] = {}
        """By consumer: the seconds of its last window."""

    # -- the two consumers ---------------------------------------------------------------------------------------

    def detect(self) -> float:
        """One window of the detectors, else a piece of what changed Sigma rules are to be matched with.

        Returns:
            The seconds until there may be more.
        """
        self.sigma.look()
        wait = self._consume("detection", self._detected)
        waiting = self.sigma.pending()
        self._health.note("detection", "sigma", f"{waiting} Sigma rules over stored events" if waiting else "")
        return 0.0 if wait == IDLE_SECONDS and waiting and self.sigma.hunt() else wait

    def analyse(self) -> float:
        """One window of the risk networks; returns the seconds until there may be more."""
        if not self._settings.analysis.enabled:
            self._health.update("analysis", state="off", detail="switched off in the settings")
            return IDLE_SECONDS
        return self._consume("analysis", self.scoring.findings, self._judged)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """While somebody reads a batch: what it brings is examined in full windows, the rest at its end."""
        mine = object()
        self._batches.add(mine)
        try:
            yield
        finally:
            self._batches.remove(mine)

    def lag(self, consumer: str) -> int:
        """Events that a consumer has not yet examined; with those rules that are not yet matched with all of them."""
        rules = self.sigma.pending() if consumer == "detection" else 0
        return last_event_id(self._store) - checkpoint(self._store, consumer) + rules

    def _consume(
        self,
        consumer: str,
        find: Callable[[int, int], pa.Table],
        after: Callable[[Transaction, int, int], bool] = lambda *_: False,
    ) -> float:
        done, newest = checkpoint(self._store, consumer), last_event_id(self._store)
        self._health.update(consumer, lag=f"{newest - done} events")
        if newest <= done:
            return IDLE_SECONDS
        if newest - done < WINDOW_EVENTS and self._pouring(consumer, newest):
            return _LOOK_SECONDS
        self._growing.pop(consumer, None)
        last = min(newest, done + WINDOW_EVENTS)
        began = self._clock.monotonic()
        with self._health.activity(consumer):
            findings = find(done + 1, last)
            with self._store.transaction("findings") as tx:
                changed = self.commit(tx, findings)
                changed |= after(tx, done + 1, last)
                set_checkpoint(tx, consumer, last)
        self._took[consumer] = self._clock.monotonic() - began
        self._health.update(consumer, lag=f"{newest - last} events")
        if changed:
            self._on_change()
        return 0.0

    def _pouring(self, consumer: str, newest: int) -> bool:
        """True while more events keep coming, for a while: the longer, the longer a window takes."""
        now = self._clock.monotonic()
        seen, grown, since = self._growing.get(consumer, (0, now, now))
        if newest > seen:
            grown = now
        self._growing[consumer] = (newest, grown, since)
        patience = max(PATIENCE_SECONDS, REST * self._took.get(consumer, 0.0))
        waits = bool(self._batches) or now - since < patience
        return consumer not in self.awaited and now - grown < _STILL_SECONDS and waits

    # -- findings ------------------------------------------------------------------------------------------------

    def _detected(self, first: int, last: int) -> pa.Table:
        began = self._clock.monotonic()
        there = Kinds(self._store, first, last, self._around(first, last))
        asked = [detector for detector in DETECTORS if there.concern(detector)]
        self._took_since("kinds", began)
        found = [FINDINGS.empty_table()]
        for detector in asked:
            text = detector.sql_of(there.parts(detector))
            found.append(self._run(detector, first, last, text=text, reach=there.reach))
        began = self._clock.monotonic()
        found.append(self.sigma.findings(first, last, there.kinds))
        self._took_since("sigma", began)
        return pa.concat_tables(found)

    def _run(
        self,
        detector: Detector,
        first: int,
        last: int,
        threshold: float = 0.0,
        text: str = "",
        reach: Reach | None = None,
    ) -> pa.Table:
        window = {"first_event_id": first, "last_event_id": last, "threshold": threshold}
        params = {**detector.parameters(self._settings.detection), **window}
        began = self._clock.monotonic()
        wide = reach or self._around(first, last)
        found = self._store.sql(text or detector.sql, params, reach=wide, few=True)
        self._took_since(detector.name, began)
        return found.select(FINDINGS.names).cast(FINDINGS)

    def _took_since(self, name: str, began: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + self._clock.monotonic() - began

    def _around(self, first: int, last: int) -> Reach:
        """What a detector may look at: the events of the window, and all that lie within its look-back in time."""
        if not self._store.has_archive:
            return Reach(first, last)
        text = "SELECT min(time) AS low, max(time) AS high FROM events WHERE event_id BETWEEN $first AND $last"
        window = {"first": first, "last": last}
        span = self._store.sql(text, window, reach=Reach(first, last)).to_pylist()[0]
        back = look_back(self._settings.detection)
        times = (span["low"] - back, span["high"] + back) if span["low"] else (None, None)
        return Reach(first - FLOW_LOOK_BACK, last, (), *times)

    def _judged(self, tx: Transaction, first: int, last: int) -> bool:
        return judge(tx, lambda: self.scoring.predictor("query").threshold, first, last)

    # -- alerts, incidents, knowledge ----------------------------------------------------------------------------

    def commit(self, tx: Transaction, findings: pa.Table) -> bool:
        """Merge findings into alerts, incidents and knowledge; true when there were any. For every consumer."""
        if findings.num_rows == 0:
            return False
        touched = merge_findings(tx, findings)
        self.regroup(tx, touched)
        unmatched = tx.sql(
            "SELECT * FROM alerts WHERE knowledge_id IS NULL AND alert_key IN (SELECT unnest($touched::VARCHAR[]))",
            {"touched": touched},
        )
        save_knowledge(tx, {row["alert_id"]: self._best(row) for row in unmatched.to_pylist()})
        return True

    def regroup(self, tx: Transaction, alert_keys: Sequence[str]) -> None:
        """Extract the incidents of the actors behind these alerts again."""
        alerts = alerts_for_extraction(tx, alert_keys)
        save_extraction(tx, extract(alerts, supporting_events(tx, alerts)))

    def _best(self, alert: dict[str, object]) -> str:
        found = self._library.match(alert)
        return found[0].entry.id if found else ""
