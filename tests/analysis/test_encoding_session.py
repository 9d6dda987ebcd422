from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from soc_tui.analysis.encoding import session
from soc_tui.analysis.encoding.session import EVENTS, FIELDS, STRIDE

AT = {name: place for place, name in enumerate(FIELDS)}


def logon(time: float, status: str = "failure", user: str | None = "root", **more: Any) -> dict[str, Any]:
    return {"time": time, "kind": "logon", "status": status, "user_name": user, "target": "web1", **more}


def web(time: float, path: str, status: int = 200, **more: Any) -> dict[str, Any]:
    return {"time": time, "kind": "web", "url_path": path, "http_status": status, "http_method": "GET", **more}


def tokens(*events: dict[str, Any]) -> np.ndarray[Any, Any]:
    encoded = session.ENCODING.encode(session.table([events]))
    assert encoded.rows.shape == (1, EVENTS, session.WIDTH)
    assert not encoded.rows[0, len(events) :].any()
    return encoded.rows[0, : len(events)]


def column(rows: np.ndarray[Any, Any], name: str) -> list[float]:
    return [float(value) for value in rows[:, AT[name]]]


def log(value: float, high: float) -> float:
    return round(float(np.log1p(value) / np.log1p(high)) * 64) / 64


def test_a_log_in_is_seen_against_what_came_before() -> None:
    rows = tokens(logon(0), logon(10), logon(20, user="anna"), logon(25, "success", "root"), logon(30, "unknown", None))
    assert column(rows, "failure") == [1, 1, 1, 0, 0]
    assert column(rows, "success") == [0, 0, 0, 1, 0]
    assert column(rows, "user new") == [1, 0, 1, 0, 0]
    assert column(rows, "user missing") == [0, 0, 0, 0, 1]
    assert column(rows, "user often tried by attackers") == [1, 1, 0, 1, 0]
    assert column(rows, "users so far") == [log(n, 100) for n in (1, 1, 2, 2, 2)]
    assert column(rows, "failures so far") == [log(n, 100) for n in (0, 1, 2, 3, 3)]
    assert column(rows, "failures of this user so far") == [0, log(1, 100), 0, log(2, 100), 0]
    assert column(rows, "success of a user that failed") == [0, 0, 0, log(2, 100), 0]
    assert column(rows, "target new") == [1, 0, 0, 0, 0]
    assert column(rows, "pause") == [0, log(100, 36000), log(100, 36000), log(50, 36000), log(50, 36000)]
    assert column(rows, "successes so far") == [0, 0, 0, 0, log(1, 100)]
    assert column(rows, "first event") == [1, 0, 0, 0, 0]
    assert column(rows, "present") == [1, 1, 1, 1, 1]


def test_a_folded_line_counts_as_often_as_it_stood() -> None:
    rows = tokens(logon(0, repeat=5), logon(1))
    assert column(rows, "repeat") == [log(4, 100), 0]
    assert column(rows, "failures so far") == [0, log(5, 100)]


def test_a_request_is_seen_against_what_came_before() -> None:
    rows = tokens(
        web(0, "/robots.txt"), web(1, "/a.PNG", 404), web(2, "/wp-login.php", 401, http_method="POST"),
        web(2, "/a.PNG", 404), web(3, "/b", 301, http_method="PURGE", referrer="http://x"), web(4, "/c", 503),
    )  # fmt: skip
    assert column(rows, "path robots.txt") == [1, 0, 0, 0, 0, 0]
    assert column(rows, "path static") == [0, 1, 0, 1, 0, 0]
    assert column(rows, "path login") == [0, 0, 1, 0, 0, 0]
    assert column(rows, "path new") == [1, 1, 1, 0, 1, 1]
    assert column(rows, "answer 2xx") == [1, 0, 0, 0, 0, 0]
    assert column(rows, "answer 3xx") == [0, 0, 0, 0, 1, 0]
    assert column(rows, "answer 401 or 403") == [0, 0, 1, 0, 0, 0]
    assert column(rows, "answer 404") == [0, 1, 0, 1, 0, 0]
    assert column(rows, "answer 5xx") == [0, 0, 0, 0, 0, 1]
    assert column(rows, "method POST") == [0, 0, 1, 0, 0, 0]
    assert column(rows, "method other") == [0, 0, 0, 0, 1, 0]
    assert column(rows, "failure") == [0, 0, 1, 0, 0, 0]
    assert column(rows, "referrer") == [0, 0, 0, 0, 1, 0]
    assert column(rows, "missing paths so far") == [log(n, 100) for n in (0, 0, 1, 1, 1, 1)]


def test_sessions_know_nothing_of_each_other() -> None:
    one, two = [logon(0), logon(1)], [logon(0), logon(9, "success")]
    both = session.ENCODING.encode(session.table([one, two]))
    np.testing.assert_array_equal(both.rows[0], session.ENCODING.encode(session.table([one])).rows[0])
    np.testing.assert_array_equal(both.rows[1], session.ENCODING.encode(session.table([two])).rows[0])


