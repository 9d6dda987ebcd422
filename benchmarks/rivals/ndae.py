"""NDAE: two stacked non-symmetric deep auto-encoders, then a random forest on the code.

Source: N. Shone, T. N. Ngoc, V. D. Phai, Q. Shi, "A Deep Learning Approach to Network Intrusion Detection", IEEE
Transactions on Emerging Topics in Computational Intelligence 2(1), 2018.

As in the paper: an NDAE has several encoding layers and no decoding ones; the output layer comes straight after the last
hidden layer and is as wide as the input. All layers are sigmoid, the loss is the squared error, the input is scaled to
[0, 1] by the training rows. Two NDAEs of hidden layers 14, 28 and 28 are stacked: the second learns to rebuild the code of
the first. The labels are not used until the random forest learns from the second code.

Decided: Adam with batches of 256 and a fixed number of epochs; weights by Glorot's rule for sigmoids (gain 4), which starts
the layers where their slope is not yet lost; 100 trees. The grid widens
the hidden layers in the paper's proportion, because one-hot fields make the input wider than the paper's 41 columns.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import MinMaxScaler
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.rivals import Labels, Rows
from benchmarks.rivals.base import Probabilistic, chunks, one_thread

GRID: list[dict[str, Any]] = [
    {},
    {"leaf": 5},
    {"hidden": (28, 56, 56)},
    {"hidden": (28, 56, 56), "leaf": 5},
]


class Encoder(nn.Module):
    """One NDAE: sigmoid layers, and one output layer as wide as the input."""

    def __init__(self, width: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        sizes = (width, *hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.output = nn.Linear(hidden[-1], width)
        for layer in (*self.layers, self.output):
            assert isinstance(layer, nn.Linear)
            nn.init.xavier_uniform_(layer.weight, gain=4.0)
            nn.init.zeros_(layer.bias)

    def code(self, x: Tensor) -> Tensor:
        """The last hidden layer (B, H) of input (B, F) in [0, 1]."""
        for layer in self.layers:
            x = torch.sigmoid(layer(x))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """The input (B, F), rebuilt."""
        return torch.sigmoid(self.output(self.code(x)))


class Ndae(Probabilistic):
    """Stacked non-symmetric auto-encoders with a random forest.

    Args:
        hidden: sizes of the hidden layers of each auto-encoder.
        epochs: passes over the rows for each auto-encoder.
        batch: rows a step.
        rate: Adam's learning rate.
        trees: trees of the forest.
        leaf: least rows in a leaf of the forest.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (14, 28, 28),
        epochs: int = 12,
        batch: int = 256,
        rate: float = 3e-3,
        trees: int = 100,
        leaf: int = 1,
    ) -> None:
        super().__init__()
        self._hidden, self._epochs, self._batch, self._rate = tuple(hidden), epochs, batch, rate
        self._trees, self._leaf = trees, leaf

    def _fit(self, rows: Rows, targets: Labels, seed: int) -> None:
        self._scale = MinMaxScaler(clip=True).fit(rows)
        x = torch.from_numpy(self._scale.transform(rows))  # (n, F)
        self._stack: list[Encoder] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for _ in range(2):
                encoder = self._learn(x)
                with torch.inference_mode():
                    x = encoder.code(x).clone()  # (n, H): what the next one rebuilds
                self._stack.append(encoder)
        self._forest = RandomForestClassifier(
            self._trees, min_samples_leaf=self._leaf, random_state=seed, n_jobs=1
        ).fit(x.numpy(), targets)  # fmt: skip

    def _learn(self, x: Tensor) -> Encoder:
        """One auto-encoder that rebuilds x (n, F)."""
        encoder = Encoder(x.shape[1], self._hidden)
        optimiser = torch.optim.Adam(encoder.parameters(), lr=self._rate)
        for _ in range(self._epochs):
            for part in torch.randperm(len(x)).split(self._batch):  # type: ignore[no-untyped-call]
                batch = x[part]
                optimiser.zero_grad()
                functional.mse_loss(encoder(batch), batch).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
        return encoder.eval()

    def reconstruction(self, rows: Rows) -> tuple[Rows, Rows]:
        """The scaled input (n, F) and what the first auto-encoder makes of it, to see that it learned."""
        x = torch.from_numpy(self._scale.transform(rows))
        with one_thread(), torch.inference_mode():
            return x.numpy(), self._stack[0](x).numpy()

    def codes(self, rows: Rows) -> Rows:
        """The second code (n, H) of rows (n, F): what the forest sees."""
        parts = []
        for part in chunks(rows):
            x = torch.from_numpy(self._scale.transform(part))
            with torch.inference_mode():
                for encoder in self._stack:
                    x = encoder.code(x)
            parts.append(x.numpy())
        return np.concatenate(parts)

    def _probabilities(self, rows: Rows) -> NDArray[np.float64]:
        return np.asarray(self._forest.predict_proba(self.codes(rows)))
