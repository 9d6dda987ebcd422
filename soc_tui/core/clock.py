"""Time as something that can be handed in, so that tests decide what "now" is."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where "now" comes from."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring spans."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()


@dataclass
class FixedClock:
    """A clock that moves only when told to."""

    at: datetime = field(default_factory=lambda: datetime(2026, 1, 1, tzinfo=UTC))

    def now(self) -> datetime:
        """The time it was set to."""
        return self.at

    def monotonic(self) -> float:
        """The set time as seconds."""
        return self.at.timestamp()

    def advance(self, seconds: float) -> None:
        """Move forward."""
        self.at += timedelta(seconds=seconds)


def naive_utc(moment: datetime) -> datetime:
    """The same moment without a zone, as plain TIMESTAMP columns hold it (always UTC)."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def iso(moment: datetime | None) -> str:
    """ISO 8601 in UTC with a ``Z``; the empty string for None."""
    if moment is None:
        return ""
    return naive_utc(moment).isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"


def never(seconds: float | None) -> float | str | None:
    """Seconds as programs get them: infinity, which JSON does not know, is the word ``never``."""
    if seconds is None or math.isfinite(seconds):
        return None if seconds is None else round(seconds, 1)
    return "never"
