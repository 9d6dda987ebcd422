from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis.encoding import query
from soc_tui.analysis.encoding.decoding import decode

SQL = (Path(query.__file__).parents[1] / "features" / "query_values.sql").read_text()


def test_case_is_folded_and_depth_is_marked() -> None:
    lower, upper = query.encode(["select"]).rows, query.encode(["SeLeCt"]).rows
    np.testing.assert_array_equal(lower, upper)
    assert [query.encode([v]).rows[0, 0] for v in ("<", "%3c", "%253c", "%u003c", "PHNjcmlwdD4xPC8=")] == [
        1,
        2,
        3,
        5,
        6,
    ]
    np.testing.assert_array_equal(query.encode(["<"]).rows[0, 1:], query.encode(["%253c"]).rows[0, 1:])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_any_text_becomes_known_ids(value: str) -> None:
    windows = query.encode([value])
    assert windows.rows.shape[1] == query.LENGTH
    assert len(windows.rows) >= 1
    assert windows.rows.max() < query.VOCABULARY
    text = decode(value).text
    covered = {windows.start[i] + j for i in range(len(windows.rows)) for j in range((windows.rows[i] != 0).sum() - 1)}
    assert covered == set(range(len(text)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 8000), st.integers(0, 8000))
def test_padding_cannot_hide_an_attack_within_a_request_line(before: int, after: int) -> None:
    attack = "' union select password--"
    windows = query.encode(["an " * (min(before, 8100 - after) // 3) + attack + "be " * (after // 3)])
    wanted = query.characters(attack).tolist()
    assert len(windows.rows) <= query.MAX_WINDOWS
    assert any(
        wanted == row[i : i + len(wanted)].tolist()
        for row in windows.rows
        for i in range(1, query.LENGTH - len(wanted) + 1)
    )


def test_beyond_that_the_head_the_tail_and_the_punctuation_are_read() -> None:
    attack = "<script>alert(1)</script>"
    windows = query.encode(["xz" * 15_000 + attack + "yz" * 15_000])
    assert len(windows.rows) == query.MAX_WINDOWS
    wanted = query.characters(attack).tolist()
    assert any(
        wanted == row[i : i + len(wanted)].tolist()
        for row in windows.rows
        for i in range(1, query.LENGTH - len(wanted) + 1)
    )


def test_no_values_are_no_windows() -> None:
    assert query.encode([]).rows.shape == (0, query.LENGTH)


def test_parameters() -> None:
    assert query.parameters("a=1&b=x=y&c&&=z") == [("a", "1"), ("b", "x=y"), ("c", ""), ("", "z")]
    assert query.parameters("") == []


def test_sql_yields_each_distinct_text_once() -> None:
    events = pa.table({
        "event_id": pa.array([1, 2, 3, 4], pa.int64()),
        "url_path": ["/a/b", "/a/b", "/", None],
        "url_query": ["id=1%27&id=42&<b>=2", "id=42", None, "../etc/passwd"],
        "user_agent": ["curl/8", "curl/8", None, "() { :;}; id"],
        "referrer": ["http://a.example/b", "http://a.example/?q=1", "http://a.example/?q=1", "http://a.example/../b"],
    })  # fmt: skip
    connection = duckdb.connect()
    connection.register("events", events)
    found = connection.sql(SQL, params={"first_event_id": 1, "last_event_id": 4}).fetchall()
    assert sorted(found) == [
        ("referrer", "http://a.example/../b", 4, 1),
        ("referrer", "http://a.example/?q=1", 2, 2),
        ("url_path", "/a/b", 1, 2),
        ("url_query", "../etc/passwd", 4, 1),
        ("url_query", "1%27", 1, 1),
        ("url_query", "42", 1, 2),
        ("url_query", "<b>", 1, 1),
        ("user_agent", "() { :;}; id", 4, 1),
        ("user_agent", "curl/8", 1, 2),
    ]


def test_spans_are_the_heaviest_runs_and_do_not_overlap() -> None:
    value = "name=%27+or+1%3D1+and+more"
    weights = np.zeros(query.LENGTH, np.float32)
    weights[6:14] = 1.0  # the mark is the first id, so text[5:13]
    weights[19:23] = 0.5
    assert query.spans(value, 0, weights)[:2] == [(5, "' or 1=1", 8.0), (18, "more", 2.0)]
    assert query.spans("", 0, weights) == []


def test_equal_values_are_equal_rows_and_a_table_without_values_has_rows() -> None:
    table = pa.table({"value": pa.chunked_array([["<b>", None], ["xz" * 150, "<b>", ""]], pa.string())})
    encoded = query.ENCODING.encode(table)
    assert encoded.owner.tolist() == [0, 1, 2, 2, 2, 3, 4]
    np.testing.assert_array_equal(encoded.rows[0], encoded.rows[5])
    np.testing.assert_array_equal(encoded.rows[1], encoded.rows[6])
    assert encoded.start[2:5].tolist() == [0, 95, 173]
    assert query.ENCODING.encode(pa.table({"other": [1, 2]})).owner.tolist() == [0, 1]
    assert query.ENCODING.encode(pa.table({"value": pa.array([], pa.string())})).rows.shape == (0, query.LENGTH)


@pytest.mark.parametrize(
    "value", ["'" * 1_000_000, "%" * 1_000_000, "\U0001f4a3" * 250_000, "\udcff\ud800%ff", "&#x" * 9]
)
def test_hostile_values_have_windows(value: str) -> None:
    table, refused = query.ENCODING.table_of([value])
    assert refused == {}
    rows = query.ENCODING.encode(table).rows
    assert 1 <= len(rows) <= query.MAX_WINDOWS
    assert rows.max() < query.VOCABULARY


def test_explanations_name_places_in_the_decoded_value() -> None:
    table = pa.table({"value": ["calm", "a%3Cb%3E and a tail"]})
    encoded = query.ENCODING.encode(table)
    weights = np.zeros((1, query.LENGTH), np.float32)
    weights[0, 2:5] = 2.0
    weights[0, 9] = -1.0
    (reasons,) = query.ENCODING.explain(table, encoded, np.array([1]), weights)
    assert reasons[0] == {"field": "characters 1-4", "value": "<b>", "weight": 6.0}
    assert reasons[-1]["field"] == "other characters"
    assert sum(reason["weight"] for reason in reasons) == pytest.approx(5.0)
