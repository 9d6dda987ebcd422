"""Columns of a wide table on a narrow screen: which show, and how wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    title: str
    width: int
    keep: int
    """Columns with the smallest number leave first when the screen is narrow; 0 never leaves."""
    flex: bool = False
    """Takes the cells that the others leave (``width`` is then its least)."""
    right: bool = False
    """Aligned to the right, for numbers."""


def fit(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that fit into ``width`` cells with one cell between them, and their widths.

    Columns leave in the order of :attr:`Column.keep`, so the same width always shows the same ones.
    """
    shown = list(columns)
    while sum(c.width for c in shown) + len(shown) - 1 > width:
        leaving = min((c for c in shown if c.keep), key=lambda c: c.keep, default=None)
        if leaving is None:
            break
        shown.remove(leaving)
    spare = max(0, width - sum(c.width for c in shown) - max(0, len(shown) - 1))
    flexible = [c for c in shown if c.flex]
    share, rest = divmod(spare, len(flexible)) if flexible else (0, 0)
    result: list[tuple[Column, int]] = []
    for column in shown:
        extra = 0
        if column.flex:
            extra = share + (rest if column is flexible[0] else 0)
        result.append((column, column.width + extra))
    return result
