"""Reading a file to its end, for every test of acquisition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.acquisition.reader import Chunk, open_source, read_chunks
from soc_tui.core.clock import FixedClock
from soc_tui.core.schema import NORMALISED, REJECTS
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.core.types import SourceState

SETTINGS = AcquisitionSettings()
CLOCK = FixedClock(datetime(2026, 11, 24, tzinfo=UTC))


@dataclass
class Result:
    state: SourceState
    events: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    chunks: list[Chunk]


def read_all(
    path: Path,
    states: Sequence[SourceState] = (),
    *,
    final: bool = True,
    settings: AcquisitionSettings = SETTINGS,
    as_format: str | None = None,
) -> Result:
    """Open and read, checking on the way what every chunk promises."""
    return read_on(open_source(path, states, settings, as_format=as_format), final=final, settings=settings)


def read_on(state: SourceState, *, final: bool = True, settings: AcquisitionSettings = SETTINGS) -> Result:
    chunks, before = [], state
    for chunk in read_chunks(state, settings, final=final, clock=CLOCK):
        assert chunk.events.schema.equals(NORMALISED)
        assert chunk.rejects.schema.equals(REJECTS)
        assert chunk.state.records_read == chunk.state.records_stored + chunk.state.records_rejected
        assert chunk.state.records_stored - before.records_stored == chunk.events.num_rows
        assert chunk.state.records_rejected - before.records_rejected == chunk.rejects.num_rows
        assert chunk.state.offset - before.offset >= chunk.bytes_read
        chunks.append(chunk)
        before = chunk.state
    events = pa.concat_tables([NORMALISED.empty_table(), *(c.events for c in chunks)]).to_pylist()
    rejects = pa.concat_tables([REJECTS.empty_table(), *(c.rejects for c in chunks)]).to_pylist()
    return Result(before, events, rejects, chunks)


def stored(state: SourceState, source_id: int = 1) -> SourceState:
    """The state as the store gives it back."""
    return replace(state, source_id=source_id)


@pytest.fixture
def events_of(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Events of a text in a named format; a reject fails the test."""

    def normalise(text: str | bytes, as_format: str) -> list[dict[str, Any]]:
        path = tmp_path / "some.log"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        result = read_all(path, as_format=as_format)
        assert result.rejects == []
        return result.events

    return normalise
