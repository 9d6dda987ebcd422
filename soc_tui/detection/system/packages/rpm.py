"""RPM packages: asked from ``rpm``, since the database (Berkeley DB, ndb or SQLite) is its own.

``rpm`` reads a copy: it may want to write to the database that it opens, and must not take macros from the root.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from soc_tui.detection.commands import ask, installed
from soc_tui.detection.rooted import Root, shown
from soc_tui.detection.system.packages.package import Package
from soc_tui.detection.tools import Watch

FOLDERS = ("usr/lib/sysimage/rpm", "var/lib/rpm")
_FILES = ("rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages.db", "Packages")
_MAX_BYTES = 2 * 1024**3
_BLOCK = 1 << 20
_SECONDS = 120.0
_FORMAT = "%{NAME}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\n"
_SOURCE = re.compile(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm")


def packages(root: Root, distribution: str, watch: Watch) -> list[Package]:
    """The installed packages, with the names of their sources beside their own; a note where ``rpm`` is missing."""
    found = [(folder, name) for folder in FOLDERS for name in _FILES if root.exists(f"{folder}/{name}")]
    if not found:
        return []
    folder = found[0][0]
    names = [name for where, name in found if where == folder]
    program = installed("rpm")
    if not program:
        watch.note(f"{shown(folder)}: rpm is not installed, so its packages are not looked at")
        return []
    with tempfile.TemporaryDirectory(prefix="soc-tui-rpm-") as copy:
        try:
            for name in names:
                _copied(root, f"{folder}/{name}", Path(copy) / name)
        except OSError as error:
            watch.note(f"{shown(folder)}: cannot be copied for rpm: {error.strerror}")
            return []
        argv = [program, "--rcfile", "/usr/lib/rpm/rpmrc", "--dbpath", copy, "-qa", "--qf", _FORMAT]
        answer = ask(argv, watch, _SECONDS, cwd=copy)
    if answer is None:
        return []
    if answer.code:
        watch.note(f"{shown(folder)}: rpm cannot read it: {answer.errors.decode('utf-8', 'backslashreplace')[:200]}")
    listed = [_package(line, folder, names[0], distribution) for line in sorted(answer.output.split(b"\n")) if line]
    if None in listed:
        watch.note(f"{shown(folder)}: {listed.count(None)} packages without name or version; not looked at")
    return [one for one in listed if one is not None]


def _copied(root: Root, path: str, to: Path) -> None:
    handle = root.open(path)
    try:
        if os.fstat(handle).st_size > _MAX_BYTES:
            raise OSError(27, f"is longer than {_MAX_BYTES >> 30} GiB")
        with to.open("wb") as file:
            left = _MAX_BYTES
            while left > 0 and (part := os.read(handle, _BLOCK)):
                file.write(part)
                left -= len(part)
    finally:
        os.close(handle)


def _package(line: bytes, folder: str, file: str, distribution: str) -> Package | None:
    parts = line.decode("utf-8", "backslashreplace").split("\t")
    if len(parts) != 4 or not 0 < len(parts[0]) <= 200 or parts[1].endswith("(none)"):
        return None
    name, version, _, source = parts
    if name == "gpg-pubkey":
        return Package("rpm", name, version, shown(f"{folder}/{file}"), 0, line, distribution=distribution)
    made = _SOURCE.fullmatch(source)
    others = (made[1],) if made and made[1] != name and version.partition(":")[2] == made[2] else ()
    return Package(
        kind="rpm", name=name, version=version, file=shown(f"{folder}/{file}"), line=0, evidence=line,
        distribution=distribution, parts=(name,), other_names=others,
    )  # fmt: skip
