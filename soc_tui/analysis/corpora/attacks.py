"""Attack values made by rule, in the shapes of public techniques, with random names, numbers, quotes and gaps.

A network that sees only lists learns one list's favourite words; from ``attacks.txt`` it learns the shape. The values
serve training only and are in no test figure.
"""

from __future__ import annotations

import numpy as np

from soc_tui.analysis.corpora import query as lists
from soc_tui.analysis.corpora.grammar import expand, read_grammar

_KINDS = (
    ("sqli", lists.SQLI, 6), ("xss", lists.XSS, 6), ("traversal", lists.TRAVERSAL, 4), ("command", lists.COMMAND, 5),
    ("code", lists.CODE, 3), ("inclusion", lists.INCLUSION, 2), ("template_value", lists.TEMPLATE, 3),
    ("lookup", lists.LOOKUP, 2), ("other", lists.OTHER, 3),
)  # fmt: skip
"""Section of the grammar, its class, and its share."""


def made(count: int, rng: np.random.Generator, terms: list[str] | None = None) -> dict[str, int]:
    """Distinct attack values with their classes.

    Args:
        count: how many.
        rng: decides everything.
        terms: real words, half of all names; the other half, and all of them when None, are random letters.
    """
    sections = read_grammar("attacks.txt")
    if terms:
        sections["w"] = [*terms[:: max(len(terms) // 1000, 1)], *["«r»"] * 1000]
    turns = [(name, bits) for name, bits, share in _KINDS for _ in range(share)]
    values: dict[str, int] = {}
    while len(values) < count:
        name, bits = turns[int(rng.integers(len(turns)))]
        value = expand(sections, name, rng)
        if len(value) > 3:
            values[value] = bits
    return values
