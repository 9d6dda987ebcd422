"""Alpine packages: ``/lib/apk/db/installed`` (apk-tools' database, one letter per field)."""

from __future__ import annotations

from dataclasses import replace

from soc_tui.detection.rooted import Root, shown
from soc_tui.detection.system.packages.package import Package
from soc_tui.detection.system.packages.stanzas import stanzas
from soc_tui.detection.tools import Watch

FILES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_MAX_BYTES = 256 * 1024 * 1024


def packages(root: Root, distribution: str, watch: Watch) -> list[Package]:
    """The installed packages by their origin (``o:``), which is what Alpine's advisories name."""
    by_origin: dict[tuple[str, str], Package] = {}
    for file in FILES:
        data = root.read_noted(file, _MAX_BYTES, watch)
        if data is None:
            continue
        damaged = 0
        for stanza in stanzas(data, frozenset({"P", "V", "o"})):
            name, version = stanza.values.get("P", ""), stanza.values.get("V", "")
            if stanza.damage or not 0 < len(name) <= 200 or not version:
                damaged += 1
                if damaged <= 20:
                    said = stanza.damage or "names no package and version"
                    watch.note(f"{shown(file)}:{stanza.line}: {said}; not looked at")
                continue
            origin = stanza.values.get("o") or name
            package = Package(
                kind="apk", name=origin, version=version, file=shown(file), line=stanza.line,
                evidence=stanza.evidence("P", "V", "o"), distribution=distribution, parts=(name,),
                other_names=(name,) if name != origin else (),
            )  # fmt: skip
            before = by_origin.get((origin, version))
            by_origin[origin, version] = (
                replace(
                    before, parts=(*before.parts, name),
                    other_names=tuple(dict.fromkeys((*before.other_names, *package.other_names))),
                ) if before else package
            )  # fmt: skip
        break
    return list(by_origin.values())
