"""Installed packages against advisories: one finding per package and vulnerability, the exploited ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from soc_tui.detection.advised import Advised, exploited_fields
from soc_tui.detection.system.packages.package import Package
from soc_tui.detection.tools import Finding, Watch
from soc_tui.detection.versions import ECOSYSTEMS
from soc_tui.knowledge.advisories.store import Advisory

_ORDER = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}


@dataclass
class _Hit:
    """What is known of one vulnerability of one package."""

    package: Package
    key: str
    """The stable name: the CVE id when the advisory has one, else its own id."""
    advisories: list[Advisory]
    fixed: str
    """The first version that is not affected; empty: unknown."""


def findings(
    packages: Sequence[Package], base: str, advised: Advised, speaks: Callable[[str], bool], watch: Watch
) -> list[Finding]:
    """What the advisories say of packages of one ecosystem.

    Args:
        packages: all of one OSV ecosystem.
        base: that ecosystem, without what follows a colon.
        advised: the advisories, and what is exploited.
        speaks: whether an ecosystem as an advisory names it (``Debian:12``) is about this machine's release.
        watch: takes notes of versions that cannot be read.

    Returns:
        The exploited ones first, then by severity and score.
    """
    if base not in ECOSYSTEMS or not packages:
        return []
    by_name: dict[str, list[Package]] = {}
    for package in packages:
        for name in (package.name, *package.other_names):
            by_name.setdefault(name, []).append(package)
    hits: dict[str, dict[str, _Hit]] = {}
    for package, advisory, fixed in advised.hits(base, by_name, watch, speaks):
        _add(hits.setdefault(package.target, {}), package, advisory, fixed)
    made = [_finding(hit, advised) for one in hits.values() for hit in _folded(one).values()]
    return sorted(made, key=lambda one: (not one.exploited, _ORDER[one.severity], -_score(one), one.target, one.check))


def _score(one: Finding) -> float:
    return float(one.fields.get("cvss") or 0)


def _add(hits: dict[str, _Hit], package: Package, advisory: Advisory, fixed: str) -> None:
    cves = advisory.cves
    if len(cves) == 1:
        key = cves[0]
    elif cves:
        key = advisory.id  # one notice about many: a distribution's
    else:
        key = min(advisory.id, *advisory.aliases) if advisory.aliases else advisory.id
    hit = hits.setdefault(key, _Hit(package, key, [], fixed))
    hit.advisories.append(advisory)
    hit.fixed = hit.fixed or fixed


def _folded(hits: Mapping[str, _Hit]) -> dict[str, _Hit]:
    """Without the notices about many vulnerabilities each of which another advisory tells by itself."""
    kept = dict(hits)
    for key, hit in hits.items():
        cves = {cve for one in hit.advisories for cve in one.cves}
        if key not in cves and cves and all(cve in hits for cve in cves):
            for cve in sorted(cves):
                kept[cve].advisories += hit.advisories
            del kept[key]
    return kept


def _finding(hit: _Hit, advised: Advised) -> Finding:
    package = hit.package
    first = min(hit.advisories, key=lambda one: (_ORDER.get(one.severity, 9), one.id))
    own = [one for one in hit.advisories if hit.key in one.cves or hit.key == one.id or hit.key in one.aliases]
    cves = {hit.key} if hit.key.startswith("CVE-") else {cve for one in own for cve in one.cves}
    known = advised.known(cves)
    scores = [one.score for one in hit.advisories if one.score is not None]
    severity = "critical" if known else first.severity or "medium"
    summary = next((one.summary for one in hit.advisories if one.summary), "")
    ids = _each(hit.key, *(name for one in hit.advisories for name in (one.id, *one.aliases)))
    if hit.key.startswith("CVE-"):
        ids = tuple(name for name in ids if name == hit.key or not name.startswith("CVE-"))
    told = {
        "package": package.name, "installed": package.version, "fixed in": hit.fixed, "summary": summary[:500],
        "cvss": f"{max(scores):.1f}" if scores else "", "binary packages": ", ".join(package.parts[:50]),
        "line": str(package.line or ""), "advisory": first.source,
    }  # fmt: skip
    cwes = [cwe for one in hit.advisories for cwe in one.cwes] + [cwe for one in known for cwe in one.cwes]
    heading = "Exploited in the wild" if known else "Vulnerable package"
    return Finding(
        check=hit.key, title=f"{heading}: {hit.key} in {package.name} {package.version}", severity=severity,
        confidence=0.95 if hit.fixed else 0.85, target=package.target, evidence=package.evidence, kind="vulnerability",
        techniques=("T1190", "T1203") if known else (),
        weaknesses=_each(*cwes),
        vulnerabilities=ids, exploited=bool(known), remedy=_remedy(hit, exploited=bool(known)), file_path=package.file,
        fields={name: value for name, value in told.items() if value} | exploited_fields(known),
    )  # fmt: skip


def _remedy(hit: _Hit, *, exploited: bool) -> str:
    name = hit.package.name
    what = (
        f"Update {name} to {hit.fixed} or later."
        if hit.fixed
        else f"No fixed version of {name} is known: remove it, or shield it."
    )
    if exploited:
        return f"{what} It is being exploited: look for signs of that before and after."
    return what


def _each(*values: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def grouped(packages: Iterable[Package], base_of: Callable[[str], str]) -> Iterator[tuple[str, list[Package]]]:
    """The packages by OSV ecosystem; those of a kind that has none are left out."""
    found: dict[str, list[Package]] = {}
    for package in packages:
        base = {"pypi": "PyPI", "npm": "npm"}.get(package.kind) or base_of(package.kind)
        if base:
            found.setdefault(base, []).append(package)
    yield from sorted(found.items())
