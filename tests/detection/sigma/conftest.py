"""Rules written down in a test, compiled as those of a folder are, and matched with events of a workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from soc_tui.detection.sigma.compiled import Ruleset
from soc_tui.detection.sigma.compiling import compile_folders
from soc_tui.management.sigma import Matcher

NUMBERS = count(1)


def rule_text(detection: dict[str, Any], number: int = 0, **more: Any) -> str:
    """One rule as YAML; by default over access logs."""
    number = number or next(NUMBERS)
    data = {
        "title": f"rule {number}", "id": f"00000000-0000-4000-8000-{number:012d}", "logsource": {"category": "webserver"},
        "detection": detection, "level": "high", **more,
    }  # fmt: skip
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., Ruleset]:
    """Compile texts, each the content of one file."""

    def compile_texts(*texts: str) -> Ruleset:
        folder = tmp_path / f"rules-{next(NUMBERS)}"
        folder.mkdir()
        for number, text in enumerate(texts):
            (folder / f"{number:03d}.yml").write_text(text, encoding="utf-8")
        return compile_folders([("test", folder)])

    return compile_texts


@pytest.fixture
def matching_events(workspace: Any, compiled: Callable[..., Ruleset]) -> Callable[..., list[int]]:
    """The numbers (from 0) of the events that a detection matches."""

    def match(detection: dict[str, Any], events: Sequence[dict[str, Any]], **more: Any) -> list[int]:
        rules = compiled(rule_text(detection, **more))
        assert [entry.why for entry in rules.entries] == [""]
        first, last = workspace.add(events)
        found = Matcher(workspace.store, rules).window(first, last)
        return sorted({event - first for row in found.to_pylist() for event in row["event_ids"] if event >= first})

    return match
