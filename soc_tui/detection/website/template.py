"""The templates of website checks: YAML files that say what is asked for and what in the answer is a finding.

docs/tools/website.md describes the form. A template is data and can do little: a few read-only requests, and conditions
on the answer. Patterns are RE2's, which take linear time whatever the answer holds. One that is damaged is named with
file and line and left out; the others load.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from soc_tui.core.errors import SocTuiError
from soc_tui.core.plain import line_of, read
from soc_tui.core.settings import SEVERITIES
from soc_tui.core.text import safe
from soc_tui.detection.website.asking import METHODS

FOLDER = Path(__file__).parent / "templates"
MARKER = "{marker}"
"""Stands for the scan's inert marker, letters and digits, in paths, headers and patterns."""
ON = ("paths", "start", "unknown", "tls", "cookies")
"""What a template examines: the answers to its own paths, the start page, the answer to a path that does not exist, the
TLS of the site, or the cookies that the start page sets."""
HEADERS = ("origin", "accept", "range")
"""The only headers that a template may add: none that carries a name, a password or a forged address."""
_MAX_BYTES, _MAX_DEPTH, _MAX_PATHS = 256 * 1024, 8, 12


class TemplateError(SocTuiError):
    """A template breaks the schema."""


@dataclass(frozen=True)
class Conditions:
    """Conditions on an answer. As ``match`` all of them must hold, as ``unless`` one of them is enough."""

    status: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    """All are in the body."""
    any: tuple[str, ...] = ()
    """One is in the body."""
    regex: str = ""
    """RE2, found in the body."""
    starts: bytes = b""
    """The body begins with these bytes."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header -> RE2 found in one of its values."""
    missing: tuple[str, ...] = ()
    """Headers that are not there."""
    facts: tuple[str, ...] = ()
    """What the TLS or a cookie is found to be (``on: tls``, ``on: cookies``)."""


@dataclass(frozen=True)
class Template:
    """One check."""

    id: str
    title: str
    severity: str
    confidence: float
    kind: str
    remedy: str
    match: Conditions
    on: str = "paths"
    unless: Conditions = Conditions()
    paths: tuple[str, ...] = ()
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    scheme: str = ""
    """``http`` or ``https``: only for such sites."""
    baseline: bool = True
    """A server that answers a path that does not exist in the same way does not show what the template looks for."""
    techniques: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()


def load(folder: Path = FOLDER) -> tuple[list[Template], list[TemplateError]]:
    """Every template of a folder, the gravest first; and what was left out, with the reason."""
    templates: dict[str, Template] = {}
    problems: list[TemplateError] = []
    for file in sorted(folder.glob("*.yaml")):
        for node in _nodes(file, problems):
            try:
                made = _template(node, file)
                if made.id in templates:
                    raise _wrong(file, node, f"id {made.id} is given twice")
                templates[made.id] = made
            except TemplateError as error:
                problems.append(error)
    return sorted(templates.values(), key=lambda one: (-SEVERITIES.index(one.severity), one.id)), problems


def _nodes(file: Path, problems: list[TemplateError]) -> list[yaml.Node]:
    try:
        if file.is_symlink():
            raise TemplateError("is a link", source=file)
        root = read(file, _MAX_BYTES, _MAX_DEPTH, TemplateError)
    except TemplateError as error:
        problems.append(error)
        return []
    if not isinstance(root, yaml.SequenceNode):
        problems.append(TemplateError("is not a list of templates", source=file, line=1))
        return []
    return list(root.value)


def _wrong(file: Path, node: yaml.Node, words: str) -> TemplateError:
    return TemplateError(words, source=file, line=line_of(node), remedy="see docs/tools/website.md")


_Read = Callable[[yaml.Node, Path], Any]


def _template(node: yaml.Node, file: Path) -> Template:
    values = _mapping(node, file, _FIELDS)
    for name in ("id", "title", "severity", "confidence", "kind", "remedy", "match"):
        if name not in values:
            raise _wrong(file, node, f"{name} is missing")
    made = Template(**values)
    if (made.on == "paths") != bool(made.paths):
        raise _wrong(file, node, "paths belong to `on: paths`, and must be given there")
    if (made.on in {"tls", "cookies"}) != bool(made.match.facts):
        raise _wrong(file, node, "facts belong to `on: tls` and `on: cookies`, and must be given there")
    if made.match == Conditions():
        raise _wrong(file, node, "match holds no condition: every answer would be a finding")
    for word in (*made.match.words, *made.match.any):
        if any(word in path for path in made.paths):
            raise _wrong(file, node, f"{word!r} is in the path: a page that repeats the path would be a finding")
    return made


