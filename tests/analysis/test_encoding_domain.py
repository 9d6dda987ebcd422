from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.analysis.corpora import domain as corpus
from soc_tui.analysis.encoding import domain
from soc_tui.analysis.features import feature_sql
from soc_tui.core.settings import StoreSettings
from soc_tui.store.database import Store

BELOW, REGISTERED, SUFFIX = domain.BELOW, domain.REGISTERED, domain.SUFFIX
A, B, DOT = 0, 1, 38


@pytest.mark.parametrize(
    ("name", "below", "label", "suffix"),
    [
        ("a.b.example.co.uk", "a.b.", "example.", "co.uk"),
        ("example.com", "", "example.", "com"),
        ("x1.d0123.cloudfront.net", "x1.", "d0123.", "cloudfront.net"),
        ("host.duckdns.org", "", "host.", "duckdns.org"),
        ("name.notatld", "", "name.", "notatld"),
        ("co.uk", "co.uk", "", ""),
        ("wpad", "wpad", "", ""),
        ("192.0.2.1", "192.0.2.1", "", ""),
        ("a..b", "a..b", "", ""),
        ("", "", "", ""),
    ],
)
def test_a_name_is_cut_where_its_owner_begins(name: str, below: str, label: str, suffix: str) -> None:
    a, b = domain.parts(name)
    assert (name[:a], name[a:b], name[b:]) == (below, label, suffix)


def test_one_letter_has_one_id_for_each_owner() -> None:
    row = domain.ids(["B.a.B.com"])[0]  # label first, then suffix, then what is below
    com = [SUFFIX + "abcdefghijklmnopqrstuvwxyz".index(c) for c in "com"]
    expected = [4, REGISTERED + B, REGISTERED + DOT, *com, BELOW + B, BELOW + DOT, BELOW + A, BELOW + DOT]
    assert row[: len(expected)].tolist() == expected
    assert not row[len(expected) :].any()


@pytest.mark.parametrize(
    ("name", "mark"),
    [("wpad", 1), ("example.com", 2), ("a.example.com", 3), ("a.a.example.com", 4), ("a.a.a.example.com", 5),
     ("a.a.a.a.example.com", 6), ("a.a.a.a.a.a.example.com", 6)],
)  # fmt: skip
def test_the_mark_counts_labels_below(name: str, mark: int) -> None:
    assert domain.ids([name])[0, 0] == mark


def test_case_spaces_and_the_final_dot_do_not_matter() -> None:
    rows = domain.ids(["www.example.com", " WWW.eXample.COM. ", "www.example.com.."])
    assert (rows == rows[0]).all()


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=300))
def test_any_text_becomes_known_ids(name: str) -> None:
    text = domain.plain(name)
    found, order = domain.characters(text)
    assert len(found) == len(text) + 1 <= domain.LENGTH
    assert sorted(order.tolist()) == list(range(-1, len(text)))
    assert found.min() > 0
    assert found.max() < domain.VOCABULARY


def test_hostile_names_have_rows() -> None:
    values = ["a" * 1_000_000 + ".com", "\ud800.com".encode("utf-8", "backslashreplace").decode(), "\x00", "💥.💥", "ünï.de",
              "." * 500, None, "xn--\x7f.com", "-.-"]  # fmt: skip
    encoded = domain.ENCODING.encode(pa.table({"value": pa.array(values, pa.string())}))
    assert encoded.rows.shape == (len(values), domain.LENGTH)
    assert encoded.owner.tolist() == list(range(len(values)))
    assert (encoded.rows[:, 0] > 0).all()
    assert len(domain.ENCODING.encode(pa.table({"value": pa.array([], pa.string())})).rows) == 0
    assert domain.ENCODING.encode(pa.table({"other": [1, 2]})).rows.shape == (2, domain.LENGTH)


