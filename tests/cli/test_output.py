"""What is printed is inert, complete and in the form asked for."""

import csv
import io
import json
from datetime import datetime

import pytest

from soc_tui.cli.output import cell, emit, emit_one, talk

HOSTILE = "\x1b]0;PWNED\x07\x9b2J\u202e[/red][@click=app.quit]x[/]\n=cmd|' /C calc'!A1"
ROWS = [
    {"id": 1, "time": datetime(2026, 1, 2, 3, 4, 5), "text": HOSTILE, "list": ["a", "b"], "none": None, "score": 0.5}
]


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_no_form_lets_a_control_byte_through(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, form)
    emit_one(ROWS[0], form)
    talk(HOSTILE)
    for text in capsys.readouterr():
        assert not any(ord(char) < 32 and char != "\n" for char in text)
        assert not any(0x7F <= ord(char) < 0xA0 or char == "\u202e" for char in text)


def test_json_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, "json")
    assert json.loads(capsys.readouterr().out) == [{**ROWS[0], "time": "2026-01-02T03:04:05Z"}]
    emit(ROWS * 2, "jsonl")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert json.loads(lines[1])["text"] == HOSTILE
    emit([], "json")
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize("lead", ["=", "+", "-", "@", "\t"])
def test_csv_has_no_live_formula(lead: str, capsys: pytest.CaptureFixture[str]) -> None:
    emit([{"a": lead + "1+1", "n": -5}], "csv")
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == ["a", "n"]
    assert rows[1][0].startswith("'" + lead) or rows[1][0].startswith("^I")
    assert rows[1][1] == "-5"


def test_the_table_shows_every_row_and_names_an_empty_result(capsys: pytest.CaptureFixture[str]) -> None:
    emit([{"a": "x", "b": 10}, {"a": "y", "b": 2}], "table", ("a", "b"))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["a   b", "x  10", "y   2"]
    emit([], "table", ("a",))
    assert capsys.readouterr() == ("", "nothing found\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (1.5, "1.5"),
        (2.0, "2"),
        (0.12345, "0.123"),
        (["x", 1], "x, 1"),
        ({"k": "v"}, '{"k": "v"}'),
        ("a\nb", "a^Jb"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert cell(value) == text
