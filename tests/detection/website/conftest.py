"""Real websites on loopback: a small vulnerable app of ours, servers that misbehave, nginx, and certificates."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.tools import Finding, Watch
from soc_tui.detection.website.tool import WebsiteTool
from tests.programs import free_port

Reply = tuple[int, dict[str, str], bytes]
GUARDED = {
    "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'self'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
}  # fmt: skip
CLEAN: Reply = (200, GUARDED, b"<html><title>Chairs</title><p>We sell chairs.</p></html>")
NOT_FOUND: Reply = (404, {"Content-Type": "text/html"}, b"<html>There is no such page.</html>")


@dataclass
class Site:
    """A web server that answers from a table of paths; ``any`` answers all others."""

    routes: dict[str, Reply | Callable[[str, str, Any], Reply]] = field(default_factory=dict)
    any: Reply | Callable[[str, str, Any], Reply] = NOT_FOUND
    asked: list[tuple[str, str, list[tuple[str, str]]]] = field(default_factory=list)
    """Method, raw target and headers of every request, in order."""
    port: int = 0
    scheme: str = "http"
    name: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.name}:{self.port}"

    def reply(self, method: str, target: str, headers: Any) -> Reply:
        self.asked.append((method, target, list(headers.items())))
        path = target.split("?", 1)[0] if target.startswith("//") else urlsplit(target).path
        found = self.routes.get(path, self.any)
        return found(target, urlsplit(target).query, headers) if callable(found) else found


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that leaves early is no news."""


def serve(site: Site, context: ssl.SSLContext | None = None) -> Callable[[], None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            target = self.requestline.split(" ")[1]  # as sent: the class joins slashes
            status, headers, body = site.reply(self.command, target, self.headers)
            self.send_response_only(status)
            for name, value in headers.items():
                for one in value.split("\n"):
                    self.send_header(name, one)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = _Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        site.scheme = "https"
    site.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return stop


@pytest.fixture
def site() -> Iterator[Callable[..., Site]]:
    """Starts sites: ``site(routes, any)``; ``context`` makes it speak TLS."""
    stops: list[Callable[[], None]] = []

    def start(routes: Any = None, any: Any = NOT_FOUND, context: ssl.SSLContext | None = None) -> Site:
        made = Site(dict(routes or {"/": CLEAN}), any)
        stops.append(serve(made, context))
        return made

    yield start
    for stop in stops:
        stop()


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], Site]]:
    """A server that does with each connection what a function says, after reading the request's first bytes."""
    servers: list[socket.socket] = []

    def start(speak: Callable[[socket.socket], None]) -> Site:
        listening = socket.create_server(("127.0.0.1", 0))
        servers.append(listening)
        made = Site(port=listening.getsockname()[1])

        def one(connection: socket.socket) -> None:
            with connection:
                try:
                    first = connection.recv(65536).decode("latin-1").split("\r\n")[0]
                    made.asked.append((first.split(" ")[0], first, []))
                    speak(connection)
                except OSError:
                    pass

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return made

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@dataclass
class Looked:
    findings: list[Finding]
    notes: list[str]

    @property
    def checks(self) -> set[str]:
        return {one.check for one in self.findings}

    def of(self, check: str) -> list[Finding]:
        return [one for one in self.findings if one.check == check]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Looked]:
    """Runs the tool over a site that the settings own; nuclei of the machine is out of sight."""
    monkeypatch.setattr("soc_tui.detection.website.nuclei.program", lambda: None)

    def run(target: str, *, start: str = "", seconds: float = 5.0, **more: Any) -> Looked:
        notes: list[str] = []
        settings = ScanSettings(websites=(target,), requests_per_second=5000, timeout_seconds=seconds)
        tool = WebsiteTool(settings, **more)
        return Looked(list(tool.check(target + start, Watch(note=notes.append))), notes)

    return run


# -- certificates ----------------------------------------------------------------------------------------------------


@dataclass
class Authority:
    """A certificate authority of the test's own, which ``SSL_CERT_FILE`` makes this process trust."""

    folder: Path

    def _run(self, *argv: str) -> None:
        subprocess.run(["openssl", *argv], cwd=self.folder, check=True, capture_output=True)

    def found(self) -> None:
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "90",
                  "-subj", "/CN=Test authority")  # fmt: skip
        self.good = self.certificate("good", "IP:127.0.0.1")

    def certificate(self, name: str, alternative: str, days: int = 60, *, own: bool = False) -> Path:
        """Key and certificate in one file; ``own``: self-signed; negative ``days``: it has ended."""
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
                  f"/CN={name}")  # fmt: skip
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
        signer = ["-signkey", f"{name}.key"] if own else ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
        argv = ["x509", "-req", "-in", f"{name}.csr", *signer, "-days", str(days), "-extfile", f"{name}.ext", "-out",
                f"{name}.pem"]  # fmt: skip
        self._run(*argv)
        both = self.folder / f"{name}.both.pem"
        both.write_bytes((self.folder / f"{name}.key").read_bytes() + (self.folder / f"{name}.pem").read_bytes())
        return both


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl program")
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.found()
    return made


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.folder / "ca.pem"))
    return authority


def server_context(both: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(both)
    return context


# -- nginx -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Starts nginx with the inside of a ``server`` block; ``{root}`` is a folder for files, the log is ``access.log``."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not program:
        pytest.skip("needs nginx")
    running: list[subprocess.Popen[bytes]] = []

    def start(inside: str, *, tls: str = "") -> Site:
        folder = tmp_path / f"nginx{len(running)}"
        (folder / "root").mkdir(parents=True)
        (folder / "root").chmod(0o755)
        made = Site(port=free_port(), scheme="https" if tls else "http")
        (folder / "nginx.conf").write_text(
            f"""
            daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
            events {{ worker_connections 64; }}
            http {{
                client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
                uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t; access_log {folder}/access.log combined;
                types {{ text/html html; }} default_type text/plain;
                server {{ listen 127.0.0.1:{made.port}{" ssl" if tls else ""}; root {folder}/root; {tls}
                {inside.replace("{root}", f"{folder}/root")} }}
            }}"""
        )
        running.append(
            subprocess.Popen(
                [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.PIPE
            )
        )
        _wait(made.port, running[-1])
        return made

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=10)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        if process.poll() is not None:
            raise RuntimeError((process.stderr.read() if process.stderr else b"").decode())
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("nginx does not answer")


@pytest.fixture
def kit() -> Any:
    """Names of this file for tests that import nothing of it."""
    return {"clean": CLEAN, "guarded": GUARDED, "not_found": NOT_FOUND, "context": server_context, "serve": serve}
