"""What the tests of the database tool share: a check that also collects the notes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.database import DatabaseTool
from soc_tui.detection.tools import Finding, Watch

TODAY = date(2026, 3, 1)
SECRET = "correct-horse/battery"
"""The password of the settings in these tests; it must be in nothing that is said."""


class Looked(list[Finding]):
    """Findings, with the notes of the check."""

    def __init__(self, found: list[Finding], notes: list[str]) -> None:
        super().__init__(found)
        self.notes = notes

    @property
    def settings(self) -> list[tuple[str, str]]:
        """Check and severity of everything but what rests on the version alone."""
        return [(one.check, one.severity) for one in self if "version" not in one.fields]

    @property
    def versions(self) -> list[str]:
        return [one.check for one in self if "version" in one.fields]

    def evidence(self, check: str) -> str:
        return next(one.evidence.decode() for one in self if one.check == check)


Look = Callable[..., Looked]


@pytest.fixture
def look() -> Look:
    """Check a service; ``listed`` is what the settings say of it (the target itself when empty)."""

    def call(target: str, listed: str = "", **settings: Any) -> Looked:
        notes: list[str] = []
        scan = ScanSettings(databases=(listed or target,), **{"timeout_seconds": 5.0, **settings})
        tool = DatabaseTool(scan, pause=0, today=TODAY)
        found = Looked(list(tool.check(target, Watch(note=notes.append))), notes)
        said = "".join([*notes, *tool.requests(target), *map(repr, found), repr(tool)])
        assert SECRET not in said
        return found

    return call
