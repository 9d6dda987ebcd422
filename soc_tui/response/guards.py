"""Guards: what must never be blocked, because it would lock out the analyst or cut the machine off.

A log line is written by an attacker. "Failed password for root from 10.0.0.1" with the gateway's address would be a
cheap way to make a defender cut his own line, so every address is checked here twice: when a plan is previewed and
again immediately before it runs.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from soc_tui.core.errors import GuardError
from soc_tui.core.text import safe

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_USABLE6 = tuple(ipaddress.IPv6Network(n) for n in ("2000::/3", "fc00::/7", "64:ff9b::/96", "64:ff9b:1::/48"))
"""IPv6 space from which a remote peer can speak: global unicast, unique local (RFC 4193), NAT64 (RFC 6052, 8215)."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class GuardContext:
    """What the machine depends on, gathered by :func:`soc_tui.response.surroundings.gather_context`."""

    own_addresses: frozenset[Address] = frozenset()
    broadcasts: frozenset[Address] = frozenset()
    """Broadcast and network addresses of the connected IPv4 networks."""
    gateways: frozenset[Address] = frozenset()
    resolvers: frozenset[Address] = frozenset()
    ssh_peers: frozenset[Address] = frozenset()
    """The analyst's address, and everyone else who is logged in over SSH."""
    time_servers: frozenset[Address] = frozenset()
    allowlist: tuple[Network, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why an address is not blocked."""

    code: str
    """A stable word: ``not-an-address``, ``loopback``, ``ssh-peer`` ..."""
    message: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """A JSON-ready copy."""
        return {"code": self.code, "message": self.message, "remedy": self.remedy}


def normalise(address: str) -> Address:
    """The one address that ``address`` spells; IPv4 inside IPv6 (``::ffff:192.0.2.1``) becomes IPv4.

    Only the two canonical families of spellings are read. Octal, hexadecimal, integer and short forms are refused,
    because programs disagree about what they mean (``010.0.0.1`` is 8.0.0.1 to some and 10.0.0.1 to others).

    Raises:
        GuardError: a host name, prefix, zone id or any other spelling.
    """
    text = str(address)
    if "%" in text:
        raise GuardError(f"{safe(text, limit=60)!r} carries a zone id", remedy="give the address alone")
    if "/" in text:
        raise GuardError(f"{safe(text, limit=60)!r} is a network", remedy="block-ip takes a single address")
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise GuardError(
            f"{safe(text, limit=60)!r} is not an IP address",
            remedy="write it as 203.0.113.7 or 2001:db8::7; names are not resolved",
        ) from error
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found


def check(address: str, ctx: GuardContext) -> list[Refusal]:
    """Every reason not to block ``address``; an empty list means that it may be blocked."""
    try:
        found = normalise(address)
    except GuardError as error:
        return [Refusal("not-an-address", error.message, error.remedy)]
    refusals: list[Refusal] = []
    for item in (found, *_embedded(found)):
        refusals += [r for r in _special(item) or _needed(item, ctx) if r not in refusals]
    return refusals


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    """IPv4 peers that an IPv6 address stands for: 6to4 (RFC 3056), Teredo's client (RFC 4380), NAT64 (RFC 6052)."""
    if isinstance(address, IPv4Address):
        return ()
    inner = [address.sixtofour, address.teredo[1] if address.teredo else None]
    if address in _NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(item for item in inner if item is not None)


def _special(address: Address) -> list[Refusal]:
    """Refusals that hold on every machine."""
    kinds = (
        ("unspecified", address.is_unspecified or (address.version == 4 and int(address) >> 24 == 0)),
        ("loopback", address.is_loopback),
        ("multicast", address.is_multicast),
        ("link-local", address.is_link_local),
        ("broadcast", address == IPv4Address("255.255.255.255")),
        ("reserved", address.is_reserved if isinstance(address, IPv4Address)
                     else not any(address in network for network in _USABLE6)),
    )  # fmt: skip
    return [
        Refusal(code, f"{address} is {code}: no remote attacker has it", "look for the real source in the evidence")
        for code, applies in kinds
        if applies
    ][:1]


def _needed(address: Address, ctx: GuardContext) -> list[Refusal]:
    """Refusals that come from this machine's surroundings."""
    groups = (
        ("own-address", ctx.own_addresses, "is an address of this machine", "clean the machine itself instead"),
        ("broadcast", ctx.broadcasts, "is the broadcast or network address of a connected network", ""),
        ("gateway", ctx.gateways, "is a gateway of this machine", "contain it at the gateway"),
        ("resolver", ctx.resolvers, "is a DNS server of this machine", "change the resolver first (resolv.conf)"),
        ("ssh-peer", ctx.ssh_peers, "is logged in to this machine over SSH",
         "if that login is the attacker's, lock the account and end the session first "
         "(passwd -l USER; loginctl terminate-user USER), then try again"),
        ("time-server", ctx.time_servers, "is a time server of this machine", "change the time server first"),
    )  # fmt: skip
    refusals = [Refusal(code, f"{address} {why}", fix) for code, members, why, fix in groups if address in members]
    for network in ctx.allowlist:
        if address.version == network.version and address in network:
            why = f"{address} is in the allowlist ({network})"
            refusals.append(Refusal("allowlist", why, "change response.allowlist in the settings"))
            break
    return refusals
