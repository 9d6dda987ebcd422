"""Classes by the registries, own networks, and the most specific network that holds an address."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc_tui.acquisition.enrichment.addresses import CLASSES, address_class, own_networks
from soc_tui.acquisition.enrichment.ranges import NetworkMap, bounds, number


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", "public"), ("10.0.0.1", "private"), ("172.15.255.255", "public"), ("172.16.0.0", "private"),
        ("172.31.255.255", "private"), ("172.32.0.0", "public"), ("192.168.1.1", "private"), ("100.64.0.0", "cgnat"),
        ("100.127.255.255", "cgnat"), ("100.128.0.0", "public"), ("127.0.0.53", "loopback"), ("169.254.1.1", "link-local"),
        ("192.0.2.1", "documentation"), ("198.51.100.9", "documentation"), ("203.0.113.5", "documentation"),
        ("198.18.0.1", "reserved"), ("224.0.0.1", "multicast"), ("239.255.255.255", "multicast"), ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"), ("0.0.0.0", "reserved"), ("192.0.0.8", "reserved"), ("192.0.0.9", "public"),
        ("::1", "loopback"), ("::", "reserved"), ("fe80::1", "link-local"), ("fc00::1", "private"), ("fdff::1", "private"),
        ("ff02::1", "multicast"), ("2001:db8::1", "documentation"), ("3fff:fff::1", "documentation"), ("2001:4860::1", "public"),
        ("2001:0:1::1", "reserved"), ("64:ff9b::808:808", "public"), ("4000::1", "reserved"), ("::ffff:10.0.0.1", "private"),
        ("::ffff:8.8.8.8", "public"), ("", "unknown"), ("1.2.3", "unknown"), ("evil\x00", "unknown"), ("1.2.3.4\n", "unknown"),
        ("fe80::1%eth0", "unknown"), ("\ud800", "unknown"), ("01.2.3.4", "unknown"),
    ],
)  # fmt: skip
def test_class(address: str, expected: str) -> None:
    assert address_class(address) == expected
    assert expected in CLASSES


def test_own_networks() -> None:
    own = own_networks(["198.51.100.0/24", "2001:db8:1::/48", "192.0.2.7"])
    said = [
        own.at(number(ip) or 0) for ip in ("198.51.100.255", "198.51.101.0", "2001:db8:1::9", "192.0.2.7", "192.0.2.8")
    ]
    assert said == [True, None, True, True, None]
    with pytest.raises(ValueError, match="x"):
        own_networks(["x"])


def test_the_most_specific_network_wins_and_the_wider_goes_on_after_it() -> None:
    nets = NetworkMap(
        [("10.0.0.0/8", "wide"), ("10.1.0.0/16", "middle"), ("10.1.2.3/32", "one"), ("10.1.0.0/16", "again")]
    )
    said = {
        ip: nets.at(number(ip) or 0)
        for ip in ("9.255.255.255", "10.0.0.0", "10.1.0.0", "10.1.2.3", "10.1.2.4", "10.2.0.0", "11.0.0.0")
    }
    assert list(said.values()) == [None, "wide", "again", "one", "again", "wide", None]
    assert not NetworkMap([])
    assert NetworkMap([]).at(5) is None
    assert NetworkMap([("::/0", 1)]).at(2**128 - 1) == 1


_NETS = st.integers(0, 2**32 - 1).flatmap(lambda n: st.integers(20, 32).map(lambda p: (n & 0x00000FFF | 0x0A000000, p)))


@given(st.lists(_NETS, max_size=12), st.integers(0x0A000000, 0x0A000FFF))
def test_the_map_says_what_a_search_through_all_networks_says(nets: list[tuple[int, int]], place: int) -> None:
    texts = [str(ipaddress.ip_network((n, p), strict=False)) for n, p in nets]
    address = ipaddress.ip_address(place)
    holding = [t for t in texts if address in ipaddress.ip_network(t)]
    best = max(holding, key=lambda t: ipaddress.ip_network(t).prefixlen, default=None)
    assert NetworkMap((t, t) for t in texts).at(number(str(address)) or 0) == best


@given(st.ip_addresses())
def test_numbers_and_bounds_agree(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    place = number(str(address))
    assert bounds(str(address)) == (place, place)


@given(st.text())
def test_any_text_has_a_class(text: str) -> None:
    assert address_class(text) in CLASSES
