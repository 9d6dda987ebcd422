"""What a page says now that it did not say before, and the reverse, with the words in which a network reads it.

Units (``html.py``) are compared as a multiset: what only moved is no change. A tag whose digits alone differ from one
that went (a version, a nonce, a date) is *edited*, not added. Every unit becomes a few words; the network sees their
hashes. Names and places are put in relation to the page: a host is ``known`` when the page named it before.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from soc_tui.analysis.encoding.html import Unit, units

ADDED, EDITED, REMOVED = "added", "edited", "removed"

_HOST = re.compile(r"(?:https?:|[\"'(=\s])//([a-z0-9_.-]{1,100})", re.I)
_DIGITS = re.compile(r"\d+|\b[0-9a-f]{8,}\b", re.I)
_ATTRIBUTE = re.compile(r"([^\s=/>\"']{1,60})(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>\"']+))?")
_URL = re.compile(r"^\s*([a-z][a-z0-9+.-]*:)?(//([^/?#\s]*))?([^?#]*)([?#].*)?$", re.I | re.S)
_WORD = re.compile(r"[^\W\d_]+|\d+", re.S)
_STYLE = re.compile(r"([a-z-]{3,30})\s*:\s*([^;]{1,60})", re.I)
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0\d*)?(?:[;\s]|$)"
    r"|font-size\s*:\s*[01](?:px|pt|em)?\b"
    r"|(?:left|top|text-indent|margin-left|margin-top)\s*:\s*-\d{3,}|(?:width|height)\s*[:=]\s*[\"']?[01](?:px)?\b"
    r"|clip\s*:\s*rect\(0",
    re.I,
)
_LINKS = {
    "src", "href", "action", "formaction", "data", "content", "srcset", "poster", "background", "data-src", "srcdoc",
}  # fmt: skip
_ACTIVE = {"script", "iframe", "frame", "object", "embed", "applet", "base", "form", "meta", "link", "portal", "svg"}
_LEADING = {"script": 0, "code": 0, "tag": 1, "style": 2, "title": 2, "comment": 3, "text": 3}


class Piece(NamedTuple):
    """A unit that changed."""

    mark: str
    """``ADDED``, ``EDITED`` or ``REMOVED``."""
    unit: Unit


@dataclass(frozen=True)
class Difference:
    """Two versions of a page, compared."""

    pieces: tuple[Piece, ...]
    """What changed: what can act first, then texts; of each what came before what went."""
    facts: tuple[tuple[str, str], ...]
    """(name, value) of what is true of the change as a whole; the values are coarse."""
    known: frozenset[str]
    """Hosts that the page named before."""


def compare(before: str | None, after: str) -> Difference:
    """The difference between two versions of a page.

    Args:
        before: the protected version; None when there is none, and everything counts as added.
        after: the version to judge.
    """
    old, new = units(before or ""), units(after)
    left = Counter(_key(unit) for unit in old)
    added, removed = [], []
    for unit in new:
        key = _key(unit)
        if left[key]:
            left[key] -= 1
        else:
            added.append(unit)
    for unit in reversed(old):
        key = _key(unit)
        if left[key]:
            left[key] -= 1
            removed.append(unit)
    removed.reverse()
    alike = Counter(_mask(unit) for unit in removed)
    pieces = []
    for unit in added:
        mask = _mask(unit)
        edited = alike[mask] > 0
        alike[mask] -= edited
        pieces.append(Piece(EDITED if edited else ADDED, unit))
    known = frozenset(host.lower() for host in _HOST.findall(before or ""))
    pieces += [Piece(REMOVED, unit) for unit in removed]
    pieces.sort(key=lambda piece: (piece.mark == REMOVED, piece.mark == EDITED, _rank(piece.unit)))
    return Difference(tuple(pieces), tuple(_facts(before, old, new, added, removed, known)), known)


def _key(unit: Unit) -> tuple[str, str, str]:
    return unit.kind, unit.name, unit.text


def _mask(unit: Unit) -> tuple[str, str, str]:
    return unit.kind, unit.name, _DIGITS.sub("0", unit.text)


def _rank(unit: Unit) -> int:
    if unit.kind == "tag":
        return 0 if unit.name in _ACTIVE or _HIDING.search(unit.text) else 3
    return _LEADING[unit.kind]


def _facts(
    before: str | None, old: Sequence[Unit], new: Sequence[Unit], added: Sequence[Unit], removed: Sequence[Unit],
    known: frozenset[str],
) -> Iterator[tuple[str, str]]:  # fmt: skip
    yield "an earlier version is known", "no" if before is None else "yes"
    kept = len(old) - len(removed)
    yield "share of the earlier version that stays", f"{10 * kept // len(old)}0 %" if old else "none"
    yield "pieces added", _size(len(added))
    yield "pieces removed", _size(len(removed))
    yield "pieces of the page", _size(len(new))
    titles = [unit.text for unit in new if unit.kind == "title"], [unit.text for unit in old if unit.kind == "title"]
    yield "title", "the same" if titles[0] == titles[1] else "gone" if not titles[0] else "another"
    tags = [unit for unit in added if unit.kind == "tag"]
    hosts = {host.lower() for unit in added for host in _HOST.findall(f" {unit.text}")} - known
    yield "hosts never named before", _count(len(hosts))
    yield "scripts added", _count(sum(unit.name == "script" for unit in tags))
    yield "frames added", _count(sum(unit.name in {"iframe", "frame", "object", "embed"} for unit in tags))
    yield "links added", _size(sum(unit.name == "a" for unit in tags))
    yield "hidden tags added", _count(sum(bool(_HIDING.search(unit.text)) for unit in tags))
    yield "script of the added text", _writing(added)
    yield "script of the earlier text", _writing(old)


def _size(number: int) -> str:
    return "0" if not number else f"2^{min(int(math.log2(number)), 12)}"


def _count(number: int) -> str:
    return str(number) if number < 4 else "4 or more"


def _writing(pieces: Sequence[Unit]) -> str:
    """The writing system of most letters of the texts among the pieces: latin, cyrillic, cjk ..."""
    seen: Counter[str] = Counter()
    for unit in pieces:
        if unit.kind in {"text", "title"}:
            seen.update(_system(char) for char in unit.text[:200] if char.isalpha())
        if seen.total() > 2000:
            break
    return seen.most_common(1)[0][0] if seen else "none"


def _system(char: str) -> str:
    return "latin" if char.isascii() else unicodedata.name(char, "other").split(" ")[0].lower()


def words(piece: Piece, known: frozenset[str]) -> Iterator[str]:
    """A changed piece in words: a mark with its kind first, then what is in it; of a removed piece only the first few.

    Scripts and server code are not told here but lexed (``lexer.py``).
    """
    unit = piece.unit
    yield f"{piece.mark}:{unit.kind}:{unit.name}"
    if unit.kind == "tag":
        if _HIDING.search(unit.text):
            yield "hiding"
        for found in _ATTRIBUTE.finditer(unit.text[:4096]):
            yield from _attribute(found[1].lower(), (found[2] or "").strip("\"'")[:2048], unit.name, known)
    elif unit.kind == "style":
        if _HIDING.search(unit.text):
            yield "hiding"
        for name, value in _STYLE.findall(unit.text)[:8]:
            yield from _rule(name, value)
    else:
        yield f"length:{_size(len(unit.text))}"
        yield f"writing:{_writing([unit])}"
        yield from (_plain(word) for word in _WORD.findall(unit.text[:2000])[:48])


def _plain(word: str) -> str:
    if word.isdigit():
        return f"#{min(len(word), 6)}"
    return word.lower() if len(word) <= 24 else f"longword:{_size(len(word))}"


def _attribute(name: str, value: str, tag: str, known: frozenset[str]) -> Iterator[str]:
    yield f"@{name}"
    if name == "style":
        for rule, told in _STYLE.findall(value)[:10]:
            yield from _rule(rule, told)
    elif name.startswith("on"):
        yield from (f"on:{_plain(word)}" for word in _WORD.findall(value)[:24])
    elif name == "content" and tag == "meta" and not re.match(r"\s*\d+\s*;", value):
        yield from (_plain(word) for word in _WORD.findall(value)[:16])
    elif name in _LINKS:
        yield from _url(re.sub(r"^\s*\d+\s*;\s*url\s*=\s*", "", value, flags=re.I), known)
    elif name in {"width", "height"}:
        yield f"{name}:{_length(value)}"
    else:
        yield from (f"{name}:{_plain(word)}" for word in _WORD.findall(value)[:6])


def _rule(name: str, value: str) -> Iterator[str]:
    first = value.strip().split(" ")[0].lower()
    told = _length(first) if re.match(r"-?[.\d]", first) else first[:16]
    yield f"style:{name.lower()}:{told}"


def _length(value: str) -> str:
    found = re.match(r"\s*(-?)(\d{0,6}(?:\.\d{0,3})?)", value)
    number = float(found[2]) if found and found[2].strip(".") else 0.0
    size = "0" if number == 0 else "tiny" if number <= 2 else "small" if number < 100 else "large"
    return ("-" if found and found[1] else "") + size + ("%" if "%" in value else "")


def _url(value: str, known: frozenset[str]) -> Iterator[str]:
    found = _URL.match(value)
    if found is None:
        yield "url:odd"
        return
    scheme, host = (found[1] or "").lower(), (found[3] or "").lower().rpartition("@")[2]
    if scheme and scheme not in {"http:", "https:"}:
        yield f"url:{scheme}"
        if scheme == "javascript:":
            yield from (f"on:{_plain(word)}" for word in _WORD.findall(value)[1:24])
            return
        yield f"length:{_size(len(value))}"
        if scheme == "data:":
            yield value[5:40].split(",", maxsplit=1)[0].lower()
            return
    if not host:
        yield "url:own"
    else:
        yield "url:known" if host.partition(":")[0] in known else "url:new"
        if scheme == "http:":
            yield "url:http"
        if re.fullmatch(r"[\d.:x]+", host):
            yield "host:address"
        else:
            yield f"host:{'.'.join(host.rsplit('.', 2)[-2:])}"
            yield f"tld:{host.rpartition('.')[2]}"
        if ":" in host:
            yield "host:port"
    path = found[4][:200]
    last = path.rpartition("/")[2]
    yield f"end:{last.rpartition('.')[2].lower()[:6] if '.' in last else '-'}"
    yield from (f"path:{_plain(word)}" for word in _WORD.findall(path)[:6])
    if found[5]:
        yield "url:query"
