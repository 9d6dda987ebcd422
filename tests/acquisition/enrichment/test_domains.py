"""Names cut at their public suffix; hostile names have no parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc_tui.acquisition.enrichment.domains import NO_DOMAIN, Split, ascii_name, split_domain


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("www.example.co.uk", Split("example.co.uk", "co.uk", "www")),
        ("WWW.Example.COM.", Split("example.com", "com", "www")),
        ("a.b.c.example.org", Split("example.org", "org", "a.b.c")),
        ("example.org", Split("example.org", "org", None)),
        ("co.uk", Split(None, "co.uk", None)),
        ("evil.github.io", Split("evil.github.io", "github.io", None)),
        ("x.y.ck", Split("x.y.ck", "y.ck", None)),  # the list's rule *.ck
        ("a.www.ck", Split("www.ck", "ck", "a")),  # and its exception
        ("host.corp.internal", Split("corp.internal", "internal", "host")),  # the rule * for what is not listed
        ("bücher.example", Split("xn--bcher-kva.example", "example", None)),
        ("www.食狮.公司.cn", Split("xn--85x722f.xn--55qx5d.cn", "xn--55qx5d.cn", "www")),
        ("_dmarc.example.com", Split("example.com", "com", "_dmarc")),
        ("localhost", NO_DOMAIN), ("", NO_DOMAIN), (".", NO_DOMAIN), ("1.2.3.4", NO_DOMAIN), ("2001:db8::1", NO_DOMAIN),
        ("a..b.com", NO_DOMAIN), ("evil\x00.com", NO_DOMAIN), ("http://x.com/y", NO_DOMAIN), ("user@x.com", NO_DOMAIN),
        ("x" * 64 + ".com", NO_DOMAIN), ("a." * 200 + "com", NO_DOMAIN), ("\u202e.com", NO_DOMAIN), ("a b.com", NO_DOMAIN),
    ],
)  # fmt: skip
def test_split(name: str, expected: Split) -> None:
    assert split_domain(name) == expected


@given(st.text(max_size=300))
def test_any_text_is_cut_or_has_no_parts(text: str) -> None:
    found = split_domain(text)
    if found.registered_domain:
        whole = ".".join(part for part in (found.subdomain, found.registered_domain) if part)
        assert whole == ascii_name(text)
        assert found.registered_domain.endswith(f".{found.suffix}")


def test_no_network_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert split_domain("www.example.co.jp") == Split("example.co.jp", "co.jp", "www")
