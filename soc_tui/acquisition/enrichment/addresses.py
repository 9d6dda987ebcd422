"""The class of an address by the registries of special-purpose addresses (RFC 6890 and its updates).

Sources: https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry; multicast is
RFC 5771 and RFC 4291, documentation RFC 5737, RFC 3849 and RFC 9637, carrier-grade NAT RFC 6598.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from soc_tui.acquisition.enrichment.ranges import NetworkMap, number

CLASSES = (
    "public", "private", "cgnat", "loopback", "link-local", "multicast", "documentation", "reserved", "unknown",
)  # fmt: skip
"""Every class; ``unknown`` is text that is no address."""

_REGISTRY = (
    ("0.0.0.0/0", "public"),
    ("0.0.0.0/8", "reserved"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "cgnat"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.0.9/32", "public"),
    ("192.0.0.10/32", "public"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "reserved"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/0", "reserved"),  # what is not handed out yet
    ("::1/128", "loopback"),
    ("64:ff9b::/96", "public"),
    ("64:ff9b:1::/48", "private"),
    ("2000::/3", "public"),
    ("2001::/23", "reserved"),
    ("2001:1::1/128", "public"),
    ("2001:1::2/128", "public"),
    ("2001:1::3/128", "public"),
    ("2001:3::/32", "public"),
    ("2001:4:112::/48", "public"),
    ("2001:20::/28", "public"),
    ("2001:30::/28", "public"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
)


@cache
def _registry() -> NetworkMap[str]:
    return NetworkMap(_REGISTRY)


def class_at(place: int | None) -> str:
    """The class of an address given as a number of :func:`ranges.number`."""
    return "unknown" if place is None else _registry().at(place) or "unknown"


def address_class(address: str) -> str:
    """One of :data:`CLASSES`. An IPv4-mapped IPv6 address has the class of its IPv4 address."""
    return class_at(number(address))


def own_networks(networks: Iterable[str]) -> NetworkMap[bool]:
    """The networks that belong to the house (``[enrichment] own_networks``).

    Raises:
        ValueError: an entry is no network.
    """
    return NetworkMap((network, True) for network in networks)
