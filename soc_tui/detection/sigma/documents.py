"""Rule files on disk: found within limits and split into documents, so that a damaged one leaves the others."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from soc_tui.core.errors import SourceError
from soc_tui.core.plain import LOADER
from soc_tui.core.text import safe

SUFFIXES = (".yml", ".yaml")
MAX_FILES = 20_000
"""Files of one folder; SigmaHQ has some 4,000."""
MAX_BYTES = 512 * 1024
"""Of one file."""
MAX_TOTAL = 128 * 1024 * 1024
"""Of all files together."""
MAX_DEPTH = 24
"""Levels of nesting; libyaml's Python half recurses, so deeper ones could end the process."""
MAX_NODES = 60_000
"""Values of one document."""

_MARK = re.compile(r"^---(?:[ \t\r].*)?$")


@dataclass(frozen=True)
class Place:
    """Where something stands."""

    file: str
    """Relative to the folder of rules."""
    line: int
    """From 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Document:
    """One YAML document that holds a mapping."""

    place: Place
    text: str
    data: dict[str, Any]

    def line_of(self, word: str) -> int:
        """The line of the file in which a key (``level:``) or else a text first stands; the document's when nowhere."""
        key = re.compile(rf"^\s*-?\s*['\"]?{re.escape(word)}['\"]?\s*:")
        lines = self.text.split("\n")
        for number, line in enumerate(lines):
            if key.match(line):
                return self.place.line + number
        for number, line in enumerate(lines):
            if word and word in line:
                return self.place.line + number
        return self.place.line


@dataclass(frozen=True)
class Damage:
    """A file or document that is no rule, and why."""

    place: Place
    why: str


def rule_files(folder: Path) -> list[Path]:
    """The rule files of a folder and of the folders in it, sorted; links that lead out of it are not followed.

    Args:
        folder: a folder, or one file.

    Raises:
        SourceError: there is none, or it holds more than the limits allow.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise SourceError("is no folder of rules", source=folder, remedy="name a folder with Sigma rules (*.yml)")
    found: list[Path] = []
    for base, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        found += [Path(base) / name for name in sorted(names) if name.endswith(SUFFIXES)]
        if len(found) > MAX_FILES:
            raise SourceError(f"holds more than {MAX_FILES} rule files", source=folder, remedy="name a folder below it")
    return found


def read_folder(folder: Path) -> tuple[list[Document], list[Damage]]:
    """Every document of every rule file, and what could not be read.

    Raises:
        SourceError: as :func:`rule_files`.
    """
    documents: list[Document] = []
    damages: list[Damage] = []
    root = folder.parent if folder.is_file() else folder
    total = 0
    for path in rule_files(folder):
        name = str(path.relative_to(root))
        try:
            raw = read_bytes(path)
        except OSError as error:
            damages.append(Damage(Place(name, 1), f"cannot be read: {error.strerror or error}"))
            continue
        total += len(raw)
        if len(raw) > MAX_BYTES or total > MAX_TOTAL:
            damages.append(Damage(Place(name, 1), f"is larger than {MAX_BYTES // 1024} KiB, or all files together are "
                                                  f"larger than {MAX_TOTAL // 1024 // 1024} MiB"))  # fmt: skip
            continue
        for found in split(raw, name):
            if isinstance(found, Document):
                documents.append(found)
            else:
                damages.append(found)
    return documents, damages


def read_bytes(path: Path) -> bytes:
    """A plain file's bytes, one more than the limit at most.

    Raises:
        OSError: it is a link, a device or a pipe, or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "is no plain file")
        return file.read(MAX_BYTES + 1)


def split(raw: bytes, name: str) -> Iterator[Document | Damage]:
    """The documents of one file in order. A document that is damaged costs only itself."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        yield Damage(Place(name, line), "is not UTF-8")
        return
    start, lines = 1, text.split("\n")
    marks = [number for number, line in enumerate(lines) if _MARK.match(line)]
    for begin, end in zip([0, *marks], [*marks, len(lines)], strict=True):
        part = "\n".join(lines[begin:end])
        start = begin + 1
        if not part.strip("- \t\n"):
            continue
        found = _parse(part, Place(name, start))
        if found is not None:
            yield found


def _parse(text: str, place: Place) -> Document | Damage | None:
    try:
        problem = _bounded(text)
        data = None if problem else yaml.load(text, LOADER)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = place.line + (mark.line if mark is not None else 0)
        return Damage(Place(place.file, line), f"is not YAML: {_said(getattr(error, 'problem', None) or error)}")
    except (ValueError, RecursionError) as error:  # an impossible date, a number of 5,000 digits, a surrogate
        return Damage(place, f"is not YAML: {_said(error)}")
    if problem:
        return Damage(Place(place.file, place.line + problem[0]), problem[1])
    if data is None:
        return None
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        return Damage(place, "is not a mapping of names to values")
    begin = next(
        (n for n, line in enumerate(text.split("\n")) if line.strip() and not line.startswith(("#", "---"))), 0
    )
    return Document(Place(place.file, place.line + begin), "\n".join(text.split("\n")[begin:]), data)


def _bounded(text: str) -> tuple[int, str] | None:
    """The line and the complaint when the document is nested too deeply, too large or refers to itself."""
    depth = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=LOADER)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return _line(event.start_mark), f"is nested deeper than {MAX_DEPTH} levels"
        if nodes > MAX_NODES:
            return _line(event.start_mark), f"holds more than {MAX_NODES} values"
        if isinstance(event, yaml.AliasEvent):
            return _line(event.start_mark), "anchors and aliases are not allowed"
    return None


def _line(mark: object) -> int:
    return int(getattr(mark, "line", 0))


def _said(error: object) -> str:
    return safe(str(error).splitlines()[0] if str(error) else type(error).__name__, limit=200)


def plain(values: Sequence[object], most: int = 3) -> str:
    """Some values for a message."""
    shown = ", ".join(safe(str(value), limit=60) for value in values[:most])
    return f"{shown} and {len(values) - most} more" if len(values) > most else shown
