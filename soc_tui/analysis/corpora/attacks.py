"""Attack values made by rule, for kinds the lists hardly know: templates, JNDI, NoSQL, XXE, wrappers.

``attacks.txt`` holds public techniques in their usual shapes with random names, numbers, quotes and gaps, so that a
network learns the shape and not one list's favourite words. They serve training only and are in no test figure.
"""

from __future__ import annotations

import numpy as np

from soc_tui.analysis.corpora.grammar import expand, read_grammar
from soc_tui.analysis.corpora.query import COMMAND, OTHER, SQLI, TRAVERSAL, XSS

_KINDS = (("sqli", SQLI, 4), ("xss", XSS, 4), ("traversal", TRAVERSAL, 2), ("command", COMMAND, 3), ("other", OTHER, 3))


def made(count: int, rng: np.random.Generator) -> dict[str, int]:
    """Distinct attack values with their classes."""
    sections = read_grammar("attacks.txt")
    turns = [(name, bits) for name, bits, share in _KINDS for _ in range(share)]
    values: dict[str, int] = {}
    while len(values) < count:
        name, bits = turns[int(rng.integers(len(turns)))]
        value = expand(sections, name, rng)
        if len(value) > 3:
            values[value] = bits
    return values
