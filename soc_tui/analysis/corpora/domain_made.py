"""Names by our own generators: what programs compute, what tunnels send, and what is ordinary but looks like either.

Published lists hold few kinds of generators and hardly any tunnel; a network trained on them alone knows those. These
generators follow the published descriptions of how such names are made (uniform letters, hexadecimal digests,
syllables, word lists, a fixed tail; hexadecimal, base32 or base64 labels below one domain), with random parameters for
each small batch, so that a family is not one alphabet and one length. They serve training only and are in no figure
about real names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

BATCH = 40
"""Names that share the parameters of one made-up family."""

_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnpqrstvwxyz"
_LETTERS, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
_ALPHABETS = {
    "h": "0123456789abcdef", "a": _LETTERS + _DIGITS, "l": _LETTERS, "c": _CONSONANTS, "d": _DIGITS,
    "b": "abcdefghijklmnopqrstuvwxyz234567", "u": _LETTERS + _LETTERS + _DIGITS + "-_",
}  # fmt: skip
_FIELD = re.compile(r"\{(?:([halcdbu])(\d+)(?:-(\d+))?|ip([-.])|(w|name|site|region|tld|bad))\}")
_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1", "us-east-2", "ap-northeast-1",
            "eastus", "westeurope", "northeurope", "sa-east-1", "ca-central-1")  # fmt: skip
DYNAMIC = ("ddns.net", "duckdns.org", "dyndns.org", "no-ip.org", "mooo.com", "hopto.org", "zapto.org", "sytes.net",
           "myftp.biz", "serveftp.com", "yi.org", "dynserv.com", "no-ip.biz", "redirectme.net")  # fmt: skip
"""Suffixes below which anybody gets a name at once."""

CHEAP = ("com", "net", "org", "info", "biz", "ru", "ws", "cc", "cn", "su", "tk", "pw", "top", "xyz", "club", "me", "tv",
         "eu", "in", "co", "us", "to", "cx", "nu", "ga", "ml", "cf", "gq", "site", "online", "space", "life", "live",
         "store", "work", "click", "link", "icu", "shop", "website", "im", "sc", "mn", "kz", "la", "co.uk", "name",
         "bit", "bazar", "lib", "emc", "coin", "pro", "mobi",
         "fun", "host", "bid", "win", "tech", "best", "vip", "buzz", "cyou", "date", "loan")  # fmt: skip
"""Suffixes that cost little and ask nothing (``bit`` to ``coin`` belong to name services outside the DNS root): half of
the made-up families take theirs from here."""


@dataclass(frozen=True)
class Material:
    """Real pieces that names are built from; all from training sources."""

    words: Sequence[str]
    sites: Sequence[str]
    """Registered domains of real sites."""
    suffixes: Sequence[str]
    """Public suffixes as often as sites have them."""


def letters(alphabet: str, low: int, high: int, rng: np.random.Generator) -> str:
    """Between ``low`` and ``high`` random characters of an alphabet."""
    count = int(rng.integers(low, high + 1))
    return "".join(alphabet[i] for i in rng.integers(0, len(alphabet), count))


def one(choices: Sequence[str], rng: np.random.Generator) -> str:
    """A random one of them."""
    return choices[int(rng.integers(len(choices)))]


@cache
def templates(section: str) -> tuple[str, ...]:
    """The lines of a section of ``domain_names.txt``."""
    text = Path(__file__).with_name("domain_names.txt").read_text(encoding="utf-8")
    found = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)
    if found is None:
        raise KeyError(section)
    return tuple(line for line in found[1].splitlines() if line)


def filled(template: str, material: Material, rng: np.random.Generator, bad: str = "") -> str:
    """A template of ``domain_names.txt`` with random content."""

    def content(found: re.Match[str]) -> str:
        kind, low, high, sign, what = found.groups()
        if kind:
            return letters(_ALPHABETS[kind], int(low), int(high or low), rng)
        if sign:
            return sign.join(str(n) for n in rng.integers(0, 256, 4))
        if what == "w":
            return one(material.words, rng)
        if what in ("site", "name"):
            site = one(material.sites, rng)
            return site if what == "site" else site.partition(".")[0]
        return {"region": one(_REGIONS, rng), "tld": one(material.suffixes, rng), "bad": bad}[str(what)]

    return _FIELD.sub(content, template)


def look_alikes(count: int, material: Material, rng: np.random.Generator) -> list[str]:
    """Distinct ordinary names of machines, clouds, mail, look-ups and short brands."""
    chosen = templates("benign")
    return sorted({filled(one(chosen, rng), material, rng) for _ in range(count)})


HOSTS = ("www", "www", "www", "www2", "mail", "smtp", "api", "cdn", "a", "m", "static", "img", "ns1", "ftp", "app",
         "dev", "webmail", "blog", "shop", "secure", "login", "s", "media", "news", "support",
         "ads", "track")  # fmt: skip


def hosts(names: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Each name with one of its machines in front: most questions are for those, most lists name domains alone."""
    return [f"{one(HOSTS, rng)}.{name}" for name in names]


