"""The marks that the console draws, with an ASCII twin for terminals without Unicode."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from soc_tui.core.severity import needs_ascii


@dataclass(frozen=True)
class Glyphs:
    """One set of one-cell marks (a bar is repeated)."""

    cursor: str
    """Beside the row under the cursor, so that it shows without colour."""
    marked: str
    more: str
    """Stands for text that was cut."""
    bar_up: str
    """Weight that pushed towards risk."""
    bar_down: str
    """Weight that pushed away from it."""
    dot: str
    bullet: str
    arrow: str
    rule: str
    acknowledged: str
    closed: str
    false_positive: str
    true_positive: str
    suppressed: str
    done: str
    failed: str
    refused: str
    waiting: str
    branch: str
    last: str
    trunk: str
    space: str
    folded: str
    circumstantial: str
    minus: str


UNICODE = Glyphs(
    cursor="▌", marked="◉", more="…", bar_up="█", bar_down="░", dot="·", bullet="•", arrow="→", rule="─",
    acknowledged="✓", closed="✕", false_positive="∅", true_positive="⚑", suppressed="◌", done="✓", failed="✕",
    refused="⊘", waiting="○",
    branch="├─ ", last="└─ ", trunk="│  ", space="   ", folded="▸", circumstantial="?", minus="−",
)  # fmt: skip
ASCII = Glyphs(
    cursor=">", marked="@", more="~", bar_up="#", bar_down="-", dot="-", bullet="*", arrow=">", rule="-",
    acknowledged="a", closed="x", false_positive="f", true_positive="t", suppressed="s", done="+", failed="x",
    refused="!", waiting="o",
    branch="|- ", last="`- ", trunk="|  ", space="   ", folded="+", circumstantial="?", minus="-",
)  # fmt: skip


@cache
def glyphs() -> Glyphs:
    """The set for this terminal, decided once per process and before Textual takes stdout over."""
    return ASCII if needs_ascii() else UNICODE


def ascii_only() -> bool:
    """Whether this terminal gets the ASCII set."""
    return glyphs() is ASCII
