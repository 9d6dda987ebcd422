"""The detection tools at work: on demand, on schedule, and on what an alert names.

A scan is a source like any other: its findings are events, its offset counts them, and both commit together. What is
owned (``[scan]`` in the settings) is looked through every ``scan.every_hours``, and sooner when an alert that no scan
raised names it.
"""

from __future__ import annotations

import logging
import math
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa

from soc_tui.analysis.encoding.lexer import decode
from soc_tui.core.clock import Clock
from soc_tui.core.errors import SocTuiError, UsageError
from soc_tui.core.schema import REJECTS
from soc_tui.core.settings import Settings
from soc_tui.core.text import without_secret
from soc_tui.core.types import SourceState
from soc_tui.detection.detectors import TOOLS, WEB_ATTACK
from soc_tui.detection.files.judging import Judge
from soc_tui.detection.rooms import KINDS, Look, look_of, owned
from soc_tui.detection.tools import FORMAT, Finding, Tool, Watch, events_of
from soc_tui.management.probing import probe
from soc_tui.management.scoring import Scoring
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks, load_sources
from soc_tui.store.reach import Reach

log = logging.getLogger(__name__)
_AT_ONCE = 1000
"""Findings of one commit."""
_FIRST_SECONDS = 60.0
"""How long after its start an engine begins: one that serves a single command should not begin to scan."""
_LOOK_SECONDS = 5.0
"""How often new alerts are looked at for assets they name."""
_AGAIN = timedelta(hours=1)
"""Alerts make a target be looked at again after so long at the earliest."""
_PROGRESS_SECONDS = 0.1
_MOST_NOTES = 1000
"""Characters of a scan's notes that its source keeps."""
_MOST_ALERTS = 1000
"""New alerts that are looked at together: a flood names the same few assets."""


@dataclass(frozen=True)
class _Batch:
    """Findings and their source after them, as ``store.intake.append_chunks`` takes them."""

    state: SourceState
    events: pa.Table
    rejects: pa.Table


class Job(NamedTuple):
    """A scan."""

    kind: str
    target: str

    @property
    def shown(self) -> str:
        """The target without the password that a URL may hold."""
        return without_secret(self.target) if self.kind in {"website", "database"} else self.target

    @property
    def path(self) -> str:
        """What its source is called."""
        return f"scan:{self.kind}:{self.shown}"


class _Progress:
    """Tells how far a scan is, ten times a second at most: tools count every file. The last is always told."""

    def __init__(self, clock: Clock, tell: Callable[[dict[str, Any]], None]) -> None:
        self._clock, self._tell = clock, tell
        self._next = -math.inf
        self._kept: dict[str, Any] | None = None

    def __call__(self, what: str, done: int, of: int) -> None:
        self._kept = {"progress": {"step": "scan", "path": what, "done": done, "of": of}}
        now = self._clock.monotonic()
        if now >= self._next:
            self._next = now + _PROGRESS_SECONDS
            self.end()

    def end(self) -> None:
        """Tell what was kept back."""
        if self._kept is not None:
            self._tell(self._kept)
            self._kept = None


