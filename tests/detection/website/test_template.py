"""The schema of templates: what is wrong is named with file and line, and nothing else is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.detection.website.asking import Answer
from soc_tui.detection.website.matching import shown
from soc_tui.detection.website.template import Conditions, Template, found, load

GOOD = """- id: one
  title: Something is exposed
  severity: low
  confidence: 0.9
  kind: vulnerability
  remedy: Take it away at once.
  paths: [/x]
  match: {status: [200], words: [secret]}
"""


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (("severity: low", "severity: huge"), 3, "'huge' is not one of info, low, medium, high, critical"),
        (("id: one", "id: One"), 1, "'One' is not a name like git-repository"),
        (("  title: Something is exposed\n", ""), 1, "title is missing"),
        (("confidence: 0.9", "confidence: 7"), 4, "'7' is not a number from 0.0 to 1.0"),
        (("paths: [/x]", "path: /x"), 7, "unknown key 'path'"),
        (("paths: [/x]", "paths: [x]"), 7, "'x' is not a path that begins with /"),
        (("paths: [/x]", "paths: [https://evil.example/]"), 7, "is not a path that begins with /"),
        (("paths: [/x]", 'paths: ["/x\\r\\nHost: evil"]'), 7, "is not a path that begins with /"),
        (("  paths: [/x]\n", ""), 1, "paths belong to `on: paths`"),
        (("paths: [/x]", "paths: [/x]\n  method: POST"), 8, "'POST' is not one of GET, HEAD, OPTIONS"),
        (("paths: [/x]", "paths: [/x]\n  headers: {cookie: a=b}"), 8, "'cookie' is not a header like origin|accept|range"),
        (("paths: [/x]", "paths: [/x]\n  headers: {authorization: Basic x}"), 8, "'authorization' is not a header like"),
        (("paths: [/x]", "paths: [/x]\n  on: everywhere"), 8, "'everywhere' is not one of paths, start"),
        (("status: [200]", "status: [2000]"), 8, "'2000' is not a status"),
        (("words: [secret]", "regex: '(a'"), 8, "is no RE2 pattern"),
        (("words: [secret]", "regex: '(?=a)b'"), 8, "is no RE2 pattern"),
        (("words: [secret]", "regex: '(a)b'"), 8, "is no RE2 pattern"),
        (("words: [secret]", "regex: 'a{5000}'"), 8, "is no RE2 pattern"),
        (("words: [secret]", "starts: zz"), 8, "'zz' is not bytes in hex"),
        (("words: [secret]", "words: []"), 8, "must be a list of 1 to 40"),
        (("words: [secret]", "words: [x]"), 1, "'x' is in the path"),
        (("words: [secret]", "facts: [expired]"), 1, "facts belong to `on: tls`"),
        (("{status: [200], words: [secret]}", "{}"), 1, "match holds no condition"),
        (("{status: [200], words: [secret]}", "[]"), 8, "must be a mapping"),
        (("  kind: vulnerability", "  kind: vulnerability\n  kind: compliance"), 6, "kind is given twice"),
        (("words: [secret]", "words: &a [secret]"), 8, "anchors and aliases are not allowed"),
        (("words: [secret]", "words: [[[[[[[[[[secret]]]]]]]]]]"), 8, "is nested deeper than 8 levels"),
        (("words: [secret]", "words: [secret"), 8, "is not YAML"),
        ((GOOD, "id: one\n"), 1, "is not a list of templates"),
        (("- id: one", "- !!python/object/apply:os.system [x]\n- id: one"), 1, "must be a mapping"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], line: int, said: str) -> None:
    assert change[0] in GOOD
    (tmp_path / "b.yaml").write_text(GOOD.replace(*change, 1))
    (tmp_path / "good.yaml").write_text(GOOD.replace("id: one", "id: other"))
    templates, problems = load(tmp_path)
    assert "other" in [one.id for one in templates]
    (problem,) = problems
    assert (problem.source, problem.line) == (str(tmp_path / "b.yaml"), line)
    assert said in problem.message


def test_one_damaged_template_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD + GOOD.replace("low", "huge") + GOOD.replace("id: one", "id: two"))
    templates, problems = load(tmp_path)
    assert [one.id for one in templates] == ["one", "two"]
    assert [one.line for one in problems] == [11]
    (tmp_path / "a.yaml").write_text(GOOD + GOOD)
    assert "id one is given twice" in load(tmp_path)[1][0].message


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_text("- " * 200_000)
    (tmp_path / "latin.yaml").write_bytes(b"- id: \xff\n")
    (tmp_path / "link.yaml").symlink_to("/etc/passwd")
    (tmp_path / "empty.yaml").write_text("")
    templates, problems = load(tmp_path)
    assert templates == []
    assert sorted(Path(one.source or "").name for one in problems) == [
        "big.yaml",
        "empty.yaml",
        "latin.yaml",
        "link.yaml",
    ]
    assert load(tmp_path / "none") == ([], [])


def _template(**match: object) -> Template:
    return Template("t", "t", "low", 0.5, "vulnerability", "r", Conditions(**match), paths=("/x",))  # type: ignore[arg-type]


def test_conditions_all_hold_and_none_of_the_others() -> None:
    answer = Answer(200, (("server", "x"), ("a", "1"), ("a", "2")), b"one\n two three \nfour")
    assert shown(_template(status=(200,), words=("two", "four")), answer, "m") == b"HTTP 200\ntwo three\nfour"
    assert shown(_template(status=(404,), words=("two",)), answer, "m") is None
    assert shown(_template(words=("two", "five")), answer, "m") is None
    assert shown(_template(any=("five", "four")), answer, "m") == b"HTTP 200\nfour"
    assert shown(_template(headers={"a": "^2$"}), answer, "m") == b"HTTP 200\na: 2"
    assert shown(_template(headers={"a": "^3$"}), answer, "m") is None
    assert shown(_template(missing=("b",)), answer, "m") == b"HTTP 200\nno b"
    assert shown(_template(missing=("a",)), answer, "m") is None
    assert shown(_template(starts=b"one"), answer, "m") == b"HTTP 200\none\n two three \nfour"
    assert shown(_template(regex="t[a-z]+e"), answer, "m") == b"HTTP 200\nthree"
    unless = Template(
        "t", "t", "low", 0.5, "vulnerability", "r", Conditions(words=("two",)), unless=Conditions(any=("four",))
    )
    assert shown(unless, answer, "m") is None


def test_a_catastrophic_pattern_takes_linear_time() -> None:
    """Python's own engine would need longer than the age of the universe."""
    assert found("(?:a+)+$", b"a" * 500_000 + b"b") is None
    assert found("(?:(?:x|xx)*)*y", b"x" * 500_000) is None


TEMPLATES = load()[0]


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=50)
def test_any_bytes_can_be_looked_at(body: bytes) -> None:
    for template in TEMPLATES:
        if template.on not in {"tls", "cookies"}:
            shown(template, Answer(200, (("content-type", body.decode("latin-1")),), body), "m")
