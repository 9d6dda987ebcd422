"""What is installed, told from each manager's own files."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soc_tui.detection.rooted import Root
from soc_tui.detection.system.packages import apk, dpkg, npm, python, rpm
from soc_tui.detection.system.packages.distribution import Distribution, distribution
from soc_tui.detection.system.packages.owned import Owned
from soc_tui.detection.tools import Watch
from soc_tui.detection.walking import Walked, walk
from tests.detection.machine import DEBIAN, Machine

STATUS = """\
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.11-1~deb12u2
Description: Secure Sockets Layer
 Package: not-one

Package: openssl
Status: install ok installed
Version: 3.0.11-1~deb12u2

Package: linux-image-6.1.0-18-amd64
Status: hold ok installed
Source: linux-signed-amd64 (6.1.76+1)
Version: 6.1.76-1

Package: telnet
Status: deinstall ok config-files
Version: 0.17-42
"""


def walked(machine: Machine, path: str) -> Walked:
    return next(one for one in walk(machine.root, Watch()) if one.path == path)


def test_debian_packages_are_told_by_their_source(machine: Machine) -> None:
    machine.write("var/lib/dpkg/status", STATUS)
    found = dpkg.packages(Root(machine.root), "debian", machine.watch)
    assert [(one.target, one.line, one.parts) for one in found] == [
        ("pkg:deb/debian/openssl@3.0.11-1~deb12u2", 1, ("libssl3", "openssl")),
        ("pkg:deb/debian/linux-signed-amd64@6.1.76+1", 13, ("linux-image-6.1.0-18-amd64",)),
    ]
    assert found[0].evidence == b"Package: libssl3\nSource: openssl\nVersion: 3.0.11-1~deb12u2"
    assert machine.notes == []


def test_images_without_dpkg_tell_their_packages_in_a_folder(machine: Machine) -> None:
    machine.write("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12.4+deb12u5\n")
    machine.write("var/lib/dpkg/status.d/base.md5sums", "0" * 32 + "  etc/x\n")
    (found,) = dpkg.packages(Root(machine.root), "debian", machine.watch)
    assert (found.name, found.file, machine.notes) == ("base-files", "/var/lib/dpkg/status.d/base", [])


def test_junk_in_the_status_file_is_named_and_the_rest_is_read(machine: Machine) -> None:
    junk = b"Package: \xff\xfe\nVersion: 1\n\n\x00\x01\x02 no field\n\nPackage: a\nPackage: b\nVersion: 1\n\n"
    machine.write("var/lib/dpkg/status", junk + STATUS.encode() + b"\nPackage: half")
    found = dpkg.packages(Root(machine.root), "debian", machine.watch)
    assert [one.name for one in found] == ["openssl", "linux-signed-amd64"]
    assert [note.partition(";")[0] for note in machine.notes] == [
        "/var/lib/dpkg/status:1: names no package and version",
        "/var/lib/dpkg/status:4: line 4 is no field",
        "/var/lib/dpkg/status:6: line 7 gives Package again",
        "/var/lib/dpkg/status:31: names no package and version",
    ]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_break_a_database(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    machine = Machine(tmp_path_factory.mktemp("root"))
    for path in ("var/lib/dpkg/status", "lib/apk/db/installed", "a/package-lock.json", "a/yarn.lock", "x.dist-info/METADATA",
                 "etc/os-release", "var/lib/dpkg/info/a.list", "var/lib/dpkg/info/a.md5sums"):  # fmt: skip
        machine.write(path, junk)
    root = Root(machine.root)
    distribution(root, machine.watch)
    dpkg.packages(root, "debian", machine.watch)
    apk.packages(root, "alpine", machine.watch)
    Owned(root, machine.watch).unchanged("/etc/x", junk)
    for path in ("/a/package-lock.json", "/a/yarn.lock"):
        npm.packages(root, walked(machine, path), machine.watch)
    python.package(root, walked(machine, "/x.dist-info/METADATA"), machine.watch)


def test_alpine_packages_are_told_by_their_origin(machine: Machine) -> None:
    machine.write(
        "lib/apk/db/installed",
        "C:Q1abc=\nP:libcrypto3\nV:3.1.4-r1\nA:x86_64\no:openssl\nF:lib\nR:libcrypto.so.3\n\nP:libssl3\nV:3.1.4-r1\no:openssl\n\n"
        "P:musl\nV:1.2.4-r2\n\nP:broken\n\n",
    )
    found = apk.packages(Root(machine.root), "alpine", machine.watch)
    assert [(one.target, one.parts, one.other_names) for one in found] == [
        ("pkg:apk/alpine/openssl@3.1.4-r1", ("libcrypto3", "libssl3"), ("libcrypto3", "libssl3")),
        ("pkg:apk/alpine/musl@1.2.4-r2", ("musl",), ()),
    ]
    assert machine.notes == ["/lib/apk/db/installed:16: names no package and version; not looked at"]


SPEC = "Name: {0}\nVersion: 1.2\nRelease: 3\nEpoch: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\nx\n%files\n"


@pytest.mark.skipif(not shutil.which("rpmbuild"), reason="needs rpm and rpmbuild")
def test_rpm_packages_come_from_a_copy_of_a_real_database(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "x.spec").write_text(SPEC.format("webthing"))
    build = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {tmp_path}/build", str(tmp_path / "x.spec")]
    subprocess.run(build, check=True, capture_output=True)
    (made,) = (tmp_path / "build").rglob("*.rpm")
    folder = machine.root / "var/lib/rpm"
    folder.mkdir(parents=True)
    install = ["rpm", "--dbpath", str(folder), "-i", "--justdb", "--nodeps", "--nosignature", str(made)]
    subprocess.run(install, check=True, capture_output=True)
    before = {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()}
    (found,) = rpm.packages(Root(machine.root), "rocky", machine.watch)
    assert (found.target, found.version, found.file) == (
        "pkg:rpm/rocky/webthing@1:1.2-3", "1:1.2-3", "/var/lib/rpm/rpmdb.sqlite",
    )  # fmt: skip
    assert {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    assert machine.notes == []
    (folder / "rpmdb.sqlite").write_bytes(b"\0" * 5000)
    (folder / "rpmdb.sqlite-wal").unlink(missing_ok=True)
    assert rpm.packages(Root(machine.root), "rocky", machine.watch) == []
    assert machine.notes[0].startswith("/var/lib/rpm: rpm cannot read it: ")


def test_rpm_that_is_missing_is_a_note(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.write("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0")
    monkeypatch.setattr(rpm, "installed", lambda name: "")
    assert rpm.packages(Root(machine.root), "rocky", machine.watch) == []
    assert machine.notes == ["/var/lib/rpm: rpm is not installed, so its packages are not looked at"]


def test_python_packages_tell_their_environment(machine: Machine) -> None:
    machine.write("srv/app/lib/python3.11/site-packages/Zope_X-1.0.dist-info/METADATA",
                  "Metadata-Version: 2.1\nName: Zope_X\nVersion: 1.0\n\nName: in-the-description\n")  # fmt: skip
    machine.write("opt/lib/python3/site-packages/old.egg-info", "Name: old\nVersion: 0.1\n")
    machine.write("opt/lib/python3/site-packages/nameless-1.dist-info/METADATA", "Version: 1\n\n")
    root = Root(machine.root)
    files = [one for one in walk(machine.root, Watch()) if python.is_metadata(one)]
    found = [one for file in files if (one := python.package(root, file, machine.watch))]
    assert [(one.target, one.line, one.evidence) for one in found] == [
        ("pkg:pypi/old@0.1 in /opt/lib/python3/site-packages", 1, b"Name: old\nVersion: 0.1"),
        ("pkg:pypi/zope-x@1.0 in /srv/app/lib/python3.11/site-packages", 2, b"Name: Zope_X\nVersion: 1.0"),
    ]
    assert len(machine.notes) == 1
    assert "nameless-1.dist-info/METADATA: names no package and version" in machine.notes[0]


LOCK3 = {"name": "site", "lockfileVersion": 3, "packages": {
    "": {"name": "site", "version": "1.0.0"},
    "node_modules/lodash": {"version": "4.17.20", "resolved": "https://registry/lodash"},
    "node_modules/a/node_modules/lodash": {"version": "3.10.1"},
    "node_modules/alias": {"name": "real", "version": "2.0.0"},
    "node_modules/linked": {"resolved": "packages/linked", "link": True},
    "node_modules/git": {"version": "git+ssh://git@example.org/x.git#1"},
    "packages/linked": {"version": "1.0.0"},
}}  # fmt: skip
LOCK1 = {"name": "site", "lockfileVersion": 1, "dependencies": {
    "express": {"version": "4.16.0", "requires": {"qs": "6.5.1"}, "dependencies": {"qs": {"version": "6.5.1"}}},
    "qs": {"version": "6.10.0"}, "short": {"version": "npm:long-name@1.2.3"},
}}  # fmt: skip
YARN = """# yarn lockfile v1

