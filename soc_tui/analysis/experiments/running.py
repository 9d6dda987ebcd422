"""The whole of the experiments: each data set, method and seed once, kept as it is measured: a stop costs one."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from soc_tui.analysis.card import sha256
from soc_tui.analysis.experiments import protocol, tables, variants
from soc_tui.analysis.experiments.protocol import Contender
from soc_tui.core.errors import UsageError

Progress = Callable[[str], None]

HELD: dict[str, tuple[str, ...]] = {
    "nsl-kdd": ("satan", "nmap", "ipsweep", "back", "smurf", "teardrop", "warezmaster", "guess_passwd",
                "buffer_overflow", "rootkit"),
    "unsw-nb15": (),
    "zeek": ("c2",),
}  # fmt: skip
"""Attack types kept out while settings are chosen, of each class some. UNSW-NB15's test holds no unknown types."""

TASKS = ("binary", "classes")
WHOLE = "bilstm-dnn"
DETECTOR = "detector"
"""The network with what the research added to the paper's, trees asked beside it where training rows favour that."""
TAUGHT = "taught"
"""The same without any trees when it judges: what the network itself can do."""
SMALL = {"epochs": 6, "rows_per_epoch": 16_000}
"""The length of one training: minutes for the whole table, not days; every variant gets the same."""
GRID: tuple[dict[str, Any], ...] = (
    {**SMALL},
    {**SMALL, "architecture": {"dropout": 0.4}},
    {**SMALL, "architecture": {"hidden": 48}},
    {**SMALL, "bins": 20},
)
_TAUGHT = {"epochs": 8, "rows_per_epoch": 24_000, "architecture": {"skip": True}, "novelty": True}
TAUGHT_GRID: tuple[dict[str, Any], ...] = (
    {**_TAUGHT, "unfamiliar": 0.5},
    {**_TAUGHT, "taught": 2.0, "exchange": 0.3},
    {**_TAUGHT, "taught": 1.0, "exchange": 0.3, "unfamiliar": 0.5},
    {**_TAUGHT, "taught": 2.0, "exchange": 0.3, "members": 2},
)
_LONGER = {"epochs": 10, "rows_per_epoch": 48_000, "architecture": {"skip": True}}
_LEARNED = {**_LONGER, "taught": 2.0, "exchange": 0.3}
DETECTOR_GRID: tuple[dict[str, Any], ...] = (
    {**_LONGER, "novelty": True, "unfamiliar": 0.5},
    {**_LEARNED, "novelty": True},
    {**_LEARNED, "novelty": True, "voices": ["lightgbm", "random-forest"]},
    {**_LEARNED, "voices": ["lightgbm", "random-forest"]},
)
"""A network that knows what it has not seen, one taught by trees, and that one in an ensemble with the trees, with and
without distances. Synthetic rows make their training longer than a variant's; all four have the same length."""


@dataclass(frozen=True)
class Job:
    """One training and what it gave."""

    data: str
    method: str
    title: str
    task: str
    """``binary`` or ``classes``."""
    seed: int
    split: str
    """How train and test were told apart."""
    options: dict[str, Any]
    trials: list[Any]
    """Settings tried and their figure on training rows."""
    seconds: float
    """By the clock, with the choice of the setting where it was made for this job, and whatever held it up."""
    result: dict[str, Any]


def rivals() -> tuple[list[Contender], str]:
    """The methods of ``benchmarks/rivals``, or none and why: they are in the sources, not in the installed package."""
    try:
        module = importlib.import_module("benchmarks.rivals")
    except ImportError as error:
        return [], f"rivals left out ({error}): run from the sources' folder, with the extra bench installed"
    found: list[Contender] = []
    missing: list[str] = []
    for name, factory in module.RIVALS.items():
        try:
            grid = factory.grid
            classifies = bool(getattr(factory(), "classifies", True))
        except ImportError as error:
            missing.append(f"{name} ({error})")
            continue
        found.append(Contender(name, factory.title, factory, grid, classifies))
    return found, f"rivals left out: {', '.join(missing)}; install the extra bench" if missing else ""


def contenders(data: tables.DataSet) -> tuple[list[Contender], str]:
    """Our network, its variants, and the rivals that can be imported; what is missing in words."""
    others, missing = rivals()
    trees = {rival.name: rival.make for rival in others if rival.name in variants.TREES}
    ours = [
        Contender(name, title, variants.contender(WHOLE, data.columns, grid, trees).make, grid)
        for name, title, grid in (
            (DETECTOR, "soc-tui: BiLSTM-DNN, taught, and its ensemble", DETECTOR_GRID),
            (TAUGHT, "the network of it alone", TAUGHT_GRID),
        )
    ]
    return [*ours, *(variants.contender(name, data.columns, GRID) for name in variants.VARIANTS), *others], missing


