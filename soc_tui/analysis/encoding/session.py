"""One source's authentication and web events in time: a token for each event, a window of ``EVENTS`` tokens a row.

Each token says what happened (log-in or request, outcome, method, class of answer), how that stands to what the same
session has already shown (a user, machine or path for the first time; how many of them and how many failures so far)
and how long the source paused before. No name, address or path goes in, so the network learns behaviour and not sites.

A long session is read in overlapping windows and its score is the highest of them; the running counts tell a window
what came before it. Of a session with more than ``MAX_WINDOWS`` windows, evenly spaced ones are read, the first and
the last among them.

``soc-tui score session`` reads one JSON list a line, the events of one source in any order::

    [{"time": "2026-03-01T10:00:00", "kind": "logon", "status": "failure", "user_name": "root", "target": "web1"},
     {"time": 1772359205.5, "kind": "web", "http_method": "GET", "url_path": "/", "http_status": 200}]

``time`` is ISO 8601 or seconds since 1970. ``kind`` is ``logon`` or ``web``; ``class_uid`` (3002 and 4007 are log-ins,
4002 is a request) may stand for it. ``status`` is success, failure or unknown. ``target`` (or ``dst_ip``, ``host``) is
the machine. Also read: ``http_method``, ``http_status``, ``url_path``, ``referrer``, ``repeat`` (how often a syslog
line was folded). What is missing counts as unknown.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from soc_tui.analysis.encoding.base import Encoded, Reasons, entry, named

EVENTS = 64
"""Tokens of a row."""
STRIDE = 48
MAX_WINDOWS = 16

EVENT = pa.struct([
    ("time", pa.float64()), ("kind", pa.string()), ("status", pa.string()), ("user_name", pa.string()),
    ("target", pa.string()), ("http_method", pa.string()), ("http_status", pa.int32()), ("url_path", pa.string()),
    ("referrer", pa.bool_()), ("repeat", pa.int32()),
])  # fmt: skip
"""One event of the column ``events``: ``time`` in seconds, ``referrer`` whether there was one."""
SESSIONS = pa.schema([("events", pa.list_(EVENT))])

METHODS = ("GET", "POST", "HEAD")
_STATIC = r"(?i)\.(?:css|js|png|jpe?g|gif|svg|ico|woff2?|ttf|map|webp|mp4|mp3|pdf)$"
_LOGIN = r"(?i)(?:log-?in|log-?on|sign-?in|auth|session|wp-login|xmlrpc|token)"
_PRIVILEGED = (
    r"(?i)^(?:root|admin\w*|test\w*|guest|oracle|postgres|ubuntu|user|pi|ftp\w*|git|nagios|mysql|support|ubnt)$"
)

FIELDS = (
    "present", "logon", "web", "success", "failure", "user missing", "user new", "user often tried by attackers",
    "users so far", "failures so far", "failures of this user so far", "success of a user that failed",
    "target new", "targets so far", "path new", "paths so far", "pause", "first event", "repeat",
    "method GET", "method POST", "method HEAD", "method other", "answer 2xx", "answer 3xx", "answer 401 or 403",
    "answer 404", "answer 4xx", "answer 5xx", "path static", "path login", "path robots.txt", "referrer",
    "missing paths so far", "events so far", "successes so far",
)  # fmt: skip
"""What the numbers of a token are, in order."""
WIDTH = len(FIELDS)

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) and abs(value) < 1e12 else None
    try:
        moment = datetime.fromisoformat(str(value)[:64])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    return str(value)[:2000].encode("utf-8", "backslashreplace").decode()


def _number(value: object, low: int, high: int) -> int | None:
    try:
        return min(max(int(float(str(value)[:20])), low), high)
    except (ValueError, OverflowError):
        return None


def event(record: dict[str, Any]) -> dict[str, Any]:
    """A record of events, or of a line of ``score session``, as ``EVENT``."""
    uid = record.get("class_uid")
    web = record.get("kind") == "web" or (record.get("kind") is None and uid == 4002)
    return {
        "time": _seconds(record.get("time")), "kind": "web" if web else "logon",
        "status": _text(record.get("status")), "user_name": _text(record.get("user_name")),
        "target": _text(record.get("target") or record.get("dst_ip") or record.get("host")),
        "http_method": _text(record.get("http_method")), "http_status": _number(record.get("http_status"), 0, 999),
        "url_path": _text(record.get("url_path")), "referrer": record.get("referrer") not in (None, "", "-", False),
        "repeat": _number(record.get("repeat"), 1, 100_000),
    }  # fmt: skip


def table(sessions: Sequence[Sequence[dict[str, Any]]]) -> pa.Table:
    """Sessions of records as a table of ``SESSIONS``, events in order of time (those without a time last)."""
    ordered = [
        sorted((event(record) for record in session), key=lambda e: math.inf if e["time"] is None else e["time"])
        for session in sessions
    ]
    return pa.table([pa.array(ordered, pa.list_(EVENT))], schema=SESSIONS)


class SessionEncoding:
    """``base.Encoding`` of the ``session`` model: a table with the column ``events``, one session a row."""

    name = "session"
    risk_type = "intrusion"
    column = "events"

    def table_of(self, values: Sequence[str]) -> tuple[pa.Table, dict[int, str]]:
        """Lines of JSON (see above) as sessions; a line that is no list of objects is refused."""
        sessions: list[list[dict[str, Any]]] = []
        refused: dict[int, str] = {}
        for place, value in enumerate(values):
            found: Any = None
            try:
                found = json.loads(value)
            except (ValueError, RecursionError):
                refused[place] = "no JSON"
            if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
                refused.setdefault(place, "no list of events (objects)")
                found = []
            sessions.append(found)
        return table(sessions), refused

    def encode(self, table: pa.Table) -> Encoded:
        """Windows of tokens; a session without events is one empty row."""
        events, owner = _flat(table)
        tokens = _tokens(events, owner)
        count = np.bincount(owner, minlength=table.num_rows)
        begin = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        windows = [(session, start) for session, events in enumerate(count.tolist()) for start in _starts(events)]
        owners, starts = np.array(windows, np.int64).reshape(-1, 2).T
        places = (begin[owners] + starts)[:, None] + np.arange(EVENTS)  # (windows, EVENTS)
        real = places < begin[owners + 1][:, None]
        rows = np.zeros((len(windows), EVENTS, WIDTH), np.float32)
        rows[real] = tokens[places[real]]
        return Encoded(rows, owners, starts)

    def explain(self, table: pa.Table, encoded: Encoded, rows: Longs, weights: NDArray[np.float32]) -> list[Reasons]:
        """The events of :func:`base.named` as ``event N`` of the session, counted from 1 in order of time."""
        owners = encoded.owner[rows]
        told = np.unique(owners)  # sessions are long, and few of many are explained
        events = table["events"].take(pa.array(told)).to_pylist() if "events" in table.column_names else []
        sessions = dict(zip(told.tolist(), events, strict=False))
        out = []
        for row, weight in zip(rows.tolist(), weights, strict=True):
            shown = sessions.get(int(encoded.owner[row])) or []
            start, summed = int(encoded.start[row]), np.asarray(weight, np.float64).sum(1)
            real = min(len(shown) - start, EVENTS)
            best = [i for i in named(summed[None, :real])[0].tolist() if summed[i]]  # nobody has tried the others
            out.append([entry(f"event {start + i + 1}", described(shown[start + i]), summed[i]) for i in best])
        return out


def described(record: dict[str, Any] | None) -> str:
    """One event in words, as the log has them."""
    if not record:
        return ""
    if record.get("kind") == "web":
        words = [record.get("http_method"), record.get("url_path"), record.get("http_status")]
    else:
        words = ["log-in", record.get("status"), record.get("user_name"), record.get("target")]
    return " ".join(str(word)[:200] for word in words if word is not None)


def _starts(events: int) -> list[int]:
    if events <= EVENTS:
        return [0]
    starts = [*range(0, events - EVENTS, STRIDE), events - EVENTS]
    if len(starts) <= MAX_WINDOWS:
        return starts
    return [starts[i] for i in np.linspace(0, len(starts) - 1, MAX_WINDOWS).round().astype(int).tolist()]


def _flat(table: pa.Table) -> tuple[pa.Table, Longs]:
    """All events one below the other, as the columns of ``EVENT``, and the session of each."""
    nothing = pa.table({field.name: pa.array([], field.type) for field in EVENT}), np.zeros(0, np.int64)
    if "events" not in table.column_names or table.num_rows == 0:
        return nothing
    lists = table["events"].combine_chunks()
    lists = pa.concat_arrays(lists.chunks) if isinstance(lists, pa.ChunkedArray) else lists
    lengths = np.asarray(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False), np.int64)
    flat = lists.flatten()
    if not pa.types.is_struct(flat.type):
        return nothing
    known = {field.name: flat.field(i) for i, field in enumerate(flat.type)}
    columns = [
        known[f.name].cast(f.type, safe=False) if f.name in known else pa.nulls(len(flat), f.type) for f in EVENT
    ]
    valid = flat.is_valid()
    cleared = [pc.if_else(valid, column, pa.scalar(None, column.type)) for column in columns]
    return pa.table(cleared, names=[f.name for f in EVENT]), np.repeat(np.arange(len(lengths)), lengths)


def _log(values: Doubles, high: float) -> Doubles:
    """0 at 0, 1 at ``high`` and beyond."""
    return np.minimum(np.log1p(np.maximum(values, 0)) / math.log1p(high), 1.0)


def _before(owner: Longs, amounts: NDArray[Any]) -> Doubles:
    """Sum of the amounts of the same key in earlier rows; equal keys need not stand together."""
    order = np.argsort(owner, kind="stable")
    keys, sums = owner[order], np.concatenate([[0.0], np.cumsum(amounts[order])])
    first = np.searchsorted(keys, keys)
    out = np.empty(len(owner))
    out[order] = sums[:-1] - sums[first]
    return out


class _Coded(NamedTuple):
    """A column by its distinct values: logs repeat themselves, and patterns cost per value."""

    codes: Longs
    """Of each row the number of its value, counted from 1; 0 for a null."""
    values: pa.Array

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Self:
        found = column.combine_chunks().dictionary_encode()
        found = pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found
        codes = np.asarray(found.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64) + 1
        return cls(codes, found.dictionary)

    def matches(self, pattern: str) -> Flags:
        found = pc.match_substring_regex(self.values, pattern).to_numpy(zero_copy_only=False)
        return np.append(False, np.asarray(found, bool))[self.codes]

    def of_session(self, owner: Longs) -> tuple[Flags, Longs]:
        """Whether a row is its session's first with this value (a null never is), and a key per session and value."""
        key = owner * (int(self.codes.max(initial=0)) + 1) + self.codes
        first = np.zeros(len(owner), bool)
        first[np.unique(key, return_index=True)[1]] = True
        return first & (self.codes > 0), key


