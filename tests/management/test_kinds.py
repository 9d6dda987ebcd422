"""What a window holds decides which rules run; the rules that do not run would have found nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from soc_tui.acquisition.reader import Chunk, open_source, read_chunks
from soc_tui.core.clock import SystemClock
from soc_tui.core.schema import REJECTS
from soc_tui.core.settings import AcquisitionSettings, DetectionSettings
from soc_tui.core.types import SourceState
from soc_tui.detection.detectors import DETECTORS
from soc_tui.detection.sigma.sources import SOURCES
from soc_tui.management.kinds import Kinds
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks
from soc_tui.store.reach import Reach

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.fixture
def filled(tmp_path: Path) -> Store:
    store, settings = Store.open(tmp_path / "workspace.duckdb"), AcquisitionSettings()
    for file in sorted(SAMPLES.glob("*/*")):
        for chunk in read_chunks(open_source(file, [], settings), settings, final=True, clock=SystemClock()):
            number, count = store.sql("SELECT count(*) + 1 AS n FROM sources")["n"][0].as_py(), chunk.events.num_rows
            state = SourceState(f"made-{number}", source_id=number, records_read=count, records_stored=count)
            append_chunks(
                store, [Chunk(state, chunk.events, REJECTS.empty_table(), 0)], datetime(2026, 1, 1, tzinfo=UTC)
            )
    return store


@pytest.mark.campaign
def test_rules_that_do_not_run_find_nothing_and_parts_that_are_left_out_change_nothing(filled: Store) -> None:
    last = filled.sql("SELECT max(event_id) AS n FROM events")["n"][0].as_py()
    ran, left_out = set(), set()
    for first in range(1, last + 1, 2900):
        window = {"first_event_id": first, "last_event_id": min(first + 2899, last)}
        kinds = Kinds(filled, *window.values(), Reach(*window.values()))
        for detector in DETECTORS:
            params = {**detector.parameters(DetectionSettings()), **window}
            concerned = kinds.concern(detector)
            (ran if concerned else left_out).add(detector.name)
            if not concerned or detector.parts:
                whole = filled.sql(detector.sql, params).sort_by("finding_id").to_pylist()
                text = detector.sql_of(kinds.parts(detector)) if concerned else ""
                assert whole == (filled.sql(text, params).sort_by("finding_id").to_pylist() if text else []), detector
    assert {"ssh-brute-force", "log-sign", "beacon"} <= ran
    assert {"ssh-brute-force", "tool-finding", "dns-tunnel", "port-scan"} <= left_out
    filled.close()


def test_a_condition_over_kinds_is_one_over_events(filled: Store) -> None:
    last = filled.sql("SELECT max(event_id) AS n FROM events")["n"][0].as_py()
    conditions = {detector.name: detector.needs for detector in DETECTORS}
    conditions |= {f"part {name}": text for one in DETECTORS for name, text in one.parts.items()}
    conditions |= {f"sigma {name}": source.near or source.where for name, source in SOURCES.items()}
    told = ", ".join(f'coalesce(bool_or({text}), FALSE) AS "{name}"' for name, text in conditions.items())
    of_kinds = Kinds(filled, 1, last, Reach(1, last)).kinds
    (by_kinds,) = filled.sql(f"SELECT {told} FROM kinds", None, {"kinds": of_kinds}).to_pylist()
    (by_events,) = filled.sql(f"SELECT {told} FROM events").to_pylist()
    assert by_kinds == by_events
    assert 10 < sum(by_kinds.values()) < len(by_kinds)
    filled.close()
