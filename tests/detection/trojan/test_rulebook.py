"""A user's rules: what is damaged is named, what is slow is bounded, and the rest works."""

from __future__ import annotations

import gzip
import json
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.files.walking import File
from soc_tui.detection.tools import Watch
from soc_tui.detection.trojan import rulebook
from soc_tui.detection.trojan.rulebook import Rulebook, confidence_of, lint_rules, severity_of, techniques_of
from soc_tui.detection.trojan.tool import TrojanTool

GOOD = 'rule good { meta: description = "A good one" score = 80 strings: $a = "needle" condition: $a }\n'


def said(book: Rulebook) -> list[str]:
    return [f"{Path(p.source or '').name}:{p.line}: {p.message}" for p in book.problems]


def names(book: Rulebook, content: bytes, name: str = "f.txt") -> list[str]:
    return [m.rule for m in book.matches(File(f"/x/{name}", name, content), lambda _: None) if not m.ours]


def test_damaged_files_are_named_with_line_and_the_others_load(tmp_path: Path) -> None:
    (tmp_path / "a.yar").write_text(GOOD)
    (tmp_path / "b.yar").write_text('rule broken {\n  strings:\n    $a = "x\n  condition: $a\n}\n')
    (tmp_path / "c.yar").write_text(
        'rule fine { strings: $a = "needle" condition: $a }\n\nrule unknown { condition: nothing }\n'
    )
    (tmp_path / "d.yara").write_bytes(b"// \xff\xfe\n")
    (tmp_path / "e.yar").write_text('include "/etc/passwd"\nrule e { condition: true }\n')
    (tmp_path / "notes.txt").write_text("no rules")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "f.yar").write_text(GOOD.replace("good", "deeper"))
    book = Rulebook([str(tmp_path)])
    told = said(book)
    assert [line.partition(": ")[0] for line in told] == ["d.yara:None", "b.yar:3", "c.yar:3", "e.yar:1"]
    assert told[2] == "c.yar:3: unknown identifier `nothing`"
    assert "include" in told[3]
    assert sorted(names(book, b"a needle")) == ["deeper", "e", "fine", "good"]
    assert names(book, b"nothing here") == ["e"]


def test_the_problems_are_notes_of_a_scan(tmp_path: Path) -> None:
    (tmp_path / "bad.yar").write_text("rule { }")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "file.txt").write_text("x")
    notes: list[str] = []
    tool = TrojanTool(ScanSettings(yara_rules=(str(tmp_path / "bad.yar"), "/nonexistent/rules")))
    assert list(tool.check(str(tmp_path / "x"), Watch(note=notes.append))) == []
    assert [note.partition(":")[0] for note in notes] == ["YARA rules", "YARA rules"]
    assert f"{tmp_path}/bad.yar:1" in notes[1]
    assert "/nonexistent/rules" in notes[0]


def test_includes_read_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret.inc").write_text(GOOD)
    (tmp_path / "a.yar").write_text('include "secret.inc"\n')
    assert names(Rulebook([str(tmp_path)]), b"needle") == []


def test_modules_that_wait_for_other_programs_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "a.yar").write_text(
        'import "vt"\nimport "cuckoo"\nrule v { condition: vt.metadata.file_size > 1 }\n' + GOOD
    )
    assert names(Rulebook([str(tmp_path)]), b"needle") == ["good"]


def test_a_pattern_with_endless_matches_is_named_and_its_matches_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "slow.yar").write_text("rule slow {\n  strings:\n    $a = /(a{1,1000}){1,1000}/\n  condition: $a\n}\n")
    book = Rulebook([str(tmp_path)])
    assert said(book) == ["slow.yar:3: slow pattern"]
    (one,) = [m for m in book.matches(File("/x", "x", b"a" * 500_000), lambda _: None) if not m.ours]
    assert 1 <= len(one.spans) <= 64


def test_a_rule_without_end_is_stopped_and_then_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rulebook, "SCAN_SECONDS", 1)
    (tmp_path / "good.yar").write_text(GOOD)
    (tmp_path / "slow.yar").write_text(
        "rule slow {\n  condition:\n    for all i in (0..filesize): (for all j in (0..filesize): (i + j >= 0))\n}\n"
    )
    book = Rulebook([str(tmp_path)])
    assert said(book) == ["slow.yar:3: potentially slow loop", "slow.yar:3: potentially slow loop"]
    notes: list[str] = []
    for number in range(rulebook.TIMEOUTS + 2):
        found = book.matches(File("/x", "x", b"a" * 2_000_000 + b"needle" + bytes([number])), notes.append)
        assert [m.rule for m in found if not m.ours] == ["good"]
    assert len(notes) == rulebook.TIMEOUTS
    assert notes[-1] == (
        "/x: the rules of your own with slow patterns did not finish within 1 seconds, and are not used any more"
    )


