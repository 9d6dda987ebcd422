"""Every check fires on a real server that shows what it looks for, and is silent on those that do not."""

from __future__ import annotations

import html
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from soc_tui.detection.website.template import FOLDER, load

PAGE = {"Content-Type": "text/html"}
TEXT = {"Content-Type": "text/plain"}
BINARY = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}
SQLITE = b"SQLite format 3\x00" + bytes(84)

# check -> path, what it is answered, and a part of the evidence that must be told. All of these are on one server.
SHOWN: dict[str, tuple[str, tuple[int, dict[str, str], bytes], bytes]] = {
    "git-repository": ("/.git/HEAD", (200, TEXT, b"ref: refs/heads/main\n"), b"ref: refs/heads/main"),
    "git-config": (
        "/.git/config", (200, TEXT, b"[core]\n\trepositoryformatversion = 0\n[remote]\n\turl = https://t0ken@x\n"),
        b"repositoryformatversion = 0",
    ),
    "subversion-repository": ("/.svn/wc.db", (206, BINARY, SQLITE), b"SQLite format 3"),
    "mercurial-repository": ("/.hg/requires", (200, TEXT, b"dotencode\nfncache\ngeneraldelta\n"), b"dotencode"),
    "ds-store": ("/.DS_Store", (200, BINARY, b"\x00\x00\x00\x01Bud1\x00\x00"), b"Bud1"),
    "docker-files": ("/docker-compose.yml", (200, TEXT, b"version: '3'\nservices:\n  web:\n"), b"services:"),
    "dependency-lock": ("/package-lock.json", (200, JSON, b'{"name": "x", "lockfileVersion": 3}'), b'"lockfileVersion":'),
    "environment-file": ("/.env", (200, TEXT, b"APP_ENV=prod\nDB_PASSWORD=s3cret\n"), b"APP_ENV="),
    "private-key": (
        "/id_rsa", (200, TEXT, b"-----BEGIN RSA PRIVATE KEY-----\ns3cret\n"), b"-----BEGIN RSA PRIVATE KEY-----",
    ),
    "cloud-credentials": ("/.aws/credentials", (200, TEXT, b"[default]\naws_access_key_id = A\n"), b"aws_access_key_id"),
    "password-file": ("/.htpasswd", (200, TEXT, b"admin:$apr1$s3cret$hash\n"), b"admin:$apr1$"),
    "configuration-backup": ("/wp-config.php.bak", (200, TEXT, b"<?php define('DB_PASSWORD', 's3cret');"), b"<?php"),
    "source-backup": ("/index.php.bak", (200, TEXT, b"<?php echo 1;"), b"<?php"),
    "database-dump": ("/dump.sql", (200, TEXT, b"-- MySQL dump 10.13\nCREATE TABLE `u` (\n"), b"-- MySQL dump"),
    "site-archive": ("/backup.zip", (206, BINARY, b"PK\x03\x04" + bytes(60)), b"PK\x03\x04"),
    "site-tarball": ("/backup.tar.gz", (206, BINARY, b"\x1f\x8b\x08" + bytes(60)), b"\x1f\x8b\x08"),
    "database-file": ("/db.sqlite3", (200, BINARY, SQLITE), b"SQLite format 3"),
    "server-configuration": ("/.htaccess", (200, TEXT, b"RewriteEngine On\n"), b"RewriteEngine"),
    "application-log": ("/debug.log", (200, TEXT, b"[17-May-2026 10:00:00 UTC] PHP Warning:  x\n"), b"[17-May-2026"),
    "phpinfo": ("/info.php", (200, PAGE, b"<title>phpinfo()</title><h1 class=\"p\">PHP Version 8.2</h1>"), b"phpinfo()"),
    "apache-status": (
        "/server-status", (200, PAGE, b"<h1>Apache Server Status for x</h1><dt>Server uptime: 1</dt>"), b"Server uptime",
    ),
    "apache-info": (
        "/server-info", (200, PAGE, b"<h1>Apache Server Information</h1><h2>Server Settings</h2>"), b"Server Settings",
    ),
    "nginx-status": (
        "/stub_status",
        (200, TEXT, b"Active connections: 1 \nserver accepts handled requests\n 1 1 1 \n"), b"Active connections: 1",
    ),
    "spring-actuator": ("/actuator/env", (200, JSON, b'{"propertySources": []}'), b'"propertySources"'),
    "spring-actuator-index": ("/actuator", (200, JSON, b'{"_links":{"self":{"href":"x"}}}'), b'"_links"'),
    "werkzeug-console": (
        "/console", (200, PAGE, b"<h1>Interactive Console</h1><script src='?__debugger__=yes'>"), b"__debugger__",
    ),
    "laravel-ignition": (
        "/_ignition/health-check", (200, JSON, b'{"can_execute_commands":true}'), b"can_execute_commands",
    ),
    "symfony-profiler": ("/_profiler/empty/search/results", (200, PAGE, b"<title>Symfony Profiler</title>"), b"Symfony"),
    "rails-info": ("/rails/info/properties", (200, PAGE, b"<td>Rails version</td><td>Middleware</td>"), b"Rails version"),
    "aspnet-trace": ("/trace.axd", (200, PAGE, b"<h1>Application Trace</h1>"), b"Application Trace"),
    "database-console": ("/adminer.php", (200, PAGE, b"<title>Login - Adminer</title>"), b"Login - Adminer"),
    "tomcat-manager": (
        "/manager/html", (401, {"WWW-Authenticate": 'Basic realm="Tomcat Manager Application"'}, b""), b"Tomcat Manager",
    ),
    "go-profiler": ("/debug/pprof/", (200, PAGE, b"<p>Types of profiles available:</p>goroutine"), b"Types of profiles"),
    "prometheus-metrics": ("/metrics", (200, TEXT, b"# HELP up x\n# TYPE up gauge\nup 1\n"), b"# HELP up"),
    "api-description": ("/openapi.json", (200, JSON, b'{"openapi": "3.1.0"}'), b'"openapi": "3.'),
    "graphql-introspection": (
        "/graphql", (200, JSON, b'{"data":{"__schema":{"queryType":{"name":"Query"}}}}'), b'"__schema"',
    ),
    "flash-policy": ("/crossdomain.xml", (200, PAGE, b'<allow-access-from domain="*" />'), b'domain="*"'),
    "directory-listing": ("/uploads/", (200, PAGE, b"<title>Index of /uploads/</title>"), b"Index of /"),
    "product-readme": ("/readme.html", (200, PAGE, b"<title>WordPress &rsaquo; ReadMe</title>"), b"WordPress"),
}  # fmt: skip

