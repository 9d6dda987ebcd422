"""From places in a file's bytes to its lines, for findings and for whoever shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Span = tuple[int, int]
"""First byte and the one behind the last."""
SPANS = 32
"""Places of one finding that are kept."""
_EVIDENCE = 1024
"""Bytes of the line around a place that a finding shows."""
_LINE = 4096
"""Bytes of a line that are shown; minified code has lines of megabytes."""


class MarkedLine(NamedTuple):
    """One line of a file, or a part of a very long one."""

    number: int
    """From 1."""
    content: bytes
    """Without its line feed."""
    marks: tuple[Span, ...]
    """What to highlight, in bytes of ``content``; none for a line that only surrounds others."""
    offset: int
    """Of ``content`` in the file."""


def line_of(content: bytes, offset: int) -> int:
    """The number of the line that holds a byte, from 1."""
    return content.count(b"\n", 0, offset) + 1


def place_of(content: bytes, spans: Iterable[Span]) -> dict[str, str]:
    """What a finding keeps of its places: ``line`` (the first), ``lines`` and ``spans``, which :func:`marked` reads."""
    kept = sorted(set(spans))[:SPANS]
    if not kept:
        return {}
    lines = sorted({line_of(content, begin) for begin, _ in kept})
    return {
        "line": str(lines[0]),
        "lines": ", ".join(map(str, lines)),
        "spans": " ".join(f"{begin}-{end}" for begin, end in kept),
    }


def evidence_of(content: bytes, span: Span) -> bytes:
    """The line that a place begins in, cut to what surrounds the place."""
    begin, end = span
    start = content.rfind(b"\n", max(0, begin - _EVIDENCE // 4), begin) + 1 or max(0, begin - _EVIDENCE // 4)
    stop = content.find(b"\n", end, start + _EVIDENCE)
    return content[start : stop if stop >= 0 else max(min(end, start + _EVIDENCE), start + _EVIDENCE)]


def spans_of(fields: Mapping[str, str]) -> list[Span]:
    """The places that a finding's ``fields`` name; what is no place is left out."""
    found = []
    for word in fields.get("spans", "").split()[:SPANS]:
        begin, _, end = word.partition("-")
        if begin.isdecimal() and end.isdecimal() and int(begin) <= int(end):
            found.append((int(begin), int(end)))
    return found


def marked(content: bytes, spans: Sequence[Span], around: int = 2) -> list[MarkedLine]:
    """The lines that places lie in, with what to highlight, and the lines around them.

    Args:
        content: the file's bytes.
        spans: places, in any order; those outside of the content are left out.
        around: lines shown before and after each.

    Returns:
        Lines in order, each once. A line longer than 4096 bytes is cut to what surrounds its first mark.
    """
    valid = sorted((b, min(e, len(content))) for b, e in spans if 0 <= b <= e and b < len(content))
    starts: dict[int, list[Span]] = {}
    wanted: set[int] = set()
    number, position = 1, 0
    for begin, end in valid:
        number += content.count(b"\n", position, begin)
        position = begin
        last = number + content.count(b"\n", begin, end)
        starts.setdefault(number, []).append((begin, end))
        for line in range(number + 1, min(last, number + 200) + 1):
            starts.setdefault(line, []).append((begin, end))
        wanted.update(range(max(1, number - around), min(last, number + 200) + around + 1))
    return [
        _cut(number, content, begin, end, starts.get(number, ())) for number, begin, end in _bounds(content, wanted)
    ]


def _bounds(content: bytes, wanted: set[int]) -> Iterable[tuple[int, int, int]]:
    """(number, first byte, end) of the lines wanted."""
    number, begin, last = 1, 0, max(wanted, default=0)
    while number <= last and begin < len(content):
        end = content.find(b"\n", begin)
        end = len(content) if end < 0 else end
        if number in wanted:
            yield number, begin, end
        number, begin = number + 1, end + 1


def _cut(number: int, content: bytes, begin: int, end: int, spans: Sequence[Span]) -> MarkedLine:
    inside = sorted({(max(b, begin), min(e, end)) for b, e in spans if b < end and e > begin})
    if end - begin > _LINE:
        middle = inside[0][0] if inside else begin
        begin = max(begin, middle - _LINE // 4)
        end = min(end, begin + _LINE)
    marks = tuple((max(b, begin) - begin, min(e, end) - begin) for b, e in inside if b < end and e > begin)
    return MarkedLine(number, content[begin:end], marks, begin)
