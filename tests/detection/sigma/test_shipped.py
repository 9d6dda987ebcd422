"""Every rule that ships: it converts, it finds its case, and it is silent over the lines that are like it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.acquisition.reader import open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.detection.sigma.cases import Case, cases
from soc_tui.detection.sigma.loading import SHIPPED, SHIPPED_COMPILED, compile_shipped, load
from soc_tui.management.sigma import Matcher

CASES = cases()


def events(text: bytes, form: str, folder: Path) -> pa.Table:
    """The lines as events, read by the format that they are of."""
    file = folder / f"{abs(hash(text))}.log"
    file.write_bytes(text)
    settings = AcquisitionSettings()
    state = open_source(file, [], settings, as_format=form)
    chunks = list(read_chunks(state, settings, final=True, clock=SystemClock()))
    assert sum(chunk.rejects.num_rows for chunk in chunks) == 0
    return pa.concat_tables([chunk.events for chunk in chunks])


def found(workspace: Any, case: Case, text: bytes, folder: Path) -> list[dict[str, Any]]:
    """What the case's rule finds, also when by itself it would only serve a correlation."""
    rules = load(folder / "none")
    loud = dataclasses.replace(rules, rules=tuple(dataclasses.replace(rule, alerts=True) for rule in rules.rules))
    window = workspace.add_table(events(text, case.format, folder))
    rows = Matcher(workspace.store, loud).window(*window).to_pylist()
    return [row for row in rows if row["alert_key"].split("|")[1] == case.rule]


def test_all_that_ship_are_converted_and_have_a_case() -> None:
    rules = load(SHIPPED.parent / "none")
    assert rules.counts() == {"converted": len(list(SHIPPED.glob("*.yml"))), "not applicable": 0, "damaged": 0}
    assert sorted(case.rule for case in CASES) == sorted(rules.fingerprints())
    assert sorted(case.name for case in CASES) == sorted(path.stem for path in SHIPPED.glob("*.yml"))


def test_the_compiled_rules_in_the_package_are_those_of_its_files() -> None:
    assert SHIPPED_COMPILED.read_text() == compile_shipped(), "run python -m soc_tui.detection.sigma.loading"


@pytest.mark.campaign
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_shipped_rule_finds_its_case(workspace: Any, tmp_path: Path, case: Case) -> None:
    rows = found(workspace, case, case.found, tmp_path)
    assert rows
    for row in rows:
        assert row["event_ids"]
        assert row["event_count"] >= 1
        assert row["title"]


@pytest.mark.campaign
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_shipped_rule_is_silent_over_what_is_like_it(workspace: Any, tmp_path: Path, case: Case) -> None:
    assert found(workspace, case, case.silent, tmp_path) == []