# check -> the start page that shows it, and a part of the evidence.
START: dict[str, tuple[tuple[int, dict[str, str], bytes], bytes]] = {
    "default-page": ((200, PAGE, b"<title>Welcome to nginx!</title>"), b"Welcome to nginx!"),
    "server-version": ((200, {"Server": "Apache/2.4.62 (Debian)"}, b""), b"server: Apache/2.4.62"),
    "framework-version": ((200, {"X-Powered-By": "PHP/8.2"}, b""), b"x-powered-by: PHP/8.2"),
    "aspnet-version": ((200, {"X-AspNet-Version": "4.0.30319"}, b""), b"x-aspnet-version: 4.0.30319"),
    "generator-version": ((200, PAGE, b'<meta name="generator" content="WordPress 6.5.2">'), b"WordPress 6.5.2"),
    "internal-address": ((302, {"Location": "http://192.168.3.4/x"}, b""), b"http://192.168.3.4/x"),
    "no-hsts": ((200, PAGE, b""), b"no strict-transport-security"),
    "short-hsts": ((200, {"Strict-Transport-Security": "max-age=86400"}, b""), b"max-age=86400"),
    "no-content-security-policy": ((200, PAGE, b""), b"no content-security-policy"),
    "unsafe-content-security-policy": (
        (200, {"Content-Security-Policy": "script-src 'self' 'unsafe-inline'"}, b""), b"'unsafe-inline'",
    ),
    "no-nosniff": ((200, PAGE, b""), b"no x-content-type-options"),
    "no-frame-protection": ((200, PAGE, b""), b"no x-frame-options"),
    "no-referrer-policy": ((200, PAGE, b""), b"no referrer-policy"),
    "no-tls": ((200, PAGE, b""), b"HTTP 200"),
    "password-without-tls": ((200, PAGE, b'<input name="p" type="password">'), b'<input name="p" type="password'),
    "basic-authentication-without-tls": ((401, {"WWW-Authenticate": "Basic realm=x"}, b""), b"Basic realm=x"),
    "mixed-content": ((200, PAGE, b'<script src="http://cdn.example/x.js">'), b'src="http://'),
    "cookie-without-secure": ((200, {"Set-Cookie": "lang=de; HttpOnly; SameSite=Lax"}, b""), b"set-cookie: lang"),
    "cookie-without-httponly": (
        (200, {"Set-Cookie": "PHPSESSID=s3cret; Secure; SameSite=Lax"}, b""), b"set-cookie: PHPSESSID",
    ),
    "cookie-without-samesite": ((200, {"Set-Cookie": "sid=s3cret; Secure; HttpOnly"}, b""), b"set-cookie: sid"),
    "cookie-none-insecure": ((200, {"Set-Cookie": "x=1; SameSite=None"}, b""), b"set-cookie: x"),
}  # fmt: skip
ELSEWHERE = {
    "django-debug", "stack-trace", "open-cors", "trace-method", "reflected-parameter", "reflected-path", "open-redirect",
    "redirect-to-host",
}  # fmt: skip
OF_TLS = {
    "certificate-expired", "certificate-self-signed", "certificate-untrusted", "certificate-wrong-name",
    "certificate-expires-soon", "old-tls",
}  # fmt: skip
"""In test_tls.py."""