def _is(column: pa.ChunkedArray, *values: str) -> Flags:
    return np.asarray(pc.is_in(column, pa.array(values)).to_numpy(zero_copy_only=False), bool)


def _tokens(events: pa.Table, owner: Longs) -> NDArray[np.float32]:
    """The numbers of each event (events, WIDTH); sessions stand together, each in order of time."""
    rows = len(owner)
    if rows == 0:
        return np.zeros((0, WIDTH), np.float32)
    ones = np.ones(rows)
    web = _is(events["kind"], "web")
    answer = np.asarray(events["http_status"].fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    repeat = np.clip(np.asarray(events["repeat"].fill_null(1).to_numpy(zero_copy_only=False), np.float64), 1, 1e5)
    refused = web & np.isin(answer, (401, 403))
    success = ~web & _is(events["status"], "success")
    failure = (~web & _is(events["status"], "failure")) | (web & (answer == 401))
    users, paths = _Coded.of(events["user_name"]), _Coded.of(events["url_path"])
    new_user, user = users.of_session(owner)
    no_user = users.codes == 0
    new_target, _ = _Coded.of(events["target"]).of_session(owner)
    new_path, _ = paths.of_session(owner)
    missing = web & np.isin(answer, (400, 403, 404, 405, 410))
    failed_before = _before(user, failure * repeat)
    time = np.asarray(events["time"].to_numpy(zero_copy_only=False), np.float64)
    first = np.concatenate([[True], owner[1:] != owner[:-1]])
    pause = np.nan_to_num(np.concatenate([[0.0], np.diff(time)]), nan=0.0, posinf=0.0, neginf=0.0)
    method = events["http_method"]
    columns: dict[str, NDArray[Any]] = {
        "present": ones, "logon": ~web, "web": web, "success": success, "failure": failure, "user missing": no_user,
        "user new": new_user, "user often tried by attackers": users.matches(_PRIVILEGED),
        "users so far": _log(_before(owner, new_user) + new_user, 100),
        "failures so far": _log(_before(owner, failure * repeat), 100),
        "failures of this user so far": _log(np.where(no_user, 0.0, failed_before), 100),
        "success of a user that failed": np.where(success & ~no_user, _log(failed_before, 100), 0.0),
        "target new": new_target, "targets so far": _log(_before(owner, new_target) + new_target, 100),
        "path new": new_path, "paths so far": _log(_before(owner, new_path) + new_path, 1000),
        "pause": np.where(first, 0.0, _log(pause * 10, 36_000)), "first event": first, "repeat": _log(repeat - 1, 100),
        **{f"method {name}": web & _is(method, name) for name in METHODS},
        "method other": web & ~_is(method, *METHODS),
        "answer 2xx": answer // 100 == 2, "answer 3xx": answer // 100 == 3, "answer 401 or 403": refused,
        "answer 404": answer == 404, "answer 4xx": (answer // 100 == 4) & ~refused & (answer != 404),
        "answer 5xx": answer // 100 == 5, "path static": paths.matches(_STATIC),
        "path login": paths.matches(_LOGIN), "path robots.txt": _is(events["url_path"], "/robots.txt"),
        "referrer": np.asarray(events["referrer"].fill_null(False).to_numpy(zero_copy_only=False), bool),
        "missing paths so far": _log(_before(owner, missing & new_path), 100),
        "events so far": _log(_before(owner, ones), 1000), "successes so far": _log(_before(owner, success), 100),
    }  # fmt: skip
    out = np.stack([np.asarray(columns[name], np.float32) for name in FIELDS], axis=1)
    return np.asarray(np.round(np.clip(out, 0, 1) * 64) / 64, np.float32)


ENCODING = SessionEncoding()
