"""What kinds of events a window has, asked once for all rules.

Most windows hold the events of a few programs, and most rules are about others. To plan and run each rule over each
window cost more than to find anything. So the window is read once for its *kinds*, the distinct values of the few
columns that tell a rule whether an event can concern it (:data:`COLUMNS`), some ten rows for a million events, and
whatever no kind meets is not asked. A condition over kinds is also one over ``events``, with the same answer: it names
only these columns, those that are shortened here only as they are shortened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

_WHOLE = ("class_uid", "product", "process", "log_name", "activity", "status", "service")
_SHORTENED = {
    "src_ip": "CASE WHEN src_ip IS NOT NULL THEN '' END",
    "user_name": "CASE WHEN user_name IS NOT NULL THEN '' END",
    "query_name": "CASE WHEN query_name IS NOT NULL THEN '' END",
    "rule_id": "CASE WHEN rule_id IS NOT NULL THEN '' END",
    "session_uid": "CASE WHEN session_uid IS NOT NULL THEN '' END",
    "http_method": "CASE WHEN http_method = 'POST' THEN 'POST' END",
    "http_status": "CASE WHEN http_status = 401 THEN 401 END",
    "duration": "CASE WHEN duration >= 360 THEN 360 END",
}
COLUMNS: Mapping[str, str] = {**{name: name for name in _WHOLE}, **_SHORTENED}
"""The columns of a kind and what each is of an event: of an address, only whether there is one; of ``http_method``,
whether it is ``POST``; of ``http_status``, whether it is 401; of ``duration``, whether it is 360 s or more."""

WINDOW = "event_id BETWEEN $first_event_id AND $last_event_id"
"""The new events."""


def kinds(stretch: str = WINDOW) -> str:
    """The query of the kinds of the events in a stretch of ``events``."""
    told = ", ".join(text if text == name else f"{text} AS {name}" for name, text in COLUMNS.items())
    return f"SELECT DISTINCT {told} FROM events WHERE {stretch}"  # noqa: S608 - our own text


def met(conditions: Mapping[str, str], table: str = "kinds") -> str:
    """The query of which conditions are met by some row of a table of kinds: one row, a boolean column each."""
    told = ", ".join(f'coalesce(bool_or({text}), FALSE) AS "{name}"' for name, text in conditions.items())
    return f"SELECT {told} FROM {table}"  # noqa: S608 - our own text


def rows(found: pa.Table) -> dict[str, Any]:
    """The answer of :func:`met`."""
    answer: dict[str, Any] = found.to_pylist()[0]
    return answer
