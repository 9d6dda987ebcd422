"""Which versions of the database servers are past their end or known to be vulnerable: ``checks/versions.yaml``.

A banner tells the version that the makers released. Distributions repair without changing it, so a finding by version
alone is a question (confidence below one half for CVEs) that the system tool, which sees packages, answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from soc_tui.core.settings import SEVERITIES
from soc_tui.detection.database.checks import CHECKS, REMEDY, CheckError, line_of, read_mapping

Version = tuple[int, ...]
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


@dataclass(frozen=True)
class Vulnerability:
    """One severe vulnerability and the first version of each branch without it."""

    cve: str
    title: str
    severity: str
    fixed: Mapping[str, Version]
    """By branch (``15``, ``7.2``)."""
    since: Version
    """Older versions do not have it; empty: all older branches than the listed have it too."""
    exploited: bool
    source: str

    def affects(self, version: Version) -> bool:
        """Whether a version lies below the repair of its branch, or on a branch that never got one."""
        if self.since and version < self.since:
            return False
        branches = {_numbers(branch): repair for branch, repair in self.fixed.items()}
        for branch, repair in branches.items():
            if version[: len(branch)] == branch:
                return version < repair
        return version < max(branches)


@dataclass(frozen=True)
class Product:
    """One kind of server."""

    ends: Mapping[str, date]
    """The last day of support by branch, as far as it is known."""
    source: str
    vulnerabilities: tuple[Vulnerability, ...]

    def end_of(self, version: Version) -> tuple[str, date | None]:
        """The branch of a version and its last day; a branch older than all that are known ended before them.

        Branches that are not known and newer have no end here.
        """
        branches = {_numbers(branch): (branch, end) for branch, end in self.ends.items()}
        for numbers, (branch, end) in branches.items():
            if version[: len(numbers)] == numbers:
                return branch, end
        first = min(branches, default=())
        return ".".join(map(str, version[: len(first)])), branches[first][1] if version < first else None


def parse_version(text: str) -> Version:
    """The leading numbers: ``15.18 (Debian ...)`` and ``5.5.5-10.11.6-MariaDB`` (as MariaDB greets old clients)."""
    found = re.match(r"(?:5\.5\.5-(?=\d+\.\d+\.\d+-mariadb))?(\d{1,6}(?:\.\d{1,6}){0,3})", text.strip(), re.IGNORECASE)
    return _numbers(found.group(1)) if found else ()


@cache
def products() -> Mapping[str, Product]:
    """The packaged table."""
    return read_products(CHECKS / "versions.yaml")


def read_products(path: Path) -> dict[str, Product]:
    """A table of versions.

    Raises:
        CheckError: it breaks the schema; names file and line.
    """
    data, node = read_mapping(path)

    def error(message: str, *where: Any) -> CheckError:
        return CheckError(message, source=path, line=line_of(node, where), remedy=REMEDY)

    def product(name: str, item: Any) -> Product:
        if not isinstance(item, dict) or not {"source", "ends"} <= set(item) <= {"source", "ends", "vulnerabilities"}:
            raise error("a product has source, ends and vulnerabilities", name)
        if not isinstance(item["ends"], dict):
            raise error("ends must be a mapping of branches to days", name, "ends")
        for branch, end in item["ends"].items():
            if not isinstance(branch, str) or not parse_version(branch) or not isinstance(end, date):
                raise error(f"{branch!r} must be a branch in quotes, and its end a day", name, "ends", branch)
        found = tuple(vulnerability(name, n, one) for n, one in enumerate(item.get("vulnerabilities") or []))
        return Product(item["ends"], str(item["source"]), found)

    def vulnerability(name: str, number: int, item: Any) -> Vulnerability:
        where = (name, "vulnerabilities", number)
        known = {"cve", "title", "severity", "fixed", "since", "exploited", "source"}
        if not isinstance(item, dict) or not {"cve", "title", "severity", "fixed", "source"} <= set(item) <= known:
            raise error(f"a vulnerability has {', '.join(sorted(known))}", *where)
        if not _CVE.fullmatch(str(item["cve"])) or item["severity"] not in SEVERITIES:
            raise error("cve or severity is none", *where)
        fixed = item["fixed"]
        if (
            not isinstance(fixed, dict)
            or not fixed
            or not all(isinstance(text, str) for text in (*fixed, *fixed.values()))
        ):
            raise error("fixed must be a mapping of branches to versions, both in quotes", *where, "fixed")
        for branch, version in fixed.items():
            if not (numbers := parse_version(branch)) or parse_version(version)[: len(numbers)] != numbers:
                raise error(f"{version!r} is no version of branch {branch!r}", *where, "fixed", branch)
        return Vulnerability(
            item["cve"], str(item["title"]), item["severity"], {b: parse_version(v) for b, v in fixed.items()},
            parse_version(str(item.get("since", ""))), item.get("exploited") is True, str(item["source"]),
        )  # fmt: skip

    return {str(name): product(str(name), item) for name, item in data.items()}


def outdated(name: str, text: str, today: date) -> Iterator[tuple[str, date] | Vulnerability]:
    """What is known against a version: its branch and the day that it ended, then its vulnerabilities.

    Args:
        name: the product.
        text: the version as the server tells it.
        today: ends before this day count.
    """
    known, version = products().get(name), parse_version(text)
    if known is None or not version:
        return
    branch, end = known.end_of(version)
    if end is not None and end < today:
        yield branch, end
    yield from (one for one in known.vulnerabilities if one.affects(version))


def _numbers(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))
