from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis.encoding import query

SQL = (Path(query.__file__).parents[1] / "features" / "query_values.sql").read_text()


@pytest.mark.parametrize(
    ("sent", "text", "depth"),
    [
        ("plain", "plain", 0),
        ("a+b", "a b", 0),
        ("%27%20or%201%3D1", "' or 1=1", 1),
        ("%2527", "'", 2),
        ("%25252527", "%2527", 2),
        ("100%", "100%", 0),
        ("caf%C3%A9", "café", 1),
        ("＜script＞", "<script>", 0),
        ("%EF%BC%9Cscript", "<script", 1),
        ("", "", 0),
    ],
)
def test_decoding_stops_after_two_rounds(sent: str, text: str, depth: int) -> None:
    assert query.decode(sent) == (text, depth)


def test_overlong_bytes_stay_visible() -> None:
    text, _ = query.decode("%c0%af%c0%af")
    assert query.characters(text).tolist() == [query._INVALID] * 4


def test_case_is_folded_and_depth_is_marked() -> None:
    lower, upper = query.encode(["select"]).ids, query.encode(["SeLeCt"]).ids
    np.testing.assert_array_equal(lower, upper)
    assert [query.encode([v]).ids[0, 0] for v in ("<", "%3c", "%253c")] == [1, 2, 3]
    np.testing.assert_array_equal(query.encode(["<"]).ids[0, 1:], query.encode(["%253c"]).ids[0, 1:])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_any_text_becomes_known_ids(value: str) -> None:
    windows = query.encode([value])
    assert windows.ids.shape[1] == query.LENGTH
    assert len(windows.ids) >= 1
    assert windows.ids.max() < query.VOCABULARY
    text, _ = query.decode(value)
    covered = {windows.start[i] + j for i in range(len(windows.ids)) for j in range((windows.ids[i] != 0).sum() - 1)}
    assert covered == set(range(len(text)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 8000), st.integers(0, 8000))
def test_padding_cannot_hide_an_attack_within_a_request_line(before: int, after: int) -> None:
    attack = "' union select password--"
    windows = query.encode(["a" * min(before, 8100 - after) + attack + "b" * after])
    wanted = query.characters(attack).tolist()
    assert len(windows.ids) <= query.MAX_WINDOWS
    assert any(
        wanted == row[i : i + len(wanted)].tolist()
        for row in windows.ids
        for i in range(1, query.LENGTH - len(wanted) + 1)
    )


def test_beyond_that_the_head_the_tail_and_the_punctuation_are_read() -> None:
    attack = "<script>alert(1)</script>"
    windows = query.encode(["x" * 30_000 + attack + "y" * 30_000])
    assert len(windows.ids) == query.MAX_WINDOWS
    wanted = query.characters(attack).tolist()
    assert any(
        wanted == row[i : i + len(wanted)].tolist()
        for row in windows.ids
        for i in range(1, query.LENGTH - len(wanted) + 1)
    )


def test_no_values_are_no_windows() -> None:
    assert query.encode([]).ids.shape == (0, query.LENGTH)


def test_parameters() -> None:
    assert query.parameters("a=1&b=x=y&c&&=z") == [("a", "1"), ("b", "x=y"), ("c", ""), ("", "z")]
    assert query.parameters("") == []


def test_sql_yields_each_distinct_text_once() -> None:
    events = pa.table({
        "event_id": pa.array([1, 2, 3, 4], pa.int64()),
        "url_path": ["/a/b", "/a/b", "/", None],
        "url_query": ["id=1%27&id=42&<b>=2", "id=42", None, "../etc/passwd"],
    })  # fmt: skip
    connection = duckdb.connect()
    connection.register("events", events)
    found = connection.sql(SQL, params={"first_event_id": 1, "last_event_id": 4}).fetchall()
    assert sorted(found) == [
        ("url_path", "/a/b", 1, 2),
        ("url_query", "../etc/passwd", 4, 1),
        ("url_query", "1%27", 1, 1),
        ("url_query", "42", 1, 2),
        ("url_query", "<b>", 1, 1),
    ]


def test_span_finds_the_heaviest_run() -> None:
    value = "name=%27+or+1%3D1"
    weights = np.zeros(query.LENGTH, np.float32)
    weights[6:14] = 1.0  # the depth mark is id 0, so text[5:13]
    assert query.span(value, 0, weights) == (5, "' or 1=1", 8.0)
    assert query.span("", 0, weights) == (0, "", 0.0)
