"""Measures of obfuscation: what source text looks like that shall not be read.

Code is made for people, so its lines are short, its strings are words and its names mean something. Obfuscators leave
measurable marks: one huge encoded string, thousands of escapes, names of underscores and hex digits, words cut into
pieces. Minifiers leave some of these marks too, so no measure counts alone: a file is told of only when the hidden
part is large and something in the same file runs it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from soc_tui.detection.files.lines import Span

SERVER = frozenset({
    ".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".phtml", ".phar", ".inc", ".jsp", ".jspx", ".asp", ".aspx", ".ashx",
    ".asmx", ".pl", ".cgi",
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
NAMES = 60
"""Names such as ``_0x3fa2`` or ``O0OO00``."""
_LONG = 512
"""Without a line of this length there is no long piece."""

_BLOB = re.compile(rb"[A-Za-z0-9+/=_\-%\\]{400,}+")
_ESCAPE = re.compile(
    rb"(?:(?:\\x|\\u00|%|&#x)(?:[46][1-9a-fA-F]|[57][0-9aA]);?|\\1[0-7]{2}|&#(?:6[5-9]|[79][0-9]|8[0-9]|1[01][0-9]|12[0-2]);){4,}"
)
"""Escapes of plain letters, one after another: other characters may need theirs."""
_CHR = re.compile(rb"(?i)\b(?:chr|fromcharcode)\s?\(\s?(?:0x)?[0-9a-f]{1,4}\s?\)")
_NAME = re.compile(rb"\b(?:_0x[0-9a-f]{3,6}|(?=[O0_]{5,})[O_][O0_]{4,30}|(?=[lI1]{6,})[lI][lI1]{5,30})\b")
_PIECES = re.compile(rb"(?:[\"'][^\"'\n]{1,3}[\"']\s?[.+]\s?){8,}")
_RUN = {
    "server": re.compile(
        rb"(?i)(?:[^>:\w]|^)(?:eval|assert|create_function|preg_replace|call_user_func|system|exec|shell_exec|execute"
        rb"(?:global)?|gzinflate|gzuncompress|base64_decode|str_rot13|defineclass)\s?\(|\$\w{1,30}\s?\(\s?[$\"']|\$\$\w"
    ),
    "browser": re.compile(
        rb"\b(?:eval|unescape|atob|execScript)\s?\(|new Function\s?\(|Function\s?\(\s?[\"']|document\.write|fromCharCode"
        rb"|\[\s?[\"'](?:push|shift|constructor)[\"']\s?\]|createElement\s?\(\s?[\"']script"
    ),
}


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


def measures(content: bytes, side: str) -> list[Measure]:
    """The marks of obfuscation in a source file that also runs what it hides, the strongest first; else nothing."""
    found = list(_measured(content))
    if not found or not _RUN[side].search(content):
        return []
    return sorted(found, key=lambda one: -one.value)


def _measured(content: bytes) -> Iterator[Measure]:
    if _longest(content) >= _LONG:
        blobs = [m.span() for m in _BLOB.finditer(content) if entropy(m[0][:4096]) >= ENTROPY]
        if blobs:
            blobs.sort(key=lambda span: span[0] - span[1])
            yield Measure("encoded-block", blobs[0][1] - blobs[0][0], blobs[:8])
    if content.count(b"\\x") + content.count(b"\\u00") + content.count(b"%") + content.count(b"&#") >= ESCAPES:
        runs = [match.span() for match in _ESCAPE.finditer(content)]
        letters = sum(end - begin for begin, end in runs) // 4
        if letters >= ESCAPES:
            yield Measure("escapes", letters, runs[:8])
    lower = content.count(b"chr(") + content.count(b"Chr(") + content.count(b"fromCharCode(")
    if lower >= 20:  # noqa: PLR2004
        yield from _many("character-codes", _CHR, content, 20)
    if content.count(b"_0x") >= NAMES or b"O0" in content or b"lI" in content:
        yield from _many("meaningless-names", _NAME, content, NAMES)
    if content.count(b"'.'") + content.count(b"'+'") + content.count(b'"+"') + content.count(b'"."') > 16:  # noqa: PLR2004
        yield from _many("cut-words", _PIECES, content, 3)


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
