"""Whole days of events in Parquet files beside the database, read by the same queries, and what is deleted when.

A day moves class by class: the rows are written to a file of another name, flushed to the disk, compared with the
table as a whole, and renamed to the file's own name; then, in one transaction, the day's rows are deleted from the
table and its files recorded in ``archived_days``. The view ``events`` reads only recorded files, so wherever a crash
falls each event is there exactly once: before the transaction in the table, after it in the file. Files that no record
names are left-overs; they go at the next start. A file is never changed: events that come late for an archived day make
another file of that day.

Layout: ``class=<class_uid>/date=<YYYY-MM-DD>/events-<first id>-<last id>.parquet``, zstd, in order of ``event_id``,
with every column of ``events``; the class of events without one is 0. The UTC day is that of the event's own time.
Events without a time belong to no day and stay in the table.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from soc_tui.core.clock import Clock, naive_utc
from soc_tui.core.errors import StoreError
from soc_tui.core.settings import StoreSettings
from soc_tui.store.database import Store, Transaction, store_error
from soc_tui.store.intake import ARCHIVE
from soc_tui.store.tables import TABLES

FILE_ROWS = 500_000
"""The most rows of one file: bounds the memory of sorting and the length of a transaction."""
GROUP_ROWS = 40_960
"""Rows of a Parquet row group: what a look-up of one event has to read."""
MOST_SCORES = 1_000_000
"""Harmless values that a network has scored are a cache; beyond this many they are forgotten."""

_DUE = """
SELECT time::DATE AS day, class_uid, count(*) AS "rows", min(event_id) AS low FROM events_hot
WHERE time < $before AND event_id <= $up_to GROUP BY ALL ORDER BY day, class_uid NULLS FIRST
"""
_MINE = "time >= $day AND time < $next AND class_uid IS NOT DISTINCT FROM $class_uid"
_LAST_OF_FILE = f"""
SELECT count(*) AS "rows", min(event_id) AS low, max(event_id) AS high, min(time) AS time_from, max(time) AS time_to
FROM (SELECT event_id, time FROM events_hot WHERE {_MINE} AND event_id BETWEEN $low AND $up_to
      ORDER BY event_id LIMIT $most)
"""  # noqa: S608 - our own text
_ROWS = f"SELECT * FROM events_hot WHERE {_MINE} AND event_id BETWEEN $low AND $high"  # noqa: S608 - our own text
# The rows as a set: their number and the sum of a 64-bit hash over every column. xor would not see a row doubled.
_SUM = 'SELECT count(*) AS "rows", sum(hash(r))::VARCHAR AS sum FROM ({rows}) r'
_RECORD = """
INSERT INTO archived_days VALUES
    ($path, $class_uid, $day, $rows, $bytes, $low, $high, $time_from, $time_to, $width, $sha256, $now)
"""
_FORGET_SCORES = """
DELETE FROM scores WHERE model = 'query' AND label = 'benign'
    AND (SELECT count(*) FROM scores WHERE model = 'query' AND label = 'benign') > $most
