"""YARA-X rules: ours and the user's, compiled so that a damaged file costs nothing but itself.

A user's rules are data of unknown quality. Each file is compiled apart under its own namespace, with ``include`` off
and without the modules that wait for another program's report; a damaged rule is named with file and line, and the
rest of its file still loads. Scanning is bounded: a scan that takes longer than its limit ends, files whose rules
hold slow patterns scan apart from the others, and a group that runs over its limit again and again is switched off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from soc_tui.core.errors import SocTuiError
from soc_tui.detection.files.lines import SPANS, Span
from soc_tui.detection.files.walking import File, Limits, Note, walk
from soc_tui.detection.tools import Watch

OURS = Path(__file__).with_name("rules")
"""The folder of the rules that ship."""
RULE_BYTES = 8 * 1024 * 1024
"""A larger file of rules is refused."""
SCAN_SECONDS = 10
"""How long a group of rules may look at one file."""
TIMEOUTS = 3
"""A group that ran over its limit so often is switched off for the rest of the scan."""
_MATCHES = 64
_EXTERNALS = ("filename", "filepath", "extension", "filetype", "owner")
"""Variables that rules for LOKI and THOR expect; ours to fill or to leave empty."""
_WAITING_MODULES = ("cuckoo", "vt")
"""Modules that know only what another program has told them."""
_REQUIRED = ("author", "description", "reference", "severity", "confidence", "techniques", "tool", "licence")
_SEVERITIES = ("info", "low", "medium", "high", "critical")
_TOOLS = ("trojan", "malicious-file")
_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")
_SLOW = ("slow_pattern", "potentially_slow_loop")


class RuleError(SocTuiError):
    """A YARA rule cannot be compiled, or breaks our form."""


class RuleMatch(NamedTuple):
    """One rule that matched a file."""

    rule: str
    namespace: str
    """The file of rules by name; empty for ours."""
    tags: tuple[str, ...]
    meta: dict[str, Any]
    spans: list[Span]
    """Where its strings matched, in order; empty for a rule without strings."""

    @property
    def ours(self) -> bool:
        """True for a rule that ships."""
        return not self.namespace


@dataclass
class _Group:
    """Rules that scan together."""

    name: str
    rules: Any
    scanner: Any = None
    externals: bool = False
    timeouts: int = 0


@dataclass
class Rulebook:
    """Compiled rules. One object serves one thread.

    Args:
        paths: files and folders of the user's rules.
    """

    paths: Sequence[str] = ()
    problems: list[RuleError] = field(default_factory=list)
    """Rules and files that were not loaded, and slow patterns, each with file and line."""

    rules: int = 0
    """How many rules were loaded."""

    def __post_init__(self) -> None:
        self._key = seen_key(self.paths)
        self._groups = [_Group("the rules that ship", _ours())]
        self._groups += self._theirs()
        self.rules = sum(1 for group in self._groups for _ in group.rules)

    def matches(self, file: File, note: Note) -> list[RuleMatch]:
        """The rules that match a file, ours first; what could not be finished in time is a note."""
        found = [one for group in self._groups for one in self._scan(group, file, note)]
        file.seen[self._key] = found
        return found

    def _scan(self, group: _Group, file: File, note: Note) -> list[RuleMatch]:
        import yara_x

        if group.timeouts >= TIMEOUTS:
            return []
        if group.scanner is None:
            group.scanner = yara_x.Scanner(group.rules)
            group.scanner.set_timeout(SCAN_SECONDS)
            group.scanner.max_matches_per_pattern(_MATCHES)
        if group.externals:
            name = file.below.rpartition("/")[2]
            group.scanner.set_global("filename", name)
            group.scanner.set_global("filepath", file.shown)
            group.scanner.set_global("extension", file.suffix)
        try:
            found = group.scanner.scan(file.content)
        except yara_x.TimeoutError:
            group.timeouts += 1
            last = ", and are not used any more" if group.timeouts == TIMEOUTS else ""
            note(f"{file.shown}: {group.name} did not finish within {SCAN_SECONDS} seconds{last}")
            return []
        except yara_x.ScanError as error:
            note(f"{file.shown}: {group.name} cannot look at it: {error}")
            return []
        return [_match(rule) for rule in found.matching_rules]

    def _theirs(self) -> list[_Group]:
        quick, slow = _compiler(), _compiler()
        used = {False: False, True: False}
        for path, text in rule_files(self.paths, self._unread):
            heavy = self._checked(path, text)
            if heavy is None:
                continue
            made = slow if heavy else quick
            made.new_namespace(path)
            self._add(made, path, text)
            used[heavy] = True
        groups = [
            _Group("the rules of your own", quick.build(), externals=True) if used[False] else None,
            _Group("the rules of your own with slow patterns", slow.build(), externals=True) if used[True] else None,
        ]
        kept = [group for group in groups if group is not None]
        return kept

    def _checked(self, path: str, text: str) -> bool | None:
        """Compile one file alone: True when its patterns are slow, None when nothing of it can be used."""
        made = _compiler()
        usable = self._add(made, path, text)
        self.problems += _told(made.errors(), path)
        warned = [one for one in made.warnings() if one.get("code") in _SLOW]
        self.problems += _told(warned, path)
        if not usable:
            return None
        return bool(warned) if any(True for _ in made.build()) else None

    def _unread(self, path: str, why: str) -> None:
        self.problems.append(RuleError(why, source=path, remedy="the other files of rules are used"))

    @staticmethod
    def _add(made: Any, path: str, text: str) -> bool:
        import yara_x

        try:
            made.add_source(text, origin=path)
        except (yara_x.CompileError, ValueError):
            return False
        return True


def seen_key(paths: Sequence[str]) -> tuple[str, ...]:
    """Under which name :attr:`File.seen` keeps the matches, for another tool with the same rules."""
    return ("yara", *paths)


@cache
def _ours() -> Any:
    """The rules that ship, compiled once for all threads: only scanners are one thread's."""
    made = _compiler()
    for path in sorted(OURS.glob("*.yar")):
        made.add_source(path.read_text(encoding="utf-8"), origin=str(path))
    return made.build()


