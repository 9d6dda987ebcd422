"""Lynis, where it is installed: its warnings, and its suggestions as one finding (cisofy.com/lynis)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from soc_tui.detection.commands import ask, installed
from soc_tui.detection.tools import Finding, Watch

SECONDS = 900.0
_MAX_REPORT = 16 * 1024 * 1024
_MAX_FINDINGS = 500
PROFILE = """\
skip-upgrade-test=yes
refresh-repositories=no
pause-between-tests=0
upload=no
skip-test=NETW-2704
skip-test=NETW-2705
skip-test=TIME-3104
skip-test=PKGS-7392
skip-test=PKGS-7394
"""
"""What we do without: tests that ask the network (name servers, repositories, updates), and known vulnerable packages,
which we look up ourselves."""


def findings(watch: Watch) -> Iterator[Finding]:
    """What Lynis finds on this machine; nothing and a note where it is not installed or fails."""
    program = installed("lynis")
    if not program:
        watch.note("lynis is not installed; its audit is left out")
        return
    with tempfile.TemporaryDirectory(prefix="soc-tui-lynis-") as folder:
        profile, report = Path(folder, "soc-tui.prf"), Path(folder, "report.dat")
        profile.write_text(PROFILE, encoding="utf-8")
        argv = [
            program, "audit", "system", "--quick", "--quiet", "--no-colors", "--cronjob", "--no-log", "--no-plugins",
            "--profile", str(profile), "--report-file", str(report),
        ]  # fmt: skip
        watch.progress("lynis", 0, 0)
        answer = ask(argv, watch, SECONDS, cwd=folder)
        try:
            with report.open("rb") as file:
                data = file.read(_MAX_REPORT)
        except OSError:
            if answer is not None:
                said = (answer.errors or answer.output).decode("utf-8", "backslashreplace").strip()[-200:]
                watch.note(f"lynis wrote no report: {said}")
            return
    yield from parse(data)


def parse(report: bytes) -> Iterator[Finding]:
    """The findings of a report (``report.dat``): each warning, then all suggestions in one."""
    index = ""
    suggestions: list[bytes] = []
    made = 0
    for raw in report.split(b"\n"):
        name, _, value = raw.decode("utf-8", "backslashreplace").partition("=")
        if name == "hardening_index" and value.isdigit():
            index = value
        elif name == "suggestion[]":
            suggestions.append(raw[:1000])
        elif name == "warning[]" and made < _MAX_FINDINGS:
            made += 1
            parts = [part.strip() for part in value.split("|")]
            test, said, details, solution = [*parts, "", "", "", ""][:4]
            told = [part for part in (details, solution) if part not in ("", "-")]
            yield Finding(
                check=f"lynis-{test.lower() or 'warning'}", title=f"Lynis warns: {said[:200] or test}",
                severity="medium", confidence=0.7, target=test or "lynis", evidence=raw[:2000], kind="compliance",
                remedy=told[-1].removeprefix("text:") if told else f"See `lynis show details {test}`.",
                fields={"test": test, "details": details} if details not in ("", "-") else {"test": test},
            )  # fmt: skip
    if suggestions:
        yield Finding(
            check="lynis-suggestions", title=f"Lynis suggests {len(suggestions)} ways to harden this machine",
            severity="info", confidence=0.5, target="lynis", evidence=b"\n".join(suggestions), kind="compliance",
            remedy="Read them with `lynis audit system`.", fields={"hardening index": index} if index else {},
        )  # fmt: skip
