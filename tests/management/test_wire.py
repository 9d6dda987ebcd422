"""Errors and values travel between engine and client unchanged."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from soc_tui.core import errors
from soc_tui.management.wire import error_from_dict, error_to_dict, plain, to_json


@pytest.mark.parametrize(
    "error",
    [
        errors.SourceError("gone", remedy="look", source="/a", line=4),
        errors.FilterError("bad", position=7, remedy="mend"),
        errors.GuardError("no"),
        errors.StoreError("full", remedy="free"),
    ],
)
def test_an_error_arrives_as_what_it_was(error: errors.SocTuiError) -> None:
    again = error_from_dict(json.loads(to_json(error_to_dict(error))))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_foreign_error_names_its_type() -> None:
    again = error_from_dict(error_to_dict(ZeroDivisionError("by zero")))
    assert type(again) is errors.EngineError
    assert again.message == "ZeroDivisionError: by zero"


def test_an_unknown_type_becomes_an_engine_error() -> None:
    assert type(error_from_dict({"type": "Exception", "message": "x"})) is errors.EngineError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (date(2026, 1, 2), "2026-01-02"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (b"\xff\x00a", "\\xff\x00a"),
        ("\ud800", "\\ud800"),
        (Decimal("1.5"), 1.5),
        ({1: (2, {3})}, {"1": [2, [3]]}),
        (None, None),
        (True, True),
    ],
)
def test_every_value_has_a_json_form(value: object, expected: object) -> None:
    assert plain(value) == expected
    json.loads(to_json(value))
