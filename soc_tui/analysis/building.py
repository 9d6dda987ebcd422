"""Training that anyone can repeat: seeded, split by source, stopped and thresholded on validation data only."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from soc_tui import __version__
from soc_tui.analysis import network as networks
from soc_tui.analysis.card import Card, sha256
from soc_tui.analysis.corpora.sample import Sample, Task
from soc_tui.analysis.encoding import inference
from soc_tui.core.errors import UsageError

Progress = Callable[[str], None]

BATCH = 512
RATE = 2e-3
PATIENCE = 4
"""Epochs without a better validation loss after which training stops."""
LOWEST_THRESHOLD = 0.5
"""A threshold is never below it, however easy the validation data are."""
HIGHEST_BY_ROOM = 0.9
"""Only the false positives themselves push a threshold higher: unfamiliar attacks score lower than familiar ones."""


def task(name: str, data: Path, seed: int) -> Task:
    """The training of a shipped model.

    Raises:
        UsageError: no such model.
        SourceError: data are missing.
    """
    if name == "flow":
        from soc_tui.analysis.corpora.flow_task import flow_task

        return flow_task(data, seed)
    if name == "query":
        from soc_tui.analysis.corpora.query_task import query_task

        return query_task(data, seed)
    raise UsageError(f"there is no model {name!r}", remedy="the models are flow and query")


def train(
    name: str, data: Path, out: Path, seed: int = 7, epochs: int | None = None, progress: Progress = lambda _: None
) -> Card:
    """Train a shipped model from the data folder and write ``NAME.safetensors`` and ``NAME.json``.

    Args:
        name: ``flow`` or ``query``.
        data: the folder with the labelled data.
        out: folder for the two files.
        seed: fixes initial weights, sampling, order and augmentation; the same seed gives the same weights on the
            same machine and versions.
        epochs: at most so many; the model's own number when None.
        progress: told one line per epoch.

    Raises:
        UsageError: no such model.
        SourceError: data are missing or unreadable.
    """
    plan = task(name, data, seed)
    network, best_epoch = fit(plan, seed, epochs or plan.epochs, progress)
    return write_card(plan, network, data, out, seed, best_epoch)


def fit(plan: Task, seed: int, epochs: int, progress: Progress = lambda _: None) -> tuple[networks.RiskNetwork, int]:
    """Train a task's network.

    Returns:
        The network as it was at its lowest balanced validation loss, in eval mode, and that epoch (from 1).
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = networks.RiskNetwork(networks.NetworkConfig(**plan.architecture))
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    weights = balance(plan.train)[plan.train.owner]
    allowed = plan.train.allowed[plan.train.owner]
    drawn = min(len(weights), plan.rows_per_epoch)
    steps = epochs * (math.ceil(drawn / BATCH) + len(inference.BUCKETS))  # each padded length may end in a short batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    best, best_epoch, best_state = math.inf, 0, network.state_dict()
    for epoch in range(1, epochs + 1):
        network.train()
        chosen = np.sort(rng.permutation(len(weights))[:drawn])
        batches = _batches(plan.augment(plan.train.rows[chosen], rng), rng)
        total = 0.0
        for within, part in batches:
            places = chosen[within]
            loss = networks.allowed_loss(
                network(inference.tensor(part))[0], torch.from_numpy(allowed[places]),
                torch.from_numpy(weights[places]),
            )  # fmt: skip
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        held = _balanced_loss(network, plan.validation)
        progress(f"epoch {epoch}: training loss {total / len(batches):.4f}, validation loss {held:.4f}")
        if held < best:
            best, best_epoch = held, epoch
            best_state = {key: value.clone() for key, value in network.state_dict().items()}
        elif epoch - best_epoch >= PATIENCE:
            break
    network.load_state_dict(best_state)
    return network.eval(), best_epoch


