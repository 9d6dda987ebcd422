"""Checks in YAML: every mistake is named with file and line, and the other checks stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.detection import data

SCHEMA = data.COMMON | {"bad": data.pattern, "bits": data.number, "owned": data.flag, "names": data.several(data.text)}
GOOD = "- id: a-check\n  title: A check\n  severity: low\n  bad: '^x'\n"


def load(tmp_path: Path, text: str | bytes) -> tuple[list[dict[str, object]], list[str]]:
    file = tmp_path / "x.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    entries, problems = data.load([tmp_path], SCHEMA, ("id", "title", "severity"))
    return entries, [str(problem).replace(str(file), "x") for problem in problems]


def test_what_is_well_is_taken(tmp_path: Path) -> None:
    entries, problems = load(
        tmp_path, GOOD + "  bits: 0o22\n  owned: yes\n  names: [a, b]\n  techniques: [T1053.003]\n"
    )
    assert problems == []
    assert entries == [{
        "id": "a-check", "title": "A check", "severity": "low", "bad": "^x", "bits": 0o22, "owned": True,
        "names": ("a", "b"), "techniques": ("T1053.003",), "file": tmp_path / "x.yaml", "line": 1,
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- id: x\n  titel: y\n", "x:2: unknown key titel; did you mean title?"),
        ("- id: x\n  id: y\n", "x:2: id is given twice"),
        ("- id: Not Kebab\n", "x:1: id must be lower-case words joined by hyphens"),
        ("- id: x\n  title: y\n", "x:1: severity is missing"),
        ("- id: x\n  severity: bad\n", "x:2: severity must be one of info, low, medium, high, critical"),
        ("- id: x\n  bad: '('\n", "x:2: bad is no pattern of RE2: Invalid regular expression: missing ): ("),
        (
            "- id: x\n  bad: '(?=a)'\n",
            "x:2: bad is no pattern of RE2: Invalid regular expression: invalid perl operator: (?=",
        ),
        ("- id: x\n  bits: many\n", "x:2: bits must be a whole number"),
        ("- id: x\n  confidence: 2\n", "x:2: confidence must be a number from 0 to 1"),
        ("- id: x\n  techniques: [T1]\n", "x:2: techniques must be an ATT&CK technique, e.g. T1053.003"),
        ("- id: x\n  names: a\n", "x:2: names must be a list"),
        ("- id: x\n  names: {a: b}\n", "x:2: names must not be a mapping"),
        ("- id: x\n  owned: maybe\n", "x:2: owned must be true or false"),
        ("a: b\n", "x:1: must be a list of checks"),
        ("- a\n", "x:1: must be a mapping of keys to values"),
        ("- id: &a x\n  title: *a\n", "x:1: anchors and aliases are not allowed"),
        ("- [[[[[[x]]]]]]\n", "x:1: is nested deeper than 4 levels"),
        (b"- id: x\n  title: \xff\n", "x:2: is not UTF-8"),
        ("- id: x\n  title: 'y\n", "x:3: is not YAML: found unexpected end of stream"),
        ("x" * (data.MAX_BYTES + 1), "x:1: is longer than 512 KiB"),
    ],
)
def test_every_mistake_is_named_with_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    entries, problems = load(tmp_path, text)
    assert problems == [said]
    assert [one["id"] for one in entries] == ["a-check"]


def test_the_same_id_twice_is_a_mistake_in_a_file_and_replaces_in_another(tmp_path: Path) -> None:
    entries, problems = load(tmp_path, GOOD + GOOD.replace("A check", "Again"))
    assert problems == ["x:5: id a-check is already used in line 1"]
    assert [one["title"] for one in entries] == ["A check"]
    (tmp_path / "y.yaml").write_text(GOOD.replace("A check", "Ours"))
    (tmp_path / "x.yaml").write_text(GOOD)
    entries, found = data.load([tmp_path], SCHEMA, ())
    assert (found, [one["title"] for one in entries]) == ([], ["Ours"])
    assert [str(one) for one in data.load([tmp_path / "none"], SCHEMA, ())[1]] == [
        f"{tmp_path}/none:1: cannot be read: No such file or directory"
    ]


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text("-:[]{}&*!|>'\"# \nabid", max_size=120).map(str.encode)))
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    load(tmp_path_factory.mktemp("x"), text)


def test_a_catastrophic_pattern_is_only_slow_in_other_engines() -> None:
    assert data.matches(["a" * 50_000 + "!", "aaa"], "^(a+)+$") == [1]  # RE2: linear; backtracking would not come back
    assert data.matches([], "x") == []