def experiments(
    data: Path, out: Path, seeds: int = 3, only: Sequence[str] = (), progress: Progress = lambda _: None
) -> list[Job]:
    """Measure what has not been measured yet and keep it in ``out/results.json``.

    Args:
        data: the data folder.
        out: folder of the results.
        seeds: how many, 1, 2, 3 ...
        only: names of data sets, methods or tasks; all when empty. Of each kind that is named, only the named.
        progress: told one line a training.

    Returns:
        Every job of ``out``, old and new, that is wanted.

    Raises:
        UsageError: a name in ``only`` is none, or fewer than one seed.
        SourceError: data are missing.
    """
    if seeds < 1:
        raise UsageError(f"{seeds} seeds measure nothing", remedy="give --seeds 1 or more; 3 show the spread")
    kept = read(out)
    done = {(job.data, job.method, job.task, job.seed): job for job in kept}
    known, missing = rivals()
    if missing:
        progress(missing)
    methods = [DETECTOR, TAUGHT, *variants.VARIANTS, *(c.name for c in known)]
    names = _wanted(only, tables.NAMES)
    chosen, tasks = _wanted(only, methods), _wanted(only, TASKS)
    strange = set(only) - set(tables.NAMES) - set(methods) - set(TASKS)
    if strange:
        raise UsageError(f"no data set, method or task is called {sorted(strange)[0]!r}",
                         remedy=f"name some of {', '.join([*tables.NAMES, *methods, *TASKS])}")  # fmt: skip
    for name in names:
        table = tables.load(name, data)
        for contender in (c for c in contenders(table)[0] if c.name in chosen):
            settings: tuple[dict[str, Any], list[Any]] | None = None
            for task in tasks:
                if task == "classes" and (not contender.classifies or len(table.classes) == 2):
                    continue
                for seed in range(1, seeds + 1):
                    key = (name, contender.name, task, seed)
                    if key in done:
                        continue
                    began = time.monotonic()
                    settings = settings or _settings(done.values(), contender, table)
                    result = protocol.run(contender, table, settings[0], seed, many=task == "classes")
                    took = round(time.monotonic() - began, 1)
                    done[key] = Job(
                        name, contender.name, contender.title, task, seed, table.split, *settings, took, result
                    )
                    write(out, done.values(), data, table)
                    first = next(iter(result["tests"].values()))
                    progress(f"{name} {task}, {contender.title}, seed {seed}: F1 {first['f1']}, "
                             f"AUROC {first['auroc']}, "
                             f"{took:.0f} s")  # fmt: skip
    return [job for job in done.values() if job.data in names and job.method in chosen and job.task in tasks]


def _wanted(only: Sequence[str], names: Sequence[str]) -> list[str]:
    return [name for name in names if name in only] or list(names)


def _settings(jobs: Iterable[Job], contender: Contender, data: tables.DataSet) -> tuple[dict[str, Any], list[Any]]:
    """The setting chosen before, or chosen now; every variant has the whole network's: only its switch differs."""
    variant = contender.name in variants.VARIANTS
    chooser = variants.contender(WHOLE, data.columns, GRID) if variant else contender
    for job in jobs:
        if job.data == data.name and (job.method in variants.VARIANTS if variant else job.method == contender.name):
            return job.options, job.trials
    return protocol.choose(chooser, data, 0, HELD[data.name])


def read(out: Path) -> list[Job]:
    """The jobs of ``out/results.json``; none when it is not there.

    Raises:
        UsageError: the file is not ours.
    """
    path = out / "results.json"
    if not path.exists():
        return []
    try:
        return [Job(**job) for job in json.loads(path.read_text("utf-8"))["jobs"]]
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{path} holds no results of experiments", remedy="name another folder with --out") from error


def write(out: Path, jobs: Iterable[Job], data: Path, table: tables.DataSet) -> None:
    """Keep the jobs, and the sums of the data they came from, replacing the file as a whole."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "results.json"
    files = json.loads(path.read_text("utf-8"))["files"] if path.exists() else {}
    files |= {file: sha256(data / file) for file in table.files}
    fresh = path.with_suffix(".new")
    text = json.dumps({"files": files, "jobs": [asdict(job) for job in jobs]}, indent=1, sort_keys=True)
    fresh.write_text(text + "\n", "utf-8")
    fresh.replace(path)
