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
    """Each feature group becomes one token by its own linear projection."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        bound = 1 / math.sqrt(config.width)
        self.weight = nn.Parameter(torch.empty(config.tokens, config.width, config.hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(config.tokens, config.hidden))

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Groups (B, T, W) float to tokens (B, T, H)."""
        tokens = torch.einsum("btw,twh->bth", x, self.weight) + self.bias  # (B, T, H)
        return torch.tanh(tokens), None  # (B, T, H); every token is real, nothing is masked


class CharacterTokens(nn.Module):
    """Characters are embedded; each ``patch`` of them, seen with half a patch on either side, becomes one token."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.embed = nn.Embedding(config.vocabulary, config.embedding, padding_idx=0)
        kernel = 2 * config.patch  # neighbours overlap by half, so no cut falls inside every view of a word
        self.mix = nn.Conv1d(config.embedding, config.hidden, kernel, stride=config.patch, padding=config.patch // 2)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Ids (B, L) to tokens (B, T, H) and mask (B, T), where T = L / patch; True marks a real token."""
        return self.tokens(self.embed(ids), ids)

    def tokens(self, characters: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The same from embedded characters (B, L, E): the explanation differentiates by them."""
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
        if config.skip or not config.recurrent:
            features += config.tokens * config.hidden  # D + T * H
        middle = (features + config.classes) // 2  # the paper's s = (m + n) / 2 for the hidden layer of the DNN
        self.dnn = nn.Sequential(
            nn.Linear(features, middle),
            nn.BatchNorm1d(middle) if config.batch_norm else nn.Identity(),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(middle, config.classes),
        ) if config.dense else nn.Sequential(nn.Linear(features, config.classes))  # fmt: skip

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

    def classify(self, tokens: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tokens (B, T, H) and their mask (B, T) to logits and attention weights."""
        hidden, weights = self.embed(tokens, real)
        return self.last(hidden), weights  # (B, C), (B, T)

    def embed(self, tokens: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """Tokens and their mask to what the last layer sees of a row (B, M), M the hidden layer, and the attention."""
        if self.training and self.config.token_dropout:
            kept = torch.rand(tokens.shape[:2]) >= self.config.token_dropout  # (B, T)
            tokens = tokens * kept.unsqueeze(2)  # (B, T, H)
        flat = tokens.flatten(1)  # (B, T * H)
        if not self.config.recurrent:
            return self.dnn[:-1](flat), tokens.new_full(tokens.shape[:2], 1 / tokens.shape[1])  # (B, M), (B, T)
        states, _ = self.lstm(tokens)  # (B, T, D)
        pooled, weights = self.attend(states, real)  # (B, D), (B, T)
        if self.config.skip:
            pooled = torch.cat([pooled, flat], 1)  # (B, D + T * H)
        return self.dnn[:-1](pooled), weights  # (B, M), (B, T)

    def attend(self, states: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """Eq. 6, softmax(Q K^T / sqrt(d)) V, with one learned query: T products a row instead of T squared."""
        if self.config.attention:
            scores = self.key(states) @ self.query / math.sqrt(self.config.hidden)  # (B, T)
        else:
            scores = states.new_zeros(states.shape[:2])  # (B, T): equal weights are mean pooling
        if real is not None:
            scores = scores.masked_fill(~real, -1e9)  # (B, T)
        weights = torch.softmax(scores, 1)  # (B, T)
        pooled = (weights.unsqueeze(1) @ self.value(states)).squeeze(1)  # (B, D)
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
