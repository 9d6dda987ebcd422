"""What every log format is: a recogniser of the first lines and one normaliser of many lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from soc_tui.acquisition.framing import LINES_FRAMING, Framing

Header = dict[str, Any]
"""What a format carries from line to line (Zeek's ``#fields``); JSON, kept in ``SourceState.header``."""

REASONS = pa.schema([("source_offset", pa.int64()), ("source_length", pa.int32()), ("reason", pa.string())])
"""A rejected line before its raw bytes are put beside it."""


@dataclass(frozen=True)
class Origin:
    """The file that the lines come from."""

    path: str
    modified: datetime
    """When the file was last written, UTC without a zone: the time of records that carry none, and the latest
    moment that a time without a year can mean."""
    zone: str = "UTC"
    """The time zone (IANA name) of stamps in it that do not tell theirs."""


class Normalised(NamedTuple):
    """The result of a normaliser; rows of ``events`` and ``rejects`` together are the records among the lines."""

    events: pa.Table
    """Schema :data:`soc_tui.core.schema.NORMALISED`."""
    rejects: pa.Table
    """Schema :data:`REASONS`."""
    header: Header


class Format(Protocol):
    """One log format. Implementations inherit from it, so that what they leave out is as here."""

    @property
    def name(self) -> str:
        """The name that ``ingest --as`` takes and ``sources.format`` holds."""
        ...

    @property
    def framing(self) -> Framing:
        """How its records lie in the bytes; one a line unless a format says otherwise."""
        return LINES_FRAMING

    @property
    def skips(self) -> str:
        """What the lines begin with that are read but are no records: headers, comments, totals.

        A pattern for RE2 and ``re``; empty when every line is a record.
        """
        return ""

    def confidence(self, lines: Sequence[str]) -> float:
        """How sure the first lines of a file are of this format: 0 not at all, 1 certain."""
        ...

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Turn lines into events.

        Args:
            lines: the records as the framing cut them; schema :data:`soc_tui.core.schema.LINES`, none blank.
            header: what the lines before these left behind; not changed.
            origin: the file.
        """
        ...
