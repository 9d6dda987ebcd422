"""One figure out of many jobs: where it lies in their results, and its mean and range over the seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from soc_tui.analysis.experiments import variants
from soc_tui.analysis.experiments.running import DETECTOR, TAUGHT, Job

Pick = Callable[[dict[str, Any]], Any]


def at(*keys: str) -> Pick:
    """What lies below these keys of a test's figures; None where a part is missing."""

    def pick(found: dict[str, Any]) -> Any:
        value: Any = found
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    return pick


def spread(jobs: Sequence[Job], test: str, pick: Pick) -> tuple[float, float, float] | None:
    """Mean, least and greatest of a figure over the seeds; None where any seed has none."""
    values = [pick(job.result["tests"][test]) for job in jobs]
    if not values or any(value is None for value in values):
        return None
    return float(np.mean(values)), float(min(values)), float(max(values))


def grouped(jobs: Sequence[Job], data: str, task: str) -> dict[str, list[Job]]:
    """Method -> its jobs of one data set and task: ours first, then the rivals as measured."""
    out: dict[str, list[Job]] = {}
    for job in jobs:
        if (job.data, job.task) == (data, task):
            out.setdefault(job.method, []).append(job)
    order = [DETECTOR, TAUGHT, *variants.VARIANTS]
    return dict(sorted(out.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))


def tests_of(methods: dict[str, list[Job]]) -> list[str]:
    """The names of the tests."""
    return list(next(iter(methods.values()))[0].result["tests"])
