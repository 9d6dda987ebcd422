"""debsecan, where it is installed and told where its data is (``SOURCE`` in ``/etc/default/debsecan``).

By itself it fetches its data from Debian at every run; nothing leaves this machine that the user has not set up, so it
is left alone until a source is named: a mirror in the network, or a folder (``file:///...``).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from soc_tui.detection.commands import ask, installed
from soc_tui.detection.rooted import Root, lines_of
from soc_tui.detection.tools import Finding, Watch
from soc_tui.knowledge.advisories.store import Exploited

CONFIG = "etc/default/debsecan"
STATUS = "var/lib/dpkg/status"
SECONDS = 300.0
_SET = re.compile(r"\s*SOURCE\s*=\s*[\"']?([^\"'\s#]+)")
_LINE = re.compile(r"((?:CVE-\d{4}-\d{4,}|TEMP-[0-9A-F-]+)) (\S+)(?: \((.*)\))?")
_MAX_STATUS = 256 * 1024 * 1024
_URGENCIES = ("low", "medium", "high")


def findings(root: Root, suite: str, exploited: Mapping[str, Exploited], watch: Watch) -> Iterator[Finding]:
    """What debsecan says of a root's packages.

    Args:
        root: the machine.
        suite: the code name of its Debian release.
        exploited: CISA's catalogue.
        watch: is told why it is left out.
    """
    program = installed("debsecan")
    config = root.read_noted(CONFIG, 64 * 1024, watch)
    if not program or not root.exists(STATUS):
        if config is not None and not program:
            watch.note("debsecan is not installed; it is left out")
        return
    source = next((found[1] for _, line in lines_of(config or b"") if (found := _SET.match(line))), "")
    if not source or not re.fullmatch(r"[a-z]+", suite):
        watch.note(
            f"debsecan is left out: it would ask Debian's servers; set SOURCE in /{CONFIG} to a mirror to have it asked"
        )
        return
    with tempfile.TemporaryDirectory(prefix="soc-tui-debsecan-") as folder:
        status = Path(folder, "status")
        status.write_bytes(root.read_noted(STATUS, _MAX_STATUS, watch) or b"")
        argv = [
            program, "--config", "/dev/null", "--source", source, "--suite", suite, "--status", str(status),
            "--format", "summary",
        ]  # fmt: skip
        watch.progress("debsecan", 0, 0)
        answer = ask(argv, watch, SECONDS, cwd=folder)
    if answer is None:
        return
    if answer.code:
        said = answer.errors.decode("utf-8", "backslashreplace").strip().splitlines()[-1:]
        watch.note(f"debsecan failed: {' '.join(said)[:200]}")
        return
    yield from parse(answer.output, exploited)


def parse(report: bytes, exploited: Mapping[str, Exploited]) -> Iterator[Finding]:
    """The findings of a report in the format ``summary``."""
    for raw in report.split(b"\n"):
        found = _LINE.fullmatch(raw.decode("utf-8", "backslashreplace").strip())
        if not found:
            continue
        name, package, notes = found[1], found[2], found[3] or ""
        known = exploited.get(name)
        severity = next((word for word in _URGENCIES if f"{word} urgency" in notes), "medium")
        heading = "Exploited in the wild" if known else "Vulnerable package"
        fixed = "fixed" in notes.split(", ")
        yield Finding(
            check=name, title=f"{heading}: {name} in {package}", severity="critical" if known else severity,
            confidence=0.9, target=f"pkg:deb/debian/{package}", evidence=raw[:1000], kind="vulnerability",
            vulnerabilities=(name,), exploited=known is not None, weaknesses=known.cwes if known else (),
            remedy=f"Update {package}." if fixed else f"No fixed {package} is known yet: remove it, or shield it.",
            file_path="/" + STATUS, fields={"package": package, "notes": notes, "told by": "debsecan"},
        )  # fmt: skip
