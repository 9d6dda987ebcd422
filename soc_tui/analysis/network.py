"""The BiLSTM-DNN: feature tokens -> BiLSTM -> scaled dot-product attention -> DNN -> risk classes.

One architecture serves every risk model. This is where it learns; :mod:`soc_tui.analysis.runtime` runs what it has
learned. Source: Z. Fu, "Computer Network Intrusion Anomaly Detection with Recurrent
Neural Network", 2022; equation numbers below are the paper's. Its parts can be switched off one by one, so that what
each contributes is measured on the same code (``bidirectional``, ``attention``, ``batch_norm``).

Shapes: B rows, T tokens, W numbers per feature group, E character embedding, H hidden, D = H or 2H, C classes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from soc_tui.analysis.architecture import NetworkConfig
from soc_tui.analysis.runtime import EXTRA, Runtime
from soc_tui.analysis.wide import Wide


class GroupTokens(nn.Module):
    """Each feature group becomes one token by its own linear projection (or all by one, ``shared``)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.shared = config.shared
        kinds = 1 if config.shared else config.tokens  # K
        bound = 1 / math.sqrt(config.width)
        self.weight = nn.Parameter(torch.empty(kinds, config.width, config.hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(kinds, config.hidden))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None, None]:
        """Groups (B, T, W) float to tokens (B, T, H); the mask (B, T) is None where every token is real."""
        if self.shared:
            real = (x != 0).any(2)  # (B, T)
            tokens = torch.tanh(x @ self.weight[0] + self.bias[0]) * real.unsqueeze(2)  # (B, T, H)
            return tokens, real, None
        return torch.tanh(torch.einsum("btw,twh->bth", x, self.weight) + self.bias), None, None  # (B, T, H)


class FoldedEmbedding(nn.Embedding):
    """An embedding of more ids than it has rows: ids share rows, 0 stays padding."""

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (...) to (..., E)."""
        return super().forward((ids - 1) % (self.num_embeddings - 1) * (ids > 0) + (ids > 0))


class WideTokens(nn.Module):
    """What every distinct id, pair and triple of a row says by itself: a linear model, as a part of the network.

    :mod:`soc_tui.analysis.wide` says how they are counted. The weights are fitted first (``building.fit_wide``) and
    then stay; while the recurrent way learns it does not hear the wide one, so neither leans on the other and their
    sum errs less.
    """

    def __init__(self, bits: int, counted: bool = False) -> None:
        super().__init__()
        self.counted = counted
        self.weight = nn.Parameter(torch.zeros(1 << bits), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.register_buffer("rarity", torch.ones(1 << bits))
        self.rarity: Tensor
        """Inverse document frequency of each bucket."""

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (B, L) to (B, 1)."""
        wide = Wide(self.weight.numpy(), self.rarity.numpy(), self.bias.numpy(), self.counted)
        return torch.from_numpy(wide.total(ids.numpy()))


class CharacterTokens(nn.Module):
    """Characters are embedded; each ``patch`` of them, seen with half a patch on either side, becomes one token."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.patch = config.patch
        table = FoldedEmbedding if config.wide else nn.Embedding
        self.embed = table(config.vocabulary, config.embedding, padding_idx=0)
        self.wide = WideTokens(config.wide, config.counted) if config.wide else None
        kernel = 2 * config.patch  # neighbours overlap by half, so no cut falls inside every view of a word
        self.mix = nn.Conv1d(config.embedding, config.hidden, kernel, stride=config.patch, padding=config.patch // 2)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Ids (B, L) to tokens (B, T, H), mask (B, T) and, where there is a wide way, its sum (B, 1).

        T = L / patch; True marks a real token.
        """
        mixed = self.mix(self.embed(ids).transpose(1, 2))  # (B, H, T)
        real = (ids != 0).view(ids.shape[0], -1, self.patch).any(2)  # (B, T)
        tokens = torch.tanh(mixed).transpose(1, 2) * real.unsqueeze(2)  # (B, T, H)
        if self.wide is None:
            return tokens, real, None
        return tokens, real, tokens.new_zeros(len(ids), 1) if self.training else self.wide(ids)


