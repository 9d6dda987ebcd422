"""Encoded rows through a network: probabilities in batches, and what each input did to a score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from soc_tui.analysis.network import CharacterTokens, RiskNetwork, risk_log_odds

BUCKETS = (16, 32, 64, 128, 256, 512, 1024, 2048)
"""Lengths that character rows are padded to, each by its own length: a score never depends on its neighbours."""


def buckets(rows: NDArray[Any]) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Rows of equal padded length with their places: groups (n, T, W) as they are, ids (n, L) cut to ``BUCKETS``."""
    if rows.ndim == 3:
        yield np.arange(len(rows)), rows
        return
    lengths = (rows != 0).sum(1)
    for low, high in zip((0, *BUCKETS), BUCKETS, strict=False):
        places = np.flatnonzero((lengths > low) & (lengths <= high) if low else lengths <= high)
        if len(places):
            width = min(high, rows.shape[1])
            yield places, rows[places, :width]


def tensor(rows: NDArray[Any]) -> Tensor:
    """Groups as float32, character ids as int64."""
    return torch.from_numpy(np.ascontiguousarray(rows if rows.ndim == 3 else rows.astype(np.int64)))


@dataclass(frozen=True)
class Outputs:
    """What a network says of n rows."""

    probabilities: NDArray[np.float32]
    """(n, C), uncalibrated."""
    log_odds: NDArray[np.float64]
    """(n,): of any risk against benign; they do not saturate where probabilities do."""
    hidden: NDArray[np.float32]
    """(n, M): what the last layer sees; rows that behave alike are near to one another."""


@torch.inference_mode()
def run(network: RiskNetwork, rows: NDArray[Any], batch_size: int = 1024) -> Outputs:
    """Encoded rows through a network, in batches: 512 to 1024 fit the cache, 8192 is slower."""
    network.eval()
    last = network.last
    chances = np.zeros((len(rows), network.config.classes), np.float32)
    odds, hidden = np.zeros(len(rows)), np.zeros((len(rows), last.in_features), np.float32)
    for places, same in buckets(rows):
        for start in range(0, len(same), batch_size):
            part = slice(start, start + batch_size)
            seen, _ = network.embed(*network.encode(tensor(same[part])))
            logits = last(seen)
            hidden[places[part]] = seen.numpy()
            chances[places[part]] = torch.softmax(logits, 1).numpy()
            odds[places[part]] = risk_log_odds(logits).numpy()
    return Outputs(chances, odds, hidden)


def probabilities(network: RiskNetwork, rows: NDArray[Any], batch_size: int = 1024) -> NDArray[np.float32]:
    """Class probabilities (n, C) of encoded rows."""
    return run(network, rows, batch_size).probabilities


def attributions(network: RiskNetwork, rows: NDArray[Any], steps: int = 2) -> NDArray[np.float32]:
    """What each input number or character did to the log odds of risk: integrated gradients against an empty row.

    Args:
        network: in eval mode.
        rows: groups (n, T, W) or ids (n, L).
        steps: points on the way from the empty row (midpoint rule).

    Returns:
        (n, T, W) or (n, L); > 0 pushed towards risk.
    """
    network.eval()
    out = np.zeros(rows.shape, np.float32)
    for places, same in buckets(rows):
        x = tensor(same)
        encode = network.encode
        full = encode.embed(x).detach() if isinstance(encode, CharacterTokens) else x  # (n, L, E) or (n, T, W)
        total = torch.zeros_like(full)
        for step in range(steps):
            at = (full * ((step + 0.5) / steps)).requires_grad_()
            tokens = encode.tokens(at, x) if isinstance(encode, CharacterTokens) else encode(at)
            odds = risk_log_odds(network.classify(*tokens)[0]).sum()  # ()
            total += torch.autograd.grad(odds, at)[0] / steps
        parts = (total * full).detach()  # completeness: their sum is about the odds gained over the empty row
        out[places, : same.shape[1]] = (parts.sum(2) if rows.ndim == 2 else parts).numpy()
    return out
