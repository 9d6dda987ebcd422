"""Pairs of page versions: real and made pages, what their owners change in them, and what intruders do.

Nobody publishes tampered pages together with what they were before, so the pairs are made: a benign page, a few benign
changes, and for the tampered ones something of ``tampering.txt`` put in as intruders do (into the head, behind the last
tag, into a script that is there, before everything, instead of everything). The pages are made by ``pages.txt`` or come
from the documentation of open source projects (``real_pages.jsonl.gz``, whose lines name source and licence).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from soc_tui.analysis.corpora.grammar import Grammar, expand, read_grammar

CLASSES = ("benign", "script", "frame", "hidden-links", "defacement", "redirect")
_BY_PREFIX = {"script": 1, "frame": 2, "links": 3, "deface": 4, "defacement": 4, "redirect": 5}

TRAINING = (
    "script_external", "script_eval", "script_skimmer", "script_server", "frame_small", "frame_hidden", "frame_away",
    "links_none", "links_zero", "links_block", "deface_classic", "deface_terminal", "deface_part", "redirect_meta",
    "redirect_script", "redirect_form",
)  # fmt: skip
"""Families that train and validate, on other pages each."""
UNSEEN = ("unseen_script", "unseen_frame", "unseen_links", "unseen_defacement", "unseen_redirect")
"""Families that serve only the test."""


def class_of(family: str) -> int:
    """The place in ``CLASSES`` of a family of ``tampering.txt``."""
    return _BY_PREFIX[family.removeprefix("unseen_").partition("_")[0]]


class Pair(NamedTuple):
    """Two versions of a page."""

    before: str | None
    after: str
    family: str
    """What was put in; empty for a benign change."""


@dataclass(frozen=True)
class Kitchen:
    """What one part of the data (training, validation, test) makes its pairs of; parts share what they must."""

    layouts: tuple[str, ...]
    languages: tuple[str, ...]
    sources: tuple[str, ...]
    """Of real pages."""
    families: tuple[str, ...]


KITCHENS = {
    "train": Kitchen(
        ("layout_a", "layout_b", "layout_c", "layout_d", "layout_g"), ("en", "de", "fr", "ru"),
        ("nodejs", "rust", "appengine"), TRAINING,
    ),
    "validation": Kitchen(("layout_e", "layout_f"), ("en", "es"), ("libffi",), TRAINING),
    "test": Kitchen(("layout_h", "layout_f", "layout_e"), ("it", "ja", "en"), ("libxslt", "expat"), TRAINING),
    "unseen": Kitchen(("layout_h", "layout_f", "layout_e"), ("it", "ja", "en"), ("libxslt", "expat"), UNSEEN),
}  # fmt: skip


@cache
def real_pages() -> dict[str, list[str]]:
    """Source -> pages of the documentation of open source projects."""
    found: dict[str, list[str]] = {}
    with gzip.open(Path(__file__).with_name("real_pages.jsonl.gz"), "rt", encoding="utf-8") as file:
        for line in file:
            one = json.loads(line)
            found.setdefault(one["source"], []).append(one["html"])
    return found


@cache
def _grammar(language: str) -> Grammar:
    sections = read_grammar("pages.txt")
    words = " ".join(sections[f"words_{language}"]).split(" ")
    return {**sections, "word": words}


@cache
def _attacks() -> Grammar:
    return read_grammar("tampering.txt")


class Site:
    """A website: its name, host, language and the shape of its pages stay the same from version to version."""

    def __init__(self, kitchen: Kitchen, rng: np.random.Generator) -> None:
        self._rng, self._kitchen = rng, kitchen
        self.language = _one(kitchen.languages, rng)
        self.layout = _one(kitchen.layouts, rng)
        host = expand({"h": ["www.«w»«w».com", "«w»-«w».org", "«w»«w».de", "«w»«n».net", "shop.«w»«w».eu"]}, "h", rng)
        self._names = {"{own}": host, "{brand}": host.split(".")[-2].title(), "{lang}": self.language}
        real = [page for source in kitchen.sources for page in real_pages().get(source, [])]
        self.page = _one(real, rng) if rng.random() < 0.25 and real else self.write(self.layout)

    def write(self, section: str) -> str:
        """Something new of this site in its own words."""
        return self._named(expand(_grammar(self.language), section, self._rng))

    def spoil(self, section: str) -> str:
        """Something of an intruder's."""
        return self._named(expand(_attacks(), section, self._rng))

    def _named(self, text: str) -> str:
        for name, value in self._names.items():
            text = text.replace(name, value)
        return text

    def benign(self, page: str, changes: int) -> str:
        """The page after some of its owner's changes."""
        for _ in range(changes):
            page = self._change(page)
        return page

    def _change(self, page: str) -> str:
        how = self._rng.random()
        return next(change for most, change in _CHANGES if how < most)(self, page)

    def _block(self, page: str) -> str:
        return _put(page, self.write("edit"), _gap(page, self._rng))

    def _in_head(self, page: str) -> str:
        return _put(page, self.write("edit_head"), _head(page, self._rng))

    def _words(self, page: str) -> str:
        said = lambda _: f">{self.write('sentence')}<"  # noqa: E731 - drawn anew for each place
        return _swap(page, r">[^<>]{12,400}<", said, self._rng, int(self._rng.integers(1, 5)))

    def _release(self, page: str) -> str:
        """Every version number moves."""
        renewed = lambda m: m[1] + _other(m[2], self._rng)  # noqa: E731
        return re.sub(r"((?:\?|\?v=|ver=|\.))([0-9a-f]{2,})(?=[\"'.])", renewed, page)

    def _removal(self, page: str) -> str:
        whole = r"<(p|li|div|section|article|script|iframe)\b[^<>]*>[^<>]*</\1>"
        return _swap(page, whole, lambda _: "", self._rng, 1)

    def _year(self, page: str) -> str:
        return _swap(page, r"20\d\d", lambda m: str(int(m[0]) + 1), self._rng, 3)

    def _moved(self, page: str) -> str:
        """Links and pictures go elsewhere."""
        return _swap(page, r"(href|src)=\"/[^\"]+\"", lambda m: f'{m[1]}="/{self.write("slug")}"', self._rng, 4)

    def _minified(self, page: str) -> str:
        return re.sub(r">\s+<", "><", page)

    def _maintained(self, page: str) -> str:
        del page
        return self.write("maintenance")

    def _redesigned(self, page: str) -> str:
        del page
        return self.write(_one(self._kitchen.layouts, self._rng))

    def _translated(self, page: str) -> str:
        self.language = _one(self._kitchen.languages, self._rng)
        return re.sub(r">[^<>]{8,}<", lambda _: f">{self.write('sentence')}<", page)

    def _restyled(self, page: str) -> str:
        return page.replace('class="', f'class="{self.write("slug")} ')

    def tampered(self, page: str, family: str) -> str:
        """The page after an intruder's visit."""
        rng, what = self._rng, self.spoil(family)
        if family == "redirect_form":
            return self._misdirected(page, what)
        if family.startswith(("deface_classic", "deface_terminal", "unseen_defacement")):
            how = rng.random()
            body = re.sub(r"(?is)(<body[^>]*>).*", lambda m: m[1] + what, page)
            return what if how < 0.8 else what + page if how < 0.9 else body
        if what.startswith(";"):  # a line of code goes into a script that is there
            place = page.find("</script>")
            return _put(page, what, place) if place >= 0 else page + f"<script>{what}</script>"
        how = rng.random()
        end = max(page.lower().rfind("</body"), 0) or len(page)
        if how < 0.55:
            place = _head(page, rng) if how < 0.25 else end if how < 0.45 else len(page.rstrip("\n"))
        else:
            place = 0 if how < 0.62 else _gap(page, rng)
        return _put(page, what, place)

    def _misdirected(self, page: str, where: str) -> str:
        sent = lambda m: m[0][: m.start(1) - m.start()] + where  # noqa: E731
        spoilt = _swap(page, r"<form\b[^<>]*?action=\"?([^\" >]+)", sent, self._rng, 1)
        form = f'<form action="{where}"><input name="card"></form>'
        return spoilt if spoilt != page else _put(page, form, _gap(page, self._rng))


