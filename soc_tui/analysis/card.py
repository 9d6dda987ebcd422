"""The model card: everything one must know about a shipped network, beside its weights as NAME.json.

It is read without torch, so listing models costs nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from soc_tui.core.errors import ModelError

_REMEDY = "install soc-tui again, or train the model with soc-tui models train"


@dataclass(frozen=True)
class Card:
    """One trained network."""

    name: str
    """``flow``, ``query``, ``domain``, ``code``, ``page`` or ``session``."""
    classes: tuple[str, ...]
    """Class 0 is benign; the score is the calibrated probability of any other."""
    architecture: dict[str, Any]
    """``network.NetworkConfig`` as JSON."""
    threshold: float
    """A score at or above it is a finding."""
    threshold_source: str
    """How the threshold was fixed, and on which data."""
    data: dict[str, dict[str, Any]]
    """Training, validation and test files: role, rows, sha256."""
    split: str
    """Which sources train, which validate, which test, and why."""
    seed: int
    epochs: int
    """Epochs that the shipped weights had seen (early stopping)."""
    metrics: dict[str, dict[str, Any]]
    """Held-out set -> rows, positives, precision, recall, f1, fpr, auroc at ``threshold``, and their 95 % bootstrap
    intervals under ``intervals``."""
    weights_sha256: str
    parameters: int
    licence: str
    date: str
    version: str
    """soc-tui's version when it was trained."""
    notes: tuple[str, ...] = field(default=())
    """Known weaknesses."""
    calibration: dict[str, float] = field(default_factory=dict)
    """``slope`` and ``offset`` of ``calibration.Calibration``, fitted on validation data."""
    ece: float = 0.0
    """Expected calibration error on validation data, both sides counting alike."""
    reliability: list[list[float]] = field(default_factory=list)
    """Bins of validation scores: mean score, share of risk, share of weight."""
    curves: dict[str, list[float]] = field(default_factory=dict)
    """Labelled set -> 101 quantiles of its attacks' calibrated log odds: what a higher threshold would lose."""
    cases: list[dict[str, str]] = field(default_factory=list)
    """``class`` and ``text`` of the known cases, row by row of the tensor ``cases`` in the weights file."""

    def write(self, folder: Path) -> Path:
        """Write ``NAME.json`` and return its path."""
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return path


def read_card(folder: Path, name: str) -> Card:
    """The card of a network.

    Raises:
        ModelError: it is missing, no JSON, or lacks a field.
    """
    path = folder / f"{name}.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Card(**{**fields, "classes": tuple(fields["classes"]), "notes": tuple(fields["notes"])})
    except FileNotFoundError as error:
        raise ModelError(f"the model {name!r} is missing", source=path, remedy=_REMEDY) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"the model card is damaged: {error}", source=path, remedy=_REMEDY) from error


def checked_weights(folder: Path, card: Card) -> Path:
    """The weights file of a card, after comparing its sha256.

    Raises:
        ModelError: the file is missing, unreadable or not the one the card describes.
    """
    path = folder / f"{card.name}.safetensors"
    try:
        digest = sha256(path)
    except OSError as error:
        raise ModelError(
            f"the weights of {card.name!r} cannot be read: {error.strerror}", source=path, remedy=_REMEDY
        ) from error
    if digest != card.weights_sha256:
        raise ModelError(
            "the weights are not the ones the card describes (sha256 differs)", source=path, remedy=_REMEDY
        )
    return path


def sha256(path: Path) -> str:
    """The file's digest in lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