@pytest.mark.parametrize(
    ("events", "starts"),
    [(0, [0]), (1, [0]), (64, [0]), (65, [0, 1]), (130, [0, 48, 66]), (784, list(range(0, 721, 48)))],
)
def test_a_long_session_is_read_in_windows(events: int, starts: list[int]) -> None:
    encoded = session.ENCODING.encode(session.table([[logon(i) for i in range(events)]]))
    assert encoded.start.tolist() == starts
    assert encoded.owner.tolist() == [0] * len(starts)
    if events > EVENTS:
        assert encoded.rows[-1, -1, 0] == 1
        assert starts[1] - starts[0] <= STRIDE


def test_of_a_very_long_session_first_and_last_are_among_the_windows() -> None:
    encoded = session.ENCODING.encode(session.table([[logon(i) for i in range(5000)]]))
    assert len(encoded.start) == session.MAX_WINDOWS
    assert (encoded.start[0], encoded.start[-1]) == (0, 5000 - EVENTS)


HOSTILE: list[Any] = [
    {}, {"time": float("nan")}, {"time": float("inf"), "status": 5}, {"time": 1e300}, {"time": "yesterday"},
    {"time": "2026-03-01T10:00:00Z"}, {"class_uid": "x"}, {"http_status": "abc", "kind": "web"},
    {"http_status": -5, "kind": "web", "url_path": "\ud800" * 3}, {"url_path": "/" + "x" * 1_000_000, "kind": "web"},
    {"user_name": ["a"], "repeat": -3}, {"user_name": {"a": 1}, "repeat": 10**30}, {"status": None, "referrer": []},
    {"time": True, "target": 7, "http_method": 5, "kind": "💥"}, {"time": "9999-12-31T23:59:59+14:00"},
]  # fmt: skip


def test_hostile_events_have_tokens() -> None:
    encoded = session.ENCODING.encode(session.table([HOSTILE, HOSTILE[::-1]]))
    assert np.isfinite(encoded.rows).all()
    assert (encoded.rows >= 0).all()
    assert (encoded.rows <= 1).all()
    assert encoded.rows[:, :, 0].sum() == 2 * len(HOSTILE)


def test_tables_of_any_shape_have_rows() -> None:
    empty = pa.table({"events": pa.array([None, [], None], session.SESSIONS.field(0).type)})
    assert session.ENCODING.encode(empty).rows.shape == (3, EVENTS, session.WIDTH)
    assert session.ENCODING.encode(pa.table({"other": [1, 2]})).owner.tolist() == [0, 1]
    assert len(session.ENCODING.encode(session.SESSIONS.empty_table()).rows) == 0
    few = pa.table({"events": [[{"status": "failure", "kind": "logon"}], [None]]})
    assert session.ENCODING.encode(few).rows[:, 0, AT["failure"]].tolist() == [1, 0]
    odd = pa.table({"events": [[1, 2], [3]]})
    assert session.ENCODING.encode(odd).owner.tolist() == [0, 1]


def test_lines_of_json_are_sessions() -> None:
    lines = [
        json.dumps([{"time": "2026-03-01T10:00:05", "class_uid": 4002, "url_path": "/", "http_status": 200},
                    {"time": "2026-03-01T10:00:00Z", "class_uid": 3002, "status": "failure", "user_name": "root"}]),
        "no", "{}", "[]", "[1]", "[" * 100_000, '[{"kind": "logon"}]',
    ]  # fmt: skip
    table, refused = session.ENCODING.table_of(lines)
    assert table.num_rows == len(lines)
    assert refused == {
        1: "no JSON", 2: "no list of events (objects)", 3: "no list of events (objects)",
        4: "no list of events (objects)", 5: "no JSON",
    }  # fmt: skip
    first = table["events"][0].as_py()
    assert [(event["kind"], event["status"]) for event in first] == [("logon", "failure"), ("web", None)]
    assert first[0]["time"] == datetime.fromisoformat("2026-03-01T10:00:00+00:00").timestamp()


def test_an_explanation_names_events() -> None:
    events = [logon(i) for i in range(EVENTS)] + [logon(70, "success"), web(71, "/admin", 200)]
    table = session.table([[web(0, "/")], events])
    encoded = session.ENCODING.encode(table)
    weights = np.zeros((1, EVENTS, session.WIDTH), np.float32)
    weights[0, EVENTS - 2, 3], weights[0, EVENTS - 1, :2], weights[0, 0, 0] = 2.0, -1.5, 0.5
    (found,) = session.ENCODING.explain(table, encoded, np.array([2]), weights)
    assert encoded.start.tolist() == [0, 0, 2]
    assert found == [  # what pushed towards risk comes first
        {"field": "event 65", "value": "log-in success root web1", "weight": 2.0},
        {"field": "event 3", "value": "log-in failure root web1", "weight": 0.5},
        {"field": "event 66", "value": "GET /admin 200", "weight": -3.0},
    ]
