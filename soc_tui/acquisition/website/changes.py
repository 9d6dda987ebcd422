"""What happened between two looks at an entry, as file events (OCSF class 1001)."""

from __future__ import annotations

import grp
import json
import pwd
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa

from soc_tui.acquisition.website.inventory import Entry, readable
from soc_tui.core.clock import naive_utc
from soc_tui.core.schema import NORMALISED, OcsfClass


class Change(NamedTuple):
    """One thing that happened to one name."""

    activity: str
    """create, update, delete, rename, chmod or chown."""
    entry: Entry
    """As it is now; for a deletion, as it was."""
    previous: Entry | None
    """As it was before."""
    moment_ns: int
    """When it was noticed."""
    found_by: str
    """``inotify``, ``rescan``, or ``start``: it happened while no engine ran."""
    replaced: Entry | None = None
    """Of a renaming: what had that name before."""


def changed(old: Entry | None, new: Entry | None, moment_ns: int, found_by: str) -> list[Change]:
    """The changes that lead from one look at a name to the next; none when nothing that matters differs."""
    if new is None:
        return [] if old is None else [Change("delete", old, old, moment_ns, found_by)]
    if old is None:
        return [Change("create", new, None, moment_ns, found_by)]
    if old.kind != new.kind:
        return [Change("delete", old, old, moment_ns, found_by), Change("create", new, None, moment_ns, found_by)]
    activities = []
    if _written(old, new):
        activities.append("update")
    if (old.uid, old.gid) != (new.uid, new.gid):
        activities.append("chown")
    if old.mode != new.mode:
        activities.append("chmod")
    return [Change(activity, new, old, moment_ns, found_by) for activity in activities]


def moved(old: Entry, entry: Entry, replaced: Entry | None, moment_ns: int) -> Change:
    """A name that became another (``entry`` bears the new one); ``replaced`` is what had that name before."""
    return Change("rename", entry, old, moment_ns, "inotify", replaced)


def _written(old: Entry, new: Entry) -> bool:
    """True when the content is another, or was written again; a new inode or ctime alone says nothing of that.

    A file whose time was set back after it was changed differs in its hash; a directory has no content of its own.
    """
    if new.kind == "directory":
        return False
    if (old.size, old.mtime_ns, old.target) != (new.size, new.mtime_ns, new.target):
        return True
    return bool(old.sha256 and new.sha256 and old.sha256 != new.sha256)


def events_of(changes: Sequence[Change], tree: str, host: str, first: int) -> pa.Table:
    """The changes as events.

    Args:
        changes: in order.
        tree: the tree's path.
        host: this machine's name.
        first: the running number of the first change, which is its ``source_offset``; a change has no bytes, so its
            ``source_length`` is 0.

    Returns:
        Schema :data:`soc_tui.core.schema.NORMALISED`.
    """
    return _table([_row(change, tree, host, first + number) for number, change in enumerate(changes)])


def summary_of(entries: Iterable[Entry], unreadable: Sequence[str], tree: str, host: str, moment_ns: int) -> pa.Table:
    """The one event that a first inventory makes: what lies in the tree, not one event for each of it."""
    counts: dict[str, int] = {}
    total = unhashed = 0
    for entry in entries:
        counts[entry.kind] = counts.get(entry.kind, 0) + 1
        total += entry.size if entry.kind == "file" else 0
        unhashed += bool(entry.note)
    words = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())) or "nothing"
    missing = f"; {unhashed + len(unreadable)} could not be read" if unhashed or unreadable else ""
    extra = {"entries": counts, "bytes": total, "unhashed": unhashed, "not_entered": list(unreadable)[:20]}
    row = {
        **_common(host, 0), "time": _time(moment_ns), "class_uid": OcsfClass.APPLICATION_ACTIVITY,
        "activity": "inventory", "file_path": tree, "extra": json.dumps(extra),
        "message": f"first inventory of {tree}: {words}, {total} bytes{missing}",
    }  # fmt: skip
    return _table([row])


