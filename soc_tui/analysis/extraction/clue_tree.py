"""The clue tree of an incident: who, from where, did what, to what, in which order, and why each edge is there.

The root is the attacker. Below it come where it came from and, in order of time, the steps: one per alert, each with
what it was done to. Every node names the events it rests on; what is conclusion rather than observation is marked
circumstantial. The size is bounded, so an attacker with thousands of alerts still gives a page that can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from soc_tui.analysis.extraction.attackers import address_class
from soc_tui.analysis.extraction.cases import Alert, Support, tactic_rank
from soc_tui.analysis.extraction.incidents import Incident

MAX_STEPS = 30
"""Single steps shown; with more alerts, those of one kind and day become one step."""
MAX_CHILDREN = 5
MAX_EVENTS = 20
_MAX_LABEL = 200


@dataclass(frozen=True)
class Clue:
    """One node; the columns of ``clues`` without the incident."""

    node_id: int
    parent_id: int | None
    kind: str
    """attacker, origin, software, step, machine, account, url, login or more."""
    label: str
    why: str
    """The reason for the edge to its parent."""
    time: datetime | None
    tactic: str
    technique: str
    alert_id: int | None
    event_ids: tuple[int, ...]
    circumstantial: bool


def build(incident: Incident, support: Iterable[Support]) -> list[Clue]:
    """The tree of one incident, parents before children, steps in order of time and then of ATT&CK tactic.

    Args:
        incident: its alerts.
        support: the supporting events of the incident's actor; those outside the incident's time are ignored.
    """
    events = {event.event_id: event for event in support if event.actor == incident.actor}
    tree = _Tree()
    root = _add_attacker(tree, incident, events)
    steps = _steps(incident.telling)
    proven = {i for alert in incident.alerts for i in alert.event_ids}
    entries: list[_Step | list[Support]] = [*steps, *_other_logins(incident, events.values(), proven)]
    before: _Step | None = None
    for entry in sorted(entries, key=_entry_order):
        if isinstance(entry, _Step):
            node = _add_step(tree, root, entry, before, incident.actor)
            _add_targets(tree, node, entry, events)
            before = entry
        else:
            _add_login(tree, root, entry)
    return tree.nodes


@dataclass(frozen=True)
class _Step:
    """Alerts told as one step."""

    alerts: tuple[Alert, ...]

    @property
    def first(self) -> Alert:
        return self.alerts[0]

    @property
    def gravest(self) -> Alert:
        return max(self.alerts, key=lambda a: (a.severity, a.score, -a.alert_id))

    @property
    def event_ids(self) -> tuple[int, ...]:
        return tuple(sorted({i for alert in self.alerts for i in alert.event_ids})[:MAX_EVENTS])

    @property
    def label(self) -> str:
        alert, events = self.first, sum(a.event_count for a in self.alerts)
        victims = list(dict.fromkeys(a.victim for a in self.alerts if a.victim))
        verb = "on" if alert.detector == "ssh-login-after-failures" else "against"
        against = f" {verb} {victims[0] if len(victims) == 1 else f'{len(victims)} machines'}" if victims else ""
        kinds = list(dict.fromkeys(a.phrase for a in self.alerts))
        phrase = kinds[0] if len(kinds) == 1 else f"{alert.detector} of {len(kinds)} kinds"
        counted = f"{len(self.alerts):,} alerts, " if len(self.alerts) > 1 else ""
        return f"{phrase}{against} ({counted}{_events(events)})"


class _Tree:
    def __init__(self) -> None:
        self.nodes: list[Clue] = []

    def add(
        self, parent: int | None, kind: str, label: str, why: str, event_ids: Sequence[int], *,
        time: datetime | None = None, tactic: str = "", technique: str = "", alert_id: int | None = None,
        circumstantial: bool = False,
    ) -> int:  # fmt: skip
        number = len(self.nodes)
        text = label if len(label) <= _MAX_LABEL else label[: _MAX_LABEL - 1] + "…"
        ids = tuple(event_ids)[:MAX_EVENTS]
        self.nodes.append(Clue(number, parent, kind, text, why, time, tactic, technique, alert_id, ids, circumstantial))
        return number


def _add_attacker(tree: _Tree, incident: Incident, events: dict[int, Support]) -> int:
    first, last = incident.alerts[0], incident.alerts[-1]
    ends = tuple(dict.fromkeys((*first.event_ids[:1], *last.event_ids[-1:])))
    known = first.src_ip is not None
    alerts = "the only alert" if len(incident.alerts) == 1 else f"all {len(incident.alerts):,} alerts"
    why = f"the source of {alerts}" if known else f"named by {alerts}; the source address is not known"
    root = tree.add(None, "attacker", incident.actor, why, ends, time=incident.time)
    if known:
        kind = address_class(incident.actor)
        label = f"from a {kind} address, {_stamp(incident.time)} to {_stamp(incident.time_last)}"
        tree.add(root, "origin", label, "first and last evidence of the address", ends, time=incident.time)
    mine = {i for alert in incident.alerts for i in alert.event_ids}
    agents = Counter(e.user_agent for i, e in events.items() if i in mine and e.user_agent)
    for agent, _ in sorted(agents.items(), key=lambda item: (-item[1], item[0]))[:2]:
        said = [i for i, e in events.items() if i in mine and e.user_agent == agent]
        why = "the client says so of itself and can lie"
        tree.add(root, "software", f"with {agent}", why, said, circumstantial=True)
    return root


def _steps(alerts: Sequence[Alert]) -> list[_Step]:
    """One step per alert; with too many, one per kind and day, then one per kind."""
    if len(alerts) <= MAX_STEPS:
        return [_Step((alert,)) for alert in alerts]
    days: dict[tuple[str, str, str], list[Alert]] = {}
    for alert in alerts:
        day = str(alert.time.date()) if alert.time else ""
        days.setdefault((alert.detector, alert.tactic, day), []).append(alert)
    if len(days) > MAX_STEPS:
        kinds: dict[tuple[str, str, str], list[Alert]] = {}
        for (detector, tactic, _), members in days.items():
            kinds.setdefault((detector, tactic, ""), []).extend(members)
        days = kinds
    return [_Step(tuple(members)) for members in days.values()]


def _other_logins(incident: Incident, events: Iterable[Support], proven: set[int]) -> list[list[Support]]:
    """Successful logins of the attacker's address that no alert speaks of, one list per machine and account."""
    start, end = incident.time, incident.time_last
    found: dict[tuple[str, str], list[Support]] = {}
    for event in events:
        if not event.login or event.event_id in proven or not (event.time and start and end):
            continue
        if start <= event.time <= end + timedelta(hours=24):
            found.setdefault((event.host or event.dst_ip or "", event.user_name or ""), []).append(event)
    return sorted(found.values(), key=_entry_order)[:MAX_CHILDREN]


