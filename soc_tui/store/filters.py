"""The one filter language of console and command line.

``severity:>=high src:10.0.0.0/8 risk:web-attack state:open after:-2h "free text" -host:web1``: terms are joined by
*and*, ``-`` negates a term, ``a,b`` means either, ``*`` matches anything, a bare word searches the text columns.
Parsing needs no database, so a console can show an error while the analyst types; :func:`compile_filter` gives SQL
with parameters only.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from soc_tui.core.errors import FilterError, UsageError
from soc_tui.core.severity import Severity


@dataclass(frozen=True)
class Term:
    """One condition."""

    field: str
    """A field's name; empty for free text."""
    op: str
    """``=``, ``>``, ``>=``, ``<`` or ``<=``."""
    value: str
    negated: bool
    position: int
    """Where the term starts in the expression, from 0."""


@dataclass(frozen=True)
class Scope:
    """What one table lets a filter speak of: field -> (kind, columns), and the columns of free text."""

    fields: dict[str, tuple[str, tuple[str, ...]]]
    text: tuple[str, ...]


_COMMON = {
    "severity": ("severity", ("severity",)),
    "src": ("address", ("src_ip",)),
    "dst": ("address", ("dst_ip",)),
    "ip": ("address", ("src_ip", "dst_ip")),
    "host": ("text", ("host",)),
    "user": ("text", ("user_name",)),
    "after": ("after", ("time",)),
    "before": ("before", ("time",)),
    "port": ("number", ("dst_port",)),
}
SCOPES: dict[str, Scope] = {
    "alerts": Scope(
        {
            **_COMMON,
            "after": ("after", ("time_last",)),
            "id": ("id:A", ("alert_id",)),
            "risk": ("text", ("risk_type",)),
            "state": ("text", ("state",)),
            "detector": ("text", ("detector",)),
            "rule": ("contains", ("alert_key",)),
            "title": ("contains", ("title",)),
            "score": ("number", ("score",)),
            "count": ("number", ("event_count",)),
            "technique": ("list", ("techniques",)),
            "target": ("text", ("target",)),
            "incident": ("id:I", ("incident_id",)),
            "knowledge": ("text", ("knowledge_id",)),
            "verdict": ("words", ("verdict",)),
            "suppressed": ("id:S", ("suppressed_by",)),
        },
        ("title", "detector", "risk_type", "src_ip", "dst_ip", "host", "user_name", "target"),
    ),
    "incidents": Scope(
        {
            **{k: _COMMON[k] for k in ("severity", "before")},
            "after": ("after", ("time_last",)),
            "id": ("id:I", ("incident_id",)),
            "risk": ("text", ("risk_type",)),
            "state": ("text", ("state",)),
            "src": ("address", ("attacker",)),
            "attacker": ("address", ("attacker",)),
            "score": ("number", ("score",)),
            "count": ("number", ("alert_count",)),
        },
        ("title", "attacker", "risk_type"),
    ),
    "attackers": Scope(
        {
            "severity": _COMMON["severity"],
            "src": ("address", ("address",)),
            "ip": ("address", ("address",)),
            "class": ("text", ("address_class",)),
            "after": ("after", ("last_seen",)),
            "before": ("before", ("first_seen",)),
            "technique": ("list", ("techniques",)),
            "count": ("number", ("alert_count",)),
        },
        ("address", "address_class"),
    ),
    "events": Scope(
        {
            **_COMMON,
            "id": ("id:E", ("event_id",)),
            "class": ("number", ("class_uid",)),
            "product": ("text", ("product",)),
            "log": ("text", ("log_name",)),
            "activity": ("text", ("activity",)),
            "status": ("text", ("status",)),
            "service": ("text", ("service",)),
            "protocol": ("text", ("protocol",)),
            "process": ("text", ("process",)),
            "sport": ("number", ("src_port",)),
            "method": ("text", ("http_method",)),
            "path": ("contains", ("url_path",)),
            "query": ("contains", ("url_query",)),
            "code": ("number", ("http_status",)),
            "agent": ("contains", ("user_agent",)),
            "domain": ("contains", ("query_name", "url_host", "tls_server_name")),
            "file": ("contains", ("file_path",)),
            "hash": ("text", ("file_hash",)),
            "rule": ("contains", ("rule_id", "rule_name")),
            "source": ("number", ("source_id",)),
            "template": ("number", ("template_id",)),
        },
        (
            "message",
            "src_ip",
            "dst_ip",
            "host",
            "user_name",
            "url_host",
            "url_path",
            "url_query",
            "user_agent",
            "query_name",
            "rule_name",
            "file_path",
            "extra",
        ),
    ),
}
"""The filterable tables."""

