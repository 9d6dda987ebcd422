"""Which files the package manager has put there, and whether they are still as it did."""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property

from soc_tui.detection.rooted import Root
from soc_tui.detection.system.packages import apk, dpkg
from soc_tui.detection.tools import Watch

_INFO = "var/lib/dpkg/info"
_MAX_BYTES = 64 * 1024 * 1024
_MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")


def canonical(path: str) -> str:
    """A path as it is compared: ``/bin``, ``/lib`` and ``/sbin`` are ``/usr``'s on a merged root."""
    first, _, rest = path.strip("/").partition("/")
    return f"/usr/{first}/{rest}" if first in _MERGED and rest else f"/{path.strip('/')}"


class Owned:
    """The files of dpkg's and apk's packages. RPM's checksums are in a database of its own, so nothing is known there.

    Args:
        root: the machine.
        watch: takes notes of lists that cannot be read.
    """

    def __init__(self, root: Root, watch: Watch) -> None:
        self._root = root
        self._watch = watch

    @cached_property
    def _dpkg_files(self) -> frozenset[str]:
        found: set[str] = set()
        for name in self._root.names(_INFO):
            if name.endswith(".list"):
                data = self._root.read_noted(f"{_INFO}/{name}", _MAX_BYTES, self._watch) or b""
                found.update(canonical(line) for line in data.decode("utf-8", "surrogateescape").split("\n") if line)
        return frozenset(found)

    @cached_property
    def _sums(self) -> dict[str, str]:
        """Path to ``md5:...`` or ``sha1:...``."""
        found: dict[str, str] = {}
        for name in self._root.names(_INFO):
            if name.endswith(".md5sums"):
                data = self._root.read_noted(f"{_INFO}/{name}", _MAX_BYTES, self._watch) or b""
                for line in data.decode("utf-8", "surrogateescape").split("\n"):
                    digest, _, path = line.partition("  ")
                    if len(digest) == 32 and path:
                        found[canonical(path)] = f"md5:{digest}"
        status = self._root.read_noted(dpkg.STATUS, 4 * _MAX_BYTES, self._watch) or b""
        inside = False
        for line in status.decode("utf-8", "surrogateescape").split("\n"):
            if inside and line.startswith(" "):
                parts = line.split()
                if len(parts) >= 2 and len(parts[1]) == 32:
                    found[canonical(parts[0])] = f"md5:{parts[1]}"
            inside = line.startswith("Conffiles:") or (inside and line.startswith(" "))
        return found | self._apk_sums

    @cached_property
    def _apk_sums(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for file in apk.FILES:
            data = self._root.read_noted(file, 4 * _MAX_BYTES, self._watch)
            if data is None:
                continue
            folder = name = ""
            for line in data.decode("utf-8", "surrogateescape").split("\n"):
                key, _, value = line.partition(":")
                if key == "F":
                    folder = value
                elif key == "R":
                    name = canonical(f"{folder}/{value}")
                    found[name] = ""
                elif key == "Z" and name and value.startswith("Q1"):
                    try:
                        found[name] = f"sha1:{base64.b64decode(value[2:], validate=True).hex()}"
                    except ValueError:
                        continue
            break
        return found

    def has(self, path: str) -> bool:
        """Whether a package brought this file."""
        name = canonical(path)
        return name in self._dpkg_files or name in self._apk_sums

    def unchanged(self, path: str, content: bytes) -> bool:
        """Whether a package brought this file, and with this very content."""
        kind, _, digest = self._sums.get(canonical(path), "").partition(":")
        # what the package managers write down is md5 and sha1; nothing else can be compared
        made = hashlib.new(kind, content, usedforsecurity=False).hexdigest() if kind else ""
        return bool(digest) and made == digest

    def replaced(self, path: str) -> bool:
        """Whether there is another file of this name now, as after an update."""
        return self._root.exists(path)