def tunnels(count: int, material: Material, rng: np.random.Generator) -> list[str]:
    """Distinct names that carry data below domains bought for it; one domain and template for each batch."""
    out: set[str] = set()
    for _ in range(max(count // BATCH, 1)):
        bad, template = _bought(material, rng), one(templates("tunnel"), rng)
        out.update(filled(template, material, rng, bad) for _ in range(BATCH))
    return sorted(out)


def _bought(material: Material, rng: np.random.Generator) -> str:
    """A domain as one buys it for one purpose: a made-up word, two words, a few letters, sometimes with a host."""
    how, suffix = rng.random(), one(material.suffixes, rng)
    if how < 0.3:
        label = one(material.words, rng) + one(material.words, rng)
    elif how < 0.5:
        label = _syllables(int(rng.integers(2, 5)), "cv", rng)
    elif how < 0.65:
        label = one(material.words, rng) + "-" + one(material.words, rng)
    elif how < 0.8:
        label = letters(_LETTERS + _DIGITS, 2, 9, rng)
    elif how < 0.9:
        label = one(material.words, rng) + letters(_DIGITS, 1, 3, rng)
    else:
        return one(material.sites, rng)  # a tunnel below a stolen or spoofed known domain
    return (letters(_LETTERS, 1, 3, rng) + "." if rng.random() < 0.25 else "") + f"{label}.{suffix}"


def _syllables(count: int, pattern: str, rng: np.random.Generator) -> str:
    pick = {"c": _CONSONANTS, "v": _VOWELS}
    return "".join(one(pick[part], rng) for part in pattern * count)


# -- generated domains: each function draws the parameters of one family and returns its generator of labels -----------

Label = Callable[[], str]


def _random_letters(_: Material, rng: np.random.Generator) -> Label:
    drawn = rng.random()
    alphabet = _LETTERS
    if drawn < 0.15:
        alphabet = _LETTERS[: int(rng.integers(12, 26))]
    elif drawn < 0.25:
        alphabet = "".join(rng.choice(list(_LETTERS), int(rng.integers(9, 20)), replace=False))
    elif drawn < 0.3:
        alphabet = _CONSONANTS
    low = int(rng.integers(6, 17))
    high = low + int(rng.integers(0, 12))
    return lambda: letters(alphabet, low, high, rng)


def _digest(_: Material, rng: np.random.Generator) -> Label:
    kind = one(("h", "h", "a", "a", "b"), rng)
    low = int(rng.integers(8, 25))
    high = low + int(rng.integers(0, 8)) * int(rng.random() < 0.5)
    head = letters(_LETTERS, 1, 3, rng) if rng.random() < 0.15 else ""
    return lambda: head + letters(_ALPHABETS[kind], low, high, rng)


def _pronounceable(_: Material, rng: np.random.Generator) -> Label:
    pattern = one(("cv", "cv", "cvc", "vc", "cvcc", "ccv", "cvv"), rng)
    low = int(rng.integers(2, 5)) if len(pattern) > 2 else int(rng.integers(3, 7))
    high = low + int(rng.integers(0, 3))
    pool = {"c": _CONSONANTS[: int(rng.integers(12, 22))], "v": _VOWELS + ("y" if rng.random() < 0.4 else "")}
    tail = one(("", "", "c", "v"), rng)

    def label() -> str:
        parts = pattern * int(rng.integers(low, high + 1)) + tail
        return "".join(one(pool[part], rng) for part in parts)

    return label


def _dictionary(material: Material, rng: np.random.Generator) -> Label:
    own = [one(material.words, rng) for _ in range(int(rng.integers(60, 400)))]
    low = int(rng.choice([2, 3, 3, 4]))
    high = low + int(rng.integers(0, 3))
    sign = one(("", "", "", "-"), rng) if low == 2 else ""
    cut = int(rng.integers(18, 30)) if rng.random() < 0.3 and low > 2 else 63
    return lambda: sign.join(one(own, rng) for _ in range(int(rng.integers(low, high + 1))))[:cut].strip("-")


def _fixed_tail(material: Material, rng: np.random.Generator) -> Label:
    tail = "".join(one(material.words, rng)[int(rng.integers(0, 3)) :] for _ in range(int(rng.integers(2, 4))))[:30]
    head = int(rng.integers(3, 6))
    return lambda: letters(_LETTERS, head, head, rng) + tail


GENERATORS: dict[str, Callable[[Material, np.random.Generator], Label]] = {
    "letters": _random_letters, "digest": _digest, "pronounceable": _pronounceable, "dictionary": _dictionary,
    "tail": _fixed_tail,
}  # fmt: skip


def generated(kind: str, count: int, material: Material, rng: np.random.Generator) -> list[str]:
    """Distinct generated domains of many made-up families of one kind.

    Args:
        kind: a key of ``GENERATORS``.
        count: about how many.
        material: words and suffixes.
        rng: decides everything.
    """
    out: set[str] = set()
    for _ in range(max(count // BATCH, 1)):
        label = GENERATORS[kind](material, rng)
        offered = CHEAP if rng.random() < 0.5 else material.suffixes
        suffixes = [one(offered, rng) for _ in range(int(rng.integers(1, 6)))]
        if rng.random() < 0.1:
            suffixes = [one(DYNAMIC, rng)]
        for _ in range(BATCH):
            text = label()
            if len(text) > 4:
                out.add(f"{text}.{one(suffixes, rng)}")
    return sorted(out)
