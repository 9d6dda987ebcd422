"""PCA-LSTM: principal components, then a recurrent network.

Source: F. Laghrissi, S. Douzi, K. Douzi, B. Hssina, "Intrusion detection systems using long short-term memory (LSTM)",
Journal of Big Data 8:65, 2021.

As in the paper: features are standardised and reduced by PCA fitted on training rows; one LSTM layer with dropout and a
dense softmax layer classify the components; cross entropy with Adam, batches of a few hundred rows.

Decided: the paper tells records apart one by one, so the sequence is the row's own components, the strongest first, in
``steps`` equal pieces (one step would make the LSTM a gated dense layer; that is the setting ``steps=1``). 24 components are
kept by default: a handful would handicap the method on one-hot fields. Training stops when the validation loss has not
fallen for two epochs, and the best weights are taken.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.rivals import Labels, Rows
from benchmarks.rivals.base import Probabilistic, chunks
from benchmarks.rivals.scaling import CUT, Standard

GRID: list[dict[str, Any]] = [
    {},
    {"components": 48},
    {"hidden": 96},
    {"components": 24, "steps": 1, "hidden": 96},
]
PATIENCE = 2


class Network(nn.Module):
    """Components in ``steps`` pieces -> LSTM -> last state -> class logits."""

    def __init__(self, components: int, steps: int, hidden: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.steps = steps
        self.piece = -(-components // steps)
        self.lstm = nn.LSTM(self.piece, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Components (B, K) to logits (B, C); a last piece that is not full is padded with zeros."""
        x = functional.pad(x, (0, self.steps * self.piece - x.shape[1]))
        states, _ = self.lstm(x.view(len(x), self.steps, self.piece))  # (B, T, H)
        logits: Tensor = self.head(states[:, -1])  # (B, C)
        return logits


class PcaLstm(Probabilistic):
    """Principal components read by an LSTM."""

    def __init__(
        self,
        components: int = 24,
        steps: int = 6,
        hidden: int = 48,
        dropout: float = 0.2,
        epochs: int = 12,
        batch: int = 256,
        rate: float = 2e-3,
    ) -> None:
        super().__init__()
        self._components, self._steps, self._hidden, self._dropout = components, steps, hidden, dropout
        self._epochs, self._batch, self._rate = epochs, batch, rate

    def _fit(self, rows: Rows, targets: Labels, seed: int) -> None:
        self._scale = Standard().fit(rows)
        standard = self._scale.transform(rows)
        kept = min(self._components, *standard.shape)
        self._pca = PCA(kept, whiten=True, svd_solver="covariance_eigh").fit(standard)
        x, y = self._reduce(rows), torch.from_numpy(targets)  # (n, K), (n,)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            steps = min(self._steps, kept)
            self._network = Network(kept, steps, self._hidden, int(targets.max()) + 1, self._dropout)
            self._train(x, y)

    def _train(self, x: Tensor, y: Tensor) -> None:
        """Adam on cross entropy; the weights with the least validation loss are kept."""
        optimiser = torch.optim.Adam(self._network.parameters(), lr=self._rate)
        least, best, waited = np.inf, copy.deepcopy(self._network.state_dict()), 0
        for _ in range(self._epochs):
            self._network.train()
            for part in torch.randperm(len(x)).split(self._batch):  # type: ignore[no-untyped-call]
                optimiser.zero_grad()
                functional.cross_entropy(self._network(x[part]), y[part]).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            if self._validation is None:
                continue
            chance = torch.from_numpy(
                np.concatenate([self._probabilities(rows) for rows in chunks(self._validation[0])])
            )
            loss = float(functional.nll_loss(chance.clamp_min(1e-9).log(), torch.from_numpy(self._validation[1])))
            if loss < least:
                least, best, waited = loss, copy.deepcopy(self._network.state_dict()), 0
            elif (waited := waited + 1) >= PATIENCE:
                break
        if np.isfinite(least):
            self._network.load_state_dict(best)

    def _probabilities(self, rows: Rows) -> NDArray[np.float64]:
        self._network.eval()
        with torch.inference_mode():
            return torch.softmax(self._network(self._reduce(rows)).double(), 1).numpy()

    def _reduce(self, rows: Rows) -> Tensor:
        """Whitened principal components (n, K) of rows (n, F)."""
        components = self._pca.transform(self._scale.transform(rows))
        return torch.from_numpy(np.clip(components, -CUT, CUT).astype(np.float32))
