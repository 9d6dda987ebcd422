"""Nothing that the machine or its analyst needs can be blocked, however it is spelled."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.core.errors import GuardError
from soc_tui.response.guards import GuardContext, check, normalise


def addresses(*texts: str) -> frozenset[IPv4Address | IPv6Address]:
    return frozenset(ip_address(text) for text in texts)


CONTEXT = GuardContext(
    own_addresses=addresses("192.0.2.10", "2001:db8:1::10", "127.0.0.1", "::1"),
    broadcasts=addresses("192.0.2.255", "192.0.2.0"),
    gateways=addresses("192.0.2.1", "2001:db8:1::1"),
    resolvers=addresses("192.0.2.53", "2001:db8:1::53"),
    ssh_peers=addresses("198.51.100.20", "2001:db8:2::20"),
    time_servers=addresses("192.0.2.123"),
    allowlist=(ip_network("10.0.0.0/8"), ip_network("2001:db8:aaaa::/48")),
)
NEEDED = {
    "192.0.2.10": "own-address",
    "192.0.2.255": "broadcast",
    "192.0.2.0": "broadcast",
    "192.0.2.1": "gateway",
    "192.0.2.53": "resolver",
    "198.51.100.20": "ssh-peer",
    "192.0.2.123": "time-server",
    "10.200.3.4": "allowlist",
    "127.0.0.1": "loopback",
    "127.1.2.3": "loopback",
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "255.255.255.255": "broadcast",
    "169.254.1.1": "link-local",
    "240.0.0.1": "reserved",
}
NEEDED6 = {
    "2001:db8:1::10": "own-address",
    "2001:db8:1::1": "gateway",
    "2001:db8:1::53": "resolver",
    "2001:db8:2::20": "ssh-peer",
    "2001:db8:aaaa:1::5": "allowlist",
    "::1": "loopback",
    "::": "unspecified",
    "ff02::1": "multicast",
    "fe80::1": "link-local",
    "fec0::1": "reserved",
    "100::1": "reserved",
}


def spellings4(text: str) -> list[str]:
    """The same IPv4 address as attackers and C libraries write it."""
    number = int(IPv4Address(text))
    octets = text.split(".")
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    return [
        text, f"::ffff:{text}", f"::FFFF:{text}", f"0:0:0:0:0:ffff:{high}:{low}", f"::ffff:{high}:{low}",
        f"2002:{high}:{low}::1", f"64:ff9b::{text}", f"::{text}", f"::ffff:0:{text}",
        str(number), hex(number), oct(number), ".".join(f"0{int(o):o}" for o in octets),
        ".".join(hex(int(o)) for o in octets), f"{octets[0]}.{int(octets[1]) << 16 | int(octets[2]) << 8 | int(octets[3])}",
        f" {text}", f"{text} ", f"{text}\n", f"{text}.", f"{text}/32", f"{text}/0", f"{text}%eth0", f"[{text}]",
        text.replace(".", "。"), text.replace("1", "１"), f"{text}\x00", f"{text}:22", f"::ffff:{text}%1",
        ".".join(o.zfill(3) for o in octets) if any(len(o) < 3 for o in octets) else text,
    ]  # fmt: skip


def spellings6(text: str) -> list[str]:
    full = IPv6Address(text).exploded
    return [
        text, text.upper(), full, full.upper(), f"{text}/128", f"{text}%eth0", f"[{text}]", f" {text}", f"{text}\n",
        f"{text}%0", str(int(IPv6Address(text))), hex(int(IPv6Address(text))),
    ]  # fmt: skip


def forms() -> list[str]:
    out = [form for text in NEEDED for form in spellings4(text)]
    out += [form for text in NEEDED6 for form in spellings6(text)]
    out += ["", " ", "localhost", "gateway", "example.org", "xn--bcher-kva.example", "bücher.example", "0", "127.1",
            "127.0.1", "1.2.3", "0x7f.1", "203.0.113.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0", "203.0.113.7-9",
            "203.0.113.7,203.0.113.8", "203.0.113.7 }; flush ruleset", "203.0.113.256", "-1", "1e3", ":::", "::1::",
            "fe80::1%eth0; reboot", "../etc/passwd", "*", "any", "@blocked4", "203.0.113.7\x1b[2J", "２０３.0.113.7"]  # fmt: skip
    return out


def test_at_least_300_forms_of_what_is_needed_and_not_one_gets_through() -> None:
    tried = forms()
    assert len(set(tried)) >= 300
    assert [form for form in tried if not check(form, CONTEXT)] == []


@pytest.mark.parametrize(("address", "code"), [*NEEDED.items(), *NEEDED6.items()])
def test_each_refusal_has_its_own_word(address: str, code: str) -> None:
    assert [refusal.code for refusal in check(address, CONTEXT)] == [code]


def test_a_mapped_address_is_judged_as_ipv4() -> None:
    assert str(normalise("::ffff:203.0.113.7")) == "203.0.113.7"
    assert [r.message for r in check("::ffff:192.0.2.1", CONTEXT)] == ["192.0.2.1 is a gateway of this machine"]


@pytest.mark.parametrize(
    "address", ["203.0.113.7", "8.8.8.8", "192.168.7.7", "172.16.0.9", "100.64.1.1", "2001:db8:9::7", "fd12:3456::9",
                "2606:4700::1111", "::ffff:203.0.113.7", "64:ff9b::203.0.113.7"],
)  # fmt: skip
def test_attackers_can_be_blocked(address: str) -> None:
    assert check(address, CONTEXT) == []


@pytest.mark.parametrize(
    ("text", "said"), [("fe80::1%eth0", "zone id"), ("203.0.113.0/24", "is a network"), ("example.org", "not an IP"),
                       ("1.2.3.4\x1b[2J", "not an IP")],
)  # fmt: skip
def test_what_is_no_single_address_says_why(text: str, said: str) -> None:
    with pytest.raises(GuardError, match=said) as caught:
        normalise(text)
    assert "\x1b" not in caught.value.message


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**128 - 1), st.text(max_size=40))
def test_every_input_gets_an_answer_and_only_plain_peers_pass(four: int, six: int, text: str) -> None:
    for form in (str(IPv4Address(four)), str(IPv6Address(six)), text):
        if not check(form, CONTEXT):
            found = normalise(form)
            special = (found.is_loopback, found.is_multicast, found.is_link_local, found.is_unspecified)
            assert not any(special)
            assert not any(found in n for n in CONTEXT.allowlist if n.version == found.version)
            assert ipaddress.ip_address(str(found)) == found


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**24 - 1))
def test_no_member_of_an_allowed_network_passes(suffix: int) -> None:
    inside = IPv4Address(int(IPv4Address("10.0.0.0")) + suffix)
    assert check(str(inside), CONTEXT)
    assert check(f"::ffff:{inside}", CONTEXT)
