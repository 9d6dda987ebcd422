"""HAProxy (https://docs.haproxy.org/2.8/configuration.html, section 8.2): HTTP, HTTPS, CLF and TCP logs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise

_HEAD = r"(?:(?:<\d{1,3}>)?[^\"\[]{0,120}(?:\[\d{1,7}\]: |\d+ \S{1,32} - )?)?"
_ACCEPTED = r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}\]"
_RECORD = re.compile(
    _HEAD
    + r'"?[\w.:%-]{1,60}"?:\d{1,5} '
    + _ACCEPTED
    + r' (?:\S{1,99} "?[^/\s]{1,99}/\S{1,99} [+-]?\d+/-?\d+/|\S{1,99}: )'
)
_CLF = re.compile(
    _HEAD + r'\S{1,60} - - \[[^\]]{26}\] "[^"]{0,8192}" -?\d+ \+?\d+ "[^"]{0,4096}" "[^"]{0,4096}" '
    r'\d+ \d+ "[^"]*" "[^"]*" "[^"]*" -?\d+ -?\d+ '
)
_CONNECT = re.compile(_HEAD + r"Connect from \S{1,60}:\d{1,5} to \S{1,60}:\d{1,5} \(\S{1,99}/(?:HTTP|TCP)\)")


class HaProxy(Format):
    """``client:port [time] frontend backend/server timers ...``, with or without a syslog head."""

    name = "haproxy"

    def confidence(self, lines: Sequence[str]) -> float:
        """The share of the first lines that are records of requests or connections."""
        head = [line[:16384] for line in lines[:50]]
        found = sum(any(shape.match(line) for shape in (_RECORD, _CLF, _CONNECT)) for line in head)
        return found / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Requests are HTTP events, TCP sessions connections, other words under a syslog head notices."""
        sql = load_sql("web/haproxy") + load_sql("web/requests")
        params = {"modified": origin.modified, "zone": origin.zone}
        return Normalised(*normalise(sql, lines, params), header)
