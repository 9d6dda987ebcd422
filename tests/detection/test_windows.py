"""Rules over many small windows of real logs: the query planner sees many shapes, and the findings stay the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soc_tui.acquisition.reader import open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.detection.detectors import DETECTORS

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.fixture
def filled(workspace: Any) -> Any:
    settings = AcquisitionSettings()
    for file in sorted(SAMPLES.glob("*/*")):
        for chunk in read_chunks(open_source(file, [], settings), settings, final=True, clock=SystemClock()):
            workspace.add_table(chunk.events)
    return workspace


@pytest.mark.campaign
def test_windows_find_what_the_whole_finds(filled: Any) -> None:
    last = filled.store.sql("SELECT max(event_id) AS n FROM events")["n"][0].as_py()
    assert last > 20_000
    for detector in DETECTORS:
        whole = set(filled.found(detector, (1, last))["finding_id"].to_pylist())
        parts: set[str] = set()
        for first in range(1, last + 1, 1700):
            parts |= set(filled.found(detector, (first, min(first + 1699, last)))["finding_id"].to_pylist())
        assert parts == whole, detector.name