def _batches(rows: NDArray[Any], rng: np.random.Generator) -> list[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Shuffled batches of rows of one padded length; a rest of fewer than 8 is skipped (BatchNorm needs company)."""
    out = []
    for places, same in inference.buckets(rows):
        order = rng.permutation(len(places))
        parts = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        out += [(places[part], same[part]) for part in parts if len(part) >= 8]
    return [out[i] for i in rng.permutation(len(out))]


def balance(sample: Sample) -> NDArray[np.float32]:
    """Weights (examples,): both sides count alike, and within a side each source by the root of its size."""
    weight = np.zeros(len(sample.allowed))
    for risky in (False, True):
        side = sample.risky == risky
        for origin in np.unique(sample.origin[side]):
            mine = side & (sample.origin == origin)
            weight[mine] = 1 / math.sqrt(mine.sum())
        if side.any():
            weight[side] /= weight[side].sum()
    return np.asarray(weight / weight.mean(), np.float32)


def scores(network: networks.RiskNetwork, sample: Sample) -> NDArray[np.float32]:
    """The score (examples,) in [0, 1]: 1 - P(benign), the highest over an example's rows."""
    out = np.zeros(len(sample.allowed), np.float32)
    np.maximum.at(out, sample.owner, 1 - inference.probabilities(network, sample.rows)[:, 0])
    return out


def _balanced_loss(network: networks.RiskNetwork, sample: Sample) -> float:
    score = np.clip(scores(network, sample), 1e-6, 1 - 1e-6)
    loss = -np.log(np.where(sample.risky, score, 1 - score))
    return float(np.average(loss, weights=balance(sample)))


def fix_threshold(network: networks.RiskNetwork, validation: Sample, false_positives: float) -> float:
    """The threshold, from validation data alone.

    It lets through at most ``false_positives`` of the benign examples, sources weighted as in :func:`balance`.
    Where the validation data leave room above that, it goes halfway (in log odds) to the score that would lose 1 % of
    the attacks, but not above ``HIGHEST_BY_ROOM``: other networks are never as easy as the one validated on, in either
    direction. Never below ``LOWEST_THRESHOLD``.
    """
    score = np.clip(scores(network, validation).astype(np.float64), 1e-4, 1 - 1e-4)
    benign = _quantile(score, validation, ~validation.risky, 1 - false_positives)
    attack = _quantile(score, validation, validation.risky, 0.01)
    middle = (_log_odds(max(benign, LOWEST_THRESHOLD)) + _log_odds(attack)) / 2
    roomy = min(1 / (1 + math.exp(-middle)), HIGHEST_BY_ROOM) if attack > benign else 0.0
    chosen = max(benign, LOWEST_THRESHOLD, roomy)
    return min(math.ceil((chosen + 1e-6) * 1e4) / 1e4, 0.9999)


def _log_odds(p: float) -> float:
    return math.log(p / (1 - p))


def _quantile(score: NDArray[np.float64], sample: Sample, side: NDArray[np.bool_], share: float) -> float:
    """The score below which ``share`` of one side lies, sources weighted as in :func:`balance`."""
    weight = np.where(side, balance(sample), 0.0)
    order = np.argsort(score)
    below = np.cumsum(weight[order]) / weight.sum()
    return float(score[order[min(int(np.searchsorted(below, share)), len(order) - 1)]])


def measure(score: NDArray[Any], risky: NDArray[np.bool_], threshold: float) -> dict[str, Any]:
    """Counts and rates of scores against labels; a rate without a denominator is None."""
    hit = score >= threshold
    found, alarms, positives = int((hit & risky).sum()), int(hit.sum()), int(risky.sum())
    negatives = len(risky) - positives
    precision = found / alarms if alarms else None
    recall = found / positives if positives else None
    f1 = 2 * precision * recall / (precision + recall) if precision and recall else (0.0 if positives else None)
    rates = {
        "precision": precision, "recall": recall, "f1": f1,
        "fpr": (alarms - found) / negatives if negatives else None,
        "auroc": auroc(score, risky) if positives and negatives else None,
    }  # fmt: skip
    return {"rows": len(risky), "positives": positives} | {
        key: None if value is None else round(float(value), 5) for key, value in rates.items()
    }


def auroc(score: NDArray[Any], risky: NDArray[np.bool_]) -> float:
    """The area under the ROC curve by ranks, ties counted half (Mann-Whitney)."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(risky.sum())
    return float((rank[risky].sum() - positives * (positives + 1) / 2) / (positives * (len(risky) - positives)))


def write_card(plan: Task, network: networks.RiskNetwork, data: Path, out: Path, seed: int, epochs: int) -> Card:
    """Measure, write weights and card."""
    threshold = fix_threshold(network, plan.validation, plan.false_positives)
    metrics = {"validation": measure(scores(network, plan.validation), plan.validation.risky, threshold)}
    for name, sample in plan.tests.items():
        metrics[name] = measure(scores(network, sample), sample.risky, threshold)
    out.mkdir(parents=True, exist_ok=True)
    weights = out / f"{plan.name}.safetensors"
    networks.save(network, weights)
    files = {
        file: {"role": role, "rows": rows, "sha256": sha256(data / file)}
        for role, named in plan.files.items() for file, rows in named.items()
    }  # fmt: skip
    card = Card(
        name=plan.name, classes=plan.classes, architecture=networks.architecture(network.config), threshold=threshold,
        threshold_source=f"validation data: at most {plan.false_positives:.1%} of benign examples (a source counts by "
        f"the root of its size); where there is room, halfway in log odds to losing 1 % of attacks, up to "
        f"{HIGHEST_BY_ROOM}; at least {LOWEST_THRESHOLD}",
        data=files, split=plan.split, seed=seed, epochs=epochs, metrics=metrics, weights_sha256=sha256(weights),
        parameters=sum(p.numel() for p in network.parameters()), licence=plan.licence,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(), version=__version__, notes=plan.notes,
    )  # fmt: skip
    card.write(out)
    return card
