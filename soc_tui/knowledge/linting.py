"""Knowledge is checked like code: every mistake in an entry is named with its file and line.

Reads YAML at the level of nodes, which know their lines (:mod:`soc_tui.core.plain`), and refuses tags and duplicate
keys.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import yaml

from soc_tui.core.errors import KnowledgeError
from soc_tui.core.plain import KEBAB, TECHNIQUE, Problem, files, line_of, read
from soc_tui.core.severity import Severity
from soc_tui.core.text import safe
from soc_tui.core.types import ALERT_TYPES
from soc_tui.knowledge.entry import MATCH_KEYS, MODES, PLACEHOLDERS, SECTIONS, TARGETS, reference_url

MAX_BYTES = 256 * 1024
MAX_DEPTH = 8  # an entry has 4; 5,000 nested brackets would keep the parser busy for seven seconds
ACTIONS = (
    "block-ip", "block-range", "sinkhole-domain", "quarantine-file", "restore-file", "page-offline", "lock-account",
    "revoke-key", "kill-process", "disable-unit",
)  # fmt: skip
"""The names of response actions, here because knowledge lies below response."""

_STRING, _MAP, _LIST = "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"


class _Report:
    """Collects the problems of one file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.problems: list[Problem] = []

    def add(self, where: yaml.Node | int, message: str) -> None:
        line = where if isinstance(where, int) else line_of(where)
        self.problems.append(Problem(self._file, line, message))


_Check = Callable[[yaml.Node, str, _Report], None]


def lint(paths: Iterable[Path]) -> list[Problem]:
    """Every problem of the entries in ``paths`` (files, or folders of ``*.yaml``), by file and line.

    The same id or slug in two of the files is a problem of the second.
    """
    problems: list[Problem] = []
    seen: dict[tuple[str, str], Path] = {}
    for path in files(paths):
        report = _Report(path)
        node = _compose(path, report)
        if node is not None:
            _check_entry(node, path, report)
            for key in ("id", "slug"):
                value = _child(node, key)
                if isinstance(value, yaml.ScalarNode):
                    first = seen.setdefault((key, value.value), path)
                    if first != path:
                        report.add(value, f"{key} {safe(value.value)} is already used by {first.name}")
        problems += sorted(report.problems)
    return problems


def _compose(path: Path, report: _Report) -> yaml.MappingNode | None:
    try:
        node = read(path, MAX_BYTES, MAX_DEPTH, KnowledgeError)
    except KnowledgeError as error:
        report.add(error.line or 1, error.message)
        return None
    if isinstance(node, yaml.MappingNode):
        return node
    report.add(1, "is empty" if node is None else "is not a mapping of keys to values")
    return None


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
        for name, value in pairs:
            if isinstance(name, yaml.ScalarNode) and name.value == key:
                return value
    return None


def _check_entry(node: yaml.MappingNode, path: Path, report: _Report) -> None:
    _check_map(node, "", report, _ENTRY, optional=frozenset())
    slug = _child(node, "slug")
    if isinstance(slug, yaml.ScalarNode) and slug.value != path.stem:
        report.add(slug, f"slug must be the file's name, {path.stem}")
    matches = _child(node, "matches")
    words = [item for key in MATCH_KEYS if isinstance(item := _child(matches, key), yaml.SequenceNode) and item.value]
    if isinstance(matches, yaml.MappingNode) and not words:
        report.add(matches, "matches names nothing: no alert would ever find this entry")
    for detector in getattr(_child(matches, "keyword_detectors"), "value", ()):
        if not getattr(_child(matches, "keywords"), "value", ()):
            report.add(detector, "keyword_detectors need keywords")
            break


def _check_map(
    node: yaml.Node, at: str, report: _Report, schema: Mapping[str, _Check], *, optional: frozenset[str]
) -> None:
    if not isinstance(node, yaml.MappingNode) or node.tag != _MAP:
        report.add(node, f"{at or 'the entry'} must be a mapping")
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        where = f"{at}.{name}" if at else name
        if name in seen:
            report.add(key, f"{where} is given twice")
        elif name not in schema:
            near = difflib.get_close_matches(name, list(schema), n=1, cutoff=0.0)[0]
            report.add(key, f"unknown key {safe(where, limit=60)!r}; the nearest known one is {near!r}")
        else:
            schema[name](value, where, report)
        seen.add(name)
    for name in schema:
        if name not in seen and name not in optional:
            report.add(node, f"{f'{at}.' if at else ''}{name} is missing")


