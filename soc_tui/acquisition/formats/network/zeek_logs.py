"""The sections of ``zeek_events.sql``: what each Zeek log gives, put together into one query per log."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from soc_tui.acquisition.formats.network import sections

_FILE = "network/zeek_events"
_FIELD = re.compile(r'\bz\.(?:"([^"]+)"|(\w+))')

LISTS: dict[str, tuple[str, int]] = {
    "tx_host": ("tx_hosts", 1), "rx_host": ("rx_hosts", 1), "conn_uid": ("conn_uids", 1), "first_uid": ("uids", 1),
    "msg_type": ("msg_types", -1), "known_service": ("service", 1),
}  # fmt: skip
"""Names that stand for one member of a set or vector: the field, and which member (from 1, or from the end)."""

ENDS = ("orig_h", "orig_p", "resp_h", "resp_p")
"""Names that stand for the members of ``id``."""

_GIVEN = {"log_name", "sensor"}


class Log(NamedTuple):
    """What is known of one log."""

    columns: dict[str, str]
    """Column of the event: the SQL that yields it from the relation ``z``."""
    fields: tuple[str, ...]
    """The fields that this SQL reads by their own name."""
    lists: tuple[str, ...]
    """The members of sets (:data:`LISTS`) that it reads."""
    mapped: tuple[str, ...]
    """The fields that have a column whole and so are not repeated in ``extra``."""


def kinds() -> tuple[str, ...]:
    """Every log that has a section."""
    return sections.kinds(_FILE)


@cache
def log(kind: str) -> Log:
    """What is known of a log; :data:`sections.OTHER` for one that is unknown."""
    mapped, columns = sections.section(_FILE, kind)
    names = dict.fromkeys(quoted or plain for quoted, plain in _FIELD.findall(" ".join(columns.values())))
    own = [name for name in ("ts", *names) if name not in {*_GIVEN, *ENDS, *LISTS}]
    return Log(
        columns=columns,
        fields=tuple(dict.fromkeys(own)),
        lists=tuple(name for name in names if name in LISTS),
        mapped=mapped,
    )


def events_sql(kind: str) -> str:
    """The last part of a normaliser, from the relation ``fields`` to the columns of an event.

    ``fields`` has ``source_offset``, ``source_length``, ``reason``,
    ``extra`` and every name that :func:`log` says is read.
    """
    columns = ", ".join(f"{sql} AS {name}" for name, sql in log(kind).columns.items())
    return f"""
        , seconds AS (
            SELECT *, try_cast(ts AS DOUBLE) AS since_1970 FROM fields
        ), z AS (
            SELECT *, CASE WHEN since_1970 BETWEEN -62135596800 AND 253402300799
                THEN make_timestamp((since_1970 * 1000000)::BIGINT) ELSE from_iso(ts) END AS stamp FROM seconds
        )
        SELECT source_offset, source_length, reason, coalesce(stamp, $modified) AS time, {columns},
            CASE WHEN stamp IS NULL THEN json_merge_patch(coalesce(extra, '{{}}'), '{{"time_source":"file"}}')::VARCHAR
                ELSE extra END AS extra
        FROM z"""  # noqa: S608 - our own text
