"""From a network's numbers to named fields: why a score is what it is, at the level an analyst reads.

The numbers are integrated gradients of the log odds of risk (``inference.attributions``), summed over all that was made
of one field; a test removes fields and characters and checks that those with weight mattered.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis.encoding import flow, query

MOST_FIELDS = 6
"""Fields named per explanation, the weightiest first."""


def _entry(field: str, value: str, weight: float) -> dict[str, Any]:
    return {"field": field, "value": value, "weight": round(float(weight), 4)}


def flow_fields(weights: NDArray[np.float32], table: pa.Table) -> list[str]:
    """Attributions (rows, TOKENS, WIDTH) of flows as JSON lists of ``{field, value, weight}``.

    Args:
        weights: of the rows of ``table``, in order.
        table: the event and context columns that were encoded.
    """
    names = sorted({field for slots in flow.GROUPS.values() for field, _ in slots})
    summed = np.zeros((len(weights), len(names)), np.float32)
    for token, slots in enumerate(flow.GROUPS.values()):
        for place, (field, _) in enumerate(slots):
            summed[:, names.index(field)] += weights[:, token, place]
    top = np.argsort(-np.abs(summed), axis=1)[:, :MOST_FIELDS]
    known = {name: table[name].to_pylist() for name in names if name in table.column_names}
    return [
        json.dumps([_entry(names[i], _shown(known.get(names[i]), row), summed[row, i]) for i in best if summed[row, i]])
        for row, best in enumerate(top)
    ]


def _shown(values: list[Any] | None, row: int) -> str:
    value = None if values is None else values[row]
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def query_spans(weights: NDArray[np.float32], value: str, start: int) -> str:
    """Attributions (LENGTH,) of one window as the JSON list of the run of characters that weighs most, and the rest.

    ``field`` is ``characters A-B`` of the decoded value, counted from 0, B excluded.
    """
    at, text, weight = query.span(value, start, weights)
    rest = float(weights.sum()) - weight
    return json.dumps(
        [_entry(f"characters {at}-{at + len(text)}", text.encode("utf-8", "backslashreplace").decode(), weight),
         _entry("other characters", "", rest)]
    )  # fmt: skip
