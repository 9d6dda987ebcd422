"""Lynis and debsecan: the real programs where they are installed, and what their reports become."""

from __future__ import annotations

import shutil
import sys
import zlib
from pathlib import Path

import pytest

from soc_tui.detection.rooted import Root
from soc_tui.detection.system import debsecan, lynis
from soc_tui.knowledge.advisories.store import Exploited
from tests.detection.machine import DEBIAN, Machine, told

REPORT = b"""# Lynis Report
hardening_index=63
warning[]=FIRE-4512|iptables module(s) loaded, but no rules active|-|-|
warning[]=AUTH-9308|No password set for single mode|single|text:Set one|
suggestion[]=SSH-7408|Consider hardening SSH configuration|X11Forwarding (set YES to NO)|-|
suggestion[]=\xff\xfe
warning[]
"""


def test_a_report_of_lynis() -> None:
    found = list(lynis.parse(REPORT))
    assert told(found) == [
        ("medium", "lynis-fire-4512", "FIRE-4512"), ("medium", "lynis-auth-9308", "AUTH-9308"), ("medium", "lynis-warning", "lynis"),
        ("info", "lynis-suggestions", "lynis"),
    ]  # fmt: skip
    assert found[0].evidence == b"warning[]=FIRE-4512|iptables module(s) loaded, but no rules active|-|-|"
    assert [one.remedy for one in found[:2]] == ["See `lynis show details FIRE-4512`.", "Set one"]
    assert found[3].title == "Lynis suggests 2 ways to harden this machine"
    assert found[3].fields == {"hardening index": "63"}


def fake(machine: Machine, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = machine.write(name, f"#!/bin/sh\n{script}\n", 0o755)
    module = sys.modules[f"soc_tui.detection.system.{name}"]
    monkeypatch.setattr(module, "installed", lambda _: str(program))


def test_lynis_that_fails_hangs_or_is_missing_is_a_note(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(machine, "lynis", "echo broken >&2; exit 1", monkeypatch)
    assert list(lynis.findings(machine.watch)) == []
    monkeypatch.setattr(lynis, "SECONDS", 0.2)
    fake(machine, "lynis", "sleep 100", monkeypatch)
    assert list(lynis.findings(machine.watch)) == []
    monkeypatch.setattr(lynis, "installed", lambda _: "")
    assert list(lynis.findings(machine.watch)) == []
    assert machine.notes == [
        "lynis wrote no report: broken", "lynis: takes longer than 0 s and was ended",
        "lynis is not installed; its audit is left out",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("lynis", path="/usr/sbin:/usr/bin"), reason="needs lynis")
def test_the_real_lynis_leaves_a_report_and_nothing_else(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Path("/var/log/lynis.log").exists(), Path("/var/log/lynis-report.dat").exists()
    real = lynis.ask
    asked: list[list[str]] = []

    def ask(argv: list[str], *rest: object, **more: object) -> object:
        asked.append(argv)  # one group of its tests: a whole audit takes minutes
        return real([*argv, "--tests-from-group", "kernel"], *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(lynis, "ask", ask)
    found = list(lynis.findings(machine.watch))
    assert asked
    if any("multiple cron jobs" in note for note in machine.notes):
        pytest.skip("another Lynis runs on this machine, and only one may")
    assert machine.notes == []
    assert [one.check for one in found if not one.check.startswith("lynis-")] == []
    assert (Path("/var/log/lynis.log").exists(), Path("/var/log/lynis-report.dat").exists()) == before


SUITE = (
    "VERSION 1\n"
    "CVE-2024-0001,,Bad math\nCVE-2024-0002,,Worse\n\n"
    "openssl,0,SHRF,3.0.13-1,\n"
    "bash,1,SM  ,5.2-1,\n\n"
    "openssl,openssl libssl3\nbash,bash\n\n"
)


@pytest.mark.skipif(not shutil.which("debsecan", path="/usr/bin"), reason="needs debsecan")
def test_the_real_debsecan_reads_a_mirror_in_a_folder(machine: Machine, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "bookworm").write_bytes(zlib.compress(SUITE.encode()))
    machine.write("etc/os-release", DEBIAN)
    machine.write("etc/default/debsecan", f"# x\nSOURCE=file://{mirror}\n")
    machine.write("var/lib/dpkg/status",
                  "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.11-1\n\n"
                  "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-2\n\n")  # fmt: skip
    known = {"CVE-2024-0001": Exploited("CVE-2024-0001", "Hole", "2026-01-01", "", "", "", ("CWE-1",))}
    found = list(debsecan.findings(Root(machine.root), "bookworm", known, machine.watch))
    assert machine.notes == []
    assert told(found) == [("critical", "CVE-2024-0001", "pkg:deb/debian/openssl")]
    assert (found[0].exploited, found[0].weaknesses, found[0].fields["told by"]) == (True, ("CWE-1",), "debsecan")


def test_debsecan_is_not_asked_before_somebody_has_named_its_source(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(machine, "debsecan", "touch /nowhere; exit 1", monkeypatch)
    machine.write("var/lib/dpkg/status", "")
    machine.write("etc/default/debsecan", "SOURCE=\n")
    assert list(debsecan.findings(Root(machine.root), "bookworm", {}, machine.watch)) == []
    assert machine.notes == [
        "debsecan is left out: it would ask Debian's servers; set SOURCE in /etc/default/debsecan to a mirror to have it asked"
    ]
    machine.write("etc/default/debsecan", "SOURCE=http://127.0.0.1:9/\n")
    fake(machine, "debsecan", "echo 'error: away' >&2; exit 1", monkeypatch)
    assert list(debsecan.findings(Root(machine.root), "bookworm", {}, machine.watch)) == []
    assert machine.notes[1:] == ["debsecan failed: error: away"]


def test_a_report_of_debsecan() -> None:
    report = b"CVE-2024-0001 libc6 (fixed, remotely exploitable, high urgency)\nCVE-2024-0002 x\nTEMP-0000000-ABCDEF y (low urgency)\n\xff\n"
    found = list(debsecan.parse(report, {}))
    assert told(found) == [
        ("high", "CVE-2024-0001", "pkg:deb/debian/libc6"), ("medium", "CVE-2024-0002", "pkg:deb/debian/x"),
        ("low", "TEMP-0000000-ABCDEF", "pkg:deb/debian/y"),
    ]  # fmt: skip
    assert [one.remedy for one in found[:2]] == ["Update libc6.", "No fixed x is known yet: remove it, or shield it."]
