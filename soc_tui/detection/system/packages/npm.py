"""npm packages: ``package-lock.json`` and ``npm-shrinkwrap.json`` of versions 1 to 3, and ``yarn.lock``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from soc_tui.detection.rooted import Root, lines_of, shown
from soc_tui.detection.system.packages.package import Package
from soc_tui.detection.tools import Watch
from soc_tui.detection.walking import Walked

_MAX_BYTES = 64 * 1024 * 1024
_MAX_DEPTH = 100
_MAX_PACKAGES = 200_000
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock")
_INSTALLED = ".package-lock.json"
_NAME = re.compile(r"(?:@[A-Za-z0-9._~-]{1,100}/)?[A-Za-z0-9._~-]{1,214}")
_OPENS = re.compile(rb'("(?:[^"\\]|\\.){1,1000}")\s{0,100}:\s{0,100}\{')
_MAX_PLACES = 8  # of one name; more only cost time, and a package without a place is told all the same
_WINDOW = 2000
_YARN_HEAD = re.compile(r'"?((?:@[^/@"\s]+/)?[^@"\s,/]+)@[^:].*:\s*')
_YARN_VERSION = re.compile(r'\s+version:? "?([^"\s]+)"?\s*')


def is_lock(file: Walked) -> bool:
    """Whether a walked file is a lock file of a project, not one that some package happened to ship."""
    if file.name == _INSTALLED:
        return file.folder.endswith("/node_modules") and "/node_modules/" not in file.folder
    return file.name in _LOCKS and "/node_modules/" not in file.path


def chosen(files: list[Walked]) -> list[Walked]:
    """Of each project one lock file; what npm notes in ``node_modules`` counts only where there is no other."""
    with_lock = {file.folder for file in files if file.name != _INSTALLED}
    return [
        file for file in files if file.name != _INSTALLED or file.folder.removesuffix("/node_modules") not in with_lock
    ]


def packages(root: Root, file: Walked, watch: Watch) -> list[Package]:
    """The packages that a lock file pins; a note when it is damaged."""
    data = root.read_noted(file.path, _MAX_BYTES, watch)
    if data is None:
        return []
    found = _yarn(data, file) if file.name == "yarn.lock" else _npm(data, file, watch)
    unique: dict[tuple[str, str], Package] = {}
    for number, one in enumerate(found):
        unique.setdefault((one.name, one.version), one)
        if watch.stopping():
            break
        if number > _MAX_PACKAGES:
            watch.note(f"{shown(file.path)}: more than {_MAX_PACKAGES} packages; the rest is not looked at")
            break
    return list(unique.values())


def _npm(data: bytes, file: Walked, watch: Watch) -> Iterator[Package]:
    try:
        lock = json.loads(data)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        watch.note(f"{shown(file.path)}:{line}: is no JSON: {str(error)[:120]}; not looked at")
        return
    places = _Places(data)
    listed = lock.get("packages") if isinstance(lock, dict) else None
    if isinstance(listed, dict):
        for key, entry in listed.items():
            if key and isinstance(entry, dict) and not entry.get("link"):
                name = entry.get("name") or key.rpartition("node_modules/")[2]
                if "node_modules/" in key:  # others are folders of the project itself
                    yield from _pinned(places, file, key, name, entry.get("version"))
    elif isinstance(lock, dict) and isinstance(lock.get("dependencies"), dict):
        yield from _tree(places, file, lock["dependencies"], watch)
    else:
        watch.note(f"{shown(file.path)}:1: is no lock file that is known; not looked at")


def _tree(places: _Places, file: Walked, dependencies: dict[str, Any], watch: Watch) -> Iterator[Package]:
    """Lock files of version 1: each dependency holds its own."""
    stack = [(dependencies, 0)]
    while stack:
        level, depth = stack.pop()
        if depth > _MAX_DEPTH:
            watch.note(f"{shown(file.path)}: nested deeper than {_MAX_DEPTH} levels; the rest is not looked at")
            continue
        for name, entry in level.items():
            if isinstance(entry, dict):
                version = str(entry.get("version") or "")
                alias = re.fullmatch(r"npm:(.+)@([^@]+)", version)
                real, version = (alias[1], alias[2]) if alias else (name, version)
                yield from _pinned(places, file, name, real, version)
                if isinstance(entry.get("dependencies"), dict):
                    stack.append((entry["dependencies"], depth + 1))


class _Places:
    """Where each key of a JSON text opens an object, from one pass over it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at: dict[bytes, list[int]] = {}
        for found in _OPENS.finditer(data):
            places = self._at.setdefault(found[1], [])
            if len(places) < _MAX_PLACES:
                places.append(found.start())

    def of(self, key: str, version: str) -> tuple[int, bytes]:
        """Line and bytes of the object of a key with this version; line 1 and no bytes when there is none."""
        pattern = re.compile(rb"[^{}]*?\{[^{}]*?\"version\"\s*:\s*" + re.escape(json.dumps(version).encode()))
        for at in self._at.get(json.dumps(key).encode(), ()):
            found = pattern.match(self._data, at, at + _WINDOW)
            if found:
                return 1 + self._data.count(b"\n", 0, at), found.group()
        return 1, b""


def _pinned(places: _Places, file: Walked, key: str, name: Any, version: Any) -> Iterator[Package]:
    if not isinstance(name, str) or not isinstance(version, str) or not _NAME.fullmatch(name):
        return
    if not re.match(r"v?\d", version) or len(version) > 200:
        return  # a URL or a folder: no version of the registry
    line, evidence = places.of(key, version)
    yield Package(
        kind="npm", name=name, version=version, file=shown(file.path), line=line,
        evidence=evidence or f"{key}: {version}".encode(), place=shown(file.path),
    )  # fmt: skip


def _yarn(data: bytes, file: Walked) -> Iterator[Package]:
    """``yarn.lock`` of version 1, and of Berry, which differs in its quotes and colons."""
    raw, name, start = data.split(b"\n"), "", 0
    for number, line in lines_of(data):
        if line and line[0] not in " \t#":
            found = _YARN_HEAD.fullmatch(line[:2000])
            name, start = (found[1], number) if found else ("", 0)
            if name and "@npm:" in line and (alias := re.search(r"@npm:((?:@[^/@\"\s]+/)?[^@\"\s,/]+)@", line)):
                name = alias[1]
        elif name and (version := _YARN_VERSION.fullmatch(line[:300])):
            if _NAME.fullmatch(name) and re.match(r"\d", version[1]) and not version[1].startswith("0.0.0-use.local"):
                yield Package(
                    kind="npm", name=name, version=version[1], file=shown(file.path), line=start,
                    evidence=raw[start - 1][:1000] + b"\n" + raw[number - 1][:300], place=shown(file.path),
                )  # fmt: skip
            name = ""
