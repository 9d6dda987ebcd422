"""What the logs of servers have in common: a head that begins a record, and lines without one that go on with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise
from soc_tui.acquisition.framing import Framing, Joined

_HEAD_LINES = 100


class Headed(Format):
    """A text log of records that begin with a head; a stack trace or a dump belongs to the record it follows.

    Args:
        name: of the format; its SQL is ``formats/middleware/NAME.sql`` (dashes become underscores).
        start: RE2 pattern, matched at the beginning of a line, of a line that begins a record.
        mark: the narrower pattern of the heads by which a file is recognised; ``start`` where that is telling enough.
        banner: pattern of lines that may stand before or between the records and say nothing of the format.
        certainty: of a file all of whose lines have such a head.
    """

    def __init__(self, name: str, start: str, mark: str = "", banner: str = "", certainty: float = 0.95) -> None:
        self._name, self._framing, self._certainty = name, Joined(start), certainty
        self._mark, self._banner = re.compile(mark or start), re.compile(banner) if banner else None

    @property
    def name(self) -> str:
        """The name that ``ingest --as`` takes."""
        return self._name

    @property
    def framing(self) -> Framing:
        """Lines without a head are joined to the record before them."""
        return self._framing

    def confidence(self, lines: Sequence[str]) -> float:
        """The share of lines with this head; at least half of that where the very first has one.

        A log may begin with one error and a hundred lines of its stack, so the share alone says too little.
        """
        head = [line[:1024] for line in lines[:_HEAD_LINES] if not (self._banner and self._banner.match(line[:1024]))]
        if not head:
            return 0.0
        hits = [bool(self._mark.match(line)) for line in head]
        share = sum(hits) / len(hits)
        return self._certainty * (0.5 + share / 2 if hits[0] else share)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every record with a head is an event, and so is a rest whose head is gone (it takes the file's time)."""
        return Normalised(*normalise(self._sql, lines, self._params(header, origin)), header)

    @property
    def _sql(self) -> str:
        return load_sql(f"middleware/{self._name.replace('-', '_')}")

    def _params(self, header: Header, origin: Origin) -> dict[str, Any]:  # noqa: ARG002
        return {"modified": origin.modified, "zone": origin.zone}
