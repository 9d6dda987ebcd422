"""The tool: what a visit brought home, judged by the checks."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from soc_tui.core.settings import SEVERITIES, ScanSettings
from soc_tui.core.text import safe
from soc_tui.detection.database.advisories import advisories
from soc_tui.detection.database.checks import Check, service_checks
from soc_tui.detection.database.target import Owned, owned, web_hosts
from soc_tui.detection.database.versions import Vulnerability, outdated, products
from soc_tui.detection.database.visit import Visit, logins
from soc_tui.detection.tools import EVIDENCE_BYTES, Finding, Watch

MAX_EVIDENCE_ROWS = 20
_HELLO = {
    "postgresql": "SSLRequest, TLS where offered, StartupMessage of a read-only session",
    "mysql": "TLS where offered, handshake response without LOCAL INFILE, SET SESSION TRANSACTION READ ONLY",
    "redis": "PING (again over TLS where clear bytes are hung up on), AUTH where asked for, INFO server",
    "mongodb": "hello (again over TLS where clear bytes are hung up on), buildInfo, listDatabases or SCRAM",
}
_REPAIRED = (
    "Install the repaired version of its branch; a distribution may have repaired it without changing this number, so "
    "look the package up first."
)


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class DatabaseTool:
    """The database vulnerability verification tool of the paper's module (:class:`soc_tui.detection.tools.Tool`)."""

    settings: ScanSettings = field(repr=False)
    """What is owned, perhaps with credentials, which is why it is in no representation."""
    advisories: Path | None = None
    """A folder of advisories in OSV format (ecosystem Bitnami) beside the packaged table of versions."""
    pause: float = 1.0
    """Seconds between two tries to sign in."""
    today: date = field(default_factory=_today)
    """The day that ends of support are compared with."""

    @property
    def name(self) -> str:
        """``database-vulnerability``."""
        return "database-vulnerability"

    @property
    def risk_type(self) -> str:
        """``intrusion``."""
        return "intrusion"

    def check(self, target: str, watch: Watch) -> Iterator[Finding]:
        """Look at a database service, e.g. ``postgresql://10.0.0.5:5432``; the gravest finding comes first.

        Raises:
            UsageError: it is not among ``scan.databases``, or is no database URL. Nothing was sent then.
        """
        return self._look(owned(target, self.settings.databases), watch)

    def requests(self, target: str) -> list[str]:
        """Everything that a check of the target may send, a line each; nothing is sent now.

        Raises:
            UsageError: as for :meth:`check`.
        """
        known = owned(target, self.settings.databases)
        checks = service_checks(known.service)
        lines = [
            f"{known.shown} connect, {_HELLO[known.service]}, sign in {login.shown}"
            + (f" [{login.source}]" if login.source else "")
            for login in logins(known, checks)
        ]
        return lines + [f"{known.shown} {question}" for several in checks.reads.values() for question in several]

    def _look(self, target: Owned, watch: Watch) -> Iterator[Finding]:
        addresses = _addresses(target.host)
        if not addresses:
            watch.note(f"{target.shown} has no address")
            return
        checks = service_checks(target.service)
        visit = Visit(target, checks, addresses, max(self.settings.timeout_seconds, 0.1), self.pause, watch)
        if not visit.make():
            return
        sites = web_hosts(self.settings.websites) if visit.answers.get("sessions") else ()
        web = frozenset(address for host in sites for address in _addresses(host))
        found = [finding for check in checks.checks if (finding := _judged(check, visit, web))]
        found += self._versions(visit)
        found += self._advisories(visit, {one.check for one in found})
        host = "" if visit.link.facts["where"]["setting"] == "loopback" else target.host
        for one in sorted(found, key=lambda one: (-SEVERITIES.index(one.severity), one.check)):
            yield replace(one, host=host, ip=visit.address, port=target.port)

    def _versions(self, visit: Visit) -> Iterator[Finding]:
        link, target = visit.link, visit.target
        shown = target.scrub(link.version)
        evidence = f"{link.product} {shown}".encode()
        for one in outdated(link.product, link.version, self.today):
            if isinstance(one, Vulnerability):
                yield Finding(
                    one.cve, f"{one.title} ({link.product})", one.severity, 0.6 if one.exploited else 0.4, target.shown,
                    evidence, "vulnerability", techniques=("T1190",), weaknesses=("CWE-1395",),
                    vulnerabilities=(one.cve,), exploited=one.exploited, remedy=_REPAIRED,
                    fields={"version": shown, "source": one.source},
                )  # fmt: skip
            else:
                branch, end = one
                yield Finding(
                    f"{link.product}-end-of-life", f"{link.product} {branch} is no longer repaired by its makers",
                    "high" if visit.exposed else "medium", 0.7, target.shown, evidence, "vulnerability",
                    weaknesses=("CWE-1104",), remedy=f"Move to a branch that is repaired: this one ended on {end}, "
                    "unless the distribution goes on repairing it.",
                    fields={"version": shown, "end": str(end), "source": products()[link.product].source},
                )  # fmt: skip

    def _advisories(self, visit: Visit, told: set[str]) -> Iterator[Finding]:
        """The grave ones of the folder, but for those that the packaged table has told."""
        link, lesser = visit.link, 0
        if self.advisories is None or not link.version:
            return
        shown = visit.target.scrub(link.version)
        for one in advisories(self.advisories, link.product, link.version, visit.watch):
            if one.severity not in {"high", "critical"}:
                lesser += 1
            elif one.id not in told:
                yield Finding(
                    one.id, f"{safe(one.title)} ({link.product})", one.severity, 0.4, visit.target.shown,
                    f"{link.product} {shown}".encode(), "vulnerability", techniques=("T1190",),
                    weaknesses=("CWE-1395",), vulnerabilities=one.cves, remedy=_REPAIRED,
                    fields={"version": shown, "source": one.source},
                )  # fmt: skip
        if lesser:
            visit.watch.note(f"{visit.target.shown} {lesser} lesser advisories about {link.product} {shown}")


def _judged(check: Check, visit: Visit, web: frozenset[str]) -> Finding | None:
    rows = check.evidence(visit.answers, web)
    if not rows:
        return None
    lines = []
    for read, row in rows[:MAX_EVIDENCE_ROWS]:
        told = row["answer"] if read == "link" else ", ".join(f"{name}={value}" for name, value in row.items())
        lines.append(visit.target.scrub(told or f"{row['name']}={row['setting']}"))
    reads = dict.fromkeys(read for read, _ in rows if read != "link")
    asked = "; ".join(question for read in reads for question in visit.checks.reads[read])
    return Finding(
        check.id, check.title, check.exposed if visit.exposed else check.severity, check.confidence, visit.target.shown,
        "\n".join(lines).encode()[:EVIDENCE_BYTES], check.kind, techniques=check.techniques, weaknesses=check.cwe,
        remedy=check.remedy, fields={"asked": asked[:600]} if asked else {},
    )  # fmt: skip


def _addresses(host: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
