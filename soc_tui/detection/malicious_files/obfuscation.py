"""Measures of obfuscation: what source text looks like that shall not be read.

Code is made for people, so its lines are short, its strings are words and its names mean something. Obfuscators leave
measurable marks: one huge encoded string, thousands of escapes, names of underscores and hex digits, words cut into
pieces. Minifiers leave some of these marks too, so a file is told of only when the hidden part is large and something
in the same file runs or decodes (a rule of the tag ``gate`` says that).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from soc_tui.detection.files.lines import Span

SERVER = frozenset({
    ".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".phtml", ".phar", ".inc", ".jsp", ".jspx", ".asp", ".aspx",
    ".ashx", ".asmx", ".pl", ".cgi",
})  # fmt: skip
"""Ends of names of source that a web server runs."""
BROWSER = frozenset({".js", ".mjs", ".html", ".htm", ".xhtml", ".shtml", ".svg"})
"""Ends of names of source that a browser runs."""
ENCODED = 400
"""Characters in one piece from which a string counts as hidden content."""
ENTROPY = 4.5
"""Bits per character of base64 of compressed or encrypted text are near 6, of English words 4.2."""
ESCAPES = 100
"""Numeric escapes of letters that nobody writes by hand."""
CODES = 20
"""Characters given by their number, one by one."""
NAMES = 60
"""Names such as ``_0x3fa2`` or ``O0OO00``."""
_LONG = 512
"""Without a line of this length there is no long piece."""

_ENCODED = bytes(
    ord("a") if chr(c).isascii() and (chr(c).isalnum() or chr(c) in "+/=_-%\\") else ord(" ") for c in range(256)
)
"""Turns what encodings are written with into one letter, so that finding long pieces is a search for a string."""
_LETTER = rb"(?:[46][1-9a-fA-F]|5[0-9aAfF]|7[0-9aA])"
_ESCAPES = {  # escapes of plain letters, four or more together: other characters may need theirs
    b"\\x": re.compile(rb"\\x%b(?:\\x%b){3,}+" % (_LETTER, _LETTER)),
    b"\\u00": re.compile(rb"\\u00%b(?:\\u00%b){3,}+" % (_LETTER, _LETTER)),
    b"\\1": re.compile(rb"\\1[0-7]{2}(?:\\1[0-7]{2}){3,}+"),
    b"%6": re.compile(rb"%%%b(?:%%%b){3,}+" % (_LETTER, _LETTER)),
    b"&#": re.compile(rb"&#x?[0-9a-fA-F]{2,3};(?:&#x?[0-9a-fA-F]{2,3};){3,}+"),
}
_CHR = re.compile(rb"(?:[cC]hr|fromCharCode)\s?\(\s?(?:0x)?[0-9a-f]{1,4}\s?\)")
_HEX_NAME = re.compile(rb"_0x[0-9a-f]{3,6}\b")
_ALIKE = re.compile(rb"\b(?:[O0]{6,30}|[lI1]{7,30})\b")
_PIECES = re.compile(rb"[\"'][^\"'\n]{1,3}[\"']\s?[.+]\s?(?:[\"'][^\"'\n]{1,3}[\"']\s?[.+]\s?){7,}+")


@dataclass(frozen=True)
class Measure:
    """One mark of obfuscation in a file."""

    name: str
    """``encoded-block``, ``escapes``, ``character-codes``, ``meaningless-names`` or ``cut-words``."""
    value: float
    """How much of it: characters, or occurrences."""
    spans: list[Span]
    """Where, the largest or first ones."""


def side_of(suffix: str, content: bytes) -> str:
    """``server`` or ``browser``: where source of this kind runs; empty for what is no such source."""
    if suffix in SERVER:
        return "server"
    if suffix in BROWSER:
        return "browser"
    head = content[:256]
    return "server" if b"<?php" in head or head.lstrip().startswith((b"<%", b"<?=")) else ""


def measures(content: bytes) -> list[Measure]:
    """The marks of obfuscation in a source file, the strongest first. Ask only for files that run something."""
    return sorted(_measured(content), key=lambda one: -one.value)


def _measured(content: bytes) -> Iterator[Measure]:
    blobs = sorted(_blobs(content), key=lambda span: span[0] - span[1])
    if blobs:
        yield Measure("encoded-block", blobs[0][1] - blobs[0][0], blobs[:8])
    runs = [
        match.span()
        for begin, pattern in _ESCAPES.items()
        if content.count(begin) * 4 >= ESCAPES
        for match in pattern.finditer(content)
    ]
    letters = sum(end - begin for begin, end in runs) // 4
    if letters >= ESCAPES:
        yield Measure("escapes", letters, runs[:8])
    if content.count(b"hr(") + content.count(b"fromCharCode(") >= CODES:
        yield from _many("character-codes", _CHR, content, CODES)
    if content.count(b"_0x") >= NAMES:
        yield from _many("meaningless-names", _HEX_NAME, content, NAMES)
    elif content.count(b"O0O") + content.count(b"lIl") + content.count(b"IlI") >= NAMES:
        yield from _many("meaningless-names", _ALIKE, content, NAMES)
    if b"'.'" in content or b"'+'" in content or b'"+"' in content or b'"."' in content or b"' . '" in content:
        yield from _many("cut-words", _PIECES, content, 3)


def _blobs(content: bytes) -> Iterator[Span]:
    """Long pieces without a space whose letters are as mixed as those of encoded data."""
    if _longest(content) < _LONG:
        return
    flat, wanted, at = content.translate(_ENCODED), b"a" * ENCODED, 0
    while (begin := flat.find(wanted, at)) >= 0:
        at = flat.find(b" ", begin)
        at = len(flat) if at < 0 else at
        if entropy(content[begin : min(at, begin + 4096)]) >= ENTROPY:
            yield begin, at


def _many(name: str, pattern: re.Pattern[bytes], content: bytes, least: int) -> Iterator[Measure]:
    places = [match.span() for match in pattern.finditer(content)]
    if len(places) >= least:
        yield Measure(name, len(places), places[:8])


def _longest(content: bytes) -> int:
    """The length of the longest line, or at least :data:`_LONG` when there is one so long."""
    if len(content) < _LONG:
        return len(content)
    begin = 0
    while begin < len(content):  # from each line that starts before the window ends, to the last line feed in it
        end = content.rfind(b"\n", begin, begin + _LONG)
        if end < 0:
            return _LONG if len(content) - begin >= _LONG else len(content) - begin
        begin = end + 1
    return 0


def entropy(text: bytes) -> float:
    """Shannon entropy in bits per byte."""
    counts = [text.count(value) for value in set(text)]
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
