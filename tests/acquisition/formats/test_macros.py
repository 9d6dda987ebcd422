"""The SQL that every normaliser shares."""

from __future__ import annotations

from typing import Any

import pytest

from soc_tui.acquisition.formats import sql


def value(expression: str, **params: Any) -> Any:
    return sql._database().cursor().sql(f"SELECT {expression} AS v", params=params).fetchall()[0][0]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("a,b,,c", ["a", "b", "", "c"]),
        ('a,"b,c",d', ["a", "b,c", "d"]),
        ('"say ""hi""",', ['say "hi"', ""]),
        ('"two\nlines",x', ["two\nlines", "x"]),
        ('"open,x', ['"open', "x"]),
        ('"a"tail,b', ['"a"tail', "b"]),
        ('""', [""]),
        ('"', ['"']),
        ("", [""]),
    ],
)
def test_csv_fields(line: str, fields: list[str]) -> None:
    assert value("csv_fields($line)", line=line) == fields


def test_members_leave_out_what_is_not_there() -> None:
    parts = "concat_ws(',', member('a', $a), member('b', NULL::VARCHAR), member('n', 5))"
    assert value(f"members({parts})", a='x"\n') == '{"a":"x\\"\\n","n":5}'
    assert value("members(concat_ws(',', member('a', NULL::VARCHAR)))") is None


def test_a_zone_is_taken_off() -> None:
    stamp = "TIMESTAMP '2024-07-01 12:00:00'"
    assert str(value(f"in_zone({stamp}, 'Europe/Berlin')")) == "2024-07-01 10:00:00"
    assert str(value(f"in_zone({stamp}, 'UTC')")) == "2024-07-01 12:00:00"
