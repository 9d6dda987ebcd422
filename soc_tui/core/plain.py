"""Plain data in YAML: every value knows its line, and what plain data does not need is refused.

Anchors and aliases are (a few lines of them can stand for gigabytes), and deep nesting (5,000 brackets keep the parser
busy for seconds). Nothing is constructed but texts, numbers, truth values, days, lists and mappings.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.constructor import SafeConstructor

from soc_tui.core.errors import SocTuiError
from soc_tui.core.text import safe

LOADER: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it: ten times as fast, and an engine reads every entry when it starts."""
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")


class Problem(NamedTuple):
    """One thing that is wrong."""

    file: Path
    line: int
    """Counted from 1."""
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def files(paths: Iterable[Path]) -> list[Path]:
    """The files that paths name: themselves, and of a folder its ``*.yaml`` and ``*.yml`` by name."""
    found: list[Path] = []
    for path in paths:
        found += sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
    return found


def read(path: Path, most_bytes: int, most_depth: int, error: type[SocTuiError]) -> yaml.Node | None:
    """What a file holds; None: it is empty.

    Args:
        path: a regular file.
        most_bytes: a longer one is refused.
        most_depth: levels of lists and mappings.
        error: what is raised.

    Raises:
        SocTuiError: it cannot be read, or is no plain YAML; names file and line, and is an ``error``.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise error("is no regular file", source=path, line=1)
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
        text = raw.decode("utf-8")
    except OSError as failed:
        raise error(f"cannot be read: {failed.strerror}", source=path, line=1) from failed
    except UnicodeDecodeError as failed:
        raise error("is not UTF-8", source=path, line=1 + raw[: failed.start].count(b"\n")) from failed
    if len(raw) > most_bytes:
        raise error(f"is longer than {most_bytes >> 10} KiB", source=path, line=1)
    depth = 0
    try:
        for event in yaml.parse(text, Loader=LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > most_depth:
                raise error(f"is nested deeper than {most_depth} levels", source=path, line=line_of(event))
            if getattr(event, "anchor", None):
                raise error("anchors and aliases are not allowed", source=path, line=line_of(event))
        return yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as failed:
        raise _no_yaml(failed, path, error) from failed


def content(node: yaml.Node, path: Path, error: type[SocTuiError]) -> Any:
    """A node's data.

    Raises:
        SocTuiError: a value is none of plain data's, e.g. a day that no calendar has; is an ``error``.
    """
    try:
        return SafeConstructor().construct_document(node)
    except yaml.YAMLError as failed:
        raise _no_yaml(failed, path, error) from failed
    except (ValueError, RecursionError) as failed:
        said = safe(str(failed), limit=200)
        raise error(f"is not YAML: {said}", source=path, line=line_of(node)) from failed


def line_of(what: object) -> int:
    """The line where a node or an event of the parser begins, counted from 1."""
    return _line(getattr(what, "start_mark", None))


def _line(mark: object) -> int:
    """The line of a parser's mark (None, or one of two classes), counted from 1."""
    return int(getattr(mark, "line", 0)) + 1


def _no_yaml(failed: yaml.YAMLError, path: Path, error: type[SocTuiError]) -> SocTuiError:
    said = safe(getattr(failed, "problem", None) or str(failed), limit=200)
    return error(f"is not YAML: {said}", source=path, line=_line(getattr(failed, "problem_mark", None)))
