"""The guards' context is read from the machine's real files and sockets."""

from __future__ import annotations

import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.errors import GuardError
from soc_tui.core.settings import ResponseSettings
from soc_tui.response.guards import check
from soc_tui.response.surroundings import gather_context, is_preauthenticated

ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t{gateway:08X}\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
ROUTE6 = """\
00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8000000000000000000000001 00000400 00000001 00000000 00000003     eth0
20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    gateway = int.from_bytes(ip_address("192.0.2.1").packed, sys.byteorder)
    files = {
        "proc/net/route": ROUTE.format(gateway=gateway),
        "proc/net/ipv6_route": ROUTE6,
        "etc/resolv.conf": "# nameserver 9.9.9.9\nnameserver 192.0.2.53\n nameserver fe80::53%eth0\nsearch example.org\n",
        "run/systemd/resolve/resolv.conf": "nameserver 2001:db8::53\n",
        "etc/chrony.conf": "pool ntp.example.org iburst\nserver 192.0.2.123 iburst\n",
        "etc/systemd/timesyncd.conf": "[Time]\n#NTP=1.1.1.1\nNTP=192.0.2.124 time.example.org 2001:db8::7b\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_files_of_the_machine_become_guards(machine: Path) -> None:
    found = gather_context(ResponseSettings(allowlist=("10.0.0.0/8", "::ffff:192.168.0.0/112")), root=machine)
    assert {ip_address("192.0.2.1"), ip_address("2001:db8::1")} <= found.gateways
    assert found.resolvers == {ip_address("192.0.2.53"), ip_address("fe80::53"), ip_address("2001:db8::53")}
    assert found.time_servers == {ip_address(a) for a in ("192.0.2.123", "192.0.2.124", "2001:db8::7b")}
    assert found.allowlist == (ip_network("10.0.0.0/8"), ip_network("192.168.0.0/16"))
    assert ip_address("127.0.0.1") in found.own_addresses


@pytest.mark.parametrize(
    ("connection", "peer"),
    [("198.51.100.9 50000 192.0.2.10 22", "198.51.100.9"), ("::ffff:198.51.100.9 1 ::1 22", "198.51.100.9"),
     ("fe80::9%eth0 1 fe80::1%eth0 22", "fe80::9")],
)  # fmt: skip
def test_the_analysts_own_address_is_a_guard(machine: Path, connection: str, peer: str) -> None:
    found = gather_context(ResponseSettings(), connection, root=machine)
    assert ip_address(peer) in found.ssh_peers
    assert "ssh-peer" in [r.code for r in check(peer, found)] or peer.startswith("fe80")


def test_an_unknown_connection_adds_nobody(machine: Path) -> None:
    alone = gather_context(ResponseSettings(), "", root=machine)
    assert gather_context(ResponseSettings(), "UNKNOWN 65535 UNKNOWN 65535", root=machine).ssh_peers == alone.ssh_peers


def test_a_connection_that_cannot_be_read_stops_everything(machine: Path) -> None:
    with pytest.raises(GuardError, match="names no address"):
        gather_context(ResponseSettings(), "nonsense 1 2 3", root=machine)
    with pytest.raises(GuardError, match="allowlist"):
        gather_context(ResponseSettings(allowlist=("not-a-network",)), root=machine)


def test_a_source_that_cannot_be_read_stops_everything(machine: Path) -> None:
    (machine / "etc/resolv.conf").unlink()
    (machine / "etc/resolv.conf").mkdir()
    with pytest.raises(GuardError, match="cannot be read"):
        gather_context(ResponseSettings(), root=machine)


@pytest.mark.parametrize(
    ("titles", "before_login"),
    [
        (["sshd: [accepted]", "sshd: [net]"], True),
        (["sshd: root [priv]", "sshd: root [net]"], True),
        (["sshd: unknown [priv]", "sshd: unknown [net]"], True),
        (["sshd-session: root [priv]", "sshd-auth: root [net]"], True),
        (["sshd: root [priv]", "sshd: root@pts/0"], False),
        (["sshd: alice [priv]", "sshd: alice@notty"], False),
        (["sshd-session: alice@pts/1"], False),
        (["sshd: alice [priv]"], False),
        (["python3 -c listener"], False),
        ([], False),
    ],
)
def test_a_brute_forcer_is_no_analyst(titles: list[str], before_login: bool) -> None:
    assert is_preauthenticated(titles) is before_login


@pytest.mark.namespace
def test_a_namespaces_own_interfaces_routes_and_ssh_sessions(namespace: Any) -> None:
    namespace.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far0")
    namespace.run("ip", "addr", "add", "192.0.2.10/24", "dev", "eth0")
    namespace.run("ip", "addr", "add", "2001:db8:1::10/64", "dev", "eth0", "nodad")
    for device in ("eth0", "far0"):
        namespace.run("ip", "link", "set", device, "up")
    namespace.run("ip", "route", "add", "default", "via", "192.0.2.1")
    namespace.run("ip", "-6", "route", "add", "default", "via", "2001:db8:1::1")
    listener = namespace.popen(sys.executable, "-c", SSHD)
    try:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "connected\n"
        found = namespace.call("gather", ssh="198.51.100.20 50000 192.0.2.10 2222", allowlist=["10.0.0.0/8"])
    finally:
        listener.kill()
        listener.communicate(timeout=20)
    assert {"192.0.2.10", "2001:db8:1::10", "127.0.0.1", "::1"} <= set(found["own_addresses"])
    assert {"192.0.2.255", "192.0.2.0"} <= set(found["broadcasts"])
    assert {"192.0.2.1", "2001:db8:1::1"} <= set(found["gateways"])
    assert {"198.51.100.20", "127.0.0.9"} <= set(found["ssh_peers"])
    assert found["allowlist"] == ["10.0.0.0/8"]


SSHD = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 22))
client = socket.create_connection(("127.0.0.1", 22), source_address=("127.0.0.9", 0))
server = listener.accept()
print("connected", flush=True)
sys.stdin.read()
"""
