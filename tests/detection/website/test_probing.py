"""Inert probes after an attack."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import parse_qs

import pytest

from soc_tui.core.errors import UsageError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.tools import Watch
from soc_tui.detection.website.tool import WebsiteTool


def tool(url: str) -> WebsiteTool:
    return WebsiteTool(ScanSettings(websites=(url,), requests_per_second=5000, timeout_seconds=5), scan_id="0a1b")


def item(escape: Any) -> Any:
    def page(target: str, query: str, headers: Any) -> Any:
        return 200, {"Content-Type": "text/html"}, f"<p>{escape(parse_qs(query).get('id', [''])[0])}</p>".encode()

    return page


@pytest.mark.parametrize(
    ("routes", "any", "path", "page", "reflected"),
    [
        ({"/item.php": item(str)}, None, "/item.php", "exists", "raw"),
        ({"/item.php": item(html.escape)}, None, "/item.php", "exists", "escaped"),
        ({"/item.php": item(lambda _: "x")}, None, "/item.php", "exists", "no"),
        ({}, None, "/item.php", "missing", "no"),
        ({"/item.php": (410, {}, b"")}, None, "/item.php", "missing", "no"),
        ({"/item.php": (403, {}, b"")}, None, "/item.php", "exists", "no"),
        ({}, (200, {}, b"<p>Welcome, all of you, to our shop</p>"), "/item.php", "any", "no"),
        ({"/item.php": (200, {}, b"<p>a chair</p>")}, (200, {}, b"<p>welcome</p>"), "/item.php", "exists", "no"),
        ({"/api": (200, {"Content-Type": "application/json"}, b'{"q": "soctui0a1bv\\"<z>"}')}, None, "/api", "exists", "escaped"),
    ],
)  # fmt: skip
def test_pages_and_parameters(site: Any, kit: Any, routes: Any, any: Any, path: str, page: str, reflected: str) -> None:
    made = site({"/": kit["clean"], **routes}, any=any or kit["not_found"])
    scan = tool(made.url)
    told = scan.probe_requests(made.url, path, "id")
    found = scan.probe(made.url, path, "id", Watch())
    assert (found.page, found.reflected) == (page, reflected)
    assert [line.split(" | ")[0] for line in told] == [f"GET {made.url}{target}" for _, target, _ in made.asked]
    assert [target for _, target, _ in made.asked] == [
        f"/soctui0a1b{'.php' if 'php' in path else ''}", path, f"{path}?id=soctui0a1bv%22%3Cz%3E",
    ]  # fmt: skip
    assert found.stored() == {"url_path": path, "parameter": "id", "page": page, "reflected": reflected}


def test_a_page_without_a_parameter(site: Any, kit: Any) -> None:
    made = site({"/": kit["clean"], "/shop/": kit["clean"]})
    assert tool(made.url).probe(made.url, "/shop/", "", Watch()).page == "exists"
    assert [target for _, target, _ in made.asked] == ["/shop/soctui0a1b", "/shop/"]


def test_a_site_that_does_not_answer(raw: Any) -> None:
    made = raw(lambda connection: connection.close())
    notes: list[str] = []
    found = tool(made.url).probe(made.url, "/x", "a", Watch(note=notes.append))
    assert (found.page, found.reflected) == ("unknown", "no")
    assert notes[-1].endswith("left alone")


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/../../etc/passwd", ""), ("/a/%2e%2e/b", ""), ("//evil.example/", ""), ("/x?y=1", ""), ("x", ""), ("", ""),
        ("/<script>", ""), ("/a b", ""), ("/;id", ""), ("/x\r\nHost: y", ""), ("/" + "a" * 600, ""), ("http://evil/", ""),
        ("/x", "id'--"), ("/x", "${jndi:ldap://x}"), ("/x", "%27or"), ("/x", "a=b"), ("/x", "a" * 200), ("/x", "a\nb"),
    ],
)  # fmt: skip
def test_nothing_of_the_attack_is_sent_again(site: Any, path: str, parameter: str) -> None:
    made = site()
    with pytest.raises(UsageError, match="is itself the attack"):
        tool(made.url).probe(made.url, path, parameter, Watch())
    assert made.asked == []


def test_names_of_arrays_are_parameters(site: Any, kit: Any) -> None:
    made = site({"/": kit["clean"]})
    assert tool(made.url).probe(made.url, "/", "filter%5Bname%5D", Watch()).page == "exists"
    assert made.asked[-1][1] == "/?filter%5Bname%5D=soctui0a1bv%22%3Cz%3E"
