"""The tool: what a visit brought home, judged by the checks."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from soc_tui.core.settings import SEVERITIES, ScanSettings
from soc_tui.core.text import safe
from soc_tui.detection.advised import Advised, advice, exploited_fields
from soc_tui.detection.database.checks import Check, service_checks
from soc_tui.detection.database.target import Owned, owned, web_hosts
from soc_tui.detection.database.versions import Vulnerability, outdated, parse_version, products
from soc_tui.detection.database.visit import Visit, logins
from soc_tui.detection.tools import EVIDENCE_BYTES, Finding, Watch
from soc_tui.knowledge.advisories.store import Exploited

MAX_EVIDENCE_ROWS = 20
ECOSYSTEM = "Bitnami"
"""The one of OSV that speaks of servers by the version their makers gave them, which is what a banner tells."""
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


class _Server(NamedTuple):
    """A server as advisories know it."""

    version: str
    target: str


@dataclass(frozen=True)
class DatabaseTool:
    """The database vulnerability verification tool of the paper's module (:class:`soc_tui.detection.tools.Tool`)."""

    settings: ScanSettings = field(repr=False)
    """What is owned, perhaps with credentials, which is why it is in no representation."""
    knowledge_dir: Path | None = None
    """``knowledge`` in the workspace: advisories and what is exploited, beside the packaged table of versions."""
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
        if visit.link.version:
            with advice(self.settings, self.knowledge_dir, visit.watch, ECOSYSTEM) as known:
                found += self._versions(visit, known)
                found += _advisories(visit, known, {one.check for one in found})
        host = "" if visit.link.facts["where"]["setting"] == "loopback" else target.host
        for one in sorted(found, key=lambda one: (-SEVERITIES.index(one.severity), one.check)):
            yield replace(one, host=host, ip=visit.address, port=target.port)

    def _versions(self, visit: Visit, advised: Advised) -> Iterator[Finding]:
        """What the packaged table says of the version."""
        link = visit.link
        for one in outdated(link.product, link.version, self.today):
            if isinstance(one, Vulnerability):
                known = advised.known([one.cve])
                yield _vulnerable(visit, one.cve, one.title, one.severity, (one.cve,), known, one.source, one.exploited)
            else:
                branch, end = one
                yield Finding(
                    f"{link.product}-end-of-life", f"{link.product} {branch} is no longer repaired by its makers",
                    "high" if visit.exposed else "medium", 0.7, visit.target.shown, _told(visit).encode(),
                    "vulnerability", weaknesses=("CWE-1104",), remedy=f"Move to a branch that is repaired: this one "
                    f"ended on {end}, unless the distribution goes on repairing it.",
                    fields={
                        "version": visit.target.scrub(link.version), "end": str(end),
                        "source": products()[link.product].source,
                    },
                )  # fmt: skip


def _advisories(visit: Visit, advised: Advised, told: set[str]) -> Iterator[Finding]:
    """The grave and the exploited ones of the advisories, but for those that the packaged table has told."""
    link, lesser = visit.link, 0
    server = _Server(".".join(map(str, parse_version(link.version))), f"{link.product} of {visit.target.shown}")
    for _, one, _ in advised.hits(ECOSYSTEM, {link.product: [server]} if server.version else {}, visit.watch):
        name = one.cves[0] if len(one.cves) == 1 else one.id
        known = advised.known(one.cves)
        if name in told:
            continue
        told.add(name)
        if known or one.severity in {"high", "critical"}:
            yield _vulnerable(visit, name, one.summary[:160] or name, one.severity, one.cves, known, one.id)
        else:
            lesser += 1
    if lesser:
        visit.watch.note(f"{visit.target.shown} {lesser} lesser advisories about {_told(visit)}")


def _vulnerable(
    visit: Visit, name: str, title: str, severity: str, cves: tuple[str, ...], known: Sequence[Exploited], source: str,
    exploited: bool = False,
) -> Finding:  # fmt: skip
    exploited = exploited or bool(known)
    return Finding(
        name, f"{safe(title)} ({visit.link.product})", "critical" if known else severity, 0.6 if exploited else 0.4,
        visit.target.shown, _told(visit).encode(), "vulnerability", techniques=("T1190",), weaknesses=("CWE-1395",),
        vulnerabilities=cves, exploited=exploited, remedy=_REPAIRED,
        fields={"version": visit.target.scrub(visit.link.version), "source": source} | exploited_fields(known),
    )  # fmt: skip


def _told(visit: Visit) -> str:
    return f"{visit.link.product} {visit.target.scrub(visit.link.version)}"


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
