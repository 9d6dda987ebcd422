"""Logins of wtmp and btmp, as the text that ``utmpdump`` makes of these binary files."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise

_LINE = re.compile(r"\[\d\] \[\d{5,}\] \[.*\] \[.*\] \[.*\] \[.*\] \[[0-9a-fA-F.: ]*\] \[.*\]\s*$")
_NOT_FAILED = r"^\[(?:[1234]|8)\] |^\[[56]\] \[\d+\] \[.{0,4}\] \[LOGIN *\]|^\[[56]\] \[\d+\] \[.{0,4}\] \[ *\]"
_FAILED = r"^\[[67]\] \[\d+\] \[.*\] \[.*\] \[ssh:notty *\] "


class Utmpdump(Format):
    """``[7] [01234] [ts/0] [root    ] [pts/0       ] [192.0.2.1           ] [192.0.2.1      ] [2024-03-05T...]``."""

    name = "utmpdump"

    def confidence(self, lines: Sequence[str]) -> float:
        """The share of the first lines with eight bracketed fields."""
        head = lines[:50]
        return 0.97 * sum(bool(_LINE.match(line[:1024])) for line in head) / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Logins, their ends, boots. Whether type 7 is a login or a failed one, the first telling record decides."""
        kind = header.get("kind") or _kind(lines["line"])
        params = {"modified": origin.modified, "zone": origin.zone, "failed": kind == "btmp"}
        return Normalised(*normalise(load_sql("system/utmpdump"), lines, params), {"kind": kind} if kind else {})


def _kind(lines: pa.ChunkedArray) -> str:
    """``btmp`` where ssh:notty is written before any boot, getty or end of a login, which btmp never holds."""
    failed = pc.index(pc.match_substring_regex(lines, _FAILED), True).as_py()
    other = pc.index(pc.match_substring_regex(lines, _NOT_FAILED), True).as_py()
    if failed < 0 and other < 0:
        return ""
    return "btmp" if failed >= 0 and (other < 0 or failed < other) else "wtmp"
