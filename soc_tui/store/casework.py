"""Findings become alerts, alerts become incidents: the writing half, all of it set-based SQL inside one transaction.

What an incident *is* (who belongs together, the clue tree, the attacker) is worked out by ``analysis.extraction``,
which is pure; this module hands it the rows (:func:`alerts_for_extraction`, :func:`supporting_events`) and keeps its
result (:func:`save_extraction`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from soc_tui.core.clock import naive_utc
from soc_tui.core.schema import FINDINGS
from soc_tui.store.database import Transaction, load_sql
from soc_tui.store.reach import Reach
from soc_tui.store.suppressions import condition

AT_ONCE = 10_000
"""Findings, and alerts, of one statement: replacing rows takes a multiple of their size, and memory has a limit."""
_SQL = Path(__file__).parent / "casework"
_KEYS = pa.schema([("alert_key", pa.string())])


class Extracted(Protocol):
    """What :func:`save_extraction` keeps; ``analysis.extraction.Extraction`` is one."""

    @property
    def incidents(self) -> pa.Table:
        """Columns of ``incidents`` without ``state`` and ``knowledge_id``."""
        ...

    @property
    def assignments(self) -> pa.Table:
        """``alert_id``, ``incident_id``: every alert of these incidents."""
        ...

    @property
    def clues(self) -> pa.Table:
        """The whole clue trees of these incidents, columns of ``clues``."""
        ...

    @property
    def attackers(self) -> pa.Table:
        """Columns of ``attackers``."""
        ...

    @property
    def retired(self) -> Sequence[int]:
        """Incidents that were merged into others."""
        ...


def merge_findings(tx: Transaction, findings: pa.Table) -> list[str]:
    """Store findings and recompute the alerts they belong to, each from all its findings.

    Equal findings (same ``alert_key``) are one alert with counts; a finding seen before (same ``finding_id``) replaces
    its row, so merging the same findings twice changes nothing. An alert keeps its id, state, incident and knowledge;
    whether a suppression hides it is worked out anew.

    Args:
        tx: the transaction that also moves the checkpoint.
        findings: columns of ``core.schema.FINDINGS``.

    Returns:
        The touched alert keys, sorted.
    """
    if findings.num_rows == 0:
        return []
    incoming = findings.select(FINDINGS.names).cast(FINDINGS)
    touched = sorted(set(incoming.column("alert_key").to_pylist()))
    if (
        incoming.num_rows > AT_ONCE
    ):  # two states of one finding may come into two slices: the later state into the later
        incoming = incoming.sort_by([(name, "ascending") for name in ("finding_id", "event_count", "score")])
    for start in range(0, incoming.num_rows, AT_ONCE):
        tx.execute(_text("merge_findings"), tables={"incoming": incoming.slice(start, AT_ONCE)})
    rebuild(tx, touched)
    return touched


def rebuild(tx: Transaction, alert_keys: Sequence[str]) -> None:
    """Work out alerts anew from their findings, and what hides them; a key without findings is left alone."""
    suppressed, params = condition(tx)
    text = _text("rebuild_alerts").replace("{suppressed} AS", f"{suppressed} AS")
    for start in range(0, len(alert_keys), AT_ONCE):
        tx.execute(text, params, {"touched": _keys(alert_keys[start : start + AT_ONCE])})


def alerts_for_extraction(tx: Transaction, alert_keys: Sequence[str]) -> pa.Table:
    """Every alert of the actors behind the named alerts: the incidents that these alerts can change lie among them.

    Returns:
        Columns of ``alerts`` (without ``explanation``), ``actor`` (who: the source address, else ``account NAME``, else
        ``machine NAME``) and ``free_incident_id`` (the next unused number, the same in every row).
    """
    return tx.sql(_text("alerts_for_extraction"), tables={"touched": _keys(alert_keys)})


def supporting_events(tx: Transaction, alerts: pa.Table) -> pa.Table:
    """The events that clue trees and attacker information rest on, for rows of :func:`alerts_for_extraction`.

    Returns:
        One row per actor and event, in order of time: the evidence of the actor's gravest alerts, and its successful
        logins (``login`` true) from its first alert until a day after its last. Bounded per actor.
    """
    return tx.within(
        _reach(alerts) if tx.has_archive else Reach(), _text("supporting_events"), tables={"cases": alerts}
    )


def _reach(alerts: pa.Table) -> Reach:
    """The evidence of the alerts, and the time in which an actor's logins count."""
    ids = {event_id for listed in alerts.column("event_ids").to_pylist() for event_id in listed or ()}
    begun = [time for time in alerts.column("time").to_pylist() if time]
    ended = [time for time in alerts.column("time_last").to_pylist() if time]
    if not begun:
        return Reach(event_ids=sorted(ids))
    last = max([*ended, *begun]) + timedelta(hours=24)
    return Reach(event_ids=sorted(ids), time_from=min(begun), time_to=last)


