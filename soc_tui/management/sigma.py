# ruff: noqa: S608 - texts of our own; what a rule says passes predicates.literal
"""Sigma at work: rules of the workspace over every window of new events, and over the stored ones when rules change.

A rule that is new or has changed, or that a filter now narrows otherwise, is matched with everything that is stored, an
hour of the log at a time; what it no longer finds is taken back. The rules themselves are compiled by
:mod:`soc_tui.detection.sigma` and kept compiled, so this module imports no pySigma.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from soc_tui.core.clock import Clock
from soc_tui.core.errors import SourceError, StoreError
from soc_tui.core.schema import FINDINGS
from soc_tui.detection.kinds import WINDOW
from soc_tui.detection.kinds import kinds as kinds_of
from soc_tui.detection.sigma import matching
from soc_tui.detection.sigma.compiled import STATES, Correlation, Entry, Rule, Ruleset
from soc_tui.detection.sigma.documents import read_bytes, read_folder, rule_files
from soc_tui.detection.sigma.finding import DETECTOR, correlation_sql, findings_sql, verdicts
from soc_tui.detection.sigma.loading import folders_of, keep, load, stamp
from soc_tui.store.database import Store, Transaction
from soc_tui.store.intake import checkpoint
from soc_tui.store.reach import Reach
from soc_tui.store.retraction import reopen, retract

LOOK_SECONDS = 10.0
"""How often the folder of rules is looked at for changes."""
PIECE = timedelta(hours=1)
"""The time of stored events that a changed rule is matched with in one commit."""
FEW = 3_000_000
"""Pairs of a candidate and a literal up to which it pays to leave out the rules whose literals are not there."""
_FIRST, _LAST = datetime(1, 1, 1), datetime(9999, 12, 31)
_Numbered = Mapping[int, Rule]


class Matcher:
    """One set of rules over stretches of the store.

    Args:
        store: the workspace.
        rules: compiled rules.
    """

    def __init__(self, store: Store, rules: Ruleset) -> None:
        self._store = store
        self.rules = rules
        self._numbered: _Numbered = dict(enumerate(rules.rules))
        self._words = matching.words_of(self._numbered)
        self._names = list(matching.by_source(self._numbered))
        self._by_id = {rule.verdict.id: rule for rule in rules.rules}

    def window(self, first: int, last: int, kinds: pa.Table | None = None) -> pa.Table:
        """The findings that events ``first`` to ``last`` bring or change, complete (``core.schema.FINDINGS``).

        Args:
            first: an event.
            last: an event.
            kinds: those of the window (:mod:`soc_tui.detection.kinds`), when somebody has asked already.
        """
        if not self._numbered:
            return FINDINGS.empty_table()
        span = {"first_event_id": first, "last_event_id": last}
        live, found = self._candidates(self._numbered, WINDOW, span, Reach(first, last), kinds)
        if not found.num_rows:
            return FINDINGS.empty_table()
        text = (
            f"SELECT rule, date_trunc('minute', time) AS minute, min(time) AS first, max(time) AS last FROM"
            f" ({matching.matches(live, f'{WINDOW} AND {matching.CANDIDATES}')}) GROUP BY ALL"
        )
        matched = self._store.sql(text, span, {"candidates": found}, Reach(first, last), few=True)
        if not matched.num_rows:
            return FINDINGS.empty_table()
        hit = {number: live[number] for number in sorted(set(matched["rule"].to_pylist()))}
        return pa.concat_tables([self._minutes(hit, found, matched, span), self._correlated(hit, matched, span)])

    def piece(self, time_from: datetime, time_to: datetime, *, timeless: bool = False) -> pa.Table:
        """All findings that begin in a time (whole minutes), or those of the events without one."""
        span = {"time_from": time_from, "time_to": time_to}
        reach = Reach() if timeless else Reach(time_from=time_from, time_to=time_to)
        stretch = matching.TIMELESS if timeless else matching.TIMES
        alerting = {number: rule for number, rule in self._numbered.items() if rule.alerts}
        tables = [FINDINGS.empty_table()]
        if alerting:
            live, found = self._candidates(alerting, stretch, span, reach)
            tables.append(self._findings(live, found, reach))
        for one in () if timeless else self.rules.correlations:
            tables.append(self._correlation(one, time_from, time_to, {"from_time": time_from, "to_time": time_to}))
        return pa.concat_tables(tables)

    def _candidates(
        self, rules: _Numbered, stretch: str, params: Mapping[str, Any], reach: Reach, kinds: pa.Table | None = None
    ) -> tuple[dict[int, Rule], pa.Table]:
        """The rules that can match something in the stretch, and the events that something can match."""
        names = [name for name in self._names if any(rule.source == name for rule in rules.values())]
        if kinds is None:
            kinds = self._store.sql(kinds_of(stretch), params, reach=reach, few=True)
        there = self._store.sql(matching.present(names), None, {"kinds": kinds}, few=True).to_pylist()[0]
        live = {number: rule for number, rule in rules.items() if there[rule.source]}
        if not live:
            return {}, pa.table({"event_id": pa.array([], pa.int64()), "source": pa.array([], pa.string())})
        found = self._store.sql(matching.candidates(live, stretch), params, reach=reach, few=True)
        counts = {row["values"]: row["counts"] for row in found["source"].value_counts().to_pylist()}
        live = {number: rule for number, rule in live.items() if rule.source in counts}
        with_words = {number: rule for number, rule in live.items() if rule.needs}
        cost = sum(counts[rule.source] * len(rule.needs or ()) for rule in with_words.values())
        if 0 < cost <= FEW:
            ids = found["event_id"].to_pylist()
            tables = {"candidates": found, "words": self._words}
            bounds = {"lowest": min(ids), "highest": max(ids)}
            text = matching.wanted(with_words)
            wanted = set(self._store.sql(text, bounds, tables, reach, few=True)["rule"].to_pylist())
            live = {number: rule for number, rule in live.items() if rule.needs is None or number in wanted}
        return live, found

    def _minutes(self, hit: _Numbered, found: pa.Table, matched: pa.Table, span: Mapping[str, Any]) -> pa.Table:
        """The findings of the minutes that the window's matches lie in, with the other events of those minutes."""
        alerting = {number: rule for number, rule in hit.items() if rule.alerts}
        if not alerting:
            return FINDINGS.empty_table()
        minutes = sorted({minute for minute in matched["minute"].to_pylist() if minute is not None})
        low = minutes[0] if minutes else _LAST
        high = minutes[-1] + timedelta(minutes=1) if minutes else _FIRST
        params = {
            **span, "minutes": minutes, "time_from": low, "time_to": high, "timeless": matched["minute"].null_count > 0,
        }  # fmt: skip
        reach = Reach(span["first_event_id"], span["last_event_id"], (), low, high)
        _, others = self._candidates(alerting, matching.MINUTES, params, reach)
        return self._findings(alerting, pa.concat_tables([found, others]), reach)

    def _findings(self, rules: _Numbered, found: pa.Table, reach: Reach) -> pa.Table:
        if not rules or not found.num_rows:
            return FINDINGS.empty_table()
        tables = {"candidates": found, "verdicts": verdicts({number: rule.verdict for number, rule in rules.items()})}
        ids = found["event_id"]
        wider = replace(reach, event_ids=ids.to_pylist()) if self._store.has_archive else reach
        return _typed(self._store.sql(findings_sql(rules), None, tables, wider, few=True))

    def _correlated(self, hit: _Numbered, matched: pa.Table, span: Mapping[str, Any]) -> pa.Table:
        ids = {rule.verdict.id for rule in hit.values()}
        firsts = [time for time in matched["first"].to_pylist() if time is not None]
        lasts = [time for time in matched["last"].to_pylist() if time is not None]
        tables = [FINDINGS.empty_table()]
        for one in self.rules.correlations:
            if firsts and ids & set(one.rules):
                params = {**span, "from_time": _FIRST, "to_time": _LAST}
                tables.append(self._correlation(one, min(firsts), max(lasts), params))
        return pa.concat_tables(tables)

    def _correlation(self, one: Correlation, low: datetime, high: datetime, params: Mapping[str, Any]) -> pa.Table:
        rules = [self._by_id[rule_id] for rule_id in one.rules]
        around = timedelta(seconds=3 * one.seconds)
        begin, end = _moved(low, -around), _moved(high, around + timedelta(microseconds=1))
        span, reach = {"time_from": begin, "time_to": end}, Reach(time_from=begin, time_to=end)
        _, found = self._candidates(dict(enumerate(rules)), matching.TIMES, span, reach)
        if not found.num_rows:
            return FINDINGS.empty_table()
        text = correlation_sql(one, rules, window="first_event_id" in params)
        tables = {"candidates": found, "verdicts": verdicts({0: one.verdict})}
        values = {**params, "seconds": one.seconds, "least": one.least}
        return _typed(self._store.sql(text, values, tables, reach, few=True))


