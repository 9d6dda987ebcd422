"""Rule files that are damaged, hostile or not what they seem: each is named with its line, and the others load."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from soc_tui.core.errors import SourceError
from soc_tui.detection.sigma.compiled import Ruleset
from soc_tui.detection.sigma.compiling import compile_folders
from soc_tui.detection.sigma.documents import MAX_BYTES, MAX_DEPTH, read_folder
from tests.detection.sigma.conftest import rule_text

GOOD = {"s": {"cs-uri-stem": "/a"}, "condition": "s"}


def told(rules: Ruleset) -> list[tuple[str, int, str]]:
    return [(entry.state, entry.line, entry.why) for entry in rules.entries]


def test_a_damaged_document_costs_only_itself(compiled: Callable[..., Ruleset]) -> None:
    text = "# ours\n---\n" + rule_text(GOOD) + "---\ntitle: broken\n  detection: [\n---\n" + rule_text(GOOD) + "---\n"
    rules = compiled(text)
    assert len(rules.rules) == 2
    lines = text.split("\n")
    broken = lines.index("  detection: [") + 1
    assert [(e.state, e.line) for e in rules.entries] == [
        ("converted", 3),
        ("damaged", broken),
        ("converted", broken + 2),
    ]
    assert rules.entries[1].why == "is not YAML: mapping values are not allowed in this context"


@pytest.mark.parametrize(
    ("change", "key", "why"),
    [
        ({"level": "terrible"}, "level", "'terrible' is not a valid Sigma rule level"),
        ({"id": "17"}, "id", "Sigma rule identifier must be an UUID"),
        ({"title": ""}, "title", "has no title"),
        ({"title": ["a"]}, "title", "has no title"),
        ({"logsource": {}}, "logsource", "Sigma log source can't be empty"),
        ({"logsource": "web"}, "logsource", "Sigma logsource must be a valid YAML map"),
        ({"detection": {"s": {"a": "b"}}}, "detection", "Sigma rule must contain at least one condition"),
        ({"detection": {"s": {"a": "b"}, "condition": "s and t"}}, "condition", "Detection 't' not defined"),
        ({"detection": {"s": {"a": "b"}, "condition": "s and ("}}, "condition", "Expected"),
        ({"detection": {"s": {"a|frobnicate": "b"}, "condition": "s"}}, "detection", "Unknown modifier 'frobnicate'"),
        ({"detection": {"s": {"cs-uri-stem|re": "(?<=a)b"}, "condition": "s"}}, "cs-uri-stem|re", "RE2 reads it"),
        ({"detection": {"s": {"cs-uri-stem|re": r"(a)\1"}, "condition": "s"}}, "cs-uri-stem|re", "RE2 reads it"),
        ({"detection": {"s": {"cs-uri-stem|re": "((a{900}){900}){900}"}, "condition": "s"}}, "cs-uri-stem|re", "RE2 reads it"),
        ({"detection": {"s": {"cs-uri-stem|re": "["}, "condition": "s"}}, "cs-uri-stem|re", "RE2 reads it"),
        ({"detection": {"s": {"cs-uri-stem|re": "a" * 5000}, "condition": "s"}}, "", "longer than 4096 characters"),
        ({"detection": {"s": {"cs-uri-stem": "a\0b"}, "condition": "s"}}, "detection", "a value holds a NUL character"),
        ({"detection": {"s": {"cs-uri-stem|expand": "%servers%"}, "condition": "s"}}, "", "placeholders (%name%)"),
        ({"detection": {"s": {"a": "b"}, "condition": "not " * 2000 + "s"}}, "condition", "longer than 4000 characters"),
        ({"detection": {"s": {"a": "b"}, "condition": "not " * 900 + "s"}}, "condition", ""),
        ({"detection": {"s": {"cs-uri-stem": "/a"}, "condition": "s | count() > 5"}}, "condition", ""),
        ({"action": "global"}, "action", "collections"),
        ({"tags": "attack.t1059"}, "tags", "Sigma tags fields must be a list"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_damaged_rule_is_named_with_its_line(
    compiled: Callable[..., Ruleset], change: dict[str, object], key: str, why: str
) -> None:
    detection = change.get("detection", GOOD)
    text = rule_text(detection, **{k: v for k, v in change.items() if k != "detection"})  # type: ignore[arg-type]
    rules = compiled(rule_text(GOOD), text, rule_text(GOOD))
    assert len(rules.rules) == 2
    (entry,) = [entry for entry in rules.entries if entry.state != "converted"]
    assert entry.state == "damaged"
    assert why in entry.why
    assert entry.file == "001.yml"
    if key:
        assert text.split("\n")[entry.line - 1].strip().startswith(f"{key}:")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b"a: \x00", "is not YAML"),
        (b"[" * 100_000, f"is nested deeper than {MAX_DEPTH} levels"),
        (b"? " * 5_000, f"is nested deeper than {MAX_DEPTH} levels"),
        (b"a: &a [x]\nb: [*a, *a]", "anchors and aliases are not allowed"),
        (b"- just\n- a list", "is not a mapping of names to values"),
        (b"1: 2", "is not a mapping of names to values"),
        (b"a: !!python/object/apply:os.system [id]", "is not YAML: could not determine a constructor"),
        (b"date: 2026-99-99", "is not YAML: month must be in 1..12"),
        (b"a: " + b"9" * 6000, "is not YAML"),
        (b"x: " + b"a" * MAX_BYTES, "is larger than"),
        (b"a: [" + b"1," * 70_000 + b"]", "holds more than 60000 values"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_hostile_file_is_refused_and_the_others_load(tmp_path: Path, raw: bytes, why: str) -> None:
    (tmp_path / "a.yml").write_bytes(raw)
    (tmp_path / "b.yml").write_text(rule_text(GOOD))
    rules = compile_folders([("test", tmp_path)])
    assert len(rules.rules) == 1
    (damage,) = [entry for entry in rules.entries if entry.state == "damaged"]
    assert why in damage.why
    assert damage.file == "a.yml"


def test_links_devices_and_other_files_are_left_alone(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yml"
    secret.write_text(rule_text(GOOD))
    folder = tmp_path / "rules"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "x.yaml").write_text(rule_text(GOOD))
    (folder / "link.yml").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    (folder / "README.md").write_text("no rule")
    os.mkfifo(folder / "pipe.yml")
    documents, damages = read_folder(folder)
    assert [document.place.file for document in documents] == ["deep/er/x.yaml"]
    assert sorted(damage.place.file for damage in damages) == ["link.yml", "pipe.yml"]


def test_a_second_rule_of_the_same_id_is_damaged(compiled: Callable[..., Ruleset]) -> None:
    rules = compiled(rule_text(GOOD, number=7), rule_text(GOOD, number=7))
    assert told(rules)[1] == ("damaged", 2, "has the id of the rule in 000.yml:1")


def test_a_later_folder_replaces_a_rule(tmp_path: Path) -> None:
    for name, path in (("a", "/old"), ("b", "/new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "r.yml").write_text(rule_text({"s": {"cs-uri-stem": path}, "condition": "s"}, number=7))
    rules = compile_folders([("a", tmp_path / "a"), ("b", tmp_path / "b")])
    assert [("/new" in rule.where, "/old" in rule.where) for rule in rules.rules] == [(True, False)]


def test_what_is_not_read_is_not_applicable_and_says_why(compiled: Callable[..., Ruleset]) -> None:
    rules = compiled(
        rule_text(GOOD, logsource={"product": "cisco", "service": "aaa"}),
        rule_text({"s": {"cs-cookie": "x", "cs-uri": "/"}, "condition": "s"}),
        rule_text({"s": {'x" OR 1': "x"}, "condition": "s"}, logsource={"product": "zeek", "service": "dns"}),
    )
    assert told(rules) == [
        ("not applicable", 1, "no log of this source is read: product cisco, service aaa"),
        ("not applicable", 1, "no field cs-cookie in requests in access logs of web servers and proxies in front of them"),
        ("not applicable", 1, 'no field x" OR 1 in Zeek\'s dns log'),
    ]  # fmt: skip


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no folder of rules"):
        read_folder(tmp_path / "none")