def save_extraction(tx: Transaction, result: Extracted) -> None:
    """Keep incidents, the alerts' places in them, clue trees (replaced whole) and attackers; drop merged incidents."""
    if result.incidents.num_rows == 0:
        return
    tx.execute(_text("save_incidents"), tables={"incoming": result.incidents})
    tx.execute(
        "UPDATE alerts SET incident_id = a.incident_id FROM assigned a"
        " WHERE alerts.alert_id = a.alert_id AND alerts.incident_id IS DISTINCT FROM a.incident_id",
        tables={"assigned": result.assignments},
    )
    gone = pa.table({"incident_id": pa.array(list(result.retired), pa.int64())})
    tx.execute("DELETE FROM incidents WHERE incident_id IN (SELECT incident_id FROM gone)", tables={"gone": gone})
    stale = pa.concat_tables([gone, result.incidents.select(["incident_id"])])
    tx.execute("DELETE FROM clues WHERE incident_id IN (SELECT incident_id FROM stale)", tables={"stale": stale})
    tx.execute("INSERT INTO clues BY NAME SELECT * FROM incoming", tables={"incoming": result.clues})
    tx.execute(_text("save_attackers"), tables={"incoming": result.attackers})


def save_knowledge(tx: Transaction, knowledge: Mapping[int, str]) -> None:
    """Record which knowledge entry matches each alert (alert_id to entry id, empty for none), and so each incident."""
    if not knowledge:
        return
    incoming = pa.table(
        {
            "alert_id": pa.array(list(knowledge), pa.int64()),
            "knowledge_id": pa.array([entry or None for entry in knowledge.values()], pa.string()),
        }
    )
    tables = {"incoming": incoming}
    tx.execute(
        "UPDATE alerts SET knowledge_id = i.knowledge_id FROM incoming i WHERE alerts.alert_id = i.alert_id",
        None,
        tables,
    )
    tx.execute(_text("save_knowledge"), tables=tables)


def save_verdicts(tx: Transaction, verdicts: pa.Table) -> bool:
    """Keep what was decided about web attacks: ``alert_key``, ``verdict``, ``verdict_reason``; true when one is new."""
    if verdicts.num_rows == 0:
        return False
    changed = tx.sql(
        "SELECT alert_key, i.verdict, i.verdict_reason FROM alerts a JOIN incoming i USING (alert_key)"
        " WHERE a.verdict IS DISTINCT FROM i.verdict OR a.verdict_reason IS DISTINCT FROM i.verdict_reason",
        tables={"incoming": verdicts},
    )
    tx.execute(
        "UPDATE alerts SET verdict = c.verdict, verdict_reason = c.verdict_reason FROM changed c"
        " WHERE alerts.alert_key = c.alert_key",
        tables={"changed": changed},
    )
    return bool(changed.num_rows)


def save_probe(tx: Transaction, alert_key: str, probe: Mapping[str, str], time: datetime) -> None:
    """Keep what an inert probe found out for an alert: ``url_path``, ``parameter``, ``page``, ``reflected``."""
    tx.execute(
        "INSERT OR REPLACE INTO probes BY NAME SELECT $alert_key AS alert_key, $url_path AS url_path,"
        " $parameter AS parameter, $page AS page, $reflected AS reflected, $time::TIMESTAMP AS time",
        {"alert_key": alert_key, "time": naive_utc(time), **probe},
    )


def renew_knowledge(tx: Transaction, alert_ids: Sequence[int]) -> None:
    """Work out anew which of its alerts' knowledge each incident takes, after some of them were hidden or shown."""
    if alert_ids:
        incoming = pa.table({"alert_id": pa.array(alert_ids, pa.int64())})
        tx.execute(_text("save_knowledge"), tables={"incoming": incoming})


def _text(name: str) -> str:
    return load_sql(_SQL / f"{name}.sql")


def _keys(alert_keys: Sequence[str]) -> pa.Table:
    return pa.table({"alert_key": list(alert_keys)}, schema=_KEYS)