class Sigma:
    """The rules of a workspace and what is still to be done with them.

    Args:
        store: the workspace.
        home: the folder of its rules (``knowledge/sigma``).
        clock: for looking at the folder from time to time.
        commit: keeps findings inside a transaction (``Pipeline.commit``).
        on_change: called after a commit that changed alerts.
    """

    def __init__(
        self,
        store: Store,
        home: Path,
        clock: Clock,
        commit: Callable[[Transaction, pa.Table], bool],
        on_change: Callable[[], None],
    ) -> None:
        self._store, self.home, self._clock = store, home, clock
        self._commit, self._on_change = commit, on_change
        self._lock = threading.RLock()
        self._matcher: Matcher | None = None
        self._stamp = ""
        self._next_look = 0.0
        self._state = _State(home)

    @property
    def rules(self) -> Ruleset:
        """The rules in use."""
        return self._ready().rules

    def findings(self, first: int, last: int, kinds: pa.Table | None = None) -> pa.Table:
        """What the rules find in a window of new events; see :meth:`Matcher.window`."""
        return self._ready().window(first, last, kinds)

    def pending(self) -> int:
        """Rules that are not yet matched with all stored events."""
        return len(self._state.pending)

    def look(self) -> None:
        """Load the rules again when a file has changed."""
        if self._clock.monotonic() >= self._next_look:
            self._ready()

    def reload(self) -> Ruleset:
        """Load the rules now; what is new or has changed waits for :meth:`hunt`."""
        with self._lock:
            self._next_look = 0.0
            return self._ready().rules

    def rerun(self, ids: Sequence[str]) -> list[str]:
        """Match rules with all stored events again: those named, or all; returns their ids."""
        with self._lock:
            known = self._ready().rules.fingerprints()
            chosen = [one for one in known if not ids or any(one.startswith(start) for start in ids)]
            self._state.wait_for(chosen)
            return chosen

    def hunt(self) -> bool:
        """One piece of the stored events with the rules that wait for it; False when none does."""
        with self._lock:
            ids = [one for one in self._ready().rules.fingerprints() if one in self._state.pending]
            if not ids:
                self._state.done()
                return False
            matcher = Matcher(self._store, self._ready().rules.only(set(ids)))
            begin, end = self._next_piece()
            timeless = begin is None
            low, high = begin or _FIRST, end or _FIRST
            findings = matcher.piece(low, high, timeless=timeless)
            with self._store.transaction("findings") as tx:
                taken_back = retract(tx, DETECTOR, ids, findings, low, high, timeless=timeless)
                reopen(tx, findings)
                changed = self._commit(tx, findings) or taken_back > 0
            if timeless:
                self._state.done()
            else:
                self._state.come_to(high)
        if changed:
            self._on_change()
        return True

    def _next_piece(self) -> tuple[datetime | None, datetime | None]:
        """The next time that has events, a whole piece; None: all are through but for those without a time."""
        begin = self._state.come or _FIRST
        text = "SELECT min(time) AS low FROM events WHERE time >= $begin"
        low = self._store.sql(text, {"begin": begin}, reach=Reach(time_from=begin)).to_pylist()[0]["low"]
        if low is None:
            return None, None
        start = max(low.replace(minute=0, second=0, microsecond=0), begin)
        return start, _moved(start, PIECE)

    def _ready(self) -> Matcher:
        with self._lock:
            now = self._clock.monotonic()
            if self._matcher is not None and now < self._next_look:
                return self._matcher
            self._next_look = now + LOOK_SECONDS
            current = stamp(folders_of(self.home))
            if self._matcher is None or current != self._stamp:
                self._stamp = current
                rules = load(self.home)
                checked = rules if rules.checked else usable(self._store, rules)
                if checked is not rules:
                    keep(self.home, checked)
                self._matcher = Matcher(self._store, checked)
                fresh = checkpoint(self._store, "detection") == 0
                self._state.loaded(checked.fingerprints(), nothing_seen=fresh)
            return self._matcher


