"""Severity as glyph, word and theme colour, so that no meaning hangs on colour alone (OCSF ``severity_id`` 1-5)."""

from __future__ import annotations

import os
import sys
from enum import IntEnum

from soc_tui.core.errors import UsageError


class Severity(IntEnum):
    """OCSF severity; the order of the numbers is the order of urgency."""

    INFO = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def word(self) -> str:
        """The stored and exported word: ``info``, ``low``, ``medium``, ``high`` or ``critical``."""
        return self.name.lower()

    @property
    def glyph(self) -> str:
        """A one-cell mark; its ASCII twin is :attr:`ascii_glyph`."""
        return "·▽◆▲‼"[self - 1]

    @property
    def ascii_glyph(self) -> str:
        """The mark for terminals without Unicode."""
        return ".v*^!"[self - 1]

    @property
    def short(self) -> str:
        """The word cut to four cells for tables."""
        return ("INFO", "LOW ", "MED ", "HIGH", "CRIT")[self - 1]

    @property
    def colour(self) -> str:
        """The Textual theme variable that paints this severity."""
        return ("text-muted", "accent", "warning", "error", "error")[self - 1]

    def label(self, *, ascii_only: bool | None = None) -> str:
        """Glyph and word, six cells wide: ``▲ HIGH``."""
        plain = needs_ascii() if ascii_only is None else ascii_only
        return f"{self.ascii_glyph if plain else self.glyph} {self.short}"

    @classmethod
    def parse(cls, text: str) -> Severity:
        """Read a word (``high``, ``crit``, ``informational``) or an OCSF number.

        Raises:
            UsageError: the text names no severity.
        """
        word = text.strip().lower()
        if word in {"informational", "information"}:
            return cls.INFO
        for member in cls:
            if word == str(int(member)) or (len(word) >= 3 and member.word.startswith(word)):
                return member
        raise UsageError(f"unknown severity {text!r}", remedy="use info, low, medium, high or critical")

    @classmethod
    def from_score(cls, score: float) -> Severity:
        """The severity of a calibrated risk score in [0, 1]."""
        for limit, member in ((0.95, cls.CRITICAL), (0.8, cls.HIGH), (0.5, cls.MEDIUM), (0.2, cls.LOW)):
            if score >= limit:
                return member
        return cls.INFO


def needs_ascii() -> bool:
    """True where glyphs would not show: a non-UTF-8 stdout or the Linux console."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    return not encoding.startswith("utf8") or os.environ.get("TERM") in {"linux", "vt100", "dumb"}
