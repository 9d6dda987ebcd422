"""Health of the sources: a log that falls silent, vanishes, is cut, changes its format or turns unreadable is an alert.

What is not seen cannot be found, so losing a log is news by itself, and it is what intruders do first. Each symptom of
a source is one alert (detector ``source-health``, risk type ``health``): it is closed when the source recovers, and
opened again, with one finding more, when it fails anew. An alert that an analyst called a false positive stays one.
Health alerts accuse nobody and take no part in incidents.

Only followed logs are looked at: what ``ingest`` read once is nobody's duty to keep.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from soc_tui.acquisition.identity import is_rotated
from soc_tui.acquisition.recent import other_format
from soc_tui.core.clock import Clock, iso, naive_utc
from soc_tui.core.schema import FINDINGS
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.types import HEALTH, SourceState
from soc_tui.knowledge.library import Library
from soc_tui.management.follow import Follower
from soc_tui.management.intake import Intake
from soc_tui.store.casework import merge_findings, save_knowledge
from soc_tui.store.database import Store

log = logging.getLogger(__name__)

DETECTOR = "source-health"
STEADY_ARRIVALS = 20
"""So often must a log have brought new records before its silence means anything."""
RECENT_RECORDS = 200
"""The records that the share of rejects is taken of."""
_FEWEST_RECENT = 20
_FORGET = 0.998
"""A long pause of long ago counts less with every arrival."""
_SAVE_SECONDS = 60.0
_FORMAT_SECONDS = 60.0
_DATED = re.compile(r"\d{4}[-_.]?\d{2}[-_.]?\d{2}")
_UNREADABLE = re.compile(r"permission denied|cannot be (?:read|opened)")

KINDS = {
    "silent": ("Log source silent", ("T1562.001",)),
    "gone": ("Log source gone", ("T1070.002",)),
    "truncated": ("Log source truncated", ("T1070.002",)),
    "format": ("Log source changed format", ()),
    "unreadable": ("Log source unreadable", ()),
}
"""Title and ATT&CK techniques of each symptom."""


@dataclass(frozen=True)
class Symptom:
    """Something wrong with one source."""

    kind: str
    """One of :data:`KINDS`."""
    path: str
    """The log, or the directory that took all its logs with it."""
    why: str
    """The facts in words."""


@dataclass
class _Rhythm:
    """When one log brought new records; monotonic seconds."""

    arrivals: int = 0
    longest_gap: float = 0.0
    last_arrival: float | None = None
    """None until one came in this engine's life: a pause of the engine is none of the log."""
    arrived: datetime | None = None
    waiting_since: float = 0.0
    recent: deque[tuple[int, int]] = field(default_factory=deque)
    """Records read and rejected, newest last."""
    format_checked: float = 0.0
    other: str = ""

    def arrive(self, now: float, moment: datetime) -> None:
        if self.last_arrival is not None:
            self.longest_gap = max(now - self.last_arrival, self.longest_gap * _FORGET)
        self.arrivals += 1
        self.last_arrival = self.waiting_since = now
        self.arrived = moment

    def count(self, read: int, rejected: int) -> None:
        self.recent.append((read, rejected))
        while sum(r for r, _ in self.recent) - self.recent[0][0] >= RECENT_RECORDS:
            self.recent.popleft()


