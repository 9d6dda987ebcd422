"""How far behind: bytes by a live look, seconds by the last event, catch-up by averaged rates, never said as never."""

import gzip
import math
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from soc_tui.core.clock import FixedClock
from soc_tui.core.settings import AcquisitionSettings
from soc_tui.management.intake import Intake, Tally
from soc_tui.management.lag import Lag, Pace, total
from soc_tui.store.database import Store

LINE = "2026-01-01T00:00:{:02d}Z web1 sshd[1]: Failed password for root from 203.0.113.9 port 4 ssh2\n"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def intake(tmp_path: Path, clock: FixedClock) -> Intake:
    store = Store.open(tmp_path / "workspace" / "w.duckdb")
    return Intake(store, AcquisitionSettings(), clock, lambda: None)


def read(intake: Intake, path: Path) -> None:
    for _ in intake.read(path, final=False):
        pass
    intake.flush()


def lag(intake: Intake) -> Lag:
    return intake.meter.measure(intake.states())[0]


def test_bytes_and_seconds(intake: Intake, tmp_path: Path, clock: FixedClock) -> None:
    log = tmp_path / "auth.log"
    log.write_text(LINE.format(7) * 3)
    clock.advance(100)
    read(intake, log)
    found = lag(intake)
    assert (found.lag_bytes, found.lag_seconds, found.catch_up_seconds) == (0, 0.0, 0.0)
    assert found.last_event_time == datetime(2026, 1, 1, 0, 0, 7)
    with log.open("a") as file:
        file.write(LINE.format(8) * 2)
    found = lag(intake)
    assert found.lag_bytes == 2 * len(LINE.format(8)) == intake.lag_bytes()
    assert found.lag_seconds == 93.0
    read(intake, log)
    assert lag(intake).last_event_time == datetime(2026, 1, 1, 0, 0, 8)
    log.unlink()
    assert lag(intake).lag_bytes == 0


def test_a_recent_measure_serves_for_a_second(intake: Intake, tmp_path: Path, clock: FixedClock) -> None:
    log = tmp_path / "auth.log"
    log.write_text(LINE.format(7))
    read(intake, log)
    assert total(intake.meter.recent(intake.states))["lag_bytes"] == 0
    log.write_text(LINE.format(7) * 2)
    clock.advance(0.9)
    assert total(intake.meter.recent(intake.states))["lag_bytes"] == 0
    clock.advance(0.2)
    assert total(intake.meter.recent(intake.states))["lag_bytes"] == len(LINE.format(7))


def test_an_unfinished_line_waits_but_is_no_delay(intake: Intake, tmp_path: Path, clock: FixedClock) -> None:
    log = tmp_path / "auth.log"
    log.write_text(LINE.format(7) + LINE.format(8)[:20])
    read(intake, log)
    clock.advance(50)
    found = lag(intake)
    assert (found.lag_bytes, found.lag_seconds, found.catch_up_seconds) == (20, 0.0, 0.0)


def test_the_last_read_counts_where_the_event_is_of_the_future(
    intake: Intake, tmp_path: Path, clock: FixedClock
) -> None:
    log = tmp_path / "auth.log"
    log.write_text(LINE.format(59).replace("2026", "2036"))
    read(intake, log)
    clock.advance(30)
    with log.open("a") as file:
        file.write(LINE.format(1))
    assert lag(intake).lag_seconds == 30.0


def test_rates_follow_and_never_is_infinite() -> None:
    pace = Pace()
    pace.sample(0.0, 1000)
    assert pace.catch_up(1000) is None
    assert pace.catch_up(0) == 0.0
    pace.position = 100
    pace.sample(1.0, 1050)
    assert (pace.read_rate, pace.growth_rate, pace.catch_up(950)) == (100.0, 50.0, 19.0)
    pace.sample(1.2, 9999)  # too short to mean anything
    assert pace.growth_rate == 50.0
    pace.position = 130
    pace.sample(31.0, 1050)  # one time constant later: 1 - 1/e of the way to 1 and 0
    weight = 1 - math.exp(-1)
    assert pace.read_rate == pytest.approx(100 + weight * (1 - 100))
    assert pace.growth_rate == pytest.approx(50 * (1 - weight))
    pace.sample(500.0, 10**6)
    assert pace.catch_up(10) == math.inf
    before = pace.growth_rate
    pace.sample(501.0, 10)  # truncated: growth is not negative
    assert 0 < pace.growth_rate < before


def test_totals() -> None:
    lags = [Lag(1, 10, 5.0, 2.0, 3.0, None), Lag(2, 1, 9.0, math.inf, 4.0, None), Lag(3, 0, 0.0, None, 0.0, None)]
    assert total(lags) == {"lag_bytes": 11, "lag_seconds": 9.0, "catch_up_seconds": "never", "read_rate": 7.0}
    assert total([]) == {"lag_bytes": 0, "lag_seconds": 0.0, "catch_up_seconds": 0.0, "read_rate": 0}


@pytest.mark.parametrize("packed", [False, True])
def test_progress_of_a_batch_counts_bytes_on_disk(
    tmp_path: Path, clock: FixedClock, intake: Intake, packed: bool
) -> None:
    """A gzip file holds many times its size; the bar must not run past its end."""
    settings = AcquisitionSettings(chunk_bytes=200_000)
    intake = Intake(intake._store, settings, clock, lambda: None)
    text = "".join(LINE.format(n % 60) + os.urandom(20).hex() + "\n" for n in range(20_000)).encode()
    log = tmp_path / "logs" / ("auth.log.gz" if packed else "auth.log")
    log.parent.mkdir()
    log.write_bytes(gzip.compress(text) if packed else text)
    size = log.stat().st_size
    said = list(intake.ingest([log.parent], None, Tally()))
    assert len(said) > 3
    assert {one["total_bytes"] for one in said} == {size}
    done = [one["bytes"] for one in said]
    assert done == sorted(done)
    assert 0 < done[0] < size
    assert done[-1] == size
    assert said[-1]["records"] == 40_000
    assert set(said[0]) == {"path", "bytes", "total_bytes", "records", "rate"}


def test_what_an_earlier_engine_knew(intake: Intake) -> None:
    moment = datetime(2026, 1, 1) - timedelta(days=1)
    intake.meter.remembered(5, moment)
    intake.meter.remembered(5, None)
    assert intake.meter.last_event_time(5) == moment
    assert intake.meter.last_event_time(6) is None
    assert intake.meter.position(6) == 0