def _mapping(node: yaml.Node, file: Path, known: Mapping[str, _Read]) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(file, node, "must be a mapping")
    values: dict[str, Any] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name not in known:
            raise _wrong(file, key, f"unknown key {safe(name, limit=60)!r} (known: {', '.join(known)})")
        if name in values:
            raise _wrong(file, key, f"{name} is given twice")
        values[name] = known[name](value, file)
    return values


def _text(pattern: str, like: str) -> _Read:
    compiled = re.compile(pattern)

    def read(node: yaml.Node, file: Path) -> str:
        if not isinstance(node, yaml.ScalarNode) or not compiled.fullmatch(node.value):
            said = safe(getattr(node, "value", ""), limit=60) if isinstance(node, yaml.ScalarNode) else "a collection"
            raise _wrong(file, node, f"{said!r} is not {like}")
        return str(node.value)

    return read


def _list(read: _Read, most: int = 40) -> _Read:
    def each(node: yaml.Node, file: Path) -> tuple[Any, ...]:
        if not isinstance(node, yaml.SequenceNode) or not 1 <= len(node.value) <= most:
            raise _wrong(file, node, f"must be a list of 1 to {most}")
        return tuple(read(one, file) for one in node.value)

    return each


def _as(read: _Read, convert: Callable[[str], Any]) -> _Read:
    return lambda node, file: convert(read(node, file))


def _pattern(node: yaml.Node, file: Path) -> str:
    text = str(_text(r"(?s).{1,1000}", "a pattern")(node, file))
    try:
        found(text, b"")
    except pa.ArrowInvalid as error:
        raise _wrong(file, node, f"is no RE2 pattern: {safe(error, limit=200)}") from error
    return text


def _pairs(names: str, read: _Read) -> _Read:
    def each(node: yaml.Node, file: Path) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise _wrong(file, node, "must be a mapping of headers")
        return {_text(names, f"a header like {names}")(key, file): read(value, file) for key, value in node.value}

    return each


@cache
def _compiled(pattern: str) -> str:
    """The pattern as the one named group that pyarrow wants."""
    return f"(?P<found>{pattern})"


def found(pattern: str, data: bytes) -> bytes | None:
    """The first place where an RE2 pattern is found, in time linear in the data; groups must be ``(?:...)``.

    Raises:
        pa.ArrowInvalid: it is no pattern of RE2's.
    """
    row = pc.extract_regex(pa.array([data], pa.binary()), pattern=_compiled(pattern))[0].as_py()
    return None if row is None else bytes(row["found"])


_WORD = _text(r"(?s).{1,200}", "a text")
_NAME = _text(r"[a-z0-9]+(-[a-z0-9]+)*", "a name like git-repository")
_CONDITIONS: dict[str, _Read] = {
    "status": _list(_as(_text(r"[1-5]\d\d", "a status"), int)),
    "words": _list(_WORD),
    "any": _list(_WORD),
    "regex": _pattern,
    "starts": _as(_text(r"([0-9a-f]{2}){1,32}", "bytes in hex"), bytes.fromhex),
    "headers": _pairs(r"[a-z0-9-]+", _pattern),
    "missing": _list(_text(r"[a-z0-9-]+", "a header in lower case")),
    "facts": _list(_NAME),
}


def _conditions(node: yaml.Node, file: Path) -> Conditions:
    return Conditions(**_mapping(node, file, _CONDITIONS))


_FIELDS: dict[str, _Read] = {
    "id": _NAME,
    "title": _text(r".{3,100}", "a title"),
    "severity": _text("|".join(SEVERITIES), f"one of {', '.join(SEVERITIES)}"),
    "confidence": _as(_text(r"0\.\d{1,2}|1\.0", "a number from 0.0 to 1.0"), float),
    "kind": _text("vulnerability|compliance", "vulnerability or compliance"),
    "remedy": _text(r"(?s).{10,400}", "a sentence"),
    "on": _text("|".join(ON), f"one of {', '.join(ON)}"),
    "paths": _list(_text(r"/[!-~]{0,300}", "a path that begins with /"), _MAX_PATHS),
    "method": _text("|".join(METHODS), f"one of {', '.join(METHODS)}"),
    "headers": _pairs("|".join(HEADERS), _text(r"[ -~]{1,200}", "a header's value")),
    "scheme": _text("https?", "http or https"),
    "baseline": _as(_text("true|false", "true or false"), lambda text: text == "true"),
    "techniques": _list(_text(r"T\d{4}(\.\d{3})?", "an ATT&CK technique")),
    "weaknesses": _list(_text(r"CWE-\d+", "a CWE")),
    "match": _conditions,
    "unless": _conditions,
}
