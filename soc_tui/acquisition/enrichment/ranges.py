"""Addresses as numbers, and values kept by network: the most specific network that holds an address wins."""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_right
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

V4 = 0xFFFF << 32
"""IPv4 addresses are counted as the IPv4-mapped ones of IPv6 (RFC 4291 section 2.5.5.2), so both share one order."""

_LAST = 2**128


def number(address: str) -> int | None:
    """The place of an address among all of IPv6, or None for text that is no address."""
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, address), "big") + V4
    except (OSError, ValueError):  # ValueError: a NUL or a surrogate inside
        pass
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET6, address), "big")
    except (OSError, ValueError):
        return None


def bounds(network: str) -> tuple[int, int]:
    """The first and last number of an address or network (host bits may be set).

    Raises:
        ValueError: the text is neither.
    """
    parsed = ipaddress.ip_network(network, strict=False)
    base = V4 if parsed.version == 4 else 0
    return base + int(parsed.network_address), base + int(parsed.broadcast_address)


class NetworkMap(Generic[T]):
    """Values by network; a look-up costs one binary search.

    Args:
        entries: networks (or single addresses) and their values. Of two equal networks the later entry holds.

    Raises:
        ValueError: an entry is no network.
    """

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        nets: dict[tuple[int, int], T] = {}
        for network, value in entries:
            nets[bounds(network)] = value
        # Networks nest or lie apart, so one sweep with the open ones on a stack cuts them into disjoint pieces.
        self._starts: list[int] = []
        self._values: list[T | None] = []
        open_nets: list[tuple[int, T]] = []
        for (first, last), value in sorted(nets.items(), key=lambda item: (item[0][0], -item[0][1])):
            self._close(open_nets, first)
            self._piece(first, value)
            open_nets.append((last, value))
        self._close(open_nets, _LAST)

    def _close(self, open_nets: list[tuple[int, T]], before: int) -> None:
        while open_nets and open_nets[-1][0] < before:
            last, _ = open_nets.pop()
            self._piece(last + 1, open_nets[-1][1] if open_nets else None)

    def _piece(self, start: int, value: T | None) -> None:
        if self._starts and self._starts[-1] == start:
            self._values[-1] = value
        else:
            self._starts.append(start)
            self._values.append(value)

    def __bool__(self) -> bool:
        return bool(self._starts)

    def at(self, place: int) -> T | None:
        """The value of the most specific network that holds the number, or None."""
        found = bisect_right(self._starts, place) - 1
        return self._values[found] if found >= 0 else None