def _text(node: yaml.Node, at: str, report: _Report) -> None:
    if not isinstance(node, yaml.ScalarNode) or node.tag != _STRING:
        report.add(node, f"{at} must be text (put it in quotes)")
    elif not node.value.strip():
        report.add(node, f"{at} is empty")
    else:
        for word in re.findall(r"\{([a-z_]+)\}", node.value):
            if word not in PLACEHOLDERS:
                near = difflib.get_close_matches(word, PLACEHOLDERS, n=1, cutoff=0.0)[0]
                report.add(node, f"{at}: unknown placeholder {{{word}}}; the nearest known one is {{{near}}}")
        if safe(node.value, multiline=True) != node.value:
            report.add(node, f"{at} holds control or invisible characters")


def _pattern(pattern: re.Pattern[str], like: str) -> _Check:
    def check(node: yaml.Node, at: str, report: _Report) -> None:
        before = len(report.problems)
        _text(node, at, report)
        if len(report.problems) == before and not pattern.fullmatch(node.value):
            report.add(node, f"{at} {safe(node.value, limit=60)!r} must look like {like}")

    return check


def _one_of(words: Iterable[str]) -> _Check:
    known = list(words)

    def check(node: yaml.Node, at: str, report: _Report) -> None:
        before = len(report.problems)
        _text(node, at, report)
        if len(report.problems) == before and node.value not in known:
            near = difflib.get_close_matches(node.value, known, n=1, cutoff=0.0)[0]
            said = safe(node.value, limit=60)
            report.add(node, f"{at} {said!r} is unknown; the nearest is {near!r} (known: {', '.join(known)})")

    return check


def _list_of(check: _Check, *, empty: bool = False) -> _Check:
    def each(node: yaml.Node, at: str, report: _Report) -> None:
        if not isinstance(node, yaml.SequenceNode) or node.tag != _LIST:
            report.add(node, f"{at} must be a list")
            return
        if not node.value and not empty:
            report.add(node, f"{at} is empty")
        for number, item in enumerate(node.value):
            check(item, f"{at}[{number}]", report)

    return each


def _map_of(schema: Mapping[str, _Check], optional: Iterable[str] = ()) -> _Check:
    left_out = frozenset(optional)

    def check(node: yaml.Node, at: str, report: _Report) -> None:
        _check_map(node, at, report, schema, optional=left_out)

    return check


def _severity(node: yaml.Node, at: str, report: _Report) -> None:
    _one_of(member.word for member in Severity)(node, at, report)


def _params(node: yaml.Node, at: str, report: _Report) -> None:
    if not isinstance(node, yaml.MappingNode) or any(not isinstance(v, yaml.ScalarNode) for _, v in node.value):
        report.add(node, f"{at} must be a mapping of names to plain values")


def _step(node: yaml.Node, at: str, report: _Report) -> None:
    _map_of(_STEP, ("action", "target", "params"))(node, at, report)
    mode, action, target = (getattr(_child(node, key), "value", "") for key in ("mode", "action", "target"))
    if mode == "manual" and action:
        report.add(node, f"{at}: a manual step has no action")
    if mode in {"automatic", "one-key"} and not (action and target):
        report.add(node, f"{at}: a step of mode {mode} needs an action and a target")


def _reference(node: yaml.Node, at: str, report: _Report) -> None:
    _map_of({"id": _text, "name": _text, "url": _URL}, ("url",))(node, at, report)
    identifier = _child(node, "id")
    if isinstance(identifier, yaml.ScalarNode) and not reference_url(identifier.value) and not _child(node, "url"):
        report.add(identifier, f"{at}.id is neither ATT&CK, CWE, CAPEC, CVE nor RFC, so it needs a url")


_URL = _pattern(re.compile(r"https://\S+"), "https://example.org/page")
TECHNIQUES = _list_of(_pattern(TECHNIQUE, "T1110 or T1110.001"), empty=True)
_NAMES = _list_of(_pattern(KEBAB, "ssh-brute-force"), empty=True)
_STEP: dict[str, _Check] = {
    "mode": _one_of(MODES),
    "action": _one_of(ACTIONS),
    "target": _one_of(TARGETS),
    "params": _params,
    "text": _text,
}
_ENTRY: dict[str, _Check] = {
    "id": _pattern(re.compile(r"K-\d{4}"), "K-0001"),
    "slug": _pattern(KEBAB, "ssh-brute-force"),
    "title": _text,
    "risk_type": _one_of(ALERT_TYPES),
    "severity": _severity,
    "summary": _text,
    "matches": _map_of(
        {
            "detectors": _NAMES,
            "keyword_detectors": _NAMES,
            "techniques": TECHNIQUES,
            "keywords": _list_of(_text, empty=True),
        },
        MATCH_KEYS,
    ),
    **{name: _list_of(_text) for name in SECTIONS},
    "plan": _list_of(_step),
    "techniques": TECHNIQUES,
    "references": _list_of(_reference),
    "source": _text,
    "licence": _text,
}
