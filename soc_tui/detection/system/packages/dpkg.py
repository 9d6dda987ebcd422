"""Debian packages: ``/var/lib/dpkg/status``, and ``status.d`` of images without dpkg."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from soc_tui.detection.rooted import Root, shown
from soc_tui.detection.system.packages.package import Package
from soc_tui.detection.system.packages.stanzas import Stanza, stanzas
from soc_tui.detection.tools import Watch

STATUS = "var/lib/dpkg/status"
_FOLDER = "var/lib/dpkg/status.d"
_MAX_BYTES = 256 * 1024 * 1024
_WANTED = frozenset({"Package", "Status", "Version", "Source", "Architecture"})
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{0,199}")
_SOURCE = re.compile(r"([a-z0-9][a-z0-9+.-]{0,199})(?: \(([^()\s]{1,200})\))?")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.+:~-]{0,199}")


def packages(root: Root, distribution: str, watch: Watch) -> list[Package]:
    """The installed packages by their source, which is what Debian's and Ubuntu's advisories name.

    Args:
        root: the machine.
        distribution: ``debian``, ``ubuntu`` ...
        watch: takes notes of blocks that cannot be read.
    """
    files = [STATUS, *(f"{_FOLDER}/{name}" for name in root.names(_FOLDER) if not name.endswith(".md5sums"))]
    by_source: dict[tuple[str, str], Package] = {}
    for file in files:
        data = root.read_noted(file, _MAX_BYTES, watch)
        for package in _packages(data or b"", file, distribution, watch):
            key = (package.name, package.version)
            before = by_source.get(key)
            by_source[key] = replace(before, parts=(*before.parts, *package.parts)) if before else package
    return list(by_source.values())


def _packages(data: bytes, file: str, distribution: str, watch: Watch) -> Iterator[Package]:
    damaged = 0
    for stanza in stanzas(data, _WANTED):
        if stanza.values.get("Status", "install ok installed").split()[-1:] not in (["installed"], ["triggers-pending"],
                ["triggers-awaited"], ["half-configured"], ["unpacked"]):  # fmt: skip
            continue  # removed, only its settings are left
        package = _package(stanza, file, distribution)
        if package is not None:
            yield package
            continue
        damaged += 1
        if damaged <= 20:
            watch.note(f"{shown(file)}:{stanza.line}: {stanza.damage or 'names no package and version'}; not looked at")
    if damaged > 20:
        watch.note(f"{shown(file)}: {damaged} blocks could not be read")


def _package(stanza: Stanza, file: str, distribution: str) -> Package | None:
    name, version = stanza.values.get("Package", ""), stanza.values.get("Version", "")
    if stanza.damage or not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        return None
    source = _SOURCE.fullmatch(stanza.values.get("Source", name))
    if source is None:
        return None
    return Package(
        kind="deb", name=source[1], version=source[2] or version, file=shown(file), line=stanza.line,
        evidence=stanza.evidence("Package", "Source", "Version"), distribution=distribution, parts=(name,),
    )  # fmt: skip
