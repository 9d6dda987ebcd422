"""nuclei as another program: what it is called with, and what of its words is believed. A script stands in for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.tools import Watch
from soc_tui.detection.website import nuclei
from soc_tui.detection.website.asking import Asker
from soc_tui.detection.website.origins import Origin
from soc_tui.detection.website.tool import WebsiteTool

ORIGIN = Origin("https", "www.example.org", 8443)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a program called nuclei first in PATH that runs the given shell lines and keeps its arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def make(lines: str) -> Path:
        file = folder / "nuclei"
        file.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/argv\nenv > {tmp_path}/env\n{lines}\n')
        file.chmod(0o755)
        return tmp_path / "argv"

    return make


def looked(watch: Watch | None = None) -> list[Any]:
    asker = Asker(ORIGIN, "192.0.2.7", "agent", 5, 1, Watch())
    return list(nuclei.look(asker, "agent", 5, watch or Watch()))


def row(**more: Any) -> str:
    return json.dumps({
        "template-id": "git-config", "matched-at": "https://192.0.2.7:8443/.git/config", "extracted-results": ["[core]"],
        "info": {"name": "Git Config", "severity": "medium", "remediation": "Remove it.",
                 "classification": {"cve-id": ["cve-2024-1"], "cwe-id": ["cwe-527"]}}, **more,
    })  # fmt: skip


def test_only_safe_flags_towards_the_pinned_address(stand_in: Any) -> None:
    argv_file = stand_in(f"echo '{row()}'")
    (finding,) = looked()
    argv = argv_file.read_text().splitlines()
    assert argv[:8] == [
        "-target", "https://192.0.2.7:8443", "-sni", "www.example.org", "-header", "Host: www.example.org:8443", "-header",
        "User-Agent: agent",
    ]  # fmt: skip
    assert {"-no-interactsh", "-disable-redirects", "-disable-update-check", "-jsonl", "-no-stdin"} <= set(argv)
    assert argv[argv.index("-rate-limit") + 1] == "5"
    assert {"dos", "fuzz", "intrusive", "default-login"} <= set(argv[argv.index("-exclude-tags") + 1].split(","))
    assert (finding.check, finding.title, finding.severity, finding.target) == (
        "nuclei-git-config", "Git Config", "medium", "https://www.example.org:8443/.git/config",
    )  # fmt: skip
    assert (finding.vulnerabilities, finding.weaknesses, finding.remedy) == (
        ("CVE-2024-1",),
        ("CWE-527",),
        "Remove it.",
    )
    assert finding.evidence == b'["[core]"]'


@pytest.mark.parametrize(
    ("rate", "limit", "span"), [(5.0, "5", "1s"), (0.5, "1", "2s"), (0.3, "1", "4s"), (7.9, "7", "1s")]
)
def test_the_rate_is_never_more_than_ours(rate: float, limit: str, span: str) -> None:
    argv = nuclei.command("nuclei", ORIGIN, "2001:db8::1", "agent", rate)
    assert argv[argv.index("-rate-limit") + 1] == limit
    assert argv[argv.index("-rate-limit-duration") + 1] == span
    assert argv[2] == "https://[2001:db8::1]:8443"


def test_secrets_of_the_environment_stay_here(stand_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "s3cret")
    stand_in("")
    assert looked() == []
    assert "s3cret" not in (tmp_path / "env").read_text()


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", "null", '{"template-id": 1}', '{"template-id": "a", "info": []}', "\x00\xff", "[" * 100_000,
     '{"info": {"severity": "low"}}'],
)  # fmt: skip
def test_damaged_lines_are_left_out(line: str) -> None:
    asker = Asker(ORIGIN, "192.0.2.7", "agent", 5, 1, Watch())
    assert nuclei.parsed(line.encode("latin-1"), asker) is None


def test_odd_values_do_no_harm() -> None:
    asker = Asker(ORIGIN, "192.0.2.7", "agent", 5, 1, Watch())
    info = {"severity": "apocalyptic", "name": "x" * 9000, "classification": "none"}
    finding = nuclei.parsed(row(info=info, **{"matched-at": None, "extracted-results": {"a": 1}}).encode(), asker)
    assert finding is not None
    assert (finding.severity, len(finding.title), finding.target) == ("info", 200, "https://www.example.org:8443")


def test_a_program_that_fails_floods_or_hangs(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    stand_in(f"echo '{row()}'; exit 3")
    assert len(looked(Watch(note=notes.append))) == 1
    stand_in("yes")
    monkeypatch.setattr(nuclei, "_OUTPUT", 100_000)
    assert looked(Watch(note=notes.append)) == []
    stand_in("sleep 300 & echo $! > $(dirname $0)/child; wait")
    monkeypatch.setattr(nuclei, "_SECONDS", 0.6)
    assert looked(Watch(note=notes.append)) == []
    assert notes == ["nuclei ended with 3", "nuclei was stopped before its end", "nuclei was stopped before its end"]
    child = int((Path(os.environ["PATH"].split(":")[0]) / "child").read_text())
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True, check=False).stdout
    assert state.strip() in {"", "Z"}  # its children are gone with it


def test_a_program_that_cannot_run(tmp_path: Path, stand_in: Any) -> None:
    stand_in("")
    (tmp_path / "bin/nuclei").write_text("#!/nowhere/sh\n")
    notes: list[str] = []
    assert looked(Watch(note=notes.append)) == []
    assert notes[0].startswith("nuclei cannot be run: ")


def test_the_tool_adds_what_nuclei_finds(site: Any, kit: Any, stand_in: Any) -> None:
    made = site({"/": kit["clean"]})
    stand_in(f"echo '{row(**{'matched-at': f'{made.url}/.git/config'})}'")
    scan = WebsiteTool(ScanSettings(websites=(made.url,), requests_per_second=5000))
    assert scan.requests(made.url)[-1].startswith(f"{shutil.which('nuclei')} -target http://ADDRESS:{made.port} ")
    assert [one.check for one in scan.check(made.url, Watch())] == ["no-tls", "nuclei-git-config"]


@pytest.mark.skipif(shutil.which("nuclei") is None, reason="needs nuclei")
def test_the_real_program_knows_every_flag() -> None:
    argv = nuclei.command("nuclei", ORIGIN, "192.0.2.7", "agent", 5)
    said = subprocess.run(["nuclei", "-help"], capture_output=True, text=True, check=True)
    words = f"{said.stdout} {said.stderr}".replace(",", " ").split()
    assert {flag for flag in argv if flag.startswith("-")} <= set(words)
