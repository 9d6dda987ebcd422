"""One pass for all tools: read once, judged once, told of everywhere."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from soc_tui.core.errors import ModelError, SocTuiError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.files import scanning
from soc_tui.detection.files.judging import AROUND, BATCH, EXCERPTS, WHOLE, Queue, excerpts
from soc_tui.detection.files.scanning import FilesScan
from soc_tui.detection.files.tool import FileTool, found_in
from soc_tui.detection.files.walking import File
from soc_tui.detection.tools import Finding, Watch

Verdicts = Sequence[tuple[float, str, str]]


class Words(FileTool):
    """Finds ``bad`` in contents and ``door`` in names."""

    name, risk_type = "words", "trojan"

    def __init__(self, judge: object = None) -> None:
        super().__init__(ScanSettings())
        self.looked: list[str] = []
        self._queue = Queue(judge)  # type: ignore[arg-type]

    def look(self, file: File, watch: Watch) -> Iterable[Finding]:
        self.looked.append(file.below)
        if b"perhaps" in file.content:
            at = file.content.find(b"perhaps")
            self._queue.add(file, [(at, at + 7)])
        at = file.content.find(b"bad")
        return [found_in(file, "bad", "Bad", "high", 1.0, [(at, at + 3)])] if at >= 0 else []

    def place(self, file: File) -> Iterable[Finding]:
        return [found_in(file, "door", "Door", "low", 0.5)] if "door" in file.below else []

    def again(self, file: File) -> None:
        self._queue.again(file)

    def ready(self, watch: Watch, *, end: bool = False) -> Iterator[tuple[File, Finding]]:
        if end or self._queue.full:
            for places, judged in self._queue.judged(watch.note):
                for file in places:
                    yield (
                        file,
                        found_in(file, "judged", judged.reasons, "medium", judged.score, lines=str(judged.lines)),
                    )


def tree(tmp_path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "tree"


def test_equal_contents_are_judged_once_and_told_of_in_each_place(tmp_path: Path) -> None:
    root = tree(
        tmp_path, {"a.txt": b"x\nbad", "b/a.txt": b"x\nbad", "door.txt": b"x\nbad", "z.php": b"x\nbad", "plain": b"p"}
    )
    with zipfile.ZipFile(root / "s.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/a.txt", b"x\nbad")
    tool = Words()
    scan = FilesScan([tool])
    found = [
        (t.name, f.target.removeprefix(f"{root}/"), f.check, f.file_path) for t, f in scan.check(str(root), Watch())
    ]
    assert found == [
        ("words", "a.txt:2", "bad", f"{root}/a.txt"), ("words", "b/a.txt:2", "bad", f"{root}/b/a.txt"),
        ("words", "door.txt:2", "bad", f"{root}/door.txt"), ("words", "door.txt", "door", f"{root}/door.txt"),
        ("words", "s.zip!in/a.txt:2", "bad", f"{root}/s.zip"), ("words", "z.php:2", "bad", f"{root}/z.php"),
    ]  # fmt: skip
    assert tool.looked == ["a.txt", "plain", "s.zip", "z.php"]  # another ending of the name is another question
    assert (scan.files, scan.bytes) == (7, 5 * 5 + 1 + (root / "s.zip").stat().st_size)


def test_a_wrong_target_is_an_error_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(SocTuiError, match="cannot be looked at"):
        list(FilesScan([Words()]).check(str(tmp_path / "none"), Watch()))


def test_an_empty_folder_has_no_findings(tmp_path: Path) -> None:
    assert list(Words().check(str(tmp_path), Watch())) == []


def test_it_stops_between_files(tmp_path: Path) -> None:
    root = tree(tmp_path, {f"{n:03}": b"bad %d" % n for n in range(50)})
    found: list[object] = []
    for one in Words().check(str(root), Watch(stopping=lambda: len(found) >= 3)):
        found.append(one)
    assert len(found) == 3


def test_notes_are_bounded(tmp_path: Path) -> None:
    root = tree(tmp_path, {"a": b"a"})
    for number in range(scanning.NOTES + 20):
        (root / "loop").symlink_to("loop") if not number else None
        (root / f"l{number:04}").write_bytes(b"\x1f\x8b\x08damaged%d" % number)
    notes: list[str] = []
    assert list(Words().check(str(root), Watch(note=notes.append))) == []
    assert len(notes) == scanning.NOTES + 1
    assert notes[-1] == "more could not be looked at; further notes are left out"


def verdict(score: float, *reasons: tuple[str, str, float]) -> tuple[float, str, str]:
    label = "malicious" if score >= 0.9 else "benign"
    return score, label, json.dumps([{"field": f, "value": v, "weight": w} for f, v, w in reasons])


def test_what_waits_is_judged_in_batches_and_copies_are_told_of(tmp_path: Path) -> None:
    asked: list[list[tuple[str, bytes]]] = []

    def judge(contents: Sequence[tuple[str, bytes]]) -> Verdicts:
        asked.append(list(contents))
        return [
            verdict(0.95 if b"evil" in c else 0.1, ("line 2", "evil", 1.5), ("other tokens", "", 3.0))
            for _, c in contents
        ]

    files = {f"{n:03}.php": b"perhaps %d" % n for n in range(BATCH + 5)}
    files |= {
        "000copy.php": b"perhaps\nan evil one",
        "001copy.php": b"perhaps\nan evil one",
        "zcopy.php": b"perhaps\nan evil one",
    }
    root = tree(tmp_path, files)
    found = [(f.target, f.title, f.confidence, f.fields["lines"]) for f in Words(judge).check(str(root), Watch())]
    assert sorted(found) == [
        (f"{root}/{name}", "line 2 (1.50)", 0.95, "[2]") for name in ("000copy.php", "001copy.php", "zcopy.php")
    ]
    assert [len(batch) for batch in asked] == [BATCH, 6]


@pytest.mark.parametrize(("score", "told"), [(0.96, True), (0.94, False)])
def test_of_a_large_file_the_surroundings_go_and_must_read_worse(score: float, told: bool) -> None:
    asked: list[bytes] = []

    def judge(contents: Sequence[tuple[str, bytes]]) -> Verdicts:
        asked.extend(c for _, c in contents)
        return [verdict(score if b"perhaps" in c else 0.1, ("line 2", "perhaps", 1.0)) for _, c in contents]

    content = b"\n".join(b"line %d" % n for n in range(5000)) + b"\nperhaps\n" + b"end\n" * 5000
    queue = Queue(judge)
    at = content.find(b"perhaps")
    queue.add(File("/x", "x", content), [(at, at + 7)])
    found = list(queue.judged(lambda _: None))
    assert [judged.score for _, judged in found] == [score] * told
    (part,) = asked
    assert b"perhaps" in part
    assert len(part) <= 2 * AROUND + 7
    if told:
        judged = found[0][1]
        assert (judged.evidence, judged.spans, judged.lines[0] > 4900) == (b"perhaps", [(at, at + 7)], True)


def test_what_is_added_at_the_end_of_a_file_full_of_hits_is_read() -> None:
    content = b"some line of text\n" * 10_000
    parts = excerpts(content, [(n, n + 4) for n in range(0, 180_000, 3000)])
    assert len(parts) == EXCERPTS
    assert (parts[0][0], parts[-1][1] > 177_000) == (0, True)


def test_a_network_that_cannot_work_is_one_note() -> None:
    def judge(_: object) -> Verdicts:
        raise ModelError("the weights are missing", source="code.safetensors")

    queue, notes = Queue(judge), []
    for number in range(3):
        queue.add(File("/x", "x", b"perhaps %d" % number), [(0, 7)])
        assert list(queue.judged(notes.append)) == []
    assert notes == ["the network that judges source files cannot work: code.safetensors: the weights are missing"]


def test_without_a_network_nothing_waits() -> None:
    queue = Queue(None)
    queue.add(File("/x", "x", b"x"), [])
    assert not queue.full
    assert list(queue.judged(lambda _: None)) == []


def test_binary_contents_are_not_for_the_network() -> None:
    queue = Queue(lambda contents: [verdict(0.99) for _ in contents])
    queue.add(File("/x", "x", b"<?php\0\0"), [(0, 5)])
    assert list(queue.judged(lambda _: None)) == []
    queue.add(File("/x", "x", "<?php".encode("utf-16")), [(0, 5)])
    assert len(list(queue.judged(lambda _: None))) == 1


def test_excerpts_are_whole_lines_and_bounded() -> None:
    assert excerpts(b"x" * WHOLE, [(5, 9)]) == [(0, WHOLE)]
    content = b"some line of text\n" * 10_000
    for hits in ([(0, 5)], [(100_000, 100_005)], [(n, n + 4) for n in range(0, 180_000, 50)], [(179_990, 179_999)], []):
        parts = excerpts(content, hits)
        assert 1 <= len(parts) <= EXCERPTS
        assert all(begin == 0 or content[begin - 1 : begin] == b"\n" for begin, _ in parts)
        assert sum(end - begin for begin, end in parts) <= EXCERPTS * WHOLE


def test_what_changed_is_told_without_what_was_there_before() -> None:
    tool = Words()
    assert [f.check for f in tool.look_at_content("/w/a.php", b"bad")] == ["bad"]
    assert tool.look_at_content("/w/a.php", b"x\nbad", b"bad\ny") == []
    assert [f.target for f in tool.look_at_content("/w/a.php", b"x\nbad too", b"bad\ny")] == ["/w/a.php:2"]
    assert tool.look_at_content("/w/a.php", b"", b"bad") == []
