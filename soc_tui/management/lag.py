"""How far reading is behind each source: in bytes, in seconds, and until when it will have caught up.

- ``lag_bytes``: bytes on disk that are not stored yet, by a fresh look at the file. Of a plain file that is its size
  less the committed offset; of a compressed one, whose offset counts decompressed bytes, what the decompressor has not
  taken in yet. An unfinished last line counts, for it is not stored. 0 for a source that is finished or gone.
- ``lag_seconds``: while whole lines wait, now less the time of the last event stored (of the last read where its events
  carry no time, or one from the future); 0 while nothing waits.
- ``read_rate``: bytes on disk read per second, averaged with exponentially falling weight (time constant 30 s).
- ``catch_up_seconds``: ``lag_bytes`` divided by read rate less growth rate, both averaged alike; 0 when nothing waits,
  infinite (``never``) while the source grows at least as fast as it is read, None before anything was measured.
"""

from __future__ import annotations

import math
import stat
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.reader import Chunk
from soc_tui.core.clock import Clock, naive_utc, never
from soc_tui.core.types import SourceState

_AVERAGE_SECONDS = 30.0
_SAMPLE_SECONDS = 0.5
_RECENT_SECONDS = 1.0
"""Rates over less time than this are noise."""


@dataclass
class Pace:
    """What is known of one source's speed."""

    position: int = 0
    """Bytes on disk that have been read."""
    compressed: bool = False
    last_event_time: datetime | None = None
    read_rate: float = 0.0
    growth_rate: float = 0.0
    measured: bool = False
    sampled_at: float | None = None
    sampled_position: int = 0
    sampled_size: int = 0

    def sample(self, now: float, size: int) -> None:
        """Take the present position and size into the averages."""
        if self.sampled_at is None:
            self.sampled_at, self.sampled_position, self.sampled_size = now, self.position, size
            return
        span = now - self.sampled_at
        if span < _SAMPLE_SECONDS:
            return
        weight = 1.0 if not self.measured else 1.0 - math.exp(-span / _AVERAGE_SECONDS)
        read = max(self.position - self.sampled_position, 0) / span
        growth = max(size - self.sampled_size, 0) / span  # a truncated file has not grown backwards
        self.read_rate += weight * (read - self.read_rate)
        self.growth_rate += weight * (growth - self.growth_rate)
        self.sampled_at, self.sampled_position, self.sampled_size = now, self.position, size
        self.measured = True

    def catch_up(self, waiting: int) -> float | None:
        """Seconds until nothing waits; infinite when that will not happen, None when it is not known."""
        if waiting <= 0:
            return 0.0
        if not self.measured:
            return None
        gain = self.read_rate - self.growth_rate
        return waiting / gain if gain > 0 else math.inf


@dataclass(frozen=True)
class Lag:
    """How far one source is behind; see the module for what each number means."""

    source_id: int
    lag_bytes: int
    lag_seconds: float
    catch_up_seconds: float | None
    read_rate: float
    last_event_time: datetime | None


class LagMeter:
    """Measures every source; safe from any thread.

    Args:
        clock: for spans and ages.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paces: dict[int, Pace] = {}
        self._lock = threading.Lock()
        self._recent: tuple[float, list[Lag]] | None = None

    def committed(self, state: SourceState, chunk: Chunk) -> None:
        """Note a commit: ``state`` as it is stored now (with its number), ``chunk`` what was read."""
        newest = _last_time(chunk.events)
        with self._lock:
            pace = self._paces.setdefault(state.source_id, Pace())
            if pace.sampled_at is None:
                pace.position = state.offset - chunk.bytes_read if not chunk.compressed else 0
                pace.sample(self._clock.monotonic() - _SAMPLE_SECONDS, state.size)
            pace.compressed = chunk.compressed
            pace.position = chunk.position if chunk.compressed else state.offset
            pace.last_event_time = newest or pace.last_event_time
            pace.sample(self._clock.monotonic(), disk_size(state.path))

    def remembered(self, source_id: int, last_event_time: datetime | None) -> None:
        """Take over what an earlier engine knew."""
        with self._lock:
            pace = self._paces.setdefault(source_id, Pace())
            pace.last_event_time = pace.last_event_time or last_event_time

    def last_event_time(self, source_id: int) -> datetime | None:
        """The time of the last event stored from a source."""
        with self._lock:
            return self._paces.get(source_id, Pace()).last_event_time

    def position(self, source_id: int) -> int:
        """Bytes on disk of a source that have been read."""
        with self._lock:
            return self._paces.get(source_id, Pace()).position

    def measure(self, states: Iterable[SourceState]) -> list[Lag]:
        """Look at every source now."""
        return [self._measure(state) for state in states]

    def recent(self, states: Callable[[], Iterable[SourceState]]) -> list[Lag]:
        """The same, at most a second old: consoles ask several times a second, each source costs a look."""
        now = self._clock.monotonic()
        if self._recent is None or not 0 <= now - self._recent[0] < _RECENT_SECONDS:
            self._recent = (now, self.measure(states()))
        return self._recent[1]

    def _measure(self, state: SourceState) -> Lag:
        size = disk_size(state.path) if state.state == "active" else 0
        now = naive_utc(self._clock.now())
        with self._lock:
            pace = self._paces.setdefault(state.source_id, Pace())
            if not pace.compressed:
                pace.position = state.offset
            pace.sample(self._clock.monotonic(), size or state.size)
            waiting = max(size - pace.position, 0)
            since = pace.last_event_time
            if since is None or since > now:
                since = state.last_read
            behind = waiting > state.pending_bytes and since is not None
            return Lag(
                source_id=state.source_id,
                lag_bytes=waiting,
                lag_seconds=max((now - since).total_seconds(), 0.0) if behind and since is not None else 0.0,
                catch_up_seconds=pace.catch_up(waiting if waiting > state.pending_bytes else 0),
                read_rate=pace.read_rate,
                last_event_time=pace.last_event_time,
            )


def total(lags: Iterable[Lag]) -> dict[str, Any]:
    """All sources in one: bytes and rates added, seconds of the one that is farthest behind."""
    known = list(lags)
    catch_up = [lag.catch_up_seconds for lag in known if lag.catch_up_seconds is not None]
    return {
        "lag_bytes": sum(lag.lag_bytes for lag in known),
        "lag_seconds": round(max((lag.lag_seconds for lag in known), default=0.0), 1),
        "catch_up_seconds": never(max(catch_up, default=0.0)),
        "read_rate": round(sum(lag.read_rate for lag in known), 1),
    }


def disk_size(path: str | Path) -> int:
    """Bytes on disk of a file; 0 when there is none, and for a website tree, which is a folder."""
    try:
        info = Path(path).stat()
    except OSError:
        return 0
    return info.st_size if stat.S_ISREG(info.st_mode) else 0


def _last_time(events: pa.Table) -> datetime | None:
    """The time of the last event that has one; not the latest, which a single forged stamp would decide."""
    times = pc.drop_null(events.column("time"))
    return times[-1].as_py() if len(times) else None
