"""The management centre: the process that owns a workspace and connects and calls every module."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from soc_tui.acquisition.enrichment.indicators import find_files
from soc_tui.acquisition.formats import formats_for
from soc_tui.core.clock import Clock, SystemClock
from soc_tui.core.errors import EngineError, SocTuiError
from soc_tui.core.settings import Settings
from soc_tui.detection.rooms import dry_run
from soc_tui.knowledge.library import Library
from soc_tui.management.desk import Desk
from soc_tui.management.enrichment import MODULE as ENRICHED_MODULE
from soc_tui.management.enrichment import Enrichment
from soc_tui.management.follow import Follower
from soc_tui.management.health import Health, Worker
from soc_tui.management.intake import Intake
from soc_tui.management.keeper import Keeper
from soc_tui.management.lag import total
from soc_tui.management.learning import Learning
from soc_tui.management.model_health import ModelHealth
from soc_tui.management.pipeline import Pipeline
from soc_tui.management.queries import Queries
from soc_tui.management.scanning import Scanning
from soc_tui.management.service import Service
from soc_tui.management.sigma import adopt_rules
from soc_tui.management.source_health import SourceHealth
from soc_tui.management.stopping import Stopping
from soc_tui.management.suppressing import Suppressing
from soc_tui.management.tally import Tally
from soc_tui.management.website import Website
from soc_tui.management.wire import error_to_dict, socket_path
from soc_tui.store.database import Store
from soc_tui.store.hunt import Hunt
from soc_tui.store.intake import last_event_id

log = logging.getLogger(__name__)
_HOUSEKEEPING_SECONDS = 5.0
_STANDS_BACK = 10
"""The nice value of what examines events: reading goes first, so a flood is stored when it comes and examined after."""
_PATIENCE_SECONDS = 5.0
"""How long a stop lets statements run on."""
_STOP_SECONDS, _CLOSE_SECONDS = 20.0, 10.0
"""The most that a stop waits: for calls and steps, and then for the store."""
_CONSUMERS = ("enrichment", "detection", "analysis")
"""The workers that examine events."""


class Engine:
    """Everything of one workspace: store, modules, workers and the Flight service.

    Args:
        settings: where and how.
        clock: the source of "now".
        demo: responses are previewed only, and consoles say so.

    Raises:
        SocTuiError: the workspace cannot be opened, the knowledge database or an access log layout of the settings is
            wrong.
    """

    def __init__(self, settings: Settings, *, clock: Clock | None = None, demo: bool = False) -> None:
        formats_for(settings.acquisition)  # compiles the layouts: a wrong one is told now, not when a file comes
        self.settings, self.clock, self.demo = settings, clock or SystemClock(), demo
        self.health = Health(self.clock)
        self.store = Store.open(settings.workspace / "workspace.duckdb", settings.store)
        self._revision = 0
        self.library = Library(settings.workspace / "knowledge")
        self.intake = Intake(self.store, settings.acquisition, self.clock, self._events_arrived)
        self.follower = Follower(self.intake, settings.acquisition, self.clock, self.health)
        self.pipeline = Pipeline(self.store, settings, self.clock, self.health, self.library, self._changed)
        self.enrichment = Enrichment(self.store, settings, self.clock, self.health, self.pipeline.commit, self._changed)
        self.health.update("protection", detail="audit chain")
        self.keeper = Keeper(self.store, settings, self.clock, self.health, self._changed)
        self.source_health = SourceHealth(
            self.store, settings.acquisition, self.clock, self.intake, self.follower, self.library, self._changed
        )
        self.learning = Learning(self.store, settings, self.clock, self.pipeline.scoring, self._changed)
        self.model_health = ModelHealth(
            self.store, self.learning, settings.analysis.drift_hours, self.clock, self.library, self._changed
        )
        self.scanning = Scanning(self.store, settings, self.clock, self.pipeline.scoring, self._events_arrived)
        self.desk = Desk(self)
        self.suppressing = Suppressing(self)
        self.queries = Queries(self.store, self.health, self.intake, self.clock)
        self.workers = {
            "acquisition": Worker(self.health, "acquisition", self.follower.step),
            "enrichment": Worker(self.health, ENRICHED_MODULE, self.enrichment.step),
            "detection": Worker(self.health, "detection", self.pipeline.detect, _STANDS_BACK),
            "analysis": Worker(self.health, "analysis", self.pipeline.analyse, _STANDS_BACK),
            "scans": Worker(self.health, "detection", self.scanning.step, _STANDS_BACK),
            "management": Worker(self.health, "management", self._look_after),
            "protection": Worker(self.health, "protection", self.keeper.step),
        }
        self.websites = [
            Website(self.store, path, settings.acquisition, self.clock, self._events_arrived)
            for path in dict.fromkeys(settings.acquisition.websites)
        ]
        for website in self.websites:  # a thread each, so that hashing a tree holds up no log
            self.workers[f"website {website.path}"] = Worker(self.health, "acquisition", website.step)
        self._service: Service | None = None
        self._hunts: dict[str, Hunt] = {}
        self._stopping = threading.Event()
        self.finished = threading.Event()
        self.health.update("knowledge", detail=f"{len(self.library.entries)} entries")
        self.health.update("remote", state="off", detail="no expert or sensor is configured")

    def start(self, watch: Sequence[Path] = ()) -> None:
        """Open the socket and start the workers; ``watch`` are files and directories to follow."""
        self.suppressing.expire()  # before anybody asks
        paths = [*watch, *(Path(path).expanduser().absolute() for path in self.settings.watch)]
        if paths:
            self.follower.watch(paths)
        self._service = Service(socket_path(self.settings.workspace), self._query_table(), self._command_table())
        for worker in self.workers.values():
            worker.start()
        self.health.update("management", state="running", detail="serving")
        self._changed()

    def stop(self) -> list[str]:
        """Stop serving, let the workers finish their step, and close the store; over within a limit.

        Everything is asked to end at once. What has not after :data:`_PATIENCE_SECONDS` has its statements interrupted,
        and what has not even then is left behind, which is as safe as the death of the process.

        Returns:
            What has not ended in time, in words; where it hangs is in the log. Usually nothing.
        """
        stopping = Stopping(_STOP_SECONDS)
        self._stopping.set()
        self.keeper.stop()
        self.scanning.stop()
        self.follower.halt()
        for worker in self.workers.values():
            worker.ask()
        for hunt in list(self._hunts.values()):
            threading.Thread(target=hunt.cancel, daemon=True).start()
        quiet = threading.Event()
        interrupter = threading.Thread(target=self._interrupt, args=(quiet,), daemon=True)
        interrupter.start()
        for website in self.websites:
            stopping.end(f"the watch over {website.path}", website.stop)
        if self._service is not None:
            stopping.end("a call of a client", self._service.close)
        for name, worker in self.workers.items():
            stopping.join(f"the step of {name}", worker)
        quiet.set()
        stopping.extend(_CLOSE_SECONDS)
        stopping.end("the watch over logs", self.follower.stop)
        stopping.end("the memory of the sources", self._save_health)
        self.intake.stop()
        stopping.end("the database", self.store.close)
        stopping.tell()
        self.finished.set()
        return stopping.unfinished

    def _interrupt(self, quiet: threading.Event) -> None:
        """After some patience, interrupt whatever runs in the store again and again until it is quiet."""
        wait = _PATIENCE_SECONDS
        while not quiet.wait(wait):
            self.store.interrupt()
            wait = 0.2

    def _save_health(self) -> None:
        with contextlib.suppress(SocTuiError):  # a full disk must not keep the engine from stopping
            self.source_health.save()

    def _look_after(self) -> float:
        """Housekeeping: actions whose time is over or that an earlier engine left half done; the sources' health."""
        self.desk.settle()
        self.suppressing.expire()
        self.source_health.check()
        self.model_health.check()
        self.health.touch("management")
        return _HOUSEKEEPING_SECONDS

    def in_use(self) -> bool:
        """True while a client is being served or has just been."""
        return self._service is not None and self._service.in_use()

    @property
    def revision(self) -> int:
        """Grows whenever something visible has changed."""
        return self._revision

    def changed(self) -> None:
        """Tell clients, at their next pulse, that something visible has changed."""
        self._changed()

    def _changed(self) -> None:
        self._revision += 1
        self.health.update("management", state="running")

    def _events_arrived(self) -> None:
        self._changed()
        for name in _CONSUMERS:
            self.workers[name].wake()

    # -- what clients may call -------------------------------------------------------------------------------------

    def _query_table(self) -> dict[str, Any]:
        names = (
            "alerts",
            "incidents",
            "attackers",
            "events",
            "templates",
            "clues",
            "incident",
            "alert",
            "attacker",
            "event",
            "evidence",
            "alert_evidence",
            "sources",
            "rejects",
            "actions",
            "audit",
            "status",
            "address",
            "indicators",
        )
        tables = {name: getattr(self.queries, name) for name in names}
        mine = {"hunt": self._hunt, "archive": self.keeper.archive, "suppressions": self.suppressing.suppressions}
        return {**tables, **mine}

    def _command_table(self) -> dict[str, Any]:
        desk = self.desk
        return {
            "ping": lambda: {"workspace": str(self.settings.workspace)},
            "bye": lambda: {},
            "pulse": self._pulse,
            "ingest": self._ingest,
            "watch": self._watch,
            "cancel": self._cancel,
            "scan": self._scan,
            "scan_requests": self._scan_requests,
            "load_indicators": self._load_indicators,
            "remove_indicators": self._remove_indicators,
            "load_sigma": self._load_sigma,
            "rerun_sigma": self._rerun_sigma,
            "knowledge": desk.knowledge,
            "plan": desk.plan,
            "apply": desk.apply,
            "undo": desk.undo,
            "set_state": desk.set_state,
            "suppress": self.suppressing.suppress,
            "unsuppress": self.suppressing.unsuppress,
            "propose_suppression": self.suppressing.propose,
            "verify_audit": desk.verify_audit,
            "archive_run": self.keeper.run,
            "archive_verify": self.keeper.verify,
            "calibrate": desk.calibrate,
            "restore_threshold": desk.restore_threshold,
            "learn": desk.learn,
            "drift": lambda: {"models": self.model_health.look()},
        }

    def lag(self, consumer: str) -> int:
        """Events that a consumer (enrichment, detection or analysis) has not yet examined."""
        return self.enrichment.lag() if consumer == "enrichment" else self.pipeline.lag(consumer)

    def _load_indicators(
        self, paths: list[str], form: str = "", severity: str = "", column: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Load files of indicators and match the stored events with them; a file that fails leaves the others."""
        began, before = time.monotonic(), self.store.read("totals").to_pylist()[0]
        tally = Tally()
        sources: list[dict[str, Any]] = []
        for path in find_files([Path(path) for path in paths]):
            try:
                sources.append(self.enrichment.load(path, form, severity=severity, column=column))
            except SocTuiError as error:
                tally.errors.append(error)
            yield {"progress": {"step": "load", "path": str(path), "behind": 0}}
        loaded = time.monotonic() - began
        self.workers["enrichment"].wake()
        yield from self._await_consumers(tally, ("enrichment",))
        after = self.store.read("totals").to_pylist()[0]
        yield {
            "result": {
                "sources": sources,
                "indicators": sum(source["indicators"] for source in sources),
                **{name: after[name] - before[name] for name in ("findings", "alerts", "incidents")},
                "load_seconds": round(loaded, 3),
                "seconds": round(time.monotonic() - began, 3),
                "errors": [error_to_dict(error) for error in tally.errors],
            }
        }

    def _scan(self, kind: str, target: str) -> Iterator[dict[str, Any]]:
        """Look at a target and examine what was found; the result counts the alerts that came of it."""
        before, tally = self.store.read("totals").to_pylist()[0], Tally()
        result: dict[str, Any] = {}
        for said in self.scanning.scan(kind, target):
            result = said.get("result", result)
            if "result" not in said:
                yield said
        yield from self._await_consumers(tally, ("detection",))
        after = self.store.read("totals").to_pylist()[0]
        errors = [error_to_dict(error) for error in tally.errors]
        yield {"result": {**result, "alerts": after["alerts"] - before["alerts"], "errors": errors}}

    def _scan_requests(self, kind: str, target: str) -> dict[str, Any]:
        return {"requests": dry_run(kind, target, self.settings.scan)}

    def _remove_indicators(self, source: str) -> dict[str, Any]:
        return {"source": source, "removed": self.enrichment.remove(source)}

    def _load_sigma(self, path: str) -> Iterator[dict[str, Any]]:
        """Take the Sigma rules of a folder in, match the stored events with them, and report."""
        yield from self._with_sigma(lambda: adopt_rules(self.pipeline.sigma, Path(path)))

    def _rerun_sigma(self, rules: list[str]) -> Iterator[dict[str, Any]]:
        """Match rules (beginnings of their ids; none: all) with the stored events again."""
        yield from self._with_sigma(lambda: {"rules": self.pipeline.sigma.rerun(rules)})

    def _with_sigma(self, begin: Callable[[], dict[str, Any]]) -> Iterator[dict[str, Any]]:
        began, before, tally = time.monotonic(), self.store.read("totals").to_pylist()[0], Tally()
        result = begin()
        yield {"progress": {"step": "load", "behind": self.pipeline.sigma.pending()}}
        yield from self._await_consumers(tally, ("detection",))
        after = self.store.read("totals").to_pylist()[0]
        found = {name: after[name] - before[name] for name in ("findings", "alerts", "incidents")}
        errors = [error_to_dict(error) for error in tally.errors]
        yield {"result": {**result, **found, "seconds": round(time.monotonic() - began, 3), "errors": errors}}

    def _pulse(self) -> dict[str, Any]:
        totals = {"events": last_event_id(self.store), **self.store.read("totals").to_pylist()[0]}
        rows = self.store.sql(
            "SELECT severity, count(*) AS n FROM alerts WHERE suppressed_by IS NULL"
            " AND state IN ('open', 'acknowledged') GROUP BY 1"
        ).to_pylist()
        return {
            **totals,
            "revision": self._revision,
            "by_severity": {row["severity"]: row["n"] for row in rows},
            "hunts": len(self._hunts),
            **total(self.intake.meter.recent(self.intake.states)),
            "demo": self.demo,
            "workspace": str(self.settings.workspace),
            "behind": {name: self.lag(name) for name in _CONSUMERS},
            "failed": [m.name for m in self.health.modules.values() if m.state == "failed"],
        }

    def _watch(self, paths: list[str]) -> dict[str, Any]:
        self.follower.watch([Path(path) for path in paths])
        self.workers["acquisition"].wake()
        return {"watching": paths}

    def _hunt(self, sql: str, hunt_id: str = "", rows: int = 0, seconds: float = 0.0) -> Any:
        limits = self.settings.store
        hunt = Hunt(
            self.store,
            sql,
            rows=min(rows or limits.hunt_rows, limits.hunt_rows),
            seconds=min(seconds or limits.hunt_seconds, limits.hunt_seconds),
        )
        self._hunts[hunt_id] = hunt
        try:
            result = hunt.run()
        finally:
            self._hunts.pop(hunt_id, None)
        return result.rows.replace_schema_metadata({"truncated": str(result.truncated).lower()})

    def _cancel(self, hunt_id: str) -> dict[str, Any]:
        hunt = self._hunts.get(hunt_id)
        if hunt is not None:
            hunt.cancel()
        return {"cancelled": hunt is not None}

    # -- batch -----------------------------------------------------------------------------------------------------

    def _ingest(self, paths: list[str], format: str | None = None) -> Iterator[dict[str, Any]]:
        """Read paths once, examine what was read, and report with exact accounting."""
        began, before = time.monotonic(), self.store.read("totals").to_pylist()[0]
        tally = Tally()
        failure: SocTuiError | None = None
        try:
            with self.health.activity("acquisition"), self.pipeline.batch():
                for progress in self.intake.ingest([Path(path) for path in paths], format, tally):
                    if self._stopping.is_set():
                        raise EngineError("the engine was stopped", remedy="run it again: it goes on where it stopped")
                    yield {"progress": {"step": "read", **progress}}
        except SocTuiError as error:
            failure = error  # what was committed stays and is reported; the remedy tells how to go on
        read_seconds = time.monotonic() - began
        yield from self._await_consumers(tally)
        after = self.store.read("totals").to_pylist()[0]
        errors = [*tally.errors, *([failure] if failure else [])]
        yield {
            "result": {
                "sources": [vars(source) for source in tally.sources.values()],
                **{name: tally.total(name) for name in ("bytes", "records_read", "records_stored", "records_rejected")},
                **{
                    name: after[name] - before[name]
                    for name in ("findings", "alerts", "alerts_suppressed", "incidents")
                },
                "seconds": round(time.monotonic() - began, 3),
                "read_seconds": round(read_seconds, 3),
                "errors": [error_to_dict(error) for error in errors],
                "skipped": [error_to_dict(error) for error in tally.skipped],
            }
        }

    def _await_consumers(self, tally: Tally, consumers: Sequence[str] = _CONSUMERS) -> Iterator[dict[str, Any]]:
        """Wait until every consumer has seen every event, or cannot go on."""
        consumers = [name for name in consumers if name != "analysis" or self.settings.analysis.enabled]
        self.pipeline.awaited.update(consumers)
        for name in consumers:
            self.workers[name].wake()
        try:
            for name in consumers:
                worker, shown = self.workers[name], -1
                while worker.is_alive() and not self._stopping.is_set() and (behind := self.lag(name)) > 0:
                    worker.wake()
                    if worker.failures:
                        tally.errors.append(self.health.error(ENRICHED_MODULE if name == "enrichment" else name))
                        break
                    if behind != shown:
                        yield {"progress": {"step": name, "behind": behind}}
                        shown = behind
                    time.sleep(0.1)
        finally:
            self.pipeline.awaited.difference_update(consumers)