class SourceHealth:
    """Looks at the followed sources and keeps their alerts.

    Args:
        store: the workspace.
        settings: ``silent_minutes``, ``silent_factor``, ``gone_seconds``, ``reject_share``.
        clock: for ages and pauses.
        intake: whose sources.
        follower: what is watched, and what of it could not be read.
        library: the knowledge that alerts are matched with.
        on_change: called when an alert was raised, closed or opened again.
    """

    def __init__(
        self, store: Store, settings: AcquisitionSettings, clock: Clock, intake: Intake, follower: Follower,
        library: Library,
        on_change: Callable[[], None],
    ) -> None:  # fmt: skip
        self._store, self._settings, self._clock = store, settings, clock
        self._intake, self._follower = intake, follower
        self._library, self._on_change = library, on_change
        now = clock.monotonic()
        self._began = self._listened = now
        self._counted = {state.source_id: state for state in intake.states()}
        self._ended = {state.source_id for state in intake.states() if state.state == "done"}
        self._rhythms: dict[str, _Rhythm] = {}
        self._missing_since: dict[str, float] = {}
        self._next_save = now + _SAVE_SECONDS
        self._failing = self._open_alerts()
        self._load()

    def check(self) -> None:
        """One look at everything; cheap, to be called every few seconds."""
        now = self._clock.monotonic()
        states = [state for state in self._intake.states() if self._followed(state.path)]
        self._listen(states, now)
        found = {(s.kind, s.path): s for s in self._symptoms(states, now)}
        raised = [symptom for key, symptom in found.items() if key not in self._failing]
        recovered = [key for key in self._failing if key not in found and self._recovered(*key)]
        if raised:
            self._raise(raised)
        if recovered:
            self._close(recovered)
        if raised or recovered:
            self._on_change()
        if now >= self._next_save:
            self.save()
            self._next_save = now + _SAVE_SECONDS

    # -- listening -------------------------------------------------------------------------------------------------

    def _followed(self, path: str) -> bool:
        return any(Path(path).is_relative_to(root) for root in self._follower.watched)

    def _listen(self, states: Iterable[SourceState], now: float) -> None:
        moment, since, self._listened = naive_utc(self._clock.now()), self._listened, now
        for state in states:
            before = self._counted.get(state.source_id, SourceState(state.path))
            read = state.records_read - before.records_read
            if read > 0:
                # When it was read, but since the last look: the clock on the wall may have been set.
                ago = (moment - state.last_read).total_seconds() if state.last_read else 0.0
                ago = min(max(ago, 0.0), now - since)
                rhythm = self._rhythm(state.path)
                rhythm.arrive(now - ago, moment - timedelta(seconds=ago))
                rhythm.count(read, state.records_rejected - before.records_rejected)
            self._counted[state.source_id] = state

    def _rhythm(self, path: str) -> _Rhythm:
        return self._rhythms.setdefault(path, _Rhythm(waiting_since=self._clock.monotonic()))

    # -- symptoms --------------------------------------------------------------------------------------------------

    def _symptoms(self, states: Sequence[SourceState], now: float) -> list[Symptom]:
        newest = {state.path: state for state in states if not _put_away(state.path)}  # the highest number wins
        found = self._gone(newest, now)
        lost = [symptom.path for symptom in found]
        found += self._truncated(states)
        found += self._denied(states)
        for path, state in newest.items():
            if state.state == "active" and not any(Path(path).is_relative_to(one) for one in lost):
                found += [*self._silent(state, now), *self._reshaped(state, now)]
        return found

    def _silent(self, state: SourceState, now: float) -> list[Symptom]:
        rhythm, least = self._rhythm(state.path), self._settings.silent_minutes * 60
        if least <= 0 or rhythm.arrivals < STEADY_ARRIVALS or not Path(state.path).exists():
            return []
        silence = now - max(rhythm.waiting_since, self._began)
        bound = max(least, self._settings.silent_factor * rhythm.longest_gap)
        if silence <= bound:
            return []
        last = f", last record read at {iso(rhythm.arrived)}" if rhythm.arrived else ""
        usual = f"its longest usual pause is {_span(rhythm.longest_gap)}"
        return [Symptom("silent", state.path, f"nothing new for {_span(silence)}; {usual}{last}")]

    def _gone(self, newest: dict[str, SourceState], now: float) -> list[Symptom]:
        gone = []
        for path, state in newest.items():
            removed = state.error == "the file was removed" and state.source_id not in self._ended
            if (removed or state.state == "active") and not Path(path).exists():
                since = self._missing_since.setdefault(path, now)
                if now - since >= self._settings.gone_seconds:
                    gone.append(path)
            else:
                self._missing_since.pop(path, None)
        found = []
        for root in map(str, self._follower.watched):
            below = [path for path in newest if path != root and Path(path).is_relative_to(root)]
            if len(below) > 1 and set(below) <= set(gone):
                how = "is empty of them (was its disk unmounted?)" if Path(root).is_dir() else "is gone itself"
                found.append(Symptom("gone", root, f"all {len(below)} logs of the directory are gone; it {how}"))
                gone = [path for path in gone if path not in below]
        return found + [
            Symptom(
                "gone", path, f"the file was removed and nothing took its place; {newest[path].offset} bytes were read"
            )
            for path in gone
        ]

    def _truncated(self, states: Sequence[SourceState]) -> list[Symptom]:
        """Sources that ended in this engine's life because their bytes vanished while the file stayed."""
        found = []
        for state in states:
            if state.state != "done" or state.source_id in self._ended:
                continue
            cut = state.error == "the file was removed or truncated" and not _put_away(state.path)
            if cut and Path(state.path).exists():
                why = f"its content was cut or replaced after {state.offset} bytes and no copy of it is beside it"
                found.append(Symptom("truncated", state.path, why))
        return found

    def _reshaped(self, state: SourceState, now: float) -> list[Symptom]:
        rhythm = self._rhythm(state.path)
        read, rejected = (sum(pair[i] for pair in rhythm.recent) for i in (0, 1))
        earlier, bad = state.records_read - read, state.records_rejected - rejected
        usual = self._settings.reject_share
        if read >= _FEWEST_RECENT and rejected > usual * read and earlier > 0 and bad <= usual * earlier:
            why = (
                f"{rejected} of its last {read} records could not be read as {state.format}, before {bad} of {earlier}"
            )
            return [Symptom("format", state.path, why)]
        if read >= _FEWEST_RECENT and now - rhythm.format_checked >= _FORMAT_SECONDS:
            rhythm.format_checked = now
            rhythm.other = other_format(state, self._settings)
        if rhythm.other:
            return [Symptom("format", state.path, f"it was read as {state.format}, its new lines are {rhythm.other}")]
        return []

    def _denied(self, states: Sequence[SourceState]) -> list[Symptom]:
        """Paths that were read before and may not be read now; what never could be is no change."""
        return [
            Symptom("unreadable", path, text)
            for path, text in sorted(self._follower.unreadable.items())
            if _UNREADABLE.search(text) and any(Path(state.path).is_relative_to(path) for state in states)
        ]

    def _recovered(self, kind: str, path: str) -> bool:
        if kind == "silent":
            rhythm = self._rhythms.get(path)
            return rhythm is not None and rhythm.last_arrival is not None
        if kind == "gone":
            return any(Path(s.path).is_relative_to(path) and Path(s.path).exists() for s in self._intake.states())
        if kind == "unreadable":
            return _readable(Path(path))
        if kind == "format":  # a whole window of good records, not merely a new engine that has seen none yet
            rhythm = self._rhythms.get(path)
            return rhythm is not None and sum(read for read, _ in rhythm.recent) >= _FEWEST_RECENT
        return False  # what was cut does not come back: a person closes it

    # -- alerts ----------------------------------------------------------------------------------------------------

    def _open_alerts(self) -> set[tuple[str, str]]:
        rows = self._store.sql(
            "SELECT alert_key FROM alerts WHERE detector = $detector AND state IN ('open', 'acknowledged')",
            {"detector": DETECTOR},
        )
        keys = (key.split("|", 2) for key in rows.column("alert_key").to_pylist())
        return {(kind, path) for _, kind, path in keys}

    def _raise(self, symptoms: Sequence[Symptom]) -> None:
        now = naive_utc(self._clock.now())
        findings = pa.Table.from_pylist([_finding(symptom, now) for symptom in symptoms], FINDINGS)
        with self._store.transaction() as tx:
            keys = merge_findings(tx, findings)
            tx.execute(
                "UPDATE alerts SET state = 'open'"
                " WHERE state = 'closed' AND list_contains($keys::VARCHAR[], alert_key)",
                {"keys": keys},
            )
            rows = tx.sql("SELECT * FROM alerts WHERE list_contains($keys::VARCHAR[], alert_key)", {"keys": keys})
            best = {row["alert_id"]: self._library.match(row) for row in rows.to_pylist()}
            save_knowledge(tx, {number: found[0].entry.id if found else "" for number, found in best.items()})
        for symptom in symptoms:
            log.warning("source %s: %s: %s", symptom.path, symptom.kind, symptom.why)
        self._failing |= {(symptom.kind, symptom.path) for symptom in symptoms}

    def _close(self, keys: Sequence[tuple[str, str]]) -> None:
        with self._store.transaction() as tx:
            tx.execute(
                "UPDATE alerts SET state = 'closed' WHERE state IN ('open', 'acknowledged')"
                " AND list_contains($keys::VARCHAR[], alert_key)",
                {"keys": [_key(*key) for key in keys]},
            )
        self._failing -= set(keys)

    # -- memory ----------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Keep what was learned for the next engine."""
        numbers = {state.path: state.source_id for state in self._intake.states()}
        rows = [
            {
                "path": path, "arrivals": rhythm.arrivals, "longest_gap": rhythm.longest_gap,
                "last_arrival": rhythm.arrived,
                "last_event_time": self._intake.meter.last_event_time(numbers.get(path, 0)),
            }
            for path, rhythm in self._rhythms.items() if rhythm.arrived is not None
        ]  # fmt: skip
        if rows:
            with self._store.transaction() as tx:
                tx.execute("INSERT OR REPLACE INTO source_pace BY NAME SELECT * FROM incoming",
                           tables={"incoming": pa.Table.from_pylist(rows, _PACE)})  # fmt: skip

    def _load(self) -> None:
        numbers = {state.path: state.source_id for state in self._intake.states()}
        for row in self._store.sql("SELECT * FROM source_pace").to_pylist():
            rhythm = _Rhythm(
                row["arrivals"], row["longest_gap"], arrived=row["last_arrival"], waiting_since=self._began
            )
            self._rhythms[row["path"]] = rhythm
            if row["path"] in numbers:
                self._intake.meter.remembered(numbers[row["path"]], row["last_event_time"])


