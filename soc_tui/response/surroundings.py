"""What this machine depends on: its addresses, gateways, resolvers, time servers and the people logged in over SSH.

Read afresh before every preview and every apply; a source that exists and cannot be read is an error, because a guard
that does not know the gateway would let it be blocked.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from soc_tui.core.errors import GuardError
from soc_tui.core.settings import ResponseSettings
from soc_tui.core.text import safe
from soc_tui.response.guards import Address, GuardContext, Network

_ROUTE_GATEWAY = 0x2  # RTF_GATEWAY, linux/route.h
_RESOLV_FILES = ("etc/resolv.conf", "run/systemd/resolve/resolv.conf", "run/NetworkManager/resolv.conf")
_TIME_FILES = ("etc/systemd/timesyncd.conf", "etc/chrony.conf", "etc/chrony/chrony.conf", "etc/ntp.conf")
_FILE_LIMIT = 1024 * 1024


def gather_context(settings: ResponseSettings, ssh_connection: str = "", root: Path = Path("/")) -> GuardContext:
    """Collect the context that :func:`soc_tui.response.guards.check` needs.

    Args:
        settings: the allowlist comes from here.
        ssh_connection: the ``SSH_CONNECTION`` of the analyst's client (``client port server port``); empty when the
            analyst sits at the machine.
        root: where ``proc`` and ``etc`` are looked for.

    Raises:
        GuardError: something that exists cannot be read or understood.
    """
    own, broadcasts, peers = _interfaces()
    return GuardContext(
        own_addresses=frozenset(own),
        broadcasts=frozenset(broadcasts),
        gateways=frozenset([*_gateways4(root), *_gateways6(root), *peers]),
        resolvers=frozenset(_listed(root, _RESOLV_FILES, r"(?m)^\s*nameserver\s+(\S+)")),
        ssh_peers=frozenset([*_analyst(ssh_connection), *_logged_in(), *_ssh_connections(root, ssh_connection)]),
        time_servers=frozenset(_listed(root, _TIME_FILES, r"(?mi)^\s*(?:server|pool|peer|NTP=|FallbackNTP=)\s*(.+)$")),
        allowlist=tuple(_network(entry) for entry in settings.allowlist),
    )


def is_preauthenticated(titles: Sequence[str]) -> bool:
    """True when sshd's processes behind a connection say that nobody has logged in over it yet.

    A brute-force attacker always holds a connection to sshd and must not be taken for the analyst. sshd titles its
    processes (sshd.c, ``setproctitle``): ``sshd: root [net]`` or ``sshd: [accepted]`` before authentication,
    ``sshd: root@pts/0`` after it; since 9.8 the name is ``sshd-session``. Anything else counts as logged in.
    """
    before = any(re.fullmatch(r"sshd(-session|-auth)?: (\S+ )?\[(net|accepted)\]", title) for title in titles)
    return before and not any("@" in title for title in titles)


def _parse(text: str) -> Address | None:
    """The address in ``text`` without brackets, port (``[::1]:53``) or zone; None when it is a name."""
    bare = text.strip().removeprefix("[").partition("]")[0].partition("%")[0]
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


def _network(entry: str) -> Network:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError as error:
        raise GuardError(f"response.allowlist: {safe(entry)!r} is no address or network",
                         remedy="write e.g. 10.0.0.0/8") from error  # fmt: skip
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= 96:
        return ipaddress.IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return network


def _interfaces() -> tuple[list[Address], list[Address], list[Address]]:
    """Own addresses, broadcast and network addresses, and the far ends of point-to-point links."""
    own: list[Address] = []
    broadcasts: list[Address] = []
    peers: list[Address] = []
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            address = _parse(entry.address) if entry.family in {socket.AF_INET, socket.AF_INET6} else None
            if address is None:
                continue
            own.append(address)
            for text, into in ((entry.broadcast, broadcasts), (entry.ptp, peers)):
                far = _parse(text) if text else None
                if far is not None and far != address:
                    into.append(far)
            if address.version == 4 and entry.netmask:
                network = ipaddress.IPv4Network(f"{address}/{entry.netmask}", strict=False)
                if network.prefixlen < 31:  # RFC 3021: a /31 has no broadcast address, both ends are hosts
                    broadcasts += [network.broadcast_address, network.network_address]
    return own, [b for b in broadcasts if b not in own], peers


def _read(root: Path, name: str) -> str:
    """The text of a file; empty when it does not exist."""
    try:
        with (root / name).open("rb") as file:
            return file.read(_FILE_LIMIT).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise GuardError(f"cannot be read: {error.strerror}", source=root / name,
                         remedy="the guards need it; run the engine as a user who may read it") from error  # fmt: skip


def _gateways4(root: Path) -> Iterable[Address]:
    for line in _read(root, "proc/net/route").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and int(fields[3], 16) & _ROUTE_GATEWAY:
            yield ipaddress.IPv4Address(struct.pack("=I", int(fields[2], 16)))  # in the machine's own byte order


def _gateways6(root: Path) -> Iterable[Address]:
    for line in _read(root, "proc/net/ipv6_route").splitlines():
        fields = line.split()
        if len(fields) > 8 and int(fields[8], 16) & _ROUTE_GATEWAY:
            yield ipaddress.IPv6Address(int(fields[4], 16))


def _listed(root: Path, files: Iterable[str], pattern: str) -> Iterable[Address]:
    """Addresses that configuration files name; host names are left out, nothing is resolved."""
    for name in files:
        for found in re.findall(pattern, _read(root, name)):
            for word in found.split():
                address = _parse(word)
                if address is not None:
                    yield address


def _analyst(ssh_connection: str) -> Iterable[Address]:
    words = ssh_connection.split()
    if not words or words[0] == "UNKNOWN":  # sshd's word for a connection without addresses (a socket pair)
        return
    address = _parse(words[0])
    if address is None:
        raise GuardError(f"SSH_CONNECTION {safe(ssh_connection, limit=60)!r} names no address",
                         remedy="start the console from the SSH session itself")  # fmt: skip
    yield address


def _logged_in() -> Iterable[Address]:
    """Remote ends in utmp."""
    for user in psutil.users():
        address = _parse(user.host or "")
        if address is not None:
            yield address


def _ssh_connections(root: Path, ssh_connection: str) -> Iterable[Address]:
    """Remote ends of established connections to sshd over which somebody may be logged in."""
    ports = {22, *(int(p) for p in re.findall(r"(?mi)^\s*Port\s+(\d{1,5})\s*$", _read(root, "etc/ssh/sshd_config")))}
    words = ssh_connection.split()
    if len(words) == 4 and words[3].isdecimal():
        ports.add(int(words[3]))
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError) as error:
        raise GuardError(f"the established connections cannot be listed: {error}",
                         remedy="run the engine as a user who may read /proc/net") from error  # fmt: skip
    for connection in connections:
        near, far = connection.laddr, connection.raddr  # each an empty tuple where there is none
        if connection.status != psutil.CONN_ESTABLISHED or not near or not far or near.port not in ports:
            continue
        address = _parse(far.ip)
        if address is not None and not is_preauthenticated(_titles(connection.pid)):
            yield address


def _titles(pid: int | None) -> list[str]:
    """The titles of the process that owns a connection and of its children; empty when it cannot be seen."""
    if pid is None:
        return []
    titles: list[str] = []
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children()):
            titles.append(" ".join(one.cmdline()).strip())
    return titles
