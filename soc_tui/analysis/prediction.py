"""Scores for events: load a shipped network, score distinct rows once, explain what reaches the threshold.

ONNX Runtime is imported by the first :meth:`Predictor.load` and never by importing this module; torch never.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis import calibration, cases, drift
from soc_tui.analysis.card import Card, checked_weights, read_card
from soc_tui.analysis.encoding import encoding
from soc_tui.analysis.encoding.base import Encoded
from soc_tui.analysis.feedback import Anchors, Head
from soc_tui.analysis.remembered import Remembered, distinct
from soc_tui.core.errors import UsageError
from soc_tui.core.resources import resource_dir

if TYPE_CHECKING:
    from soc_tui.analysis.encoding.inference import Outputs
    from soc_tui.analysis.runtime import Runtime

SCORES = pa.schema([("score", pa.float64()), ("label", pa.string()), ("explanation", pa.string())])
"""What :meth:`Predictor.score` yields: score in [0, 1], the likeliest class (``benign`` below the threshold), and a
JSON list of ``{field, value, weight}`` (``[]`` below the threshold)."""

EXPLAINED = 4096
"""Rows explained at a time at most, the highest scores first: under a flood the analyst needs no millionth reason."""
NEAREST = "nearest known case"
"""The field of an explanation that tells what the scored thing is like; its weight is 0."""

_REMEMBERED = 32_768
"""Rows whose outputs are remembered: a few megabytes."""
_REMEMBERED_REASONS = 512
"""Rows of events whose weights are: 9 KB each."""
_EVALUATED = 65_536
"""Rows of a file scored at a time: a file of millions needs no more memory than its columns."""


class Predictor:
    """One loaded network. Not for several threads at once.

    Args:
        card: what the network is.
        network: the network itself.
        threshold: another than the card's.
        batch_size: rows per forward pass; 512 to 1024 are fastest.
        known: (K, M) views of the card's known cases.
        head: what this workspace has learned beside the network.
        anchors: what a new head must not forget.
    """

    def __init__(
        self,
        card: Card,
        network: Runtime,
        threshold: float | None = None,
        batch_size: int = 1024,
        known: NDArray[np.float32] | None = None,
        head: Head | None = None,
        anchors: Anchors | None = None,
    ) -> None:
        self.card = card
        self.network = network
        self.threshold = card.threshold if threshold is None else threshold
        """A score at or above it is a finding."""
        self.batch_size = batch_size
        self.head, self.anchors = head, anchors
        self._known = known
        self._encoding = encoding(card.name)
        self._calibration = calibration.of_card(card)
        self._fields = fields_of(getattr(self._encoding, "slots", ()))
        self._empty = self._encoding.encode(self._encoding.table_of(["{}"])[0]).rows[0] if self._fields else np.zeros(0)
        self.forget()

    @classmethod
    def load(
        cls,
        models_dir: Path | None,
        name: str,
        threads: int = 1,
        threshold: float | None = None,
        batch_size: int = 1024,
        head: Head | None = None,
    ) -> Predictor:
        """Load ``NAME.json`` and ``NAME.safetensors``.

        Args:
            models_dir: their folder; None is the one that ships.
            name: one of ``encoding.NAMES``.
            threads: of one forward pass.
            threshold: another threshold than the card's.
            batch_size: rows per forward pass; 512 to 1024 are fastest.
            head: what this workspace has learned beside the network.

        Raises:
            ModelError: a file is missing, damaged (sha256) or of another shape.
            UsageError: there is no model of that name.
        """
        encoding(name)
        folder = models_dir or resource_dir("models")
        card = read_card(folder, name)
        weights = checked_weights(folder, card)
        from soc_tui.analysis import runtime

        network, extras = runtime.load(card.architecture, weights, threads)
        known = extras["cases"] if "cases" in extras and len(extras["cases"]) == len(card.cases) else None
        return cls(card, network, threshold, batch_size, known, head, _anchors(extras))

    def score(self, table: pa.Table, *, reasons: int = EXPLAINED) -> pa.Table:
        """Score events.

        Args:
            table: what the model's encoding reads: ``flow``: event columns and context of
                ``features/flow_window.sql``; the others: one column of values or sequences.
            reasons: rows that are explained at most; 0 leaves every explanation empty, which is faster.

        Returns:
            A table of ``SCORES``, row by row for ``table``.

        Raises:
            UsageError: the table has none of the columns that the model reads.
        """
        needed = getattr(self._encoding, "column", None)
        if needed is not None and needed not in table.column_names:
            raise UsageError(f"there is no column {needed!r}", remedy=f"give the values as one column named {needed}")
        encoded = self._encoding.encode(table)
        odds, outputs = self._outputs(encoded)
        worst = self._worst(encoded, odds)
        score = calibration.probability(odds[worst])
        told = np.full(len(score), "[]", object)
        found = self._worth_explaining(score, reasons)
        if len(found):
            rows = worst[found]
            weights = self.attributions(encoded.rows[rows])
            explained = self._encoding.explain(table, encoded, rows, weights)
            likeness = self._likeness(outputs.hidden[rows])
            for place, reason, like in zip(found, explained, likeness, strict=True):
                told[place] = json.dumps([*reason, *like])
        return self._result(score, outputs.probabilities[worst], told)

    def log_odds(self, table: pa.Table) -> NDArray[np.float64]:
        """Calibrated log odds of every row of a table, without reasons."""
        encoded = self._encoding.encode(table)
        odds, _ = self._outputs(encoded)
        return odds[self._worst(encoded, odds)]

    def views(self, table: pa.Table) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """What the last layer sees of each row's worst part (rows, M), and the network's own log odds (rows,)."""
        encoded = self._encoding.encode(table)
        odds, outputs = self._outputs(encoded)
        worst = self._worst(encoded, odds)
        return outputs.hidden[worst], outputs.log_odds[worst]

    def inputs(self, table: pa.Table) -> dict[str, NDArray[Any]]:
        """The network's inputs and its score by name, for a drift profile."""
        encoded = self._encoding.encode(table)
        odds, _ = self._outputs(encoded)
        named = drift.inputs(encoded.rows, getattr(self._encoding, "slots", None))
        return {**named, "score": calibration.probability(odds)}

    def forget(self) -> None:
        """Let go of what is remembered of earlier rows, which otherwise costs nothing when it comes again."""
        self._outputs_of, self._weights_of = Remembered(_REMEMBERED), Remembered(_REMEMBERED_REASONS)

    @property
    def raw_threshold(self) -> float:
        """The threshold on the network's own log odds."""
        at = self._calibration
        return (calibration.odds_of(min(max(self.threshold, 1e-9), 1 - 1e-9)) - at.offset) / at.slope

    def _outputs(self, encoded: Encoded) -> tuple[NDArray[np.float64], Outputs]:
        """Calibrated log odds of every encoded row, the local head included, and the network's own outputs."""
        from soc_tui.analysis.encoding import inference

        each = distinct(encoded.rows)

        def work(rows: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            made = inference.run(self.network, rows, self.batch_size)
            return made.probabilities, made.log_odds, made.hidden

        seen = inference.Outputs(*self._outputs_of(each.keys, encoded.rows[each.first], work))
        raw = seen.log_odds if self.head is None else self.head.log_odds(seen.log_odds, seen.hidden)
        every = inference.Outputs(seen.probabilities[each.back], seen.log_odds[each.back], seen.hidden[each.back])
        return self._calibration.log_odds(raw)[each.back], every

    @staticmethod
    def _worst(encoded: Encoded, odds: NDArray[np.float64]) -> NDArray[np.int64]:
        """The row of each example that scores highest, the first of equals."""
        order = np.lexsort((-odds, encoded.owner))
        return np.asarray(order[np.unique(encoded.owner[order], return_index=True)[1]], np.int64)

    def attributions(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """What each input of encoded rows did to the log odds of risk, in the shape of the rows; each row once."""
        from soc_tui.analysis.encoding import inference

        keys, first, back = distinct(rows)
        rows = rows[first]
        if self._fields:
            return inference.occlusions(self.network, rows, list(self._fields.values()), self._empty)[back]
        if rows.ndim == 3:  # one token is one event: what the score loses without it
            (weights,) = self._weights_of(keys, rows, lambda new: (inference.removals(self.network, new),))
            return np.asarray(weights[back], np.float32)
        out = np.zeros(rows.shape, np.float32)
        for start in range(0, len(rows), 256):
            part = rows[start : start + 256]
            weights = inference.attributions(self.network, part)
            longest = getattr(self._encoding, "run", inference.RUN)
            out[start : start + 256] = inference.checked(self.network, part, weights, longest)
        return out[back]

    def _worth_explaining(self, score: NDArray[np.float64], most: int) -> NDArray[np.int64]:
        found = np.flatnonzero(score >= self.threshold)
        if len(found) > most:
            found = np.sort(found[np.argsort(-score[found], kind="stable")[:most]])
        return found

    def _likeness(self, hidden: NDArray[np.float32]) -> list[list[dict[str, Any]]]:
        if self._known is None or not len(self._known):
            return [[] for _ in hidden]
        place, alike = cases.nearest(hidden, self._known)
        told = [self.card.cases[i] for i in place]
        return [
            [{"field": NEAREST, "value": f"{case['class']}, {share:.0%} alike: {case['text']}", "weight": 0.0}]
            for case, share in zip(told, alike, strict=True)
        ]

    def _result(self, score: NDArray[np.float64], chances: NDArray[np.float32], reasons: NDArray[Any]) -> pa.Table:
        names = np.array(self.card.classes, object)
        likeliest = names[1:][chances[:, 1:].argmax(1)] if len(chances) else np.array([], object)
        label = np.where(score >= self.threshold, likeliest, names[0])
        return pa.table([pa.array(score), pa.array(label, pa.string()), pa.array(reasons, pa.string())], schema=SCORES)


def fields_of(slots: Sequence[Sequence[str]]) -> dict[str, list[tuple[int, int]]]:
    """Field -> its slots (token, place), from the words for each slot of each token: ``field (what is made of it)``."""
    fields: dict[str, list[tuple[int, int]]] = {}
    for token, names in enumerate(slots):
        for place, name in enumerate(names):
            fields.setdefault(name.split(" (")[0], []).append((token, place))
    return fields


def _anchors(extras: dict[str, Any]) -> Anchors | None:
    if not {"anchors", "anchors_odds", "anchors_risky"} <= extras.keys():
        return None
    hidden, odds, risky = (extras[name] for name in ("anchors", "anchors_odds", "anchors_risky"))
    return Anchors(hidden, odds.astype(np.float64), risky.astype(bool))


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
            "threshold_source": c.threshold_source, "ece": c.ece,
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
        explanation. A value that is none of the model's (no JSON where JSON is due) has no score, the verdict
        ``refused`` and the reason as its explanation.

    Raises:
        ModelError: see :meth:`Predictor.load`.
        UsageError: there is no model of that name.
    """
    table, refused = encoding(name).table_of(values)
    return score_table(name, table, values, refused, predictor or Predictor.load(models_dir, name))


def score_table(
    name: str, table: pa.Table, shown: Sequence[str], refused: dict[int, str], model: Predictor
) -> list[dict[str, Any]]:
    """The objects of :func:`score_values` for rows that are a table already; ``shown`` are their ``value``."""
    risk_type = encoding(name).risk_type
    rows = model.score(table).to_pylist() if table.num_rows else []
    found = [
        {
            "value": value, "score": round(row["score"], 6),
            "verdict": "attack" if row["label"] != "benign" else "benign",
            "risk_type": risk_type if row["label"] != "benign" else "", "label": row["label"],
            "explanation": json.loads(row["explanation"]),
        }
        for value, row in zip(shown, rows, strict=True)
    ]  # fmt: skip
    for place, reason in refused.items():
        why = [{"field": "refused", "value": reason, "weight": 0.0}]
        found[place] |= {"score": None, "verdict": "refused", "risk_type": "", "label": "", "explanation": why}
    return found


def explain(name: str, value: str, models_dir: Path | None = None) -> dict[str, Any]:
    """One value's score with its explanation, whether or not it reaches the threshold."""
    return score_values(name, [value], predictor=Predictor.load(models_dir, name, threshold=0.0))[0]


def evaluate_file(name: str, file: Path, models_dir: Path | None = None) -> dict[str, Any]:
    """Figures of a model on a labelled file.

    Args:
        name: one of ``encoding.NAMES``.
        file: ``flow``: a Zeek log with ``label`` (Malicious or Benign; other rows feed the context and are left out);
            the others: Parquet, CSV or JSONL with ``value`` (or ``tokens``) and ``label`` (1 = attack).
        models_dir: None is the folder that ships.

    Returns:
        rows, positives, precision, recall, f1, fpr, auroc (None where undefined), threshold, threshold_source.

    Raises:
        ModelError, SourceError, UsageError: see :meth:`Predictor.load` and the readers.
    """
    encoding(name)
    model = Predictor.load(models_dir, name)
    from soc_tui.analysis.corpora.labelled import read_labelled

    return evaluate(model, *read_labelled(name, file))


def evaluate(model: Predictor, table: pa.Table, risky: NDArray[np.bool_]) -> dict[str, Any]:
    """Figures of a loaded model on rows whose truth is known; see :func:`evaluate_file`."""
    from soc_tui.analysis.figures import measure

    parts = [table.slice(start, _EVALUATED) for start in range(0, max(table.num_rows, 1), _EVALUATED)]
    score = calibration.probability(np.concatenate([model.log_odds(part) for part in parts]))
    figures = measure(score, risky, model.threshold)
    return {**figures, "threshold": model.threshold, "threshold_source": model.card.threshold_source}
