"""Advisories in OSV format about upstream versions of database servers, from a local folder.

OSV's ecosystem ``Bitnami`` is the one that speaks of servers by the version their makers gave them, which is what a
banner tells; its files are called ``BIT-PRODUCT-YEAR-NUMBER.json``, so only those about one product are opened. Source:
OSV schema 1.7, https://ossf.github.io/osv-schema/.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soc_tui.detection.database.versions import Version, parse_version
from soc_tui.detection.tools import Watch

MAX_BYTES, MAX_FILES = 512 * 1024, 5000
_ECOSYSTEM = "Bitnami"
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


@dataclass(frozen=True)
class Advisory:
    """One that is about a version."""

    id: str
    """The CVE where there is exactly one, else the advisory's own id."""
    cves: tuple[str, ...]
    title: str
    severity: str
    source: str
    """Its own id."""


def advisories(folder: Path, product: str, version: str, watch: Watch) -> Iterator[Advisory]:
    """The advisories of a folder (or its subfolder ``Bitnami``) that are about a version.

    Args:
        folder: of OSV files; a file that cannot be read is a note and no more.
        product: postgresql, mysql, mariadb, redis, valkey or mongodb.
        version: as the server tells it.
        watch: takes the notes.
    """
    known = parse_version(version)
    files = sorted(path for place in (folder, folder / _ECOSYSTEM) for path in place.glob(f"BIT-{product}-[0-9]*.json"))
    if len(files) > MAX_FILES:
        watch.note(f"{folder} has {len(files)} advisories about {product}; the first {MAX_FILES} were read")
    for path in files[:MAX_FILES] if known else ():
        if watch.stopping():
            return
        try:
            one = _read(path)
            if any(_about(entry, product, known) for entry in _maps(one.get("affected"))):
                yield _advisory(one, path.stem)
        except (OSError, ValueError, RecursionError) as error:
            watch.note(f"{path}: cannot be read as an advisory: {error}")


def _read(path: Path) -> Mapping[str, Any]:
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(number, "rb") as file:  # noqa: PTH123 - a descriptor, so that no link is followed
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"longer than {MAX_BYTES} bytes")
    data = json.loads(raw)
    if not isinstance(data, dict):
        raise ValueError("no mapping")
    return data


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _about(entry: Mapping[str, Any], product: str, version: Version) -> bool:
    package = entry.get("package")
    if not isinstance(package, dict) or (package.get("ecosystem"), package.get("name")) != (_ECOSYSTEM, product):
        return False
    ranges = [one for one in _maps(entry.get("ranges")) if one.get("type") == "SEMVER"]
    return any(_within(_maps(one.get("events")), version) for one in ranges)


def _within(events: list[Mapping[str, Any]], version: Version) -> bool:
    """OSV's evaluation: the last event at or below the version decides."""
    hit, mine = False, _padded(version)
    told = sorted((_padded(parse_version(str(text))), word) for event in events for word, text in event.items())
    for at, word in told:
        if word == "introduced" and mine >= at:
            hit = True
        elif (word == "fixed" and mine >= at) or (word == "last_affected" and mine > at):
            hit = False
    return hit


def _padded(version: Version) -> Version:
    return (*version, 0, 0, 0, 0)[:4]


def _advisory(one: Mapping[str, Any], own: str) -> Advisory:
    aliases = one.get("aliases")
    names = aliases if isinstance(aliases, list) else ()
    cves = tuple(sorted({name for name in names if isinstance(name, str) and _CVE.fullmatch(name)}))
    specific = one.get("database_specific")
    word = str(specific.get("severity", "")).lower() if isinstance(specific, dict) else ""
    severity = word if word in {"low", "medium", "high", "critical"} else "medium"
    text = str(one.get("summary") or one.get("details") or own).split("\n", 1)[0]
    return Advisory(cves[0] if len(cves) == 1 else own, cves, text[:160], severity, own)