def _entry_order(entry: _Step | list[Support]) -> tuple[datetime, int, int]:
    if isinstance(entry, _Step):
        return entry.first.order
    return (entry[0].time or datetime.min, tactic_rank("initial access"), entry[0].event_id)


def _add_step(tree: _Tree, root: int, step: _Step, before: _Step | None, actor: str) -> int:
    alert = step.gravest
    why = f"same source: {actor}" if alert.src_ip else f"same {actor}"
    if before is None:
        why += "; the first thing seen"
    elif alert.detector == "ssh-login-after-failures":
        why = f"a login by the source that had failed before; {_later(step, before)}"
    else:
        why += f"; {_later(step, before)}"
    return tree.add(
        root, "step", step.label, why, step.event_ids, time=step.first.time, tactic=alert.tactic,
        technique=alert.technique, alert_id=alert.alert_id, circumstantial=all(a.is_guess for a in step.alerts),
    )  # fmt: skip


def _add_targets(tree: _Tree, node: int, step: _Step, events: dict[int, Support]) -> None:
    seen = [events[i] for alert in step.alerts for i in alert.event_ids if i in events]
    machines = [(_machine(alert), alert.event_count, alert.event_ids) for alert in step.alerts]
    _add_names(tree, node, "machine", "what it was done to", machines)
    accounts = [(event.user_name, 1, [event.event_id]) for event in seen]
    _add_names(tree, node, "account", "the account that these events name", accounts)
    _add_names(tree, node, "url", "what these requests asked for", [(e.url, 1, [e.event_id]) for e in seen])


def _machine(alert: Alert) -> str:
    if alert.detector == "port-scan" and not alert.dst_ip:
        return f"many machines, {alert.target}"
    return alert.victim + (f" port {alert.dst_port}" if alert.victim and alert.dst_port else "")


def _add_names(
    tree: _Tree, node: int, kind: str, why: str, names: Iterable[tuple[str | None, int, Sequence[int]]]
) -> None:
    """Child nodes of the most frequent names, given as name, weight and evidence; a last node counts the rest."""
    weights, evidence = Counter[str](), dict[str, list[int]]()
    for name, weight, ids in names:
        if name:
            weights[name] += weight
            evidence.setdefault(name, []).extend(ids)
    ranked = sorted(weights, key=lambda name: (-weights[name], name))
    shown = ranked if len(ranked) <= MAX_CHILDREN else ranked[: MAX_CHILDREN - 1]
    for name in shown:
        tree.add(node, kind, name, why, evidence[name])
    rest = ranked[len(shown) :]
    if rest:
        ids = [i for name in rest for i in evidence[name]]
        tree.add(node, "more", f"and {len(rest):,} more of kind {kind}", "seen less often", ids)


def _add_login(tree: _Tree, root: int, logins: list[Support]) -> None:
    first = logins[0]
    machine = first.host or first.dst_ip
    label = (
        f"{'login' if len(logins) == 1 else f'{len(logins):,} logins'} as {first.user_name or 'an account not logged'}"
    )
    tree.add(
        root, "login", label + (f" on {machine}" if machine else ""),
        "a successful login from the same address, which no detector judged", [e.event_id for e in logins],
        time=first.time, tactic="initial access", technique="T1078", circumstantial=True,
    )  # fmt: skip


def _later(step: _Step, before: _Step) -> str:
    if not (step.first.time and before.first.time):
        return "time not known"
    seconds = int((step.first.time - before.first.time).total_seconds())
    if seconds < 1:
        return "at the same time as the step before"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} after the step before"
    return f"{seconds} s after the step before"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"


def _stamp(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "?"
