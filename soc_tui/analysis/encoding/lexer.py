r"""Source text of PHP, JSP, ASP or JavaScript (alone or in HTML) as hashed lexical tokens.

One lexer reads all of them, since a file may hold several languages and a webshell hides which. Comments become one
token, numbers one, strings over 32 characters their length and entropy, identifiers are lower-cased; then every token
is crc32 mod 65536. The result is the same as that of the pattern with which the published token sequences were made: a
test keeps that pattern and compares.

The text is an attacker's, so the reading is linear. A pattern for "comment" or "string" that fails runs to the end of
the text first and does so again at the next opening: one megabyte of ``/*`` or ``"a\`` took half a minute that way.
Here an opening whose end was not found is remembered and not looked for again.
"""

from __future__ import annotations

import collections
import math
import re
import zlib
from array import array
from dataclasses import dataclass

CHARACTERS = 400_000
"""Of a longer text the first so many characters are read, and the last ``TAIL_CHARACTERS``."""
TAIL_CHARACTERS = 100_000

_PIECE = re.compile(
    r"(?P<c>//[^\n]*)|(?P<open>/\*|<!--|[\"'`])|(?P<i>\$?[A-Za-z_\x80-\uffff][A-Za-z0-9_\x80-\uffff]*)"
    r"|(?P<n>0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?)"
    r"|(?P<o><\?php|<\?=|<\?|\?>|<%@|<%!|<%=|<%|%>|->|=>|::|\+\+|--|&&|\|\||[=!<>]=+|<<|>>|[^\s])",
    re.S,
)
_REST = {  # what follows an opening quote; possessive, so a missing end costs one pass
    quote: re.compile(rf"(?:[^{quote}\\]++|\\.)*+{quote}", re.S) for quote in "\"'`"
}
_ENDS = {"/*": "*/", "<!--": "-->"}


@dataclass(frozen=True)
class Tokens:
    """The tokens of one text."""

    ids: array[int]
    """crc32 mod 65536 of each token, unsigned 16 bit."""
    start: array[int]
    """Where each begins in the text."""
    end: array[int]
    """Where each ends."""


def decode(content: bytes) -> str:
    """A file's bytes as text: UTF-16 where a byte order mark says so, else UTF-8, what is neither replaced."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8", "replace")


def lex(text: str) -> Tokens:
    """The tokens of a text in order; of one over ``CHARACTERS`` those of its head, then those of its tail."""
    tokens = Tokens(array("H"), array("q"), array("q"))
    _read(text[:CHARACTERS], 0, tokens)
    if len(text) > CHARACTERS:
        begin = max(CHARACTERS, len(text) - TAIL_CHARACTERS)
        _read(text[begin:], begin, tokens)
    return tokens


def _read(text: str, shift: int, tokens: Tokens) -> None:
    known: dict[str, int] = {}
    unending: set[str] = set()
    position, search = 0, _PIECE.search
    while (match := search(text, position)) is not None:
        kind, begin, position = match.lastgroup, match.start(), match.end()
        if kind == "open":
            opening = match.group()
            end = -1 if opening in unending else _end(text, opening, position)
            if end < 0:
                unending.add(opening)
                position = begin + 1
                name = text[begin]
            else:
                position = end
                name = "<cmt>" if opening in _ENDS else _string(text[begin + 1 : end - 1])
        elif kind == "i":
            name = match.group().lower() if position - begin <= 40 else "<longid>"
        else:
            name = "<cmt>" if kind == "c" else "<num>" if kind == "n" else match.group()
        number = known.get(name)
        if number is None:
            number = known[name] = zlib.crc32(name.encode("utf-8", "surrogatepass")) % 65536
        tokens.ids.append(number)
        tokens.start.append(shift + begin)
        tokens.end.append(shift + position)


def _end(text: str, opening: str, position: int) -> int:
    """Where the comment or string ends that opened just before ``position``; -1 when it never does."""
    closing = _ENDS.get(opening)
    if closing is not None:
        found = text.find(closing, position)
        return found if found < 0 else found + len(closing)
    match = _REST[opening].match(text, position)
    return -1 if match is None else match.end()


def _string(body: str) -> str:
    if len(body) <= 32:
        return f'"{body.lower()}"'
    return f"<str:{min(20, int(math.log2(len(body))))}:{int(_entropy(body[:4096]))}>"


def _entropy(text: str) -> float:
    """Shannon entropy in bits per character; the order of summation is that of the published sequences."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in collections.Counter(text).values())
