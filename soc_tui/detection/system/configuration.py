"""What is set where on a machine: the values that checks judge."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import stat
from collections.abc import Container, Iterator
from dataclasses import dataclass

from soc_tui.detection.rooted import Root, lines_of, shown
from soc_tui.detection.tools import Watch

MAX_BYTES = 4 * 1024 * 1024
MAX_FILES = 5000
_LONGEST = 4096


@dataclass(frozen=True)
class Setting:
    """One value."""

    value: str
    file: str
    """The file that sets it, beginning with a slash."""
    line: int
    """Counted from 1; 0: the file itself is meant, or nothing sets it."""
    evidence: bytes
    """The exact line."""
    scope: str = ""
    """For whom it holds, when not for all; or ``default``."""

    @property
    def target(self) -> str:
        """``file:line``, or the file alone."""
        return f"{self.file}:{self.line}" if self.line else self.file


def raw_lines(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """The lines of a file: number, text and exact bytes, each cut at 4096."""
    for (number, text), raw in zip(lines_of(data), data.split(b"\n"), strict=True):
        yield number, text[:_LONGEST], raw[:_LONGEST]


def lines(root: Root, patterns: tuple[str, ...], comment: str, watch: Watch) -> Iterator[Setting]:
    """Every line of some files that is not empty and no comment."""
    for pattern in patterns:
        for path in root.glob(pattern)[:MAX_FILES]:
            if not _is_file(root, path):
                continue  # a folder, or a masked unit: a link to /dev/null
            data = root.read_noted(path, MAX_BYTES, watch)
            for number, text, raw in raw_lines(data or b""):
                if text.strip() and not (comment and text.lstrip().startswith(comment)):
                    yield Setting(text, shown(path), number, raw)


def _is_file(root: Root, path: str) -> bool:
    try:
        return stat.S_ISREG(root.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def modes(root: Root, patterns: tuple[str, ...], bits: int, *, owner: bool, watch: Watch) -> Iterator[Setting]:
    """The files that have one of some permission bits, or with ``owner`` another owner than root."""
    seen: set[tuple[int, int]] = set()
    for pattern in patterns:
        for path in root.glob(pattern)[:MAX_FILES]:
            try:
                about = root.stat(path)
            except (OSError, ValueError):
                continue  # gone since
            if watch.stopping():
                return
            made = None if _is_device(about) else mode(path, about, bits, {0, root.owner} if owner else None)
            if made is not None and (about.st_dev, about.st_ino) not in seen:  # /lib is often /usr/lib
                seen.add((about.st_dev, about.st_ino))
                yield made


def _is_device(about: os.stat_result) -> bool:
    return stat.S_ISCHR(about.st_mode) or stat.S_ISBLK(about.st_mode)


def mode(path: str, about: os.stat_result, bits: int, owners: Container[int] | None) -> Setting | None:
    """A file if it has one of some permission bits, or another owner than some.

    A folder that everybody may write to is well when only owners may remove what is theirs (the sticky bit).
    """
    wrong = about.st_mode & bits and not (stat.S_ISDIR(about.st_mode) and about.st_mode & stat.S_ISVTX)
    if not wrong and (owners is None or about.st_uid in owners):
        return None
    said = f"{stat.filemode(about.st_mode)} {about.st_uid}:{about.st_gid} {shown(path)}"
    return Setting(said, shown(path), 0, said.encode())


_EXEC = re.compile(r"\s*Exec(?:Start|StartPre|StartPost|Stop|StopPost|Reload|Condition)\s*=\s*[-@:+!|]*(\S+)")


def programs(root: Root, patterns: tuple[str, ...], bits: int, *, owner: bool, watch: Watch) -> Iterator[Setting]:
    """The programs that units start, if somebody else than root could change them or a folder above them."""
    seen: set[str] = set()
    for unit in lines(root, patterns, "#", watch):
        found = _EXEC.match(unit.value)
        if not found or not found[1].startswith("/") or found[1] in seen:
            continue
        seen.add(found[1])
        parts = found[1].strip("/").split("/")
        for end in range(len(parts), 0, -1):
            path = "/".join(parts[:end])
            try:
                made = mode(path, root.stat(path), bits, {0, root.owner} if owner else None)
            except (OSError, ValueError):
                continue
            if made is not None:
                said = made.evidence + f"\n{unit.target}: ".encode() + unit.evidence
                yield Setting(made.value, made.file, 0, said, scope=f"started by {unit.target}")
                break


# --- sshd_config(5)

SSHD = "etc/ssh/sshd_config"
_WORD = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+)(.*)")
_SSHD_DEPTH = 16  # as sshd's own SERVCONF_MAX_DEPTH


class Sshd:
    """The options of an SSH server: outside ``Match`` the first value counts, and each ``Match`` block may set more.

    Args:
        root: the machine.
        watch: takes notes of files that cannot be read.
    """

    def __init__(self, root: Root, watch: Watch) -> None:
        self._root = root
        self._watch = watch
        self._options: dict[str, list[Setting]] = {}
        self._files = 0
        self.installed = root.exists(SSHD)
        """False: there is no configuration, so there is no server, and no default is wrong."""
        if self.installed:
            self._read(SSHD, "", 0)

    def _read(self, path: str, scope: str, depth: int) -> None:
        self._files += 1
        if depth > _SSHD_DEPTH or self._files > MAX_FILES:
            self._watch.note(f"{shown(path)}: included too deep or too often; not looked at")
            return
        data = self._root.read_noted(path, MAX_BYTES, self._watch)
        here = scope  # a Match ends with its file
        for number, text, raw in raw_lines(data or b""):
            found = _WORD.fullmatch(text.strip())
            if not found or text.lstrip().startswith("#"):
                continue
            name, value = found[1].lower(), _unquoted(found[2])
            if name == "match":
                here = f"Match {value}" if value.lower() != "all" else scope
            elif name == "include":
                for pattern in _words(found[2]):
                    for file in self._root.glob(pattern if pattern.startswith("/") else f"etc/ssh/{pattern}"):
                        self._read(file, here, depth + 1)
            else:
                before = self._options.setdefault(name, [])
                if not any(one.scope == here for one in before):
                    before.append(Setting(value, shown(path), number, raw, here))

    def of(self, name: str, default: str) -> list[Setting]:
        """The values of an option: for all (its default when nothing sets it), and of ``Match`` blocks."""
        found = self._options.get(name.lower(), [])
        if self.installed and default and not any(not one.scope for one in found):
            said = f"{name} is not set; the default is {default}".encode()
            return [Setting(default, shown(SSHD), 0, said, "default"), *found]
        return found


def _unquoted(value: str) -> str:
    value = value.partition(" #")[0].strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value, comments=True)
    except ValueError:
        return value.split()


# --- sudoers(5)

SUDOERS = "etc/sudoers"
_INCLUDE = re.compile(r"[@#](include|includedir)\s+(\S.*)")
_SUDO_DEPTH = 128  # as sudo's own MAX_SUDOERS_DEPTH


def sudoers(root: Root, watch: Watch) -> list[Setting]:
    """The logical lines of sudoers and everything that it includes, in their order."""
    found: list[Setting] = []
    read: set[str] = set()

    def take(path: str, depth: int) -> None:
        if path in read:
            return
        if depth > _SUDO_DEPTH or len(read) > MAX_FILES:
            watch.note(f"{shown(path)}: included too deep or too often; not looked at")
            return
        read.add(path)
        data = root.read_noted(path, MAX_BYTES, watch)
        start, words, exact = 0, "", b""
        for number, text, raw in raw_lines(data or b""):
            start = start or number
            going_on = text.endswith("\\")
            words += (text[:-1] if going_on else text) + (" " if going_on else "")
            exact += raw + (b"\n" if going_on else b"")
            if going_on and len(words) < 16 * _LONGEST:
                continue
            included = _INCLUDE.fullmatch(words.strip())
            if included:
                name = included[2].strip('"')
                where = name if name.startswith("/") else f"etc/{name}"
                names = [where] if included[1] == "include" else [
                    f"{where}/{one}" for one in root.names(where) if "." not in one and not one.endswith("~")
                ]  # fmt: skip
                for one in names:
                    take(one.strip("/"), depth + 1)
            else:
                kept = re.sub(r"(?:^|\s)#(?!\d).*", "", words).strip()
                if kept:
                    found.append(Setting(kept, shown(path), start, exact[:_LONGEST]))
            start, words, exact = 0, "", b""

    take(SUDOERS, 0)
    return found


# --- sysctl(8)

_SYSCTL = ("etc/sysctl.d/*.conf", "run/sysctl.d/*.conf", "usr/local/lib/sysctl.d/*.conf", "usr/lib/sysctl.d/*.conf",
           "lib/sysctl.d/*.conf")  # fmt: skip
_ASSIGNED = re.compile(r"-?([A-Za-z0-9_./*-]+)\s*=\s*(.*)")


class Kernel:
    """Kernel settings: as they are (``/proc/sys``), else as files set them at start, the last one winning."""

    def __init__(self, root: Root, watch: Watch) -> None:
        self._root = root
        self._watch = watch
        self._set: dict[str, Setting] | None = None

    def of(self, key: str) -> list[Setting]:
        """The value of a key, in a list of one; empty when nothing tells it."""
        path = "proc/sys/" + key.replace(".", "/")
        try:
            value = self._root.head(path, 256)
        except (OSError, ValueError):
            found = self._files().get(key)
            return [found] if found else []
        text = value.decode("utf-8", "backslashreplace").strip()
        return [Setting(text, shown(path), 0, f"{key} = {text}".encode())]

    def _files(self) -> dict[str, Setting]:
        if self._set is None:
            self._set = {}
            by_name: dict[str, str] = {}
            for pattern in _SYSCTL:
                for path in self._root.glob(pattern):
                    by_name.setdefault(path.rpartition("/")[2], path)  # a file hides those of the same name after it
            for path in [*(by_name[name] for name in sorted(by_name)), "etc/sysctl.conf"]:
                data = self._root.read_noted(path, MAX_BYTES, self._watch)
                for number, text, raw in raw_lines(data or b""):
                    found = _ASSIGNED.fullmatch(text.strip())
                    if found and not text.lstrip().startswith(("#", ";")):
                        name = found[1].replace("/", ".")
                        self._set[name] = Setting(found[2], shown(path), number, raw)
        return self._set


# --- setuid


def is_named(path: str, names: tuple[str, ...]) -> bool:
    """Whether a path is one of some names (``bash``) or paths (``/usr/lib/*/helper``), both with ``*``."""
    base = path.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(path if "/" in name else base, name) for name in names)
