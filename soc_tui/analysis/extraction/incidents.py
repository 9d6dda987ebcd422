"""Which alerts are one incident: those of one attacker with no pause of more than a day between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from soc_tui.analysis.extraction.cases import Alert
from soc_tui.core.severity import Severity

PAUSE = timedelta(hours=24)
"""A longer silence of an attacker ends the incident."""
_MAX_PHRASES = 3


@dataclass(frozen=True)
class Incident:
    """Alerts that belong together, in order of time.

    What is suppressed still belongs to its incident, so hiding an alert neither splits an incident nor costs it its
    number; but the incident speaks (severity, counts, title, clue tree) for its other alerts only. One that has no
    others is itself suppressed and speaks for those.
    """

    incident_id: int
    actor: str
    alerts: tuple[Alert, ...]
    """Those that it speaks for."""
    hidden: tuple[Alert, ...] = ()
    """The suppressed ones beside them."""

    @property
    def telling(self) -> tuple[Alert, ...]:
        """Those that tell its story: what is only for information does when there is nothing else."""
        return tuple(alert for alert in self.alerts if alert.severity > Severity.INFO) or self.alerts

    @property
    def suppressed(self) -> bool:
        """True when all of its alerts are."""
        return all(alert.suppressed_by is not None for alert in self.alerts)

    @property
    def severity(self) -> Severity:
        """That of the gravest alert."""
        return max(alert.severity for alert in self.alerts)

    @property
    def score(self) -> float:
        """That of the highest alert."""
        return max(alert.score for alert in self.alerts)

    @property
    def time(self) -> datetime | None:
        """When it began."""
        return min((a.time for a in self.alerts if a.time), default=None)

    @property
    def time_last(self) -> datetime | None:
        """When it was last seen."""
        return max((a.time_last or a.time for a in self.alerts if a.time), default=None)

    @property
    def risk_type(self) -> str:
        """That of the gravest alert."""
        return max(self.alerts, key=lambda a: (a.severity, a.score, -a.alert_id)).risk_type

    @property
    def event_count(self) -> int:
        """The sum over the alerts."""
        return sum(alert.event_count for alert in self.alerts)

    @property
    def victims(self) -> list[str]:
        """The attacked machines, in order of first attack."""
        return list(dict.fromkeys(a.victim for a in self.alerts if a.victim))

    @property
    def title(self) -> str:
        """One line: what, in which order, by whom, against whom."""
        telling = self.telling
        phrases = list(dict.fromkeys(alert.phrase for alert in telling))
        if len(phrases) > 1:  # "SSH brute force, then login, by ..."
            phrases[1:] = ["login" if p == "SSH login after failures" else _lower(p) for p in phrases[1:]]
        if len(phrases) > _MAX_PHRASES:
            phrases = [*phrases[: _MAX_PHRASES - 1], f"{len(phrases) - _MAX_PHRASES + 1} other kinds of alert"]
        what = phrases[0] if len(phrases) == 1 else ", then ".join(phrases) + ","
        victims = self.victims
        against = "" if not victims else f" against {victims[0] if len(victims) == 1 else f'{len(victims)} machines'}"
        return f"{what} by {self.actor}{against}"


def group(alerts: Iterable[Alert], free_incident_id: int) -> list[Incident]:
    """Alerts as incidents; the same alerts give the same incidents in whatever order they come.

    Args:
        alerts: every alert of the actors concerned.
        free_incident_id: the first unused incident number.

    Returns:
        Incidents in order of their number. An incident that grew, or that a late alert joined with another, keeps the
        smallest number it had; new ones are numbered in order of time.
    """
    groups = [
        members
        for _, of_actor in groupby(sorted(alerts, key=lambda a: (a.actor, *a.order)), key=lambda a: a.actor)
        for members in _split(list(of_actor))
    ]
    groups.sort(key=lambda members: (*members[0].order[:2], members[0].actor, members[0].alert_id))
    taken: set[int] = set()
    numbered = []
    for members in groups:
        had = sorted({a.incident_id for a in members if a.incident_id is not None} - taken)
        number = had[0] if had else free_incident_id
        free_incident_id += not had
        taken.add(number)
        shown, hidden = parted(members)
        numbered.append(Incident(number, members[0].actor, shown, hidden))
    return sorted(numbered, key=lambda incident: incident.incident_id)


def parted(alerts: Sequence[Alert]) -> tuple[tuple[Alert, ...], tuple[Alert, ...]]:
    """The alerts to speak for, and the suppressed ones beside them: all to speak for when all are suppressed."""
    shown = tuple(alert for alert in alerts if alert.suppressed_by is None)
    if not shown:
        return tuple(alerts), ()
    return shown, tuple(alert for alert in alerts if alert.suppressed_by is not None)


def retired(alerts: Iterable[Alert], incidents: Sequence[Incident]) -> list[int]:
    """The numbers that alerts had and no incident has any more."""
    kept = {incident.incident_id for incident in incidents}
    return sorted({a.incident_id for a in alerts if a.incident_id is not None} - kept)


def _split(ordered: list[Alert]) -> list[list[Alert]]:
    """Cut the alerts of one actor, in order of time, at every pause; undated ones belong to the first part."""
    parts: list[list[Alert]] = [[]]
    end: datetime | None = None
    for alert in ordered:
        if alert.time and end and alert.time - end > PAUSE:
            parts.append([])
        parts[-1].append(alert)
        last = alert.time_last or alert.time
        end = max(end, last) if end and last else last or end
    return parts


def _lower(phrase: str) -> str:
    """The phrase inside a sentence; a name such as ``SSH`` keeps its capitals."""
    return phrase[0].lower() + phrase[1:] if phrase[1:2].islower() else phrase