def tree_event(activity: str, tree: str, host: str, number: int, moment_ns: int, why: str) -> pa.Table:
    """The tree itself went away (``delete``) or came back (``create``)."""
    row = {
        **_common(host, number), "time": _time(moment_ns), "activity": activity, "file_path": tree,
        "message": f"{activity} {tree}: {why}", "extra": json.dumps({"kind": "tree"}),
    }  # fmt: skip
    return _table([row])


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    columns = {name: [row.get(name) for row in rows] for name in {key for row in rows for key in row}}
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(len(rows), f.type) for f in NORMALISED
    ]
    return pa.table(arrays, schema=NORMALISED)


def _common(host: str, number: int) -> dict[str, Any]:
    return {
        "class_uid": OcsfClass.FILE_ACTIVITY, "product": "website", "log_name": "files", "source_offset": number,
        "source_length": 0, "host": host, "status": "success", "severity": "info",
    }  # fmt: skip


def _row(change: Change, tree: str, host: str, number: int) -> dict[str, Any]:
    entry, old = change.entry, change.previous
    path, words = f"{tree}/{readable(entry.name)}", ""
    extra: dict[str, Any] = {
        "kind": entry.kind, "size": entry.size, "mode": f"{entry.mode:04o}", "owner": owner(entry.uid),
        "group": group(entry.gid), "mtime": _iso(entry.mtime_ns), "ctime": _iso(entry.ctime_ns), "inode": entry.inode,
        "target": entry.target, "note": entry.note, "found_by": change.found_by,
    }  # fmt: skip
    if old is not None and change.activity != "delete":
        before = {
            "previous_hash": old.sha256, "previous_size": old.size, "previous_mode": f"{old.mode:04o}",
            "previous_owner": owner(old.uid), "previous_group": group(old.gid), "previous_target": old.target,
        }  # fmt: skip
        extra |= before
    match change.activity:
        case "update" if old is not None and old.sha256 and old.sha256 == entry.sha256:
            words = f"written again with the same content, sha256 {entry.sha256}"
        case "update" if old is not None:
            words = f"sha256 {entry.sha256 or '?'} (was {old.sha256 or '?'}), {entry.size} bytes (was {old.size})"
        case "rename" if old is not None:
            extra["previous_path"] = f"{tree}/{readable(old.name)}"
            words = f"was {extra['previous_path']}"
            if change.replaced is not None:
                extra |= {"replaced_hash": change.replaced.sha256, "replaced_size": change.replaced.size}
                words += f"; replaced sha256 {change.replaced.sha256 or '?'}, {change.replaced.size} bytes"
        case "chmod" if old is not None:
            words = f"{entry.mode:04o} (was {old.mode:04o})"
        case "chown" if old is not None:
            words = f"{owner(entry.uid)}:{group(entry.gid)} (was {owner(old.uid)}:{group(old.gid)})"
        case _:
            words = f"{entry.kind}, {entry.size} bytes" + (f", sha256 {entry.sha256}" if entry.sha256 else "")
    # The kernel sets ctime and nobody else can, so it tells when a change was made, unless it lies ahead of the clock.
    told = entry.ctime_ns if change.activity not in {"delete", "rename"} else 0
    return {
        **_common(host, number), "time": _time(told if 0 < told <= change.moment_ns else change.moment_ns),
        "activity": change.activity, "file_path": path, "file_hash": entry.sha256 or None,
        "message": f"{change.activity} {path}: {words}" + (f"; {entry.note}" if entry.note else ""),
        "extra": json.dumps({key: value for key, value in extra.items() if value not in ("", None)}),
    }  # fmt: skip


def _time(moment_ns: int) -> datetime:
    return naive_utc(datetime.fromtimestamp(moment_ns / 1e9, UTC))


def _iso(moment_ns: int) -> str:
    try:
        return _time(moment_ns).isoformat() + "Z" if moment_ns else ""
    except (OverflowError, ValueError, OSError):  # a time that somebody set far out of any range
        return ""


@lru_cache(maxsize=1024)
def owner(uid: int) -> str:
    """The account's name, or its number where it has none here."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@lru_cache(maxsize=1024)
def group(gid: int) -> str:
    """The group's name, or its number where it has none here."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
