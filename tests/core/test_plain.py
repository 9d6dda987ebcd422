"""Plain YAML: what is read, and what is refused with its line."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.core.errors import KnowledgeError
from soc_tui.core.plain import content, files, line_of, read


def data(path: Path, text: bytes) -> object:
    path.write_bytes(text)
    node = read(path, 2048, 4, KnowledgeError)
    return None if node is None else content(node, path, KnowledgeError)


def test_data_is_read_and_knows_its_lines(tmp_path: Path) -> None:
    assert data(tmp_path / "x", b"a: [1, b]\nc: 2026-01-02\n") == {"a": [1, "b"], "c": date(2026, 1, 2)}
    assert data(tmp_path / "x", b"# nothing\n") is None
    node = read(tmp_path / "x", 100, 4, KnowledgeError)
    assert node is None
    (tmp_path / "x").write_text("a: 1\nb:\n  c: 2\n")
    node = read(tmp_path / "x", 100, 4, KnowledgeError)
    assert node is not None
    assert [line_of(value) for _, value in node.value] == [1, 3]


@pytest.mark.parametrize(("text", "line", "said"), [
    (b"a: &x 1\nb: *x\n", 1, "anchors and aliases are not allowed"),
    (b"a: 1\nb: *x\n", 2, "anchors and aliases are not allowed"),
    (b"a: 1\nb: [[[[1]]]]\n", 2, "is nested deeper than 4 levels"),
    (b"a: 1\nb: \xff\n", 2, "is not UTF-8"),
    (b"a: 1\nb: [\n", 3, "is not YAML: "),
    (b"a: !!python/object/apply:os.getcwd []\n", 1, "is not YAML: could not determine a constructor"),
    (b"a: 2026-02-30\n", 1, "is not YAML: day is out of range for month"),
    (b"a" * 2049, 1, "is longer than 2 KiB"),
])  # fmt: skip
def test_what_is_refused(tmp_path: Path, text: bytes, line: int, said: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        data(tmp_path / "x", text)
    assert (caught.value.source, caught.value.line) == (str(tmp_path / "x"), line)
    assert caught.value.message.startswith(said)


def test_only_files_are_read_and_a_pipe_holds_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "a.yml").write_text("a")
    assert files([tmp_path, tmp_path / "none"]) == [tmp_path / "a.yml", tmp_path / "pipe.yaml", tmp_path / "none"]
    for name, said in {
        "pipe.yaml": "is no regular file",
        ".": "is no regular file",
        "none": "cannot be read: No such",
    }.items():
        with pytest.raises(KnowledgeError, match=said):
            read(tmp_path / name, 100, 4, KnowledgeError)


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text("-:[]{}&*!|>'\"# \nab19", max_size=120).map(str.encode)))
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    lines: list[int | None] = []
    try:
        data(tmp_path_factory.mktemp("x") / "x", text)
    except KnowledgeError as error:
        lines.append(error.line)
    assert all(line is not None and 1 <= line <= len(text) + 2 for line in lines)
