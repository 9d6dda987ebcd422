"""A tamper-evident chain of what was done: every record's hash covers the record before it.

``hash = sha256(prev_hash + canonical JSON of the record)``, the first ``prev_hash`` being :data:`GENESIS`. Whoever
changes, drops, inserts or reorders a record breaks every hash after it. Cutting off the tail breaks nothing inside the
chain, so :func:`verify` also takes the head that somebody remembers (a printed report, a backup, another machine).
The chain proves *that* the past was changed; it cannot stop an attacker who owns the file and rewrites all of it,
which is what the remembered head is for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from soc_tui.core.clock import naive_utc

GENESIS = "0" * 64
"""The ``prev_hash`` of the first record."""


@dataclass(frozen=True)
class AuditRecord:
    """One row of the table ``audit``."""

    seq: int
    """1 for the first record, without gaps."""
    time: datetime
    """UTC without a zone, to the microsecond, as the store keeps it."""
    actor: str
    verb: str
    subject: str
    detail: str
    """Canonical JSON (see :func:`canonical`), kept as text so that its bytes never change."""
    prev_hash: str
    hash: str

    def as_dict(self) -> dict[str, Any]:
        """A row for the store."""
        return asdict(self)


@dataclass(frozen=True)
class AuditReport:
    """What :func:`verify` found."""

    ok: bool
    count: int
    """Records that verify, counted from the first."""
    first_bad_seq: int | None
    """The sequence number at which the chain breaks; None when it does not."""
    reason: str
    """Why, in words; empty when all is well."""
    head: str
    """The hash of the last record that verifies (:data:`GENESIS` for an empty chain)."""


def canonical(value: object) -> str:
    """JSON with one spelling per value: keys sorted, no spaces, ASCII only, no NaN.

    Raises:
        ValueError: NaN or an infinity.
        TypeError: something JSON has no word for.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def chain_hash(prev_hash: str, seq: int, time: datetime, *, actor: str, verb: str, subject: str, detail: str) -> str:
    """The sha256 (lower-case hex) that binds a record to the one before it."""
    body = canonical(
        {
            "seq": seq,
            "time": naive_utc(time).isoformat(timespec="microseconds"),
            "actor": actor,
            "verb": verb,
            "subject": subject,
            "detail": detail,
        }
    )
    return hashlib.sha256((prev_hash + body).encode("ascii")).hexdigest()


def record(
    prev_hash: str, seq: int, time: datetime, actor: str, verb: str, *, subject: str, detail: Mapping[str, Any] | str
) -> AuditRecord:
    """The next record of a chain.

    Args:
        prev_hash: the hash of the record before, or :data:`GENESIS`.
        seq: the number of the record before plus one, from 1.
        time: when it was done; a zone is turned into UTC.
        actor: who did it.
        verb: what was done, e.g. ``block-ip.apply``.
        subject: to what, e.g. ``A12`` or an address.
        detail: anything JSON can say; text is kept as it is.
    """
    text = detail if isinstance(detail, str) else canonical(detail)
    moment = naive_utc(time)
    digest = chain_hash(prev_hash, seq, moment, actor=actor, verb=verb, subject=subject, detail=text)
    return AuditRecord(seq, moment, actor, verb, subject, text, prev_hash, digest)


def verify(
    records: Iterable[AuditRecord | Mapping[str, Any]],
    *,
    expected_head: str | None = None,
    prev_hash: str = GENESIS,
    first_seq: int = 1,
) -> AuditReport:
    """Check a chain from its first record to its last.

    Args:
        records: rows in the order of ``seq``; read once, so a cursor will do.
        expected_head: the hash the chain must contain as its last one; without it a cut tail cannot be seen.
        prev_hash: the hash before the first of ``records``, when only a part is checked.
        first_seq: the sequence number of the first of ``records``.

    Returns:
        A report; ``first_bad_seq`` is the number the chain should have had at the place where it breaks.
    """
    head, seq = prev_hash, first_seq - 1
    for row in records:
        item = row.as_dict() if isinstance(row, AuditRecord) else row
        seq += 1
        reason = _fault(item, head, seq)
        if reason:
            return AuditReport(False, seq - first_seq, seq, reason, head)
        head = str(item["hash"])
    count = seq - first_seq + 1
    if expected_head is not None and head != expected_head:
        reason = "the chain ends elsewhere than at the expected head: records were cut off or rewritten"
        return AuditReport(False, count, seq + 1, reason, head)
    return AuditReport(True, count, None, "", head)


def _fault(item: Mapping[str, Any], head: str, seq: int) -> str:
    """Why a record cannot follow ``head``; empty when it can."""
    try:
        if item["seq"] != seq:
            return f"record {seq} is missing or out of order: {item['seq']!r} stands in its place"
        if item["prev_hash"] != head:
            return "the record does not follow the one before it"
        words: dict[str, Any] = {name: item[name] for name in ("actor", "verb", "subject", "detail")}
        if not all(isinstance(value, str) for value in words.values()) or not isinstance(item["time"], datetime):
            return "a column is of another type than it was written with"
        if chain_hash(head, seq, item["time"], **words) != item["hash"]:
            return "the record was changed after it was written"
    except KeyError as error:
        return f"column {error} is missing"
    return ""
