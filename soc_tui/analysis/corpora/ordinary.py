"""Ordinary values that real traffic holds and labelled sets lack: what a shop's search box or an API's query carries.

Attack lists are long and benign lists are short and tame (user names, digits), so a network trained on them alone takes
an apostrophe, a bracket or the word "select" for an attack. ``ordinary.txt`` holds phrases in several languages and the
habits of people and programs; its values serve training only and are in no test figure.
"""

from __future__ import annotations

import json

import numpy as np

from soc_tui.analysis.corpora.disguise import sent
from soc_tui.analysis.corpora.grammar import expand, read_grammar

_DECORATIONS = (
    '"{}"', "'{}'", "{} and more", "{} or similar", '{} 8.5" x 11"', "({})", "{} - {}", "{} & {}", "{}, {}",
    '"{}" and "{}"', "{}'s", "{} (1)", "{} OR {}", "{} AND {}", "{} 50% off", "{}...", "{}?", "re: {}", "{} #1",
    "{}/{}", "{} -- {}", "{}; {}", "<p>{}</p>", "<b>{}</b> {}", '{{"q":"{}"}}', "{}={}", "q={}&page=2", "a={}; b={}",
    "[{}]", "`{}`", "**{}**", "{}|{}", "{}:{}", "{}\n{}", "/{}/", "{}'", '{}"', "'{}", "{}%", "{};", "{}--", "{}`{}`",
    "{}*", "<{}>",
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
    sections["w"] = [*sections["term"][:: max(len(sections["term"]) // 1000, 1)], *["«r»"] * 1000]
    values: set[str] = set()
    while len(values) < count:
        value = expand(sections, "value", rng)
        values.add(sent(value.upper() if rng.random() < 0.15 else value, rng))
    return sorted(values)


def decorated(value: str, rng: np.random.Generator) -> str:
    """A real benign value with what people and programs add: capitals, quotes, inches, brackets, JSON, tags."""
    if rng.random() < 0.08:
        return json.dumps({"value": value[:200]})
    text = _DECORATIONS[int(rng.integers(len(_DECORATIONS)))].replace("{}", value[:200])
    return text.upper() if rng.random() < 0.2 else text.title() if rng.random() < 0.2 else text