def rule_files(paths: Iterable[str], unread: Any) -> list[tuple[str, str]]:
    """The texts of files of rules, in folders of ``.yar`` and ``.yara``; ``unread`` takes what cannot be read."""
    found: list[tuple[str, str]] = []
    for path in paths:
        watch = Watch(note=lambda text, path=path: unread(path, text))  # type: ignore[misc]
        try:
            for file in walk(path, Limits(file_bytes=RULE_BYTES), watch):
                if file.path != path and file.suffix not in {".yar", ".yara"}:
                    continue
                try:
                    found.append((file.path, file.content.decode("utf-8")))
                except UnicodeDecodeError as error:
                    line = file.content.count(b"\n", 0, error.start) + 1
                    unread(file.path, f"line {line} is not UTF-8")
        except SocTuiError as error:
            unread(path, error.message)
    return found


def lint_rules(paths: Iterable[str]) -> list[RuleError]:
    """Every problem of files and folders of rules: what does not compile, slow patterns, and ``meta`` not in our form.

    The files of one folder are read in the order of their names and may use each other's rules, as those that ship do.
    """
    problems: list[RuleError] = []

    def unread(path: str, why: str) -> None:
        problems.append(RuleError(why, source=path))

    for folder in paths:
        made, texts = _compiler(), rule_files([folder], unread)
        for path, text in texts:
            before = len(made.errors()), len(made.warnings())
            Rulebook._add(made, path, text)
            problems += _told([*made.errors()[before[0] :], *made.warnings()[before[1] :]], path)
        for rule in made.build():
            problems += _form(str(rule.identifier), dict(rule.metadata), texts)
    return problems


def _form(name: str, meta: dict[str, Any], texts: list[tuple[str, str]]) -> list[RuleError]:
    """What is wrong with one rule's ``meta``; private rules say nothing to anybody and need none."""
    heads = re.compile(rf"^\s*((?:private\s+|global\s+)*)rule\s+{re.escape(name)}\b", re.M)
    path, text, found = next((path, text, head) for path, text in texts if (head := heads.search(text)))
    if "private" in found[1]:
        return []
    said = [f"rule {name} has no meta {key!r}" for key in _REQUIRED if not meta.get(key)]
    if meta.get("severity") and meta["severity"] not in _SEVERITIES:
        said.append(f"rule {name}: severity must be one of {', '.join(_SEVERITIES)}")
    if meta.get("tool") and meta["tool"] not in _TOOLS:
        said.append(f"rule {name}: tool must be one of {', '.join(_TOOLS)}")
    bad = [word for word in str(meta.get("techniques", "")).split() if not _TECHNIQUE.fullmatch(word)]
    said += [f"rule {name}: {word!r} is no ATT&CK technique" for word in bad]
    if _number(meta.get("confidence", 0)) is None:
        said.append(f"rule {name}: confidence must be a number from 0 to 1")
    line = text.count("\n", 0, found.end()) + 1
    return [RuleError(why, source=path, line=line) for why in said]


def _compiler() -> Any:
    import yara_x

    made = yara_x.Compiler(includes_enabled=False)
    made.ignore_invalid_rules(True)
    for module in _WAITING_MODULES:
        made.ignore_module(module)
    for name in _EXTERNALS:
        made.define_global(name, "")
    return made


def _told(said: Iterable[dict[str, Any]], path: str) -> list[RuleError]:
    return [RuleError(str(one["title"]), source=path, line=int(one.get("line") or 1)) for one in said]


def _match(rule: Any) -> RuleMatch:
    spans = sorted((m.offset, m.offset + m.length) for p in rule.patterns for m in p.matches)[: 4 * SPANS]
    space = str(rule.namespace)
    return RuleMatch(
        str(rule.identifier), "" if space == "default" else space, tuple(rule.tags), dict(rule.metadata), spans
    )


def severity_of(meta: dict[str, Any]) -> str:
    """``severity``, else what a ``score`` from 0 to 100 (as THOR and LOKI use it) means, else medium."""
    said = str(meta.get("severity", "")).lower()
    if said in _SEVERITIES:
        return said
    score = _number(meta.get("score"), 100)
    if score is None:
        return "medium"
    return "critical" if score >= 0.9 else "high" if score >= 0.7 else "medium" if score >= 0.4 else "low"


def confidence_of(meta: dict[str, Any]) -> float:
    """``confidence`` from 0 to 1, else ``score`` from 0 to 100, else 0.6: rules of others are of unknown quality."""
    known = _number(meta.get("confidence"))
    known = _number(meta.get("score"), 100) if known is None else known
    return 0.6 if known is None else known


def techniques_of(meta: dict[str, Any]) -> tuple[str, ...]:
    """The ATT&CK techniques that any value of ``meta`` about them names, in order."""
    keys = ("techniques", "technique", "mitre_att", "mitre_attack", "attack", "mitre")
    text = " ".join(str(meta[key]) for key in keys if key in meta)
    return tuple(dict.fromkeys(match[0] for match in _TECHNIQUE.finditer(text)))


def _number(value: object, scale: float = 1) -> float | None:
    try:
        number = float(str(value)) / scale
    except ValueError:
        return None
    return number if 0 <= number <= 1 else None
