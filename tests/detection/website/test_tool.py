"""The tool as a whole: what it sends is what it says it sends, to owned sites only; and real nginx."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.errors import SocTuiError, UsageError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.tools import Tool, Watch, events_of
from soc_tui.detection.website.template import FOLDER
from soc_tui.detection.website.tool import WebsiteTool


@pytest.fixture(autouse=True)
def no_nuclei(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soc_tui.detection.website.nuclei.program", lambda: None)


def tool(*websites: str, **more: Any) -> WebsiteTool:
    return WebsiteTool(ScanSettings(websites=websites, requests_per_second=5000), **more)


def test_it_is_a_tool() -> None:
    made: Tool = tool()
    assert (made.name, made.risk_type) == ("website-vulnerability", "web-attack")


def test_a_site_that_is_not_owned_is_refused_before_anything_is_sent(site: Any) -> None:
    made = site()
    for call in (
        lambda one: one.check(made.url, Watch()), lambda one: one.requests(made.url),
        lambda one: one.probe(made.url, "/", "", Watch()), lambda one: one.probe_requests(made.url, "/", ""),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=r"not in scan\.websites"):
            call(tool(f"http://127.0.0.1:{made.port + 1}", "https://www.example.org"))
    assert made.asked == []


def test_no_rate_and_no_time_is_a_mistake_in_the_settings(site: Any) -> None:
    made = site()
    for more in ({"requests_per_second": 0.0}, {"timeout_seconds": 0.0}):
        with pytest.raises(UsageError, match="above 0"):
            WebsiteTool(ScanSettings(websites=(made.url,), **more)).check(made.url, Watch())


def test_a_name_without_an_address(site: Any) -> None:
    with pytest.raises(SocTuiError, match="has no address"):
        tool("http://nowhere.invalid").check("http://nowhere.invalid", Watch())


def test_the_dry_run_tells_exactly_what_is_sent(site: Any, kit: Any) -> None:
    made = site({"/en/": kit["clean"]})
    scan = tool(made.url, scan_id="0a1b2c3d")
    told = scan.requests(f"{made.url}/en/")
    assert made.asked == []
    list(scan.check(f"{made.url}/en/", Watch()))
    sent = [
        " | ".join([f"{method} {made.url}{target}", *(f"{name}: {value}" for name, value in headers)])
        for method, target, headers in made.asked
    ]
    assert told == sent
    (start,) = [line for line in told if "/en/ " in line]
    assert start == (
        f"GET {made.url}/en/ | Host: 127.0.0.1:{made.port}"
        " | User-Agent: soc-tui website check (scan 0a1b2c3d; read-only; by the owner of this site)"
        " | Accept: */* | Accept-Encoding: identity | Connection: close"
    )
    assert len(told) == len(set(told)) == 138
    assert {line.split(" ")[0] for line in told} == {"GET", "OPTIONS"}


def test_the_dry_run_of_a_site_with_tls_names_the_handshakes_and_nuclei(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soc_tui.detection.website.nuclei.program", lambda: "/opt/nuclei")
    told = tool("https://www.example.org").requests("https://www.example.org")
    assert told[0] == "TLS handshakes with www.example.org:443, without a request"
    assert told[-1].startswith("/opt/nuclei -target https://ADDRESS:443 -sni www.example.org ")


def test_a_marker_is_inert() -> None:
    made = tool()
    assert made.marker.isalnum()
    assert made.marker != tool().marker
    harmful = (
        "script", "onerror", "select", "union", "../", "%2e%2e/", "etc/passwd", "%27", "'", "$(", "`", "%0a", "%0d", ";",
        "sleep", "|",
    )  # fmt: skip
    told = tool("http://a.example").requests("http://a.example")
    assert len(told) == 137
    for line in told:
        assert not [word for word in harmful if word in line.split(" ")[1].lower()], line


def test_a_damaged_template_is_named_and_the_others_are_used(site: Any, kit: Any, tmp_path: Path) -> None:
    good = (FOLDER / "repositories.yaml").read_text()
    (tmp_path / "good.yaml").write_text(good)
    (tmp_path / "bad.yaml").write_text("- id: x\n  severity: huge\n")
    made = site({"/": kit["clean"], "/.git/HEAD": (200, {}, b"ref: refs/heads/main\n")})
    notes: list[str] = []
    found = list(tool(made.url, templates=tmp_path).check(made.url, Watch(note=notes.append)))
    assert [one.check for one in found] == ["git-repository"]
    assert notes[0].startswith(f"a template is left out: {tmp_path}/bad.yaml:2: 'huge' is not one of info, low")


def test_findings_become_events(site: Any, kit: Any) -> None:
    from datetime import UTC, datetime

    made = site({"/": kit["clean"], "/.git/HEAD": (200, {}, b"ref: refs/heads/main\n")})
    scan = tool(made.url)
    found = [one for one in scan.check(made.url, Watch()) if one.check == "git-repository"]
    (event,) = events_of([(scan, one) for one in found], "sensor", datetime(2026, 3, 1, tzinfo=UTC), 0).to_pylist()
    assert (event["class_uid"], event["rule_id"], event["url_host"], event["url_path"], event["dst_port"]) == (
        2002, "git-repository", "127.0.0.1", "/.git/HEAD", made.port,
    )  # fmt: skip


def test_it_stops_when_told(site: Any) -> None:
    made = site()
    list(tool(made.url).check(made.url, Watch(stopping=lambda: len(made.asked) >= 5)))
    assert len(made.asked) == 5


def test_progress_is_told(site: Any) -> None:
    made = site()
    told: list[tuple[str, int, int]] = []
    list(tool(made.url).check(made.url, Watch(progress=lambda *one: told.append(one))))
    assert told[0][1:] == (0, 137)
    assert told[-1] == (made.url, 137, 137)


LEAKY = """
    location / { autoindex on; }
    location = /status { stub_status; }
    location = /redirect { return 302 $arg_url; }
    location = /search { default_type text/html; return 200 "<p>Results for $arg_q</p>"; }
