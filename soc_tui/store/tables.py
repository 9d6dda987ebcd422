"""The tables that hold the events: one with every column, and narrow ones for what fills only some of them.

A column that is null all the way costs DuckDB as much to write as one of numbers, and no log fills more than half of
the columns. So each chunk of events goes to the narrowest table that has all it fills; the view
``events_hot`` is all of them by column name, and what a narrow table lacks reads as null.
"""

from __future__ import annotations

import pyarrow as pa

WIDE = "events_any"
"""The table with every column of ``core.schema.EVENTS``."""
_ALL = frozenset({
    "event_id", "time", "class_uid", "activity", "product", "log_name", "source_id", "source_offset", "source_length",
    "src_ip", "protocol", "service", "status", "severity", "message", "extra",
})  # fmt: skip
NARROW: dict[str, frozenset[str]] = {
    "events_log": _ALL | {"host", "process", "user_name", "src_port", "template_id"},
    "events_web": _ALL | {
        "user_name", "bytes_in", "http_method", "url_host", "url_path", "url_query", "http_status", "user_agent",
        "referrer",
    },
    "events_flow": _ALL | {
        "src_port", "dst_ip", "dst_port", "session_uid", "community_id", "duration", "bytes_out", "bytes_in",
        "packets_out", "packets_in", "conn_state",
    },
}  # fmt: skip
"""Narrow tables, the narrowest first, and their columns (``migrations/0007_tables.sql``)."""
TABLES = (WIDE, *NARROW)
"""Every table that holds events; each event is in one of them."""
HOT = "\nUNION ALL BY NAME ".join(f"SELECT * FROM {table}" for table in TABLES)  # noqa: S608 - our own names
"""What the view ``events_hot`` is: every event that is a row of this database."""


def table_for(events: pa.Table) -> str:
    """The table that these events go to, and that has a column for everything they hold."""
    filled = {name for name in events.column_names if events[name].null_count < events.num_rows}
    return next((table for table, columns in NARROW.items() if filled <= columns), WIDE)
