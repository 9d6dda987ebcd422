"""Enrichment at work: a consumer of events that describes new addresses and names and finds known-bad indicators.

Like detection and analysis it walks the events by ``event_id`` in bounded windows with a checkpoint of its own. Beside
that it describes addresses anew when the inventory or a GeoIP database has changed, loads indicator files that are new
or have changed, and matches the events that are stored already with indicators that came later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from soc_tui.acquisition.enrichment import context as contexts
from soc_tui.acquisition.enrichment.indicators import find_files, read_indicators
from soc_tui.acquisition.enrichment.services import load_services
from soc_tui.core.clock import Clock, naive_utc
from soc_tui.core.errors import SocTuiError, SourceError
from soc_tui.core.schema import FINDINGS
from soc_tui.core.settings import Settings
from soc_tui.detection.detectors import KNOWN_BAD
from soc_tui.management.health import Health
from soc_tui.store import enrichment as kept
from soc_tui.store.database import Store, Transaction
from soc_tui.store.intake import checkpoint, last_event_id, set_checkpoint

NAME = "enrichment"
"""Its checkpoint, and its worker."""
MODULE = "acquisition"
"""The paper's module that it belongs to."""
WINDOW_EVENTS = 200_000
"""Events looked at per commit."""
TRICKLE_SECONDS = 1.0
"""How long a few new events wait for more: a look at a million indicators costs some 0.2 s however few the events."""
STALE_ADDRESSES = 50_000
"""Addresses described anew per commit."""
IDLE_SECONDS = 5.0

_ASSETS = pa.schema(
    [
        *((name, pa.string()) for name in ("name", "owner", "criticality", "role")),
        *((name, pa.list_(pa.string())) for name in ("tags", "addresses", "networks", "hostnames")),
    ]
)


@dataclass(frozen=True)
class _Found:
    """What one window adds."""

    addresses: pa.Table
    domains: pa.Table
    answers: pa.Table


