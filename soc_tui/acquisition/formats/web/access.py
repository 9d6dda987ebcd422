"""Web server access logs: the common and combined formats of Apache and nginx."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from soc_tui.acquisition.formats.base import REASONS, Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import completed, load_sql, normalise
from soc_tui.acquisition.formats.web.ordinary import ordinary
from soc_tui.core.schema import NORMALISED

_LINE = re.compile(
    r'\S.{0,2000}? ?\[\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}\] ".*" \d{3} (?:\d+|-)(?: |$)'
)

_BATCH = 8 * 1024
"""Lines that are cut at a time: what is looked at again and again should stay near the processor."""
_FEW = 64
"""Lines that may stand between the others in slices; more are sorted in."""


class AccessLog(Format):
    """``client ident user [time] "request" status size`` and, when combined, ``"referrer" "agent"``."""

    name = "access"

    def confidence(self, lines: Sequence[str]) -> float:
        """The share of the first lines that have this shape."""
        head = lines[:50]
        return sum(bool(_LINE.match(line[:8192])) for line in head) / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:  # noqa: ARG002
        """``src_ip`` is the peer that the server saw; no forwarded-for header is believed."""
        quick, rest = _cut(lines)
        if rest.num_rows == 0:
            return Normalised(quick, REASONS.empty_table(), header)
        events, rejects = normalise(load_sql("web/access") + load_sql("web/requests"), rest)
        return Normalised(_in_order(quick, events), rejects, header)


def _cut(lines: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The events of the ordinary lines, and the lines that are left."""
    found, left = [], []
    for batch in lines.to_batches(max_chunksize=_BATCH):
        events, rows = ordinary(batch.column("line"))
        if len(rows) < batch.num_rows:
            others = np.ones(batch.num_rows, np.bool_)
            others[rows] = False
            left.append(batch.filter(pa.array(others)))
        if len(rows):
            for name in ("source_offset", "source_length"):
                events = events.append_column(name, batch.column(name).take(pa.array(rows)))
            found.append(events)
    events = completed(pa.concat_tables(found)) if found else NORMALISED.empty_table()
    return events, pa.Table.from_batches(left, lines.schema).combine_chunks()


def _in_order(most: pa.Table, few: pa.Table) -> pa.Table:
    """Two tables of events as one, in the order of their lines."""
    if few.num_rows > _FEW:
        return pa.concat_tables([most, few]).sort_by("source_offset")
    # Slices copy nothing.
    places = np.searchsorted(most["source_offset"].to_numpy(), few["source_offset"].to_numpy())
    ends = [*places.tolist(), most.num_rows]
    parts = [most.slice(0, ends[0])]
    for row, (begin, end) in enumerate(pairwise(ends)):
        parts += [few.slice(row, 1), most.slice(begin, end - begin)]
    return pa.concat_tables(parts)
