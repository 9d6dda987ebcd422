"""``events``, ``alerts``, ``incidents``, ``attackers``, ``show`` and ``hunt``: everything that only looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from soc_tui.cli.main import Globals, app
from soc_tui.cli.output import cell, emit, emit_one, talk
from soc_tui.core.errors import SocTuiError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from soc_tui.management.client import Client

Filter = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILTER", help='e.g. severity:>=high src:10.0.0.0/8 after:-2h "free text" -host:web1'),
]
Limit = Annotated[int, typer.Option(min=0, help="The most rows.")]
Suppressed = Annotated[bool, typer.Option("--suppressed", help="Also what a suppression hides.")]

_ALERT_JSON = (
    "alert_id",
    "time",
    "time_last",
    "risk_type",
    "severity",
    "score",
    "title",
    "detector",
    "src_ip",
    "dst_ip",
    "dst_port",
    "host",
    "user_name",
    "target",
    "event_count",
    "finding_count",
    "verdict",
    "verdict_reason",
    "techniques",
    "incident_id",
    "state",
    "suppressed_by",
    "knowledge",
    "evidence",
    "explanation",
)
_ALERT_TABLE = ("id", "severity", "time", "title", "src_ip", "host", "target", "event_count", "state", "incident")


def join_filter(parts: list[str] | None) -> str:
    """A phrase that the shell took the quotes from gets them back."""
    return " ".join(
        f'"{part}"' if " " in part and '"' not in part and ":" not in part else part for part in parts or []
    )


def _rows(context: typer.Context, name: str, expression: str, limit: int, **more: bool) -> list[dict[str, Any]]:
    from soc_tui.management.launch import connect
    from soc_tui.store.filters import parse

    parse(expression, name)  # a wrong filter must not cost the start of an engine
    with connect(context.obj.settings().workspace) as client:
        return list(client.query(name, filter=expression, limit=limit, **more).to_pylist())


@app.command()
def events(context: typer.Context, filter: Filter = None, limit: Limit = 100) -> None:
    """Events, newest first."""
    rows = _rows(context, "events", join_filter(filter), limit)
    columns = (
        "event_id",
        "time",
        "product",
        "log_name",
        "src_ip",
        "dst_ip",
        "dst_port",
        "user_name",
        "status",
        "message",
    )
    emit(rows, context.obj.format, columns if context.obj.format == "table" else ())


@app.command()
def alerts(context: typer.Context, filter: Filter = None, limit: Limit = 1000, suppressed: Suppressed = False) -> None:
    """Alerts: open, severe and recent first."""
    from soc_tui.management.launch import connect
    from soc_tui.store.filters import parse

    expression = join_filter(filter)
    parse(expression, "alerts")
    with connect(context.obj.settings().workspace) as client:
        rows = client.query("alerts", filter=expression, limit=limit, suppressed=suppressed).to_pylist()
        if context.obj.format == "table":
            emit((_alert_line(row) for row in rows), "table", (*_ALERT_TABLE, *(["suppressed"] if suppressed else [])))
            return
        evidence = _evidence(client, [row["alert_id"] for row in rows])
    emit((_alert_json(row, evidence) for row in rows), context.obj.format, _ALERT_JSON)


def _alert_line(row: dict[str, Any]) -> dict[str, Any]:
    from soc_tui.core.severity import Severity

    return {
        **row,
        "id": f"A{row['alert_id']}",
        "severity": Severity.parse(row["severity"]).label(),
        "incident": f"I{row['incident_id']}" if row["incident_id"] else "",
        "suppressed": f"S{row['suppressed_by']}" if row["suppressed_by"] else "",
    }


def _evidence(client: Client, alert_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in client.query("alert_evidence", alert_ids=alert_ids).to_pylist():
        found.setdefault(row.pop("alert_id"), []).append(row)
    return found


def _alert_json(row: dict[str, Any], evidence: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    import json

    full = {
        **row,
        "knowledge": row["knowledge_id"],
        "evidence": evidence.get(row["alert_id"], []),
        "explanation": json.loads(row["explanation"] or "[]"),
        "techniques": row["techniques"] or [],
    }
    return {name: full[name] for name in _ALERT_JSON}


@app.command()
def incidents(
    context: typer.Context, filter: Filter = None, limit: Limit = 1000, suppressed: Suppressed = False
) -> None:
    """Incidents: alerts of one attacker that belong together."""
    rows = _rows(context, "incidents", join_filter(filter), limit, suppressed=suppressed)
    columns = ("incident_id", "severity", "time", "title", "attacker", "alert_count", "event_count", "state")
    emit(rows, context.obj.format, columns if context.obj.format == "table" else ())


@app.command()
def attackers(
    context: typer.Context, filter: Filter = None, limit: Limit = 1000, suppressed: Suppressed = False
) -> None:
    """Attackers: who did it, since when, against what."""
    rows = _rows(context, "attackers", join_filter(filter), limit, suppressed=suppressed)
    columns = (
        "address",
        "address_class",
        "severity",
        "first_seen",
        "last_seen",
        "alert_count",
        "event_count",
        "targets",
    )
    emit(rows, context.obj.format, columns if context.obj.format == "table" else ())


@app.command()
def show(
    context: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="ID", help="A12 (alert), I3 (incident), E99 (event) or an address.")
    ],
) -> None:
    """One alert, incident, event or attacker with all that is known of it."""
    from soc_tui.management.launch import connect

    with connect(context.obj.settings().workspace) as client:
        data = _subject(client, subject)
    if context.obj.format != "table":
        emit_one(data, context.obj.format)
        return
    nested = ("evidence", "explanation", "knowledge_matches", "clue_tree", "alerts", "addresses")
    emit_one({key: value for key, value in data.items() if key not in nested and value not in (None, [], "")}, "table")
    _print_nested(data)


def _subject(client: Client, subject: str) -> dict[str, Any]:
    import re

    found = re.fullmatch(r"([AIEaie]?)(\d{1,18})", subject.strip())
    kind, number = (found[1].upper() or "A", int(found[2])) if found else ("", 0)
    if kind == "A":
        row = _only(client.query("alert", alert_id=number).to_pylist(), subject)
        data = _alert_json(row, {})
        data["evidence"] = client.query("evidence", alert_id=number).to_pylist()
        data["knowledge_matches"] = client.command("knowledge", subject=f"A{number}")["matches"]
        data["clue_tree"] = client.query("clues", incident_id=row["incident_id"] or 0).to_pylist()
        data["addresses"] = [one for end in ("src_ip", "dst_ip") if row[end] for one in _address(client, row[end])]
        return data
    if kind == "I":
        row = _only(client.query("incident", incident_id=number).to_pylist(), subject)
        return {
            **row,
            "alerts": client.query("alerts", filter=f"incident:{number}", suppressed=row["suppressed"]).to_pylist(),
            "clue_tree": client.query("clues", incident_id=number).to_pylist(),
        }
    if kind == "E":
        row = _only(client.query("event", event_id=number).to_pylist(), subject)
        return {**row, "evidence": client.query("evidence", event_ids=[number]).to_pylist()}
    known = _address(client, subject)
    rows = client.query("attacker", address=subject).to_pylist()
    data = dict(_only(rows or [{"address": row["ip"]} for row in known], subject))
    return {**data, "addresses": known}


def _address(client: Client, address: str) -> list[dict[str, Any]]:
    """What enrichment knows of an address: one row, or none."""
    return list(client.query("address", address=address).to_pylist())


def _only(rows: list[dict[str, Any]], subject: str) -> dict[str, Any]:
    if not rows:
        raise UsageError(f"there is no {subject}", remedy="soc-tui alerts, incidents and attackers list what there is")
    return rows[0]


def _print_nested(data: dict[str, Any]) -> None:
    from soc_tui.core.addresses import address_facts
    from soc_tui.core.severity import needs_ascii
    from soc_tui.core.text import safe

    for address in data.get("addresses", []):
        print(f"\naddress {safe(address['ip'])}")
        for name, text in address_facts(address):
            print(f"  {name.ljust(10)} {safe(text, limit=200)}")
    if data.get("explanation"):
        print("\nwhy")
        for item in data["explanation"]:
            print(f"  {item['weight']:+.2f}  {safe(item['field'])} = {safe(item['value'], limit=90)}")
    if data.get("evidence"):
        print("\nevidence")
        for item in data["evidence"]:
            print(
                f"  E{item['event_id']} {cell(item['time'])}  {safe(item['source'])} @{item['offset']}+{item['length']}"
            )
            print(f"    {safe(item['line'], limit=500)}")
    if data.get("knowledge_matches"):
        print("\nknowledge")
        for item in data["knowledge_matches"][:3]:
            print(f"  {safe(item['id'])}  {safe(item['title'])}  ({safe(item['why'])})")
    if data.get("clue_tree"):
        from soc_tui.analysis.extraction.render import render

        print("\nclue tree")
        for line in render(data["clue_tree"], ascii_only=needs_ascii()):
            print(f"  {line.prefix}{line.text}")


@app.command()
def hunt(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help="One SELECT over the workspace's tables.")],
    limit: Annotated[int, typer.Option(min=0, help="The most rows; 0 is the settings' limit.")] = 0,
    seconds: Annotated[float, typer.Option(min=0, help="The longest time; 0 is the settings' limit.")] = 0.0,
) -> None:
    """Ask the workspace in SQL: read-only, no files, no network, limited in rows and time. Ctrl-C cancels."""
    import contextlib
    import uuid

    from soc_tui.management.launch import connect

    options: Globals = context.obj
    name = uuid.uuid4().hex
    with connect(options.settings().workspace) as client:
        try:
            table = _interruptible(lambda: client.query("hunt", sql=sql, hunt_id=name, rows=limit, seconds=seconds))
        except KeyboardInterrupt:
            with contextlib.suppress(SocTuiError):
                client.command("cancel", hunt_id=name)
            raise
    emit(table.to_pylist(), options.format, table.column_names)
    if (table.schema.metadata or {}).get(b"truncated") == b"true":
        talk(f"only the first {table.num_rows} rows are shown; narrow the query or raise store.hunt_rows")


def _interruptible(call: Callable[[], pa.Table]) -> pa.Table:
    """Run a blocking call in a thread, because Ctrl-C does not reach one that waits inside of the Flight library."""
    import contextlib
    import queue
    import threading

    answers: queue.Queue[pa.Table | Exception] = queue.Queue()

    def run() -> None:
        try:
            answers.put(call())
        except Exception as error:
            answers.put(error)

    threading.Thread(target=run, daemon=True).start()
    while True:
        # A signal that comes just before the wait begins does not end it, so no wait is long.
        with contextlib.suppress(queue.Empty):
            answer = answers.get(timeout=0.1)
            break
    if isinstance(answer, Exception):
        raise answer
    return answer
