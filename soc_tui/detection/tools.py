"""What the risk detection tools have in common: one protocol, ``check(target, watch) -> findings``.

A tool looks at what is there (a machine, a website, a database, files) where a rule of
:mod:`soc_tui.detection.detectors` looks at what was logged. It is pure: it reads its target and yields :class:`Finding`
objects. The engine keeps each as an event of OCSF's finding classes (:func:`events_of`), and the rule
``tool_finding.sql`` makes alerts of those events, so what a tool finds can be hunted for, archived, suppressed and
explained like everything else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from soc_tui.core.clock import naive_utc
from soc_tui.core.schema import NORMALISED, OcsfClass

EVIDENCE_BYTES = 4096
"""The most that is kept of the bytes that show a finding."""


@dataclass(frozen=True)
class Finding:
    """One thing that a tool found."""

    check: str
    """The stable name of the check within its tool, e.g. ``sshd-permit-root-login`` or an advisory's id."""
    title: str
    """What, in a phrase; no bytes of the target without need."""
    severity: str
    """info, low, medium, high or critical."""
    confidence: float
    """How sure it is that this is real, 0 to 1; becomes the score of the finding."""
    target: str
    """Where: the package, URL, service, or file, as precisely as possible (``/etc/ssh/sshd_config:33``)."""
    evidence: bytes = b""
    """The exact bytes or response that show it; at most :data:`EVIDENCE_BYTES` are kept."""
    kind: str = "detection"
    """``vulnerability``, ``compliance`` (a setting that should be another) or ``detection`` (a bad thing)."""
    risk_type: str = ""
    """One of ``core.types.RISK_TYPES``; empty: the tool's."""
    techniques: tuple[str, ...] = ()
    """ATT&CK techniques."""
    weaknesses: tuple[str, ...] = ()
    """CWE ids."""
    vulnerabilities: tuple[str, ...] = ()
    """CVE and advisory ids."""
    exploited: bool = False
    """Exploited in the wild (CISA KEV)."""
    remedy: str = ""
    """What to do, in a sentence."""
    host: str = ""
    ip: str = ""
    port: int = 0
    url_host: str = ""
    url_path: str = ""
    file_path: str = ""
    file_hash: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    """More that helps to judge it, by name."""


@dataclass(frozen=True)
class Watch:
    """How a check tells what it does while it runs, and learns that it shall stop."""

    note: Callable[[str], None] = lambda _: None
    """Takes a sentence about what could not be looked at: a missing program, an unreadable file, a host away."""
    progress: Callable[[str, int, int], None] = lambda *_: None
    """Takes what is looked at, how many are done, and of how many (0: unknown)."""
    stopping: Callable[[], bool] = lambda: False
    """True once the check shall end; asked between any two files, requests or packages."""


class Tool(Protocol):
    """One risk detection tool of the paper's module."""

    @property
    def name(self) -> str:
        """Its detector's name, e.g. ``system-vulnerability``."""
        ...

    @property
    def risk_type(self) -> str:
        """The risk type of findings that do not tell theirs."""
        ...

    def check(self, target: str, watch: Watch) -> Iterator[Finding]:
        """Look at a target; what it finds comes one by one, the gravest of a part first.

        Raises:
            SocTuiError: the target is none that this tool may look at. What goes wrong while looking is a note.
        """
        ...


_CLASSES = {
    "vulnerability": OcsfClass.VULNERABILITY_FINDING, "compliance": OcsfClass.COMPLIANCE_FINDING,
    "detection": OcsfClass.DETECTION_FINDING,
}  # fmt: skip
FORMAT = "scan"
"""The format of a scan's source: it has no file, and its offsets count findings."""
PRODUCT = "soc-tui"
"""``product`` of the events that tools make; ``log_name`` is the tool."""


def events_of(found: Sequence[tuple[Tool, Finding]], host: str, time: datetime, first: int) -> pa.Table:
    """The findings as events.

    Args:
        found: findings in order, each with the tool whose it is.
        host: this machine's name, for findings that name none.
        time: when it was looked.
        first: the running number of the first one, which is its ``source_offset``.

    Returns:
        Schema :data:`soc_tui.core.schema.NORMALISED`.
    """
    rows = [_row(one, tool, host, naive_utc(time), first + number) for number, (tool, one) in enumerate(found)]
    return pa.Table.from_pylist(rows, NORMALISED)


def _row(one: Finding, tool: Tool, host: str, time: datetime, number: int) -> dict[str, Any]:
    shown = one.evidence[:EVIDENCE_BYTES]
    extra: dict[str, Any] = {
        "confidence": one.confidence, "target": one.target, "kind": one.kind, "techniques": list(one.techniques),
        "cwe": list(one.weaknesses), "cve": list(one.vulnerabilities), "exploited": one.exploited, "remedy": one.remedy,
        "evidence": shown.decode("utf-8", "backslashreplace"), "fields": one.fields,
    }  # fmt: skip
    try:
        shown.decode()
    except UnicodeDecodeError:
        extra["evidence_base64"] = base64.b64encode(shown).decode()
    return {
        "time": time, "class_uid": _CLASSES[one.kind], "activity": "scan", "product": PRODUCT, "log_name": tool.name,
        "source_offset": number, "source_length": 0, "host": one.host or host, "status": "unknown",
        "severity": one.severity, "message": f"{one.title}: {one.target}", "dst_ip": one.ip or None,
        "dst_port": one.port or None, "url_host": one.url_host or None, "url_path": one.url_path or None,
        "file_path": one.file_path or None, "file_hash": one.file_hash or None, "rule_id": one.check,
        "rule_name": one.title, "rule_category": one.risk_type or tool.risk_type,
        "extra": json.dumps({name: value for name, value in extra.items() if value not in ("", [], {}, False)}),
    }  # fmt: skip
