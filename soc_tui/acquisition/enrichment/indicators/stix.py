"""STIX 2.1 (and 2.0) bundles: indicator patterns that name plain values.

https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html, section 4.7 (Indicator) and 9 (Patterning). A pattern
is matched when any one of the values it names is enough for it: comparisons by ``=``, ``IN`` or ``ISSUBSET`` joined by
OR, and hashes of one file joined by AND. Everything else (AND of different things, FOLLOWEDBY, WITHIN, LIKE, negation)
would be matched too widely by its values alone and is skipped, and counted. ``valid_from`` is not asked: that a value
was bad before somebody published it is what matching stored events is for.
"""

from __future__ import annotations

from datetime import datetime
from typing import IO

import pyarrow as pa

from soc_tui.acquisition.enrichment.indicators.base import Parsed, Tally, load_sql, run
from soc_tui.acquisition.enrichment.indicators.json_parts import objects


def read(file: IO[bytes], now: datetime) -> Parsed:
    """Every indicator of a bundle (also of a TAXII envelope, or a list of objects).

    Raises:
        SourceError: the file is no whole JSON.
    """
    tally = Tally()
    for part in objects(file):
        tally.add(run(load_sql("stix"), pa.table({"doc": part}), {"now": now}))
    return tally.parsed("stix")