def test_every_template_is_tried_here_or_beside() -> None:
    templates, problems = load()
    assert problems == []
    assert {one.id for one in templates} == {*SHOWN, *START, *ELSEWHERE, *OF_TLS}
    assert len(templates) == 74


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """The templates of start pages only."""
    for name in ("disclosure", "headers", "tls"):
        shutil.copy(FOLDER / f"{name}.yaml", tmp_path)
    return tmp_path


@pytest.fixture
def parameters(tmp_path: Path) -> Path:
    """The templates of parameters only."""
    shutil.copy(FOLDER / "parameters.yaml", tmp_path)
    return tmp_path


def test_one_server_that_shows_everything(site: Any, look: Any, kit: Any) -> None:
    leaky = site({"/": kit["clean"], **{path: reply for path, reply, _ in SHOWN.values()}})
    looked = look(leaky.url)
    assert looked.checks == {"no-tls", *SHOWN}
    for check, (path, _, part) in SHOWN.items():
        (finding,) = looked.of(check)
        assert part in finding.evidence
        assert b"s3cret" not in finding.evidence
        assert b"t0ken" not in finding.evidence
        assert finding.url_path == path
        assert finding.target.startswith(f"{leaky.url}{path}")
        assert (finding.ip, finding.port, finding.url_host) == ("127.0.0.1", leaky.port, "127.0.0.1")
    ranks = ["critical", "high", "medium", "low", "info"]
    order = [ranks.index(one.severity) for one in looked.findings if one.check in SHOWN]
    assert order == sorted(order)
    assert looked.notes == ["nuclei is not installed: only our own templates were used"]


@pytest.mark.parametrize("check", sorted(START))
def test_what_a_start_page_shows(site: Any, look: Any, kit: Any, trusted: Any, few: Path, check: str) -> None:
    reply, part = START[check]
    template = next(one for one in load()[0] if one.id == check)
    context = None if template.scheme == "http" else kit["context"](trusted.good)
    looked = look(site({"/": reply}, context=context).url, templates=few)
    (finding,) = looked.of(check)
    assert part in finding.evidence
    assert b"s3cret" not in finding.evidence


def test_a_guarded_site_with_tls_shows_nothing(site: Any, look: Any, kit: Any, trusted: Any) -> None:
    status, headers, body = kit["clean"]
    cookies = (
        "__Host-sid=1; Secure; HttpOnly; SameSite=Lax; Path=/\nXSRF-TOKEN=2; Secure; SameSite=Strict\nsid=; Max-Age=0"
    )
    context = kit["context"](trusted.good)
    made = site({"/": (status, {**headers, "Set-Cookie": cookies, "Server": "nginx"}, body)}, context=context)
    looked = look(made.url)
    assert looked.findings == []
    assert looked.notes == ["nuclei is not installed: only our own templates were used"]


@pytest.mark.parametrize("status", [200, 403, 500, 301])
def test_a_server_that_answers_everything_alike_shows_nothing(site: Any, look: Any, kit: Any, status: int) -> None:
    """Even when the one answer holds everything that the templates look for."""
    page = b"\n".join(reply[2] for _, reply, _ in SHOWN.values())
    headers = {**kit["guarded"], "Location": "/login"}
    looked = look(site({"/": kit["clean"]}, any=(status, headers, page)).url)
    assert looked.checks == {"no-tls"}


def test_a_server_that_repeats_what_it_is_asked_shows_only_that(site: Any, look: Any, kit: Any) -> None:
    def escaped(target: str, query: str, headers: Any) -> Any:
        return 200, kit["guarded"], f"<p>You asked for {html.escape(unquote(target))}</p>".encode()

    assert look(site({"/": escaped}, any=escaped).url).checks == {"no-tls"}


