"""What a rule's condition cannot do without: literals of which a matching event's text holds at least one.

Most events match no rule at all, and one pass of an automaton over their text tells so for all rules of a source
together; only the others are looked at rule by rule. The walk follows Cox, "Regular Expression Matching with a Trigram
Index" (2012): *and* needs what its most selective part needs, *or* what all its parts need together.
"""

from __future__ import annotations

import re
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import SigmaExpansion, SigmaNumber, SigmaString

from soc_tui.detection.sigma.pipeline import mapped_field
from soc_tui.detection.sigma.sources import Field, Source

SHORTEST = 3
"""Shorter literals are in every other line."""
LONGEST = 48
"""More of a literal tells no more."""
COMMON = frozenset({
    "get", "post", "head", "http", "https", "http://", "https://", "http/1.1", "mozilla", "mozilla/5.0", ".html",
    ".com", "/bin/", "/usr/bin/", "/etc/", "/var/log", "/var/log/", "sh -c", "sh -c ", "root", "true", "false",
    "udp", "tcp", "txt", "success",
})  # fmt: skip
"""Literals that every log is full of: a rule that needs no other is looked at everywhere."""
Needs = frozenset[tuple[str, str]]
"""(expression of a text, literal in lower case) pairs, one of which has to hold."""

_RUN = re.compile(r"[ -~]+")
_JSON_RUN = re.compile(r"[ !#-\[\]-~]+")  # all but the quote and the backslash


def needs(cond: Any, source: Source) -> Needs | None:
    """What the condition needs; None when nothing can be said."""
    match cond:
        case ConditionAND():
            found = [need for arg in cond.args if (need := needs(arg, source)) is not None]
            return max(found, key=_selective, default=None)
        case ConditionOR():
            return _either([needs(arg, source) for arg in cond.args])
        case ConditionFieldEqualsValueExpression():
            named, name = mapped_field(cond.field)
            field = named.find(name)
            return _of_value(field, cond.value) if field is not None else None
        case ConditionValueExpression():
            return _of_value(source.keywords, cond.value)
    return None


def _of_value(field: Field, value: Any) -> Needs | None:
    if isinstance(value, SigmaExpansion):
        return _either([_of_value(field, inner) for inner in value.values])
    if not field.within or isinstance(value, SigmaNumber) or not isinstance(value, SigmaString):
        return None
    run = _JSON_RUN if field.json else _RUN
    runs = [piece for part in value.s if isinstance(part, str) for piece in run.findall(part)]
    longest = max(runs, key=len, default="")[:LONGEST].lower()
    return frozenset({(field.within, longest)}) if len(longest) >= SHORTEST and longest not in COMMON else None


def _either(parts: list[Needs | None]) -> Needs | None:
    if not parts or any(part is None for part in parts):
        return None
    return frozenset(pair for part in parts for pair in part or ())


def _selective(need: Needs) -> tuple[int, int]:
    """The longer the shortest literal the better, then the fewer literals."""
    return min(len(text) for _, text in need), -len(need)
