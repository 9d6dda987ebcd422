"""How the log odds of risk change with what a network reads: the chain rule through its equations. numpy only.

Explanations need gradients of a few rows; ONNX Runtime has none, and torch, which has, costs seconds and 170 MB at its
first import. A test holds every gradient here against torch's.

Shapes as in :mod:`soc_tui.analysis.runtime`; tokens come first, (T, B, H).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.runtime import FAR, Runtime, asked, gates_of, hidden_layer, sigmoid

Floats = NDArray[np.float32]


def of_groups(network: Runtime, rows: Floats) -> Floats:
    """By every number of groups (B, T, W), in their shape."""
    weight, bias = network.tensors["encode.weight"], network.tensors["encode.bias"][:, None]  # (K, W, H), (K, 1, H)
    tokens = np.tanh(rows.transpose(1, 0, 2) @ weight + bias)  # (T, B, H)
    real = network.real(rows)
    if real is not None:
        tokens *= real.T[:, :, None]
    slope, _ = _of_tokens(network, tokens, real, None)
    slope *= 1 - tokens * tokens
    if real is not None:
        slope *= real.T[:, :, None]
    return np.asarray((slope @ weight.transpose(0, 2, 1)).transpose(1, 0, 2), np.float32)


def embedded(network: Runtime, ids: NDArray[Any]) -> Floats:
    """Ids (B, L) to embedded characters (B, L, E)."""
    return np.asarray(network.tensors["encode.embed.weight"][network.folded(ids)])


def of_characters(
    network: Runtime, characters: Floats, ids: NDArray[Any], wide: Floats | None
) -> tuple[Floats, Floats | None]:
    """By embedded characters (B, L, E) and by the wide sum (B, 1), each in its shape.

    Args:
        network: the network.
        characters: what the ids are embedded as, or a share of it.
        ids: (B, L), which say what is padding.
        wide: the wide sum; None where there is no wide way.
    """
    patch, half = network.config.patch, network.config.patch // 2
    kernel = network.tensors["encode.mix.weight"].transpose(2, 1, 0)  # (2 * patch, E, H)
    rows, length, size = characters.shape
    padded = np.pad(characters, ((0, 0), (half, half), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, 2 * patch, axis=1)[:, ::patch]  # (B, T, E, 2 * patch)
    flat = views.transpose(1, 0, 3, 2).reshape(-1, 2 * patch * size)  # (T * B, 2 * patch * E)
    table = kernel.reshape(-1, kernel.shape[2])
    real = network.real(ids)
    assert real is not None
    mask = real.T[:, :, None]  # (T, B, 1)
    tokens = np.tanh((flat @ table + network.tensors["encode.mix.bias"]).reshape(len(mask), rows, -1)) * mask
    slope, by_wide = _of_tokens(network, tokens, real, wide)
    slope *= (1 - tokens * tokens) * mask
    parts = (slope.reshape(-1, slope.shape[2]) @ table.T).reshape(len(mask), rows, 2, patch, size)
    out = np.zeros((len(mask) + 1, patch, rows, size), np.float32)  # blocks of a patch, half of one before the row
    out[:-1] += parts[:, :, 0].transpose(0, 2, 1, 3)
    out[1:] += parts[:, :, 1].transpose(0, 2, 1, 3)
    return out.reshape(-1, rows, size)[half : half + length].transpose(1, 0, 2), by_wide


class _Pass(NamedTuple):
    """One LSTM layer, what it went through kept for the way back. D ways, each in its own order of reading."""

    gates: Floats
    """(T, D, B, 4H) after their functions, as torch orders them."""
    cells: Floats
    """(T + 1, D, B, H), the first is zero."""
    states: Floats
    """(T + 1, D, B, H), the first is zero."""

    def in_order(self) -> Floats:
        """The states in the order of the tokens, both ways side by side: (T, B, D * H)."""
        return np.concatenate(_turned(self.states[1:].swapaxes(0, 1)), 2)


def _of_tokens(
    network: Runtime, tokens: Floats, real: NDArray[np.bool_] | None, wide: Floats | None
) -> tuple[Floats, Floats | None]:
    """By the tokens (T, B, H) and by the wide sum (B, 1)."""
    config, tensors = network.config, network.tensors
    count, rows = tokens.shape[:2]
    pools, layers, states = [], [], tokens
    mask = None if real is None else real.T[:, :, None]  # (T, B, 1)
    if config.recurrent:
        for layer in range(config.layers):
            layers.append(_forward(network, states, layer))
            states = layers[-1].in_order()  # (T, B, D)
        question = asked(config, tensors)  # (D,)
        scores = states @ question  # (T, B)
        if mask is not None:
            scores = np.where(mask[:, :, 0], scores, FAR)
        weights = np.exp(scores - scores.max(0))
        weights /= weights.sum(0)
        pools.append(np.einsum("tb,tbd->bd", weights, states) @ tensors["value.weight"].T)
        if config.max_pool:
            loud = states if mask is None else np.where(mask, states, -1)
            loudest = loud.argmax(0)  # (B, D)
            pools.append(np.take_along_axis(loud, loudest[None], 0)[0])
    if config.beside:
        pools.append(tokens.transpose(1, 0, 2).reshape(rows, -1))
    slope, by_wide = _of_pooled(network, np.concatenate(pools, 1), wide)
    by_token = np.zeros_like(tokens)
    if config.beside:
        by_token += slope[:, -config.beside :].reshape(rows, count, -1).transpose(1, 0, 2)
    if not config.recurrent:
        return by_token, by_wide
    by_pool = slope[:, : config.states] @ tensors["value.weight"]  # (B, D)
    agreed = np.einsum("tbd,bd->tb", states, by_pool)
    by_score = weights * (agreed - (weights * agreed).sum(0))  # (T, B), of the softmax
    if mask is not None:
        by_score *= mask[:, :, 0]
    by_state = weights[:, :, None] * by_pool + by_score[:, :, None] * question  # (T, B, D)
    if config.max_pool:
        by_loudest = slope[:, config.states : 2 * config.states]
        heard = by_loudest if mask is None else by_loudest * np.take_along_axis(mask, loudest[None], 0)[0]
        place = loudest[None]
        np.put_along_axis(by_state, place, np.take_along_axis(by_state, place, 0) + heard, 0)
    for layer, gone in reversed(list(enumerate(layers))):
        by_state = _backward(network, gone, by_state, layer)
    return by_token + by_state, by_wide


def _of_pooled(network: Runtime, pooled: Floats, wide: Floats | None) -> tuple[Floats, Floats | None]:
    """By what the DNN reads (B, P) and by the wide sum (B, 1)."""
    config, tensors = network.config, network.tensors
    seen: Floats = pooled
    if config.dense:
        weight, bias = hidden_layer(config, tensors)
        seen = np.maximum(pooled @ weight.T + bias, np.float32(0))
        passed = seen > 0
    logits = network.logits(seen if wide is None else np.concatenate([seen, wide], 1))
    risky = np.exp(logits[:, 1:] - logits[:, 1:].max(1, keepdims=True))
    by_logit = np.concatenate([np.full((len(logits), 1), -1, np.float32), risky / risky.sum(1, keepdims=True)], 1)
    slope = by_logit @ network.last_weight  # (B, M)
    by_wide = None
    if wide is not None:
        slope, by_wide = slope[:, :-1], slope[:, -1:]
    if config.dense:
        slope = (slope * passed) @ weight
    return slope, by_wide


def _turned(ways: Iterable[Floats]) -> list[Floats]:
    """Ways (T, ...) between the order of tokens and that of reading: the second reads from the end."""
    return [way[::-1] if place else way for place, way in enumerate(ways)]


def _both(network: Runtime, name: str, layer: int) -> Floats:
    """A tensor of every way of a layer: (D, ...)."""
    ways = ("", "_reverse")[: network.config.directions]
    return np.stack([network.tensors[f"lstm.{name}_l{layer}{way}"] for way in ways])


def _forward(network: Runtime, tokens: Floats, layer: int) -> _Pass:
    """Eq. 4 over tokens (T, B, N)."""
    count = len(tokens)
    read = np.stack(_turned([tokens] * network.config.directions), 1)  # (T, D, B, N)
    bias = _both(network, "bias_ih", layer) + _both(network, "bias_hh", layer)
    gates = read @ _both(network, "weight_ih", layer).swapaxes(1, 2) + bias[:, None]  # (T, D, B, 4H)
    kept = np.ascontiguousarray(_both(network, "weight_hh", layer).swapaxes(1, 2))  # (D, H, 4H)
    cells, states = (np.zeros((count + 1, *gates.shape[1:3], network.config.hidden), np.float32) for _ in range(2))
    i, f, g, o = gates_of(network.config.hidden, "ifgo")
    for at in range(count):
        now = gates[at]
        now += states[at] @ kept
        candidate = np.tanh(now[..., g])
        now[...] = sigmoid(now)
        now[..., g] = candidate
        cells[at + 1] = now[..., f] * cells[at] + now[..., i] * candidate
        states[at + 1] = now[..., o] * np.tanh(cells[at + 1])
    return _Pass(gates, cells, states)


def _backward(network: Runtime, gone: _Pass, by_state: Floats, layer: int) -> Floats:
    """By the tokens (T, B, N), from what comes of each state (T, B, D * H)."""
    by_state = np.stack(_turned(np.split(by_state, network.config.directions, 2)), 1)  # (T, D, B, H)
    kept = _both(network, "weight_hh", layer)  # (D, 4H, H)
    i, f, g, o = gates_of(network.config.hidden, "ifgo")
    by_gate = np.empty_like(gone.gates)
    later, by_cell = np.zeros_like(by_state[0]), np.zeros_like(by_state[0])
    for at in range(len(by_state) - 1, -1, -1):
        now, out = gone.gates[at], by_gate[at]
        later += by_state[at]
        shown = np.tanh(gone.cells[at + 1])
        by_cell += later * now[..., o] * (1 - shown * shown)
        out[..., o] = later * shown
        out[..., i] = by_cell * now[..., g]
        out[..., f] = by_cell * gone.cells[at]
        slope = now * (1 - now)
        slope[..., g] = 1 - now[..., g] * now[..., g]
        out[..., g] = by_cell * now[..., i]
        out *= slope
        later = out @ kept
        by_cell *= now[..., f]
    found = (by_gate @ _both(network, "weight_ih", layer)).swapaxes(0, 1)  # (D, T, B, N)
    return np.asarray(sum(_turned(found)))
