"""Predicates of DuckDB SQL over one value, with every literal of a rule quoted so that none can leave its quotes.

A rule is a user's file, and still hostile: what it says becomes part of a query only through :func:`literal`,
:func:`quoted_regex` and numbers. Nothing here backtracks: patterns are RE2's (linear in the text), and ``LIKE``, whose
wildcards DuckDB tries one after another, is not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

ALTERNATIVES = 400
"""Literals of one pattern; more are told apart over several patterns, so that RE2's automaton stays small."""

_ASCII_WORD = re.compile(r"[A-Za-z0-9_]")
Form = Literal["equals", "contains", "starts", "ends", "pattern", "any"]


class UnquotableError(ValueError):
    """A text that no SQL text may hold."""


@dataclass(frozen=True)
class Wanted:
    """What a text shall look like."""

    form: Form
    text: str
    """The literal; of ``pattern`` an RE2 pattern for the whole value."""


def literal(text: str) -> str:
    """The text as an SQL string. Standard strings know one special character, the quote, which is doubled.

    Raises:
        UnquotableError: it holds NUL, which ends a statement early in some readers, or is not Unicode.
    """
    if "\0" in text:
        raise UnquotableError("a value holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnquotableError("a value is not Unicode") from error
    return "'" + text.replace("'", "''") + "'"


def quoted_regex(text: str) -> str:
    """The text as an RE2 pattern that matches just it."""
    return "".join(c if _ASCII_WORD.match(c) or ord(c) >= 0x80 else f"\\{c}" for c in text)


def one(column: str, wanted: Wanted) -> str:  # noqa: PLR0911 - one for each form
    """The predicate of one wanted text over a column."""
    match wanted.form:
        case "any":
            return f"{column} IS NOT NULL"
        case "equals" if not wanted.text:
            return f"coalesce({column}, '') = ''"
        case "equals":
            return f"{column} = {literal(wanted.text)}"
        case "contains":
            return f"contains({column}, {literal(wanted.text)})"
        case "starts":
            return f"starts_with({column}, {literal(wanted.text)})"
        case "ends":
            return f"ends_with({column}, {literal(wanted.text)})"
        case _:
            return f"regexp_matches({column}, {literal(_anchored(wanted))})"


def several(column: str, wanted: Sequence[Wanted]) -> str:
    """The predicate of any of some wanted texts: one pass over the column for up to :data:`ALTERNATIVES` of them."""
    unique = list(dict.fromkeys(wanted))
    plain = [each for each in unique if each.form == "any" or (each.form == "equals" and not each.text)]
    equal = [each for each in unique if each.form == "equals" and each.text]
    rest = [each for each in unique if each not in plain and each not in equal]
    parts = [one(column, each) for each in plain]
    if len(equal) == 1:
        parts.append(one(column, equal[0]))
    elif equal:
        parts.append(f"{column} IN ({', '.join(literal(each.text) for each in equal)})")
    if len(rest) <= 2:
        parts += [one(column, each) for each in rest]
    else:
        for start in range(0, len(rest), ALTERNATIVES):
            pattern = "(?s)" + "|".join(_bare(each) for each in rest[start : start + ALTERNATIVES])
            parts.append(f"regexp_matches({column}, {literal(pattern)})")
    return any_of(parts)


def any_of(parts: Sequence[str]) -> str:
    """The parts joined by *or*, in parentheses."""
    return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"


def all_of(parts: Sequence[str]) -> str:
    """The parts joined by *and*, in parentheses."""
    return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"


def holds_any(text: str, literals: Iterable[str]) -> str:
    """True where the expression's text holds one of the literals."""
    names = sorted(set(literals))
    parts = []
    for start in range(0, len(names), ALTERNATIVES):
        some = names[start : start + ALTERNATIVES]
        if len(some) == 1:
            parts.append(f"contains({text}, {literal(some[0])})")
        else:
            parts.append(f"regexp_matches({text}, {literal('|'.join(map(quoted_regex, some)))})")
    return any_of(parts)


def _bare(wanted: Wanted) -> str:
    match wanted.form:
        case "contains":
            return quoted_regex(wanted.text)
        case "starts":
            return "^" + quoted_regex(wanted.text)
        case "ends":
            return quoted_regex(wanted.text) + "$"
        case _:
            return f"^(?:{wanted.text})$"


def _anchored(wanted: Wanted) -> str:
    return f"(?s)^(?:{wanted.text})$"
