"""Sessions: the events of one source without a long pause, as the session network reads them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.analysis.encoding.session import EVENT

GAP_SECONDS = 1800.0
"""A longer pause of a source begins a new session; as in ``detection/rules/session_anomaly.sql``."""
HALF = 512
"""Of a session of more than twice as many events the first and the last ones are taken."""


def gathered(rows: pa.Table, first: int) -> pa.Table:
    """The sessions that new events belong to.

    Args:
        rows: what ``features/session_events.sql`` gives.
        first: id of the first new event.

    Returns:
        By source and time: ``key`` (the source and when it began, which names the session), ``src_ip``, ``event_id``
        (its newest event), ``events_total`` and ``events``, structures in order of time, ``time`` in seconds.
    """
    source = _whole(rows["src_ip"]).dictionary_encode().indices.to_numpy()
    moment = rows["time"].cast(pa.int64()).to_numpy()  # microseconds
    event = rows["event_id"].to_numpy()
    order = np.lexsort((event, moment, source))
    source, moment, event = source[order], moment[order], event[order]
    begins = np.ones(len(order), bool)
    begins[1:] = (source[1:] != source[:-1]) | (np.diff(moment) > GAP_SECONDS * 1e6)
    starts = np.flatnonzero(begins)
    total = np.diff(np.append(starts, len(order)))
    newest = np.maximum.reduceat(event, starts) if len(starts) else event
    wanted = newest >= first
    number = np.cumsum(begins) - 1  # of each event's session
    place = np.arange(len(order)) - starts[number]
    kept = wanted[number] & ((place < HALF) | (place >= total[number] - HALF))
    taken = rows.take(order[kept])
    seconds = pc.divide(taken["time"].cast(pa.int64()).cast(pa.float64()), 1e6)
    names = [field.name for field in EVENT]
    columns = [seconds if name == "time" else taken[name] for name in names]
    counts = np.bincount(number[kept], minlength=len(starts))[wanted]
    events = pa.StructArray.from_arrays([_whole(column) for column in columns], names)
    heads = rows.select(["src_ip", "stamp"]).take(order[starts[wanted]])
    return pa.table({
        "key": pc.binary_join_element_wise(heads["src_ip"], heads["stamp"], " "),
        "src_ip": heads["src_ip"],
        "event_id": newest[wanted],
        "events_total": total[wanted],
        "events": pa.ListArray.from_arrays(np.append(0, np.cumsum(counts)).astype(np.int32), events),
    })  # fmt: skip


def _whole(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found
