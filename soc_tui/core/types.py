"""The small values that modules hand to one another, without pyarrow, duckdb or torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

RISK_TYPES = (
    "intrusion",
    "web-attack",
    "domain-hijack",
    "page-tampering",
    "virus",
    "trojan",
    "malicious-code",
)
"""The paper's risk data classes ("web page tampering, domain name hijacking, intrusion attacks, viruses, Trojan
horses, and malicious codes"), with attacks on web applications named apart from other intrusion."""

HEALTH = "health"
"""The risk type of alerts about our own sources. It is none of the paper's: nobody has attacked anything yet, but what
is not seen cannot be found, and a log that falls silent may have been silenced."""
ALERT_TYPES = (*RISK_TYPES, HEALTH)
"""Every risk type that an alert or a knowledge entry may have."""


@dataclass(frozen=True)
class FieldWeight:
    """One field's part in a score; ``weight`` > 0 pushed towards risk, < 0 away from it."""

    field: str
    value: str
    weight: float


@dataclass(frozen=True)
class Evidence:
    """Where the bytes are that a statement rests on."""

    source: str
    offset: int
    length: int
    event_id: int = 0


@dataclass(frozen=True)
class PlanStep:
    """One step of a repair plan.

    ``mode`` is who does it: ``automatic`` (by settings), ``one-key`` (after a preview) or ``manual`` (a person).
    ``action`` names a response action for the first two and is empty for manual steps.
    """

    mode: Literal["automatic", "one-key", "manual"]
    text: str
    action: str = ""
    target: str = ""
    params: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return asdict(self)


@dataclass(frozen=True)
class RepairPlan:
    """Expert knowledge turned into steps for one alert or incident (the paper's risk processing)."""

    subject_id: str
    """The alert or incident it repairs, e.g. ``A12`` or ``I3``."""
    knowledge_id: str
    title: str
    steps: tuple[PlanStep, ...]

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return asdict(self)


@dataclass
class SourceState:
    """How far one source has been read; committed together with the events read from it.

    ``records_read = records_stored + records_rejected`` at every commit.
    """

    path: str
    source_id: int = 0
    """0 until the store has given it a row."""
    format: str = ""
    device: int = 0
    inode: int = 0
    fingerprint: str = ""
    """sha256 of the first bytes (at most 1 KiB), which survives a rename and exposes a reused inode."""
    fingerprint_length: int = 0
    offset: int = 0
    """Bytes of the (decompressed) stream already turned into events, rejects or skipped header lines."""
    size: int = 0
    """Size of the file when last looked at, in bytes on disk."""
    header: str = ""
    """State a format carries from line to line, as JSON (Zeek's ``#fields``, the year of syslog lines)."""
    records_read: int = 0
    records_stored: int = 0
    records_rejected: int = 0
    state: str = "active"
    """active, done (compressed or rotated away and fully read), error."""
    error: str = ""
    last_read: datetime | None = None
    pending_bytes: int = 0
    """Bytes of an unfinished last line that wait for their line end."""
