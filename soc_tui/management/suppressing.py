"""Suppressions: shown what they would hide before they are applied, audited, ended by their time or by somebody."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from soc_tui.core.clock import iso, naive_utc
from soc_tui.core.errors import UsageError
from soc_tui.store import suppressions
from soc_tui.store.casework import renew_knowledge
from soc_tui.store.database import Transaction
from soc_tui.store.filters import fixed, parse

if TYPE_CHECKING:
    from soc_tui.management.engine import Engine

MOST_DAYS = 3650
MOST_IN_FORCE = 500
"""Each one costs a comparison for every alert that is made."""
MOST_CHARACTERS = 500
"""Of a filter and of a reason."""
_GRAVE = ("critical", "high")


class Suppressing:
    """The commands and the query about suppressions of one engine; safe from any thread.

    Args:
        engine: whose store, clock and audit chain.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._store, self._clock = engine, engine.store, engine.clock

    def suppress(
        self, filter: str, reason: str = "", days: int = 30, *, apply: bool = False, all_alerts: bool = False
    ) -> dict[str, Any]:
        """Show what a suppression would hide of the stored alerts; with ``apply``, begin it.

        Args:
            filter: which alerts, in the filter language; relative times mean what they mean now, for good.
            reason: why; may be empty for a look only.
            days: how long, from 1 to :data:`MOST_DAYS`.
            apply: begin it, unless something is said against it.
            all_alerts: let it hide everything.

        Returns:
            The preview (see :func:`soc_tui.store.suppressions.preview`) with ``warnings``, ``refusals`` and, once
            applied, ``suppression_id``.

        Raises:
            FilterError: the filter cannot be understood, or names what a suppression must not hang on.
            UsageError: it is to be applied and something is said against it.
        """
        now = naive_utc(self._clock.now())
        refusals = _words(filter, reason, days, apply=apply)
        text = ""
        shown: dict[str, Any] = {}
        if not refusals or filter.strip():
            suppressions.refuse_fields(filter)
            text = fixed(filter, "alerts", self._clock.now())
            shown = suppressions.preview(self._store, text, now)
            refusals += _whole(shown, all_alerts=all_alerts)
        if len(suppressions.in_force(self._store)) >= MOST_IN_FORCE:
            refusals.append(("too many suppressions are in force", "end some: soc-tui suppressions lists them"))
        expires = now + timedelta(days=min(max(days, 1), MOST_DAYS))
        answer = {
            "suppression_id": None,
            "applied": False,
            "filter": text,
            "reason": reason.strip(),
            "expires": iso(expires),
            **shown,
            "warnings": _warnings(text, shown),
            "refusals": [f"{what} ({remedy})" for what, remedy in refusals],
        }
        if not apply:
            return answer
        if refusals:
            raise UsageError(refusals[0][0], remedy=refusals[0][1])
        number = self._begin(text, reason.strip(), now, expires, shown)
        return {**answer, "suppression_id": number, "applied": True}

    def _begin(self, text: str, reason: str, now: datetime, expires: datetime, shown: dict[str, Any]) -> int:
        detail = {"filter": text, "reason": reason, "expires": iso(expires), "hides": shown["by_severity"]}
        with self._engine.desk.audited("suppress", text, detail) as tx:
            number = suppressions.add(tx, text, reason, getpass.getuser(), now, expires)
            detail["suppression"] = number
            self._reapply(tx)
        self._engine.changed()
        return number

    def unsuppress(self, suppression_id: int) -> dict[str, Any]:
        """End a suppression: what it hid is in sight again, unless another one hides it.

        Raises:
            UsageError: there is none of that number.
        """
        row = self._row(suppression_id)
        if row["ended"] is not None:
            return {
                "suppression_id": suppression_id,
                "changed": False,
                "shows": 0,
                "message": f"it ended at {iso(row['ended'])}",
            }
        shows = self._end([row], getpass.getuser(), "unsuppress")
        return {
            "suppression_id": suppression_id,
            "changed": True,
            "shows": shows,
            "message": f"{shows} alerts are shown again",
        }

    def suppressions(self, all: bool = False) -> pa.Table:
        """Suppressions in force with the number of alerts that each hides; ``all``: ended ones too. Newest first."""
        return self._store.sql(
            "SELECT s.*, coalesce(h.hidden, 0) AS hides,"
            " CASE WHEN ended IS NULL THEN 'in force' WHEN ended_by = '' THEN 'expired' ELSE 'undone' END AS state"
            " FROM suppressions s LEFT JOIN (SELECT suppressed_by, count(*) AS hidden FROM alerts"
            " WHERE suppressed_by IS NOT NULL GROUP BY 1) h ON h.suppressed_by = s.suppression_id"
            " WHERE $all OR ended IS NULL ORDER BY suppression_id DESC",
            {"all": all},
        )

    def propose(self, alert_id: int) -> dict[str, Any]:
        """A filter that hides an alert and its like.

        Raises:
            UsageError: there is no such alert.
        """
        rows = self._store.sql("SELECT * FROM alerts WHERE alert_id = $id", {"id": alert_id}).to_pylist()
        if not rows:
            raise UsageError(f"there is no A{alert_id}", remedy="soc-tui alerts lists what there is")
        return {"alert_id": alert_id, "filter": suppressions.proposal(rows[0])}

    def expire(self) -> None:
        """End the suppressions whose time is over. Called at the start and every few seconds."""
        now = naive_utc(self._clock.now())
        over = [row for row in suppressions.in_force(self._store) if row["expires"] <= now]
        if over:
            self._end(over, "", "suppression-expired")

    def _end(self, rows: list[dict[str, Any]], actor: str, verb: str) -> int:
        numbers = [row["suppression_id"] for row in rows]
        subject = ", ".join(f"S{number}" for number in numbers)
        detail: dict[str, Any] = {"filters": [row["filter"] for row in rows]}
        with self._engine.desk.audited(verb, subject, detail) as tx:
            before = _hidden(tx)
            suppressions.end(tx, numbers, actor, naive_utc(self._clock.now()))
            self._reapply(tx)
            detail["shows"] = shows = before - _hidden(tx)
        self._engine.changed()
        return shows

    def _reapply(self, tx: Transaction) -> None:
        """Alerts, then incidents and attackers, then the knowledge that incidents take from alerts."""
        keys, alert_ids = suppressions.reapply(tx)
        if keys:
            self._engine.pipeline.regroup(tx, keys)
        renew_knowledge(tx, alert_ids)

    def _row(self, number: int) -> dict[str, Any]:
        rows = self._store.sql("SELECT * FROM suppressions WHERE suppression_id = $id", {"id": number}).to_pylist()
        if not rows:
            raise UsageError(f"there is no suppression S{number}", remedy="soc-tui suppressions --all lists them")
        row: dict[str, Any] = rows[0]
        return row


