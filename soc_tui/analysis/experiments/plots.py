"""Plain bar charts: SVG text for the documents, block characters for the terminal. No library, no script, no font."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = (
    "#1f6f8b", "#c8553d", "#588157", "#8a6fb0", "#b08900", "#6c757d", "#123f52", "#e6a08f", "#a9c9a4", "#d9c8ee",
)  # fmt: skip
"""Distinguishable in print and for the colour-blind by lightness; every bar also has its value beside it."""
_LABEL, _PLOT, _VALUE, _BAR, _GAP, _TOP = 210, 420, 110, 13, 12, 64
_NAMES, _LINE = 3, 18
"""Names in a line of the legend, and its height."""
_BLOCKS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Bar:
    """One value with its spread, both None where nothing was measured."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Chart:
    """Groups of bars on one scale."""

    title: str
    series: tuple[str, ...]
    groups: tuple[tuple[str, tuple[Bar, ...]], ...]
    """(label, one bar for each series)."""
    start: float = 0.0
    """Left end of the scale; a scale that does not start at 0 says so below the bars."""
    end: float = 1.0


def scale(values: Sequence[float]) -> tuple[float, float]:
    """A readable range for rates: from the tenth below the least to 1, but from 0 when the least is under 0.5."""
    least = min((v for v in values if math.isfinite(v)), default=0.0)
    return (min(math.floor(least * 10) / 10, 0.9) if least >= 0.5 else 0.0), 1.0


def svg(chart: Chart) -> str:
    """The chart as an SVG document; every text in it is escaped."""
    block = len(chart.series) * (_BAR + 2) + _GAP
    start = _TOP + _LINE * ((len(chart.series) - 1) // _NAMES)
    height = start + block * len(chart.groups) + 40
    width = _LABEL + _PLOT + _VALUE
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(chart.title, {chr(34): "&quot;"})}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(12, 22, chart.title, size=15),
    ]
    for number, name in enumerate(chart.series):
        x, y = 12 + number % _NAMES * (width - 24) / _NAMES, 34 + number // _NAMES * _LINE
        out.append(f'<rect x="{x:.1f}" y="{y}" width="10" height="10" fill="{COLOURS[number % len(COLOURS)]}"/>')
        out.append(_text(x + 15, y + 9, name))
    bottom = start + block * len(chart.groups)
    for tick in range(6):
        share = chart.start + (chart.end - chart.start) * tick / 5
        x = _LABEL + _PLOT * tick / 5
        out.append(f'<line x1="{x:.1f}" y1="{start - 6}" x2="{x:.1f}" y2="{bottom}" stroke="#d8d8d8"/>')
        out.append(_text(x, bottom + 16, f"{share:.2f}", anchor="middle"))
    if chart.start:
        out.append(_text(12, bottom + 32, f"The scale starts at {chart.start:.2f}, not at 0.", size=11))
    for place, (label, bars) in enumerate(chart.groups):
        top = start + place * block
        out.append(_text(_LABEL - 8, top + (block - _GAP) / 2 + 4, label, anchor="end"))
        for number, bar in enumerate(bars):
            out += _bar(chart, bar, top + number * (_BAR + 2), COLOURS[number % len(COLOURS)])
    return "\n".join([*out, "</svg>"]) + "\n"


def _at(chart: Chart, value: float) -> float:
    share = (value - chart.start) / (chart.end - chart.start)
    return _LABEL + _PLOT * min(max(share, 0.0), 1.0)


def _bar(chart: Chart, bar: Bar, y: float, colour: str) -> list[str]:
    if bar.value is None or not math.isfinite(bar.value):
        return [_text(_LABEL + 4, y + 11, "not measured", size=11)]
    end = _at(chart, bar.value)
    out = [f'<rect x="{_LABEL}" y="{y:.1f}" width="{end - _LABEL:.1f}" height="{_BAR}" fill="{colour}"/>']
    right = end
    if bar.low is not None and bar.high is not None:
        middle, left, right = y + _BAR / 2, _at(chart, bar.low), max(_at(chart, bar.high), end)
        out.append(f'<line x1="{left:.1f}" y1="{middle:.1f}" x2="{right:.1f}" y2="{middle:.1f}" stroke="#202020"/>')
    return [*out, _text(right + 5, y + 11, f"{bar.value:.3f}", size=11)]


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#202020">{escape(words)}</text>'
    )


def terminal(chart: Chart, width: int = 40) -> str:
    """The chart as lines of text, eighths of a character exact; one line a bar."""
    labels = [label for label, _ in chart.groups]
    wide = max((len(text) for text in (*labels, *chart.series)), default=0)
    lines = [chart.title + ("" if not chart.start else f" (scale from {chart.start:.2f} to {chart.end:.2f})")]
    for label, bars in chart.groups:
        single = len(bars) == 1
        if not single:
            lines.append(label)
        for name, bar in zip(chart.series, bars, strict=True):
            head = (label if single else name).rjust(wide)
            if bar.value is None or not math.isfinite(bar.value):
                lines.append(f"{head} not measured")
                continue
            share = min(max((bar.value - chart.start) / (chart.end - chart.start), 0.0), 1.0)
            eighths = round(share * width * 8)
            drawn = "█" * (eighths // 8) + _BLOCKS[eighths % 8].strip()
            spread = "" if bar.low is None or bar.high is None else f" ({bar.low:.3f} - {bar.high:.3f})"
            lines.append(f"{head} {drawn.ljust(width)} {bar.value:.3f}{spread}")
    return "\n".join(lines) + "\n"
