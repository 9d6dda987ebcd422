"""The cases of the rules that ship: log lines that each must find, and lines that it must not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """Lines for one rule."""

    name: str
    """The rule's file, without ``.yml``."""
    rule: str
    """The rule's id."""
    format: str
    """The format that the lines are of (``acquisition.formats``)."""
    found: bytes
    """A log in which the rule finds something."""
    silent: bytes
    """A log like it, in which it finds nothing."""


def cases() -> list[Case]:
    """Every case, by the name of its rule."""
    made = []
    for path in sorted(FOLDER.glob("*.yml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        texts = (str(data[name]).encode() for name in ("finds", "silent"))
        found, silent = texts
        made.append(Case(path.stem, str(data["rule"]), str(data["format"]), found, silent))
    return made