def usable(store: Store, rules: Ruleset) -> Ruleset:
    """The rules without those that the database refuses; their entries say why."""
    if _refusal(store, dict(enumerate(rules.rules))) is None:
        return replace(rules, checked=True)
    bad: dict[str, str] = {}
    for number, rule in enumerate(rules.rules):
        why = _refusal(store, {number: rule})
        if why is not None:
            bad[rule.verdict.id] = why
    broken = {
        one.verdict.id: "rests on a rule that the database refuses"
        for one in rules.correlations
        if bad.keys() & set(one.rules)
    }
    bad |= broken
    entries = tuple(
        replace(entry, state="damaged", why=bad[entry.rule])
        if entry.rule in bad and entry.state == "converted"
        else entry
        for entry in rules.entries
    )
    return replace(
        rules,
        checked=True,
        rules=tuple(rule for rule in rules.rules if rule.verdict.id not in bad),
        correlations=tuple(one for one in rules.correlations if one.verdict.id not in bad),
        entries=entries,
    )


def _refusal(store: Store, numbered: _Numbered) -> str | None:
    if not numbered:
        return None
    try:
        store.sql(matching.matches(numbered, "event_id < 0"), few=True)
    except StoreError as error:
        return f"the database refuses it: {error.message[:200]}"
    return None


