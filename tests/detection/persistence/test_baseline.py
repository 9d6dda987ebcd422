"""What has changed since the baseline, and a baseline that nobody may change unseen."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.core.errors import SourceError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.persistence.baseline import load, save
from soc_tui.detection.persistence.comparing import compare
from soc_tui.detection.persistence.listeners import Listener
from soc_tui.detection.persistence.places import KINDS, PLACES
from soc_tui.detection.persistence.snapshot import MAX_BYTES, Kept, Snapshot, snapshot
from soc_tui.detection.persistence.tool import PersistenceTool
from soc_tui.detection.tools import Watch
from tests.detection.machine import Machine, told

BEFORE = {
    "etc/passwd": "root:x:0:0::/root:/bin/bash\neve:x:1000:1000::/home/eve:/bin/bash\n",
    "etc/crontab": "# m h dom mon dow user command\n17 * * * * root run-parts /etc/cron.hourly\n",
    "etc/cron.daily/logrotate": "#!/bin/sh\nlogrotate /etc/logrotate.conf\n",
    "etc/systemd/system/x.service": "[Service]\nExecStart=/usr/sbin/x\n",
    "home/eve/.ssh/authorized_keys": "ssh-ed25519 AAAA1 eve\n", "root/.bashrc": "alias ls='ls --color'\n",
    "usr/bin/su": "su",
}  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path / "root")
    for path, content in BEFORE.items():
        made.write(path, content)
    (made.root / "usr/bin/su").chmod(0o4755)
    return made


def look(machine: Machine, tmp_path: Path) -> list[tuple[str, str, str]]:
    return told(
        PersistenceTool(ScanSettings(), tmp_path / "baselines/persistence.json").check(str(machine.root), machine.watch)
    )


def test_the_first_look_makes_the_baseline_and_the_second_is_silent(machine: Machine, tmp_path: Path) -> None:
    assert look(machine, tmp_path) == []
    path = tmp_path / "baselines/persistence.json"
    assert machine.notes == [
        "there was no baseline: what persists now (6 files, 0 ports) is the baseline from now on, kept in "
        f"{path}; look at it once: what it has is no finding"
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    machine.notes.clear()
    assert look(machine, tmp_path) == []
    assert machine.notes == []


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("etc/crontab", BEFORE["etc/crontab"] + "0 1 * * * root /usr/local/bin/x\n", [("medium", "persistence-cron", "/etc/crontab:3")]),
        ("etc/cron.d/y", "# c\n0 1 * * * root /opt/y\n0 2 * * * root /opt/y\n",
         [("medium", "persistence-cron", "/etc/cron.d/y:2"), ("medium", "persistence-cron", "/etc/cron.d/y:3")]),
        ("etc/cron.daily/y", "#!/bin/sh\n\nx\n", [("medium", "persistence-scheduled-script", "/etc/cron.daily/y:1")]),
        ("etc/cron.daily/logrotate", "#!/bin/sh\nlogrotate /etc/logrotate.conf\n/opt/x\n",
         [("medium", "persistence-scheduled-script", "/etc/cron.daily/logrotate:3")]),
        ("etc/systemd/system/y.timer", "[Timer]\nOnBootSec=1\n", [("medium", "persistence-systemd", "/etc/systemd/system/y.timer:1")]),
        ("etc/systemd/system/x.service", "[Service]\nExecStart=/usr/sbin/x2\n",
         [("medium", "persistence-systemd", "/etc/systemd/system/x.service:2")]),
        ("home/eve/.config/systemd/user/u.service", "[Service]\n",
         [("medium", "persistence-systemd", "/home/eve/.config/systemd/user/u.service:1")]),
        ("home/eve/.ssh/authorized_keys", "ssh-ed25519 AAAA1 eve\nssh-rsa BBBB mallory\n",
         [("high", "persistence-authorized-keys", "/home/eve/.ssh/authorized_keys:2")]),
        ("etc/passwd", BEFORE["etc/passwd"] + "m:x:1001:1001::/home/m:/bin/sh\n", [("high", "persistence-account", "/etc/passwd:3")]),
        ("etc/sudoers.d/m", "m ALL=(ALL) ALL\n", [("high", "persistence-sudo", "/etc/sudoers.d/m:1")]),
        ("root/.bashrc", "alias ls='ls --color'\nx &\n", [("medium", "persistence-shell-start", "/root/.bashrc:2")]),
        ("etc/rc.local", "#!/bin/sh\nx\n", [("medium", "persistence-init", "/etc/rc.local:1")]),
        ("etc/ld.so.conf.d/y.conf", "/opt/lib\n", [("medium", "persistence-libraries", "/etc/ld.so.conf.d/y.conf:1")]),
        ("etc/modules-load.d/y.conf", "rootkit\n", [("medium", "persistence-kernel-modules", "/etc/modules-load.d/y.conf:1")]),
        ("etc/udev/rules.d/y.rules", 'RUN+="/opt/y"\n', [("medium", "persistence-udev", "/etc/udev/rules.d/y.rules:1")]),
        ("etc/xdg/autostart/y.desktop", "[Desktop Entry]\n", [("medium", "persistence-desktop", "/etc/xdg/autostart/y.desktop:1")]),
        ("etc/pam.d/sshd", "session optional pam_y.so\n", [("high", "persistence-pam", "/etc/pam.d/sshd:1")]),
        ("etc/update-motd.d/9", "#!/bin/sh\ny\n", [("medium", "persistence-hooks", "/etc/update-motd.d/9:1")]),
        ("etc/cron.daily/binary", b"\x7fELF\0\1", [("medium", "persistence-scheduled-script", "/etc/cron.daily/binary")]),
        ("etc/crontab", "# only the comment changed\n17 * * * * root run-parts /etc/cron.hourly\n", []),
        ("etc/crontab", "", [("info", "persistence-removed-cron", "/etc/crontab")]),
    ],
)  # fmt: skip
def test_what_is_new_is_told_with_file_and_line(
    machine: Machine, tmp_path: Path, path: str, content: str | bytes, expected: list[tuple[str, str, str]]
) -> None:
    look(machine, tmp_path)
    machine.write(path, content)
    assert look(machine, tmp_path) == expected


def test_the_preload_file_is_told_once_and_as_what_it_is(machine: Machine, tmp_path: Path) -> None:
    look(machine, tmp_path)
    machine.write("etc/ld.so.preload", "/usr/lib/x.so\n")
    assert look(machine, tmp_path) == [("high", "preload", "/etc/ld.so.preload:1")]


def test_evidence_is_the_exact_line(machine: Machine) -> None:
    before = snapshot(machine.root)
    machine.write("home/eve/.ssh/authorized_keys", b"ssh-ed25519 AAAA1 eve\nssh-rsa BBBB \xff m\n")
    (found,) = compare(before, snapshot(machine.root))
    assert (found.title, found.evidence, found.file_path) == (
        "Changed key that opens an account", b"ssh-rsa BBBB \\xff m", "/home/eve/.ssh/authorized_keys",
    )  # fmt: skip


def test_units_that_are_enabled_or_masked_show_as_links(machine: Machine, tmp_path: Path) -> None:
    machine.link("etc/systemd/system/auditd.service", "/usr/lib/systemd/system/auditd.service")
    look(machine, tmp_path)
    machine.link("etc/systemd/system/multi-user.target.wants/y.service", "/opt/y.service")
    (machine.root / "etc/systemd/system/auditd.service").unlink()
    machine.link("etc/systemd/system/auditd.service", "/dev/null")
    path = tmp_path / "baselines/persistence.json"
    found = list(PersistenceTool(ScanSettings(), path).check(str(machine.root), machine.watch))
    assert sorted((one.target, one.evidence) for one in found) == [
        ("/etc/systemd/system/auditd.service", b"-> /dev/null"),
        ("/etc/systemd/system/multi-user.target.wants/y.service", b"-> /opt/y.service"),
    ]


def test_what_a_package_updates_is_silent_and_what_else_changes_it_is_not(machine: Machine, tmp_path: Path) -> None:
    unit = "usr/lib/systemd/system/p.service"

    def package(content: bytes) -> None:
        machine.write(unit, content)
        machine.write("var/lib/dpkg/info/p.list", f"/{unit}\n")
        machine.write("var/lib/dpkg/info/p.md5sums", f"{hashlib.md5(content).hexdigest()}  {unit}\n")

    package(b"[Service]\nExecStart=/usr/sbin/p\n")
    look(machine, tmp_path)
    package(b"[Service]\nExecStart=/usr/sbin/p --new\n")
    assert look(machine, tmp_path) == []
    machine.write(unit, "[Service]\nExecStart=/usr/sbin/p --evil\n")
    assert look(machine, tmp_path) == [("medium", "persistence-systemd", f"/{unit}:2")]


def test_setuid_files_and_what_is_gone(machine: Machine, tmp_path: Path) -> None:
    look(machine, tmp_path)
    machine.write("usr/local/bin/x", "", 0o4755)
    (machine.root / "usr/bin/su").chmod(0o4777)
    (machine.root / "etc/systemd/system/x.service").unlink()
    assert look(machine, tmp_path) == [
        ("high", "persistence-setuid", "/usr/bin/su"), ("high", "persistence-setuid", "/usr/local/bin/x"),
        ("info", "persistence-removed-systemd", "/etc/systemd/system/x.service"),
    ]  # fmt: skip


def test_listeners_that_the_baseline_does_not_have() -> None:
    ssh, web = Listener("tcp", "0.0.0.0", 22, "/usr/sbin/sshd", 1), Listener("tcp", "0.0.0.0", 80, "/usr/sbin/nginx", 2)
    before = Snapshot("/", listeners=(ssh, web, Listener("tcp", "::", 443, "", 0)))
    now = Snapshot("/", listeners=(
        ssh._replace(pid=99), web._replace(exe="/opt/web"), Listener("tcp", "::", 443, "/usr/sbin/nginx", 3),
        Listener("tcp", "127.0.0.1", 5432, "/usr/bin/postgres", 4), Listener("udp", "0.0.0.0", 53, "", 0),
        Listener("udp", "0.0.0.0", 53, "", 0), Listener("tcp", "0.0.0.0", 4444, "/tmp/x", 5),
    ))  # fmt: skip
    assert [(one.severity, one.title, one.target, one.port) for one in compare(before, now)] == [
        ("high", "Another program listens", "tcp 0.0.0.0:80 /opt/web", 80),
        ("low", "New listener", "tcp 127.0.0.1:5432 /usr/bin/postgres", 5432),
        ("medium", "New listener", "udp 0.0.0.0:53", 53),
        ("high", "New listener", "tcp 0.0.0.0:4444 /tmp/x", 4444),
    ]


def test_a_baseline_that_was_changed_is_a_finding_and_is_kept(machine: Machine, tmp_path: Path) -> None:
    look(machine, tmp_path)
    path = tmp_path / "baselines/persistence.json"
    told_before = json.loads(path.read_text())
    told_before["snapshot"]["files"]["/etc/cron.d/evil"] = {"kind": "cron", "sha256": "0", "lines": [], "vendor": True}
    path.write_text(json.dumps(told_before))
    machine.write("etc/cron.d/z", "* * * * * root /tmp/z\n")
    assert look(machine, tmp_path) == [
        ("high", "command-from-open-folder", "/etc/cron.d/z:1"), ("high", "persistence-baseline", str(path)),
    ]  # fmt: skip
    assert json.loads(path.read_text()) == told_before


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"format": 2, "snapshot": {}, "sha256": ""}', b'{"format": 1, "snapshot": 3}'])  # fmt: skip
def test_a_damaged_baseline_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        load(path)
    assert caught.value.source == str(path)
    assert "restore it from a backup" in caught.value.remedy


names = st.text(max_size=20).filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text))
kept = st.builds(
    Kept,
    st.sampled_from(KINDS),
    names,
    st.lists(st.tuples(st.integers(0, 99), names), max_size=3).map(tuple),
    st.booleans(),
)
snapshots = st.builds(
    Snapshot, names, st.dictionaries(names, kept, max_size=4), st.dictionaries(names, names, max_size=3),
    st.lists(st.builds(Listener, names, names, st.integers(0, 65535), names, st.just(0)), max_size=3).map(tuple),
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(snapshots)
def test_a_baseline_comes_back_as_it_was_written_and_equals_itself(
    tmp_path_factory: pytest.TempPathFactory, made: Snapshot
) -> None:
    path = tmp_path_factory.mktemp("b") / "new/p.json"
    save(made, path)
    assert load(path) == made
    assert compare(made, made) == []


def test_the_baseline_of_another_root_is_not_compared(machine: Machine, tmp_path: Path) -> None:
    look(machine, tmp_path)
    other = Machine(tmp_path / "other")
    other.write("etc/cron.d/x", "0 0 * * * root /opt/x\n")
    assert look(other, tmp_path) == []
    assert other.notes == [
        f"{tmp_path}/baselines/persistence.json: is the baseline of {machine.root}; nothing is compared"
    ]


def test_a_workspace_that_cannot_be_written_is_a_note(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    tool = PersistenceTool(ScanSettings(), tmp_path / "file/persistence.json")
    assert list(tool.check(str(machine.root), machine.watch)) == []
    assert len(machine.notes) == 1
    assert machine.notes[0].endswith("nothing is compared")


def test_hostile_places_stop_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "root")
    (tmp_path / "secret").write_text("0 0 * * * root /outside\n")
    machine.write("etc/passwd", b"\xff\nx:x:0:0::/../../..:/bin/sh\ny:x:1:1::/home/y\xfe*[:/bin/sh\n")
    machine.link("etc/cron.d/out", str(tmp_path / "secret"))
    machine.link("etc/cron.d/loop", "loop")
    machine.write("etc/cron.d/long", b"x" * (MAX_BYTES + 1))
    machine.write("etc/cron.d/junk", bytes(range(256)) * 4)
    machine.write(os.fsdecode(b"etc/cron.d/\xff\x1b"), "0 0 * * * root /opt/x\n")
    os.mkfifo(machine.root / "etc/crontab")
    machine.link("etc/ld.so.preload", "../../../../../../etc/hostname")
    machine.write("proc/net/tcp", os.urandom(500))
    machine.write("proc/7/status", b"\xff")
    machine.link("proc/7/exe", os.fsdecode(b"/tmp/\xff (deleted)"))
    now = snapshot(machine.root, machine.watch)
    assert sorted(now.files) == ["/etc/cron.d/\\xff\x1b", "/etc/cron.d/junk", "/etc/cron.d/long", "/etc/passwd"]
    assert [one.exe for one in now.processes] == ["/tmp/\\xff"]
    assert sorted(machine.notes) == [
        f"/etc/cron.d/long: is longer than {MAX_BYTES} bytes; only size and time are compared",
        "/etc/cron.d/loop: cannot be looked at: Too many levels of symbolic links",
    ]
    assert look(machine, tmp_path) == [("critical", "process-deleted", "/tmp/\\xff")]


def test_a_look_that_is_stopped_makes_no_baseline(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    notes: list[str] = []
    watch = Watch(note=notes.append, stopping=lambda: True)
    assert list(PersistenceTool(ScanSettings(), path).check(str(machine.root), watch)) == []
    assert (path.exists(), notes) == (False, ["stopped before its end; nothing is compared with the baseline"])


def test_every_place_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/tools/persistence.md").read_text()
    assert [place.kind for place in PLACES if f"`{place.kind}`" not in page] == []


def test_this_machine_is_looked_at_without_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from soc_tui.detection.persistence import snapshot as module

    none: Any = lambda *_: iter(())  # noqa: E731 - every file of the machine takes a minute
    monkeypatch.setattr(module, "walk", none)
    for one in PersistenceTool(ScanSettings(), tmp_path / "p.json").check("/", Watch()):
        assert one.evidence
    assert load(tmp_path / "p.json") is not None
