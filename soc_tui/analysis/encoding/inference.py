"""Encoded rows through a network: probabilities in batches, and what each input did to a score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis import gradient
from soc_tui.analysis.runtime import Runtime

CUT = (4, 8, 16, 32, 64)
"""Tokens that rows of events are cut to where only padding follows; the network makes up for it exactly."""
BUCKETS = (16, 32, 64, 128, 256, 512, 1024, 2048)
"""Lengths that character rows are padded to, each by its own length: a score never depends on its neighbours."""


def buckets(rows: NDArray[Any]) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Rows of equal padded length with their places: groups (n, T, W) as they are, ids (n, L) cut to ``BUCKETS``."""
    if rows.ndim == 3:
        yield np.arange(len(rows)), rows
    else:
        yield from _cut(rows, (rows != 0).sum(1), BUCKETS)


def _cut(
    rows: NDArray[Any], lengths: NDArray[np.int64], sizes: Sequence[int]
) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    for low, high in zip((0, *sizes), sizes, strict=False):
        places = np.flatnonzero((lengths > low) & (lengths <= high) if low else lengths <= high)
        if len(places):
            width = min(high, rows.shape[1])
            yield places, rows[places, :width]


def _by_events(rows: NDArray[Any]) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Rows of events (n, T, W) cut to ``CUT`` behind their last event."""
    real = (rows != 0).any(2)  # (n, T)
    lengths = np.where(real.any(1), real.shape[1] - real[:, ::-1].argmax(1), real.shape[1])  # nothing: nothing to cut
    return _cut(rows, lengths, [*(size for size in CUT if size < rows.shape[1]), rows.shape[1]])


_ROOM = 2**13
"""Ids or events in one forward pass at most: what is made of more fits no cache, and takes up to twice as long."""
_ROOM_BACK = 2**16
"""Ids in one pass back at most: a thousand windows of 2048 would take a gigabyte."""


_WAY_BACK = 256
"""Rows in one pass back at most: it keeps every state."""


def batches(rows: NDArray[Any], batch_size: int, room: int = _ROOM) -> Iterator[slice]:
    """Rows of one padded length in batches, smaller ones where rows are long."""
    size = max(1, min(batch_size, room // max(1, rows.shape[1])))
    for start in range(0, len(rows), size):
        yield slice(start, start + size)


@dataclass(frozen=True)
class Outputs:
    """What a network says of n rows."""

    probabilities: NDArray[np.float32]
    """(n, C), uncalibrated."""
    log_odds: NDArray[np.float64]
    """(n,): of any risk against benign; they do not saturate where probabilities do."""
    hidden: NDArray[np.float32]
    """(n, M): what the last layer sees; rows that behave alike are near to one another."""


def run(network: Runtime, rows: NDArray[Any], batch_size: int = 1024) -> Outputs:
    """Encoded rows through a network, in batches that fit the cache."""
    hidden = np.zeros((len(rows), network.last_weight.shape[1]), np.float32)
    for places, same in _by_events(rows) if network.config.padded else buckets(rows):
        cut = rows.shape[1] - same.shape[1] if rows.ndim == 3 else 0
        for part in batches(same, batch_size):
            hidden[places[part]] = network.hidden(same[part], cut)
    logits = network.logits(hidden)
    top = logits.max(1, keepdims=True, initial=-np.inf)
    chances = np.exp(logits - top)
    return Outputs(chances / chances.sum(1, keepdims=True), risk_log_odds(logits), hidden)


def risk_log_odds(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log odds of any risk class against class 0, benign: (n, C) to (n,). They do not saturate where the score does."""
    return np.asarray(np.logaddexp.reduce(logits[:, 1:], 1) - logits[:, 0], np.float64)


def probabilities(network: Runtime, rows: NDArray[Any], batch_size: int = 1024) -> NDArray[np.float32]:
    """Class probabilities (n, C) of encoded rows."""
    return run(network, rows, batch_size).probabilities