NEAR = [
    ("/.git/HEAD", 200, PAGE, b"<html>ref: see our references</html>"),
    ("/.git/HEAD", 404, TEXT, b"ref: refs/heads/main\n"),
    ("/.env", 200, PAGE, b"<!DOCTYPE html>\nAPP_ENV=prod"),
    ("/.env", 200, TEXT, b"welcome = yes"),
    ("/backup.zip", 200, PAGE, b"<html>download PK\x03\x04</html>"),
    ("/dump.sql", 200, PAGE, b"<html>How to CREATE TABLE x</html>"),
    ("/debug.log", 200, PAGE, b"<html>[17-May-2026 10:00:00 UTC] news</html>"),
    ("/status", 200, TEXT, b"ok"),
    ("/metrics", 200, PAGE, b"<h1># HELP wanted</h1>"),
    ("/console", 200, PAGE, b"<h1>Our game console</h1>"),
    ("/console", 200, PAGE, b"<h1>Interactive Console</h1>"),
    ("/graphql", 200, JSON, b'{"errors":[{"message":"introspection is disabled"}]}'),
    ("/manager/html", 401, {"WWW-Authenticate": "Basic realm=staff"}, b""),
    ("/openapi.json", 200, JSON, b'{"version": "3.1.0"}'),
    ("/crossdomain.xml", 200, PAGE, b'<allow-access-from domain="www.example.org" />'),
    ("/uploads/", 200, PAGE, b"<title>Index of authors</title>"),
    ("/.htpasswd", 403, PAGE, b"admin:$apr1$salt$hash"),
    ("/id_rsa", 200, TEXT, b"-----BEGIN PUBLIC KEY-----"),
]


def test_what_only_looks_like_it_shows_nothing(site: Any, look: Any, kit: Any) -> None:
    rounds: list[dict[str, Any]] = [{}, {}]
    for path, *reply in NEAR:
        next(one for one in rounds if path not in one)[path] = tuple(reply)
    assert sum(map(len, rounds)) == len(NEAR)
    for routes in rounds:
        assert look(site({"/": kit["clean"], **routes}).url).checks == {"no-tls"}


@pytest.mark.parametrize(
    ("reply", "silent"),
    [
        ((200, {"Server": "nginx"}, b""), "server-version"),
        ((200, {"Content-Type": "application/json"}, b"{}"), "no-content-security-policy"),
        ((200, PAGE, b'<meta http-equiv="Content-Security-Policy" content="x">'), "no-content-security-policy"),
        ((200, {"Strict-Transport-Security": "max-age=31536000"}, b""), "short-hsts"),
        ((200, {"Content-Security-Policy": "script-src 'nonce-x' 'unsafe-inline'"}, b""), "unsafe-content-security-policy"),
        ((200, {**PAGE, "Content-Security-Policy": "frame-ancestors 'none'"}, b""), "no-frame-protection"),
        ((301, {"Location": "https://127.0.0.1/"}, b""), "no-tls"),
        ((302, {"Location": "/login"}, b""), "internal-address"),
        ((200, PAGE, b'<a href="http://www.example.org/">'), "mixed-content"),
        ((200, {"Set-Cookie": "theme=dark; Secure"}, b""), "cookie-without-httponly"),
        ((200, {"Set-Cookie": "csrf_token=x; Secure"}, b""), "cookie-without-httponly"),
        ((200, PAGE, b'<meta name="generator" content="Hugo">'), "generator-version"),
    ],
)  # fmt: skip
def test_start_pages_that_are_in_order(
    site: Any, look: Any, kit: Any, trusted: Any, few: Path, reply: Any, silent: str
) -> None:
    template = next(one for one in load()[0] if one.id == silent)
    context = kit["context"](trusted.good) if template.scheme == "https" else None
    assert silent not in look(site({"/": reply}, context=context).url, templates=few).checks


# -- answers to what does not exist, methods, origins and parameters ---------------------------------------------------


def test_error_pages_that_tell_too_much(site: Any, look: Any, kit: Any) -> None:
    django = (404, PAGE, b"<p>Using the URLconf x, ... because you have <code>DEBUG = True</code></p>")
    made = site({"/": kit["clean"]}, any=django)
    (finding,) = look(made.url).of("django-debug")
    assert finding.target == made.url
    for trace in (
        b"Traceback (most recent call last)\n x", b"x\n\tat org.a.B.run(B.java:12)\n",
        b"<b>Fatal error: Uncaught x in /var/www/i.php on line 3", b"Error\n    at f (/srv/app/index.js:10:3)\n",
    ):  # fmt: skip
        assert look(site({"/": kit["clean"]}, any=(500, PAGE, trace)).url).checks == {"no-tls", "stack-trace"}


