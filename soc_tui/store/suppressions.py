"""Suppressions: filters that hide alerts for a time. All of it set-based SQL inside the caller's transaction.

Every alert carries the number of the oldest suppression in force that fits it (``alerts.suppressed_by``). It is worked
out where an alert is made of its findings (:mod:`soc_tui.store.casework`) and, for all alerts, whenever a suppression
begins or ends (:func:`reapply`), so it depends on nothing but the alert and the suppressions in force: not on order.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from soc_tui.core.errors import FilterError
from soc_tui.core.severity import Severity
from soc_tui.store.database import Store, Transaction
from soc_tui.store.filters import Term, compile_filter, parse, write

log = logging.getLogger(__name__)

EXAMPLES = 5
"""Alerts that a preview shows."""
_MOST_DETECTORS = 50
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""Stored filters name no relative time, so any "now" gives the same condition."""
SETTLED_BY_OTHERS = ("state", "incident", "knowledge", "suppressed", "verdict")
"""Fields of an alert that do not come from its findings: a suppression that hung on them would come and go."""
_SEVERITIES = [severity.word for severity in reversed(Severity)]


def in_force(tx: Transaction | Store) -> list[dict[str, Any]]:
    """The suppressions that hide alerts now, the oldest first."""
    found = tx.sql("SELECT * FROM suppressions WHERE ended IS NULL ORDER BY suppression_id")
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def condition(tx: Transaction) -> tuple[str, dict[str, Any]]:
    """The number of the oldest suppression in force that fits a row of alerts, as an SQL expression; and its values."""
    params: dict[str, Any] = {}
    cases = []
    for row in in_force(tx):
        try:
            where, params = compile_filter(row["filter"], "alerts", _NEVER, params)
        except FilterError as error:  # written by another version: it must not stop alerts from being made
            log.warning("suppression S%s hides nothing: %s", row["suppression_id"], error)
            continue
        cases.append(f"WHEN {where} THEN {row['suppression_id']:d}")
    return (f"CASE {' '.join(cases)} END::BIGINT" if cases else "NULL::BIGINT"), params


def reapply(tx: Transaction) -> tuple[list[str], list[int]]:
    """Work out anew what hides every stored alert, after a suppression has begun or ended.

    Incidents and attackers of whom everything was in sight or everything hidden, before and after, are only marked.

    Returns:
        One key for each actor of changed alerts that has both hidden alerts and others, now or before: the incidents of
        these have to be extracted again. And the changed alerts' ids.
    """
    expression, params = condition(tx)
    changed = tx.sql(
        "SELECT alert_id, alert_key, alert_actor(src_ip, user_name, host, dst_ip) AS actor, now_by FROM"  # noqa: S608
        f" (SELECT *, {expression} AS now_by FROM alerts) WHERE suppressed_by IS DISTINCT FROM now_by",
        params,
    )
    if changed.num_rows == 0:
        return [], []
    tables = {"changed": changed}
    before = tx.sql(_MIXED, tables=tables)
    tx.execute(
        "UPDATE alerts SET suppressed_by = c.now_by FROM changed c WHERE alerts.alert_id = c.alert_id", tables=tables
    )
    tables["mixed"] = pa.concat_tables([before, tx.sql(_MIXED, tables=tables)])
    tx.execute(_MARK_INCIDENTS, tables=tables)
    tx.execute(_MARK_ATTACKERS, tables=tables)
    keys = tx.sql(
        "SELECT min(alert_key) AS alert_key FROM changed SEMI JOIN mixed USING (actor) GROUP BY actor ORDER BY 1",
        tables=tables,
    )
    return keys.column("alert_key").to_pylist(), changed.column("alert_id").to_pylist()