"""


@dataclass(frozen=True)
class Moved:
    """What one step of :func:`move_days` did."""

    path: str
    """The file, relative to the archive folder."""
    day: date
    class_uid: int | None
    rows: int


@dataclass(frozen=True)
class Damage:
    """What :func:`verify` found wrong with one file."""

    path: str
    problem: str


def move_days(
    store: Store, settings: StoreSettings, clock: Clock, *, up_to: int, step: Callable[[str], None] = lambda _: None
) -> Iterator[Moved]:
    """Move every day that is old enough, oldest first, one day a transaction.

    Args:
        store: the workspace.
        settings: ``archive_days``; with 0 nothing moves.
        clock: what today is.
        up_to: the last event that may move: what detection has not examined yet is better read from the table.
        step: called with the name of each step before it is done; tests raise in it.

    Yields:
        Each file after its day's transaction has committed. The caller may stop at any of them.

    Raises:
        StoreError: a file could not be written or did not hold what the table holds; the events stay in the table.
    """
    if settings.archive_days <= 0:
        return
    if store.look_for_files():
        raise StoreError(
            f"{len(store.missing)} archived files are missing; nothing more is moved there",
            source=store.archive, remedy="mount the archive's disk again, or see soc-tui archive verify",
        )  # fmt: skip
    before = _midnight(clock) - timedelta(days=settings.archive_days)
    due = store.sql(_DUE, {"before": before, "up_to": up_to}).to_pylist()
    for day, classes in groupby(due, key=lambda row: row["day"]):
        try:
            files = []
            for row in classes:
                low, left = row["low"], row["rows"]
                while left > 0:
                    files.append(_prepare(store, day, row["class_uid"], low, up_to, step))
                    low, left = files[-1]["high"] + 1, left - files[-1]["rows"]
            step("commit")
            _commit(store, files, clock, step)
        except OSError as error:
            raise store_error(store.archive, error) from error
        step("committed")
        for file in files:
            yield Moved(file["path"], day, file["class_uid"], file["rows"])


def _prepare(
    store: Store, day: date, class_uid: int | None, low: int, up_to: int, step: Callable[[str], None]
) -> dict[str, Any]:
    """Write one file, compare it with the table and give it its name; returns its record."""
    begin = datetime(day.year, day.month, day.day)
    mine: dict[str, Any] = {"day": begin, "next": begin + timedelta(days=1), "class_uid": class_uid, "low": low}
    span = store.sql(_LAST_OF_FILE, {**mine, "up_to": up_to, "most": FILE_ROWS}).to_pylist()[0]
    mine |= {"low": span["low"], "high": span["high"]}
    name = f"class={class_uid or 0}/date={day.isoformat()}/events-{span['low']}-{span['high']}.parquet"
    target = store.archive / name
    unfinished = target.with_name(f".{target.name}.writing")
    _make_folder(store.archive, target.parent)
    step("write")
    _write(store, unfinished, mine)
    step("flush")
    _flush(unfinished)
    step("compare")
    width = _compare(store, unfinished, mine)
    digest, size = _sha256(unfinished), unfinished.stat().st_size
    step("rename")
    unfinished.rename(target)
    _flush(target.parent)
    return {**mine, **span, "path": name, "bytes": size, "width": width, "sha256": digest}


def _commit(store: Store, files: list[dict[str, Any]], clock: Clock, step: Callable[[str], None]) -> None:
    """The moment at which a day's events stop being rows of the table and become files."""
    with store.transaction() as tx:
        for file in files:
            for table in TABLES:
                tx.execute(f"DELETE FROM {table} WHERE {_MINE} AND event_id BETWEEN $low AND $high", file)  # noqa: S608
            tx.execute(_RECORD, {**file, "now": naive_utc(clock.now())})
        _note_highest(tx, max(file["high"] for file in files))
        tx.refresh_events()
        step("committing")


def _write(store: Store, file: Path, mine: dict[str, Any]) -> None:
    # COPY takes no parameters where it takes a query with them, so the values, all numbers and dates, are written out.
    copied = f"COPY ({_literal(_ROWS, mine)} ORDER BY event_id) TO '{_escaped(file)}'"
    store.run(f"{copied} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP_ROWS})")


def _compare(store: Store, file: Path, mine: dict[str, Any]) -> int:
    """Read the file back and hold it against the table, before anything is deleted; returns its number of columns."""
    written = f"SELECT * FROM read_parquet('{_escaped(file)}', hive_partitioning = false)"  # noqa: S608 - escaped
    kept = store.sql(_SUM.format(rows=_ROWS), mine).to_pylist()
    found = store.sql(_SUM.format(rows=written)).to_pylist()
    if kept != found:
        raise StoreError(
            f"the file written for the archive does not hold what the table holds ({found} instead of {kept})",
            source=file, remedy="check the disk of the archive; the events stay in the database",
        )  # fmt: skip
    return len(store.sql(f"{written} LIMIT 0").column_names)


def _note_highest(tx: Transaction, event_id: int) -> None:
    tx.execute(
        "INSERT INTO checkpoints VALUES ($name, $event_id)"
        " ON CONFLICT (name) DO UPDATE SET event_id = greatest(checkpoints.event_id, excluded.event_id)",
        {"name": ARCHIVE, "event_id": event_id},
    )


# -- retention -------------------------------------------------------------------------------------------------------


def delete_days(store: Store, settings: StoreSettings, clock: Clock) -> list[str]:
    """Forget archived days, and rejects, that are older than ``retention_days``, and scores beyond a bound.

    Alerts, incidents and the audit chain stay; the evidence of an alert whose events are gone is read from its source
    as long as that exists. The files stay on the disk until :func:`remove_leftovers`, for queries that read them now.

    Returns:
        The files that are no longer part of ``events``, relative to the archive folder.
    """
    gone: list[str] = []
    if settings.retention_days > 0:
        before = _midnight(clock) - timedelta(days=settings.retention_days)
        rows = store.sql("SELECT path FROM archived_days WHERE day < $day ORDER BY path", {"day": before.date()})
        gone = rows.column("path").to_pylist()
        with store.transaction() as tx:
            _forget_flows(tx, store, gone)
            tx.execute("DELETE FROM rejects WHERE time < $before", {"before": before})
            tx.execute("DELETE FROM archived_days WHERE day < $day", {"day": before.date()})
            tx.refresh_events()
    with store.transaction() as tx:
        tx.execute(_FORGET_SCORES, {"most": MOST_SCORES})
    return gone