def _hidden(tx: Transaction) -> int:
    found = tx.sql("SELECT count(*) AS n FROM alerts WHERE suppressed_by IS NOT NULL")
    return int(found.column("n")[0].as_py())


def _words(filter: str, reason: str, days: int, *, apply: bool) -> list[tuple[str, str]]:
    """What is said against the words of a suppression: message and remedy."""
    said = []
    if not filter.strip():
        said.append(
            ("an empty filter would hide everything", "name what to hide, e.g. detector:port-scan src:10.0.0.5")
        )
    if len(filter) > MOST_CHARACTERS:
        said.append((f"the filter is longer than {MOST_CHARACTERS} characters", "write a shorter one, or two"))
    if apply and not reason.strip():
        said.append(("a suppression needs a reason", 'say why, e.g. --reason "our own scanner, ticket 4711"'))
    if len(reason) > MOST_CHARACTERS:
        said.append((f"the reason is longer than {MOST_CHARACTERS} characters", "say it shorter"))
    if not 1 <= days <= MOST_DAYS:
        said.append((f"{days} days is no time for a suppression", f"write --days 1 to {MOST_DAYS}"))
    return said


def _whole(shown: dict[str, Any], *, all_alerts: bool) -> list[tuple[str, str]]:
    """Refuse a filter that leaves nothing in sight, of the stored alerts or of those to come."""
    if all_alerts:
        return []
    remedy = "name more of what to hide, or say --all-alerts"
    if shown["fits_anything"]:
        return [("the filter fits any alert that may come", remedy)]
    if shown["hides"] and shown["hides"] == shown["of"]:
        return [(f"the filter would hide every alert ({shown['hides']} of {shown['of']})", remedy)]
    return []


def _warnings(text: str, shown: dict[str, Any]) -> list[str]:
    said = []
    grave = {word: shown["by_severity"][word] for word in _GRAVE if shown and shown["by_severity"][word]}
    if grave:
        said.append("hides " + " and ".join(f"{count} {word}" for word, count in grave.items()))
    terms = parse(text, "alerts")
    bounded = any(t.field == "severity" and not t.negated and t.op in {"<", "<=", "="} for t in terms)
    if terms and not bounded:
        said.append("also hides graver ones to come; severity:<=medium would leave high and critical in sight")
    if shown and not shown["hides"] and not shown["already_hidden"]:
        said.append("fits no stored alert")
    return said
