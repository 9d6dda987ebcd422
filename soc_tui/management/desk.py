"""What an analyst can do through the engine: look up knowledge, plan, repair, take back, triage, check the audit chain.

Every action is written ahead (its undo record and an audit record commit before anything runs), so a crash between
leaves a row that :meth:`Desk.settle` finds at the next start.
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from soc_tui.analysis.processing import repair_plan
from soc_tui.core.clock import iso, naive_utc
from soc_tui.core.errors import GuardError, ResponseError, SocTuiError, UsageError
from soc_tui.core.types import PlanStep, RepairPlan
from soc_tui.knowledge.matching import DETECTOR, Match
from soc_tui.management.wire import to_json
from soc_tui.protection import audit
from soc_tui.response.actions import ActionPreview
from soc_tui.response.responder import Responder
from soc_tui.response.surroundings import gather_context
from soc_tui.store.database import Transaction
from soc_tui.store.models import MARKS, drop_marks
from soc_tui.store.reach import Reach

if TYPE_CHECKING:
    from soc_tui.management.engine import Engine

log = logging.getLogger(__name__)

STATES = ("open", "acknowledged", "closed", "false-positive", "true-positive")
"""What an alert's ``state`` may be."""
_MARKS = {"false-positive": False, "true-positive": True}
"""States that tell a network whether it was right."""
_IN_FORCE = ("applying", "applied")
_SHOWN_FOR = timedelta(minutes=10)
"""How long a preview stays the one that apply runs."""