def _forget_flows(tx: Transaction, store: Store, gone: list[str]) -> None:
    """Scores of flows are kept by event; they go with their events."""
    present = [store.archive / path for path in gone if path not in store.missing]
    if present:
        names = ", ".join(f"'{_escaped(path)}'" for path in present)
        ids = f"SELECT event_id::VARCHAR FROM read_parquet([{names}], hive_partitioning = false)"  # noqa: S608 - escaped
        tx.execute(f"DELETE FROM scores WHERE model = 'flow' AND value IN ({ids})")  # noqa: S608 - escaped


def remove_leftovers(store: Store) -> list[str]:
    """Remove files of ours in the archive folder that no record names: unfinished, not committed, past retention.

    Only files with the archive's own names are touched. Call it when no query started before :func:`delete_days`
    can still be running.

    Returns:
        What was removed, relative to the folder.
    """
    recorded = set(store.sql("SELECT path FROM archived_days").column("path").to_pylist())
    removed = []
    for path in sorted(store.archive.glob("class=*/date=*/*")):
        name = path.relative_to(store.archive).as_posix()
        ours = path.name.startswith(("events-", ".events-")) and path.name.endswith((".parquet", ".parquet.writing"))
        if ours and name not in recorded and path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError):  # a folder that may not be written is no reason not to start
                path.unlink()
                removed.append(name)
    for folder in sorted(store.archive.glob("class=*/date=*"), reverse=True):
        with contextlib.suppress(OSError):  # not empty
            folder.rmdir()
    return removed


def give_back(store: Store) -> bool:
    """Let the database file use again, or give back, what deleted rows took.

    DuckDB marks deleted rows; a checkpoint drops row groups (122,880 rows) that are deleted wholly and puts their
    blocks on the free list, which the next inserts are served from. The file itself becomes smaller only by free blocks
    at its very end.

    Returns:
        False when a running query forbids it; the next round, or the closing of the database, does it then.
    """
    return store.checkpoint()


# -- looking ---------------------------------------------------------------------------------------------------------


def archived(store: Store) -> pa.Table:
    """The archived days, newest first: day, classes, files, rows, bytes, first and last id, files that are missing."""
    return store.read("archived", {"missing": sorted(store.missing)})


def verify(store: Store, step: Callable[[str], None] = lambda _: None) -> list[Damage]:
    """Read every recorded file again and hold it against its record: sha256 and, where that differs, why.

    Args:
        store: the workspace.
        step: called with each file before it is read.
    """
    damaged = []
    for row in store.sql("SELECT path, bytes, sha256 FROM archived_days ORDER BY day, path").to_pylist():
        path = store.archive / row["path"]
        step(row["path"])
        try:
            size = path.stat().st_size
            if size != row["bytes"]:
                damaged.append(Damage(row["path"], f"has {size} bytes instead of {row['bytes']}"))
            elif _sha256(path) != row["sha256"]:
                damaged.append(Damage(row["path"], "was changed: its sha256 is not the recorded one"))
        except FileNotFoundError:
            damaged.append(Damage(row["path"], "is missing"))
        except OSError as error:
            damaged.append(Damage(row["path"], f"cannot be read: {error.strerror}"))
    return damaged


# -- files -----------------------------------------------------------------------------------------------------------


def _midnight(clock: Clock) -> datetime:
    today = naive_utc(clock.now())
    return today.replace(hour=0, minute=0, second=0, microsecond=0)


def _make_folder(root: Path, folder: Path) -> None:
    """Make a folder and flush the ones that name it, so that it outlives a power cut as the file in it does."""
    made = []
    at = folder
    while not at.is_dir():
        made.append(at)
        if at == root:
            break
        at = at.parent
    for one in reversed(made):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
        _flush(one.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")


def _literal(text: str, values: dict[str, Any]) -> str:
    for name, value in values.items():
        if isinstance(value, datetime):
            written = f"TIMESTAMP '{value.isoformat(' ')}'"
        else:
            written = "NULL" if value is None else str(int(value))
        text = text.replace(f"${name}", written)
    return text
