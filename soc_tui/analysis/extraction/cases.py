"""The rows that extraction works on, and how an alert is said in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import pyarrow as pa

from soc_tui.core.severity import Severity
from soc_tui.detection.detectors import ALL_DETECTORS

TACTICS = (
    "reconnaissance",
    "resource development",
    "credential access",
    "initial access",
    "execution",
    "persistence",
    "privilege escalation",
    "defense evasion",
    "discovery",
    "lateral movement",
    "collection",
    "command and control",
    "exfiltration",
    "impact",
)
"""ATT&CK's enterprise tactics in the order in which an attack from outside usually comes by; it breaks ties of time.
Credential access stands before initial access, because what the first detectors see of it is guessing at a door."""

_TACTIC_OF = {
    "T1595": "reconnaissance", "T1592": "reconnaissance", "T1590": "reconnaissance", "T1046": "discovery",
    "T1018": "discovery", "T1087": "discovery", "T1083": "discovery", "T1110": "credential access",
    "T1003": "credential access", "T1558": "credential access", "T1078": "initial access", "T1190": "initial access",
    "T1133": "initial access", "T1566": "initial access", "T1189": "initial access", "T1059": "execution",
    "T1204": "execution", "T1047": "execution", "T1569": "execution", "T1203": "execution", "T1505": "persistence",
    "T1053": "persistence", "T1543": "persistence", "T1068": "privilege escalation", "T1027": "defense evasion",
    "T1021": "lateral movement", "T1210": "lateral movement", "T1570": "lateral movement",
    "T1071": "command and control",
    "T1095": "command and control", "T1105": "command and control", "T1568": "command and control",
    "T1571": "command and control", "T1572": "command and control", "T1573": "command and control",
    "T1041": "exfiltration", "T1048": "exfiltration", "T1567": "exfiltration", "T1498": "impact", "T1499": "impact",
    "T1496": "impact", "T1486": "impact",
}  # fmt: skip
"""The tactic under which a technique is told here; ATT&CK lists some under several."""

_PASSED_ON = frozenset({"suricata-alert", "zeek-notice"})
_GUESSES = frozenset({"flow-anomaly"})
_MAX_PHRASE = 80


@dataclass(frozen=True)
class Alert:
    """One row of ``store.casework.alerts_for_extraction``."""

    alert_id: int
    detector: str
    risk_type: str
    title: str
    severity: Severity
    score: float
    time: datetime | None
    time_last: datetime | None
    actor: str
    src_ip: str | None
    dst_ip: str | None
    dst_port: int | None
    host: str | None
    user_name: str | None
    target: str | None
    finding_count: int
    event_count: int
    techniques: tuple[str, ...]
    event_ids: tuple[int, ...]
    incident_id: int | None
    suppressed_by: int | None = None
    """The suppression that hides it."""

    @property
    def order(self) -> tuple[datetime, int, int]:
        """Time, then tactic, then number; an alert without a time comes first."""
        return (self.time or datetime.min, tactic_rank(self.tactic), self.alert_id)

    @property
    def technique(self) -> str:
        """The ATT&CK technique that says most about it; empty when none is known."""
        return _technique(self.detector, self.techniques)

    @property
    def tactic(self) -> str:
        """The ATT&CK tactic of :attr:`technique`; empty when none is known."""
        return _tactic(self.technique) or ("command and control" if self.risk_type == "trojan" else "")

    @property
    def victim(self) -> str:
        """The attacked machine; empty when the log does not tell.

        A network sensor's alert carries the sensor as its host, so the address comes first.
        """
        return self.dst_ip or ("" if self.detector == "port-scan" else self.host or "")

    @property
    def phrase(self) -> str:
        """What happened in a few words, without the numbers and names that differ from alert to alert."""
        if self.detector in _PASSED_ON or self.detector not in ALL_DETECTORS:
            return self.title[:_MAX_PHRASE]
        if self.detector in {"port-scan", "web-attack", "log-sign"}:
            return self.title.split(" by ", 1)[0]
        return ALL_DETECTORS[self.detector].title

    @property
    def is_guess(self) -> bool:
        """Whether it rests on a statistic alone and not on something that an attacker was seen to do."""
        return self.detector in _GUESSES or self.severity <= Severity.LOW


@dataclass(frozen=True)
class Support:
    """One row of ``store.casework.supporting_events``."""

    actor: str
    login: bool
    event_id: int
    time: datetime | None
    host: str | None
    user_name: str | None
    dst_ip: str | None
    user_agent: str | None
    url: str | None


def read_alerts(table: pa.Table) -> list[Alert]:
    """The rows of an Arrow table as alerts."""
    present = [name for name in Alert.__dataclass_fields__ if name in table.column_names]
    names = [name for name in present if name not in {"severity", "techniques", "event_ids"}]
    severities = {severity.word: severity for severity in Severity}
    return [
        Alert(
            severity=severities[row["severity"]],
            techniques=tuple(row["techniques"] or ()),
            event_ids=tuple(row["event_ids"] or ()),
            **{name: row[name] for name in names},
        )
        for row in _rows(table, present)
    ]


def read_support(table: pa.Table) -> list[Support]:
    """The rows of an Arrow table as supporting events."""
    return [Support(**row) for row in _rows(table, list(Support.__dataclass_fields__))]


@lru_cache(maxsize=64)
def tactic_rank(tactic: str) -> int:
    """The place of a tactic in :data:`TACTICS`; unknown ones come last."""
    return TACTICS.index(tactic) if tactic in TACTICS else len(TACTICS)


# An actor may have 100,000 alerts, of few kinds: kept by kind, not by alert (a cached property takes a lock each time).
@lru_cache(maxsize=4096)
def _technique(detector: str, techniques: tuple[str, ...]) -> str:
    rule = ALL_DETECTORS.get(detector)
    for name in rule.techniques if rule else ():
        if name in techniques:
            return name
    known = [name for name in techniques if _tactic(name)]
    return (known or [*techniques, ""])[0]


@lru_cache(maxsize=4096)
def _tactic(technique: str) -> str:
    return _TACTIC_OF.get(technique.split(".", 1)[0], "")


def _rows(table: pa.Table, names: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.select(names).to_pylist()
    return rows