_MIXED = """
SELECT actor FROM (
    SELECT alert_actor(src_ip, user_name, host, dst_ip) AS actor, suppressed_by IS NULL AS shown
    FROM alerts WHERE risk_type <> 'health'
) SEMI JOIN changed USING (actor)
GROUP BY actor HAVING count(DISTINCT shown) > 1
"""
_MARK_INCIDENTS = """
UPDATE incidents SET suppressed = now.suppressed
FROM (
    SELECT incident_id, bool_and(suppressed_by IS NOT NULL) AS suppressed FROM alerts
    WHERE incident_id IN (SELECT incident_id FROM alerts SEMI JOIN changed USING (alert_id)) GROUP BY incident_id
) now
WHERE incidents.incident_id = now.incident_id AND incidents.suppressed IS DISTINCT FROM now.suppressed
"""
_MARK_ATTACKERS = """
UPDATE attackers SET suppressed = now.suppressed
FROM (
    SELECT src_ip, bool_and(suppressed_by IS NOT NULL) AS suppressed FROM alerts
    WHERE src_ip IN (SELECT actor FROM changed) AND risk_type <> 'health' GROUP BY src_ip
) now
WHERE attackers.address = now.src_ip AND attackers.suppressed IS DISTINCT FROM now.suppressed
"""


def add(tx: Transaction, text: str, reason: str, actor: str, now: datetime, expires: datetime) -> int:
    """Keep a suppression; returns its number. :func:`reapply` makes it work.

    Args:
        tx: the transaction that also records it in the audit chain.
        text: the filter, with no relative times.
        reason: why.
        actor: who.
        now: UTC without zone.
        expires: when it ends by itself, UTC without zone.
    """
    number = int(tx.sql("SELECT coalesce(max(suppression_id), 0) + 1 AS n FROM suppressions").column("n")[0].as_py())
    tx.execute(
        "INSERT INTO suppressions VALUES ($id, $filter, $reason, $now, $actor, $expires, NULL, NULL)",
        {"id": number, "filter": text, "reason": reason, "now": now, "actor": actor, "expires": expires},
    )
    return number


def end(tx: Transaction, numbers: Sequence[int], actor: str, now: datetime) -> None:
    """End suppressions that are in force. :func:`reapply` shows what they hid."""
    tx.execute(
        "UPDATE suppressions SET ended = $now, ended_by = $actor"
        " WHERE ended IS NULL AND suppression_id IN (SELECT unnest($numbers::BIGINT[]))",
        {"now": now, "actor": actor, "numbers": list(numbers)},
    )


def preview(store: Store, text: str, now: datetime) -> dict[str, Any]:
    """What a filter would hide of the stored alerts.

    Args:
        store: the workspace.
        text: the filter.
        now: UTC without zone.

    Returns:
        ``hides`` (alerts that are in sight now), ``of`` (all that are), ``already_hidden`` (fitting ones that something
        hides already), ``by_severity``, ``by_detector``, ``incidents`` (those that would be hidden whole), ``examples``
        (the gravest) and ``fits_anything`` (the filter says nothing that an alert to come might not fulfil).

    Raises:
        FilterError: the filter cannot be understood.
    """
    where, params = compile_filter(text, "alerts", now)
    rows = store.sql(
        "SELECT detector, severity, count(*) FILTER (suppressed_by IS NULL) AS hides,"  # noqa: S608 - compiled filter
        f" count(*) FILTER (suppressed_by IS NOT NULL) AS already FROM alerts WHERE {where} GROUP BY ALL",
        params,
    ).to_pylist()
    by_severity = {word: sum(row["hides"] for row in rows if row["severity"] == word) for word in _SEVERITIES}
    by_detector: dict[str, int] = {}
    for row in rows:
        if row["hides"]:
            by_detector[row["detector"]] = by_detector.get(row["detector"], 0) + row["hides"]
    ranked = sorted(by_detector.items(), key=lambda item: (-item[1], item[0]))
    return {
        "hides": sum(by_severity.values()),
        "of": _count(store, "SELECT count(*) AS n FROM alerts WHERE suppressed_by IS NULL"),
        "already_hidden": sum(row["already"] for row in rows),
        "by_severity": by_severity,
        "by_detector": dict(ranked[:_MOST_DETECTORS]),
        "incidents": _count(
            store,
            "SELECT count(*) AS n FROM (SELECT incident_id FROM alerts WHERE suppressed_by IS NULL"  # noqa: S608
            f" AND incident_id IS NOT NULL GROUP BY incident_id HAVING bool_and(coalesce({where}, false)))",
            params,
        ),
        "examples": store.sql(
            "SELECT alert_id, severity, title, src_ip, dst_ip, host, time_last FROM alerts"  # noqa: S608
            f" WHERE suppressed_by IS NULL AND {where}"
            f" ORDER BY severity_rank(severity) DESC, score DESC, alert_id LIMIT {EXAMPLES}",
            params,
        ).to_pylist(),
        "fits_anything": _fits_anything(store, where, params, now),
    }


