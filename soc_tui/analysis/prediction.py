"""Scores for events: load a shipped network, score distinct rows once, explain what reaches the threshold.

torch is imported by the first :meth:`Predictor.load` (1.8 s) and never by importing this module.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis.card import Card, checked_weights, read_card
from soc_tui.core.errors import UsageError
from soc_tui.core.resources import resource_dir

if TYPE_CHECKING:
    from soc_tui.analysis.network import RiskNetwork

SCORES = pa.schema([("score", pa.float64()), ("label", pa.string()), ("explanation", pa.string())])
"""What :meth:`Predictor.score` yields: score in [0, 1], the likeliest class (``benign`` below the threshold), and a
JSON list of ``{field, value, weight}`` (``[]`` below the threshold)."""

RISK_TYPES = {"flow": "intrusion", "query": "web-attack"}
"""The risk data class (``core.types.RISK_TYPES``) that a model's findings belong to."""

EXPLAINED_PER_CALL = 4096
"""Rows explained in one call at most, the highest scores first: under a flood the analyst needs no millionth reason."""


class Predictor:
    """One loaded network. Not for several threads at once."""

    def __init__(
        self, card: Card, network: RiskNetwork, threshold: float | None = None, batch_size: int = 1024
    ) -> None:
        self.card = card
        self.network = network
        self.threshold = card.threshold if threshold is None else threshold
        """A score at or above it is a finding."""
        self.batch_size = batch_size

    @classmethod
    def load(
        cls,
        models_dir: Path | None,
        name: str,
        threads: int = 1,
        threshold: float | None = None,
        batch_size: int = 1024,
    ) -> Predictor:
        """Load ``NAME.json`` and ``NAME.safetensors``.

        Args:
            models_dir: their folder; None is the one that ships.
            name: ``flow`` or ``query``.
            threads: torch's threads. Two collapse on a busy machine (4 s became 50 to 100 s), so one is the default.
            threshold: another threshold than the card's.
            batch_size: rows per forward pass; 512 to 1024 are fastest.

        Raises:
            ModelError: a file is missing, damaged (sha256) or of another shape.
        """
        folder = models_dir or resource_dir("models")
        card = read_card(folder, name)
        weights = checked_weights(folder, card)
        from soc_tui.analysis import network as networks

        return cls(card, networks.load(card.architecture, weights, threads), threshold, batch_size)

    def score(self, table: pa.Table) -> pa.Table:
        """Score events.

        Args:
            table: ``flow``: event columns and context of ``features/flow_window.sql``; ``query``: a column ``value``.

        Returns:
            A table of ``SCORES``, row by row for ``table``.
        """
        if self.card.name == "flow":
            return self._score_flows(table)
        if "value" not in table.column_names:
            raise UsageError("there is no column 'value'", remedy="give the values as one column named value")
        coded = table["value"].combine_chunks().dictionary_encode()
        scored = self._score_values([v or "" for v in coded.dictionary.to_pylist()])
        return scored.take(coded.indices.fill_null(0)) if table.num_rows else scored

    def _probabilities(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        from soc_tui.analysis.encoding import inference

        first, back = distinct(rows)
        return inference.probabilities(self.network, rows[first], self.batch_size)[back]

    def _attributions(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        from soc_tui.analysis.encoding import inference

        out = np.zeros(rows.shape, np.float32)
        for start in range(0, len(rows), 256):
            out[start : start + 256] = inference.attributions(self.network, rows[start : start + 256])
        return out

    def _score_flows(self, table: pa.Table) -> pa.Table:
        from soc_tui.analysis.encoding import explain, flow

        rows = flow.encode(table)
        chances = self._probabilities(rows)
        reasons = np.full(len(rows), "[]", object)
        found = self._worth_explaining(1 - chances[:, 0])
        if len(found):
            first, back = distinct(rows[found])
            weights = self._attributions(rows[found][first])[back]
            reasons[found] = explain.flow_fields(weights, table.take(pa.array(found)))
        return self._result(chances, reasons)

    def _score_values(self, values: list[str]) -> pa.Table:
        from soc_tui.analysis.encoding import explain, query

        windows = query.encode(values)
        chances = self._probabilities(windows.ids)
        order = np.lexsort((chances[:, 0], windows.owner))  # the riskiest window of each value comes first
        best = order[np.unique(windows.owner[order], return_index=True)[1]]
        reasons = np.full(len(values), "[]", object)
        found = self._worth_explaining(1 - chances[best, 0])
        weights = self._attributions(windows.ids[best[found]])
        for place, weight in zip(found, weights, strict=True):
            reasons[place] = explain.query_spans(weight, values[place], int(windows.start[best[place]]))
        return self._result(chances[best], reasons)

    def _worth_explaining(self, score: NDArray[np.float32]) -> NDArray[np.int64]:
        found = np.flatnonzero(score >= self.threshold)
        if len(found) > EXPLAINED_PER_CALL:
            found = np.sort(found[np.argsort(-score[found], kind="stable")[:EXPLAINED_PER_CALL]])
        return found

    def _result(self, chances: NDArray[np.float32], reasons: NDArray[Any]) -> pa.Table:
        score = np.clip(1 - chances[:, 0].astype(np.float64), 0.0, 1.0)
        names = np.array(self.card.classes, object)
        likeliest = names[1:][chances[:, 1:].argmax(1)] if len(chances) else np.array([], object)
        label = np.where(score >= self.threshold, likeliest, names[0])
        return pa.table([pa.array(score), pa.array(label, pa.string()), pa.array(reasons, pa.string())], schema=SCORES)


_MIX = np.random.default_rng().integers(1, 2**63, 4096, np.uint64) | np.uint64(1)
"""Random odd multipliers, new in each process: nobody outside can make two rows share a key."""


def distinct(rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the first of each distinct row, and for every row its place among them.

    Rows are compared by a 64-bit key: the chance that two of a million differ and share one is below 1e-7.
    """
    if not len(rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    flat = rows.reshape(len(rows), -1)
    whole = np.rint(flat * 64).astype(np.int16) if flat.dtype == np.float32 else flat
    size = -whole.dtype.itemsize * whole.shape[1] % 8
    raw = np.pad(whole.view(np.uint8), ((0, 0), (0, size))).view(np.uint64)
    key = (raw ^ (raw >> np.uint64(31))) * _MIX[: raw.shape[1]]
    _, first, back = np.unique(
        (key ^ (key >> np.uint64(29))).sum(1, dtype=np.uint64), return_index=True, return_inverse=True
    )
    return first, back


def list_models(models_dir: Path | None = None) -> list[dict[str, Any]]:
    """The installed networks by their cards, without loading any: name, classes, threshold, metrics, date, parameters.

    Raises:
        ModelError: a card is damaged.
    """
    folder = models_dir or resource_dir("models")
    cards = [read_card(folder, path.stem) for path in sorted(folder.glob("*.json"))]
    return [
        {
            "name": c.name, "classes": list(c.classes), "threshold": c.threshold,
            "threshold_source": c.threshold_source,
            "metrics": c.metrics, "parameters": c.parameters, "seed": c.seed, "date": c.date, "version": c.version,
            "licence": c.licence, "split": c.split, "notes": list(c.notes),
        }
        for c in cards
    ]  # fmt: skip


def score_values(
    name: str, values: Sequence[str], models_dir: Path | None = None, predictor: Predictor | None = None
) -> list[dict[str, Any]]:
    """Score single values (``soc-tui score MODEL``), each distinct one once.

    Returns:
        Per value: value, score, verdict (``attack`` or ``benign``), risk_type (empty when benign), label (the class),
        explanation.

    Raises:
        ModelError: see :meth:`Predictor.load`.
        UsageError: the model does not score single values.
    """
    if name not in RISK_TYPES or name == "flow":
        raise UsageError(f"{name!r} does not score single values", remedy="the model for values is query")
    model = predictor or Predictor.load(models_dir, name)
    rows = model.score(pa.table({"value": pa.array(values, pa.string())})).to_pylist()
    return [
        {
            "value": value, "score": round(row["score"], 6),
            "verdict": "attack" if row["label"] != "benign" else "benign",
            "risk_type": RISK_TYPES[name] if row["label"] != "benign" else "", "label": row["label"],
            "explanation": json.loads(row["explanation"]),
        }
        for value, row in zip(values, rows, strict=True)
    ]  # fmt: skip


def explain(name: str, value: str, models_dir: Path | None = None) -> dict[str, Any]:
    """One value's score with its explanation, whether or not it reaches the threshold."""
    return score_values(name, [value], predictor=Predictor.load(models_dir, name, threshold=0.0))[0]


def evaluate_file(name: str, file: Path, models_dir: Path | None = None) -> dict[str, Any]:
    """Figures of a model on a labelled file.

    Args:
        name: ``flow`` or ``query``.
        file: ``flow``: a Zeek log with ``label`` (Malicious or Benign; other rows feed the context and are left out);
            ``query``: Parquet, CSV or JSONL with ``value`` and ``label`` (1 = attack).
        models_dir: None is the folder that ships.

    Returns:
        rows, positives, precision, recall, f1, fpr, auroc (None where undefined), threshold, threshold_source.

    Raises:
        ModelError, SourceError, UsageError: see :meth:`Predictor.load` and the readers.
    """
    model = Predictor.load(models_dir, name)
    return evaluate(model, *_labelled(name, file))


def _labelled(name: str, file: Path) -> tuple[pa.Table, NDArray[np.bool_]]:
    if name == "flow":
        from soc_tui.analysis.corpora import flow as captures
        from soc_tui.analysis.encoding import flow

        whole = flow.context(captures.read_flows(file))
        bits = captures.labelled(whole)
        known = bits != captures.UNKNOWN
        if not known.any():
            raise UsageError("no row is labelled Malicious or Benign", source=file, remedy="give a labelled Zeek log")
        return whole.filter(pa.array(known)), bits[known] != captures.BENIGN
    from soc_tui.analysis.corpora.query import read_values

    values, attacks = read_values(file)
    if not values:
        raise UsageError("there is no row", source=file, remedy="give values with labels")
    return pa.table({"value": pa.array(values, pa.string())}), np.array(attacks, bool)


def evaluate(model: Predictor, table: pa.Table, risky: NDArray[np.bool_]) -> dict[str, Any]:
    """Figures of a loaded model on rows whose truth is known; see :func:`evaluate_file`."""
    from soc_tui.analysis.building import measure

    score = model.score(table)["score"].to_numpy()
    figures = measure(score, risky, model.threshold)
    return {**figures, "threshold": model.threshold, "threshold_source": model.card.threshold_source}
