# ruff: noqa: S608 - texts of our own; what a rule says passes predicates.literal
"""The queries that match all rules with a stretch of the store, set by set.

Most events match nothing, so they are asked ever finer questions, each in one pass: of which log sources is there
anything at all (:func:`present`)? Which events hold a literal that some rule of their source needs, with one automaton
for all rules of a source (:func:`candidates`)? Which rules' literals are among those (:func:`wanted`)? And only then
does every rule left judge the events left (:func:`matches`). No query runs per rule. DuckDB plans in milliseconds per
kilobyte of text, so leaving out what cannot match also makes a small window cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import pyarrow as pa

from soc_tui.detection.kinds import met
from soc_tui.detection.sigma.compiled import Rule
from soc_tui.detection.sigma.predicates import any_of, holds_any
from soc_tui.detection.sigma.sources import SOURCES

MINUTES = (
    "(time >= $time_from AND time < $time_to AND date_trunc('minute', time) IN (SELECT unnest($minutes::TIMESTAMP[]))"
    " OR time IS NULL AND $timeless) AND NOT event_id BETWEEN $first_event_id AND $last_event_id"
)
"""The stretch of the other events of some minutes."""
TIMES = "time >= $time_from AND time < $time_to"
"""The stretch of a time."""
TIMELESS = "time IS NULL"
"""The stretch of the events without a time."""
CANDIDATES = "event_id IN (SELECT event_id FROM candidates WHERE source = '{source}')"
"""The events of a source that :func:`candidates` named."""
WORDS = pa.schema([("source", pa.string()), ("rule", pa.int32()), ("word", pa.string())])


def by_source(numbered: Mapping[int, Rule]) -> dict[str, dict[int, Rule]]:
    """The rules of each source, in order of their numbers."""
    ordered = sorted(numbered.items(), key=lambda item: (item[1].source, item[0]))
    return {name: dict(some) for name, some in groupby(ordered, key=lambda item: item[1].source)}


def present(sources: Iterable[str]) -> str:
    """The query of the sources that events of some kinds can be of: one row, a boolean column each."""
    return met({name: SOURCES[name].near or SOURCES[name].where for name in sources})


def candidates(numbered: Mapping[int, Rule], stretch: str) -> str:
    """The query of the events that are worth a look: ``event_id`` and ``source``, of which some rule may match it.

    There is no filter over the tests on purpose: DuckDB would copy it, automata and all, into each of the tables under
    the view.
    """
    alike = {number: rule for number, rule in numbered.items() if SOURCES[rule.source].alike}
    others = {number: rule for number, rule in numbered.items() if number not in alike}
    return "\nUNION ALL BY NAME\n".join(
        _candidates(rules, stretch, once=rules is alike) for rules in (alike, others) if rules
    )


def _candidates(numbered: Mapping[int, Rule], stretch: str, *, once: bool) -> str:
    mine: list[str] = []
    tests: list[str] = []
    worked_out: dict[str, tuple[str, list[str]]] = {}
    for number, (name, rules) in enumerate(by_source(numbered).items()):
        flag = f"s_{number}"
        mine.append(f"coalesce({SOURCES[name].where}, FALSE) AS {flag}")
        parts = [f"({rule.where})" for rule in rules.values() if rule.needs is None]
        columns = {
            column: text for rule in rules.values() if rule.needs is None for column, text in rule.columns.items()
        }
        words = {word for rule in rules.values() for _, word in rule.needs or ()}
        if words:
            columns[f"h_{number}"] = _text(rules.values())
            parts.append(holds_any(f"h_{number}", words))
        for column, text in columns.items():
            worked_out.setdefault(column, (text, []))[1].append(flag)
        tests.append(f"CASE WHEN {flag} AND {any_of(parts)} THEN '{name}' END")
    flags = f"SELECT *, {', '.join(mine)} FROM events WHERE {stretch}"
    told = f"unnest(list_filter([{', '.join(tests)}], lambda one: one IS NOT NULL)) AS source"
    if not once:
        guarded = "".join(
            f", CASE WHEN {any_of(of)} THEN {text} END AS {name}" for name, (text, of) in worked_out.items()
        )
        return f"SELECT event_id, {told} FROM (SELECT *{guarded} FROM ({flags}))"
    asked = ", ".join(f"s_{number}" for number in range(len(mine)))
    guarded = "".join(f", {text} AS {name}" for name, (text, _) in worked_out.items())
    mine_alone = f"SELECT * FROM ({flags}) WHERE {asked.replace(', ', ' OR ')}"
    alike = f"SELECT {asked}{guarded}, list(event_id) AS ids FROM ({mine_alone}) GROUP BY ALL"
    return f"SELECT unnest(ids) AS event_id, source FROM (SELECT ids, {told} FROM ({alike}))"


def words_of(numbered: Mapping[int, Rule]) -> pa.Table:
    """The table ``words`` of :func:`wanted`."""
    rows = [
        {"source": rule.source, "rule": number, "word": word}
        for number, rule in numbered.items() for word in sorted({word for _, word in rule.needs or ()})
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, WORDS)


def wanted(numbered: Mapping[int, Rule]) -> str:
    """The query of the rules of which a literal is among the candidates: ``rule``; rules without any are not told."""
    texts = " UNION ALL ".join(
        f"SELECT DISTINCT '{name}' AS source, {_text(rules.values())} AS text FROM events WHERE event_id"
        f" BETWEEN $lowest AND $highest AND {CANDIDATES.replace('{source}', name)}"
        for name, rules in by_source(numbered).items()
    )
    return f"SELECT DISTINCT w.rule FROM words w JOIN ({texts}) t ON w.source = t.source AND contains(t.text, w.word)"


def matches(numbered: Mapping[int, Rule], stretch: str, more: Mapping[str, Sequence[str]] | None = None) -> str:
    """The query of the matches: ``event_id``, ``time`` and ``rule``, the rule's number.

    Args:
        numbered: rules by number.
        stretch: the condition of the events that are looked at; ``{source}`` in it is the source's name.
        more: per source, further columns ``expression AS name``, the same names for each source.
    """
    return "\nUNION ALL BY NAME\n".join(
        _of_source(rules, stretch.replace("{source}", name), (more or {}).get(name, ()))
        for name, rules in by_source(numbered).items()
    )


def _of_source(rules: Mapping[int, Rule], stretch: str, more: Sequence[str]) -> str:
    columns = {column: text for rule in rules.values() for column, text in rule.columns.items()}
    worked_out = ", ".join(["event_id", "time", *(f"{text} AS {column}" for column, text in columns.items()), *more])
    passed = "".join(", " + part.rsplit(" AS ", 1)[1] for part in more)
    told = ", ".join(f"CASE WHEN {rule.where} THEN {number} END" for number, rule in rules.items())
    return (
        f"SELECT event_id, time, unnest(list_filter([{told}], lambda one: one IS NOT NULL)) AS rule{passed}"
        f" FROM (SELECT {worked_out} FROM events WHERE {stretch})"
    )


def _text(rules: Iterable[Rule]) -> str:
    """The text that holds every literal that the rules need of an event."""
    texts = sorted({text for rule in rules for text, _ in rule.needs or ()})
    return f"lower(concat_ws(chr(10), {', '.join(texts)}))" if texts else "''"
