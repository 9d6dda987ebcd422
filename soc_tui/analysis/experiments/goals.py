"""What the experiments were to show, beside what they show: every line is worked out from the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from soc_tui.analysis.experiments.picking import at, grouped, spread, tests_of
from soc_tui.analysis.experiments.running import DETECTOR, TASKS, TAUGHT, Job
from soc_tui.analysis.experiments.tables import NAMES
from soc_tui.analysis.experiments.variants import VARIANTS

PAPER = ("ga-lr", "pca-lstm", "ndae", "amsom")
"""The four methods the paper compares with."""
PEER = "lightgbm"
TODAY = (PEER, "random-forest", "logistic-regression", "isolation-forest")
"""What a user would pick today."""
SEEDS = 3
"""Trainings of each method that the experiments ask for."""
MARGINS = {"precision": 0.021, "recall": 0.029, "f1": 0.028}
"""By how much the paper's network is above each of the four."""
WORDS = {"precision": "precision", "recall": "recall", "f1": "F1", "auroc": "AUROC", "fpr": "false positives"}


@dataclass(frozen=True)
class Goal:
    """A figure that the detector is to reach on one test of a data set."""

    data: str
    test: str
    """Name of the test, or empty for every test."""
    rate: str
    value: float
    most: bool = False
    """True: at most the value; False: at least."""


GOALS = (
    Goal("nsl-kdd", "KDDTest+", "f1", 0.90),
    Goal("nsl-kdd", "KDDTest+", "auroc", 0.97),
    Goal("unsw-nb15", "", "f1", 0.965),
    Goal("zeek", "", "recall", 0.95),
    Goal("zeek", "", "fpr", 0.01, most=True),
)

_PEER_HEAD = f"""The detector less LightGBM. Where its setting has `voices`, LightGBM is one of those asked in it, and
the comparison says whether the ensemble is worth its cost; the network alone is the row of `{TAUGHT}`:
"""


def summary(jobs: Sequence[Job]) -> str:
    """The goals, the margins over the paper's rivals and the place beside LightGBM, what lacks; empty without jobs."""
    parts = [_goals(jobs), _margins(jobs), _peer(jobs), _absent(jobs)]
    return "\n".join(["## What the figures say\n", *(part for part in parts if part)]) if jobs else ""


def _absent(jobs: Sequence[Job]) -> str:
    """What the tables lack: methods without a training, and with fewer than :data:`SEEDS`."""
    lines = []
    for data in NAMES:
        for task in TASKS:
            if task == "classes" and data == "zeek":  # its labels know two classes
                continue
            methods = grouped(jobs, data, task)
            lacking = [name for name in (DETECTOR, TAUGHT, *VARIANTS, *PAPER, *TODAY) if name not in methods]
            if task == "classes" and "isolation-forest" in lacking:
                lacking.remove("isolation-forest")  # it knows no classes
            few = [name for name, found in methods.items() if len(found) < SEEDS]
            said = [f"no training of {', '.join(lacking) if methods else 'any method'}"] if lacking else []
            said += [f"fewer than {SEEDS} seeds of {', '.join(few)}"] if few else []
            if said:
                lines.append(f"- {data}, {task}: {'; '.join(said)}")
    return "\n".join(["What the tables lack:\n", *lines, ""]) if lines else ""


def _missed(by: float) -> str:
    return "met" if by >= 0 else f"missed by {-100 * by:.1f} points"


def _goals(jobs: Sequence[Job]) -> str:
    lines = ["| data, test | figure | goal | mean over the seeds | |", "|---|---|---|---|---|"]
    for goal in GOALS:
        ours = grouped(jobs, goal.data, "binary").get(DETECTOR, [])
        for test in tests_of({DETECTOR: ours}) if ours else ():
            found = spread(ours, test, at(goal.rate))
            if found is None or goal.test not in ("", test):
                continue
            sign = "at most" if goal.most else "at least"
            by = goal.value - found[0] if goal.most else found[0] - goal.value
            cells = [f"{goal.data}, {test}", WORDS[goal.rate], f"{sign} {goal.value:g}", f"{found[0]:.4f}", _missed(by)]
            lines.append(f"| {' | '.join(cells)} |")
    return "" if len(lines) == 2 else "\n".join([f"The detector (`{DETECTOR}`) against its goals:\n", *lines, ""])


def _margins(jobs: Sequence[Job]) -> str:
    wanted = ", ".join(f"{WORDS[rate]} {100 * value:.1f}" for rate, value in MARGINS.items())
    head = f"Points above each of the paper's rivals (its margins: {wanted}); in brackets at 5 % false positives:\n"
    lines = [
        f"| data, test | rival | {' | '.join(WORDS[rate] for rate in MARGINS)} | margins reached |",
        "|" + "---|" * 6,
    ]
    for data in dict.fromkeys(job.data for job in jobs):
        methods = grouped(jobs, data, "binary")
        ours = methods.get(DETECTOR, [])
        for test in tests_of({DETECTOR: ours}) if ours else ():
            for name in (name for name in PAPER if name in methods):
                cells, reached = [], 0
                for rate, margin in MARGINS.items():
                    own, level = (_above(ours, methods[name], test, keys) for keys in ((rate,), ("at 5%", rate)))
                    cells.append("-" if own is None else f"{100 * own:+.1f}" + _level(level))
                    best = max(own or 0.0, level or 0.0) if rate == "precision" else own or 0.0  # it saturates near 1
                    reached += best >= margin
                row = [f"{data}, {test}", methods[name][0].title, *cells, f"{reached} of {len(MARGINS)}"]
                lines.append(f"| {' | '.join(row)} |")
    return "" if len(lines) == 2 else "\n".join([head, *lines, ""])


def _level(level: float | None) -> str:
    return "" if level is None else f" ({100 * level:+.1f})"


def _above(ours: list[Job], theirs: list[Job], test: str, keys: tuple[str, ...]) -> float | None:
    mine, other = spread(ours, test, at(*keys)), spread(theirs, test, at(*keys))
    return None if mine is None or other is None else mine[0] - other[0]


def _peer(jobs: Sequence[Job]) -> str:
    lines = []
    for data in dict.fromkeys(job.data for job in jobs):
        methods = grouped(jobs, data, "binary")
        if DETECTOR not in methods or PEER not in methods:
            continue
        for test in tests_of(methods):
            said = []
            for keys, words in ((("f1",), "F1"), (("auroc",), "AUROC"), (("at 1%", "recall"), "recall at 1 %")):
                by = _above(methods[DETECTOR], methods[PEER], test, keys)
                said.append(f"{words} " + ("not measured" if by is None else f"{100 * by:+.2f}"))
            lines.append(f"- {data}, {test}: {', '.join(said)} points")
    return "" if not lines else "\n".join([_PEER_HEAD, *lines, ""])
