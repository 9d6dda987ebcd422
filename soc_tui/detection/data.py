"""Checks as data: lists of flat mappings in YAML, every mistake named with its file and line.

What plain data does not need is refused: anchors and aliases, duplicate keys, deep nesting (``core.plain``). Patterns
are of RE2 (https://github.com/google/re2/wiki/Syntax), whose matching takes time linear in the text whatever the
pattern.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from soc_tui.core.errors import SocTuiError
from soc_tui.core.plain import KEBAB, TECHNIQUE, Problem, files, line_of, read
from soc_tui.core.settings import SEVERITIES
from soc_tui.core.text import safe
from soc_tui.core.types import RISK_TYPES

MAX_BYTES = 512 * 1024
MAX_DEPTH = 4
_CWE = re.compile(r"CWE-\d{1,6}")


Taker = Callable[[Any], Any]
"""Takes a value as YAML gives it; returns it as it is kept, or raises ValueError with what is wrong."""


def text(value: Any) -> str:
    """Words."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be words")
    return " ".join(value.split())


def kebab(value: Any) -> str:
    """A stable name."""
    if not isinstance(value, str) or not KEBAB.fullmatch(value):
        raise ValueError("must be lower-case words joined by hyphens")
    return value


def pattern(value: Any) -> str:
    """A pattern that RE2 takes."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be a pattern")
    try:
        pc.match_substring_regex(pa.array([""]), value)
    except pa.ArrowInvalid as error:
        raise ValueError(f"is no pattern of RE2: {str(error)[:160]}") from error
    return value


def severity(value: Any) -> str:
    """One of the five severities."""
    return str(one_of(SEVERITIES)(value))


def one_of(words: Sequence[str]) -> Taker:
    """One of some words."""

    def take(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return take


def share(value: Any) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("must be a number from 0 to 1")
    return float(value)


def number(value: Any) -> int:
    """A whole number (``0o22`` is one of base 8)."""
    if isinstance(value, str) and re.fullmatch(r"0o[0-7]{1,4}", value):
        return int(value, 8)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def several(take: Taker) -> Taker:
    """A list of such values."""

    def taken(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError("must be a list")
        return tuple(take(item) for item in value)

    return taken


def _matching(form: re.Pattern[str], what: str) -> Taker:
    def take(value: Any) -> str:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise ValueError(f"must be {what}")
        return value

    return take


COMMON: dict[str, Taker] = {
    "id": kebab, "title": text, "severity": severity, "confidence": share, "remedy": text,
    "techniques": several(_matching(TECHNIQUE, "an ATT&CK technique, e.g. T1053.003")),
    "weaknesses": several(_matching(_CWE, "a CWE id, e.g. CWE-732")), "risk_type": one_of(RISK_TYPES),
}  # fmt: skip
"""The keys that checks of every kind may have."""


def load(
    paths: Iterable[Path], schema: Mapping[str, Taker], needed: Iterable[str]
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """The entries of YAML files, each a list of mappings.

    Args:
        paths: files, and folders of ``*.yaml``.
        schema: the keys that an entry may have, and what takes their values.
        needed: the keys that it must have.

    Returns:
        The entries that are well, each also with ``file`` and ``line``, and the problems of the others. Of two entries
        with the same id the later one counts.
    """
    entries: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for file in files(paths):
        seen: dict[str, int] = {}
        for node in _items(file, problems):
            before = len(problems)
            entry = _entry(node, file, schema, problems)
            line = line_of(node)
            problems += [
                Problem(file, line, f"{name} is missing")
                for name in needed
                if name not in entry and before == len(problems)
            ]
            name = entry.get("id", "")
            if name in seen:
                problems.append(Problem(file, line, f"id {name} is already used in line {seen[name]}"))
            seen[name] = line
            if len(problems) == before:
                entries[name] = entry | {"file": file, "line": line}
    return list(entries.values()), problems


def matches(lines: Sequence[str], pattern: str) -> list[int]:
    """The positions of the lines that a pattern of RE2 is found in."""
    if not lines:
        return []
    found = pc.match_substring_regex(pa.array(lines, pa.string()), pattern)
    return [int(at) for at in pc.indices_nonzero(found).to_pylist()]


def _items(file: Path, problems: list[Problem]) -> list[yaml.MappingNode]:
    try:
        node = read(file, MAX_BYTES, MAX_DEPTH, SocTuiError)
    except SocTuiError as error:
        problems.append(Problem(file, error.line or 1, error.message))
        return []
    nodes = node.value if isinstance(node, yaml.SequenceNode) else []
    if node is not None and not isinstance(node, yaml.SequenceNode):
        problems.append(Problem(file, 1, "must be a list of checks"))
    for item in nodes:
        if not isinstance(item, yaml.MappingNode):
            problems.append(Problem(file, line_of(item), "must be a mapping of keys to values"))
    return [item for item in nodes if isinstance(item, yaml.MappingNode)]


def _entry(node: yaml.MappingNode, file: Path, schema: Mapping[str, Taker], problems: list[Problem]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for key, value in node.value:
        line = line_of(key)
        name = str(getattr(key, "value", ""))
        if name not in schema:
            near = difflib.get_close_matches(name, sorted(schema), n=1, cutoff=0.0)[0]
            problems.append(Problem(file, line, f"unknown key {safe(name, limit=60)}; did you mean {near}?"))
        elif name in entry:
            problems.append(Problem(file, line, f"{name} is given twice"))
        else:
            try:
                entry[name] = schema[name](_plain(value))
            except ValueError as error:
                problems.append(Problem(file, line_of(value), f"{name} {error}"))
                entry[name] = None
    return entry


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if not isinstance(node, yaml.ScalarNode):
        raise ValueError("must not be a mapping")
    if node.tag == "tag:yaml.org,2002:str":
        return node.value
    if node.tag == "tag:yaml.org,2002:bool":
        return node.value.lower() in ("true", "yes", "on")
    if node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
        try:
            return yaml.safe_load(node.value)
        except (yaml.YAMLError, ValueError) as error:
            raise ValueError("is no number") from error
    return node.value