class Scanning:
    """Scans of one engine; safe from any thread, one scan of a target at a time.

    Args:
        store: the workspace.
        settings: what is owned and how it is looked at.
        clock: when it was looked.
        scoring: whose ``code`` network judges source texts.
        on_events: called after a commit that added events.
        look_of: gives what looks at targets of a kind.
    """

    def __init__(
        self, store: Store, settings: Settings, clock: Clock, scoring: Scoring, on_events: Callable[[], None],
        look_of: Callable[..., Look] = look_of,
    ) -> None:  # fmt: skip
        self._store, self._settings, self._clock, self._scoring = store, settings, clock, scoring
        self._on_events, self._look_of = on_events, look_of
        self._host = socket.gethostname()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._running: set[Job] = set()
        self._begin = clock.monotonic() + _FIRST_SECONDS
        self._seen_alert = self._newest_alert()
        self._attacked: dict[str, list[str]] = {}
        """By owned website: the keys of new alerts about attacks on it."""

    def stop(self) -> None:
        """End every scan after the file, request or package it is at."""
        self._stopping.set()

    # -- one scan --------------------------------------------------------------------------------------------------

    def scan(self, kind: str, target: str) -> Iterator[dict[str, Any]]:
        """Look at a target.

        Yields:
            ``{"progress": {...}}`` and ``{"note": text}`` while it runs, ``{"finding": {...}}`` for each finding, last
            ``{"result": {kind, target, findings, by_severity, notes, seconds}}``.

        Raises:
            SocTuiError: the target may not be looked at, or is being looked at.
        """
        job, began = Job(kind, target), self._clock.monotonic()
        look = self._look_of(kind, self._settings.scan, self._settings.workspace, self._judge())
        with self._lock:
            if job in self._running:
                raise SocTuiError(f"{job.shown} is being looked at already", remedy="wait until that scan is done")
            self._running.add(job)
        try:
            counts: dict[str, int] = {}
            notes: list[str] = []
            for said in self._looked(look, job, notes):
                if "finding" in said:
                    counts[said["finding"]["severity"]] = counts.get(said["finding"]["severity"], 0) + 1
                yield said
        finally:
            with self._lock:
                self._running.discard(job)
        yield {
            "result": {
                "kind": kind, "target": job.shown, "findings": sum(counts.values()), "by_severity": counts,
                "notes": notes, "seconds": round(self._clock.monotonic() - began, 3),
            }
        }  # fmt: skip

    def _looked(self, look: Look, job: Job, notes: list[str]) -> Iterator[dict[str, Any]]:
        """Run the look in a thread of its own, so that progress is told while it thinks; gathers its ``notes``."""
        told: queue.Queue[Any] = queue.Queue(maxsize=1000)
        left = threading.Event()
        progress = _Progress(self._clock, told.put)
        watch = Watch(
            note=lambda text: told.put({"note": text}),
            progress=progress,
            stopping=lambda: left.is_set() or self._stopping.is_set(),
        )  # fmt: skip

        def run() -> None:
            try:
                try:
                    for pair in look(job.target, watch):
                        told.put(pair)
                        if watch.stopping():
                            break
                finally:
                    progress.end()
                told.put(None)
            except BaseException as error:
                told.put(error)

        thread = threading.Thread(target=run, name=f"soc-tui-scan-{job.kind}", daemon=True)
        thread.start()
        waiting: list[tuple[Tool, Finding]] = []
        refused = False
        state = self._state(job)
        try:
            while (item := told.get()) is not None:
                if isinstance(item, BaseException):
                    refused = isinstance(item, UsageError)
                    notes.append(f"the scan ended early: {item}")
                    raise item
                if isinstance(item, dict):
                    notes += [item["note"]] if "note" in item else []
                    yield item
                    continue
                waiting.append(item)
                yield {"finding": _shown(*item)}
                if len(waiting) >= _AT_ONCE:
                    state, waiting = self._keep(state, waiting), []
        finally:  # what was found before an error, or before the client left, is found
            left.set()
            if not refused:  # what may not be looked at is no source
                state = self._keep(replace(state, error="; ".join(notes)[:_MOST_NOTES]), waiting)
            if late := _unheard(told, thread):
                self._keep(state, late)

    def _state(self, job: Job) -> SourceState:
        sources = load_sources(self._store)
        known = [source for source in sources if source.format == FORMAT and source.path == job.path]
        return known[-1] if known else SourceState(job.path, format=FORMAT)

    def _keep(self, state: SourceState, found: list[tuple[Tool, Finding]]) -> SourceState:
        """Commit findings with their source; without any, that it was looked."""
        now = self._clock.now()
        if not state.source_id:
            state = replace(state, source_id=self._store.next_source_id())
        count = state.offset + len(found)
        after = replace(state, offset=count, size=count, records_read=count, records_stored=count, last_read=now)
        events = events_of(found, self._host, now, state.offset)
        append_chunks(self._store, [_Batch(after, events, REJECTS.empty_table())], now)
        if found:
            self._on_events()
        return after

    def _judge(self) -> Judge | None:
        if not self._settings.analysis.enabled:
            return None

        def judge(sources: Sequence[tuple[str, bytes]]) -> list[tuple[float, str, str]]:
            texts = pa.array([decode(content) for _, content in sources], pa.string())
            rows = self._scoring.predictor("code").score(pa.table({"value": texts})).to_pylist()
            return [(row["score"], row["label"], row["explanation"]) for row in rows]

        return judge

    # -- by themselves ---------------------------------------------------------------------------------------------

    def step(self) -> float:
        """Scan what is due; returns the seconds until something may be."""
        now = self._clock.monotonic()
        if now < self._begin:
            return self._begin - now
        due = self.due()
        self.ask_attacked()
        for job in due:
            if self._stopping.is_set():
                break
            try:
                for _ in self.scan(*job):
                    pass
            except SocTuiError as error:  # its source keeps what went wrong; the others are looked at all the same
                log.warning("the scan of %s ended early: %s", job.shown, error)
        return _LOOK_SECONDS

    def ask_attacked(self) -> None:
        """Ask the attacked websites of the last :meth:`due`, inertly, about the attacked pages."""
        waiting, self._attacked = self._attacked, {}
        for target, alert_keys in waiting.items():
            try:
                watch = Watch(stopping=self._stopping.is_set)
                probe(self._store, self._settings.scan, self._scoring, self._clock, target, alert_keys, watch)
            except SocTuiError as error:
                log.warning("%s could not be asked about the attacks on it: %s", target, error)

    def due(self) -> list[Job]:
        """Owned targets whose time has come, and those that new alerts name."""
        last = {s.path: s.last_read for s in load_sources(self._store) if s.format == FORMAT}
        every, now = timedelta(hours=self._settings.scan.every_hours), self._clock.now()

        def waited(job: Job, pause: timedelta) -> bool:
            looked = last.get(job.path)
            return looked is None or now - looked.replace(tzinfo=UTC) >= pause

        mine = [Job(kind, target) for kind in KINDS for target in self._owned(kind)]
        named = self._named(mine) if self._settings.scan.automatic and mine else []
        due = [job for job in mine if every and waited(job, every)]
        return list(dict.fromkeys([*(job for job in named if waited(job, _AGAIN)), *due]))

    def _owned(self, kind: str) -> tuple[str, ...]:
        return owned(kind, self._settings.scan, self._settings.acquisition.websites)

    def _newest_alert(self) -> int:
        return int(self._store.sql("SELECT coalesce(max(alert_id), 0) AS n FROM alerts")["n"][0].as_py())

    def _named(self, mine: list[Job]) -> list[Job]:
        """Owned targets that alerts name which are newer than the last look; alerts of scans name nothing."""
        rows = self._store.sql(
            "SELECT alert_id, alert_key, detector, risk_type, host, dst_ip, dst_port, target, event_ids FROM alerts"
            " WHERE alert_id > $seen AND NOT list_contains($tools::VARCHAR[], detector) AND risk_type <> 'health'"
            " ORDER BY alert_id LIMIT $most",
            {"seen": self._seen_alert, "tools": [tool.name for tool in TOOLS], "most": _MOST_ALERTS},
        ).to_pylist()
        if not rows:
            return []
        self._seen_alert = rows[-1]["alert_id"]
        ids = sorted({event_id for row in rows for event_id in row["event_ids"] or ()})
        hosts = self._store.sql(
            "SELECT DISTINCT lower(url_host) AS host FROM events WHERE event_id IN (SELECT unnest($ids::BIGINT[]))"
            " AND url_host IS NOT NULL",
            {"ids": ids}, reach=Reach(event_ids=ids),
        )["host"].to_pylist()  # fmt: skip
        named = {job: [row for row in rows if _names(row, hosts, job, self._host, mine)] for job in mine}
        for job, by in named.items():
            keys = [row["alert_key"] for row in by if row["detector"] == WEB_ATTACK.name]
            if job.kind == "website" and keys and self._settings.analysis.enabled:
                self._attacked.setdefault(job.target, []).extend(keys)
        return [job for job, by in named.items() if by]


