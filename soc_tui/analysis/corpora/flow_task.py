"""The flow model's training: captures of several networks, seen in several ways, and other captures to judge it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.corpora import flow_made, tables
from soc_tui.analysis.corpora import flow_views as views
from soc_tui.analysis.corpora.sample import Sample, Task, join, thinned
from soc_tui.analysis.encoding import flow

TRAIN = ("001", "002", "003", "008", "011", "exposed-1", "exposed-2", "proxy-rolling", "domain-1")
VALIDATION = ("exposed-3", "proxy", "open-conns", "domain-2")
TESTS = ("zeroaccess", "zat")

_VIEWS: tuple[tuple[views.View, int], ...] = (
    (views.plain, 3000), (views.transposed, 2000), (views.as_suricata, 1200), (views.as_netflow, 1200),
    (views.as_refused, 1200), (views.sampled, 1200), (views.paced, 1200), (views.dispersed, 1200),
    (views.gathered, 1200), (views.without_services, 1200),
)  # fmt: skip
"""Each view and how many rows of either side of the label a capture gives to it."""
_WITHOUT_CONTEXT = 800
_TABLE_ROWS = 4000
INVENTED = 160
"""Invented networks (``flow_made``) in training; each gives at most ``_INVENTED_ROWS`` of either side."""
INVENTED_HELD = range(10_000, 10_040)
"""Numbers of the invented networks in validation: they hold kinds of attack that the captures there lack."""
_INVENTED_ROWS = 600
_HELD_VIEWS = (views.transposed, views.as_suricata, views.dispersed, views.without_services)
_HELD_ROWS = 500
_INVENTED_VIEWS = (
    views.plain, views.plain, views.as_suricata, views.as_netflow, views.without_services, views.sampled,
)  # fmt: skip

_TOUCHED = 0.3
_HIDDEN = {"source": 0.5, "target": 0.6, "pair": 0.5, "state": 0.2, "service": 0.15, "volume": 0.1}
"""How often a group of a touched row is hidden while training. The target's history separates the labelled captures all
by itself (each watches one host), so it is hidden most, and the network has to know an attack by the rest as well."""


def sample(flows: captures.Flows) -> Sample:
    """Flows as examples of one row each; a known case has the name of its class, if it has one, and capture."""
    named = np.where(flows.allowed.sum(1) == 1, flows.allowed.argmax(1), -1)
    words = np.array([f"{name} flow of the capture" for name in captures.CLASSES] + [""], object)[named]
    text = np.where(named >= 0, words + " " + flows.origin.astype(object), "")
    return Sample(flows.features, np.arange(len(flows.features)), flows.allowed, flows.origin, text)


def hide_groups(rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Rows with some groups made unknown, most rows untouched."""
    out = rows.copy()
    touched = rng.random(len(rows)) < _TOUCHED
    for token, (group, slots) in enumerate(flow.GROUPS.items()):
        hidden = touched & (rng.random(len(rows)) < _HIDDEN[group])
        out[hidden, token] = 0.0
        for place, (_, made) in enumerate(slots):
            if made == "missing":
                out[hidden, token, place] = 1.0
    return out


def learned(data: Path, names: tuple[str, ...], rng: np.random.Generator) -> tuple[list[Sample], dict[str, int]]:
    """Captures as they are learned from, each in every view, and the rows of their files."""
    parts: list[Sample] = []
    files: dict[str, int] = {}
    for capture in captures.read(data, names):
        files.update(capture.files)
        parts += [sample(captures.seen(capture, view, rng, most)) for view, most in _VIEWS]
        parts.append(sample(captures.seen(capture, views.plain, rng, _WITHOUT_CONTEXT, with_context=False)))
    return parts, files


