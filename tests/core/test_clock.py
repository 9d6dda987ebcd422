"""Clocks are UTC and can be stopped."""

import math
from datetime import UTC, datetime, timedelta, timezone

from soc_tui.core.clock import FixedClock, SystemClock, iso, naive_utc, never


def test_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.advance(90)
    assert clock.now() == datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)
    assert clock.monotonic() == clock.now().timestamp()


def test_system_clock_is_aware_utc() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()


def test_iso_is_utc() -> None:
    local = datetime(2026, 5, 1, 12, 0, 0, 500_000, tzinfo=timezone(timedelta(hours=2)))
    assert iso(local) == "2026-05-01T10:00:00.500Z"
    assert iso(datetime(2026, 5, 1)) == "2026-05-01T00:00:00Z"
    assert iso(None) == ""
    assert naive_utc(local).tzinfo is None


def test_what_does_not_end_is_never() -> None:
    assert [never(x) for x in (None, math.inf, 1.26, 0.0)] == [None, "never", 1.3, 0.0]
