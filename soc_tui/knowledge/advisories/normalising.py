"""One advisory in OSV format (ossf.github.io/osv-schema 1.7) as the rows that scanning needs."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import pyarrow as pa

SCHEMA = pa.schema([
    ("base", pa.string()), ("ecosystem", pa.string()), ("name", pa.string()), ("id", pa.string()),
    ("aliases", pa.list_(pa.string())), ("summary", pa.string()), ("severity", pa.string()), ("score", pa.float64()),
    ("cwes", pa.list_(pa.string())), ("ranges", pa.string()), ("versions", pa.list_(pa.string())),
    ("modified", pa.string()), ("source", pa.string()), ("line", pa.int64()),
])  # fmt: skip
"""One row per advisory and package; ``ranges`` is JSON: a list of ranges, each a list of ``[event, version]``."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,199}")
_CWE = re.compile(r"CWE-\d{1,6}")
_EVENTS = ("introduced", "fixed", "last_affected", "limit")
_WORDS = {
    "critical": "critical", "high": "high", "important": "high", "medium": "medium", "moderate": "medium", "low": "low",
    "unimportant": "info", "negligible": "info", "none": "info",
}  # fmt: skip
_BANDS = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))  # CVSS 3.1, section 5
_TEXT, _MOST = 1000, 20_000


class UnusableError(ValueError):
    """An advisory that breaks the schema; says how."""


def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of an advisory; none when it was withdrawn or speaks of no package.

    Raises:
        UnusableError: it breaks the schema.
    """
    name = document.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise UnusableError("has no usable id")
    if document.get("withdrawn"):
        return []
    made = []
    for one in _list(document.get("affected"), "affected", dict):
        row = _affected(document, one)
        if row is not None:
            made.append(row | {"id": name})
    return made


def package_name(base: str, name: str) -> str:
    """A package's name as it is looked up: PyPI's are compared without regard to case and ``-_.`` (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower() if base == "PyPI" else name


def severity_word(score: float) -> str:
    """The band of a CVSS score (CVSS 3.1, section 5)."""
    return next((word for least, word in _BANDS if score >= least), "info")


def _affected(document: dict[str, Any], one: dict[str, Any]) -> dict[str, Any] | None:
    package = one.get("package")
    if package is None:
        return None  # an advisory about commits only
    if not isinstance(package, dict):
        raise UnusableError("affected.package is no object")
    ecosystem, name = package.get("ecosystem"), package.get("name")
    if not isinstance(ecosystem, str) or not isinstance(name, str) or not ecosystem or not 0 < len(name) <= 300:
        raise UnusableError("affected.package has no ecosystem or name")
    base = ecosystem.partition(":")[0]
    ranges = [
        events
        for entry in _list(one.get("ranges"), "ranges", dict)
        if entry.get("type") in ("ECOSYSTEM", "SEMVER") and (events := _events(entry))
    ]
    versions = [text for text in _list(one.get("versions"), "versions", str) if 0 < len(text) <= 200]
    if not ranges and not versions:
        return None
    score, word = _severity(document, one)
    return {
        "base": base, "ecosystem": ecosystem, "name": package_name(base, name),
        "aliases": _ids(document, "aliases") + _ids(document, "upstream"),
        "summary": _summary(document), "severity": word, "score": score, "cwes": _cwes(document, one),
        "ranges": json.dumps(ranges, separators=(",", ":")), "versions": versions[:_MOST],
        "modified": str(document.get("modified") or "")[:40],
    }  # fmt: skip


def _events(entry: dict[str, Any]) -> list[list[str]]:
    events = []
    for event in _list(entry.get("events"), "events", dict)[:_MOST]:
        for kind, value in event.items():
            if kind in _EVENTS:
                if not isinstance(value, str) or not 0 < len(value) <= 200:
                    raise UnusableError(f"the version of {kind} is no text")
                events.append([kind, value])
    return events


def _list(value: Any, name: str, kind: type) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, kind) for one in value):
        raise UnusableError(f"{name} is no list of {'objects' if kind is dict else 'texts'}")
    return value


def _ids(document: dict[str, Any], name: str) -> list[str]:
    return [one for one in _list(document.get(name), name, str)[:500] if _ID.fullmatch(one)]


def _summary(document: dict[str, Any]) -> str:
    for name in ("summary", "details"):
        text = document.get(name)
        if isinstance(text, str) and text.strip():
            return " ".join(text.split())[:_TEXT]
    return ""


def _cwes(document: dict[str, Any], one: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for place in (document.get("database_specific"), one.get("database_specific"), one.get("ecosystem_specific")):
        listed = (place.get("cwe_ids") or place.get("cwes")) if isinstance(place, dict) else None
        for item in listed if isinstance(listed, list) else []:
            text = item.get("cweId") if isinstance(item, dict) else item
            if isinstance(text, str) and _CWE.fullmatch(text) and text not in found:
                found.append(text)
    return found


def _severity(document: dict[str, Any], one: dict[str, Any]) -> tuple[float | None, str]:
    """The CVSS base score (None: not told), and the severity in a word (empty: not told)."""
    told = ""
    best: float | None = None
    for entry in (*_list(one.get("severity"), "severity", dict), *_list(document.get("severity"), "severity", dict)):
        kind, text = str(entry.get("type")), str(entry.get("score"))[:200]
        score = _cvss(kind, text)
        if score is not None:
            best = score if best is None else max(best, score)
        else:
            told = told or _WORDS.get(text.lower(), "")
    for place in (one.get("ecosystem_specific"), one.get("database_specific"), document.get("database_specific")):
        if isinstance(place, dict):
            told = told or _WORDS.get(str(place.get("severity") or place.get("urgency") or "").lower().strip("*"), "")
    if told:
        return best, told  # who publishes for an ecosystem has weighed what the base score cannot know
    return best, severity_word(best) if best is not None else ""


@lru_cache(maxsize=16384)
def _cvss(kind: str, text: str) -> float | None:
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    rule = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}.get(kind)
    if rule is None:
        return None
    try:
        vector = rule(text)
    except (CVSSError, ValueError, KeyError, IndexError):
        return None
    return float(vector.base_score if vector.base_score is not None else 0.0)
