"""nuclei (https://github.com/projectdiscovery/nuclei) where it is installed: its safe templates, and no others."""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from soc_tui.core.settings import SEVERITIES
from soc_tui.detection.tools import EVIDENCE_BYTES, Finding, Watch
from soc_tui.detection.website.asking import Asker
from soc_tui.detection.website.origins import Origin

_TAGS = "exposure,misconfig,config,listing,panel,ssl,headers"
_NEVER = "dos,fuzz,intrusive,bruteforce,brute-force,default-login,sqli,rce,xss,ssrf,oast,headless,code,network"
_SECONDS = 900.0  # the longest that it may run
_OUTPUT = 16 * 1024 * 1024  # the most that it may say


def program() -> str | None:
    """Where nuclei is."""
    return shutil.which("nuclei")


def command(program: str, origin: Origin, address: str, agent: str, per_second: float) -> list[str]:
    """The arguments: exposure and misconfiguration only, nothing outside, no redirects, our rate and address."""
    host = f"[{address}]" if ":" in address else address
    seconds = math.ceil(1 / per_second)  # less than one in a second is one in some seconds
    return [
        program, "-target", f"{origin.scheme}://{host}:{origin.port}", "-sni", origin.host,
        "-header", f"Host: {origin.authority}", "-header", f"User-Agent: {agent}", "-jsonl", "-silent", "-no-color",
        "-no-interactsh", "-disable-redirects", "-disable-update-check", "-no-stdin", "-type", "http,ssl",
        "-tags", _TAGS, "-exclude-tags", _NEVER, "-severity", "info,low,medium,high,critical",
        "-rate-limit", str(max(1, math.floor(per_second))), "-rate-limit-duration", f"{seconds}s",
        "-concurrency", "1", "-bulk-size", "1", "-retries", "0",
    ]  # fmt: skip


def look(asker: Asker, agent: str, per_second: float, watch: Watch) -> Iterator[Finding]:
    """What nuclei finds on the asker's website; a note, and nothing, where it is not installed or fails."""
    found = program()
    if found is None:
        watch.note("nuclei is not installed: only our own templates were used")
        return
    lines = _lines(command(found, asker.origin, asker.address, agent, per_second), watch)
    for line in lines:
        if (finding := parsed(line, asker)) is not None:
            yield finding


def _lines(argv: list[str], watch: Watch) -> Iterator[bytes]:
    """What the program says, line by line, within time and size; it is ended with its children when it is left."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        watch.note(f"nuclei cannot be run: {error}")
        return
    out = process.stdout
    assert out is not None
    until, said, rest = time.monotonic() + _SECONDS, 0, b""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while True:
                if watch.stopping() or time.monotonic() > until or said > _OUTPUT:
                    watch.note("nuclei was stopped before its end")
                    return
                if not selector.select(timeout=0.2):
                    continue
                part = os.read(out.fileno(), 65536)
                if not part:
                    break
                said += len(part)
                *lines, rest = (rest + part).split(b"\n")
                yield from lines
        yield rest
        if process.wait(timeout=10):
            watch.note(f"nuclei ended with {process.returncode}")
    except subprocess.TimeoutExpired:
        watch.note("nuclei did not end")
    finally:
        out.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def parsed(line: bytes, asker: Asker) -> Finding | None:
    """One line of nuclei's JSON as a finding; None for what is none of ours: damaged, or about another address."""
    try:
        row: Any = json.loads(line)
        info = row["info"]
        matched = str(row.get("matched-at") or row.get("host") or "")
        severity = str(info.get("severity", "info")).lower()
        check = f"nuclei-{row['template-id']}"[:120]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    except RecursionError:
        return None
    known = info.get("classification") if isinstance(info.get("classification"), dict) else {}
    shown = row.get("extracted-results") or row.get("matcher-name") or ""
    place = matched.replace(f"{asker.address}:{asker.origin.port}", asker.origin.authority, 1)[:500]
    return Finding(
        check=check, title=str(info.get("name") or check)[:200],
        severity=severity if severity in SEVERITIES else "info", confidence=0.7, target=place or str(asker.origin),
        evidence=(shown if isinstance(shown, str) else json.dumps(shown)).encode()[:EVIDENCE_BYTES],
        kind="vulnerability", weaknesses=_ids(known.get("cwe-id")), vulnerabilities=_ids(known.get("cve-id")),
        remedy=str(info.get("remediation") or "")[:400], ip=asker.address, port=asker.origin.port,
        url_host=asker.origin.host, fields={"by": "nuclei"},
    )  # fmt: skip


def _ids(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    return tuple(str(item).upper()[:40] for item in items[:20])