def _unheard(told: queue.Queue[Any], thread: threading.Thread) -> list[tuple[Tool, Finding]]:
    """Wait for a scan to end, which may wait to be heard; the findings that nobody has taken."""
    found = []
    while thread.is_alive() or not told.empty():
        try:
            item = told.get(timeout=0.1)
        except queue.Empty:
            continue
        found += [item] if isinstance(item, tuple) else []
    return found


def _names(row: Mapping[str, Any], hosts: list[str], job: Job, here: str, mine: list[Job]) -> bool:
    """Whether an alert names a target: the one website when no log says which, a service by address and port."""
    match job.kind:
        case "website":
            name = (urlsplit(job.target).hostname or "").lower()
            alone = sum(one.kind == "website" for one in mine) == 1
            attacked = row["risk_type"] in {"web-attack", "page-tampering", "malicious-code"}
            return name in hosts or name in {row["dst_ip"], row["host"]} or (attacked and alone and not hosts)
        case "database":
            parts = urlsplit(job.target)
            return parts.hostname == row["dst_ip"] and row["dst_port"] in {parts.port, None}
        case "files":
            return str(row["target"] or "").startswith(job.target.rstrip("/") + "/")
        case _:
            return bool(row["host"] == here)


def _shown(tool: Tool, one: Finding) -> dict[str, Any]:
    return {
        "tool": tool.name, "check": one.check, "severity": one.severity, "confidence": one.confidence,
        "title": one.title, "target": one.target, "kind": one.kind, "risk_type": one.risk_type or tool.risk_type,
        "evidence": one.evidence.decode("utf-8", "backslashreplace"), "techniques": list(one.techniques),
        "cwe": list(one.weaknesses), "cve": list(one.vulnerabilities), "exploited": one.exploited,
        "remedy": one.remedy, "fields": dict(one.fields),
    }  # fmt: skip
