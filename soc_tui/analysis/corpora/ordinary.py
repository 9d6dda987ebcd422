"""Ordinary values that real traffic holds and labelled sets lack: what a shop's search box or an API's query carries.

Attack lists are long and benign lists are short and tame (user names, digits), so a network trained on them alone takes
an apostrophe, a bracket or the word "select" for an attack. ``ordinary.txt`` holds phrases in several languages and the
habits of people and programs; its values serve training only and are in no test figure.
"""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import numpy as np

from soc_tui.analysis.corpora.grammar import expand, read_grammar

_DECORATIONS = (
    '"{}"', "'{}'", "{} and more", "{} or similar", '{} 8.5" x 11"', "({})", "{} - {}", "{} & {}", "{}, {}",
    '"{}" and "{}"', "{}'s", "{} (1)", "{} OR {}", "{} AND {}", "{} 50% off", "{}...", "{}?", "re: {}", "{} #1",
    "{}/{}", "{} -- {}", "{}; {}",
)  # fmt: skip


def ordinary(count: int, rng: np.random.Generator, terms: list[str] | None = None) -> list[str]:
    """Distinct ordinary values, one in seven in upper case and about half percent-encoded as browsers send them.

    Args:
        count: how many.
        rng: decides everything.
        terms: real words for paths and searches; the words of the phrases when None.
    """
    sections = read_grammar("ordinary.txt")
    sections["term"] = terms or sorted({word for phrase in sections["phrase"] for word in phrase.split()})
    values: set[str] = set()
    while len(values) < count:
        value = expand(sections, "value", rng)
        values.add(sent(value.upper() if rng.random() < 0.15 else value, rng))
    return sorted(values)


def sent(value: str, rng: np.random.Generator) -> str:
    """A value as some client would send it: as it is, form-encoded, percent-encoded, or (rarely) encoded twice."""
    how = rng.random()
    clean = value.encode("utf-8", "replace").decode("utf-8")
    if how < 0.45:
        return clean
    if how < 0.75:
        return quote_plus(clean)
    if how < 0.96:
        return quote(clean, safe="" if how < 0.9 else "/:,;()'!*")
    return quote(quote(clean, safe=""), safe="")


def decorated(value: str, rng: np.random.Generator) -> str:
    """A real benign value with what people add: capitals, quotes, inches, brackets, and/or."""
    text = _DECORATIONS[int(rng.integers(len(_DECORATIONS)))].replace("{}", value[:200])
    return text.upper() if rng.random() < 0.3 else text.title() if rng.random() < 0.2 else text
