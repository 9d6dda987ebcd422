"""One piece of expert knowledge: how a risk is recognised, proved, contained, removed and repaired.

The YAML schema is documented in docs/knowledge.md and checked by :mod:`soc_tui.knowledge.linting`; an :class:`Entry` is
built only from a file that lints clean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

SECTIONS = ("recognise", "verify", "false_positives", "contain", "eradicate", "recover", "notify")
"""The lists of sentences, in the order in which a responder works through them."""

MODES = ("automatic", "one-key", "manual")
TARGETS = ("src_ip", "dst_ip", "external_ip", "host", "user_name", "target")
"""What a plan step may aim at; ``external_ip`` is the one of ``src_ip`` and ``dst_ip`` that is not ours."""

PLACEHOLDERS = ("src_ip", "dst_ip", "dst_port", "host", "user_name")
"""Words in braces that a plan fills in from the alert (only with values that are safe in a command line)."""


@dataclass(frozen=True)
class Matches:
    """When an entry speaks about an alert."""

    detectors: tuple[str, ...] = ()
    """Detectors whose every alert it is about."""
    keyword_detectors: tuple[str, ...] = ()
    """Detectors that carry many kinds of risk: they count only together with a keyword."""
    techniques: tuple[str, ...] = ()
    """ATT&CK technique ids."""
    keywords: tuple[str, ...] = ()
    """Whole words or phrases in the alert's title, rule name or label, in any case."""


@dataclass(frozen=True)
class PlanTemplate:
    """A step of the repair plan before an alert gives it its target."""

    mode: Literal["automatic", "one-key", "manual"]
    text: str
    action: str = ""
    target: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """Where to read on."""

    id: str
    name: str
    url: str


@dataclass(frozen=True)
class Entry:
    """One entry of the knowledge database."""

    id: str
    """``K-`` and four digits; stable for ever."""
    slug: str
    """The file's name without ``.yaml``."""
    title: str
    risk_type: str
    severity: str
    summary: str
    matches: Matches
    recognise: tuple[str, ...]
    verify: tuple[str, ...]
    false_positives: tuple[str, ...]
    contain: tuple[str, ...]
    eradicate: tuple[str, ...]
    recover: tuple[str, ...]
    notify: tuple[str, ...]
    plan: tuple[PlanTemplate, ...]
    techniques: tuple[str, ...]
    references: tuple[Reference, ...]
    source: str
    licence: str
    path: Path
    """The file it was read from."""

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready copy."""
        return asdict(self) | {"path": str(self.path)}

    @property
    def text(self) -> str:
        """Everything it says, for searching."""
        parts = [self.id, self.slug, self.title, self.risk_type, self.summary, *self.techniques]
        parts += [*self.matches.detectors, *self.matches.keywords, *(step.text for step in self.plan)]
        for name in SECTIONS:
            parts += getattr(self, name)
        parts += [f"{reference.id} {reference.name}" for reference in self.references]
        return "\n".join(parts)

    @classmethod
    def from_data(cls, data: Mapping[str, Any], path: Path) -> Entry:
        """Build an entry from the parsed content of a file that lints clean."""
        matches = data["matches"]
        values: dict[str, Any] = {name: tuple(data[name]) for name in SECTIONS}
        for name in ("id", "slug", "title", "risk_type", "severity", "summary", "source", "licence"):
            values[name] = str(data[name]).strip()
        return cls(
            **values,
            matches=Matches(**{name: tuple(matches.get(name, ())) for name in MATCH_KEYS}),
            plan=tuple(
                PlanTemplate(cast(Any, step["mode"]), step["text"], step.get("action", ""), step.get("target", ""),
                             step.get("params", {}))
                for step in data["plan"]
            ),
            techniques=tuple(data["techniques"]),
            references=tuple(
                Reference(item["id"], item["name"], item.get("url") or reference_url(item["id"]))
                for item in data["references"]
            ),
            path=path,
        )  # fmt: skip


MATCH_KEYS = ("detectors", "keyword_detectors", "techniques", "keywords")

_REFERENCE_SITES = (
    (re.compile(r"T(\d{4})\.(\d{3})"), r"https://attack.mitre.org/techniques/T\1/\2/"),
    (re.compile(r"T(\d{4})"), r"https://attack.mitre.org/techniques/T\1/"),
    (re.compile(r"M(\d{4})"), r"https://attack.mitre.org/mitigations/M\1/"),
    (re.compile(r"CWE-(\d+)"), r"https://cwe.mitre.org/data/definitions/\1.html"),
    (re.compile(r"CAPEC-(\d+)"), r"https://capec.mitre.org/data/definitions/\1.html"),
    (re.compile(r"CVE-(\d{4})-(\d{4,})"), r"https://nvd.nist.gov/vuln/detail/CVE-\1-\2"),
    (re.compile(r"RFC (\d+)"), r"https://www.rfc-editor.org/rfc/rfc\1"),
)


def reference_url(identifier: str) -> str:
    """The address of a well-known identifier (ATT&CK, CWE, CAPEC, CVE, RFC); empty for any other."""
    for pattern, site in _REFERENCE_SITES:
        found = pattern.fullmatch(identifier)
        if found:
            return found.expand(site)
    return ""
