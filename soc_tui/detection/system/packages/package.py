"""One installed package, whoever installed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True)
class Package:
    """A package as its manager's database tells it."""

    kind: str
    """The type of its package URL (github.com/package-url): deb, apk, rpm, pypi, npm."""
    name: str
    """The name that advisories use (of a Debian or Alpine package that of its source)."""
    version: str
    file: str
    """The database, metadata or lock file that tells it, beginning with a slash."""
    line: int
    """The line there, counted from 1."""
    evidence: bytes
    """The exact bytes of that file that tell name and version."""
    place: str = ""
    """Where it lies, when a machine may have it more than once (the folder, the lock file); else empty."""
    distribution: str = ""
    """The namespace of its package URL: debian, ubuntu, alpine ...; empty for pypi and npm."""
    parts: tuple[str, ...] = field(default=())
    """The installed binary packages of the source."""
    other_names: tuple[str, ...] = ()
    """Further names that advisories may use."""

    @property
    def purl(self) -> str:
        """Its package URL, e.g. ``pkg:deb/debian/openssl@3.0.11-1``."""
        space = f"{self.distribution}/" if self.distribution else ""
        return f"pkg:{self.kind}/{space}{quote(self.name, safe='/')}@{quote(self.version, safe=':~+^')}"

    @property
    def target(self) -> str:
        """Name, version and place, the same for as long as it is installed."""
        return f"{self.purl} in {self.place}" if self.place else self.purl