"@babel/core@^7.0.0", "@babel/core@^7.1.0":
  version "7.12.3"
  resolved "https://registry"

lodash@^4:
  version "4.17.20"
"""
BERRY = '__metadata:\n  version: 6\n\n"lodash@npm:^4.17.0":\n  version: 4.17.20\n\n"site@workspace:.":\n  version: 0.0.0-use.local\n'


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("package-lock.json", json.dumps(LOCK3, indent=2),
         [("lodash", "4.17.20", 9), ("lodash", "3.10.1", 13), ("real", "2.0.0", 16)]),
        ("npm-shrinkwrap.json", json.dumps(LOCK1, indent=2),
         [("express", "4.16.0", 5), ("qs", "6.10.0", 16), ("long-name", "1.2.3", 19), ("qs", "6.5.1", 11)]),
        ("yarn.lock", YARN, [("@babel/core", "7.12.3", 3), ("lodash", "4.17.20", 7)]),
        ("yarn.lock", BERRY, [("lodash", "4.17.20", 4)]),
    ],
)  # fmt: skip
def test_lock_files_name_their_packages(
    machine: Machine, name: str, content: str, expected: list[tuple[str, str, int]]
) -> None:
    machine.write(f"srv/site/{name}", content)
    found = npm.packages(Root(machine.root), walked(machine, f"/srv/site/{name}"), machine.watch)
    # the alias of version 1 is written as "npm:...", so its line cannot be told by its version
    assert [(one.name, one.version) for one in found] == [(n, v) for n, v, _ in expected]
    assert [one.line for one in found if one.name != "long-name"] == [
        line for n, _, line in expected if n != "long-name"
    ]
    lines = content.split("\n")
    assert all(found_one.evidence.decode().split("\n")[0].strip() in lines[found_one.line - 1] for found_one in found
               if found_one.name != "long-name")  # fmt: skip
    assert {one.place for one in found} == {f"/srv/site/{name}"}
    assert machine.notes == []


def test_one_lock_file_of_a_project_counts_and_none_of_its_packages(machine: Machine) -> None:
    for path in ("a/package-lock.json", "a/node_modules/.package-lock.json", "b/node_modules/.package-lock.json",
                 "a/node_modules/x/package-lock.json", "a/node_modules/x/yarn.lock"):  # fmt: skip
        machine.write(path, json.dumps(LOCK3))
    files = [one for one in walk(machine.root, Watch()) if npm.is_lock(one)]
    assert [one.path for one in npm.chosen(files)] == ["/a/package-lock.json", "/b/node_modules/.package-lock.json"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"packages": {\n"node_modules/a": {"version": ', ":2: is no JSON"),
        (b"[" * 100_000, ":1: is no JSON"),
        (b"[]", ":1: is no lock file that is known"),
        (b"\xff\xfe\x00", ":1: is no JSON"),
    ],
)
def test_a_damaged_lock_file_is_named_with_its_line(machine: Machine, content: bytes, said: str) -> None:
    machine.write("package-lock.json", content)
    assert npm.packages(Root(machine.root), walked(machine, "/package-lock.json"), machine.watch) == []
    assert len(machine.notes) == 1
    assert machine.notes[0].startswith(f"/package-lock.json{said}")


def test_what_owns_a_file_and_whether_it_is_unchanged(machine: Machine) -> None:
    content = b"[Unit]\n"
    machine.write("var/lib/dpkg/info/x.list", "/.\n/lib/systemd/system/x.service\n/etc/x.conf\n")
    machine.write(
        "var/lib/dpkg/info/x.md5sums", "0" * 32 + "  usr/bin/y\n2a3f8ab39d4a31e1e4d3e3a4d0ab7b4c  lib/other\n"
    )
    digest = hashlib.md5(content).hexdigest()
    machine.write("var/lib/dpkg/info/z.md5sums", f"{digest}  lib/systemd/system/x.service\n")
    machine.write(
        "var/lib/dpkg/status",
        f"Package: x\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/x.conf {digest}\n",
    )
    owned = Owned(Root(machine.root), machine.watch)
    assert owned.has("/usr/lib/systemd/system/x.service")
    assert owned.unchanged("/usr/lib/systemd/system/x.service", content)
    assert not owned.unchanged("/usr/lib/systemd/system/x.service", content + b"x")
    assert owned.unchanged("/etc/x.conf", content)
    assert not owned.has("/etc/y")
    assert not owned.unchanged("/etc/y", content)


@pytest.mark.parametrize(
    ("release", "kind", "base", "yes", "no"),
    [
        (DEBIAN, "deb", "Debian", ["Debian:12", "Debian"], ["Debian:11", "Debian:120"]),
        ("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"22.04\"\n", "deb", "Ubuntu", ["Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS"], ["Ubuntu:20.04:LTS"]),
        ("ID=raspbian\nID_LIKE=debian\nVERSION_ID='12'\n", "deb", "Debian", ["Debian:12"], []),
        ("ID=alpine\nVERSION_ID=3.18.4\n", "apk", "Alpine", ["Alpine:v3.18"], ["Alpine:v3.1", "Alpine:v3.19"]),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.3"\n', "rpm", "Rocky Linux", ["Rocky Linux:9"], ["Rocky Linux:8"]),
        ('ID="rhel"\nVERSION_ID="9.3"\n', "rpm", "Red Hat", ["Red Hat:enterprise_linux:9::appstream"], ["Red Hat:enterprise_linux:8::baseos", "Red Hat:openshift:4.9"]),
        ('ID="opensuse-leap"\nVERSION_ID="15.5"\n', "rpm", "openSUSE", ["openSUSE:Leap 15.5"], ["openSUSE:Leap 15.4"]),
        ('ID="sles"\nVERSION_ID="15.5"\n', "rpm", "SUSE", ["SUSE:Linux Enterprise Module for Basesystem 15 SP5"], ["SUSE:Linux Enterprise Server 15 SP4"]),
        ("ID=gentoo\n", "deb", "", [], []),
    ],
)  # fmt: skip
def test_which_advisories_speak_about_a_release(
    machine: Machine, release: str, kind: str, base: str, yes: list[str], no: list[str]
) -> None:
    machine.write("usr/lib/os-release", release)
    machine.link("etc/os-release", "../usr/lib/os-release")
    found = distribution(Root(machine.root), machine.watch)
    assert found.base(kind) == base
    assert [one for one in yes if not found.speaks(one)] == []
    assert [one for one in no if found.speaks(one)] == []


def test_a_root_without_a_release_is_of_no_distribution(machine: Machine) -> None:
    assert distribution(Root(machine.root), machine.watch) == Distribution()