def _count(store: Store, text: str, params: dict[str, Any] | None = None) -> int:
    return int(store.sql(text, params).column("n")[0].as_py())


def _fits_anything(store: Store, where: str, params: dict[str, Any], now: datetime) -> bool:
    """Whether alerts that nobody had in mind, one of each severity, from tomorrow, would all be hidden."""
    tomorrow = now + timedelta(days=1)
    text = "one that nobody had in mind"
    rows = [
        {"alert_id": 2**62, "alert_key": text, "severity": word, "detector": text, "risk_type": text, "title": text,
         "score": 0.5, "time": tomorrow, "time_last": tomorrow, "src_ip": "240.0.0.1", "dst_ip": "240.0.0.2",
         "dst_port": 65535, "host": text, "user_name": text, "target": text, "event_count": 1, "techniques": [text],
         "state": text, "incident_id": None, "knowledge_id": text, "suppressed_by": None}
        for word in _SEVERITIES
    ]  # fmt: skip
    found = store.sql(
        f"SELECT count(*) AS n FROM made WHERE {where}",  # noqa: S608 - compiled filter
        params,
        {"made": pa.Table.from_pylist(rows, _MADE)},
    )
    return int(found.column("n")[0].as_py()) == len(rows)


_MADE = pa.schema(
    [
        ("alert_id", pa.int64()), ("alert_key", pa.string()), ("severity", pa.string()), ("detector", pa.string()),
        ("risk_type", pa.string()), ("title", pa.string()), ("score", pa.float64()), ("time", pa.timestamp("us")),
        ("time_last", pa.timestamp("us")),
        ("src_ip", pa.string()), ("dst_ip", pa.string()), ("dst_port", pa.int32()), ("host", pa.string()),
        ("user_name", pa.string()), ("target", pa.string()), ("event_count", pa.int64()),
        ("techniques", pa.list_(pa.string())), ("state", pa.string()), ("incident_id", pa.int64()),
        ("knowledge_id", pa.string()), ("suppressed_by", pa.int64()),
    ]
)  # fmt: skip

_MOST_OF_VALUE = 120


def proposal(alert: dict[str, Any]) -> str:
    """A filter that hides an alert and its like: same detector, same kind, same ends, no graver severity.

    Args:
        alert: a row of ``alerts``.

    Returns:
        An expression without characters that act; where a value holds one, or one that means something in filters, a
        ``*`` stands in its place.
    """
    named = {"detector": alert.get("detector"), "title": _kind(alert), "src": alert.get("src_ip")}
    if not alert.get("src_ip"):
        named["user"] = alert.get("user_name")
    named["dst"] = alert.get("dst_ip")
    if not (alert.get("src_ip") and alert.get("dst_ip")):
        named["host"] = alert.get("host")
    terms = [Term(field, "=", _plain(str(value)), False, 0) for field, value in named.items() if value]
    terms.append(Term("severity", "<=", str(alert.get("severity") or "info"), False, 0))
    return write(terms)


def _kind(alert: dict[str, Any]) -> str:
    """The title up to the addresses and names that it ends with."""
    title = str(alert.get("title") or "")
    for word in (" by ", " against ", " to ", " on ", " asked by "):
        head, _, tail = title.partition(word)
        if any(end and str(end) in tail for end in (alert.get("src_ip"), alert.get("dst_ip"), alert.get("host"))):
            title = head
    return title


def _plain(value: str) -> str:
    kept = "".join("*" if char in ',*\\"' or not char.isprintable() else char for char in value[:_MOST_OF_VALUE])
    return kept + ("*" if len(value) > _MOST_OF_VALUE else "")


def refuse_fields(text: str) -> None:
    """Refuse a filter that names what a suppression must not hang on.

    Raises:
        FilterError: it names one of :data:`SETTLED_BY_OTHERS`, or cannot be understood.
    """
    for term in parse(text, "alerts"):
        if term.field in SETTLED_BY_OTHERS:
            raise FilterError(
                f"a suppression cannot speak of {term.field}:, which changes after an alert is made",
                position=term.position,
                remedy="name what the alert is: detector, title, src, dst, host, user, target, severity ...",
            )
