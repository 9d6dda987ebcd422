"""What hides in pages: frames nobody shall see, scripts from nowhere, links for search engines only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from soc_tui.detection.files.lines import Span
from soc_tui.detection.malicious_files.suspicion import Suspicion

TAG_BYTES = 4096
"""The longest tag that is read."""
LINKS = 5
"""Links to other sites in one invisible block that make it spam."""
_TAGS = 2000
"""Tags of a kind that are looked at in one file."""

_IFRAME = re.compile(rb"(?i)<iframe\b[^>]{0,4096}")
_SCRIPT = re.compile(rb"(?i)<script\b[^>]{0,4096}>")
_SOURCE = re.compile(rb"(?i)\bsrc\s{0,4}=\s{0,4}\\?([\"']?)\s{0,4}((?:https?:)?//[^\s\"'<>\\]{1,2000})")
_DATA = re.compile(rb"(?i)\bsrc\s{0,4}=\s{0,4}\\?[\"']?\s{0,4}data:[^\"',]{0,80}(?:script|ecma)[^\"',]{0,40},")
_SMALL = re.compile(rb"(?i)\b(?:width|height)\s{0,4}[=:]\s{0,4}\\?[\"']?\s{0,4}[01](?:px)?\s{0,2}(?:\\?[\"']|;|\s|/|$)")
_UNSEEN = re.compile(
    rb"(?i)display\s{0,4}:\s{0,4}none|visibility\s{0,4}:\s{0,4}hidden|opacity\s{0,4}:\s{0,4}0(?:\.0+)?\s{0,2}[;\"']"
    rb"|(?:left|top|text-indent|margin-left)\s{0,4}:\s{0,4}-\d{3,5}(?:px|em)?"
)
_HIDDEN_BLOCK = re.compile(
    rb"(?i)<(?:div|span|p|ul|font|marquee)\b[^>]{0,200}style\s{0,4}=\s{0,4}\\?[\"'][^\"'>]{0,200}(?:display\s{0,4}:\s{0,4}none"
    rb"|visibility\s{0,4}:\s{0,4}hidden|(?:left|top|text-indent)\s{0,4}:\s{0,4}-\d{3,5})[^>]{0,200}>"
)
_LINK = re.compile(rb"(?i)<a\b[^>]{0,200}href\s{0,4}=\s{0,4}\\?[\"']?(?:https?:)?//([^\"'/\s>\\]{4,100})")
_ADDRESS = re.compile(rb"(?i)(?:https?:)?//(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?:/|$)")
_LOCAL = re.compile(rb"(?i)(?:https?:)?//(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|localhost\b)")
_KNOWN_FRAMES = (b"//www.googletagmanager.com/ns.html",)
"""Frames that are hidden on purpose on millions of pages."""


def hidden(content: bytes) -> Iterator[Suspicion]:
    """Invisible frames and links, and scripts of doubtful origin, in the text of a page or of what makes one."""
    lower = content.lower()
    if b"<iframe" in lower:
        yield from _frames(content)
    if b"<script" in lower:
        yield from _scripts(content, lower)
    if b"<a" in lower and (b"none" in lower or b"hidden" in lower or b":-" in lower or b": -" in lower):
        yield from _links(content)


def _frames(content: bytes) -> Iterator[Suspicion]:
    spans, first = [], b""
    for _, match in zip(range(_TAGS), _IFRAME.finditer(content), strict=False):
        tag = match[0]
        source = _SOURCE.search(tag)
        if source is None or _LOCAL.match(source[2]) or any(one in source[2] for one in _KNOWN_FRAMES):
            continue
        if _UNSEEN.search(tag) or len(_SMALL.findall(tag)) > 1:
            spans.append(match.span())
            first = first or source[2]
    if spans:
        yield Suspicion("hidden-iframe", "Hidden iframe to another site", "high", 0.85, spans, ("T1189",), _text(first))


def _scripts(content: bytes, lower: bytes) -> Iterator[Suspicion]:
    after = lower.rfind(b"</html>")
    numbered: list[Span] = []
    encoded: list[Span] = []
    late: list[Span] = []
    where: dict[str, str] = {}
    for _, match in zip(range(_TAGS), _SCRIPT.finditer(content), strict=False):
        tag = match[0]
        source = _SOURCE.search(tag)
        if _DATA.search(tag):
            encoded.append(match.span())
        elif source is not None and not _LOCAL.match(source[2]):
            if _ADDRESS.match(source[2]):
                numbered.append(match.span())
                where.setdefault("numbered", _text(source[2]))
            elif 0 <= after < match.start():
                late.append(match.span())
                where.setdefault("late", _text(source[2]))
    if numbered:
        yield Suspicion(
            "script-from-address", "Hidden script: loaded from a bare address", "high", 0.8, numbered,
            ("T1189", "T1059.007"), where["numbered"],
        )  # fmt: skip
    if encoded:
        yield Suspicion(
            "script-in-data", "Hidden script: its code is encoded in its address", "medium", 0.7, encoded,
            ("T1059.007", "T1027"),
        )  # fmt: skip
    if late:
        yield Suspicion(
            "script-after-end", "Hidden script: added after the end of the page", "medium", 0.6, late,
            ("T1189", "T1059.007"), where["late"],
        )  # fmt: skip


def _links(content: bytes) -> Iterator[Suspicion]:
    spans, first = [], b""
    for _, match in zip(range(_TAGS), _HIDDEN_BLOCK.finditer(content), strict=False):
        block = content[match.end() : match.end() + TAG_BYTES]
        end = re.search(rb"(?i)</(?:div|span|p|ul|font|marquee)>", block)
        hosts = [link[1].lower() for link in _LINK.finditer(block[: end.start()] if end else block)]
        if len(set(hosts)) >= LINKS:
            spans.append((match.start(), match.end()))
            first = first or hosts[0]
    if spans:
        yield Suspicion(
            "hidden-links", "Hidden links to many other sites", "medium", 0.75, spans, ("T1608.006",), _text(first)
        )


def _text(address: bytes) -> str:
    return address[:300].decode("utf-8", "backslashreplace")
