"""The whole tool: packages against advisories, the exploited ones first, and what must not stop it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.errors import SourceError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection import walking
from soc_tui.detection.system.tool import SystemTool
from soc_tui.detection.tools import Watch, events_of
from soc_tui.knowledge.advisories.store import AdvisoryStore
from soc_tui.knowledge.library import Library
from tests.detection.machine import DEBIAN, QUIET, Machine, told
from tests.detection.system.conftest import advisory

SITE = "srv/app/lib/python3.11/site-packages"


def python(machine: Machine, name: str, version: str, site: str = SITE) -> None:
    machine.write(
        f"{site}/{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )


def debian(machine: Machine, *packages: tuple[str, str]) -> None:
    machine.write("etc/os-release", DEBIAN)
    blocks = [f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n" for name, version in packages]
    machine.write("var/lib/dpkg/status", "\n".join(blocks))


def test_exploited_ones_come_first_then_the_gravest(machine: Machine, knowledge: Callable[..., Path]) -> None:
    debian(machine, ("openssl", "3.0.11-1"), ("bash", "5.2-1"), ("zlib", "1:1.2.13-1"), ("curl", "7.88.1-10+deb12u5"))
    python(machine, "Django", "4.2.1")
    folder = knowledge(
        advisory("DSA-1-1", "Debian:12", "openssl", "3.0.13-1", aliases=["CVE-2024-0001"], summary="Bad  math",
                 severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]),
        advisory("DSA-2-1", "Debian:12", "bash", "5.2-2", aliases=["CVE-2024-0002"], database_specific={"severity": "LOW"}),
        advisory("DSA-3-1", "Debian:11", "bash", "9", aliases=["CVE-2024-0003"]),
        advisory("DSA-4-1", "Debian:12", "curl", "7.88.1-10+deb12u5", aliases=["CVE-2024-0004"]),
        advisory("DSA-5-1", "Debian:12", "zlib", "1:1.2.13-2", upstream=["CVE-2024-0005"],
                 database_specific={"cwe_ids": ["CWE-787"]}),
        advisory("PYSEC-1", "PyPI", "django", "4.2.2", aliases=["CVE-2024-0006", "GHSA-aaaa-bbbb-cccc"]),
        advisory("GHSA-aaaa-bbbb-cccc", "PyPI", "Django", "4.2.3", aliases=["CVE-2024-0006"]),
        exploited=("CVE-2024-0005", "CVE-2024-9999"),
    )  # fmt: skip
    found = list(SystemTool(QUIET, folder).check(str(machine.root), machine.watch))
    assert told(found) == [
        ("critical", "CVE-2024-0005", "pkg:deb/debian/zlib@1:1.2.13-1"),
        ("critical", "CVE-2024-0001", "pkg:deb/debian/openssl@3.0.11-1"),
        ("medium", "CVE-2024-0006", f"pkg:pypi/django@4.2.1 in /{SITE}"),
        ("low", "CVE-2024-0002", "pkg:deb/debian/bash@5.2-1"),
    ]
    zlib, openssl, django, _ = found
    assert (zlib.exploited, zlib.title, zlib.weaknesses) == (
        True, "Exploited in the wild: CVE-2024-0005 in zlib 1:1.2.13-1", ("CWE-787", "CWE-502"),
    )  # fmt: skip
    assert zlib.fields["patch due"] == "2026-01-23"
    assert (openssl.evidence, openssl.file_path) == (b"Package: openssl\nVersion: 3.0.11-1", "/var/lib/dpkg/status")
    assert openssl.fields == {
        "package": "openssl", "installed": "3.0.11-1", "fixed in": "3.0.13-1", "summary": "Bad math", "cvss": "9.8",
        "binary packages": "openssl", "line": "1", "advisory": openssl.fields["advisory"],
    }  # fmt: skip
    assert openssl.fields["advisory"].endswith("osv.jsonl:1")
    assert openssl.remedy == "Update openssl to 3.0.13-1 or later."
    assert django.vulnerabilities == ("CVE-2024-0006", "GHSA-aaaa-bbbb-cccc", "PYSEC-1")
    assert machine.notes == []
    events_of([(SystemTool(QUIET, folder), one) for one in found], "h", datetime(2026, 1, 1, tzinfo=UTC), 0)


def test_a_notice_about_many_is_one_finding_unless_each_is_told_by_itself(
    machine: Machine, knowledge: Callable[..., Path]
) -> None:
    debian(machine, ("linux", "6.1.1-1"), ("vim", "9.0-1"))
    folder = knowledge(
        advisory("DSA-9-1", "Debian:12", "linux", "6.1.2-1", upstream=["CVE-2024-0001", "CVE-2024-0002"]),
        advisory("DSA-8-1", "Debian:12", "vim", "9.1-1", upstream=["CVE-2024-0003", "CVE-2024-0004"]),
        advisory("DEBIAN-CVE-2024-0003", "Debian:12", "vim", "9.1-1", upstream=["CVE-2024-0003"]),
        advisory("DEBIAN-CVE-2024-0004", "Debian:12", "vim", "9.1-1", upstream=["CVE-2024-0004"]),
        exploited=("CVE-2024-0002",),
    )
    found = list(SystemTool(QUIET, folder).check(str(machine.root), machine.watch))
    assert [(one.check, one.exploited, one.vulnerabilities) for one in found] == [
        ("DSA-9-1", True, ("DSA-9-1", "CVE-2024-0001", "CVE-2024-0002")),
        ("CVE-2024-0003", False, ("CVE-2024-0003", "DEBIAN-CVE-2024-0003", "DSA-8-1")),
        ("CVE-2024-0004", False, ("CVE-2024-0004", "DEBIAN-CVE-2024-0004", "DSA-8-1")),
    ]


def test_npm_and_alpine(machine: Machine, knowledge: Callable[..., Path]) -> None:
    machine.write("etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\n")
    machine.write("lib/apk/db/installed", "P:libssl3\nV:3.1.1-r1\no:openssl\n\n")
    lock = {
        "lockfileVersion": 3,
        "packages": {"node_modules/lodash": {"version": "4.17.20"}, "node_modules/x": {"version": "1.0.0-rc.1"}},
    }
    machine.write("srv/site/package-lock.json", json.dumps(lock))
    folder = knowledge(
        advisory("ALPINE-CVE-2024-0001", "Alpine:v3.18", "openssl", "3.1.1-r3", upstream=["CVE-2024-0001"]),
        advisory("ALPINE-CVE-2024-0002", "Alpine:v3.17", "openssl", "9", upstream=["CVE-2024-0002"]),
        advisory("GHSA-1", "npm", "lodash", "4.17.21", aliases=["CVE-2021-23337"]),
        advisory("GHSA-2", "npm", "x", "1.0.0-beta"),
        advisory("GHSA-3", "npm", "x", "1.0.0"),
    )
    assert told(SystemTool(QUIET, folder).check(str(machine.root), machine.watch)) == [
        ("medium", "CVE-2024-0001", "pkg:apk/alpine/openssl@3.1.1-r1"),
        ("medium", "CVE-2021-23337", "pkg:npm/lodash@4.17.20 in /srv/site/package-lock.json"),
        ("medium", "GHSA-3", "pkg:npm/x@1.0.0-rc.1 in /srv/site/package-lock.json"),
    ]


def test_python_packages_of_the_distribution_are_left_to_its_own_advisories(
    machine: Machine, knowledge: Callable[..., Path]
) -> None:
    python(machine, "requests", "2.0", "usr/lib/python3/dist-packages")
    machine.write(
        "var/lib/dpkg/info/python3-requests.list", "/usr/lib/python3/dist-packages/requests-2.0.dist-info/METADATA\n"
    )
    python(machine, "requests", "2.0", "usr/lib/python3.9/site-packages")
    machine.write("usr/lib/python3.9/site-packages/requests-2.0.dist-info/INSTALLER", "rpm\n")
    python(machine, "requests", "2.0", "usr/local/lib/python3.11/dist-packages")
    machine.write("usr/local/lib/python3.11/dist-packages/requests-2.0.dist-info/INSTALLER", "pip\n")
    folder = knowledge(advisory("PYSEC-1", "PyPI", "requests", "3.0"))
    assert told(SystemTool(QUIET, folder).check(str(machine.root), machine.watch)) == [
        ("medium", "PYSEC-1", "pkg:pypi/requests@2.0 in /usr/local/lib/python3.11/dist-packages"),
    ]


def test_real_advisories_and_the_real_list_of_exploited_ones(
    machine: Machine, shared_data: Path, tmp_path: Path
) -> None:
    mirror = shared_data / "knowledge"
    AdvisoryStore(tmp_path).update([mirror / "pypa_advisories_osv_lite.jsonl.gz"], mirror / "cisa_kev.jsonl.gz")
    for name, version in (("salt", "3000.1"), ("pyspark", "3.1.1"), ("AccessControl", "5.1"), ("Zope", "5.10"), ("pip", "26.0"),
                          ("six", "1.16.0")):  # fmt: skip
        python(machine, name, version)
    found = list(SystemTool(QUIET, tmp_path).check(str(machine.root), machine.watch))
    exploited = [one for one in found if one.exploited]
    assert found[: len(exploited)] == exploited
    assert sorted((one.check, one.fields["package"], one.fields["fixed in"]) for one in exploited) == [
        ("CVE-2020-11651", "salt", "3000.2"), ("CVE-2020-11652", "salt", "3000.2"), ("CVE-2020-16846", "salt", "3000.3"),
        ("CVE-2022-33891", "pyspark", "3.1.3"),
    ]  # fmt: skip
    assert {one.fields["package"] for one in found} == {"salt", "pyspark", "accesscontrol"}
    assert machine.notes == []


def test_a_mirror_named_in_the_settings_is_read_as_it_is(
    machine: Machine, knowledge: Callable[..., Path], tmp_path: Path
) -> None:
    python(machine, "x", "1.0")
    folder = knowledge(exploited=("CVE-2024-0001",))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/a.json").write_text(
        json.dumps(advisory("PYSEC-1", "PyPI", "x", "2", aliases=["CVE-2024-0001"]))
    )
    (tmp_path / "mirror/b.json").write_text("{")
    settings = ScanSettings(programs=False, advisories=str(tmp_path / "mirror"))
    (found,) = SystemTool(settings, folder).check(str(machine.root), machine.watch)
    assert (found.check, found.exploited) == ("CVE-2024-0001", True)
    assert [note.partition(": ")[0] for note in machine.notes] == [f"{tmp_path}/mirror/b.json:1"]


def test_what_cannot_be_looked_up_is_a_note(machine: Machine, tmp_path: Path, knowledge: Callable[..., Path]) -> None:
    debian(machine, ("bash", "5.2-1"))
    python(machine, "x", "not a version")
    folder = knowledge(advisory("PYSEC-1", "PyPI", "x", "2"))
    assert list(SystemTool(QUIET, folder).check(str(machine.root), machine.watch)) == []
    assert machine.notes == [
        "1 Debian packages are not looked up: there are no advisories about Debian; load some with "
        "`soc-tui knowledge update --advisories DIR`",
        f"versions cannot be compared: PYSEC-1 and pkg:pypi/x@not%20a%20version in /{SITE}: Invalid version: 'not a version'",
    ]
    (folder / "advisories/PyPI.parquet").write_bytes(b"PAR1 damaged")
    machine.notes.clear()
    assert list(SystemTool(QUIET, folder).check(str(machine.root), machine.watch)) == []
    assert "PyPI.parquet: is damaged: " in machine.notes[1]
    assert "load it again with `soc-tui knowledge update`" in machine.notes[1]


def test_a_damaged_list_of_exploited_ones_hides_no_finding(machine: Machine, knowledge: Callable[..., Path]) -> None:
    python(machine, "x", "1.0")
    folder = knowledge(advisory("PYSEC-1", "PyPI", "x", "2", aliases=["CVE-2024-0001"]), exploited=("CVE-2024-0001",))
    (folder / "advisories/exploited.parquet").write_bytes(b"damaged")
    (found,) = SystemTool(QUIET, folder).check(str(machine.root), machine.watch)
    assert (found.check, found.exploited) == ("CVE-2024-0001", False)
    assert "exploited.parquet: is damaged: " in machine.notes[0]


def test_hostile_names_loops_fifos_and_vanishing_files_stop_nothing(
    machine: Machine, knowledge: Callable[..., Path]
) -> None:
    name = os.fsdecode(b"srv/\xff\x1b[31m/lib/site-packages")
    python(machine, "x", "1.0", name)
    machine.link("srv/loop", ".")
    machine.link("etc/ssh/sshd_config", "sshd_config")
    machine.link("etc/sudoers", "../../../../etc/passwd-of-nobody")
    (machine.root / "etc/cron.d").mkdir(parents=True)
    os.mkfifo(machine.root / "etc/cron.d/fifo")
    os.mkfifo(machine.root / "etc/shadow", 0o600)
    (machine.root / "var/lib/dpkg").mkdir(parents=True)
    os.mkfifo(machine.root / "var/lib/dpkg/status")
    (machine.root / "srv/y.dist-info").mkdir()
    os.mkfifo(machine.root / "srv/y.dist-info/METADATA")
    folder = knowledge(advisory("PYSEC-1", "PyPI", "x", "2"))
    found = list(SystemTool(QUIET, folder).check(str(machine.root), machine.watch))
    assert told(found) == [("medium", "PYSEC-1", "pkg:pypi/x@1.0 in /srv/\\xff\x1b[31m/lib/site-packages")]
    assert sorted(machine.notes) == [
        "/var/lib/dpkg/status: cannot be read: is no regular file",
    ]
    events_of([(SystemTool(QUIET, folder), one) for one in found], "h", datetime(2026, 1, 1, tzinfo=UTC), 0)


def test_a_file_that_vanishes_between_walk_and_reading(machine: Machine, knowledge: Callable[..., Path]) -> None:
    python(machine, "x", "1.0")
    python(machine, "y", "1.0")
    folder = knowledge(advisory("PYSEC-1", "PyPI", "x", "2"), advisory("PYSEC-2", "PyPI", "y", "2"))

    def gone(*_: Any) -> None:
        (machine.root / SITE / "x-1.0.dist-info/METADATA").unlink(missing_ok=True)

    watch = Watch(
        note=machine.notes.append, progress=lambda what, *_: gone() if what.endswith("y-1.0.dist-info") else None
    )
    assert [one.check for one in SystemTool(QUIET, folder).check(str(machine.root), watch)] == ["PYSEC-2"]
    assert machine.notes == []


def test_a_target_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no folder"):
        list(SystemTool(QUIET, tmp_path).check(str(tmp_path / "none"), Watch()))


def test_it_stops_when_it_shall(machine: Machine, knowledge: Callable[..., Path]) -> None:
    python(machine, "x", "1.0")
    machine.write("etc/hosts.equiv", "+\n")
    folder = knowledge(advisory("PYSEC-1", "PyPI", "x", "2"))
    assert list(SystemTool(QUIET, folder).check(str(machine.root), Watch(stopping=lambda: True))) == []


def test_this_machine_is_looked_at_without_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # its own databases and settings, but not every file: that takes a minute where much is installed
    large = frozenset(path.name for path in Path("/").iterdir() if path.name not in ("etc", "var"))
    monkeypatch.setattr(walking, "NOT_OF_THE_MACHINE", walking.NOT_OF_THE_MACHINE | large)
    notes: list[str] = []
    for one in SystemTool(QUIET, tmp_path).check("/", Watch(note=notes.append)):
        assert one.target
        assert one.evidence
        assert one.remedy


def test_findings_become_alerts_that_keep_their_lines(
    machine: Machine, knowledge: Callable[..., Path], workspace: Any
) -> None:
    python(machine, "x", "1.0")
    machine.write("etc/hosts.equiv", "+\n")
    folder = knowledge(advisory("PYSEC-1", "PyPI", "x", "2", aliases=["CVE-2024-0001"]), exploited=("CVE-2024-0001",))
    tool = SystemTool(QUIET, folder)
    for day in (1, 1, 2):
        found = list(tool.check(str(machine.root), machine.watch))
        workspace.detect(
            workspace.add_table(
                events_of([(tool, one) for one in found], "web1", datetime(2026, 3, day, tzinfo=UTC), 0)
            )
        )
    alerts = workspace.rows("SELECT * FROM alerts ORDER BY target")
    assert [
        (one["detector"], one["severity"], one["target"], one["risk_type"], one["event_count"]) for one in alerts
    ] == [
        ("system-vulnerability", "high", "/etc/hosts.equiv:1", "intrusion", 3),
        ("system-vulnerability", "critical", f"pkg:pypi/x@1.0 in /{SITE}", "intrusion", 3),
    ]
    explained = {one["field"]: one["value"] for one in json.loads(alerts[1]["explanation"])}
    assert explained["exploited in the wild"] == "yes"
    assert explained["evidence"] == "Name: x\nVersion: 1.0"
    slugs = [Library().match(one)[0].entry.slug for one in alerts]
    assert slugs == ["weak-configuration", "exploited-package"]
