"""Which distribution this is, and which OSV ecosystems speak about its packages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from soc_tui.detection.rooted import Root, lines_of
from soc_tui.detection.tools import Watch

_FILES = ("etc/os-release", "usr/lib/os-release")
_LINE = re.compile(r"([A-Z][A-Z0-9_]*)=(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|(\S*))\s*")
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class Distribution:
    """What os-release(5) says."""

    id: str = ""
    like: tuple[str, ...] = ()
    version_id: str = ""
    codename: str = ""
    pretty: str = ""

    def base(self, kind: str) -> str:
        """The OSV ecosystem (before its colon) of packages of a kind (``deb``, ``apk``, ``rpm``); empty: unknown."""
        known = _BASES.get(kind, {})
        for name in (self.id, *self.like):
            if name in known:
                return known[name]
        return ""

    def speaks(self, ecosystem: str) -> bool:
        """Whether an ecosystem of :meth:`base`, as an advisory names it, is about this release."""
        base, colon, rest = ecosystem.partition(":")
        if not colon:
            return True
        major = self.version_id.partition(".")[0]
        parts = rest.split(":")
        releases = {
            "Debian": {major, self.version_id}, "AlmaLinux": {major, self.version_id}, "Mageia": {major},
            "Rocky Linux": {major, self.version_id}, "Azure Linux": {major, self.version_id},
            "Alpine": {f"v{'.'.join(self.version_id.split('.')[:2])}"}, "Photon OS": {self.version_id},
            "Alpaquita": {self.version_id, "stream" if not self.version_id else self.version_id},
        }.get(base)  # fmt: skip
        if releases is not None:
            return rest in releases - {""}
        if base == "Ubuntu":
            return self.version_id in parts
        if base == "Red Hat":
            return parts[0] == "enterprise_linux" and len(parts) > 1 and parts[1].partition(".")[0] == major
        return self._suse(rest) if base in ("SUSE", "openSUSE") else bool(self.version_id) and self.version_id in rest

    def _suse(self, rest: str) -> bool:
        if self.id.startswith("opensuse"):
            return rest in (f"Leap {self.version_id}", "Tumbleweed" if self.id == "opensuse-tumbleweed" else "")
        major, _, pack = self.version_id.partition(".")
        return rest.endswith(f" {major} SP{pack}" if pack else f" {major}")


_BASES = {
    "deb": {"debian": "Debian", "ubuntu": "Ubuntu"},
    "apk": {"alpine": "Alpine", "wolfi": "Wolfi", "chainguard": "Chainguard", "alpaquita": "Alpaquita"},
    "rpm": {
        "rhel": "Red Hat", "rocky": "Rocky Linux", "almalinux": "AlmaLinux", "opensuse-leap": "openSUSE",
        "opensuse-tumbleweed": "openSUSE", "opensuse": "openSUSE", "sles": "SUSE", "sle-micro": "SUSE", "sled": "SUSE",
        "mageia": "Mageia", "openEuler": "openEuler", "photon": "Photon OS", "azurelinux": "Azure Linux",
    },
}  # fmt: skip


def distribution(root: Root, watch: Watch) -> Distribution:
    """What the root's os-release says; empty when there is none."""
    for name in _FILES:
        data = root.read_noted(name, _MAX_BYTES, watch)
        if data is None:
            continue
        told = {}
        for _, line in lines_of(data):
            found = _LINE.fullmatch(line)
            if found:
                told[found[1]] = next(text for text in (*found.groups()[1:], "") if text is not None)
        return Distribution(
            id=told.get("ID", ""), like=tuple(told.get("ID_LIKE", "").split()), version_id=told.get("VERSION_ID", ""),
            codename=told.get("VERSION_CODENAME", ""), pretty=told.get("PRETTY_NAME", ""),
        )  # fmt: skip
    return Distribution()
