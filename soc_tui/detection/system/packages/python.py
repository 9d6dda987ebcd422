"""Python packages: ``*.dist-info/METADATA`` and ``*.egg-info`` (packaging.python.org, core metadata)."""

from __future__ import annotations

import re

from soc_tui.detection.rooted import Root, lines_of, shown
from soc_tui.detection.system.packages.package import Package
from soc_tui.detection.tools import Watch
from soc_tui.detection.walking import Walked

_HEAD = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")


def is_metadata(file: Walked) -> bool:
    """Whether a walked file tells a Python package."""
    if file.name == "METADATA":
        return file.folder.endswith(".dist-info")
    if file.name == "PKG-INFO":
        return file.folder.endswith(".egg-info")
    return file.name.endswith(".egg-info") and file.folder.endswith(("-packages", "/site-python"))


def package(root: Root, file: Walked, watch: Watch) -> Package | None:
    """The package of a metadata file; a note and None when it tells none."""
    try:
        data = root.head(file.path, _HEAD)
    except FileNotFoundError:
        return None  # gone since
    except (OSError, ValueError) as error:
        watch.note(f"{shown(file.path)}: cannot be read: {getattr(error, 'strerror', None) or error}")
        return None
    found: dict[str, tuple[int, str]] = {}
    raw = data.split(b"\n")
    for number, line in lines_of(data):
        if not line.strip():
            break  # the headers end
        name, colon, value = line.partition(":")
        if colon and name.lower() in ("name", "version"):
            found.setdefault(name.lower(), (number, value.strip()))
    name, version = found.get("name", (0, ""))[1], found.get("version", (0, ""))[1]
    if not _NAME.fullmatch(name) or not 0 < len(version) <= 200:
        watch.note(f"{shown(file.path)}: names no package and version; not looked at")
        return None
    lines = sorted((found["name"][0], found["version"][0]))
    place = file.folder.rpartition("/")[0] if file.name in ("METADATA", "PKG-INFO") else file.folder
    return Package(
        kind="pypi", name=re.sub(r"[-_.]+", "-", name).lower(), version=version, file=shown(file.path), line=lines[0],
        evidence=b"\n".join(raw[number - 1][:1000] for number in lines), place=shown(place),
    )  # fmt: skip


def of_the_system(root: Root, file: Walked) -> bool:
    """Whether the system's package manager wrote it (RECORD's neighbour ``INSTALLER``, PEP 376)."""
    try:
        return root.head(f"{file.folder}/INSTALLER", 64).strip() in (b"rpm", b"debian", b"apk")
    except (OSError, ValueError):
        return False
