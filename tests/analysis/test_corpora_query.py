"""The query model's data: values made by rule, their disguises, and what a left-out source leaves behind."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from soc_tui.analysis.corpora import attacks, disguise, grammar, ordinary, query_task
from soc_tui.analysis.corpora import query as lists
from soc_tui.analysis.corpora.grammar import read_grammar
from soc_tui.analysis.encoding import query
from soc_tui.analysis.encoding.decoding import decode


@pytest.mark.parametrize("file", ["attacks.txt", "ordinary.txt"])
def test_every_name_of_a_grammar_is_defined(file: str) -> None:
    sections = read_grammar(file)
    used = {name for lines in sections.values() for line in lines for name in re.findall(r"«(\w+)»", line)}
    assert used - sections.keys() - {"N", "n", "w", "r", "x", "b", "n1", "w1", "w2", "term"} == set()
    assert all(line.count("«N»") == line.count("«.»") for lines in sections.values() for line in lines)


@pytest.mark.parametrize(
    ("file", "entries"),
    [("attacks.txt", {name for name, _, _ in attacks._KINDS}), ("ordinary.txt", {"value"})],
)
def test_every_section_of_a_grammar_is_reached(file: str, entries: set[str]) -> None:
    """A value in brackets alone on its line would open a section and take the lines below it away."""
    sections = read_grammar(file)
    used = {name for lines in sections.values() for line in lines for name in re.findall(r"«(\w+)»", line)}
    assert sections.keys() - used == entries - used


def test_a_section_that_stands_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "__file__", str(tmp_path / "grammar.py"))
    (tmp_path / "a.txt").write_text("[a]\n\\[x]\n\\s\n[b]\ny\n", encoding="utf-8")
    assert read_grammar("a.txt") == {"a": ["[x]", " "], "b": ["y"]}
    (tmp_path / "a.txt").write_text("[a]\nx\n[a]\ny\n", encoding="utf-8")
    with pytest.raises(ValueError, match="twice"):
        read_grammar("a.txt")


def test_made_values_are_repeatable_and_of_every_class() -> None:
    first = attacks.made(800, np.random.default_rng(3), ["order", "user"])
    assert first == attacks.made(800, np.random.default_rng(3), ["order", "user"])
    assert len(first) == 800
    assert set(first.values()) == {1 << i for i in range(1, len(lists.CLASSES))}
    calm = ordinary.ordinary(300, np.random.default_rng(3))
    assert calm == ordinary.ordinary(300, np.random.default_rng(3))
    assert len(set(calm)) == 300


def test_markup_is_repeatable_and_carries_nothing_that_runs() -> None:
    found = lists.markup(np.random.default_rng(3), 500)
    assert found == lists.markup(np.random.default_rng(3), 500)
    assert len(found) == 500
    assert set(found.values()) == {lists.BENIGN}
    assert all("<" in value and len(value) <= 300 for value in found)
    hostile = re.compile(r"<script|<iframe|<svg|javascript:|\bon(?:load|error|click)\s*=|\{\{", re.IGNORECASE)
    assert not [value for value in found if hostile.search(value)]


def test_rare_forms_decode_to_the_same_text() -> None:
    value = "<a href=\"x\"> or 'b' -- ; $(id)"
    for form in disguise._RARE[:5]:
        assert decode(form(value)).text == value
    assert decode(disguise._base64(value)).text == value
    rng = np.random.default_rng(1)
    for _ in range(20):
        found = decode(disguise.attack_only("../<b>'x", rng))
        assert (found.text, found.odd) == ("../<b>'x", True)


def test_a_carried_attack_holds_the_attack() -> None:
    rng = np.random.default_rng(2)
    for _ in range(60):
        assert "' or 1=1--" in disguise.carried("' or 1=1--", ["shoes", "red {x}"], rng)


@pytest.mark.parametrize(
    ("value", "bits", "narrowed"),
    [
        ("${jndi:ldap://x}", lists.ANY_RISK, lists.LOOKUP),
        ("%24%7Bjndi:ldap://x%7D", lists.COMMAND | lists.LOOKUP, lists.LOOKUP),
        ("{{7*7}}", lists.ANY_RISK, lists.TEMPLATE),
        ("php://filter/resource=a", lists.TRAVERSAL | lists.INCLUSION, lists.INCLUSION),
        ("../../etc/passwd", lists.TRAVERSAL | lists.INCLUSION, lists.TRAVERSAL | lists.INCLUSION),
        ("{{7*7}}", lists.XSS, lists.XSS),
    ],
)
def test_a_shape_narrows_what_a_source_left_open(value: str, bits: int, narrowed: int) -> None:
    assert lists.narrowed(value, bits) == narrowed


def test_an_attack_teaches_its_worst_window_and_benign_text_all() -> None:
    values = {"xz" * 150 + "<script>alert(1)</script>": lists.XSS, "yz" * 150: lists.BENIGN}
    part = query_task.training_part(values, "made", {})
    assert part.sample.risky.tolist().count(True) == 1
    assert len(part.sample.rows) == 4
    assert "script" in decode(part.keys[part.sample.risky][0]).text
    risky = part.sample.rows[part.sample.risky]
    assert query.punctuation(risky).tolist() == [7]
    assert query_task.training_part(values, "websec", {}).sample.words.tolist() == [""] * 4


def test_augmentation_keeps_marks_and_padding() -> None:
    rows = query.encode(["id=1234567890 and more words", "short"] * 50).rows
    changed = query_task.hide_characters(rows, np.random.default_rng(1))
    np.testing.assert_array_equal(changed == 0, rows == 0)
    np.testing.assert_array_equal(changed[:, 0], rows[:, 0])
    assert 0 < (changed != rows).mean() < 0.2


@pytest.mark.campaign
def test_nothing_of_a_left_out_source_is_learned(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {name: dict(list(values.items())[:40]) for name, values in query_task.labelled_sources(
        shared_data, np.random.default_rng(1)).items()}  # fmt: skip
    small["fuzzdb"] |= {text.upper(): lists.SQLI for text in small["waf-bypass"]}
    monkeypatch.setattr(query_task, "labelled_sources", lambda data, rng: small)
    monkeypatch.setattr(query_task, "background", lambda data, rng: {"made": attacks.made(50, rng)})
    query_task._material.cache_clear()
    try:
        names = [name for name, _ in query_task.folds(shared_data, 7)]
        assert names == list(query_task.GROUPS)
        plan = query_task.query_task(shared_data, 7, "kaggle_xss")
        material = query_task._material(shared_data, 7)
        assert "kaggle_xss" not in set(plan.train.origin)
        assert "crowdsec" in set(plan.train.origin)
        assert set(plan.validation.origin) == {"waf-bypass", "sentences", "apache", "windows"}
        own = {lists.known_by(v) for v in small["waf-bypass"]}
        plan = query_task.query_task(shared_data, 7, "waf-bypass")
        left = sum(int((plan.train.origin == part.origin).sum()) for part in material.parts[:1])
        assert left > 0
        fuzz = [part for part in material.parts if part.origin == "fuzzdb"]
        assert own & {key for part in fuzz for key in part.keys}
        assert "fuzzdb" not in set(plan.train.origin)
        assert "waf-bypass" not in set(plan.train.origin)
    finally:
        query_task._material.cache_clear()
