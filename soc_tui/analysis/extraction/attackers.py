"""What is known of an attacker's address over all its incidents."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from soc_tui.analysis.extraction.cases import Alert, Support

MAX_TARGETS = 50
MAX_USERS = 20
MAX_AGENTS = 10

_PRIVATE = tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
_SHARED = ipaddress.ip_network("100.64.0.0/10")


@dataclass(frozen=True)
class Attacker:
    """The columns of ``attackers``."""

    address: str
    address_class: str
    first_seen: datetime | None
    last_seen: datetime | None
    event_count: int
    alert_count: int
    targets: tuple[str, ...]
    users: tuple[str, ...]
    """Accounts named in its events, the most tried first, at most 20."""
    user_agents: tuple[str, ...]
    techniques: tuple[str, ...]
    incident_ids: tuple[int, ...]
    severity: str
    suppressed: bool = False
    """True when all of its alerts are."""


def address_class(address: str, own: Collection[str] = ()) -> str:
    """What kind of address it is.

    Args:
        address: an IPv4 or IPv6 address.
        own: addresses of this machine.

    Returns:
        ``own``, ``unspecified``, ``loopback``, ``link-local``, ``multicast``, ``private`` (RFC 1918, RFC 4193),
        ``shared`` (RFC 6598), ``reserved`` (documentation and other special blocks), ``public`` or ``unknown``.
    """
    if address in own:
        return "own"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    for name in ("unspecified", "loopback", "link_local", "multicast"):
        if getattr(parsed, f"is_{name}"):
            return name.replace("_", "-")
    if any(parsed in network for network in _PRIVATE if network.version == parsed.version):
        return "private"
    if parsed.version == _SHARED.version and parsed in _SHARED:
        return "shared"
    return "public" if parsed.is_global else "reserved"


def describe(
    address: str,
    alerts: Iterable[Alert],
    support: Iterable[Support],
    incident_ids: Iterable[int],
    own: Collection[str] = (),
) -> Attacker:
    """Attacker information from the alerts of an address (not the suppressed ones, unless all are) and their events."""
    mine = list(alerts)
    events = [event for event in support if event.actor == address]
    times = [alert.time for alert in mine if alert.time]
    ends = [alert.time_last or alert.time for alert in mine if alert.time]
    users = Counter(event.user_name for event in events if event.user_name)
    users.update(alert.user_name for alert in mine if alert.user_name and alert.user_name not in users)
    return Attacker(
        address=address,
        address_class=address_class(address, own),
        first_seen=min(times, default=None),
        last_seen=max((end for end in ends if end), default=None),
        event_count=sum(alert.event_count for alert in mine),
        alert_count=len(mine),
        targets=_ranked(Counter(a.victim or a.target or "" for a in mine), MAX_TARGETS),
        users=_ranked(users, MAX_USERS),
        user_agents=_ranked(Counter(event.user_agent for event in events if event.user_agent), MAX_AGENTS),
        techniques=tuple(sorted({name for alert in mine for name in alert.techniques})),
        incident_ids=tuple(sorted(incident_ids)),
        severity=max(alert.severity for alert in mine).word,
        suppressed=all(alert.suppressed_by is not None for alert in mine),
    )


def _ranked(names: Counter[str], most: int) -> tuple[str, ...]:
    ranked = sorted((name for name in names if name), key=lambda name: (-names[name], name))
    return tuple(ranked[:most])
