"""Records of many kinds in one file: first which kind each is of, then one query for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import normalise
from soc_tui.core.schema import NORMALISED


def by_section(
    first: str,
    second: Callable[[str], str],
    lines: pa.Table,
    header: Header,
    origin: Origin,
    params: dict[str, Any] | None = None,
) -> Normalised:
    """Normalise in two passes.

    Args:
        first: a normaliser that rejects what is no record, and otherwise yields the section as
            ``activity`` (one of few) and the ``log_name``.
        second: the normaliser of a section, with the parameter ``modified``; its ``lines`` have the ``log_name`` too.
        lines: the records.
        header: handed on as it is.
        origin: the file.
        params: the parameters of the first pass.
    """
    told, rejects = normalise(first, lines, params)
    if rejects.num_rows:
        lines = lines.filter(pc.invert(pc.is_in(lines["source_offset"], rejects["source_offset"].combine_chunks())))
    lines = lines.append_column("log_name", told["log_name"])
    sections = pc.unique(told["activity"]).to_pylist()
    results = [
        normalise(
            second(section),
            lines if len(sections) == 1 else lines.filter(pc.equal(told["activity"], section)),
            {"modified": origin.modified},
        )
        for section in sections
    ]
    if len(results) == 1 and not rejects.num_rows:
        return Normalised(*results[0], header)
    events = pa.concat_tables([NORMALISED.empty_table(), *(found for found, _ in results)])
    rejects = pa.concat_tables([rejects, *(bad for _, bad in results)])
    return Normalised(events.sort_by("source_offset"), rejects.sort_by("source_offset"), header)
