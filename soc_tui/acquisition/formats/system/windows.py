"""Windows events as JSON lines, as NXLog, Winlogbeat, evtx_dump and the OTRF datasets write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise


def _texts(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), "VARCHAR")


# Struct fields differ in more than case, so `message` and `event.outcome` are read by their path.
_SHELL: dict[str, Any] = _texts(
    "@timestamp EventTime EventID event_id Channel log_name SourceName source_name Hostname computer_name Computer "
    "Message EventType Keywords Severity level"
) | {
    "host": "JSON",
    "event_data": "JSON",
    "log": _texts("level"),
    "winlog": _texts("event_id channel provider_name computer_name keywords")
    | {"event_data": "JSON", "user_data": _texts("SubjectUserName")},
    "Event": {
        "EventData": "JSON",
        "System": _texts("Channel Computer Message")
        | {
            "EventID": "JSON",
            "Provider": {"#attributes": _texts("Name")},
            "TimeCreated": {"#attributes": _texts("SystemTime")},
        },
    },
}
_DATA: dict[str, Any] = _texts(
    "TargetUserName SubjectUserName AccountName MemberName MemberSid IpAddress ClientAddress IpPort LogonType Status "
    "NewProcessName ProcessName CommandLine Image User SourceIp SourcePort DestinationIp DestinationPort Protocol "
    "TargetFilename QueryName QueryStatus Hashes ImagePath ServiceFileName ShareName RelativeTargetName UtcTime"
)


@cache
def _sql() -> str:
    sql = load_sql("system/windows_json")
    return sql.replace("{shell}", json.dumps(_SHELL)).replace("{data}", json.dumps(_DATA))


class WindowsJson(Format):
    """Records with an event id and a channel, flat or below ``winlog`` or ``Event``."""

    name = "windows-json"

    def confidence(self, lines: Sequence[str]) -> float:
        """The share of the first lines that name an event id and where in Windows it comes from."""
        head = lines[:20]
        return 0.98 * sum(_is_windows(line) for line in head) / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every JSON object is an event; ``extra`` is the whole record."""
        return Normalised(*normalise(_sql(), lines, {"modified": origin.modified, "zone": origin.zone}), header)


def _is_windows(line: str) -> bool:
    if not line.startswith("{") or not ("EventID" in line or "event_id" in line):
        return False
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if not isinstance(record, dict):
        return False
    event, winlog = record.get("Event"), record.get("winlog")
    return (
        ("EventID" in record and bool({"Channel", "SourceName", "ProviderGuid"} & set(record)))
        or (isinstance(winlog, dict) and "event_id" in winlog)
        or ("event_id" in record and "computer_name" in record)
        or (isinstance(event, dict) and isinstance(event.get("System"), dict) and "EventID" in event["System"])
    )