class Desk:
    """Commands of one engine; safe from any thread.

    Args:
        engine: whose store, library and settings.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._store, self._clock = engine, engine.store, engine.clock
        settings = engine.settings.response
        self._settings = dataclasses.replace(settings, enabled=settings.enabled and not engine.demo)
        self._responder = Responder(self._settings)
        self._shown: dict[tuple[str, str, int], ActionPreview] = {}
        self._lock = threading.Lock()  # two responders at once must not double-apply

    # -- knowledge and plans ---------------------------------------------------------------------------------------

    def knowledge(self, subject: str) -> dict[str, Any]:
        """The knowledge entries that fit an alert or incident, best first."""
        found = self._matches(self._subject(subject))[:5]
        return {"matches": [_match_dict(one) for one in found]}

    def plan(self, subject: str, action: str = "", ssh_connection: str = "") -> dict[str, Any]:
        """The repair plan of the best entry, and the exact preview of every step that can be run."""
        plan = self._plan(self._subject(subject), action)
        previews = []
        for number, step in enumerate(plan.steps):
            if step.action and step.mode != "manual":
                try:
                    preview = self._preview(plan, number, ssh_connection)
                except ResponseError as error:  # a step that this version cannot run must not hide the others
                    previews.append(_no_preview(number, step, error))
                    continue
                self._shown[plan.subject_id, action, number] = preview
                previews.append(_preview_dict(number, preview))
        return {**plan.as_dict(), "previews": previews}

    def _subject(self, subject: str) -> dict[str, Any]:
        """The row of ``A12``, ``12`` or ``I3`` with its ``subject_id``; an incident speaks for its worst alert."""
        found = re.fullmatch(r"([AI]?)(\d{1,18})", subject.strip().upper())
        if not found:
            raise UsageError(f"{subject!r} names no alert or incident", remedy="write A12 or I3")
        incident = found[1] == "I"
        column = "incident_id" if incident else "alert_id"
        rows = self._store.sql(
            f"SELECT * FROM alerts WHERE {column} = $id ORDER BY suppressed_by IS NOT NULL,"  # noqa: S608
            " severity_rank(severity) DESC, score DESC, alert_id LIMIT 1",
            {"id": int(found[2])},
        ).to_pylist()
        if not rows:
            raise UsageError(f"there is no {subject}", remedy="soc-tui alerts and incidents list what there is")
        return {**rows[0], "subject_id": f"{'I' if incident else 'A'}{found[2]}"}

    def _matches(self, row: Mapping[str, Any]) -> list[Match]:
        self._engine.health.touch("knowledge")
        return self._engine.library.match(row)

    def _plan(self, row: dict[str, Any], action: str) -> RepairPlan:
        found = [one for one in self._matches(row) if not one.weak]
        if not found:
            raise ResponseError(
                f"nothing is known of {row['subject_id']}", remedy="add a knowledge entry that matches it"
            )
        plan = repair_plan(row, found[0].entry)
        if not action:
            return plan
        steps = tuple(step for step in plan.steps if step.action == action)
        if not steps:
            if action not in self._responder.names:
                raise UsageError(f"there is no action {action!r}", remedy=f"known: {', '.join(self._responder.names)}")
            steps = (PlanStep("one-key", f"{action}, as asked for", action, str(row["src_ip"] or "")),)
        return dataclasses.replace(plan, steps=steps)

    def _preview(self, plan: RepairPlan, number: int, ssh_connection: str) -> ActionPreview:
        step = plan.steps[number]
        return self._responder.preview(
            step,
            gather_context(self._settings, ssh_connection),
            self._clock.now(),
            subject_id=plan.subject_id,
            affected=self._affected(step.target),
        )

    def _affected(self, address: str) -> list[str]:
        """Who and what a block hits: the address's sessions of the last 24 hours, from the store."""
        since = naive_utc(self._clock.now())
        day = Reach(time_from=since - timedelta(hours=24), time_to=since)
        rows = self._store.read("affected", {"address": address, "now": since}, day).to_pylist()
        if not rows:
            return [f"no session of {address} in the last 24 hours"]
        return [
            f"{row['n']} events in the last 24 h: {row['what']} at {row['whom']}, accounts {row['users']}"
            for row in rows
        ]

    # -- repair ----------------------------------------------------------------------------------------------------

    def apply(self, subject: str, step: int, action: str = "", ssh_connection: str = "") -> dict[str, Any]:
        """Run one step of the plan: guards, write-ahead, run, verify, audit."""
        row = self._subject(subject)
        plan = self._plan(row, action)
        if not 0 <= step < len(plan.steps):
            raise UsageError(f"the plan has no step {step}", remedy="preview it first")
        with self._lock:
            # What was shown is what is run, byte for byte; apply itself refuses if the world has changed since.
            shown = self._shown.pop((plan.subject_id, action, step), None)
            fresh = shown is not None and self._clock.now() - shown.made < _SHOWN_FOR
            preview = shown if shown is not None and fresh else self._preview(plan, step, ssh_connection)
            if not preview.allowed:
                reasons = "; ".join(r.message for r in preview.refusals)
                self._audit("refuse", f"{preview.action} {preview.target}", {"subject": subject, "reasons": reasons})
                raise GuardError(reasons, remedy=preview.refusals[0].remedy)
            if not self._settings.enabled:
                raise ResponseError(
                    "responses are switched off here: preview only",
                    remedy="set response.enabled = true (the demo never applies anything)",
                )
            action_id = self._write_ahead(preview)
            return self._run(action_id, preview, ssh_connection)

    def _write_ahead(self, preview: ActionPreview) -> int:
        with self.audited("apply", f"{preview.action} {preview.target}", {"plan": preview.as_dict()}) as tx:
            action_id = int(tx.sql("SELECT coalesce(max(action_id), 0) + 1 AS n FROM actions").column("n")[0].as_py())
            tx.execute(
                "INSERT INTO actions VALUES ($id, $name, $target, $subject, 'applying', $actor, $plan, '{}', $undo,"
                " $now, $expires, NULL)",
                {
                    "id": action_id,
                    "name": preview.action,
                    "target": preview.target,
                    "subject": preview.subject_id,
                    "actor": _actor(),
                    "plan": to_json(preview.as_dict()),
                    "undo": to_json(preview.undo),
                    "now": naive_utc(preview.made),
                    "expires": naive_utc(preview.expires) if preview.expires else None,
                },
            )
        return action_id

    def _run(self, action_id: int, preview: ActionPreview, ssh_connection: str) -> dict[str, Any]:
        try:
            guards = gather_context(self._settings, ssh_connection)
            result = self._responder.apply(preview, guards, self._clock.now())
        except SocTuiError as error:
            self._settle_row(action_id, "failed", {"message": str(error)})
            self._audit("failed", f"action {action_id}", {"error": str(error)})
            raise
        self._settle_row(action_id, result.state, result.as_dict(), undo=result.undo, expires=result.expires)
        self._audit("applied" if result.changed else "unchanged", f"action {action_id}", result.as_dict())
        return {
            "action_id": action_id,
            "state": result.state,
            "message": result.text,
            "verified": result.state in {"applied", "unchanged"},
            "changed": result.changed,
            "target": result.target,
            "action": result.action,
            "expires": iso(result.expires),
        }

    def undo(self, action_id: int | None = None) -> dict[str, Any]:
        """Take an action back; the newest that is in force when none is named."""
        with self._lock:
            rows = self._store.sql(
                "SELECT action_id, state, undo FROM actions WHERE"
                " CASE WHEN $id IS NULL THEN state IN ('applying', 'applied') ELSE action_id = $id END"
                " ORDER BY action_id DESC LIMIT 1",
                {"id": action_id},
            ).to_pylist()
            if not rows:
                what = f"there is no action {action_id}" if action_id else "no action is in force"
                raise UsageError(what, remedy="soc-tui actions lists them")
            number, state = rows[0]["action_id"], rows[0]["state"]
            if state not in _IN_FORCE:
                return {
                    "action_id": number,
                    "state": "undone" if state in {"undone", "expired", "gone"} else state,
                    "message": f"action {number} is {state}; nothing to take back",
                    "changed": False,
                }
            result = self._responder.undo(json.loads(rows[0]["undo"]), self._clock.now())
            self._settle_row(number, result.state, result.as_dict(), undone=True)
            self._audit("undo", f"action {number}", result.as_dict())
            return {
                "action_id": number,
                "state": "undone",
                "message": result.text,
                "changed": result.changed,
                "target": result.target,
                "action": result.action,
            }

    def settle(self) -> None:
        """Ask the system about actions that were being applied when the engine ended, or whose time is over.

        Called at the start and every few seconds. A system that cannot be asked leaves the row as it is, so that the
        action can still be undone.
        """
        rows = self._store.sql(
            "SELECT action_id, state, undo FROM actions"
            " WHERE state = 'applying' OR (state = 'applied' AND expires < $now)",
            {"now": naive_utc(self._clock.now())},
        ).to_pylist()
        if not rows:
            return
        with self._lock:
            for row in rows:
                try:
                    result = self._responder.verify(json.loads(row["undo"]), self._clock.now())
                    self._responder.tidy()
                except SocTuiError as error:
                    log.warning("action %s cannot be looked after: %s", row["action_id"], error)
                    continue
                if result.state != row["state"]:
                    self._settle_row(row["action_id"], result.state, result.as_dict())
                    self._audit(result.state, f"action {row['action_id']}", result.as_dict())

    def _settle_row(
        self,
        action_id: int,
        state: str,
        result: Mapping[str, Any],
        *,
        undo: Mapping[str, Any] | None = None,
        expires: datetime | None = None,
        undone: bool = False,
    ) -> None:
        with self._store.transaction() as tx:
            tx.execute(
                "UPDATE actions SET state = $state, result = $result, undo = coalesce($undo, undo),"
                " expires = coalesce($expires, expires), undone = coalesce($undone, undone) WHERE action_id = $id",
                {
                    "id": action_id,
                    "state": state,
                    "result": to_json(result),
                    "undo": to_json(undo) if undo else None,
                    "expires": naive_utc(expires) if expires else None,
                    "undone": naive_utc(self._clock.now()) if undone else None,
                },
            )
        self._engine.changed()

    # -- triage ----------------------------------------------------------------------------------------------------

    def set_state(self, alert_ids: list[int], state: str) -> dict[str, Any]:
        """Triage alerts; audited."""
        if state not in STATES:
            raise UsageError(f"unknown state {state!r}", remedy=f"use {', '.join(STATES)}")
        subjects = ", ".join(f"A{number}" for number in alert_ids[:20])
        marks = self._marks(alert_ids, state)
        with self.audited("triage", subjects, {"state": state, "alerts": alert_ids}) as tx:
            named = {"ids": alert_ids, "state": state}
            which = "alert_id IN (SELECT unnest($ids::BIGINT[])) AND state <> $state"
            changed = tx.sql(f"SELECT count(*) AS n FROM alerts WHERE {which}", named).column("n")[0].as_py()  # noqa: S608
            tx.execute(f"UPDATE alerts SET state = $state WHERE {which}", named)  # noqa: S608 - our own text
            drop_marks(tx, alert_ids)
            self._engine.learning.keep(tx, marks, getpass.getuser())
        self._engine.changed()
        return {"changed": changed, "marks": marks.num_rows}

    def _marks(self, alert_ids: list[int], state: str) -> pa.Table:
        """What the networks saw behind the alerts, when the new state says whether they were right."""
        if state not in _MARKS:
            return MARKS.empty_table()
        rows = self._store.sql(
            "SELECT alert_id, detector, event_ids FROM alerts WHERE alert_id IN (SELECT unnest($ids::BIGINT[]))",
            {"ids": alert_ids},
        )
        return self._engine.learning.marks(rows.to_pylist(), risky=_MARKS[state])

    # -- networks --------------------------------------------------------------------------------------------------

    def calibrate(self, budget: float, days: float = 7.0, names: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """Fix thresholds by an alert budget; audited. See :meth:`Learning.calibrate`."""
        for said in self._engine.learning.calibrate(budget, days, names or [], getpass.getuser()):
            if "result" in said:
                told = {one["model"]: one["threshold"] for one in said["result"]["models"]}
                self._audit("calibrate", ", ".join(told), {"budget": budget, "days": days, "thresholds": told})
            yield said

    def restore_threshold(self, model: str) -> dict[str, Any]:
        """Go back to the threshold of the model card; audited."""
        restored = self._engine.learning.restore(model)
        self._audit("calibrate", model, restored)
        return restored

    def learn(self, model: str, approved: bool = False) -> dict[str, Any]:
        """Learn from the marks of a network's alerts; audited. See :meth:`Learning.learn`."""
        learned = self._engine.learning.learn(model, getpass.getuser(), approved=approved)
        self._audit("learn", model, learned)
        return learned

    # -- audit -----------------------------------------------------------------------------------------------------

    def verify_audit(self) -> dict[str, Any]:
        """Check the whole chain, and that it still holds the newest hash kept outside of the database."""
        rows = self._store.sql("SELECT * FROM audit ORDER BY seq").to_pylist()
        report = audit.verify(rows)
        head = self._head_file.read_text(encoding="ascii").strip() if self._head_file.exists() else audit.GENESIS
        if report.ok and head not in {audit.GENESIS, *(row["hash"] for row in rows)}:
            reason = "records are missing at the end: the hash kept in audit.head is not in the chain"
            report = dataclasses.replace(report, ok=False, reason=reason, first_bad_seq=len(rows) + 1)
        return dataclasses.asdict(report)

    @property
    def _head_file(self) -> Path:
        """The newest hash, beside the database: a cut tail or an older copy of the database shows against it."""
        return self._engine.settings.workspace / "audit.head"

    def _audit(self, verb: str, subject: str, detail: Mapping[str, Any]) -> None:
        with self.audited(verb, subject, detail):
            pass

    @contextlib.contextmanager
    def audited(self, verb: str, subject: str, detail: Mapping[str, Any]) -> Iterator[Transaction]:
        """A transaction that commits together with its audit record."""
        with self._store.transaction() as tx:
            yield tx
            last = tx.sql("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").to_pylist()
            seq, previous = (last[0]["seq"] + 1, last[0]["hash"]) if last else (1, audit.GENESIS)
            made = audit.record(
                previous, seq, self._clock.now(), _actor(), verb, subject=subject, detail=json.loads(to_json(detail))
            )
            tx.execute(
                "INSERT INTO audit VALUES ($seq, $time, $actor, $verb, $subject, $detail, $prev_hash, $hash)",
                made.as_dict(),
            )
        self._engine.health.touch("protection")
        # After the commit: a crash in between leaves a head that is one record old, which still is in the chain.
        self._head_file.write_text(made.hash, encoding="ascii")


def _preview_dict(number: int, preview: ActionPreview) -> dict[str, Any]:
    commands = [f"{' '.join(preview.argv)}\n{preview.script}".rstrip("\n")] if preview.argv else []
    return {
        "step": number,
        "action": preview.action,
        "target": preview.target,
        "allowed": preview.allowed,
        "refusals": [f"{r.message} ({r.remedy})" if r.remedy else r.message for r in preview.refusals],
        "commands": commands,
        "effect": preview.effect,
        "affected": list(preview.affected),
        "undo": preview.undo_text,
        "expires": iso(preview.expires),
        "notes": list(preview.notes),
    }


def _no_preview(number: int, step: PlanStep, error: ResponseError) -> dict[str, Any]:
    return {
        "step": number,
        "action": step.action,
        "target": step.target,
        "allowed": False,
        "refusals": [str(error)],
        "commands": [],
        "effect": "",
        "affected": [],
        "undo": "",
        "expires": "",
        "notes": [],
    }


def _match_dict(found: Match) -> dict[str, Any]:
    entry = found.entry
    return {
        "id": entry.id,
        "title": entry.title,
        "why": "; ".join(found.why),
        "score": min(found.score / DETECTOR, 1.0),
        "entry": entry.as_dict(),
    }


def _actor() -> str:
    """Who acts: the socket admits only its owner, so it is the account that the engine runs as."""
    return getpass.getuser()
