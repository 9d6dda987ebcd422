"""Framing: how the bytes of a source are cut into records, before any format looks at what a record says."""

from __future__ import annotations

from soc_tui.acquisition.framing.audit import AuditEvents
from soc_tui.acquisition.framing.base import Cut, Framing, with_raw
from soc_tui.acquisition.framing.joined import Joined
from soc_tui.acquisition.framing.journal import JournalEntries
from soc_tui.acquisition.framing.lines import LINES_FRAMING, SHORT_LINES, Lines
from soc_tui.acquisition.framing.quoted import Quoted

__all__ = [
    "LINES_FRAMING", "SHORT_LINES", "AuditEvents", "Cut", "Framing", "Joined", "JournalEntries", "Lines", "Quoted",
    "with_raw",
]  # fmt: skip
