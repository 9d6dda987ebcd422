"""Every mistake in an entry is named with its file and its line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.knowledge.library import SHIPPED
from soc_tui.knowledge.linting import ACTIONS, lint

GOOD = """\
id: K-9001
slug: example
title: An example
risk_type: intrusion
severity: high
summary: What it is.
matches:
  detectors: [ssh-brute-force]
  keyword_detectors: [suricata-alert]
  techniques: [T1110.001]
  keywords: [guessing]
recognise: [One.]
verify: ['grep {src_ip} log']
false_positives: [One.]
contain: [One.]
eradicate: [One.]
recover: [One.]
notify: [One.]
plan:
  - mode: one-key
    action: block-ip
    target: src_ip
    params: {minutes: 60}
    text: Block it.
  - {mode: manual, text: Talk.}
techniques: [T1110.001]
references:
  - {id: T1110.001, name: Guessing}
source: me
licence: Apache-2.0
"""


def write(folder: Path, text: str, name: str = "example.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def said(path: Path) -> list[tuple[int, str]]:
    return [(problem.line, problem.message) for problem in lint([path])]


def test_what_ships_lints_clean() -> None:
    assert [str(problem) for problem in lint([SHIPPED])] == []


def test_a_good_entry_has_no_problems(tmp_path: Path) -> None:
    assert said(write(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("severity: high", "severity: hgih", 5,
         "severity 'hgih' is unknown; the nearest is 'high' (known: info, low, medium, high, critical)"),
        ("recognise:", "recognize:", 12, "unknown key 'recognize'; the nearest known one is 'recognise'"),
        ("  detectors: [ssh-brute-force]", "  detector: [ssh-brute-force]", 8,
         "unknown key 'matches.detector'; the nearest known one is 'detectors'"),
        ("id: K-9001", "id: 9001", 1, "id must be text (put it in quotes)"),
        ("id: K-9001", "id: K-91", 1, "id 'K-91' must look like K-0001"),
        ("slug: example", "slug: other", 2, "slug must be the file's name, example"),
        ("[T1110.001]\n  keywords", "[T11]\n  keywords", 10,
         "matches.techniques[0] 'T11' must look like T1110 or T1110.001"),
        ("action: block-ip", "action: blockip", 21,
         f"plan[0].action 'blockip' is unknown; the nearest is 'block-ip' (known: {', '.join(ACTIONS)})"),
        ("    target: src_ip\n", "", 20, "plan[0]: a step of mode one-key needs an action and a target"),
        ("{mode: manual, text: Talk.}", "{mode: manual, action: block-ip, text: Talk.}", 25,
         "plan[1]: a manual step has no action"),
        ("grep {src_ip} log", "grep {src_pi} log", 13,
         "verify[0]: unknown placeholder {src_pi}; the nearest known one is {src_ip}"),
        ("contain: [One.]", "contain: []", 15, "contain is empty"),
        ("contain: [One.]", "contain: One.", 15, "contain must be a list"),
        ("contain: [One.]", "contain: [2026-01-01]", 15, "contain[0] must be text (put it in quotes)"),
        ("contain: [One.]", 'contain: ["a\\e[2Jb"]', 15, "contain[0] holds control or invisible characters"),
        ("title: An example", "title: An example\ntitle: Again", 4, "title is given twice"),
        ("source: me\n", "", 1, "source is missing"),
        ("{id: T1110.001, name: Guessing}", "{id: my-page, name: Guessing}", 28,
         "references[0].id is neither ATT&CK, CWE, CAPEC, CVE nor RFC, so it needs a url"),
        ("{id: T1110.001, name: Guessing}", "{id: my-page, name: Guessing, url: 'http://x'}", 28,
         "references[0].url 'http://x' must look like https://example.org/page"),
        ("  keywords: [guessing]\n", "", 9, "keyword_detectors need keywords"),
        ("title: An example", "title: &a An example", 3, "anchors and aliases are not allowed"),
        ("contain: [One.]", "contain: [One.", 16, "is not YAML"),
        ("summary: What it is.", "summary: !!python/object/apply:os.getcwd []", 6,
         "summary must be text (put it in quotes)"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    found = said(write(tmp_path, GOOD.replace(old, new, 1)))
    assert (line, message) in [(at, text[: len(message)]) for at, text in found]


def test_matches_that_name_nothing_are_a_problem(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    text = "\n".join([*lines[:6], "matches:", "  detectors: []", *lines[11:]])
    assert said(write(tmp_path, text)) == [(8, "matches names nothing: no alert would ever find this entry")]


def test_duplicate_ids_are_named_at_the_second(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, GOOD.replace("slug: example", "slug: later"), "later.yaml")
    assert [str(p) for p in lint([tmp_path])] == [
        f"{tmp_path / 'later.yaml'}:1: id K-9001 is already used by example.yaml"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"- a\n", "is not a mapping of keys to values"), (b"a: \xff\n", "is not UTF-8"),
     (b"a: \x00b\n", "is not YAML"), (b"[" * 5000, "is nested deeper than 8 levels"), (b"a" * 300_000, "is longer than 256 KiB")],
)  # fmt: skip
def test_files_that_are_no_entries(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    found = said(path)
    assert len(found) == 1
    assert found[0][0] == 1
    assert found[0][1].startswith(message)


def test_a_missing_file_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    assert said(tmp_path / "none.yaml") == [(1, "cannot be read: No such file or directory")]


NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(yaml.safe_load(GOOD))), NODES)
def test_any_value_anywhere_is_judged_without_a_crash(tmp_path: Path, key: str, value: object) -> None:
    data = yaml.safe_load(GOOD) | {key: value}
    path = write(tmp_path, yaml.safe_dump(data, allow_unicode=True))
    for problem in lint([path]):
        assert 1 <= problem.line <= path.read_text(encoding="utf-8").count("\n") + 1
