"""What speaks against a file of a website, whichever way it was seen."""

from __future__ import annotations

from typing import NamedTuple

from soc_tui.detection.files.lines import Span


class Suspicion(NamedTuple):
    """One thing that hides in a page, or a file in the wrong place."""

    check: str
    title: str
    severity: str
    confidence: float
    spans: list[Span]
    techniques: tuple[str, ...]
    address: str = ""
    """Where it leads; empty for what leads nowhere."""