"""
TIGHT = """
    server_tokens off;
    add_header Content-Security-Policy "default-src 'self'; frame-ancestors 'none'" always;
    add_header X-Content-Type-Options nosniff always;
    add_header Referrer-Policy no-referrer always;
    add_header Strict-Transport-Security "max-age=31536000" always;
    location ~ /\\. { return 404; }
    location / { try_files $uri $uri/ =404; }
"""


def test_nginx_as_it_should_not_be(nginx: Any, look: Any, tmp_path: Path) -> None:
    made = nginx(LEAKY)
    root = tmp_path / "nginx0/root"
    (root / ".git").mkdir()
    (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (root / ".env").write_text("APP_KEY=s3cret\n")
    (root / "backup.zip").write_bytes(b"PK\x03\x04" + bytes(2000))
    (root / "uploads").mkdir()
    looked = look(made.url)
    assert {(one.check, one.url_path) for one in looked.findings} == {
        ("git-repository", "/.git/HEAD"), ("environment-file", "/.env"), ("site-archive", "/backup.zip"),
        ("directory-listing", "/"), ("directory-listing", "/uploads/"), ("nginx-status", "/status"),
        ("open-redirect", "/redirect"), ("server-version", "/"), ("no-tls", "/"), ("no-content-security-policy", "/"),
        ("no-nosniff", "/"), ("no-frame-protection", "/"), ("no-referrer-policy", "/"),
    }  # fmt: skip
    (archive,) = looked.of("site-archive")
    assert archive.evidence.startswith(b"HTTP 206\nPK\x03\x04")
    (version,) = looked.of("server-version")
    assert version.evidence.startswith(b"HTTP 200\nserver: nginx/")
    log = ""
    for _ in range(1000):  # nginx writes the last line after the last answer
        log = (tmp_path / "nginx0/access.log").read_text()
        if log.count("\n") >= 137:
            break
        time.sleep(0.01)
    assert log.count("\n") == log.count("soc-tui website check (scan ") == 137


def test_nginx_as_it_should_be(nginx: Any, look: Any, trusted: Any, tmp_path: Path) -> None:
    tls = f"ssl_certificate {trusted.good}; ssl_certificate_key {trusted.good}; ssl_protocols TLSv1.2 TLSv1.3;"
    made = nginx(TIGHT, tls=tls)
    root = tmp_path / "nginx0/root"
    (root / "index.html").write_text("<html><p>We sell chairs.</p></html>")
    (root / ".env").write_text("APP_KEY=s3cret\n")
    (root / "uploads").mkdir()
    assert look(made.url).findings == []
