"""Which websites are ours to ask, and where they are."""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from soc_tui.core.errors import SocTuiError, UsageError

PORTS = {"http": 80, "https": 443}
_PATH = re.compile(r"/[!-~]*")


@dataclass(frozen=True)
class Origin:
    """A website by scheme, host and port (RFC 6454)."""

    scheme: str
    host: str
    """Lower case, IDNA; an IPv6 address without brackets."""
    port: int

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def split_target(target: str) -> tuple[Origin, str]:
    """A target as its origin and the path of its start page.

    Raises:
        UsageError: it is no ``http://`` or ``https://`` URL, or holds a user name, query or fragment.
    """
    remedy = "write https://www.example.org or https://www.example.org/start/"
    try:
        parts = urlsplit(target.strip())
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{target[:200]!r} is no website: {error}", remedy=remedy) from error
    if parts.scheme not in PORTS or not parts.hostname:
        raise UsageError(f"{target[:200]!r} is no website", remedy=remedy)
    if parts.username is not None or parts.password is not None:
        raise UsageError("a website is looked at without a password", remedy="leave user and password out of the URL")
    if parts.query or parts.fragment or not _PATH.fullmatch(parts.path or "/"):
        raise UsageError(f"{target[:200]!r} is no start page", remedy=remedy)
    try:
        host = parts.hostname if ":" in parts.hostname else parts.hostname.rstrip(".").encode("idna").decode()
        if ":" in host:
            host = str(ipaddress.ip_address(host))
    except (UnicodeError, ValueError) as error:
        raise UsageError(f"{parts.hostname[:200]!r} is no host name", remedy=remedy) from error
    return Origin(parts.scheme, host.lower(), port or PORTS[parts.scheme]), parts.path or "/"


def owned(target: str, websites: Sequence[str]) -> tuple[Origin, str]:
    """The target's origin and start page, when the settings say that it is ours.

    Raises:
        UsageError: it is no website, or none of ``scan.websites``: nothing is sent to it.
    """
    origin, path = split_target(target)
    if origin not in {split_target(one)[0] for one in websites}:
        raise UsageError(
            f"{origin} is not in scan.websites, so nothing is sent to it",
            remedy=f'if it is yours: [scan] websites = ["{origin}"]',
        )
    return origin, path


def resolve(origin: Origin, seconds: float) -> str:
    """The address that a whole scan stays with, whatever the name resolves to later.

    Raises:
        SocTuiError: the name has no address, or the resolver does not answer in time.
    """
    found: queue.Queue[str | OSError] = queue.Queue()

    def look() -> None:
        try:
            # socket.getaddrinfo knows no timeout, so it waits in a thread that may stay behind.
            known = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
            known.sort(key=lambda one: one[0] != socket.AF_INET)  # IPv4 first: it is routed everywhere
            found.put(str(known[0][4][0]))
        except (OSError, UnicodeError) as error:
            found.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=look, daemon=True, name="resolve").start()
    try:
        answer = found.get(timeout=seconds)
    except queue.Empty:
        answer = OSError(f"no answer in {seconds:g} s")
    if isinstance(answer, OSError):
        raise SocTuiError(f"{origin.host} has no address: {answer}", remedy="check the name and the resolver")
    return answer
