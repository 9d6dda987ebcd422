"""The table of signs (``signs.yaml``) as the SQL of one rule.

A sign is a record that is worth seeing by itself. Its conditions become branches of one CASE, so that each record is
looked at once, and each branch begins with what is cheapest: the program. Only the signs that some kind of the events
at hand can be (:func:`parts`) get a branch, so a log of requests is asked nothing about mail, and requests, which
are alike by the thousand, are judged once for all that are alike. The table ships with the package; nothing of it comes
from a log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml

_TABLE = Path(__file__).parent / "signs.yaml"
_RULE = Path(__file__).parent / "rules" / "log_sign.sql"
_SCORES = {"info": 0.2, "low": 0.4, "medium": 0.6, "high": 0.85, "critical": 0.95}
_STATEMENT = (
    "class_uid = 6000 AND product IN ('mysql', 'mariadb', 'postgresql')"
    " AND (activity IN ('query', 'execute', 'prepare', 'audit') OR log_name IN ('general', 'slow'))"
)


@dataclass(frozen=True)
class Sign:
    """One row of the table."""

    name: str
    """Stable, kebab-case; the first part of what the alert explains."""
    title: str
    severity: str
    techniques: tuple[str, ...]
    risk: str = "intrusion"
    """One of ``core.types.RISK_TYPES``."""
    of: tuple[str, ...] = ()
    """Programs or products whose records it is about."""
    uid: int = 0
    """OCSF class; 0: any."""
    kind: str = ""
    """``statement``: an SQL statement that a database logged."""
    when: str = ""
    """A condition over the columns of ``events``."""
    message: str = ""
    """An RE2 pattern."""
    actor: str = ""
    """An RE2 pattern whose first group is the attacker's address."""
    family: str = ""
    """Signs of one family by one source on one machine and day are one alert; empty: it stands alone."""
    known: bool = False
    """One alert for good, instead of one a day."""

    @property
    def candidates(self) -> str:
        """A cheap condition that every record of it meets."""
        if self.of:
            return f"process IN ({_list(self.of)}) OR product IN ({_list(self.of)})"
        if self.kind == "statement":
            return _STATEMENT
        if self.uid:
            return f"class_uid = {self.uid}"
        programs = "'usermod', 'gpasswd', 'useradd'"
        return f"class_uid = 3002 OR activity IN ('log-clear', 'service-install') OR process IN ({programs})"

    @property
    def part(self) -> str:
        """What it shares :attr:`candidates` with: a word for the programs or the class of events that it is about."""
        return " ".join(self.of) or self.kind or str(self.uid)

    @property
    def condition(self) -> str:
        """The whole condition."""
        parts = [self.candidates, self.when, f"regexp_matches(message, {_text(self.message)})" if self.message else ""]
        return " AND ".join(f"({part})" for part in parts if part)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _list(values: tuple[str, ...]) -> str:
    return ", ".join(_text(value) for value in values)


@cache
def signs() -> tuple[Sign, ...]:
    """All rows of the table, in its order."""
    rows = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return tuple(
        Sign(
            **{key: value for key, value in row.items() if key not in {"techniques", "of", "class"}},
            techniques=tuple(row.get("techniques", ())),
            of=tuple(row.get("of", ())),
            uid=int(row.get("class", 0)),
        )
        for row in rows
    )


def parts() -> Mapping[str, str]:
    """By :attr:`Sign.part`, the condition over kinds of events (:mod:`soc_tui.detection.kinds`) of its records."""
    return {sign.part: sign.candidates for sign in signs()}


@lru_cache(maxsize=64)
def rule(live: Collection[str] | None = None) -> str:
    """The query of all signs.

    Args:
        live: a frozen set of the only parts that an event of the window, or of the hours that it lies in, can be of;
            None: all.
    """
    table = {n: sign for n, sign in enumerate(signs()) if live is None or sign.part in live}
    requests = {number: sign for number, sign in table.items() if sign.uid == 4002}
    actors = " ".join(
        f"WHEN {number} THEN nullif(regexp_extract(message, {_text(sign.actor)}, 1), '')"
        for number, sign in table.items()
        if sign.actor
    )
    rows = ",\n    ".join(
        f"({number}, {_text(sign.name)}, {_text(sign.title)}, {_text(sign.severity)}, {_SCORES[sign.severity]}::DOUBLE,"
        f"{_text(sign.risk)}, [{_list(sign.techniques)}]::VARCHAR[], {_text(sign.family or sign.name)}, {sign.known})"
        for number, sign in table.items()
    )
    whole = {number: sign.condition for number, sign in table.items()}
    looked_up = {number: f"request_sign = {number}" for number in requests}
    text = _RULE.read_text(encoding="utf-8")
    for place, value in {
        "{candidates}": " OR ".join(f"({one})" for one in sorted({sign.candidates for sign in table.values()})),
        "{sign_of_request}": _case({number: sign.condition for number, sign in requests.items()}),
        "{sign_by_request}": _case(whole | looked_up),
        "{sign}": _case(whole),
        "{actor}": f"CASE sign {actors} END" if actors else "NULL",
        "{known}": ", ".join(["-1", *(str(number) for number, sign in table.items() if sign.known)]),
        "{signs}": rows,
    }.items():
        text = text.replace(place, value)
    return text


def _case(branches: Mapping[int, str]) -> str:
    told = " ".join(f"WHEN {condition} THEN {number}" for number, condition in sorted(branches.items()))
    return f"CASE {told} END" if told else "NULL::INTEGER"
