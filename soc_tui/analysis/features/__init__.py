"""What the risk networks look at, as SQL over ``events``.

One file per network, windowed by ``$first_event_id`` and ``$last_event_id``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


@cache
def feature_sql(name: str) -> str:
    """The text of ``NAME.sql``.

    ``flow_window``: the context of flow events; ``flow_rows``: flow events with their context, ready for the network;
    ``query_values``: distinct web texts.
    """
    return expanded((Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8"))


@cache
def expanded(text: str) -> str:
    """A query in which ``{NAME}`` stands for the text of ``NAME.sql``."""
    return re.sub(r"\{([a-z_]+)\}", lambda found: feature_sql(found[1]), text)
