"""Keeps the verdicts of web attacks true: judged again whenever a request may have changed them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from soc_tui.detection.website.verdicts import attacked_sql, verdict_sql
from soc_tui.store.casework import save_verdicts
from soc_tui.store.database import Store, Transaction
from soc_tui.store.reach import Reach

_DAY = timedelta(days=1)
_ASKED = """
SELECT min(time) AS low, max(time) AS high FROM events
WHERE event_id BETWEEN $first AND $last AND (url_path IS NOT NULL OR http_status IS NOT NULL)
"""
_KNOWN = """
SELECT min(time) AS low, max(coalesce(time_last, time)) AS high FROM findings
WHERE detector = 'web-attack' AND (time >= $low AND time < $high OR list_contains($alert_keys::VARCHAR[], alert_key))
"""


def judge(
    tx: Transaction, threshold: Callable[[], float], first: int, last: int, alert_keys: Sequence[str] = ()
) -> bool:
    """Judge the web attacks that the events ``first`` to ``last`` touch, and those named; true when a verdict is new.

    Args:
        tx: the transaction that has merged the findings of these events.
        threshold: gives that of the query network; asked only when there is something to judge.
        first: id of the first new event.
        last: id of the last one; smaller than the first: no new events.
        alert_keys: alerts to judge whatever the window, after a probe has told more about them.
    """
    asked = tx.within(Reach(first, last), _ASKED, {"first": first, "last": last}).to_pylist()[0]
    if asked["low"] is None and not alert_keys:
        return False
    # An alert is about a day, and what is ordinary comes from that day and the one before.
    low = _midnight(asked["low"]) if asked["low"] else datetime.max
    high = _midnight(asked["high"]) + 2 * _DAY if asked["high"] else datetime.min
    keys = {"alert_keys": list(alert_keys)}
    known = tx.sql(_KNOWN, {"low": low, "high": high, **keys}).to_pylist()[0]
    if known["low"] is None:
        return False
    reach = Reach(first, last, (), _midnight(known["low"]) - _DAY, _midnight(known["high"]) + _DAY)
    params: dict[str, Any] = {"first_event_id": first, "last_event_id": last, "threshold": threshold(), **keys}
    return save_verdicts(tx, tx.within(reach, verdict_sql(), params))


def attacked(store: Store, alert_keys: Sequence[str], threshold: float) -> list[dict[str, Any]]:
    """The pages and parameters that web attacks are about: rows of ``attacked.sql``."""
    params = {"alert_keys": list(alert_keys)}
    text = (
        "SELECT DISTINCT unnest(event_ids) AS id FROM findings WHERE list_contains($alert_keys::VARCHAR[], alert_key)"
    )
    reach = Reach(event_ids=store.sql(text, params).column("id").to_pylist())
    return list(store.sql(attacked_sql(), {**params, "threshold": threshold}, reach=reach).to_pylist())


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
