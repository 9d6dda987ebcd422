"""A page cut into units: tags, texts, comments, and the lines of scripts, styles and server code.

This is no parser. Tampering is often no valid HTML either; what matters is that the same page always gives the same
units, that a change of one place changes few of them, and that a hostile page is read in linear time: an end that was
looked for once and is not there is not looked for again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

CHARACTERS = 600_000
"""Of a longer page the first so many characters are read, and the last ``TAIL_CHARACTERS``."""
TAIL_CHARACTERS = 100_000
MOST_UNITS = 60_000
"""Of a page with more pieces the first so many are read."""
_LINE = 300
"""A script line longer than this is cut at its semicolons, and what is still longer by force."""

_TAG = re.compile(r"[^>\"']*+(?:(?:\"[^\"]*+\"|'[^']*+')[^>\"']*+)*+>")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:-]{0,30}")
_RAW = {name: re.compile(f"</{name}", re.I) for name in ("script", "style", "textarea", "title", "noscript")}
_SPACE = re.compile(r"\s+")
_CUT = re.compile(rf"[^;{{}}]{{0,{_LINE}}}[;{{}}]?")


class Unit(NamedTuple):
    """One piece of a page."""

    kind: str
    """tag, text, comment, script, style, title or code (of the server: PHP, ASP, JSP)."""
    name: str
    """The tag's name, lower case; of other kinds empty."""
    text: str
    """As it stands in the page, white space folded; of a tag all between its brackets."""
    start: int
    """Its first character in the page."""


def units(page: str) -> list[Unit]:
    """The units of a page in order; closing tags are none."""
    if len(page) <= CHARACTERS + TAIL_CHARACTERS:
        return list(islice(_units(page, 0), MOST_UNITS))
    begin = len(page) - TAIL_CHARACTERS
    tail = islice(_units(page[begin:], begin), MOST_UNITS // 4)
    return [*islice(_units(page[:CHARACTERS], 0), MOST_UNITS), *tail]


def _units(page: str, shift: int) -> Iterator[Unit]:
    position, size = 0, len(page)
    broken, missing = False, set[str]()
    while position < size:
        opening = page.find("<", position)
        opening = size if opening < 0 else opening
        if opening > position:
            yield from _text(page[position:opening], shift + position)
        if opening == size:
            return
        position = opening + 1
        two = page[opening : opening + 2]
        if page.startswith("<!--", opening):
            end = _find(page, "-->", opening + 4, missing)
            if end < 0:
                continue  # the rest is read as what it would be without this comment
            yield Unit("comment", "", _SPACE.sub(" ", page[opening + 4 : end])[:2000], shift + opening)
            position = end + 3
        elif two in {"<?", "<%"}:
            end = _find(page, two[1] + ">", opening + 2, missing)
            end = size if end < 0 else end
            yield from _lines("code", page[opening + 2 : end], shift + opening + 2)
            position = end + 2
        elif (named := _NAME.match(page, position)) is not None:
            whole = None if broken else _TAG.match(page, named.end())
            broken = whole is None
            # a quote without its end: this and all later tags end at their first bracket
            end = (_find(page, ">", named.end(), missing) + 1 or size) if whole is None else whole.end()
            name = named.group().lower()
            inside = page[named.end() : end - 1 if page[end - 1] == ">" else end]
            yield Unit("tag", name, _SPACE.sub(" ", inside[:8192]).strip(), shift + opening)
            position = end
            if name in _RAW and not inside.endswith("/"):
                closing = None if name in missing else _RAW[name].search(page, position)
                if closing is None:
                    missing.add(name)
                    continue
                content = page[position : closing.start()]
                yield from _content(name, content, shift + position)
                position = closing.start()
        elif two in {"</", "<!"}:
            end = _find(page, ">", position, missing)
            position = size if end < 0 else end + 1
        else:
            yield from _text("<", shift + opening)


def _find(page: str, what: str, position: int, missing: set[str]) -> int:
    if what in missing:
        return -1
    found = page.find(what, position)
    if found < 0:
        missing.add(what)
    return found


def _content(name: str, content: str, start: int) -> Iterator[Unit]:
    if name in {"script", "style"}:
        yield from _lines(name, content, start)
    elif name == "title":
        yield Unit("title", "", _SPACE.sub(" ", content).strip()[:500], start)
    else:
        yield from _text(content, start)


def _text(content: str, start: int) -> Iterator[Unit]:
    folded = _SPACE.sub(" ", content).strip()
    if folded:
        yield Unit("text", "", folded, start)


def _lines(kind: str, content: str, start: int) -> Iterator[Unit]:
    for line in content.splitlines(keepends=True):
        for part in [line] if len(line) <= _LINE else _CUT.findall(line):
            folded = _SPACE.sub(" ", part).strip()
            if len(folded) > 1:
                yield Unit(kind, "", folded, start)
            start += len(part)
