"""Which knowledge speaks about an alert: a fixed order of reasons, the same answer every time.

An exact detector weighs more than any technique, a technique more than any number of keywords, a keyword more than the
risk type. So an entry about one class of web attack (detector *and* keyword ``sqli``) comes before the general one
(detector alone), and an entry that has nothing in common but the risk type comes last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from soc_tui.knowledge.entry import Entry

DETECTOR, TECHNIQUE, PARENT_TECHNIQUE, KEYWORD, RISK_TYPE = 1000, 200, 100, 10, 1
_MAX_KEYWORDS = 9  # nine keywords (90) stay below one related technique (100)
_TEXT_KEYS = ("title", "rule_name", "rule_category", "label")
_TEXT_LIMIT = 4096  # characters of an attacker's text that are looked at


class Match(NamedTuple):
    """One entry that speaks about the alert."""

    entry: Entry
    score: int
    why: tuple[str, ...]
    """The reasons, strongest first, in words."""

    @property
    def weak(self) -> bool:
        """True when the risk type is the only thing in common: ask an expert rather than trust it."""
        return self.score < KEYWORD


def match(alert: Mapping[str, Any], entries: Iterable[Entry]) -> list[Match]:
    """The entries that speak about ``alert``, best first; equal scores in the order of their ids.

    Args:
        alert: a row of ``alerts`` (or a finding): ``detector``, ``techniques``, ``title``, ``risk_type`` and, where
            there is one, ``rule_name`` and ``label`` (text or a list); a ``label`` or ``class`` that the explanation
            names counts as well. Missing keys are no error.
        entries: the knowledge.
    """
    text = _text(alert)
    found = [one for entry in entries if (one := _match_one(alert, text, entry)) is not None]
    return sorted(found, key=lambda one: (-one.score, one.entry.id))


def _match_one(alert: Mapping[str, Any], text: str, entry: Entry) -> Match | None:
    rules, score, why = entry.matches, 0, []
    words = [word for word in rules.keywords if _pattern(word).search(text)]
    detector = str(alert.get("detector") or "")
    if detector in rules.detectors or (words and detector in rules.keyword_detectors):
        score += DETECTOR
        why.append(f"detector {detector}")
    given = [str(technique) for technique in alert.get("techniques") or ()]
    exact = sorted(set(given) & set(rules.techniques))
    related = sorted({t for t in given for r in rules.techniques if t.split(".")[0] == r.split(".")[0]})
    if exact:
        score += TECHNIQUE
        why.append(f"technique {', '.join(exact)}")
    elif related:
        score += PARENT_TECHNIQUE
        why.append(f"related technique {', '.join(related)}")
    if words:
        score += KEYWORD * min(len(words), _MAX_KEYWORDS)
        why.append(f"keyword {', '.join(words)}")
    if alert.get("risk_type") == entry.risk_type:
        score += RISK_TYPE
        why.append(f"risk type {entry.risk_type}")
    return Match(entry, score, tuple(why)) if score else None


def _text(alert: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for key in _TEXT_KEYS:
        value = alert.get(key)
        parts += [str(item) for item in value] if isinstance(value, list | tuple) else [str(value or "")]
    parts += _explained(alert.get("explanation"))
    return "\n".join(part[:_TEXT_LIMIT] for part in parts).casefold()


def _explained(explanation: object) -> list[str]:
    """The class that a network gave, from a list of ``{field, value, weight}`` or its JSON."""
    if isinstance(explanation, str):
        try:
            explanation = json.loads(explanation or "[]")
        except ValueError:
            return []
    items = explanation if isinstance(explanation, list | tuple) else ()
    return [str(i.get("value", "")) for i in items if isinstance(i, Mapping) and i.get("field") in {"label", "class"}]


@lru_cache(maxsize=4096)
def _pattern(keyword: str) -> re.Pattern[str]:
    """The keyword as whole words: ``sqli`` is not in ``sqlite``."""
    return re.compile(rf"(?<![a-z0-9]){re.escape(keyword.casefold())}(?![a-z0-9])")
