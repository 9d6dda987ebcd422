"""The keeper of old events: moves days to the archive, deletes what is past retention, verifies.

Works in a thread of its own, day by day; each transaction is short and reading goes on between and beside them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from soc_tui.core.clock import Clock
from soc_tui.core.errors import StoreError
from soc_tui.core.settings import Settings
from soc_tui.management.health import Health
from soc_tui.management.memory import trim
from soc_tui.store.archive import archived, delete_days, give_back, move_days, remove_leftovers, verify
from soc_tui.store.database import Store
from soc_tui.store.intake import checkpoint, last_event_id

_FIRST_SECONDS = 60.0
"""How long after its start an engine begins: one that serves a single command should not begin to tidy up."""
_PAUSE_SECONDS = 3600.0
"""Looking whether a day has become old enough costs a scan of one column."""
_GRACE_SECONDS = 60.0
"""Beyond the longest hunt: how long a deleted file stays for queries that are reading it."""


class Keeper:
    """Archive and retention of one engine; safe from any thread.

    Args:
        store: the workspace.
        settings: ``store.archive_days``, ``store.retention_days``.
        clock: what today is.
        health: where the archive's state is shown, as part of data protection.
        on_change: called when days have moved or gone.
    """

    def __init__(
        self, store: Store, settings: Settings, clock: Clock, health: Health, on_change: Callable[[], None]
    ) -> None:
        self._store, self._settings, self._clock, self._health = store, settings, clock, health
        self._on_change = on_change
        self._lock = threading.Lock()  # `archive run` beside the engine's own round
        self._stopping = threading.Event()
        self._begin = clock.monotonic() + _FIRST_SECONDS
        self._next_round = self._begin
        self._condemned: float | None = None
        remove_leftovers(store)
        self._show()

    def step(self) -> float:
        """A round when one is due; returns the seconds until the next."""
        now = self._clock.monotonic()
        if now >= self._next_round:
            self._next_round = now + _PAUSE_SECONDS
            with self._health.activity("protection"):
                for _ in self.run():
                    pass
            trim()
        self._remove_condemned()
        waits = [self._next_round - now, _PAUSE_SECONDS]
        if self._condemned is not None:
            waits.append(self._condemned - now)
        return max(min(waits), 1.0)

    def stop(self) -> None:
        """End a round after the day it is at."""
        self._stopping.set()

    # -- commands ------------------------------------------------------------------------------------------------

    def run(self) -> Iterator[dict[str, Any]]:
        """Move what is old enough and delete what is past retention.

        Yields:
            ``{"progress": {"step": "archive", "path", "rows"}}`` for each file, then ``{"result": ...}`` with
            ``files``, ``rows``, ``deleted_files``, ``archive_days``, ``retention_days``.
        """
        files = rows = 0
        with self._lock:
            try:
                for moved in move_days(self._store, self._settings.store, self._clock, up_to=self._examined()):
                    files, rows = files + 1, rows + moved.rows
                    yield {"progress": {"step": "archive", "path": moved.path, "rows": rows}}
                    if self._stopping.is_set():
                        break
                deleted = delete_days(self._store, self._settings.store, self._clock)
            finally:
                if files:
                    give_back(self._store)
                self._show()
            if deleted:
                self._condemned = self._clock.monotonic() + self._settings.store.hunt_seconds + _GRACE_SECONDS
        if files or deleted:
            self._on_change()
        yield {
            "result": {
                "files": files,
                "rows": rows,
                "deleted_files": len(deleted),
                "archive_days": self._settings.store.archive_days,
                "retention_days": self._settings.store.retention_days,
            }
        }

    def archive(self) -> pa.Table:
        """The archived days, newest first; see :func:`soc_tui.store.archive.archived`."""
        return archived(self._store)

    def verify(self) -> Iterator[dict[str, Any]]:
        """Hold every file against its record.

        Yields:
            Progress, then ``{"result": {"ok", "files", "damaged": [{"path", "problem"}]}}``.
        """
        self._store.look_for_files()
        checked: list[str] = []
        damaged = verify(self._store, checked.append)
        self._show()
        yield {"result": {"ok": not damaged, "files": len(checked), "damaged": [asdict(one) for one in damaged]}}

    # -- within --------------------------------------------------------------------------------------------------

    def _examined(self) -> int:
        """The last event that detection and analysis are both done with."""
        consumers = ["detection", *(["analysis"] if self._settings.analysis.enabled else [])]
        return min([last_event_id(self._store), *(checkpoint(self._store, name) for name in consumers)])

    def _remove_condemned(self) -> None:
        if self._condemned is not None and self._clock.monotonic() >= self._condemned:
            with self._lock:
                remove_leftovers(self._store)
                self._condemned = None

    def _show(self) -> None:
        try:
            found = archived(self._store)
        except StoreError:  # shown by whoever asked for more
            return
        days, missing = found.num_rows, len(self._store.missing)
        detail = f"audit chain; archive: {days} days"
        self._health.update("protection", detail=f"{detail}, {missing} FILES MISSING" if missing else detail)
