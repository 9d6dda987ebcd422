"""The door to a network: files that are worth its time wait here, go to it in batches, and come back as verdicts.

Detection lies below analysis, so whoever wires them (the engine) hands in what judges; nothing here knows networks.
A network reads a megabyte in the time in which rules read a hundred, so it gets only what a rule of the tag ``gate``
found worth reading, and of a large file the surroundings of what the rule found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from soc_tui.core.errors import SocTuiError
from soc_tui.detection.files.lines import Span, line_of
from soc_tui.detection.files.walking import File, Note

Judge = Callable[[Sequence[tuple[str, bytes]]], Sequence[tuple[float, str, str]]]
"""(name, source) of each -> score in [0, 1], label (``benign`` below the network's threshold), explanation: a JSON
list of ``{field, value, weight}`` whose fields ``line N`` and ``lines A-B`` name its lines."""

WHOLE = 4 * 1024
"""Files up to this size go to the network whole."""
AROUND = 512
"""Bytes before and after a hit that go with it: a few bad lines among 2048 innocent tokens are outvoted."""
EXCERPTS = 4
"""Parts of one file at most, those at its ends first: the network's time is an attacker's to waste."""
PART_SCORE = 0.95
"""From which score on a part of a file is bad: it is read without what surrounds it."""
BATCH = 64
BATCH_BYTES = 256 * 1024
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LINES = re.compile(r"lines? (\d{1,9})(?:-(\d{1,9}))?\Z")


class Judged(NamedTuple):
    """A verdict that is not benign."""

    score: float
    label: str
    spans: list[Span]
    """Places in the file that weighed most, the heaviest first."""
    lines: list[int]
    """Their first lines."""
    evidence: bytes
    reasons: str
    """In words: where and what, the heaviest first."""


@dataclass
class _Waiting:
    """One content that waits, at every place where it was found."""

    places: list[File]
    parts: list[tuple[int, int, bytes]] = field(default_factory=list)
    """First byte and line in the file, and the bytes."""
    cut: bool = False
    """True for parts of a larger file."""


class Queue:
    """Contents on their way to the network.

    Args:
        judge: the network; None: nothing is ever taken.
        note: takes why the network could not judge, once.
    """

    def __init__(self, judge: Judge | None) -> None:
        self._judge = judge
        self._waiting: dict[tuple[bytes, str], _Waiting] = {}
        self._bytes = 0

    def add(self, file: File, hits: Sequence[Span]) -> None:
        """Let a file wait; ``hits`` are the places that make it worth reading."""
        if self._judge is None or (b"\0" in file.content[:4096] and file.content[:2] not in _UTF16):
            return
        one = self._waiting[file.key] = _Waiting([file])
        for begin, end in excerpts(file.content, hits):
            part = file.content[begin:end]
            one.parts.append((begin, line_of(file.content, begin), part))
            self._bytes += len(part)
        one.places[0] = file.bare()
        one.cut = len(file.content) > WHOLE

    def again(self, file: File) -> None:
        """The same content at another place."""
        one = self._waiting.get(file.key)
        if one is not None:
            one.places.append(file.bare())

    @property
    def full(self) -> bool:
        """True when a batch is worth its call."""
        return len(self._waiting) >= BATCH or self._bytes >= BATCH_BYTES

    def judged(self, note: Note) -> Iterator[tuple[list[File], Judged]]:
        """Ask the network about all that waits: the places and the verdict of each content that is not benign."""
        waiting, self._waiting, self._bytes = self._waiting, {}, 0
        if self._judge is None or not waiting:
            return
        asked = [(one.places[0].shown, part) for one in waiting.values() for _, _, part in one.parts]
        try:
            verdicts = iter(self._judge(asked))
            for one in waiting.values():
                best = max(zip(_next(verdicts, len(one.parts)), one.parts, strict=True), key=lambda pair: pair[0][0])
                (score, label, explanation), (begin, line, part) = best
                if label != "benign" and (not one.cut or score >= PART_SCORE):
                    yield one.places, _verdict(score, label, explanation, begin, line, part)
        except SocTuiError as error:
            note(f"the network that judges source files cannot work: {error}")
            self._judge = None


def _next(verdicts: Iterator[tuple[float, str, str]], count: int) -> list[tuple[float, str, str]]:
    """The next verdicts of a stream."""
    return [next(verdicts) for _ in range(count)]


def excerpts(content: bytes, hits: Sequence[Span]) -> list[Span]:
    """The parts of a file that the network reads: all of a small one, else whole lines around the hits."""
    if len(content) <= WHOLE:
        return [(0, len(content))]
    parts: list[Span] = []
    for begin, end in sorted(hits):
        start = max(0, begin - AROUND)
        start = content.find(b"\n", start, begin) + 1 or start if start else 0
        stop = min(len(content), min(end, begin + AROUND) + AROUND)
        if parts and start <= parts[-1][1] and stop - parts[-1][0] <= WHOLE:
            parts[-1] = parts[-1][0], max(stop, parts[-1][1])
        else:
            parts.append((start, stop))
    if len(parts) > EXCERPTS:  # what is added to a file is mostly added at its beginning or its end
        parts = parts[: EXCERPTS // 2] + parts[-(EXCERPTS - EXCERPTS // 2) :]
    return parts or [(0, WHOLE)]


def _verdict(score: float, label: str, explanation: str, begin: int, line: int, part: bytes) -> Judged:
    """The network's reasons, which speak of lines of the part, as places of the file."""
    spans: list[Span] = []
    lines: list[int] = []
    told: list[str] = []
    for one in json.loads(explanation):
        named = _LINES.match(str(one.get("field", "")))
        if named is None or float(one.get("weight", 0)) <= 0:
            continue
        first = int(named[1])
        at = _line_start(part, first)
        shown = str(one.get("value", "")).encode("utf-8", "surrogatepass")
        found = part.find(shown, at) if shown else -1
        start, length = (found, len(shown)) if found >= 0 else (at, max(0, part.find(b"\n", at) - at))
        spans.append((begin + start, begin + start + length))
        lines.append(line + first - 1)
        told.append(f"line {line + first - 1} ({float(one['weight']):.2f})")
    evidence = part[spans[0][0] - begin : spans[0][1] - begin] if spans else part[:200]
    return Judged(score, label, spans, lines, evidence, ", ".join(told))


def _line_start(part: bytes, number: int) -> int:
    at = 0
    for _ in range(number - 1):
        after = part.find(b"\n", at)
        if after < 0:
            return at
        at = after + 1
    return at