def test_the_variables_of_other_scanners_are_filled(tmp_path: Path) -> None:
    (tmp_path / "a.yar").write_text(
        'rule by_name { condition: filename == "shell.php" and extension == ".php" and filepath == "/x/shell.php" }\n'
        'rule by_owner { condition: owner == "root" or filetype == "PHP" }\n'
    )
    book = Rulebook([str(tmp_path)])
    assert names(book, b"x", "shell.php") == ["by_name"]
    assert names(book, b"x", "other.php") == []


def test_matches_hold_the_places_and_findings_the_line(tmp_path: Path) -> None:
    rules = tmp_path / "a.yar"
    rules.write_text(
        GOOD.replace(
            "score = 80", 'score = 80 author = "Some One" reference = "https://example.org" mitre_att = "T1059.004"'
        )
    )
    tree = tmp_path / "t"
    tree.mkdir()
    (tree / "f.txt").write_bytes(b"one\ntwo needle\nthree\nneedle\n")
    (one,) = TrojanTool(ScanSettings(yara_rules=(str(rules),))).check(str(tree), Watch())
    assert (one.check, one.title, one.severity, one.confidence) == ("good", "A good one", "high", 0.8)
    assert (one.target, one.evidence) == (f"{tree}/f.txt:2", b"two needle")
    assert one.techniques == ("T1059.004",)
    assert one.fields == {
        "line": "2", "lines": "2, 4", "spans": "8-14 21-27", "rule": "good", "author": "Some One",
        "reference": "https://example.org", "rule file": str(rules), "licence": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("meta", "severity", "confidence"),
    [
        ({}, "medium", 0.6), ({"score": 95}, "critical", 0.95), ({"score": 75}, "high", 0.75), ({"score": 30}, "low", 0.3),
        ({"severity": "HIGH"}, "high", 0.6), ({"severity": "apocalyptic", "score": "x"}, "medium", 0.6),
        ({"confidence": "0.25", "severity": "low"}, "low", 0.25), ({"score": -4}, "medium", 0.6), ({"score": "nan"}, "medium", 0.6),
    ],
)  # fmt: skip
def test_what_meta_means(meta: dict[str, object], severity: str, confidence: float) -> None:
    assert (severity_of(meta), confidence_of(meta)) == (severity, confidence)


def test_techniques_are_found_in_free_text() -> None:
    assert techniques_of({"mitre_att": "T1505.003, T1059 and T1505.003", "description": "T9999"}) == (
        "T1505.003",
        "T1059",
    )


def test_lint_names_what_breaks_the_form(tmp_path: Path) -> None:
    path = tmp_path / "a.yar"
    path.write_text(
        'rule one {\n  meta:\n    author = "me"\n    severity = "bad"\n    techniques = "T1 T1059"\n    tool = "none"\n'
        "    confidence = 7\n  condition: filesize == 0\n}\n"
    )
    assert [str(p).removeprefix(str(path)) for p in lint_rules([str(path)])] == [
        ":1: rule one has no meta 'description'", ":1: rule one has no meta 'reference'", ":1: rule one has no meta 'licence'",
        ":1: rule one: severity must be one of info, low, medium, high, critical",
        ":1: rule one: tool must be one of trojan, malicious-file", ":1: rule one: 'T1' is no ATT&CK technique",
        ":1: rule one: confidence must be a number from 0 to 1",
    ]  # fmt: skip


def test_a_folder_of_published_rules_loads(shared_data: Path, tmp_path: Path) -> None:
    for source in ("yara_webshell_signature_base", "yara_webshell_yara_rules"):
        texts: dict[str, list[str]] = defaultdict(list)
        with gzip.open(shared_data / "knowledge" / f"{source}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                rule = json.loads(line)
                texts[rule["file"].replace("/", "_")].append(rule["text"])
        for name, rules in texts.items():
            (tmp_path / f"{source}-{name}").write_text("\n".join(rules))
    count = 812 + 641
    book = Rulebook([str(tmp_path)])
    ours = Rulebook().rules
    lost = [p for p in book.problems if p.message not in {"slow pattern", "potentially slow loop"}]
    assert book.rules - ours + len(lost) >= count
    assert len(lost) <= 0.06 * count, [str(p) for p in lost][:20]
    assert names(book, b"<?php echo 'hello';", "index.php") == []


def test_two_threads_may_scan_at_once() -> None:
    found: list[list[str]] = []

    def work() -> None:
        book = Rulebook()
        content = b"<?php ev" + b"al($_PO" + b"ST['x']);"
        found.append([m.rule for m in book.matches(File("f", "f", content), lambda _: None) if not m.tags])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["php_eval_of_request"]] * 4


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_no_text_of_rules_breaks_the_loading(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("rules") / "a.yar"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    book = Rulebook([str(path)])
    names(book, b"anything")
    assert all(problem.source for problem in book.problems)
