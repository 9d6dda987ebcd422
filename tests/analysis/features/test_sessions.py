from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from soc_tui.analysis.features.sessions import GAP_SECONDS, HALF, gathered

BEGIN = datetime(2026, 3, 1, 10)


def rows(*events: tuple[int, str, float]) -> pa.Table:
    """Events as (id, source, second)."""
    made: list[dict[str, Any]] = [
        {"event_id": number, "src_ip": source, "time": BEGIN + timedelta(seconds=second), "stamp": f"at {second:g}",
         "kind": "web", "status": None, "user_name": None, "target": None, "http_method": "GET", "http_status": 200,
         "url_path": f"/{number}", "referrer": False, "repeat": None}
        for number, source, second in events
    ]  # fmt: skip
    schema = pa.schema([
        ("event_id", pa.int64()), ("src_ip", pa.string()), ("time", pa.timestamp("us")), ("stamp", pa.string()),
        ("kind", pa.string()), ("status", pa.string()), ("user_name", pa.string()), ("target", pa.string()),
        ("http_method", pa.string()), ("http_status", pa.int32()), ("url_path", pa.string()),
        ("referrer", pa.bool_()), ("repeat", pa.int32()),
    ])  # fmt: skip
    return pa.Table.from_pylist(made, schema)


def sessions(table: pa.Table, first: int = 1) -> list[tuple[str, int, int, list[str]]]:
    return [
        (row["key"], row["event_id"], row["events_total"], [event["url_path"] for event in row["events"]])
        for row in gathered(table, first).sort_by("key").to_pylist()
    ]


def test_a_longer_pause_begins_a_new_session() -> None:
    table = rows((4, "b", 5), (1, "a", 0), (3, "a", 2 * GAP_SECONDS + 1), (2, "a", GAP_SECONDS))
    assert sessions(table) == [
        ("a at 0", 2, 2, ["/1", "/2"]), ("a at 3601", 3, 1, ["/3"]), ("b at 5", 4, 1, ["/4"]),
    ]  # fmt: skip


def test_time_decides_the_order_and_then_the_id() -> None:
    assert sessions(rows((3, "a", 1), (2, "a", 1), (9, "a", 0))) == [("a at 0", 9, 3, ["/9", "/2", "/3"])]


def test_sessions_without_a_new_event_are_left_out() -> None:
    table = rows((1, "a", 0), (2, "a", 5000), (3, "b", 0), (4, "b", 1))
    assert [key for key, *_ in sessions(table, first=4)] == ["b at 0"]
    assert sessions(table, first=5) == []
    assert gathered(rows(), 1).num_rows == 0


def test_the_middle_of_a_flood_is_left_out() -> None:
    (found,) = sessions(rows(*((number, "a", number) for number in range(1, 2 * HALF + 4))))
    assert found[2] == 2 * HALF + 3
    assert found[3] == [f"/{number}" for number in [*range(1, HALF + 1), *range(HALF + 4, 2 * HALF + 4)]]


def test_seconds_keep_their_fraction() -> None:
    (row,) = gathered(rows((1, "a", 0.123456)), 1).to_pylist()
    assert row["events"][0]["time"] == (BEGIN - datetime(1970, 1, 1)).total_seconds() + 0.123456
