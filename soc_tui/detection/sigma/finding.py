# ruff: noqa: S608 - texts of our own; what a rule says passes predicates.literal
"""From matches to findings: the queries that put a rule's words around the events that it matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pyarrow as pa

from soc_tui.detection.sigma.compiled import Correlation, Rule, Verdict
from soc_tui.detection.sigma.matching import CANDIDATES, by_source, matches
from soc_tui.detection.sigma.predicates import literal
from soc_tui.detection.sigma.sources import SOURCES

DETECTOR = "sigma"
SHOWN = 300
"""Characters of a value that an alert shows."""
_VERDICTS = pa.schema([
    ("rule", pa.int32()), ("id", pa.string()), ("title", pa.string()), ("severity", pa.string()),
    ("score", pa.float64()), ("risk_type", pa.string()), ("techniques", pa.list_(pa.string())),
    ("false_positives", pa.string()),
])  # fmt: skip


@cache
def _template(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def verdicts(numbered: Mapping[int, Verdict]) -> pa.Table:
    """The table ``verdicts`` of both queries."""
    rows = [
        {
            "rule": number, "id": one.id, "title": one.title, "severity": one.severity, "score": one.score,
            "risk_type": one.risk_type, "techniques": list(one.techniques),
            "false_positives": "; ".join(one.false_positives),
        }
        for number, one in numbered.items()
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, _VERDICTS)


def findings_sql(numbered: Mapping[int, Rule]) -> str:
    """The findings of rules among ``candidates``; rows of ``core.schema.FINDINGS``. Tables: candidates, verdicts."""
    more: dict[str, list[str]] = {}
    told: list[str] = []
    for name, rules in by_source(numbered).items():
        texts = {
            text: f"e_{place}"
            for place, text in enumerate(dict.fromkeys(t for r in rules.values() for _, t in r.shown))
        }
        more[name] = [*_who(name), *(f"left({text}, {SHOWN}) AS {column}" for text, column in texts.items())]
        cases = " ".join(f"WHEN {number} THEN {_shown(rule, texts)}" for number, rule in rules.items())
        query = matches(rules, CANDIDATES, more)
        told.append(
            "SELECT event_id, time, rule, attacker, victim, port, machine, account, target,"
            f" CASE rule {cases} END AS shown FROM ({query})"
        )
    return _template("findings.sql").replace("{hits}", "\nUNION ALL\n".join(told))


def correlation_sql(one: Correlation, rules: Iterable[Rule], *, window: bool) -> str:
    """The findings of a correlation; rows of ``core.schema.FINDINGS``. Tables: candidates, verdicts.

    Args:
        one: the correlation.
        rules: its rules, in its order.
        window: True: of the slots that events of the window (``$first_event_id`` to ``$last_event_id``) can change;
            else of all. Either way those that begin from ``$from_time`` until before ``$to_time``.
    """
    numbered = dict(enumerate(rules))
    parts = []
    for number, rule in numbered.items():
        columns = [f"{texts[number]} AS g_{place}" for place, (_, texts) in enumerate(one.groups)]
        columns.append(f"{one.value[1][number] if one.value else 'NULL'}::VARCHAR AS counted")
        parts.append(matches({number: rule}, CANDIDATES, {rule.source: [*_who(rule.source), *columns]}))
    keys = [f"g_{place}" for place in range(len(one.groups))]
    groups = ", ".join(
        f"{{field: {literal(name)}, value: left(split_part(f.key, chr(31), {place + 1}), {SHOWN}),"
        " weight: 0.0::DOUBLE}"
        for place, (name, _) in enumerate(one.groups)
    )
    filled = {
        "{hits}": "\nUNION ALL BY NAME\n".join(parts), "{key}": ", ".join(keys) or "''",
        "{whole}": " AND ".join(f"{key} IS NOT NULL" for key in keys) or "TRUE",
        "{touched}": "event_id BETWEEN $first_event_id AND $last_event_id" if window else "TRUE",
        "{rolling}": _rolling(one), "{counted}": literal(_COUNTED[one.kind]),
        "{groups}": f"[{groups}]" if groups else "[]::STRUCT(field VARCHAR, value VARCHAR, weight DOUBLE)[]",
    }  # fmt: skip
    sql = _template("correlating.sql")
    for mark in ("{key}", "{whole}", "{touched}", "{rolling}", "{counted}", "{groups}", "{hits}"):
        sql = sql.replace(mark, filled[mark])  # the hits last: they hold what rules say
    return sql


_COUNTED = {
    "event_count": "events within the time", "value_count": "distinct values within the time",
    "temporal": "rules within the time", "temporal_ordered": "rules in order within the time",
}  # fmt: skip
_BEFORE = "OVER (PARTITION BY key ORDER BY time RANGE BETWEEN to_seconds($seconds) PRECEDING AND CURRENT ROW)"


def _rolling(one: Correlation) -> str:
    if one.kind == "event_count":  # an event that several of the rules match is one event
        once = "SELECT *, row_number() OVER (PARTITION BY key, event_id ORDER BY rule) = 1 AS first_of FROM mine"
        return f"rolling AS (SELECT *, count(*) FILTER (first_of) {_BEFORE} AS within FROM ({once}))"
    if one.kind == "value_count":
        return f"rolling AS (SELECT *, count(DISTINCT counted) {_BEFORE} AS within FROM mine)"
    if one.kind == "temporal":
        return f"rolling AS (SELECT *, count(DISTINCT rule) {_BEFORE} AS within FROM mine)"
    # The latest beginning of a chain of the first rules that has ended by then, rule by rule.
    chain, last = "step_0 AS (SELECT *, time AS began FROM mine)", "step_0"
    for number in range(len(one.rules)):
        name = f"step_{number + 1}"
        began = f"max(CASE WHEN rule = {number} THEN began END) {_BEFORE}"
        chain += f", {name} AS (SELECT * EXCLUDE (began), {began} AS began FROM {last})"
        last = name
    whole = f"CASE WHEN began >= time - to_seconds($seconds) THEN {len(one.rules)} ELSE 0 END"
    return f"{chain}, rolling AS (SELECT *, {whole} AS within FROM {last})"


def _who(name: str) -> list[str]:
    source = SOURCES[name]
    return [
        f"{source.attacker} AS attacker", f"{source.victim} AS victim", "dst_port AS port", "host AS machine",
        "user_name AS account", f"{source.target} AS target",
    ]  # fmt: skip


def _shown(rule: Rule, columns: Mapping[str, str]) -> str:
    weight = round(rule.verdict.score, 3)
    members = ", ".join(
        f"{{field: {literal(name)}, value: coalesce({columns[text]}, ''), weight: {weight}::DOUBLE}}"
        for name, text in rule.shown
    )
    return f"[{members}]" if members else "[]::STRUCT(field VARCHAR, value VARCHAR, weight DOUBLE)[]"