_TIMES = frozenset({"after", "before"})
_BARE_VALUE = re.compile(r"[\w./*%@+,-][\w./*%@+,:-]*")
_BARE_WORD = re.compile(r"[\w./*%@+][\w./*%@+,-]*")
"""What needs no quotes behind a field, and alone."""
_TERM = re.compile(r'\s*(?P<neg>-?)(?:(?P<field>[A-Za-z_]+):(?P<op>>=|<=|>|<|=)?)?(?P<value>"(?:[^"\\]|\\.)*"|[^\s"]+)')


def parse(text: str, table: str = "alerts") -> list[Term]:
    """Read an expression.

    Raises:
        FilterError: an unknown field, a bad value or an open quote; says where and what would be right.
    """
    scope = SCOPES[table]
    terms: list[Term] = []
    position = 0
    while text[position:].strip():
        start = position + len(text[position:]) - len(text[position:].lstrip())
        found = _TERM.match(text, position)
        if not found or found.end() == position:
            raise FilterError("a quote is not closed or a value is missing", position=start, remedy='write "..."')
        field, op, value = (found["field"] or "").lower(), found["op"] or "=", found["value"]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        if not field and (value == "-" or value.endswith(":")) and not found["value"].startswith('"'):
            raise FilterError(f"{value} lacks a value", position=start, remedy=f"write {value}something")
        if field and field not in scope.fields:
            near = difflib.get_close_matches(field, sorted(scope.fields), n=1, cutoff=0.0)[0]
            raise FilterError(f"unknown field {field!r} for {table}", position=start, remedy=f"did you mean {near}:?")
        term = Term(field, op, value, bool(found["neg"]), start)
        _condition(term, scope, {}, datetime.now(UTC))  # a bad value shows now, not when the query runs
        terms.append(term)
        position = found.end()
    return terms


def compile_filter(
    text: str, table: str, now: datetime, params: dict[str, Any] | None = None
) -> tuple[str, dict[str, Any]]:
    """The expression as a SQL condition and its named parameters (``TRUE`` and none for an empty one).

    Args:
        text: the expression.
        table: the table that is filtered.
        now: what relative times count from.
        params: parameters of other conditions of the same statement, to be added to.

    Raises:
        FilterError: as :func:`parse`.
    """
    params = {} if params is None else params
    parts = [_condition(term, SCOPES[table], params, now) for term in parse(text, table)]
    return (" AND ".join(parts) or "TRUE"), params


def write(terms: Sequence[Term]) -> str:
    """The terms as an expression that :func:`parse` reads back as the same terms."""
    return " ".join(_written(term) for term in terms)


def _written(term: Term) -> str:
    bare = _BARE_VALUE if term.field else _BARE_WORD
    value = term.value if bare.fullmatch(term.value) else '"' + re.sub(r'(["\\])', r"\\\1", term.value) + '"'
    head = f"{term.field}:{'' if term.op == '=' else term.op}" if term.field else ""
    return f"{'-' if term.negated else ''}{head}{value}"