_CHANGES: tuple[tuple[float, Callable[[Site, str], str]], ...] = (
    (0.28, Site._block), (0.46, Site._in_head), (0.56, Site._words), (0.66, Site._release), (0.74, Site._removal),
    (0.80, Site._year), (0.86, Site._moved), (0.89, Site._minified), (0.92, Site._maintained),
    (0.95, Site._redesigned), (0.97, Site._translated), (1.01, Site._restyled),
)  # fmt: skip
"""Cumulated chance and kind of an owner's change."""


_CHANGES_AT_ONCE = [0.04, 0.2, 0.2, 0.16, 0.2, 0.12, 0.08]


def _one(items: Sequence[str], rng: np.random.Generator) -> str:
    return items[int(rng.integers(len(items)))]


def _other(number: str, rng: np.random.Generator) -> str:
    return "".join(c if not c.isdigit() else str(rng.integers(10)) for c in number)


def _put(page: str, what: str, place: int) -> str:
    return page[:place] + what + page[place:]


def _gap(page: str, rng: np.random.Generator) -> int:
    """Somewhere between two tags, or the end."""
    places = [found.end() for found in re.finditer(r"</(?:p|li|div|h\d|ul|section|tr|table)>\n?", page)]
    return places[int(rng.integers(len(places)))] if places else len(page)


def _head(page: str, rng: np.random.Generator) -> int:
    places = [found.start() for found in re.finditer(r"(?i)</head>|<link |<script|</body", page)]
    return places[int(rng.integers(len(places)))] if places else 0


def _swap(page: str, pattern: str, new: Callable[[re.Match[str]], str], rng: np.random.Generator, most: int) -> str:
    """The page with up to ``most`` random matches of a pattern replaced by what ``new`` makes of them."""
    found = list(re.finditer(pattern, page))
    chosen = sorted(rng.permutation(len(found))[:most], reverse=True)
    for place in chosen:
        match = found[place]
        page = page[: match.start()] + new(match) + page[match.end() :]
    return page


def pairs(part: str, count: int, rng: np.random.Generator, tampered: float = 0.5) -> list[Pair]:
    """Made pairs.

    Args:
        part: a key of ``KITCHENS``.
        count: how many.
        rng: fixes them.
        tampered: the share of tampered ones.
    """
    kitchen = KITCHENS[part]
    out: list[Pair] = []
    for _ in range(count):
        site = Site(kitchen, rng)
        before, family = site.page, ""
        if rng.random() < tampered:
            family = _one(kitchen.families, rng)
            after = site.tampered(site.benign(before, int(rng.choice([0, 0, 1, 2]))), family)
        else:
            after = site.benign(before, int(rng.choice([0, 1, 1, 1, 2, 3, 5], p=_CHANGES_AT_ONCE)))
        unknown = rng.random() < 0.12
        out.append(Pair(None if unknown else before, after, family))
    return out
