"""What may be looked at: database services that ``scan.databases`` names, with what may be said about them.

Credentials of the settings live here and nowhere else: :attr:`Owned.shown` is the only form of a target that is
printed, and :meth:`Owned.scrub` takes them out of whatever a server says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from soc_tui.core.errors import UsageError
from soc_tui.core.text import safe, without_secret

SCHEMES = {
    "postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql", "mariadb": "mysql", "redis": "redis",
    "rediss": "redis", "valkey": "redis", "mongodb": "mongodb",
}  # fmt: skip
"""The service that a scheme means."""
PORTS = {"postgresql": 5432, "mysql": 3306, "redis": 6379, "mongodb": 27017}
_REMEDY = "write e.g. postgresql://10.0.0.5:5432"


@dataclass(frozen=True)
class Owned:
    """One service that the settings list."""

    service: str
    """postgresql, mysql, redis or mongodb."""
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    """Where to sign in; for MongoDB the authentication database."""

    @property
    def shown(self) -> str:
        """``service://host:port``, without any secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.service}://{host}:{self.port}"

    def scrub(self, text: str) -> str:
        """Text of the server without the password, should it give it back."""
        return safe(text.replace(self.password, "***") if self.password else text, limit=600)


def owned(target: str, databases: Sequence[str]) -> Owned:
    """The entry of ``scan.databases`` that a target names by service, host and port.

    Raises:
        UsageError: there is none, or the target or an entry is no database URL; never with credentials in it.
    """
    wanted = parse(target)
    for entry in databases:
        known = parse(entry)
        if (known.service, known.host, known.port) == (wanted.service, wanted.host, wanted.port):
            return known
    raise UsageError(
        f"{wanted.shown} is not among your databases; nothing was sent",
        remedy="list it in the setting scan.databases if it is yours",
    )


def parse(url: str) -> Owned:
    """Read a database URL.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise UsageError(f"{safe(without_secret(url), limit=120)} is no database URL", remedy=_REMEDY) from None
    service = SCHEMES.get(parts.scheme)
    user, password, database = (unquote(text) for text in (parts.username or "", parts.password or "", parts.path[1:]))
    odd = parts.query or parts.fragment or not re.fullmatch(r"[0-9a-z._:%-]{1,253}", host) or port == 0
    if service is None or odd or any(not text.isprintable() for text in (user, password, database)):
        raise UsageError(f"{safe(without_secret(url), limit=120)} is no database URL", remedy=_REMEDY)
    return Owned(service, host, port or PORTS[service], user, password, database)


def web_hosts(websites: Sequence[str]) -> frozenset[str]:
    """Names and addresses of the owned websites (``scan.websites``), as they are written there."""
    return frozenset(host for site in websites if (host := _host(site)))


def _host(url: str) -> str:
    try:
        parts: SplitResult = urlsplit(url)
        return parts.hostname or ""
    except ValueError:
        return ""