class RiskNetwork(nn.Module):
    """The network: ``forward`` gives class logits (B, C) and attention weights (B, T)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encode = GroupTokens(config) if config.kind == "groups" else CharacterTokens(config)
        features, pooled, middle = config.states, config.pooled, config.middle
        if config.recurrent:
            # nn.LSTM is eq. 4: input, forget, output gates by sigmoid, candidate by tanh, c = f*c + i*g, h = o*tanh(c)
            self.lstm = nn.LSTM(
                config.hidden, config.hidden, config.layers, batch_first=True, bidirectional=config.bidirectional
            )
            self.key = nn.Linear(features, config.hidden, bias=False)
            self.value = nn.Linear(features, features, bias=False)
            self.query = nn.Parameter(torch.randn(config.hidden) / math.sqrt(config.hidden))
        self.dnn = nn.Sequential(
            nn.Linear(pooled, middle),
            nn.BatchNorm1d(middle) if config.batch_norm else nn.Identity(),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(middle + bool(config.wide), config.classes),
        ) if config.dense else nn.Sequential(nn.Linear(pooled + bool(config.wide), config.classes))  # fmt: skip
        if config.wide:
            with torch.no_grad():  # the wide sum is log odds of risk already
                self.last.weight[:, -1] = torch.tensor([-0.5] + [0.5] * (config.classes - 1))

    @property
    def last(self) -> nn.Linear:
        """The last layer: from what it sees of a row (M) to class logits (C)."""
        layer = self.dnn[-1]
        assert isinstance(layer, nn.Linear)
        return layer

    def at_work(self, threads: int = 1) -> Runtime:
        """The network as it is now, to score with."""
        tensors = {name: value.detach().clone().numpy() for name, value in self.state_dict().items()}
        return Runtime(self.config, tensors, threads)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Rows to class logits and to what the network looked at.

        Args:
            x: (B, T, W) float for ``groups``, (B, L) ids for ``characters``.

        Returns:
            logits (B, C) and attention weights (B, T), which sum to 1 over the real tokens of a row.
        """
        return self.classify(*self.encode(x))

    def classify(self, tokens: Tensor, real: Tensor | None, wide: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, H), their mask (B, T) and the wide sum (B, 1) to logits and attention weights."""
        hidden, weights = self.embed(tokens, real, wide)
        return self.last(hidden), weights  # (B, C), (B, T)

    def embed(self, tokens: Tensor, real: Tensor | None, wide: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The same to what the last layer sees of a row (B, M), M the hidden layer, and the attention.

        The wide sum is the last of M: neither BatchNorm nor dropout touches it.
        """
        if self.training and self.config.token_dropout:
            kept = torch.rand(tokens.shape[:2]) >= self.config.token_dropout  # (B, T)
            tokens = tokens * kept.unsqueeze(2)  # (B, T, H)
        flat = tokens.flatten(1)  # (B, T * H)
        if not self.config.recurrent:
            return self.dnn[:-1](flat), tokens.new_full(tokens.shape[:2], 1 / tokens.shape[1])  # (B, M), (B, T)
        states, _ = self.lstm(tokens)  # (B, T, D)
        pooled, weights = self.attend(states, real)  # (B, D), (B, T)
        if self.config.max_pool:
            loudest = states if real is None else states.masked_fill(~real.unsqueeze(2), -1.0)  # o*tanh(c) > -1
            pooled = torch.cat([pooled, loudest.amax(1)], 1)  # (B, 2D)
        if self.config.skip:
            pooled = torch.cat([pooled, flat], 1)  # (B, D + T * H)
        hidden = self.dnn[:-1](pooled)  # (B, M)
        return hidden if wide is None else torch.cat([hidden, wide], 1), weights  # (B, M), (B, T)

    def attend(self, states: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """Eq. 6, softmax(Q K^T / sqrt(d)) V, with one learned query: T products a row instead of T squared."""
        if self.config.attention:
            asked = self.query @ self.key.weight / math.sqrt(self.config.hidden)  # (D,), K q = states (W_k^T q)
            scores = states @ asked  # (B, T)
        else:
            scores = states.new_zeros(states.shape[:2])  # (B, T): equal weights are mean pooling
        if real is not None:
            scores = scores.masked_fill(~real, -1e9)  # (B, T)
        weights = torch.softmax(scores, 1)  # (B, T)
        # values are linear, so the pool of the values is the value of the pool: one product a row instead of T
        pooled = self.value((weights.unsqueeze(1) @ states).squeeze(1))  # (B, D)
        return pooled, weights


def tensor(rows: NDArray[Any]) -> Tensor:
    """Groups as float32, character ids as int64."""
    return torch.from_numpy(np.ascontiguousarray(rows if rows.ndim == 3 else rows.astype(np.int64)))


def allowed_loss(logits: Tensor, allowed: Tensor, weight: Tensor) -> Tensor:
    """Negative log likelihood of a *set* of classes.

    Many sources say "an attack" without saying which: then every risk class is allowed, and the probability of the
    set counts. With one class allowed it is plain cross entropy.

    Args:
        logits: (B, C).
        allowed: (B, C) bool, True for each class the label permits.
        weight: (B,) weight of each row.
    """
    log_p = functional.log_softmax(logits, 1).masked_fill(~allowed, -1e9)  # (B, C)
    return -(torch.logsumexp(log_p, 1) * weight).sum() / weight.sum()  # ()


def save(network: RiskNetwork, path: Path, extras: dict[str, Tensor] | None = None) -> None:
    """Weights, and ``extras`` under names of their own, as safetensors: numbers only, nothing that runs when loaded."""
    tensors = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    save_file(tensors | {f"{EXTRA}{name}": value.contiguous() for name, value in (extras or {}).items()}, path)
    path.chmod(0o644)  # safetensors writes 0600; a wheel keeps the mode, and every user of the machine loads the model