_PACE = pa.schema(
    [
        ("path", pa.string()), ("arrivals", pa.int64()), ("longest_gap", pa.float64()),
        ("last_arrival", pa.timestamp("us")), ("last_event_time", pa.timestamp("us")),
    ]
)  # fmt: skip


def _finding(symptom: Symptom, now: datetime) -> dict[str, object]:
    title, techniques = KINDS[symptom.kind]
    key = _key(symptom.kind, symptom.path)
    return {
        "finding_id": hashlib.md5(f"{key}|{now.isoformat()}".encode(), usedforsecurity=False).hexdigest(),
        "alert_key": key, "detector": DETECTOR, "risk_type": HEALTH, "title": f"{title}: {symptom.path}",
        "severity": "medium", "score": 0.5, "time": now, "time_last": now, "target": symptom.path, "event_count": 0,
        "techniques": list(techniques), "event_ids": [],
        "explanation": json.dumps([{"field": symptom.kind, "value": symptom.why, "weight": 0.5}]),
    }  # fmt: skip


def _key(kind: str, path: str) -> str:
    return f"{DETECTOR}|{kind}|{path}"


def _put_away(path: str) -> bool:
    """Names of old logs, which end, are cut and vanish in the ordinary course of things."""
    return is_rotated(path) or bool(_DATED.search(Path(path).name))


def _readable(path: Path) -> bool:
    try:
        if path.is_dir():
            next(iter(path.iterdir()), None)
        else:
            path.open("rb").close()
    except OSError:
        return False
    return True


def _span(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
