"""The flow model's training: captures of several networks, seen in several ways, and other captures to judge it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.corpora import tables
from soc_tui.analysis.corpora.sample import Sample, Task, join, thinned
from soc_tui.analysis.encoding import flow

TRAIN = ("001", "002", "003", "008", "exposed-1", "exposed-2", "proxy-rolling", "domain-1")
VALIDATION = ("exposed-3", "proxy", "open-conns", "domain-2")
TESTS = ("011", "zeroaccess", "zat")

_VIEWS = {
    "plain": (None, 4000),
    "transposed": (captures.transposed, 3000),
    "refused": (captures.as_refused, 1500),
    "suricata": (captures.as_suricata, 1500),
    "netflow": (captures.as_netflow, 1500),
}
_MASKED = {"source": 0.25, "target": 0.4, "pair": 0.25, "state": 0.1, "port": 0.05}
"""How often a group is hidden while training. The target's history separates the labelled captures all by itself
(each watches one host), so it is hidden most, and the network has to know an attack by the rest as well."""


def _sample(flows: captures.Flows) -> Sample:
    return Sample(flows.features, np.arange(len(flows.features)), flows.allowed, flows.origin)


def hide_groups(rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Rows with some groups made unknown, half of the rows untouched."""
    out = rows.copy()
    touched = rng.random(len(rows)) < 0.5
    for token, (group, slots) in enumerate(flow.GROUPS.items()):
        hidden = touched & (rng.random(len(rows)) < 2 * _MASKED.get(group, 0.0))
        out[hidden, token] = 0.0
        for place, (_, made) in enumerate(slots):
            if made == "missing":
                out[hidden, token, place] = 1.0
    return out


def flow_task(
    data: Path, seed: int, train: tuple[str, ...] = TRAIN, validation: tuple[str, ...] = VALIDATION,
    tests: tuple[str, ...] = TESTS, with_tables: bool = True,
) -> Task:  # fmt: skip
    """Read the captures below ``data`` and lay out the training; the defaults are the shipped model's.

    Raises:
        SourceError: a capture is missing.
    """
    rng = np.random.default_rng(seed)
    parts, files = [], {"train": {}, "validation": {}, "test": {}}  # type: tuple[list[Sample], dict[str, dict[str, int]]]
    for transform, most in _VIEWS.values():
        seen = captures.load(data, train, transform)
        files["train"].update(seen.files)
        parts.append(thinned(_sample(seen), most, rng))
    if with_tables:
        for name, path, read in (
            ("nsl-kdd", tables.NSL, tables.load_nsl),
            ("unsw-nb15", tables.UNSW, tables.load_unsw),
        ):
            table, bits = read(data)
            files["train"][path] = table.num_rows
            parts.append(thinned(_sample(captures.encoded(table, bits, name, {})), 4000, rng))
    held = captures.load(data, validation)
    swapped = captures.load(data, [n for n in validation if n.startswith("exposed")] or validation, captures.transposed)
    files["validation"].update(held.files)
    test_sets = {}
    for name in tests:
        test = captures.load(data, (name,))
        files["test"].update(test.files)
        test_sets[name] = _sample(test)
    return Task(
        name="flow", classes=captures.CLASSES,
        architecture={"kind": "groups", "classes": len(captures.CLASSES), "tokens": flow.TOKENS, "width": flow.WIDTH,
                      "hidden": 32, "dropout": 0.2},
        train=join(parts), validation=join([_sample(held), thinned(_sample(swapped), 4000, rng)]), tests=test_sets,
        augment=hide_groups, files=files,
        split=f"by capture: train {', '.join(train)}; validation {', '.join(validation)}; test {', '.join(tests)}",
        licence="Apache-2.0 (weights only; the data keep their own terms)", false_positives=0.01, epochs=14,
        notes=(
            "Labelled captures are few: scans and knocking dominate, C2 and floods are known from little.",
            "A single flow without context (the first of a scan) is judged on its own shape only.",
        ),
    )  # fmt: skip
