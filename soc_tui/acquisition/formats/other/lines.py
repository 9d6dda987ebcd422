"""What no other format claims: JSON objects and plain text, kept and never refused."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa

from soc_tui.acquisition.formats.base import Format, Header, Normalised, Origin
from soc_tui.acquisition.formats.sql import load_sql, normalise


class JsonLines(Format):
    """One JSON object per line, of no known product."""

    name = "json"

    def confidence(self, lines: Sequence[str]) -> float:
        """Weak on purpose: products with JSON of their own are asked first."""
        head = lines[:20]
        return 0.5 * sum(_is_object(line) for line in head) / max(len(head), 1)

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Objects become application events with everything in ``extra``; other lines are rejects."""
        return Normalised(*normalise(load_sql("other/json"), lines, {"modified": origin.modified}), header)


class TextLines(Format):
    """Any text."""

    name = "text"

    def confidence(self, lines: Sequence[str]) -> float:  # noqa: ARG002
        """The last resort."""
        return 0.01

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every line is an application event whose message it is."""
        return Normalised(*normalise(load_sql("other/text"), lines, {"modified": origin.modified}), header)


def _is_object(line: str) -> bool:
    if not line.startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
