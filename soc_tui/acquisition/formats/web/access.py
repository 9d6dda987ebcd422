"""Web server access logs: the common and combined formats of Apache and nginx."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise

_LINE = re.compile(
    r'\S.{0,2000}? ?\[\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}\] ".*" \d{3} (?:\d+|-)(?: |$)'
)


class AccessLog(Format):
    """``client ident user [time] "request" status size`` and, when combined, ``"referrer" "agent"``."""

    name = "access"

    def confidence(self, lines: Sequence[str]) -> float:
        """The share of the first lines that have this shape."""
        head = lines[:50]
        return sum(bool(_LINE.match(line[:8192])) for line in head) / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:  # noqa: ARG002
        """``src_ip`` is the peer that the server saw; no forwarded-for header is believed."""
        return Normalised(*normalise(load_sql("web/access") + load_sql("web/requests"), lines), header)
