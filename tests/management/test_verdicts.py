"""Verdicts on a real attack: requests through nginx to a small vulnerable app, nginx's own log read by soc-tui."""

from __future__ import annotations

import html
import http.client
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from soc_tui.core.settings import ScanSettings, Settings
from soc_tui.detection.tools import Watch
from soc_tui.detection.website.tool import WebsiteTool
from soc_tui.management.engine import Engine
from soc_tui.management.scanning import Job
from soc_tui.management.tally import Tally
from soc_tui.management.verdicts import attacked, judge
from soc_tui.store.casework import save_probe

PASSWD = "".join(f"user{n}:x:{n}:{n}::/home/user{n}:/bin/sh\n" for n in range(40))


class App(BaseHTTPRequestHandler):
    """A shop that trusts what it is asked."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, body = getattr(self, f"_{parts.path.strip('/') or 'start'}", self._missing)(asked)
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def _page(self, inner: str) -> str:
        return f"<html><title>Chairs</title>{'<p>We sell chairs.</p>' * 20}{inner}</html>"

    def _start(self, asked: dict[str, str]) -> tuple[int, str]:
        return 200, self._page("")

    def _item(self, asked: dict[str, str]) -> tuple[int, str]:
        """SQL injection."""
        base = sqlite3.connect(":memory:")
        base.executescript("CREATE TABLE items (id, name); CREATE TABLE users (login, password);")
        base.executemany("INSERT INTO items VALUES (?, ?)", [(n, f"chair {n:03}") for n in range(100)])
        base.executemany(
            "INSERT INTO users VALUES (?, ?)", [(f"user{n}", "5f4dcc3b5aa765d61d8327deb882cf99") for n in range(60)]
        )
        try:
            rows = base.execute(f"SELECT id, name FROM items WHERE id = '{asked.get('id', '')}'").fetchall()
        except sqlite3.Error as error:
            return 500, f"Error: {error}"
        return 200, self._page("".join(f"<li>{one} {other}</li>" for one, other in rows))

    def _safe(self, asked: dict[str, str]) -> tuple[int, str]:
        """The same as it should be: the value is a value."""
        number = asked.get("id", "")
        return 200, self._page(f"<li>{number} chair</li>" if number.isdigit() else "<li>There is no such chair.</li>")

    def _view(self, asked: dict[str, str]) -> tuple[int, str]:
        """Path traversal."""
        name = asked.get("file", "")
        return 200, PASSWD if name.endswith("etc/passwd") else self._page(f"<h1>About {name[:20]}</h1>")

    def _search(self, asked: dict[str, str]) -> tuple[int, str]:
        """Cross-site scripting."""
        return 200, self._page(f"<p>Nothing found for {asked.get('q', '')}</p>")

    def _find(self, asked: dict[str, str]) -> tuple[int, str]:
        """The same as it should be."""
        return 200, self._page(f"<p>Nothing found for {html.escape(asked.get('q', ''))}</p>")

    def _missing(self, asked: dict[str, str]) -> tuple[int, str]:
        return 404, "<p>There is no such page.</p>"

    def log_message(self, *_: Any) -> None:
        """nginx keeps the log."""


class Shop:
    """nginx in front of the app; who asks is told by the source address of the connection."""

    def __init__(self, port: int, log: Path) -> None:
        self.port, self._log, self._asked = port, log, 0

    @property
    def log(self) -> Path:
        """The log once it has a line for every answer: nginx writes it after the answer."""
        for _ in range(1000):
            if self._log.read_text().count("\n") >= self._asked:
                break
            time.sleep(0.01)
        return self._log

    def expect(self, more: int) -> None:
        """So many requests came from elsewhere."""
        self._asked += more

    def ask(self, source: str, target: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(source, 0))
        connection.request("GET", target, headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        self._asked += 1
        return answer.status


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if not program:
        pytest.skip("needs nginx")
    app = ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=app.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path / "nginx"
    folder.mkdir()
    (folder / "nginx.conf").write_text(
        f"""
        daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; events {{ }}
        http {{
            client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
            uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t; access_log {folder}/access.log combined;
            server {{
                listen 127.0.0.1:{port};
                location /guarded {{ return 403; }}
                location / {{ proxy_pass http://127.0.0.1:{app.server_address[1]}; }}
            }}
        }}"""
    )
    process = subprocess.Popen([program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")])
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None
            time.sleep(0.02)
    yield Shop(port, folder / "access.log")
    process.terminate()
    process.wait(timeout=10)
    app.shutdown()
    app.server_close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(Settings(workspace=tmp_path / "workspace"))
    yield made
    made.stop()


def read(engine: Engine, *logs: Path) -> None:
    for _ in engine.intake.ingest(list(logs), None, Tally()):
        pass
    for name, step in (("detection", engine.pipeline.detect), ("analysis", engine.pipeline.analyse)):
        while engine.pipeline.lag(name):  # the first look waits for more to come
            step()


def verdicts(engine: Engine) -> dict[str, tuple[str, str]]:
    rows = engine.store.sql(
        "SELECT src_ip, verdict, verdict_reason FROM alerts WHERE detector = 'web-attack' ORDER BY alert_id"
    )
    found = rows.to_pylist()
    assert len({one["src_ip"] for one in found}) == len(found)
    return {one["src_ip"]: (one["verdict"], one["verdict_reason"]) for one in found}


UNION = "x' UNION SELECT login, password FROM users -- -"
ATTACKS = {
    "127.0.0.11": [f"/item?id={quote(UNION)}"],
    "127.0.0.12": [f"/safe?id={quote(UNION)}"],
    "127.0.0.13": [f"/item?id={quote(chr(39) + ' UNION SELECT 1 FROM nowhere WHERE 1=1 -- -')}"],
    "127.0.0.14": ["/view?file=../../../../etc/passwd"],
    "127.0.0.15": [f"/wp-content/plugins/x.php?id={quote(UNION)}", f"/cart.php?id={quote(UNION)}"],
    "127.0.0.16": [f"/guarded?id={quote(UNION)}"],
    "127.0.0.17": [f"/search?q={quote('<script>alert(document.cookie)</script>')}"],
    "127.0.0.18": [f"/find?q={quote('<script>alert(document.cookie)</script>')}"],
    "127.0.0.19": ["/view?file=../../../../etc/shadow"],
}


def visit(shop: Shop) -> None:
    for number in range(12):
        visitor = f"127.0.1.{number + 1}"
        for target in (f"/item?id={number}", f"/safe?id={number}", f"/view?file=page{number}.html", f"/search?q=chair{number}",
                       f"/find?q=chair{number}", "/"):  # fmt: skip
            assert shop.ask(visitor, target) == 200


def attack(shop: Shop) -> None:
    for source, targets in ATTACKS.items():
        for target in targets:
            shop.ask(source, target)


SIZE = "answered 2xx with another size than this page's ordinary answers"
UNTOLD = "of 1 request 1 answered 2xx, which does not tell whether the script was escaped"
EXPECTED = {
    "127.0.0.11": (
        "likely success", f"of 1 request 1 {SIZE}, as /item (parameter id): 200, 3344 bytes where 474 are usual (median of 12)",
    ),
    "127.0.0.12": ("attempt", "of 1 request 1 answered 2xx with the page's ordinary size"),
    "127.0.0.13": (
        "attempt",
        "of 1 request 1 answered 500 or 502: the value disturbed the code, as /item (parameter id): 500, 29 bytes",
    ),
    "127.0.0.14": (
        "likely success", f"of 1 request 1 {SIZE}, as /view (parameter file): 200, 1440 bytes where 499 are usual (median of 12)",
    ),
    "127.0.0.15": ("no such page", "of 2 requests 2 answered 404 or 410"),
    "127.0.0.16": ("attempt", "of 1 request 1 refused (4xx, 5xx)"),
    "127.0.0.17": ("attempt", UNTOLD),
    "127.0.0.18": ("attempt", UNTOLD),
    "127.0.0.19": ("attempt", "of 1 request 1 answered 2xx with the page's ordinary size"),
}  # fmt: skip


def test_each_attack_gets_its_verdict(shop: Shop, engine: Engine) -> None:
    visit(shop)
    attack(shop)
    read(engine, shop.log)
    assert verdicts(engine) == EXPECTED


def test_what_is_ordinary_may_be_learned_later(shop: Shop, engine: Engine, tmp_path: Path) -> None:
    """The attacks come first, and what they are compared with in a later window: no alert is touched then."""
    attack(shop)
    first = shop.log.read_text()
    visit(shop)
    (tmp_path / "first.log").write_text(first)
    read(engine, tmp_path / "first.log")
    before = verdicts(engine)
    few = "of 1 request 1 answered 2xx, with too few ordinary answers of this page to compare with"
    assert before["127.0.0.11"] == before["127.0.0.19"] == ("attempt", few)
    (tmp_path / "then.log").write_text(shop.log.read_text().removeprefix(first))
    read(engine, tmp_path / "then.log")
    assert verdicts(engine) == EXPECTED


def test_probes_tell_more(shop: Shop, engine: Engine) -> None:
    """What the log does not tell of scripts, an inert marker does; asked by the real tool over real HTTP."""
    visit(shop)
    attack(shop)
    read(engine, shop.log)
    keys = {
        one["src_ip"]: one["alert_key"]
        for one in engine.store.sql("SELECT src_ip, alert_key FROM alerts WHERE detector = 'web-attack'").to_pylist()
    }
    threshold = engine.pipeline.scoring.predictor("query").threshold
    site = f"http://127.0.0.1:{shop.port}"
    settings = ScanSettings(websites=(site,), requests_per_second=1000)
    asked = ("127.0.0.17", "127.0.0.18", "127.0.0.11", "127.0.0.15")
    pages = attacked(engine.store, [keys[one] for one in asked], threshold)
    assert [(one["alert_key"], one["url_path"], one["parameter"]) for one in pages] == sorted([
        (keys["127.0.0.11"], "/item", "id"), (keys["127.0.0.15"], "/cart.php", "id"),
        (keys["127.0.0.15"], "/wp-content/plugins/x.php", "id"), (keys["127.0.0.17"], "/search", "q"),
        (keys["127.0.0.18"], "/find", "q"),
    ])  # fmt: skip
    log = shop.log.read_text()
    for page in pages:
        probe = WebsiteTool(settings).probe(site, page["url_path"], page["parameter"], Watch())
        with engine.store.transaction("findings") as tx:
            save_probe(tx, page["alert_key"], probe.stored(), engine.clock.now())
    shop.expect(3 * len(pages))
    sent = shop.log.read_text().removeprefix(log)
    assert sent.count("soc-tui website check") == sent.count("\n") == 3 * len(pages)
    assert "UNION" not in sent
    assert "script" not in sent
    with engine.store.transaction("findings") as tx:
        assert judge(tx, lambda: threshold, 1, 0, list(keys.values()))
        assert not judge(tx, lambda: threshold, 1, 0, list(keys.values()))
    raw = "answered 2xx by a page that repeats an inert marker unescaped, as /search (parameter q): 200, 538 bytes"
    assert verdicts(engine) == EXPECTED | {
        "127.0.0.17": ("likely success", f"of 1 request 1 {raw}"),
        "127.0.0.18": ("attempt", "of 1 request 1 answered 2xx by a page that escapes an inert marker"),
    }
    read(engine, shop.log)  # the probes themselves are ordinary requests, and a verdict stays with what probes told
    assert verdicts(engine)["127.0.0.17"][0] == "likely success"


def test_the_engine_probes_an_owned_website_by_itself(shop: Shop, tmp_path: Path) -> None:
    site = f"http://127.0.0.1:{shop.port}"
    scan = ScanSettings(websites=(site,), requests_per_second=1000, every_hours=0.0)
    engine = Engine(Settings(workspace=tmp_path / "owner", scan=scan))
    visit(shop)
    attack(shop)
    read(engine, shop.log)
    log = shop.log.read_text()
    assert engine.scanning.due() == [Job("website", site)]
    engine.scanning.ask_attacked()
    assert verdicts(engine)["127.0.0.17"][0] == "likely success"
    assert verdicts(engine)["127.0.0.11"] == EXPECTED["127.0.0.11"]
    engine.scanning.ask_attacked()  # each attack once
    pages = engine.store.sql("SELECT count(*) AS n FROM probes")["n"][0].as_py()
    shop.expect(3 * pages)
    sent = shop.log.read_text().removeprefix(log)
    assert sent.count("soc-tui website check") == sent.count("\n") == 3 * pages
    assert not {word for word in ("UNION", "script", "passwd", "..") if word in sent}
    engine.stop()


def test_verdicts_are_told_by_the_commands(shop: Shop, engine: Engine, tmp_path: Path) -> None:
    visit(shop)
    attack(shop)
    read(engine, shop.log)
    engine.stop()
    environment = {**os.environ, "SOC_TUI_WORKSPACE": str(tmp_path / "workspace")}

    def run(*arguments: str) -> str:
        argv = [sys.executable, "-m", "soc_tui", *arguments]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout

    told = json.loads(run("alerts", "verdict:likely-success", "--format", "json"))
    assert {one["src_ip"]: (one["verdict"], one["verdict_reason"]) for one in told} == {
        source: EXPECTED[source] for source in ("127.0.0.11", "127.0.0.14")
    }
    shown = run("show", f"A{told[0]['alert_id']}")
    lines = [line.split(maxsplit=1) for line in shown.splitlines() if line.startswith("verdict")]
    assert lines == [["verdict", "likely success"], ["verdict", f"reason  {told[0]['verdict_reason']}"]]


@pytest.mark.campaign
@pytest.mark.shared
@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            "elastic_apache_access_combined.log.gz",
            [
                ("94.153.9.168", "attempt", "of 2 requests 1 answered 2xx with the attack in a header, where the answer does"
                 " not tell; 1 refused (4xx, 5xx)"),
                ("94.7.215.43", "attempt", "of 1 request 1 answered 2xx with the attack in a header, where the answer does"
                 " not tell"),
                ("94.7.215.43", "attempt", "of 8 requests 8 answered 2xx with the attack in a header, where the answer does"
                 " not tell"),
            ],
        ),
        ("elastic_nginxplus_json.log.gz", []),
        ("slrbl_access.log.2022-12-22.gz", []),
        (
            "slrbl_access.log.2021-10-22.gz",
            [
                ("125.78.229.99", "attempt", "of 2 requests 1 refused (4xx, 5xx); 1 answered 404 or 410"),
                ("125.78.229.99", "attempt", "of 3 requests 3 refused (4xx, 5xx)"),
                ("125.78.229.99", "no such page", "of 2 requests 2 answered 404 or 410"),
            ],
        ),
    ],
)  # fmt: skip
def test_real_logs(engine: Engine, shared_data: Path, log: str, expected: list[Any]) -> None:
    """None of these attacks got through; the alerts are those of docs/detection.md."""
    read(engine, shared_data / "hostlogs" / log)
    rows = engine.store.sql(
        "SELECT src_ip, verdict, verdict_reason FROM alerts WHERE detector = 'web-attack' ORDER BY ALL"
    )
    assert [tuple(row.values()) for row in rows.to_pylist()] == expected


def test_a_verdict_is_no_answer_to_an_alert_of_another_kind(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    line = "Mar  1 10:00:{:02d} web1 sshd[1]: Failed password for root from 203.0.113.9 port 1 ssh2\n"
    log.write_text("".join(line.format(n) for n in range(40)))
    read(engine, log)
    assert engine.store.sql("SELECT DISTINCT verdict, verdict_reason FROM alerts").to_pylist() == [
        {"verdict": None, "verdict_reason": None}
    ]
