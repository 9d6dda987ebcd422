"""Which rules a window of new events concerns: :mod:`soc_tui.detection.kinds` asked of the store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import pyarrow as pa

from soc_tui.detection import kinds
from soc_tui.detection.detectors import DETECTORS, Detector
from soc_tui.store.database import Store
from soc_tui.store.reach import Reach

_OTHERS = (
    "NOT {window} AND time >= (SELECT time_bucket(INTERVAL 1 HOUR, min(time)) FROM events WHERE {window})"
    " AND time < (SELECT time_bucket(INTERVAL 1 HOUR, max(time)) + INTERVAL 1 HOUR FROM events WHERE {window})"
).replace("{window}", kinds.WINDOW)


class Kinds:
    """The kinds of the events of one window.

    Args:
        store: the workspace.
        first: the first new event.
        last: the last one, inclusive.
        reach: the events that a detector may look at.
    """

    def __init__(self, store: Store, first: int, last: int, reach: Reach) -> None:
        self._store, self.reach = store, reach
        self._window = {"first_event_id": first, "last_event_id": last}
        self.kinds = store.sql(kinds.kinds(), self._window, reach=reach, few=True)
        """The kinds of the new events."""
        self._met = self._ask(self.kinds)

    def concern(self, detector: Detector) -> bool:
        """True when the detector can find something."""
        names = [_name(detector, part) for part in detector.parts] or [detector.name]
        return any(self._met[name] for name in names) or (detector.earlier and self._any_before(detector.needs))

    def parts(self, detector: Detector) -> list[str]:
        """The parts of the detector that events of the window's hours meet."""
        names = {part: _name(detector, part) for part in detector.parts}
        return [part for part, name in names.items() if self._met[name] or self._met_by_others.get(name)]

    @cached_property
    def _met_by_others(self) -> Mapping[str, bool]:
        others = self._store.sql(kinds.kinds(_OTHERS), self._window, reach=self.reach, few=True)
        return self._ask(others) if others.num_rows else {}

    def _ask(self, found: pa.Table) -> Mapping[str, bool]:
        return kinds.rows(self._store.sql(kinds.met(_CONDITIONS), None, {"kinds": found}, few=True))

    def _any_before(self, condition: str) -> bool:
        text = f"SELECT EXISTS (FROM events WHERE event_id < $first_event_id AND ({condition})) AS yes"
        first = {"first_event_id": self._window["first_event_id"]}
        return bool(self._store.sql(text, first, reach=self.reach, few=True)["yes"][0].as_py())


def _name(detector: Detector, part: str) -> str:
    return f"{detector.name} {part}"


_CONDITIONS: Mapping[str, str] = {
    name: condition
    for detector in DETECTORS
    for name, condition in (
        {_name(detector, part): text for part, text in detector.parts.items()} or {detector.name: detector.needs}
    ).items()
}
