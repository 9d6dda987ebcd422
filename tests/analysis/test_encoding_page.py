"""Two versions of a page as network input: what changed, in words, and named back."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from soc_tui.analysis.encoding import page
from soc_tui.analysis.encoding.difference import ADDED, EDITED, REMOVED, compare, words
from soc_tui.analysis.encoding.html import MOST_UNITS, units

BEFORE = """<!doctype html>
<title>Shop</title>
<script src="/a.js?v=1"></script>
<p>Hello <a href="https://partner.org/x">friend</a></p>
"""


def test_units_are_tags_texts_and_lines() -> None:
    found = units('<p class="x>y">hi</p><script>var a=1;\nif(a<2){b()}</script><!-- c --><?php echo 1; ?><img src=x')
    assert [(u.kind, u.name, u.text) for u in found] == [
        ("tag", "p", 'class="x>y"'), ("text", "", "hi"), ("tag", "script", ""), ("script", "", "var a=1;"),
        ("script", "", "if(a<2){b()}"), ("comment", "", " c "), ("code", "", "php echo 1;"), ("tag", "img", "src=x"),
    ]  # fmt: skip


@pytest.mark.campaign
@pytest.mark.parametrize(
    "piece",
    ["<", '<a "', "<a '\"", "<!--", "<script>", "<script></script>", "<?", "<a", '"x"', "<a \"<b' ", "<%", "<t>x",
     "<style>a{", "<a b='>", "\U0001f600", "\x00", "</", "<textarea>"],
)  # fmt: skip
def test_a_megabyte_of_anything_is_read(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    found = units(text)
    assert len(found) <= MOST_UNITS * 5 // 4
    table = pa.table({"before": [None, text, "<p>x</p>"], "after": [text, text, text[:50_000]]})
    encoded = page.ENCODING.encode(table)
    assert set(encoded.owner.tolist()) == {0, 1, 2}
    assert (encoded.rows[:, 0] > 0).all()


def test_what_moved_is_no_change() -> None:
    assert compare("<p>a</p><p>b</p>", "<p>b</p>\n\n<p>a</p>").pieces == ()


def test_pieces_are_added_edited_and_removed_and_what_acts_comes_first() -> None:
    after = BEFORE.replace("v=1", "v=2").replace("Hello", "Bye") + '<iframe src="//evil.ru/x" width="1"></iframe>'
    difference = compare(BEFORE, after)
    assert [(p.mark, p.unit.kind, p.unit.name) for p in difference.pieces] == [
        (ADDED, "tag", "iframe"), (ADDED, "text", ""), (EDITED, "tag", "script"), (REMOVED, "tag", "script"),
        (REMOVED, "text", ""),
    ]  # fmt: skip
    assert list(words(difference.pieces[0], difference.known)) == [
        "added:tag:iframe", "hiding", "@src", "url:new", "host:evil.ru", "tld:ru", "end:-", "path:x", "@width", "width:tiny",
    ]  # fmt: skip
    assert dict(difference.facts)["hosts never named before"] == "1"
    assert dict(difference.facts)["frames added"] == "1"
    assert dict(difference.facts)["title"] == "the same"


def test_a_host_that_the_page_named_before_is_known() -> None:
    difference = compare(BEFORE, BEFORE + '<a href="https://partner.org/y">')
    assert "url:known" in list(words(difference.pieces[0], difference.known))


def test_lines_are_objects_with_the_two_versions() -> None:
    lines = [
        json.dumps({"before": "a", "after": "b"}), json.dumps({"after": "b"}), json.dumps({"before": None, "after": "\ud800"}),
        "x", "[]", '{"after": 3}', '{"before": 1, "after": "b"}', "[" * 100_000, "",
    ]  # fmt: skip
    table, refused = page.ENCODING.table_of(lines)
    assert table["before"].to_pylist() == ["a", *[None] * 8]
    assert table["after"].to_pylist() == ["b", "b", "\\ud800", *[None] * 6]
    assert sorted(refused) == [3, 4, 5, 6, 7, 8]
    assert refused[5] == 'lacks "after", the page as it is now'
    assert refused[6] == 'has a "before" that is no text'
    assert page.ENCODING.encode(table).owner.tolist() == list(range(9))


def test_a_missing_column_is_unknown() -> None:
    whole = page.ENCODING.encode(pa.table({"before": pa.array([None], pa.string()), "after": [BEFORE]}))
    assert np.array_equal(page.ENCODING.encode(pa.table({"after": [BEFORE]})).rows, whole.rows)
    assert page.ENCODING.encode(pa.table({"before": ["x"]})).rows.shape == (1, page.LENGTH)
    assert page.ENCODING.encode(pa.table({"after": pa.array([], pa.string())})).rows.shape == (0, page.LENGTH)


def test_every_window_starts_with_the_facts() -> None:
    encoded = page.ENCODING.encode(pa.table({"before": ["<p>x</p>"], "after": ["<p>a b c d e f</p>" * 400]}))
    facts = len(compare("<p>x</p>", "").facts)
    assert 1 < len(encoded.rows) <= page.MAX_WINDOWS
    assert (encoded.rows[:, :facts] == encoded.rows[0, :facts]).all()


def test_an_explanation_names_pieces_and_facts() -> None:
    table = pa.table({"before": [BEFORE], "after": [BEFORE + "<iframe src=//evil.ru></iframe>"]})
    encoded = page.ENCODING.encode(table)
    facts = len(compare("", "").facts)
    weights = np.zeros((1, page.LENGTH), np.float32)
    weights[0, 0], weights[0, facts : facts + 2] = 0.5, 1.0
    assert page.ENCODING.explain(table, encoded, np.array([0]), weights) == [[
        {"field": "added <iframe>, line 5", "value": "<iframe src=//evil.ru>", "weight": 2.0},
        {"field": "an earlier version is known", "value": "yes", "weight": 0.5},
    ]]  # fmt: skip
