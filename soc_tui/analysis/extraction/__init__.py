"""Risk information extraction: alerts become incidents with a clue tree and attacker information.

Pure: Arrow tables in, Arrow tables out. The order of calls, inside one transaction of the store::

    touched = casework.merge_findings(tx, findings)
    alerts = casework.alerts_for_extraction(tx, touched)
    casework.save_extraction(tx, extract(alerts, casework.supporting_events(tx, alerts)))
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from soc_tui.analysis.extraction import attackers, clue_tree, incidents
from soc_tui.analysis.extraction.attackers import address_class
from soc_tui.analysis.extraction.cases import Support, read_alerts, read_support
from soc_tui.analysis.extraction.render import TreeLine, render

__all__ = ["Extraction", "TreeLine", "address_class", "extract", "render"]

_STAMP, _TEXTS, _IDS = pa.timestamp("us"), pa.list_(pa.string()), pa.list_(pa.int64())
INCIDENTS = pa.schema(
    [
        ("incident_id", pa.int64()), ("title", pa.string()), ("risk_type", pa.string()), ("severity", pa.string()),
        ("score", pa.float64()), ("attacker", pa.string()), ("time", _STAMP), ("time_last", _STAMP),
        ("alert_count", pa.int64()), ("event_count", pa.int64()), ("suppressed", pa.bool_()),
    ]
)  # fmt: skip
ASSIGNMENTS = pa.schema([("alert_id", pa.int64()), ("incident_id", pa.int64())])
CLUES = pa.schema(
    [
        ("incident_id", pa.int64()), ("node_id", pa.int32()), ("parent_id", pa.int32()), ("kind", pa.string()),
        ("label", pa.string()), ("why", pa.string()), ("time", _STAMP), ("tactic", pa.string()),
        ("technique", pa.string()), ("alert_id", pa.int64()), ("event_ids", _IDS), ("circumstantial", pa.bool_()),
    ]
)  # fmt: skip
ATTACKERS = pa.schema(
    [
        ("address", pa.string()), ("address_class", pa.string()), ("first_seen", _STAMP), ("last_seen", _STAMP),
        ("event_count", pa.int64()), ("alert_count", pa.int64()), ("targets", _TEXTS), ("users", _TEXTS),
        ("user_agents", _TEXTS), ("techniques", _TEXTS), ("incident_ids", _IDS), ("severity", pa.string()),
        ("suppressed", pa.bool_()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Extraction:
    """What ``store.casework.save_extraction`` keeps."""

    incidents: pa.Table
    """Columns of ``incidents`` without ``state`` and ``knowledge_id``."""
    assignments: pa.Table
    """``alert_id``, ``incident_id`` of every alert handed in."""
    clues: pa.Table
    """The whole clue tree of every incident, columns of ``clues``."""
    attackers: pa.Table
    """One row per source address, columns of ``attackers``."""
    retired: Sequence[int]
    """Incidents that were merged into others and are no more."""


def extract(alerts: pa.Table, support: pa.Table, own_addresses: Collection[str] = ()) -> Extraction:
    """Work out incidents, clue trees and attackers.

    Args:
        alerts: rows of ``store.casework.alerts_for_extraction``: every alert of the actors concerned.
        support: rows of ``store.casework.supporting_events`` for the same alerts.
        own_addresses: addresses of this machine, classed ``own``.

    Returns:
        The same for the same alerts, whatever order they arrived in, but for the numbers of new incidents.
    """
    cases = read_alerts(alerts)
    free = int(alerts.column("free_incident_id")[0].as_py()) if cases else 1
    found = incidents.group(cases, free)
    events: dict[str, list[Support]] = {}
    for event in read_support(support):
        events.setdefault(event.actor, []).append(event)
    return Extraction(
        incidents=_table([_incident_row(incident) for incident in found], INCIDENTS),
        assignments=_table(
            [{"alert_id": a.alert_id, "incident_id": i.incident_id} for i in found for a in (*i.alerts, *i.hidden)],
            ASSIGNMENTS,
        ),
        clues=_table(
            [
                {"incident_id": i.incident_id, **_row(clue)}
                for i in found
                for clue in clue_tree.build(i, events.get(i.actor, ()))
            ],
            CLUES,
        ),
        attackers=_table([_row(a) for a in _attackers(found, events, own_addresses)], ATTACKERS),
        retired=incidents.retired(cases, found),
    )


def _attackers(
    found: Sequence[incidents.Incident], events: dict[str, list[Support]], own: Collection[str]
) -> list[attackers.Attacker]:
    by_address: dict[str, list[incidents.Incident]] = {}
    for incident in found:
        if incident.alerts[0].src_ip:
            by_address.setdefault(incident.actor, []).append(incident)
    return [
        attackers.describe(
            address, incidents.parted([a for i in of_address for a in (*i.alerts, *i.hidden)])[0],
            events.get(address, ()), [i.incident_id for i in of_address], own,
        )
        for address, of_address in sorted(by_address.items())
    ]  # fmt: skip


def _incident_row(incident: incidents.Incident) -> dict[str, Any]:
    return {
        "incident_id": incident.incident_id, "title": incident.title, "risk_type": incident.risk_type,
        "severity": incident.severity.word, "score": incident.score, "attacker": incident.actor,
        "time": incident.time, "time_last": incident.time_last, "alert_count": len(incident.alerts),
        "event_count": incident.event_count, "suppressed": incident.suppressed,
    }  # fmt: skip


def _row(value: clue_tree.Clue | attackers.Attacker) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in fields(value)}


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)
