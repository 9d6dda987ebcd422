"""What one run of reading came to, source by source."""

from __future__ import annotations

from dataclasses import dataclass, field

from soc_tui.core.errors import SocTuiError
from soc_tui.core.types import SourceState


@dataclass
class SourceTally:
    """What one run read from one source."""

    path: str
    format: str = ""
    bytes: int = 0
    records_read: int = 0
    records_stored: int = 0
    records_rejected: int = 0
    pending_bytes: int = 0
    error: str = ""

    def add(self, before: SourceState, after: SourceState, read: int) -> None:
        """Count the difference that one chunk made."""
        self.format, self.bytes = after.format, self.bytes + read
        self.pending_bytes, self.error = after.pending_bytes, after.error
        self.records_read += after.records_read - before.records_read
        self.records_stored += after.records_stored - before.records_stored
        self.records_rejected += after.records_rejected - before.records_rejected


@dataclass
class Tally:
    """What one run read."""

    sources: dict[str, SourceTally] = field(default_factory=dict)
    errors: list[SocTuiError] = field(default_factory=list)
    """What was asked for by name and could not be done."""
    skipped: list[SocTuiError] = field(default_factory=list)
    """Files that lay in a directory and could not be read (wholly): archives, pictures, damaged files."""

    def total(self, name: str) -> int:
        """The sum of a counter over all sources."""
        return sum(getattr(source, name) for source in self.sources.values())
