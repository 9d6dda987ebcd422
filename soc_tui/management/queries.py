"""The named queries that the engine answers: SQL from the store with compiled filters, evidence from the sources."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from soc_tui.acquisition.record import read_record
from soc_tui.acquisition.website import FORMAT as TREE
from soc_tui.core.clock import Clock
from soc_tui.core.errors import SourceError, UsageError
from soc_tui.core.types import SourceState
from soc_tui.detection.tools import FORMAT as SCAN
from soc_tui.management.health import Health
from soc_tui.management.intake import Intake
from soc_tui.store.database import Store
from soc_tui.store.enrichment import address_facts
from soc_tui.store.filters import compile_filter, parse
from soc_tui.store.intake import last_event_id
from soc_tui.store.reach import Reach
from soc_tui.store.website import keeps_content

_MOST_ROWS = 100_000
_LAST_ID = 2**62
_PLACE = ("source_id", "offset", "length", "message")

_MOST_ROWS = 100_000
_FIRST_WINDOW, _WINDOW_GROWTH = 20_000, 8
"""A page of events is looked for in this many ids first, then in ever more: most pages are found at once, and a filter
that nothing fits is answered in few steps."""
_LAG_COLUMNS = {
    "lag_bytes": pa.int64(),
    "lag_seconds": pa.float64(),
    "catch_up_seconds": pa.float64(),
    "read_rate": pa.float64(),
    "last_event_time": pa.timestamp("us"),
}


class Queries:
    """Reads for clients; each public method is a query of that name."""

    def __init__(self, store: Store, health: Health, intake: Intake, clock: Clock) -> None:
        self._store, self._health, self._intake, self._clock = store, health, intake, clock

    def alerts(self, filter: str = "", limit: int = 1000, offset: int = 0, suppressed: bool = False) -> pa.Table:
        """Alerts, open and severe and recent first; what a suppression hides when asked for, or by ``suppressed:``."""
        suppressed = suppressed or any(term.field == "suppressed" for term in parse(filter, "alerts"))
        return self._filtered("alerts", filter, limit=limit, offset=offset, suppressed=suppressed)

    def incidents(self, filter: str = "", limit: int = 1000, offset: int = 0, suppressed: bool = False) -> pa.Table:
        """Incidents, severe and recent first; ``suppressed``: those too of which every alert is hidden."""
        return self._filtered("incidents", filter, limit=limit, offset=offset, suppressed=suppressed)

    def attackers(self, filter: str = "", limit: int = 1000, offset: int = 0, suppressed: bool = False) -> pa.Table:
        """Attackers, severe first; ``suppressed``: those too of whom every alert is hidden."""
        return self._filtered("attackers", filter, limit=limit, offset=offset, suppressed=suppressed)

    def events(
        self,
        filter: str = "",
        limit: int = 1000,
        before_id: int = 0,
        after_id: int = 0,
    ) -> pa.Table:
        """Events, newest first; ``before_id`` and ``after_id`` (exclusive) bound the window."""
        text, values, limit = self._compiled("events", filter, limit)
        newest = last_event_id(self._store)
        high = min(before_id - 1, newest) if before_id else newest
        width, left, pages = _FIRST_WINDOW + limit, limit, []
        while True:
            low = max(high - width + 1, after_id + 1, 1)
            window = {**values, "before_id": high + 1, "after_id": low - 1, "limit": left}
            pages.append(self._store.sql(text, window, reach=Reach(low, high)))
            left -= pages[-1].num_rows
            if left <= 0 or low <= max(after_id + 1, 1):
                return pa.concat_tables(pages)
            high, width = low - 1, width * _WINDOW_GROWTH

    def templates(self, rarest: bool = False, limit: int = 1000) -> pa.Table:
        """Learned templates with their events, the newest first, or the rarest."""
        return self._store.read("templates", {"rarest": rarest, "limit": min(limit, _MOST_ROWS)})

    def clues(self, incident_id: int) -> pa.Table:
        """The clue tree of an incident."""
        return self._store.sql(
            "SELECT * FROM clues WHERE incident_id = $incident_id ORDER BY node_id", {"incident_id": incident_id}
        )

    def incident(self, incident_id: int) -> pa.Table:
        """One incident, or no row."""
        return self._store.sql("SELECT * FROM incidents WHERE incident_id = $incident_id", {"incident_id": incident_id})

    def alert(self, alert_id: int) -> pa.Table:
        """One alert, or no row."""
        return self._store.sql("SELECT * FROM alerts WHERE alert_id = $alert_id", {"alert_id": alert_id})

    def attacker(self, address: str) -> pa.Table:
        """One attacker, or no row."""
        return self._store.sql("SELECT * FROM attackers WHERE address = $address", {"address": address})

    def address(self, address: str) -> pa.Table:
        """What enrichment knows of an address: one row with the indicators that name it, or no row."""
        rows = address_facts(self._store, address)
        return pa.Table.from_pylist(rows) if rows else pa.table({"ip": pa.array([], pa.string())})

    def indicators(self) -> pa.Table:
        """Every source of indicators with its counts."""
        return self._store.sql("SELECT * EXCLUDE (stamp) FROM indicator_sources ORDER BY source")

    def event(self, event_id: int) -> pa.Table:
        """One event, or no row."""
        text, reach = "SELECT * FROM events WHERE event_id = $event_id", Reach(event_ids=[event_id])
        return self._store.sql(text, {"event_id": event_id}, reach=reach)

    def evidence(self, alert_id: int = 0, event_ids: list[int] | None = None, limit: int = 20) -> pa.Table:
        """The exact records behind an alert (or behind named events), read again from their sources."""
        if alert_id:
            found = self.alert(alert_id).column("event_ids").to_pylist()
            event_ids = (found[0] or []) if found else []
        wanted = list(event_ids or [])[:limit]
        rows = self._store.read("evidence", {"event_ids": wanted}, Reach(event_ids=wanted))
        lines = [self._shown(row) for row in rows.to_pylist()]
        return rows.drop_columns(["format", "file_hash", "kept"]).append_column("line", pa.array(lines, pa.string()))

    def alert_evidence(self, alert_ids: list[int]) -> pa.Table:
        """Where the evidence of many alerts is: alert_id, event_id, source, offset, length."""
        text = "SELECT DISTINCT unnest(event_ids) AS id FROM alerts WHERE list_contains($alert_ids::BIGINT[], alert_id)"
        ids = self._store.sql(text, {"alert_ids": alert_ids}).column("id").to_pylist()
        return self._store.read("alert_evidence", {"alert_ids": alert_ids}, Reach(event_ids=ids))

    def _shown(self, row: dict[str, Any]) -> str:
        if row["format"] == TREE:
            return self._change(row)
        if row["format"] == SCAN:  # what was seen is kept with the finding: a file or an answer may be another by now
            return str(row["kept"] or row["message"])
        return self._line(*(row[name] for name in _PLACE))

    def _change(self, row: dict[str, Any]) -> str:
        """A change in a website tree has no bytes in a log: what was seen is the evidence, and the content if kept."""
        if not row["file_hash"]:
            return str(row["message"])
        kept = keeps_content(self._store, row["file_hash"])
        return f"{row['message']} (content {'kept' if kept else 'not kept'})"

    def _line(self, source_id: int, offset: int, length: int, message: str | None) -> str:
        state = self._intake.state(source_id)
        try:
            raw = read_record(state, offset, length)
        except (SourceError, OSError):
            return f"{message or ''} (the source is gone or has changed; this is the stored message)"
        return raw.decode("utf-8", "backslashreplace")

    def sources(self) -> pa.Table:
        """Every source with its accounting and its lag (``catch_up_seconds`` infinite: never)."""
        table = self._store.sql("SELECT * FROM sources ORDER BY source_id")
        measured = self._intake.meter.measure(SourceState(**row) for row in table.to_pylist())
        for name, kind in _LAG_COLUMNS.items():
            table = table.append_column(name, pa.array([getattr(lag, name) for lag in measured], kind))
        return table

    def rejects(self, limit: int = 1000) -> pa.Table:
        """Records that could not be read."""
        return self._store.sql(
            "SELECT r.*, s.path AS source FROM rejects r JOIN sources s USING (source_id)"
            " ORDER BY r.source_id, r.source_offset LIMIT $limit",
            {"limit": min(limit, _MOST_ROWS)},
        )

    def actions(self) -> pa.Table:
        """Every repair action, newest first."""
        return self._store.sql("SELECT * FROM actions ORDER BY action_id DESC")

    def audit(self) -> pa.Table:
        """The audit chain in order."""
        return self._store.sql("SELECT * FROM audit ORDER BY seq")

    def status(self) -> pa.Table:
        """The seven modules: state, last activity, lag, last error."""
        rows = [{**vars(module), "detail": module.shown} for module in self._health.modules.values()]
        names = ("name", "title", "state", "lag", "last_error", "detail")
        columns: dict[str, Any] = {name: pa.array([row[name] for row in rows], pa.string()) for name in names}
        columns["failures"] = pa.array([row["failures"] for row in rows], pa.int64())
        columns["last_activity"] = pa.array(
            [row["last_activity"].replace(tzinfo=None) if row["last_activity"] else None for row in rows],
            pa.timestamp("us"),
        )
        columns["module"] = columns["name"]
        order = ("module", "title", "state", "last_activity", "lag", "last_error", "failures", "detail")
        return pa.table({name: columns[name] for name in order})

    def _filtered(self, name: str, expression: str, *, limit: int, **params: Any) -> pa.Table:
        text, values, most = self._compiled(name, expression, limit)
        return self._store.sql(text, {**values, **params, "limit": most})

    def _compiled(self, name: str, expression: str, limit: int) -> tuple[str, dict[str, Any], int]:
        """The query with the filter in it, the filter's values, and the rows that it may give."""
        if limit < 0:
            raise UsageError("limit must not be negative", remedy="use --limit 100")
        where, values = compile_filter(expression, name, self._clock.now())
        return self._store.query_text(name).replace("{where}", where), values, min(limit, _MOST_ROWS)
