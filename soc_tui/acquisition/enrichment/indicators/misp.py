"""MISP events as JSON (exports and feeds): the attributes that are meant for detection (``to_ids``).

https://www.misp-standard.org/rfc/misp-standard-core.html. Deleted attributes are skipped; MISP's warning lists are not
applied, they belong to whoever made the feed.
"""

from __future__ import annotations

import re
from typing import IO

import pyarrow as pa

from soc_tui.acquisition.enrichment.indicators.base import INDICATORS, Parsed, Tally, load_sql, run
from soc_tui.core.errors import SourceError

MOST_BYTES = 256 * 1024 * 1024
"""An event is parsed whole."""


def is_manifest(text: str) -> bool:
    """Whether the head of a JSON file is that of a feed's ``manifest.json``, which holds no indicators."""
    uuid = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    return re.match(rf'\{{\s*"{uuid}"\s*:', text) is not None


def read(file: IO[bytes]) -> Parsed:
    """Every indicator of an event, of a list of events or of a search's answer.

    Raises:
        SourceError: the file is no JSON or too long.
    """
    raw = file.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise SourceError(f"is longer than {MOST_BYTES >> 20} MiB", remedy="export fewer events to a file")
    text = raw.decode("utf-8-sig", "replace").strip()
    if is_manifest(text):
        return Parsed("misp", INDICATORS.empty_table(), 0, 0, 0)
    doc = pa.table({"doc": pa.array([text], pa.large_string())})
    if not run("SELECT json_valid(doc::VARCHAR) AS ok FROM records", doc)["ok"][0].as_py():
        raise SourceError("is no whole JSON", remedy="fetch the file again")
    tally = Tally()
    tally.add(run(load_sql("misp"), doc))
    return tally.parsed("misp")
