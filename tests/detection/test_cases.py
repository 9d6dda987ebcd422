"""Case files of the selftest: every detector has one, and a damaged one says where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc_tui.core.errors import UsageError
from soc_tui.detection.cases import FOLDERS, load_cases, read_cases
from soc_tui.detection.detectors import ALL_DETECTORS, TOOLS

OURS = FOLDERS[0]


def test_every_detector_that_reads_logs_has_a_case_that_fires_and_one_that_does_not() -> None:
    needed = set(ALL_DETECTORS) - {tool.name for tool in TOOLS}
    cases = load_cases([OURS])
    assert needed - {case.detector for case in cases if case.fires} == set()
    assert needed - {case.detector for case in cases if not case.fires} == set()


def test_a_file_is_named_after_its_detector() -> None:
    for file in OURS.glob("*.yml"):
        assert {case.detector for case in read_cases(file)} == {file.stem}


def test_the_packaged_trees_hold_nothing_that_a_scanner_of_files_would_stop_at() -> None:
    for file in OURS.glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        assert not [word for word in ("eval($_", "system($_", "eval(base64", "<iframe src") if word in text], file


def case_file(folder: Path, text: str) -> Path:
    path = folder / "x.yml"
    path.write_text(text)
    return path


def test_one_case_may_stand_beside_the_detector_and_several_in_a_list(tmp_path: Path) -> None:
    (only,) = read_cases(case_file(tmp_path, "detector: d\nformat: text\ntrue: |\n  line\n"))
    assert (only.detector, only.format, only.fires, only.text, only.name) == ("d", "text", True, "line\n", "case 1")
    text = "detector: d\ncases:\n- {format: text, true: a, false: b, title: T}\n- {name: n, format: csv, 'false': c}\n"
    found = list(read_cases(case_file(tmp_path, text)))
    assert [(c.name, c.fires, c.text, c.title) for c in found] == [
        ("case 1", True, "a", "T"), ("case 1", False, "b", "T"), ("n", False, "c", ""),
    ]  # fmt: skip


def test_trees_and_followed_logs_have_a_before_and_an_after(tmp_path: Path) -> None:
    text = "detector: d\nformat: website\ntrue: {before: {}, after: {a/b.php: x}}\n"
    (tree,) = read_cases(case_file(tmp_path, text))
    assert (tree.before, tree.after) == ({}, {"a/b.php": "x"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("detector: [", "is no YAML"), ("- a", "names no detector"), ("detector: 3", "names no detector"),
        ("detector: d", "case 1 has no format"), ("detector: d\ncases: {}", "must be a list"),
        ("detector: d\ncases: []", "must be a list"), ("detector: d\nformat: text\ncases: [{}]", "nothing beside it"),
        ("detector: d\ncases: [3]", "is no mapping"), ("detector: d\nformat: text", "neither true: nor false:"),
        ("detector: d\nformat: text\ntrue: ''", "is no text"), ("detector: d\nformat: text\ntrue: [a]", "is no text"),
        ("detector: d\nformat: text\ntrue: a\nverdict: b", "unknown key 'verdict'"),
        ("detector: d\nformat: website\ntrue: text", "must have before: and after:"),
        ("detector: d\nformat: website\ntrue: {before: {}, after: {../x: a}}", "must have before: and after:"),
        ("detector: d\nformat: website\ntrue: {before: {}, after: {/etc/x: a}}", "must have before: and after:"),
        ("detector: d\nformat: followed\ntrue: {before: a, after: [b]}", "must have before: and after:"),
        ("detector: d\nformat: !!python/object/apply:os.getcwd []\ntrue: a", "is no YAML"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    path = case_file(tmp_path, text)
    with pytest.raises(UsageError, match=says) as caught:
        load_cases([tmp_path])
    assert caught.value.source == str(path)


def test_a_file_that_is_no_text_and_one_too_large_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no YAML"):
        load_cases([tmp_path])
    (tmp_path / "x.yml").write_bytes(b"a" * (4 * 1024 * 1024 + 1))
    with pytest.raises(UsageError, match="larger"):
        load_cases([tmp_path])


def test_a_folder_that_is_not_there_has_no_cases(tmp_path: Path) -> None:
    assert load_cases([tmp_path / "none"]) == []
