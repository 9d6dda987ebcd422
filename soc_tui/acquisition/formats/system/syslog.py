"""Syslog files: RFC 3164 and RFC 5424, with the meaning of sshd, sudo, su, PAM, cron, firewall and account lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.acquisition.formats.system.alike import Alike
from soc_tui.acquisition.framing import SHORT_LINES, Framing

_LINE = re.compile(
    r"(?:(?:\d{1,6} )?<\d{1,3}>(?:1 )?)?"
    r"(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)) +"
    r"[\w.:-]+ +[^\s\[\]():]+(?:\(\w+\))?(?:\[\d+\])?(?::| )"
)


class Syslog(Format):
    """``Mar 27 13:06:56 host sshd[1291]: ...`` and its younger kin. Times without a zone are in that of the file."""

    name = "syslog"

    @property
    def framing(self) -> Framing:
        """One line a record, many of them at a time."""
        return SHORT_LINES

    def __init__(self, fast: bool = True) -> None:
        self._fast = fast
        """False reads every line by the full grammar, which gives the same events; a test compares the two."""

    def confidence(self, lines: Sequence[str]) -> float:
        """The share of the first lines that have a syslog head."""
        head = lines[:50]
        return 0.9 * sum(bool(_LINE.match(line[:512])) for line in head) / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every line with a syslog head is an event; one attempt to log in is one failure."""
        params = {"modified": origin.modified, "zone": origin.zone, "fast": self._fast}
        few = Alike(lines) if self._fast else None
        sql = load_sql("system/syslog") + load_sql("system/said")
        return Normalised(*normalise(sql, lines, params, few if few and few.worth else None), header)
