"""Compiled rules: what remains of Sigma once pySigma has done its part. Plain values, kept as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

State = Literal["converted", "not applicable", "damaged"]
STATES: tuple[State, ...] = ("converted", "not applicable", "damaged")


@dataclass(frozen=True)
class Verdict:
    """What the alerts of a rule say beside what was found."""

    id: str
    """The rule's UUID, or a name derived from its title."""
    title: str
    severity: str
    score: float
    risk_type: str
    techniques: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One rule over single events."""

    verdict: Verdict
    source: str
    """A name of ``sources.SOURCES``."""
    where: str
    """The condition over :attr:`columns`."""
    columns: Mapping[str, str]
    """Column name to the expression over ``events`` that it stands for."""
    needs: tuple[tuple[str, str], ...] | None
    """(expression, literal) pairs of which one must hold (``prefilter``); None: nothing is known."""
    shown: tuple[tuple[str, str], ...]
    """(field, expression) that an alert shows."""
    alerts: bool = True
    """False: only correlations use it."""
    name: str = ""
    """By which correlations may call it."""

    @cached_property
    def fingerprint(self) -> str:
        """Changes when what it finds or says changes."""
        return _digest(asdict(self))


@dataclass(frozen=True)
class Correlation:
    """One rule over the events that other rules match, within a time."""

    verdict: Verdict
    kind: Literal["event_count", "value_count", "temporal", "temporal_ordered"]
    rules: tuple[str, ...]
    """Ids of the rules, in order."""
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    """(name, expression for each rule): what the events must have in common."""
    value: tuple[str, tuple[str, ...]] | None
    """(name, expression for each rule) of what ``value_count`` counts."""
    seconds: int
    least: int
    """Events, distinct values or distinct rules within the time that make a finding."""
    alerts: bool = True
    base: tuple[str, ...] = ()
    """Fingerprints of the rules it rests on."""

    @cached_property
    def fingerprint(self) -> str:
        """Changes when what it finds or says changes."""
        return _digest(asdict(self))


@dataclass(frozen=True)
class Entry:
    """One document's line of the coverage report."""

    rule: str
    title: str
    state: State
    why: str
    file: str
    line: int
    kind: str = "rule"
    """rule, correlation, filter or file."""
    source: str = ""
    level: str = ""
    set: str = ""
    """The folder that it came with; ``shipped`` for ours."""

    def shown(self) -> dict[str, str]:
        """As the command line shows it."""
        return {
            "rule": self.rule, "state": self.state, "level": self.level, "source": self.source, "title": self.title,
            "why": self.why, "set": self.set, "kind": self.kind, "file": f"{self.file}:{self.line}",
        }  # fmt: skip


@dataclass(frozen=True)
class Ruleset:
    """Everything that a folder of rules came to."""

    rules: tuple[Rule, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    entries: tuple[Entry, ...] = ()
    stamp: str = field(default="", compare=False)
    """Of the files and of the compiler; see ``loading.stamp``."""
    checked: bool = field(default=False, compare=False)
    """The database has accepted every rule."""

    def counts(self) -> dict[State, int]:
        """Documents by state, filters left out."""
        return {
            state: sum(entry.state == state and entry.kind != "filter" for entry in self.entries) for state in STATES
        }

    def fingerprints(self) -> dict[str, str]:
        """By rule id."""
        rules = {rule.verdict.id: rule.fingerprint for rule in self.rules}
        return rules | {one.verdict.id: one.fingerprint for one in self.correlations}

    def only(self, ids: Sequence[str] | set[str]) -> Ruleset:
        """The named rules and correlations; rules that those correlations rest on stay, but find nothing themselves."""
        correlations = tuple(each for each in self.correlations if each.verdict.id in ids)
        base = {rule for each in correlations for rule in each.rules}
        rules = tuple(
            each if each.verdict.id in ids else Rule(**{**_shallow(each), "alerts": False})
            for each in self.rules
            if each.verdict.id in ids or each.verdict.id in base
        )
        return Ruleset(rules, correlations, self.entries, self.stamp, self.checked)

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self), ensure_ascii=True)

    @staticmethod
    def from_json(text: str) -> Ruleset:
        """What :meth:`to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            return Ruleset(
                tuple(_rule(each) for each in data["rules"]),
                tuple(_correlation(each) for each in data["correlations"]),
                tuple(Entry(**each) for each in data["entries"]),
                str(data["stamp"]),
                bool(data["checked"]),
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"is no compiled set of rules: {error}") from error


def _shallow(one: Any) -> dict[str, Any]:
    return {each.name: getattr(one, each.name) for each in fields(one)}


def _digest(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:24]


def _verdict(data: dict[str, Any]) -> Verdict:
    lists = {name: tuple(data[name]) for name in ("techniques", "false_positives")}
    return Verdict(**{**data, **lists})


def _pairs(data: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(a), str(b)) for a, b in data)


def _rule(data: dict[str, Any]) -> Rule:
    needs = None if data["needs"] is None else _pairs(data["needs"])
    return Rule(**{**data, "verdict": _verdict(data["verdict"]), "needs": needs, "shown": _pairs(data["shown"])})


def _correlation(data: dict[str, Any]) -> Correlation:
    value = data["value"]
    return Correlation(**{
        **data, "verdict": _verdict(data["verdict"]), "rules": tuple(data["rules"]), "base": tuple(data["base"]),
        "groups": tuple((name, tuple(texts)) for name, texts in data["groups"]),
        "value": None if value is None else (value[0], tuple(value[1])),
    })  # fmt: skip
