"""The BiLSTM-DNN: feature tokens -> BiLSTM -> scaled dot-product attention -> DNN -> risk classes.

One architecture serves every risk model. Source: Z. Fu, "Computer Network Intrusion Anomaly Detection with Recurrent
Neural Network", 2022; equation numbers below are the paper's. Its parts can be switched off one by one, so that what
each contributes is measured on the same code (``bidirectional``, ``attention``, ``batch_norm``).

Shapes: B rows, T tokens, W numbers per feature group, E character embedding, H hidden, D = H or 2H, C classes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from soc_tui.core.errors import ModelError

_EXTRA = "extra."
"""Names of tensors in a weights file that are no weights: known cases, anchors of the local head."""


@dataclass(frozen=True)
class NetworkConfig:
    """Everything that fixes the shape of a network; the model card holds it."""

    kind: Literal["groups", "characters"]
    """``groups``: each row is ``tokens`` feature groups; ``characters``: each row is a run of character ids."""
    classes: int
    tokens: int = 0
    """``groups``: how many groups a row has."""
    width: int = 0
    """``groups``: numbers per group (narrower groups are padded with zeros)."""
    shared: bool = False
    """``groups``: all tokens by one projection, as the events of a sequence are alike; an empty token is padding."""
    vocabulary: int = 0
    """``characters``: number of character ids; id 0 is padding."""
    embedding: int = 16
    patch: int = 2
    """``characters``: characters per token, an even number. LSTM time is per token: patches of 4 take a quarter."""
    hidden: int = 32
    layers: int = 1
    dropout: float = 0.2
    bidirectional: bool = True
    attention: bool = True
    batch_norm: bool = True
    max_pool: bool = False
    """What the LSTM says at its loudest goes to the DNN beside the attention: one bad place in a long row is enough."""
    wide: int = 0
    """``characters``: above 0, a table of 2**wide weights for ids, pairs and triples beside the recurrent way."""
    counted: bool = False
    """The wide way counts an n-gram that a row holds k times 1 + ln k times; else once."""
    recurrent: bool = True
    """False is the DNN alone (``groups`` only): it reads the tokens of a row side by side."""
    dense: bool = True
    """False is the recurrent part alone: its pooled states go straight to the classes."""
    skip: bool = False
    """``groups`` only: the DNN sees the tokens themselves beside the pooled states (a wide path past the LSTM)."""
    token_dropout: float = 0.0
    """Share of whole tokens that training blanks: no verdict may hang on one group of features."""

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            ValueError: characters without the recurrent part or with the wide path: their number of tokens varies.
        """
        if self.kind != "groups" and (self.skip or not self.recurrent):
            raise ValueError("skip and a DNN alone need feature groups")


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

    Weights lie in 2**bits buckets by a hash; a repeated n-gram counts once, or by its logarithm, times its inverse
    document frequency, and a row is a bag of length 1: the logistic regression over TF-IDF that text classifiers are
    measured against. The
    weights are fitted first (``building.fit_wide``) and then stay; while the recurrent way learns it does not hear the
    wide one, so neither leans on the other and their sum errs less.
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
        return self.parts(ids).sum((1, 2)).unsqueeze(1) + self.bias

    def positions(self, ids: Tensor) -> Tensor:
        """The same sum without the bias, spread over the ids (B, L): its ids share an n-gram's part alike."""
        one, two, three = self.parts(ids).unbind(1)  # (B, L) each, at the n-gram's last id
        two, three = two / 2, three / 3
        return one + two + _earlier(two, 1) + three + _earlier(three, 1) + _earlier(three, 2)

    def parts(self, ids: Tensor) -> Tensor:
        """The part of each n-gram at its first occurrence: (B, 3, L)."""
        buckets, often = self.buckets(ids)
        rarity = self.rarity[buckets] * often  # (B, 3L)
        length = rarity.square().sum(1, keepdim=True).clamp(min=1).sqrt()  # (B, 1)
        return (self.weight[buckets] * rarity / length).view(len(ids), 3, -1)

    def buckets(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The bucket of every n-gram by its last id, and at the first of each how much it counts: (B, 3L)."""
        before = functional.pad(ids, (1, 0))[:, :-1]  # (B, L)
        second = functional.pad(ids, (2, 0))[:, :-2]  # (B, L)
        grams = torch.stack([ids, ids << 16 | before, (ids << 16 | before) << 16 | second], 1)  # (B, 3, L)
        real = torch.stack([ids > 0, (ids > 0) & (before > 0), (ids > 0) & (second > 0)], 1)  # (B, 3, L)
        salt = torch.tensor([0x51ED27, 0x2545F4, 0x7FEB35]).view(1, 3, 1)
        buckets = torch.where(real, _mixed(grams + (salt << 24)) % len(self.weight), -1).flatten(1)
        order, places = buckets.sort(dim=1, stable=True)
        first = torch.ones_like(order, dtype=torch.bool)
        first[:, 1:] = order[:, 1:] != order[:, :-1]
        often = (first & (order >= 0)).float()
        if self.counted:
            run = first.cumsum(1) - 1  # (B, 3L): equal buckets stand side by side
            number = torch.zeros_like(run).scatter_add(1, run, torch.ones_like(run)).gather(1, run)
            often = often * (1 + number.float().log())
        return buckets.clamp(min=0), torch.zeros_like(often).scatter(1, places, often)


def _earlier(parts: Tensor, by: int) -> Tensor:
    return functional.pad(parts, (0, by))[:, by:]


def _mixed(keys: Tensor) -> Tensor:
    """Keys (...) of up to 62 bits to well-spread ones of 31 bits, in wrapping 64-bit arithmetic."""
    keys = keys * 0x1E3779B97F4A7C15
    keys = (keys ^ (keys >> 29)) * 0x3F58476D1CE4E5B9
    return (keys >> 33) & 0x7FFFFFFF


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
        tokens, real = self.tokens(self.embed(ids), ids)
        if self.wide is None:
            return tokens, real, None
        return tokens, real, tokens.new_zeros(len(ids), 1) if self.training else self.wide(ids)

    def tokens(self, characters: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and mask from embedded characters (B, L, E): the explanation differentiates by them."""
        mixed = self.mix(characters.transpose(1, 2))  # (B, H, T)
        real = (ids != 0).view(ids.shape[0], -1, self.patch).any(2)  # (B, T)
        return torch.tanh(mixed).transpose(1, 2) * real.unsqueeze(2), real  # (B, T, H), (B, T)


class RiskNetwork(nn.Module):
    """The network: ``forward`` gives class logits (B, C) and attention weights (B, T)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encode = GroupTokens(config) if config.kind == "groups" else CharacterTokens(config)
        features = 0
        if config.recurrent:
            # nn.LSTM is eq. 4: input, forget, output gates by sigmoid, candidate by tanh, c = f*c + i*g, h = o*tanh(c)
            self.lstm = nn.LSTM(
                config.hidden, config.hidden, config.layers, batch_first=True, bidirectional=config.bidirectional
            )
            features = config.hidden * (2 if config.bidirectional else 1)  # D
            self.key = nn.Linear(features, config.hidden, bias=False)
            self.value = nn.Linear(features, features, bias=False)
            self.query = nn.Parameter(torch.randn(config.hidden) / math.sqrt(config.hidden))
        pooled = features * (2 if config.max_pool else 1)
        if config.skip or not config.recurrent:
            features += config.tokens * config.hidden  # D + T * H
            pooled += config.tokens * config.hidden
        middle = (features + config.classes) // 2  # the paper's s = (m + n) / 2 for the hidden layer of the DNN
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

    def embed(
        self, tokens: Tensor, real: Tensor | None, wide: Tensor | None = None, cut: int = 0
    ) -> tuple[Tensor, Tensor]:
        """The same to what the last layer sees of a row (B, M), M the hidden layer, and the attention.

        The wide sum is the last of M: neither BatchNorm nor dropout touches it. ``cut`` padding tokens (zeros) that
        every row of one recurrent layer ends with may be left out: the way back begins in the state they leave it in.
        """
        if self.training and self.config.token_dropout:
            kept = torch.rand(tokens.shape[:2]) >= self.config.token_dropout  # (B, T)
            tokens = tokens * kept.unsqueeze(2)  # (B, T, H)
        flat = tokens.flatten(1)  # (B, T * H)
        if not self.config.recurrent:
            return self.dnn[:-1](flat), tokens.new_full(tokens.shape[:2], 1 / tokens.shape[1])  # (B, M), (B, T)
        start = self._behind(cut, len(tokens)) if cut else None
        states, _ = self.lstm(tokens, start)  # (B, T, D)
        pooled, weights = self.attend(states, real)  # (B, D), (B, T)
        if self.config.max_pool:
            loudest = states if real is None else states.masked_fill(~real.unsqueeze(2), -1.0)  # o*tanh(c) > -1
            pooled = torch.cat([pooled, loudest.amax(1)], 1)  # (B, 2D)
        if self.config.skip:
            pooled = torch.cat([pooled, flat], 1)  # (B, D + T * H)
        hidden = self.dnn[:-1](pooled)  # (B, M)
        return hidden if wide is None else torch.cat([hidden, wide], 1), weights  # (B, M), (B, T)

    def _behind(self, cut: int, rows: int) -> tuple[Tensor, Tensor]:
        """The state (directions, B, H) of either way at the first of ``cut`` padding tokens, coming from behind."""
        _, (hidden, cell) = self.lstm(self.query.new_zeros(1, cut, self.config.hidden))  # (directions, 1, H)
        for state in (hidden, cell):
            state[0] = 0  # the way forward begins with the row
        return hidden.expand(-1, rows, -1).contiguous(), cell.expand(-1, rows, -1).contiguous()

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


def risk_log_odds(logits: Tensor) -> Tensor:
    """Log odds of any risk class against class 0, benign: (B, C) to (B,). It does not saturate where the score does."""
    return torch.logsumexp(logits[:, 1:], 1) - logits[:, 0]  # (B,)


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
    save_file(tensors | {f"{_EXTRA}{name}": value.contiguous() for name, value in (extras or {}).items()}, path)
    path.chmod(0o644)  # safetensors writes 0600; a wheel keeps the mode, and every user of the machine loads the model


def load(architecture: dict[str, Any], path: Path, threads: int = 1) -> tuple[RiskNetwork, dict[str, Tensor]]:
    """A network in eval mode from the card's architecture and a weights file, and the file's extras.

    Raises:
        ModelError: the architecture is not one of ours, or the weights do not fit it.
    """
    torch.set_num_threads(threads)
    try:
        network = RiskNetwork(NetworkConfig(**architecture))
        tensors = load_file(path)
        extras = {name.removeprefix(_EXTRA): tensors.pop(name) for name in list(tensors) if name.startswith(_EXTRA)}
        network.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError, SafetensorError, OSError) as error:
        raise ModelError(
            f"weights do not fit the card: {str(error).splitlines()[0]}", source=path,
            remedy="install soc-tui again, or train the model with soc-tui models train",
        ) from error  # fmt: skip
    return network.eval(), extras


def architecture(config: NetworkConfig) -> dict[str, Any]:
    """The JSON form of a config."""
    return asdict(config)