def held_out(data: Path, names: tuple[str, ...], rng: np.random.Generator) -> tuple[list[Sample], dict[str, int]]:
    """Captures as validation data: whole as they are, and some rows as other sensors would have seen them."""
    parts: list[Sample] = []
    files: dict[str, int] = {}
    for capture in captures.read(data, names):
        files.update(capture.files)
        parts.append(sample(captures.seen(capture, views.plain, rng)))
        parts += [sample(captures.seen(capture, view, rng, _HELD_ROWS)) for view in _HELD_VIEWS]
    return parts, files


def public_tables(data: Path, rng: np.random.Generator) -> tuple[list[Sample], dict[str, int]]:
    """NSL-KDD and UNSW-NB15 as they are learned from, and the rows of their files."""
    parts: list[Sample] = []
    files: dict[str, int] = {}
    for name, path, read in (("nsl-kdd", tables.NSL, tables.load_nsl), ("unsw-nb15", tables.UNSW, tables.load_unsw)):
        table, bits = read(data)
        files[path] = table.num_rows
        parts.append(thinned(sample(captures.encoded(table, bits, name, {})), _TABLE_ROWS, rng))
    return parts, files


def invented_networks(numbers: range, rng: np.random.Generator) -> Iterator[Sample]:
    """Invented networks by their numbers, as they are learned from."""
    for number in numbers:
        made = captures.Read("invented", flow_made.invented(number), {})
        yield sample(captures.seen(made, _INVENTED_VIEWS[number % len(_INVENTED_VIEWS)], rng, _INVENTED_ROWS))


ARCHITECTURE = {"kind": "groups", "classes": len(captures.CLASSES), "tokens": flow.TOKENS, "width": flow.WIDTH,
                "hidden": 32, "dropout": 0.1}  # fmt: skip
EPOCHS = 10
ROWS_PER_EPOCH = 120_000
FALSE_POSITIVES = 0.01


def flow_task(
    data: Path, seed: int, train: tuple[str, ...] = TRAIN, validation: tuple[str, ...] = VALIDATION,
    tests: tuple[str, ...] = TESTS, with_tables: bool = True, invented: int = INVENTED,
) -> Task:  # fmt: skip
    """Read the captures below ``data`` and lay out the training; the defaults are the shipped model's.

    Args:
        data: the data folder.
        seed: of the views' random choices and of which rows are taken.
        train: captures to learn from.
        validation: captures that stop the training and fix the threshold.
        tests: captures that are only looked at.
        with_tables: learn from NSL-KDD and UNSW-NB15 as well.
        invented: how many invented networks to learn from.

    Raises:
        SourceError: a capture is missing.
    """
    rng = np.random.default_rng(seed)
    parts, files = learned(data, train, rng)
    if with_tables:
        more, named = public_tables(data, rng)
        parts, files = parts + more, files | named
    parts += invented_networks(range(invented), rng)
    held, held_files = held_out(data, validation, rng)
    held += invented_networks(INVENTED_HELD, rng)
    seen = {name: captures.load(data, (name,)) for name in tests}
    return Task(
        name="flow",
        classes=captures.CLASSES,
        architecture=dict(ARCHITECTURE),
        train=join(parts),
        validation=join(held),
        tests={name: sample(flows) for name, flows in seen.items()},
        augment=hide_groups,
        files={
            "train": files,
            "validation": held_files,
            "test": {k: v for s in seen.values() for k, v in s.files.items()},
        },
        split=f"by capture: train {', '.join(train)}, {invented} invented networks; "
        f"validation {', '.join(validation)}, {len(INVENTED_HELD)} other invented networks; test {', '.join(tests)}",
        licence="Apache-2.0 (weights only; the data keep their own terms)",
        false_positives=FALSE_POSITIVES,
        epochs=EPOCHS,
        rows_per_epoch=ROWS_PER_EPOCH,
        notes=(
            "Labelled captures are few: scans and knocking dominate; floods, guessing of passwords on most services "
            "and C2 are known from invented networks and from two public tables.",
            "A single flow without context is judged on its own shape only.",
        ),
    )
