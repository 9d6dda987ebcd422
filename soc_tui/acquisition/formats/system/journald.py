"""The systemd journal as ``journalctl -o export`` and ``journalctl -o json`` give it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.acquisition.framing import JournalEntries

_FIELDS = (
    "__REALTIME_TIMESTAMP", "_HOSTNAME", "SYSLOG_IDENTIFIER", "_COMM", "_PID", "SYSLOG_PID", "MESSAGE", "PRIORITY",
    "SYSLOG_FACILITY", "_UID", "_SYSTEMD_UNIT", "_EXE", "UNIT",
)  # fmt: skip
"""See systemd.journal-fields(7); those that begin with ``_`` are the journal's own and cannot be chosen by a client."""


def _export_field(name: str) -> str:
    rest = f"substr(t, instr(t, chr(10) || '{name}=') + {len(name) + 2})"
    value = f"regexp_extract({rest}, '^[^\\n]*(?:\\n\\t[^\\n]*)*')"
    return (
        f"CASE WHEN contains(t, chr(10) || '{name}=') THEN replace({value}, chr(10) || chr(9), chr(10)) END AS {name}"
    )


def _json_field(name: str) -> str:
    if name != "MESSAGE":  # of several values the array is shown; only a message can be bytes of no text
        return f'r."{name}" AS {name}'
    value, text = f'r."{name}"', f'(r."{name}"::VARCHAR)'
    numbers = f"from_json({value}, '[\"UTINYINT\"]')"
    digits = f"array_to_string(list_transform({numbers}, lambda b: printf('%02x', b)), '')"
    plain = f"{text}[1] = '\"' THEN {value} ->> '$' WHEN {text} = 'null' THEN NULL WHEN {text}[1] <> '[' THEN {text}"
    octets = f"coalesce(try(decode(unhex({digits}))), try(unhex({digits})::VARCHAR))"
    return f"CASE WHEN {plain} WHEN {text}[2] BETWEEN '0' AND '9' THEN {octets} ELSE {value} ->> '$[0]' END AS {name}"


@cache
def _sql(kind: str) -> str:
    prelude = load_sql(f"system/journald_{kind}")
    schema = json.dumps(dict.fromkeys(_FIELDS, "VARCHAR") | {"MESSAGE": "JSON"})
    field = _export_field if kind == "export" else _json_field
    columns = ",\n        ".join(field(name) for name in _FIELDS)
    reject = "not a journal entry" if kind == "export" else "not a JSON object"
    shared = load_sql("system/journald").replace("{reject}", reject)
    return prelude.replace("{columns}", columns).replace("{schema}", schema) + shared + load_sql("system/said")


def _params(origin: Origin) -> dict[str, object]:
    return {"modified": origin.modified, "fast": True}


class JournaldExport(Format):
    """Entries of ``NAME=value`` lines between blank lines."""

    name = "journald-export"
    framing = JournalEntries()

    def confidence(self, lines: Sequence[str]) -> float:
        """By the fields that the journal itself puts first."""
        head = lines[:60]
        if not head or (not head[0].startswith("__CURSOR=") and not head[0].startswith("__REALTIME_TIMESTAMP=")):
            return 0.0
        return 1.0 if any(line.startswith("__REALTIME_TIMESTAMP=") for line in head) else 0.5

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every entry with a field is an event; what its message says is read as in syslog."""
        return Normalised(*normalise(_sql("export"), lines, _params(origin)), header)


class JournaldJson(Format):
    """One object per entry."""

    name = "journald-json"

    def confidence(self, lines: Sequence[str]) -> float:
        """By the time stamp and cursor that every entry has."""
        head = [line for line in lines[:20] if line.startswith("{")]
        known = sum(
            '"__REALTIME_TIMESTAMP"' in line and ('"__CURSOR"' in line or '"_BOOT_ID"' in line) for line in head
        )
        return 0.98 * known / max(len(head), 1) if head and _is_entry(head[0]) else 0.0

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every object is an event; what its message says is read as in syslog."""
        return Normalised(*normalise(_sql("json"), lines, _params(origin)), header)


def _is_entry(line: str) -> bool:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return '"__REALTIME_TIMESTAMP"' in line  # the head of a file may end inside a line
    return isinstance(record, dict) and "__REALTIME_TIMESTAMP" in record