class Enrichment:
    """The consumer; :meth:`step` belongs to one worker, loading and removing may be called from any thread.

    Args:
        store: the workspace.
        settings: what to enrich with.
        clock: for expiry and reloading.
        health: where lag and problems are shown, with the acquisition module.
        commit: keeps findings inside a transaction (``Pipeline.commit``).
        on_change: called after a commit that changed alerts.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        health: Health,
        commit: Callable[[Transaction, pa.Table], bool],
        on_change: Callable[[], None],
    ) -> None:
        self._store, self._settings, self._clock, self._health = store, settings, clock, health
        self._commit, self._on_change = commit, on_change
        self._context: contexts.Context | None = None
        self._next_look = 0.0
        self._last_window = -TRICKLE_SECONDS
        self._loading = threading.Lock()
        self._problems: dict[str, str] = {}

    # -- the consumer ----------------------------------------------------------------------------------------------

    def step(self) -> float:
        """One window, or one piece of work beside; returns the seconds until there may be more."""
        self._reload()
        try:
            busy = self._window() or self._rematch() or self._redescribe()
        finally:
            self._show()
        if not busy and last_event_id(self._store) > checkpoint(self._store, NAME):
            return TRICKLE_SECONDS / 4  # a few events wait for more
        return 0.0 if busy else min(IDLE_SECONDS, max(self._settings.enrichment.reload_seconds, 0.2))

    def lag(self) -> int:
        """Events not yet looked at, plus those that indicators which came later are not yet matched with."""
        return last_event_id(self._store) - checkpoint(self._store, NAME) + kept.pending_events(self._store)

    def _window(self) -> bool:
        done, newest = checkpoint(self._store, NAME), last_event_id(self._store)
        if newest <= done:
            return False
        if newest - done < WINDOW_EVENTS // 100 and self._clock.monotonic() - self._last_window < TRICKLE_SECONDS:
            return False
        self._last_window = self._clock.monotonic()
        last = min(newest, done + WINDOW_EVENTS)
        with self._health.activity(MODULE):
            context = self._ready()
            found = self._describe(context, done + 1, last)
            with self._store.transaction("findings") as tx:
                kept.save_addresses(tx, found.addresses, context.fingerprint)
                kept.save_domains(tx, found.domains)
                kept.save_names(tx, found.answers)
            # The rule asks the tables just written; done twice after a crash in between, it changes nothing.
            findings = self._hits(done + 1, last)
            with self._store.transaction("findings") as tx:
                changed = self._commit(tx, findings)
                set_checkpoint(tx, NAME, last)
        if changed:
            self._on_change()
        return True

    def _describe(self, context: contexts.Context, first: int, last: int) -> _Found:
        answers = kept.dns_answers(self._store, first, last)
        new = kept.new_addresses(self._store, first, last)
        # An address that DNS named but nobody has spoken to yet is described too: its name is there when it appears.
        if answers.num_rows:
            new = sorted({*new, *kept.missing_addresses(self._store, answers["ip"])})
        names = kept.new_names(self._store, first, last)
        return _Found(context.addresses(new), contexts.domains(names), answers)

    def _hits(self, first: int, last: int, source: str = "", added: int = 0) -> pa.Table:
        if not kept.has_indicators(self._store):
            return FINDINGS.empty_table()
        window = {"first_event_id": first, "last_event_id": last, "source": source, "added": added}
        found = self._store.sql(KNOWN_BAD.sql, window)
        return found.select(FINDINGS.names).cast(FINDINGS)

    def _rematch(self) -> bool:
        """One window of stored events against indicators that came later."""
        pending = kept.pending_match(self._store)
        if pending is None:
            return False
        last = min(pending.until, pending.first + WINDOW_EVENTS - 1)
        with self._health.activity(MODULE):
            findings = self._hits(pending.first, last, pending.source, pending.added)
            with self._store.transaction("findings") as tx:
                changed = self._commit(tx, findings)
                kept.set_matched(tx, pending, last)
        if changed:
            self._on_change()
        return True

    def _redescribe(self) -> bool:
        """Some addresses that were described by an older inventory or database."""
        context = self._ready()
        stale = kept.stale_addresses(self._store, context.fingerprint, STALE_ADDRESSES)
        if not stale:
            return False
        described = context.addresses(stale)
        with self._store.transaction("findings") as tx:
            kept.save_addresses(tx, described, context.fingerprint)
        return True

    # -- what the settings name ------------------------------------------------------------------------------------

    def _ready(self) -> contexts.Context:
        if self._context is None:
            self._context = contexts.load_context(self._settings.enrichment)
            self._keep_tables(self._context)
        return self._context

    def _keep_tables(self, context: contexts.Context) -> None:
        rows = [vars(asset) for asset in context.inventory.assets]
        services = [{"port": p, "protocol": kind, "name": name} for (p, kind), name in sorted(load_services().items())]
        with self._store.transaction("findings") as tx:
            kept.save_assets(tx, pa.Table.from_pylist(rows, schema=_ASSETS))
            kept.save_services(tx, pa.Table.from_pylist(services))

    def _reload(self) -> None:
        """Look whether files have changed, every ``reload_seconds``."""
        now = self._clock.monotonic()
        if self._context is not None and now < self._next_look:
            return
        self._next_look = now + self._settings.enrichment.reload_seconds
        context = self._context
        if context is not None and context.fingerprint != contexts.fingerprint(self._settings.enrichment):
            self._context = None
            context.close()
        self._ready()
        self._load_configured()

    def _load_configured(self) -> None:
        settings = self._settings.enrichment
        if not settings.indicators and not any(s["configured"] for s in kept.indicator_sources(self._store)):
            return
        files = find_files([Path(name).expanduser().absolute() for name in settings.indicators])
        known = {row["source_file"]: row for row in kept.indicator_sources(self._store) if row["configured"]}
        for path in files:
            row = known.pop(str(path), None)
            if row is not None and row["stamp"] == _stamp(path):
                continue
            if self._problems.get(str(path), "").startswith(_stamp(path)):
                continue  # the same bytes would fail again
            try:
                self.load(path, configured=True)
                self._problems.pop(str(path), None)
            except SocTuiError as error:
                self._problems[str(path)] = f"{_stamp(path)} {error}"
        for row in known.values():  # no longer named, or gone
            self.remove(row["source"])

    # -- indicators ------------------------------------------------------------------------------------------------

    def load(
        self, path: Path, form: str = "", *, severity: str = "", column: str = "", configured: bool = False
    ) -> dict[str, Any]:
        """Read a file of indicators and replace what its source had.

        Args:
            path: the file.
            form: stix, misp, list or csv; recognised when empty.
            severity: of indicators that do not tell theirs; the setting's when empty.
            column: the column of a CSV.
            configured: named by the settings.

        Returns:
            The source's row.

        Raises:
            SourceError: the file cannot be read or is of another form; nothing has changed.
        """
        with self._loading:
            stamp = _stamp(path)
            now = naive_utc(self._clock.now())
            parsed = read_indicators(path, form, now=now, column=column)
            if parsed.records and not parsed.indicators.num_rows and parsed.rejected == parsed.records:
                raise SourceError("holds no indicator", source=path, remedy="name its form: --as stix, misp, list, csv")
            load = kept.Load(
                self._name(path), str(path), parsed.format, configured, stamp,
                severity or self._settings.enrichment.indicator_severity, parsed.records, parsed.rejected,
                parsed.skipped, now,
            )  # fmt: skip
            with self._store.transaction("findings") as tx:
                return kept.save_indicators(tx, load, parsed.indicators)

    def remove(self, source: str) -> int:
        """Forget a source by its name or file; returns how many indicators it had.

        Raises:
            UsageError: there is none.
        """
        with self._loading:
            files = {row["source_file"]: row["source"] for row in kept.indicator_sources(self._store)}
            with self._store.transaction("findings") as tx:
                return kept.remove_indicators(tx, files.get(source, source))

    def sources(self) -> Sequence[dict[str, Any]]:
        """Every source with its counts."""
        return kept.indicator_sources(self._store)

    def _name(self, path: Path) -> str:
        """The file's name, or its whole path when another file of that name is loaded."""
        taken = {row["source"]: row["source_file"] for row in kept.indicator_sources(self._store)}
        return path.name if taken.get(path.name, str(path)) == str(path) else str(path)

    # -- status ----------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        problems = [str(error) for error in (self._context.problems if self._context else ())]
        problems += [text.split(" ", 1)[1] for text in self._problems.values()]
        lag = self.lag()
        said = [f"enrichment {lag} events behind"] if lag else []
        said += [f"enrichment: {problems[0]}"] if problems else []
        self._health.note(MODULE, NAME, "; ".join(said))


def _stamp(path: Path) -> str:
    return ":".join(str(part) for part in contexts.stamp(path)[1:])
