"""The checks: what is asked, and which answers are findings, as data in ``checks/*.yaml``.

Every mistake in such a file is named with its file and line, and what a file may ask is limited here to statements that
only read: a file of checks cannot make this tool change anything.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from soc_tui.core import plain
from soc_tui.core.errors import SocTuiError
from soc_tui.core.settings import SEVERITIES
from soc_tui.detection.database.session import Row

CHECKS = Path(__file__).parent / "checks"
SERVICES = ("postgresql", "mysql", "redis", "mongodb")
REMEDY = "see docs/tools/database.md"
KINDS = ("vulnerability", "compliance", "detection")
MOST_DEFAULTS = 4
"""Documented default accounts of one service that may be tried: a handful, never a dictionary."""
MOST_PER_ACCOUNT = 2
"""... and passwords of one account: servers that lock accounts begin at three."""
MAX_BYTES, MAX_DEPTH = 256 * 1024, 10

_READING = {
    "postgresql": re.compile(r"SELECT\b(?!.*\bINTO\b)[^;]*", re.IGNORECASE),
    "mysql": re.compile(r"(?:SELECT|SHOW)\b(?!.*\bINTO\b)[^;]*", re.IGNORECASE),
    "redis": re.compile(r"(?:CONFIG GET [\w.-]+|INFO( \w+)?|ACL LIST|COMMAND INFO( \w+)+)"),
    "mongodb": re.compile(r'\{"(?:getCmdLineOpts|getParameter|connectionStatus|buildInfo|hello)": 1[^{}]*\}'),
}
"""What a question may look like, whole: it reads and nothing else."""
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_REQUIRED = {"id", "title", "when", "severity", "cwe", "remedy"}
_CHECK_KEYS = _REQUIRED | {"unless", "exposed", "kind", "confidence", "techniques"}


class CheckError(SocTuiError):
    """A file of checks breaks its schema."""


@dataclass(frozen=True)
class Condition:
    """What one column must be."""

    column: str
    words: tuple[str, ...] = ()
    """One of these, in any case (``column: word`` or ``column: [words]``)."""
    unlike: tuple[str, ...] = ()
    """None of these (``column: {not: [words]}``)."""
    pattern: re.Pattern[str] | None = None
    """A part of it matches (``column: {matches: pattern}``)."""
    net: str = ""
    """An address: ``loopback``, ``elsewhere`` or ``web`` (of an owned website): ``column: {net: web}``."""

    def holds(self, row: Row, web: frozenset[str]) -> bool:
        """Whether a row has the column so."""
        if self.column not in row:
            return False
        value = row[self.column]
        if self.net:
            return _net(value, self.net, web)
        if self.pattern:
            return bool(self.pattern.search(value[:4000]))
        lower = value.strip().lower()
        return lower not in self.unlike if self.unlike else lower in self.words


@dataclass(frozen=True)
class Term:
    """A row of a read that has several columns so."""

    read: str
    conditions: tuple[Condition, ...]

    def rows(self, answers: Mapping[str, Sequence[Row]], web: frozenset[str]) -> list[Row]:
        """Those rows."""
        return [r for r in answers.get(self.read, ()) if all(c.holds(r, web) for c in self.conditions)]


@dataclass(frozen=True)
class Check:
    """One thing that should not be so."""

    id: str
    title: str
    when: tuple[Term, ...]
    """Every one must have a row."""
    unless: tuple[Term, ...]
    """None may have a row."""
    severity: str
    exposed: str
    """The severity where others than this machine reach the service."""
    kind: str
    confidence: float
    cwe: tuple[str, ...]
    techniques: tuple[str, ...]
    remedy: str

    def evidence(self, answers: Mapping[str, Sequence[Row]], web: frozenset[str]) -> list[tuple[str, Row]]:
        """The rows that show it, each with the name of its read; empty: it is not so."""
        if any(term.rows(answers, web) for term in self.unless):
            return []
        found: list[tuple[str, Row]] = []
        for term in self.when:
            rows = term.rows(answers, web)
            if not rows:
                return []
            found += [(term.read, row) for row in rows]
        return found


@dataclass(frozen=True)
class Default:
    """A documented default account."""

    user: str
    password: str
    source: str
    anonymous: bool = False


@dataclass(frozen=True)
class ServiceChecks:
    """A file: what is tried, asked and judged of one service."""

    service: str
    defaults: tuple[Default, ...]
    reads: Mapping[str, tuple[str, ...]]
    """Questions by the name of the read."""
    checks: tuple[Check, ...]


@cache
def service_checks(service: str) -> ServiceChecks:
    """The packaged checks of a service."""
    return read_checks(CHECKS / f"{service}.yaml")


def read_checks(path: Path) -> ServiceChecks:
    """A file of checks.

    Raises:
        CheckError: it breaks the schema; names file and line.
    """
    return _Reader(path).service()


def read_mapping(path: Path) -> tuple[Any, yaml.Node]:
    """The content of a YAML file of ours and its nodes, which know their lines.

    Raises:
        CheckError: it cannot be read, is too long, is no YAML, or more than plain data.
    """
    node = plain.read(path, MAX_BYTES, MAX_DEPTH, CheckError)
    if not isinstance(node, yaml.MappingNode):
        raise CheckError("is no mapping", source=path, line=1)
    _refuse_repeated(node, path)
    return plain.content(node, path, CheckError), node


def _refuse_repeated(root: yaml.Node, path: Path) -> None:
    waiting = [root]
    while waiting:
        seen: set[str] = set()
        for key, value, line in _children(waiting.pop()):
            if key in seen:
                raise CheckError(f"{key} is given twice", source=path, line=line)
            seen.add(key)
            waiting.append(value)


class _Reader:
    """Reads one file; every complaint knows its line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data, self._node = read_mapping(path)

    def service(self) -> ServiceChecks:
        data = self._data
        self._keys(data, {"service", "defaults", "reads", "checks"}, {"service", "reads", "checks"}, ())
        service = data["service"]
        if service not in SERVICES:
            raise self._error(f"service must be one of {', '.join(SERVICES)}", "service")
        reads = self._reads(service)
        checks = tuple(self._check(item, reads, number) for number, item in enumerate(self._list("checks")))
        for number, check in enumerate(checks):
            if check.id in {other.id for other in checks[:number]}:
                raise self._error(f"id {check.id} is given twice", "checks", number, "id")
        return ServiceChecks(service, self._defaults(), reads, checks)

    def _reads(self, service: str) -> dict[str, tuple[str, ...]]:
        reads: dict[str, tuple[str, ...]] = {}
        if not isinstance(self._data["reads"], dict):
            raise self._error("reads must be a mapping", "reads")
        for name, value in self._data["reads"].items():
            questions = [value] if isinstance(value, str) else value
            if not isinstance(questions, list) or not questions or not all(isinstance(q, str) for q in questions):
                raise self._error(f"reads.{name} must be a question or a list of them", "reads", name)
            for number, question in enumerate(questions):
                where = ("reads", name) if isinstance(value, str) else ("reads", name, number)
                if not _READING[service].fullmatch(question.strip()) or not question.isprintable():
                    raise self._error(f"reads.{name} does more than read, or cannot be told not to", *where)
                if service == "mongodb":
                    self._json(question, where)
            reads[str(name)] = tuple(q.strip() for q in questions)
        return reads

    def _json(self, question: str, where: tuple[str | int, ...]) -> None:
        try:
            json.loads(question)
        except ValueError:
            raise self._error("is no JSON", *where) from None

    def _defaults(self) -> tuple[Default, ...]:
        items = self._list("defaults") if "defaults" in self._data else []
        found = []
        for number, item in enumerate(items):
            where = ("defaults", number)
            if not isinstance(item, dict):
                raise self._error("a default must be a mapping", *where)
            self._keys(item, {"user", "password", "source", "anonymous"}, {"source"}, where)
            user, password = item.get("user", ""), item.get("password", "")
            if not isinstance(user, str) or not isinstance(password, str):
                raise self._error("user and password must be text", *where)
            found.append(Default(user, password, str(item["source"]), item.get("anonymous") is True))
        if sum(not one.anonymous for one in found) > MOST_DEFAULTS:
            raise self._error(f"more than {MOST_DEFAULTS} default accounts would be a dictionary", "defaults")
        for number, one in enumerate(found):
            if sum(one.user == other.user for other in found[: number + 1] if not other.anonymous) > MOST_PER_ACCOUNT:
                raise self._error(f"more than {MOST_PER_ACCOUNT} passwords could lock {one.user}", "defaults", number)
        return tuple(found)

    def _check(self, item: Any, reads: Mapping[str, Any], number: int) -> Check:
        where = ("checks", number)
        if not isinstance(item, dict):
            raise self._error("a check must be a mapping", *where)
        self._keys(item, _CHECK_KEYS, _REQUIRED, where)
        if not isinstance(item["id"], str) or not _ID.fullmatch(item["id"]):
            raise self._error("id must be lower-case words joined by hyphens", *where, "id")
        for key in ("severity", "exposed"):
            if key in item and item[key] not in SEVERITIES:
                raise self._error(f"{key} must be one of {', '.join(SEVERITIES)}", *where, key)
        if item.get("kind", "compliance") not in KINDS:
            raise self._error(f"kind must be one of {', '.join(KINDS)}", *where, "kind")
        confidence = item.get("confidence", 0.9)
        if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence <= 1:
            raise self._error("confidence must be above 0 and at most 1", *where, "confidence")
        return Check(
            item["id"], str(item["title"]), self._terms(item, "when", reads, where),
            self._terms(item, "unless", reads, where), item["severity"], item.get("exposed") or item["severity"],
            item.get("kind", "compliance"), float(confidence), self._ids(item, "cwe", r"CWE-\d+", where),
            self._ids(item, "techniques", r"T\d{4}(\.\d{3})?", where), " ".join(str(item["remedy"]).split()),
        )  # fmt: skip

    def _ids(self, item: Mapping[str, Any], key: str, like: str, where: tuple[str | int, ...]) -> tuple[str, ...]:
        values = item.get(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) and re.fullmatch(like, v) for v in values):
            raise self._error(f"{key} must be a list of ids", *where, key)
        return tuple(values)

    def _terms(
        self, item: Mapping[str, Any], key: str, reads: Mapping[str, Any], where: tuple[str | int, ...]
    ) -> tuple[Term, ...]:
        values = item.get(key, [])
        if not isinstance(values, list) or (key == "when" and not values):
            raise self._error(f"{key} must be a list of rows", *where, key)
        terms = []
        for number, value in enumerate(values):
            at = (*where, key, number)
            if not isinstance(value, dict) or len(value) < 2:
                raise self._error(f"a row of {key} needs read and a column", *at)
            if value.get("read") not in {*reads, "link"}:
                raise self._error(f"unknown read {str(value.get('read'))[:60]!r}", *at)
            conditions = (self._condition(str(n), v, (*at, n)) for n, v in value.items() if n != "read")
            terms.append(Term(value["read"], tuple(conditions)))
        return tuple(terms)

    def _condition(self, column: str, value: Any, where: tuple[str | int, ...]) -> Condition:
        if isinstance(value, str):
            return Condition(column, words=(value.lower(),))
        if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
            return Condition(column, words=tuple(v.lower() for v in value))
        if isinstance(value, dict) and len(value) == 1:
            ((how, what),) = value.items()
            if how == "not" and isinstance(what, list) and what and all(isinstance(v, str) for v in what):
                return Condition(column, unlike=tuple(v.lower() for v in what))
            if how == "net" and what in {"loopback", "elsewhere", "web"}:
                return Condition(column, net=what)
            if how == "matches" and isinstance(what, str):
                try:
                    return Condition(column, pattern=re.compile(what, re.IGNORECASE))
                except re.error as error:
                    raise self._error(f"{column}: no pattern: {error}", *where) from None
        raise self._error(f"{column} must be text, a list of texts, or one of not, matches and net", *where)

    def _list(self, key: str) -> list[Any]:
        value = self._data[key]
        if not isinstance(value, list) or not value:
            raise self._error(f"{key} must be a list", key)
        return value

    def _keys(self, item: Mapping[Any, Any], known: set[str], required: set[str], where: tuple[str | int, ...]) -> None:
        for key in item:
            if key not in known:
                raise self._error(f"unknown key {str(key)[:60]!r}; known are {', '.join(sorted(known))}", *where, key)
        for key in sorted(required):
            if item.get(key) in (None, "", {}):
                raise self._error(f"{key} is missing", *where)

    def _error(self, message: str, *where: Any) -> CheckError:
        return CheckError(message, source=self._path, line=line_of(self._node, where), remedy=REMEDY)


def line_of(node: yaml.Node, where: Sequence[Any]) -> int:
    """The line (from 1) of what lies at a path of keys and numbers, or of the last part of it that exists."""
    line = plain.line_of(node)
    for step in where:
        for key, value, number in _children(node):
            if key == str(step):
                node, line = value, number
                break
        else:
            return line
    return line


def _children(node: yaml.Node) -> Iterator[tuple[str, yaml.Node, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value, plain.line_of(key)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield str(number), value, plain.line_of(value)


def _net(value: str, net: str, web: frozenset[str]) -> bool:
    try:
        address = ipaddress.ip_address(value.split("%", maxsplit=1)[0].strip("[]"))
    except ValueError:
        return False  # a socket, or "localhost"
    address = getattr(address, "ipv4_mapped", None) or address
    if net == "web":
        return str(address) in web
    return address.is_loopback == (net == "loopback")