def adopt(home: Path, folder: Path) -> tuple[str, int]:
    """Copy the rule files of a folder into the workspace, in place of what came from a folder of that name before.

    A file in which no document is a rule is left out.

    Returns:
        The name of the set, and how many files it has.

    Raises:
        SourceError: the folder cannot be read, holds no rule, or is the workspace's own.
    """
    if not folder.exists():
        raise SourceError("does not exist", source=folder, remedy="name a folder with Sigma rules (*.yml)")
    if folder.resolve().is_relative_to(home.resolve()) or home.resolve().is_relative_to(folder.resolve()):
        raise SourceError(
            "is, or holds, the workspace's own folder of rules", source=folder, remedy="name another folder"
        )
    documents, _ = read_folder(folder)
    sound = {document.place.file for document in documents}
    name = (
        re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().stem if folder.is_file() else folder.resolve().name).strip(
            ".-"
        )
        or "rules"
    )
    if not sound:
        raise SourceError("holds no Sigma rule", source=folder, remedy="name a folder with Sigma rules (*.yml)")
    root = folder.parent if folder.is_file() else folder
    part = home / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in rule_files(folder):
            relative = path.relative_to(root)
            if str(relative) in sound:
                copy = part / relative
                copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                copy.write_bytes(read_bytes(path))
        shutil.rmtree(home / name, ignore_errors=True)
        part.rename(home / name)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise SourceError(f"cannot be copied: {error}", source=folder, remedy="check owner and free space") from error
    return name, len(sound)


def adopt_rules(sigma: Sigma, folder: Path) -> dict[str, Any]:
    """:func:`adopt` for rules in use: they are loaded, and what the folder came to is told.

    Returns:
        ``set``, ``files``, ``converted``, ``not_applicable``, ``damaged``, and the entries of what was not converted.

    Raises:
        SourceError: as :func:`adopt`.
    """
    _, unreadable = read_folder(folder) if folder.exists() else ([], [])
    name, files = adopt(sigma.home, folder)
    entries = [entry for entry in sigma.reload().entries if entry.set == name]
    known = {(entry.file, entry.line) for entry in entries}
    entries += [
        Entry("", "", "damaged", one.why, one.place.file, one.place.line, "file", set=name)
        for one in unreadable if (one.place.file, one.place.line) not in known
    ]  # fmt: skip
    counts = {
        state.replace(" ", "_"): sum(e.state == state and e.kind != "filter" for e in entries) for state in STATES
    }
    filters = sum(entry.kind == "filter" for entry in entries)
    others = [entry.shown() for entry in entries if entry.state != "converted"]
    return {"set": name, "files": files, **counts, "filters": filters, "entries": others}


class _State:
    """Which rules the stored events have been matched with, kept in a small file beside the rules."""

    def __init__(self, home: Path) -> None:
        self._file = home / ".state.json"
        self._known: dict[str, str] = {}
        self.pending: list[str] = []
        self.come: datetime | None = None
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            data = json.loads(self._file.read_text(encoding="utf-8"))
            self._known = {str(name): str(mark) for name, mark in data["known"].items()}
            self.pending = [str(name) for name in data["pending"]]

    def loaded(self, fingerprints: Mapping[str, str], *, nothing_seen: bool) -> None:
        """Rules were loaded: what is new or another than before waits, unless no event has been examined yet."""
        changed = [name for name, mark in fingerprints.items() if self._known.get(name) != mark]
        known, self._known = self._known, dict(fingerprints)
        waiting = [] if nothing_seen else changed
        still = [name for name in self.pending if name in fingerprints]
        if waiting or still != self.pending or known != self._known:
            self.wait_for([*still, *waiting])

    def wait_for(self, ids: Sequence[str]) -> None:
        """Some rules shall be matched with everything, from the beginning."""
        self.pending = list(dict.fromkeys([*self.pending, *ids]))
        self.come = None
        self._save()

    def come_to(self, time: datetime) -> None:
        """All events before a time are done; not kept, because to begin again changes nothing."""
        self.come = time

    def done(self) -> None:
        """Nothing waits."""
        if self.pending or self.come:
            self.pending, self.come = [], None
            self._save()

    def _save(self) -> None:
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.write_text(json.dumps({"known": self._known, "pending": self.pending}), encoding="utf-8")


def _moved(time: datetime, by: timedelta) -> datetime:
    try:
        return time + by
    except OverflowError:
        return _FIRST if by < timedelta() else _LAST


def _typed(found: pa.Table) -> pa.Table:
    return found.select(FINDINGS.names).cast(FINDINGS)