def test_methods(site: Any, look: Any, kit: Any, few: Path) -> None:
    def start(allowed: str) -> Any:
        return lambda target, query, headers: (200, {**kit["guarded"], "Allow": allowed}, b"")

    assert "trace-method" in look(site({"/": start("GET, TRACE")}).url, templates=few).checks
    assert "trace-method" not in look(site({"/": start("GET, HEAD, OPTIONS, POST")}).url, templates=few).checks


@pytest.mark.parametrize(
    ("answer", "fires"), [("*", False), ("repeat", True), ("https://www.example.org", False), ("", False)]
)
def test_origins(site: Any, look: Any, kit: Any, few: Path, answer: str, fires: bool) -> None:
    def start(target: str, query: str, headers: Any) -> Any:
        origin = headers.get("Origin", "") if answer == "repeat" else answer
        more = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"} if origin else {}
        return 200, {**kit["guarded"], **more}, b""

    assert ("open-cors" in look(site({"/": start}).url, templates=few).checks) is fires


def _page(escape: Callable[[str], str], parameter: str, kind: str = "text/html") -> Any:
    def page(target: str, query: str, headers: Any) -> Any:
        value = parse_qs(query).get(parameter, [""])[0]
        return 200, {**GUARD, "Content-Type": kind}, f"<p>Results for {escape(value)}</p>".encode()

    return page


GUARD = {"Content-Security-Policy": "default-src 'self'; frame-ancestors 'self'", "X-Content-Type-Options": "nosniff",
         "Referrer-Policy": "no-referrer"}  # fmt: skip


@pytest.mark.parametrize("parameter", ["q", "s", "search", "query", "id", "page", "lang", "name"])
def test_a_parameter_that_comes_back_unescaped(site: Any, look: Any, parameters: Path, parameter: str) -> None:
    made = site({"/": _page(str, parameter)})
    (finding,) = look(made.url, scan_id="0a1b", templates=parameters).of("reflected-parameter")
    assert f'soctui0a1b{parameter}"<z>'.encode() in finding.evidence
    assert "MARKER" in finding.target  # the same finding whatever the scan's id
    assert "0a1b" not in finding.target


def test_a_parameter_that_comes_back_escaped_or_not_as_a_page(site: Any, look: Any) -> None:
    assert look(site({"/": _page(html.escape, "q")}).url).checks == {"no-tls"}
    assert look(site({"/": _page(str, "q", "application/json")}).url).checks == {"no-tls"}
    assert look(site({"/": _page(str, "other")}).url).checks == {"no-tls"}


def test_a_path_that_comes_back_unescaped(site: Any, look: Any, kit: Any) -> None:
    def missing(target: str, query: str, headers: Any) -> Any:
        return 404, PAGE, f"<p>{unquote(target.split('?', maxsplit=1)[0])} is not here</p>".encode()

    looked = look(site({"/": kit["clean"]}, any=missing).url)
    assert looked.checks == {"no-tls", "reflected-path"}


@pytest.mark.parametrize("path", ["/", "/login", "/logout", "/redirect", "/go", "/out"])
def test_a_redirect_to_anywhere(site: Any, look: Any, kit: Any, parameters: Path, path: str) -> None:
    def redirect(target: str, query: str, headers: Any) -> Any:
        to = parse_qs(query).get("url")
        return (302, {"Location": to[0]}, b"") if to else kit["clean"]

    looked = look(site({"/": kit["clean"], path: redirect}).url, scan_id="0a1b", templates=parameters)
    (finding,) = looked.of("open-redirect")
    assert b"location: https://urlsoctui0a1b.invalid/" in finding.evidence
    assert finding.url_path == path


def test_redirects_that_stay_inside(site: Any, look: Any, kit: Any) -> None:
    def inside(target: str, query: str, headers: Any) -> Any:
        return 302, {"Location": f"/login?next={parse_qs(query).get('url', [''])[0]}"}, b""

    assert look(site({"/": kit["clean"], "/redirect": inside, "/go": inside}).url).checks == {"no-tls"}


def test_a_path_that_redirects_to_a_host(site: Any, look: Any, kit: Any) -> None:
    def slash(target: str, query: str, headers: Any) -> Any:
        return 301, {"Location": target + "/"}, b""

    assert look(site({"/": kit["clean"]}, any=slash).url).checks == {"no-tls", "redirect-to-host"}