def attributions(network: Runtime, rows: NDArray[Any], steps: int = 2) -> NDArray[np.float32]:
    """What each input number or character did to the log odds of risk: integrated gradients against an empty row.

    Args:
        network: whose.
        rows: groups (n, T, W) or ids (n, L).
        steps: points on the way from the empty row (midpoint rule).

    Returns:
        (n, T, W) or (n, L); > 0 pushed towards risk.
    """
    out = np.zeros(rows.shape, np.float32)
    attributed = _of_groups if rows.ndim == 3 else _of_characters
    shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    for places, same in buckets(rows):
        for part in batches(same, max(1, _WAY_BACK // steps), _ROOM_BACK // steps):
            out[places[part], : same.shape[1]] = attributed(network, same[part], shares)
    return out


def _of_groups(network: Runtime, rows: NDArray[np.float32], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    points = (shares[:, None, None, None] * rows).reshape(-1, *rows.shape[1:])  # (S * n, T, W)
    slopes = gradient.of_groups(network, points).reshape(len(shares), *rows.shape)
    return np.asarray(slopes.mean(0) * rows)  # completeness: their sum is about the odds gained over the empty row


def _of_characters(network: Runtime, ids: NDArray[Any], shares: NDArray[np.float32]) -> NDArray[np.float32]:
    wide, full = network.wide, gradient.embedded(network, ids)  # (n, L, E)
    points = (shares[:, None, None, None] * full).reshape(-1, *full.shape[1:])  # (S * n, L, E)
    spread = heard = None
    if wide is not None:
        spread = wide.positions(ids)  # (n, L)
        heard = (shares[:, None, None] * spread.sum(1, keepdims=True)).reshape(-1, 1) + wide.bias  # (S * n, 1)
    slopes, by_wide = gradient.of_characters(network, points, np.tile(ids, (len(shares), 1)), heard)
    out = np.asarray(np.einsum("nle,nle->nl", slopes.reshape(len(shares), *full.shape).mean(0), full))
    if spread is not None and by_wide is not None:
        out += by_wide.reshape(len(shares), -1, 1).mean(0) * spread  # the wide sum is linear: its parts are exact
    return out


def occlusions(
    network: Runtime, rows: NDArray[Any], fields: Sequence[Sequence[tuple[int, int]]], empty: NDArray[Any]
) -> NDArray[np.float32]:
    """What each field did to the log odds of risk: what they lose when all that was made of it is unknown.

    For feature groups this is truer than gradients: a score is high for several reasons at once, and the network is
    flat around each of them (docs/faithfulness.md).

    Args:
        network: whose.
        rows: (n, T, W).
        fields: the slots (token, place) of each field.
        empty: (T, W), the row of which everything is unknown.

    Returns:
        (n, T, W): the loss in the first slot of each field, 0 in the others; > 0 pushed towards risk.
    """
    out = np.zeros(rows.shape, np.float32)
    whole = run(network, rows).log_odds
    for slots in fields:
        tokens, places = [slot[0] for slot in slots], [slot[1] for slot in slots]
        without = rows.copy()
        without[:, tokens, places] = empty[tokens, places]
        touched = np.flatnonzero((without != rows).any((1, 2)))
        if len(touched):
            out[touched, tokens[0], places[0]] = whole[touched] - run(network, without[touched]).log_odds
    return out


TRIED = 12
"""Events of a row that are taken out in turn, twice as many as an explanation names."""
_AT_ONCE = 64
"""Rows whose events are tried together."""


def removals(network: Runtime, rows: NDArray[Any], tried: int = TRIED) -> NDArray[np.float32]:
    """What single events did to the log odds of risk: what they lose without the event.

    Gradients tell which events are worth trying; a long row would have to be scored once for each of its events else.

    Args:
        network: whose.
        rows: (n, T, W), one event a token.
        tried: events of a row that are tried.

    Returns:
        (n, T, W): the loss in the first place of each event that was tried, 0 elsewhere; > 0 pushed towards risk.
    """
    out = np.zeros(rows.shape, np.float32)
    tried = min(tried, rows.shape[1])
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        gradients = np.abs(attributions(network, part).sum(2))  # (n, T)
        events = np.argsort(-gradients, axis=1, kind="stable")[:, :tried]  # (n, tried)
        owner = np.repeat(np.arange(len(part)), tried)
        without = part[owner]
        without[np.arange(len(owner)), events.ravel()] = 0
        lost = run(network, part).log_odds[owner] - run(network, without).log_odds
        real = (part[owner, events.ravel()] != 0).any(1)
        out[start + owner, events.ravel(), 0] = np.where(real, lost, 0)
    return out


RUN = 6
"""Ids of one run that is taken out at most, where an encoding has no ``run`` of its own; an eighth of a short row."""
_CHECKED = 8
"""Runs of a row that are checked by taking them out."""


def checked(
    network: Runtime, rows: NDArray[Any], weights: NDArray[np.float32], longest: int = RUN
) -> NDArray[np.float32]:
    """Attributions of sequences, half as they are and half by removal.

    Gradients know what a little less of each id would change, and a network is flat around a high score. So of each row
    the runs with the greatest sums are taken out in turn, the rest closed up, and what the log odds lose is spread over
    the run; a run that is not tried keeps half its gradients. docs/faithfulness.md has what that gains.

    Args:
        network: whose.
        rows: ids (n, L).
        weights: (n, L) of :func:`attributions`.
        longest: ids of a run at most.
    """
    without, owners, runs = [], [], []
    for place, (row, weight, length) in enumerate(zip(rows, weights, (rows != 0).sum(1).tolist(), strict=True)):
        size = max(1, min(longest, length // 8))
        if length <= size:
            continue
        begins = np.unique(np.r_[np.arange(0, length - size + 1, max(1, size // 2)), length - size])
        sums = np.concatenate([[0.0], np.cumsum(weight[:length], dtype=np.float64)])
        for begin in begins[np.argsort(sums[begins] - sums[begins + size], kind="stable")[:_CHECKED]].tolist():
            kept = np.zeros_like(row)
            kept[: length - size] = np.delete(row[:length], np.arange(begin, begin + size))
            without.append(kept)
            owners.append(place)
            runs.append(slice(begin, begin + size))
    if not without:
        return weights
    lost = run(network, rows).log_odds[owners] - run(network, np.stack(without)).log_odds
    total, times = np.zeros(rows.shape), np.zeros(rows.shape)
    for place, where, loss in zip(owners, runs, lost.tolist(), strict=True):
        total[place, where] += loss / (where.stop - where.start)
        times[place, where] += 1
    return np.asarray((weights + total / np.maximum(times, 1)) / 2, np.float32)
