"""What is ours to ask, and nothing else."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from soc_tui.core.errors import SocTuiError, UsageError
from soc_tui.detection.website.origins import Origin, owned, resolve, split_target


@pytest.mark.parametrize(
    ("target", "origin", "path"),
    [
        ("https://www.Example.org", "https://www.example.org", "/"),
        ("https://www.example.org:443/", "https://www.example.org", "/"),
        ("http://www.example.org.:8080/en/", "http://www.example.org:8080", "/en/"),
        ("https://bücher.example", "https://xn--bcher-kva.example", "/"),
        ("http://[::1]:8000/", "http://[::1]:8000", "/"),
        (" http://10.0.0.5 ", "http://10.0.0.5", "/"),
    ],
)
def test_targets(target: str, origin: str, path: str) -> None:
    found = split_target(target)
    assert (str(found[0]), found[1]) == (origin, path)


@pytest.mark.parametrize(
    "target",
    [
        "", "www.example.org", "ftp://www.example.org", "https://", "https://user:pw@www.example.org",
        "https://@www.example.org/", "https://www.example.org/?a=1", "https://www.example.org/#x",
        "https://www.example.org:99999", "https://www.example.org/\r\nHost: x", "https://a" + "b" * 80 + ".example",
        "https://[::1", "file:///etc/passwd", "https://www.example.org/ä", "https://..example", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_website(target: str) -> None:
    with pytest.raises(UsageError) as caught:
        split_target(target)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "target",
    [
        "https://www.example.org", "http://www.example.org:8443", "https://example.org:8443",
        "https://www.example.org.evil.example:8443", "https://evil.example:8443", "https://www.example.org:8444",
    ],
)  # fmt: skip
def test_only_the_very_origin_is_owned(target: str) -> None:
    with pytest.raises(UsageError, match=r"not in scan\.websites, so nothing is sent") as caught:
        owned(target, ("https://www.example.org:8443",))
    assert "[scan] websites" in caught.value.remedy
    assert owned("https://WWW.example.org:8443/x/", ("https://www.example.org:8443/",))[1] == "/x/"


def test_a_damaged_setting_owns_nothing() -> None:
    with pytest.raises(UsageError, match="no website"):
        owned("https://www.example.org", ("https://www.example.org", "www.example.net"))


def test_names_without_an_address() -> None:
    assert resolve(Origin("http", "127.0.0.1", 80), 5) == "127.0.0.1"
    with pytest.raises(SocTuiError, match=r"nowhere\.invalid has no address"):
        resolve(Origin("http", "nowhere.invalid", 80), 5)


def test_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    def hang(*_: Any, **__: Any) -> Any:
        never.wait(30)
        raise OSError

    monkeypatch.setattr("soc_tui.detection.website.origins.socket.getaddrinfo", hang)
    with pytest.raises(SocTuiError, match=r"no answer in 0\.05 s"):
        resolve(Origin("http", "www.example.org", 80), 0.05)
    never.set()


def test_a_name_with_two_kinds_of_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_: Any, **__: Any) -> list[Any]:
        six = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 80, 0, 0))
        return [six, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]

    monkeypatch.setattr("soc_tui.detection.website.origins.socket.getaddrinfo", both)
    assert resolve(Origin("http", "www.example.org", 80), 5) == "192.0.2.1"