def fixed(text: str, table: str, now: datetime) -> str:
    """The expression with its relative times (``after:-2h``) as the moments that they mean at ``now``, in UTC.

    Raises:
        FilterError: as :func:`parse`.
    """
    kinds = {name: kind for name, (kind, _) in SCOPES[table].fields.items()}
    terms = parse(text, table)
    return write(
        [
            replace(term, value=_moment(term, now).isoformat() + "Z") if kinds.get(term.field) in _TIMES else term
            for term in terms
        ]
    )


def _condition(term: Term, scope: Scope, params: dict[str, Any], now: datetime) -> str:
    kind, columns = scope.fields[term.field] if term.field else ("contains", scope.text)
    values = term.value.split(",") if kind not in {"contains", "after", "before"} else [term.value]
    alternatives = [
        _one(kind, column, replace(term, value=value), params, now) for value in values for column in columns
    ]
    sql = "(" + " OR ".join(alternatives) + ")"
    return f"NOT coalesce({sql}, FALSE)" if term.negated else sql


def _one(kind: str, column: str, term: Term, params: dict[str, Any], now: datetime) -> str:
    value = term.value
    if kind in _TIMES:
        return f"{column} {'>=' if kind == 'after' else '<'} {_bind(params, _moment(term, now))}"
    if kind == "severity":
        try:
            rank = int(Severity.parse(value))
        except UsageError as error:
            raise FilterError(error.message, position=term.position, remedy=error.remedy) from error
        return f"severity_rank({column}) {term.op} {rank}"
    if kind == "number" or kind.startswith("id:"):
        text = value.upper().removeprefix(kind[3:]) if kind.startswith("id:") else value
        try:
            number = float(text) if "." in text else int(text)
        except ValueError:
            raise FilterError(
                f"{value!r} is no number", position=term.position, remedy=f"write {term.field}:>=10"
            ) from None
        return f"{column} {term.op} {_bind(params, number)}"
    if term.op != "=":
        raise FilterError(
            f"{term.field}: cannot be compared with {term.op}",
            position=term.position,
            remedy=f"write {term.field}:{value}",
        )
    if kind == "address":
        return _address(column, term, params)
    if kind == "list":
        return f"list_contains({column}, {_bind(params, value.upper())})"
    if kind == "words":  # without a quote: likely-success is "likely success"
        value = value.replace("-", " ")
    pattern = f"*{value}*" if kind == "contains" else value
    return f"{column} ILIKE {_bind(params, _like(pattern))} ESCAPE '!'"


def _address(column: str, term: Term, params: dict[str, Any]) -> str:
    """An address, a network or a pattern; a network is compared as a number range over the textual column."""
    value = term.value
    if "/" not in value:
        return f"{column} ILIKE {_bind(params, _like(value))} ESCAPE '!'"
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise FilterError(f"{value!r} is no network", position=term.position, remedy="write 10.0.0.0/8") from error
    low, high = _bind(params, int(network[0])), _bind(params, int(network[-1]))
    if network.version == 4:
        return f"ipv4_number({column}) BETWEEN {low}::UBIGINT AND {high}::UBIGINT"
    params[low[1:]], params[high[1:]] = network[0].exploded, network[-1].exploded
    return f"ipv6_exploded({column}) BETWEEN {low} AND {high}"


def _moment(term: Term, now: datetime) -> datetime:
    value = term.value
    base = now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now
    found = re.fullmatch(r"-(\d+)([smhdw])", value)
    if found:
        unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[found[2]]
        try:
            return base - timedelta(**{unit: int(found[1])})
        except OverflowError:
            return datetime.min
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise FilterError(
            f"{value!r} is no time", position=term.position, remedy="write -2h, 2026-11-01 or 2026-11-01T12:00:00Z"
        ) from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _like(pattern: str) -> str:
    escaped = re.sub(r"([!%_])", r"!\1", pattern)
    return escaped.replace("*", "%")


def _bind(params: dict[str, Any], value: object) -> str:
    name = f"f{len(params)}"
    params[name] = value
    return f"${name}"


def describe_fields(table: str) -> Sequence[str]:
    """The field names of a table, for help and completion."""
    return sorted(SCOPES[table].fields)
