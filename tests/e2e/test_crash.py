"""The short version of the campaign ``benchmarks/crash.py``: a hostile log writer, and an engine killed at random."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.crash import campaign


@pytest.mark.slow
def test_every_record_is_stored_once_whenever_the_engine_is_killed(tmp_path: Path) -> None:
    outcome = campaign(tmp_path, kills=2, seed=11)
    assert outcome.written > 100
    assert outcome.exact, outcome
