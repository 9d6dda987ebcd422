"""The page model's training: made pairs of page versions, parted by layout, language, real source and injection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis.corpora.page import CLASSES, UNSEEN, Pair, class_of, pairs
from soc_tui.analysis.corpora.sample import Sample, Task
from soc_tui.analysis.encoding import page

_TRAIN, _HELD = 9000, 2000


def table_of(made: list[Pair]) -> pa.Table:
    """Pairs as the encoding reads them."""
    before, after = [pair.before for pair in made], [pair.after for pair in made]
    return pa.table({"before": pa.array(before, pa.string()), "after": pa.array(after, pa.string())})


def sample(made: list[Pair], part: str, first_window: bool = False) -> Sample:
    """Pairs as network input; ``origin`` is the part with, of tampered ones, the family.

    Args:
        made: the pairs.
        part: name for the origin.
        first_window: only the first window of each pair, where what can act stands, trains under its label.
    """
    encoded = page.ENCODING.encode(table_of(made))
    rows, owner = encoded.rows, encoded.owner
    if first_window:
        kept = np.flatnonzero(encoded.start == 0)
        rows, owner = rows[kept], owner[kept]
    allowed = np.zeros((len(made), len(CLASSES)), bool)
    allowed[np.arange(len(made)), [class_of(p.family) if p.family else 0 for p in made]] = True
    origin = np.array([part if not p.family else f"{part} {p.family}" for p in made], np.str_)
    words = np.array(
        [f"made page, {p.family.replace('_', ' ').replace('unseen ', '') or 'change by its owner'}"
         + (" (no earlier version)" if p.before is None else "") for p in made], object,
    )  # fmt: skip
    return Sample(rows, owner, allowed, origin, words)


def hide_words(rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Rows with one id in twelve replaced by any other: no single word or fact decides."""
    out = rows.copy()
    hit = (rng.random(rows.shape) < 0.08) & (rows > 0)
    out[hit] = rng.integers(1, page.VOCABULARY, int(hit.sum()))
    return out


def page_task(data: Path, seed: int) -> Task:
    """Make the pairs and lay out the training. No file below ``data`` is read: all are made by seed.

    Args:
        data: unused; every task takes it.
        seed: of the pairs.
    """
    del data
    rng = np.random.default_rng(seed)
    train, validation = pairs("train", _TRAIN, rng), pairs("validation", _HELD, rng)
    seen, unseen = pairs("test", _HELD, rng), pairs("unseen", _HELD, rng)
    return Task(
        name="page", classes=CLASSES,
        architecture={"kind": "characters", "classes": len(CLASSES), "vocabulary": page.VOCABULARY, "embedding": 16,
                      "patch": 4, "hidden": 32, "dropout": 0.2, "max_pool": True, "wide": 15},
        train=sample(train, "train", first_window=True), validation=sample(validation, "validation"),
        tests={"other-pages": sample(seen, "test"), "unseen-injections": sample(unseen, "unseen")},
        augment=hide_words, files={},
        split="all pairs are made by seed from made pages and documentation of open source projects; other layouts, "
        f"languages and projects validate and test; the families {', '.join(UNSEEN)} are in the test "
        "unseen-injections alone",
        licence="Apache-2.0", false_positives=0.01, epochs=24, batch=256, patience=24, stop_calibrated=True,
        notes=(
            "Trained and tested on made pairs only: the figures say how well the network generalises from one set of "
            "rules to another, not how it does on the web.",
            "Judges the difference, not the intent: an owner's first script from a new host may be reported.",
            "What a script that is already there loads at run time is not seen.",
        ),
    )  # fmt: skip