def test_the_end_of_an_overlong_name_is_kept() -> None:
    row = domain.ids(["x" * 5000 + ".tunnel.example.com"])[0]
    assert (row != 0).all() or (row != 0).sum() == domain.MAX_NAME + 1
    label = "".join(chr(97 + i - REGISTERED) for i in row if REGISTERED <= i < REGISTERED + 26)
    assert label in ("example", "")  # a name of more than 253 characters has no domain of its own


def test_a_line_is_a_name_and_an_empty_line_is_refused() -> None:
    table, refused = domain.ENCODING.table_of(["example.com", "", " . "])
    assert table["value"].to_pylist() == ["example.com", "", " . "]
    assert refused == {1: "no name", 2: "no name"}


def test_weights_go_back_to_the_pieces_of_the_name() -> None:
    name = "abcdefghijklmnop.data.Example.co.uk"
    weights = np.zeros(domain.LENGTH)
    _, order = domain.characters(domain.plain(name))
    at = {place: row for row, place in enumerate(order.tolist())}
    weights[at[0]], weights[at[13]], weights[at[22]], weights[at[34]], weights[0] = 1.0, 2.0, -4.0, 0.5, 9.0
    assert domain.explained(name, weights) == [
        {"field": "characters 22-29", "value": "example", "weight": -4.0},
        {"field": "characters 12-16", "value": "mnop", "weight": 2.0},
        {"field": "characters 0-12", "value": "abcdefghijkl", "weight": 1.0},
        {"field": "characters 30-35", "value": "co.uk", "weight": 0.5},
        {"field": "characters 17-21", "value": "data", "weight": 0.0},
    ]
    assert domain.explained("", np.zeros(domain.LENGTH)) == []


def test_explanations_keep_the_order_of_their_rows() -> None:
    table = pa.table({"value": ["b.com", "a.com", "b.com"]})
    encoded = domain.ENCODING.encode(table)
    weights = np.zeros((2, domain.LENGTH), np.float32)
    weights[0, 1], weights[1, 1] = 1.0, -1.0
    found = domain.ENCODING.explain(table, encoded, np.array([2, 1]), weights)
    assert [(e[0]["value"], e[0]["weight"]) for e in found] == [("b", 1.0), ("a", -1.0)]


ASKED = [
    ("example.com", True), ("A.Example.COM.", True), ("a b.evil.com", False), ("x+/=.evil.com", True),
    ("_dmarc.example.com", True), ("_ldap._tcp.dc._msdcs.example.com", False), ("wpad", False), ("wpad.local", False),
    ("printer.LAN", False), ("1.2.0.192.in-addr.arpa", False), ("192.0.2.1", False), ("xn--80ak6aa92e.com", True),
    ("host.localdomain", False), ("localhost", False), ("a.test", False), ("corp.com", True), ("(empty)", False),
    ("ünï.de", True), (".", False), ("", False), ("a.xn--p1ai", True),
]  # fmt: skip


def test_the_query_and_the_corpus_ask_for_the_same_names(tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "event_id": list(range(1, len(ASKED) + 2)), "query_name": [name for name, _ in ASKED] + ["example.com."],
    }  # fmt: skip
    text = feature_sql("domain_names").replace("FROM events", "FROM made")
    with Store.open(tmp_path / "w.duckdb", StoreSettings(threads=1)) as store:
        window = {"first_event_id": 1, "last_event_id": len(ASKED) + 1}
        found = store.sql(text, window, {"made": pa.table(columns)}).to_pylist()
        window["first_event_id"] = 2
        later = store.sql(text, window, {"made": pa.table(columns)}).to_pylist()
    assert {row["value"] for row in found} == {domain.plain(name) for name, wanted in ASKED if wanted}
    assert [row["value"] for row in found if not corpus.worth_asking(row["value"])] == []
    assert [name for name, wanted in ASKED if corpus.worth_asking(domain.plain(name)) != wanted] == []
    by_name = {row["value"]: (row["event_id"], row["events"]) for row in found}
    assert by_name["example.com"] == (1, 2)
    assert {row["value"]: row["events"] for row in later}["example.com"] == 1
