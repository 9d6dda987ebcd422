"""Training that anyone can repeat: seeded, split by source; validation data stop, calibrate and set the threshold."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import importlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from soc_tui import __version__
from soc_tui.analysis import calibration, cases, resuming
from soc_tui.analysis import network as networks
from soc_tui.analysis import wide as grams
from soc_tui.analysis.architecture import NetworkConfig, as_json
from soc_tui.analysis.calibration import LOWEST_THRESHOLD
from soc_tui.analysis.card import Card, sha256
from soc_tui.analysis.corpora.sample import Sample, Task
from soc_tui.analysis.encoding import NAMES, inference
from soc_tui.analysis.figures import intervals, measure, recall_curve, reliability
from soc_tui.core.errors import UsageError

Progress = Callable[[str], None]
Bar = Callable[[float], None]
"""Told the share of the work that is done, 0 to 1."""

RATE = 2e-3
SHARES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""What the recurrent way may count beside a wide one."""


def task(name: str, data: Path, seed: int) -> Task:
    """The training of a shipped model.

    Raises:
        UsageError: no such model.
        SourceError: data are missing.
    """
    if name not in NAMES:
        raise UsageError(f"there is no model {name!r}", remedy=f"the models are {', '.join(NAMES)}")
    module = importlib.import_module(f"soc_tui.analysis.corpora.{name}_task")
    made: Task = getattr(module, f"{name}_task")(data, seed)
    return made


def train(
    name: str,
    data: Path,
    out: Path,
    seed: int = 7,
    epochs: int | None = None,
    progress: Progress = lambda _: None,
    bar: Bar = lambda _: None,
) -> Card:
    """Train a shipped model from the data folder and write ``NAME.safetensors`` and ``NAME.json``.

    A training that is stopped (Ctrl-C, kill) leaves ``NAME.training`` in ``out`` and goes on from its last whole epoch
    when the same training is started again, to the same weights.

    Args:
        name: one of ``encoding.NAMES``.
        data: the folder with the labelled data.
        out: folder for the two files.
        seed: fixes initial weights, sampling, order and augmentation; the same seed gives the same weights on the
            same machine and versions.
        epochs: at most so many; the model's own number when None.
        progress: told one line per epoch.
        bar: told how far the training is.

    Raises:
        UsageError: no such model.
        SourceError: data are missing or unreadable.
    """
    plan = task(name, data, seed)
    out.mkdir(parents=True, exist_ok=True)
    kept = out / f"{name}.training"
    network, best_epoch = fit(plan, seed, epochs or plan.epochs, progress, bar=bar, keep=kept)
    card = write_card(plan, network, data, out, seed, best_epoch)
    kept.unlink(missing_ok=True)
    return card


def fit(
    plan: Task,
    seed: int,
    epochs: int,
    progress: Progress = lambda _: None,
    *,
    bar: Bar = lambda _: None,
    keep: Path | None = None,
) -> tuple[networks.RiskNetwork, int]:
    """Train a task's network.

    Args:
        plan: what to learn from.
        seed: fixes everything random.
        epochs: at most so many.
        progress: told one line per epoch.
        bar: told the share done, several times an epoch.
        keep: where the state is kept after each epoch, and read from when it is there and of the same plan.

    Returns:
        The network as it was at its lowest balanced validation loss, in eval mode, and that epoch (from 1).
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = networks.RiskNetwork(NetworkConfig(**plan.architecture))
    weights = balance(plan.train)[plan.train.owner]
    if isinstance(network.encode, networks.CharacterTokens) and network.encode.wide is not None:
        fit_wide(network.encode.wide, plan.train.rows, plan.train.risky[plan.train.owner], weights)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    allowed = plan.train.allowed[plan.train.owner]
    drawn = min(len(weights), plan.rows_per_epoch)
    steps = epochs * (math.ceil(drawn / plan.batch) + len(inference.BUCKETS))  # short last batches
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    run = resuming.Run(network, optimiser, schedule, np.random.default_rng(seed), network.state_dict())
    mark = "" if keep is None else _mark(plan, seed, epochs)
    if keep is not None and resuming.read(run, keep, mark):
        progress(f"going on after epoch {run.epoch}")
    began, first = time.monotonic(), run.epoch
    for epoch in range(run.epoch + 1, epochs + 1):
        if run.epoch and run.epoch - run.best_epoch >= plan.patience:
            break
        network.train()
        chosen = np.sort(run.rng.permutation(len(weights))[:drawn])
        batches = _batches(plan.augment(plan.train.rows[chosen], run.rng), run.rng, plan.batch)
        total = 0.0
        for number, (within, part) in enumerate(batches):
            places = chosen[within]
            loss = networks.allowed_loss(
                network(networks.tensor(part))[0], torch.from_numpy(allowed[places]),
                torch.from_numpy(weights[places]),
            )  # fmt: skip
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
            bar((epoch - 1 + number / len(batches)) / epochs)
        held = _balanced_loss(network, plan.validation, calibrated=plan.stop_calibrated)
        left = (time.monotonic() - began) / (epoch - first) * (epochs - epoch)
        progress(f"epoch {epoch} of {epochs}, at most {left:.0f} s left: training loss {total / len(batches):.4f}, "
                 f"validation loss {held:.4f}")  # fmt: skip
        run.epoch = epoch
        if held < run.best:
            run.best, run.best_epoch = held, epoch
            run.best_state = {key: value.clone() for key, value in network.state_dict().items()}
        if keep is not None:
            resuming.write(run, keep, mark)
    bar(1.0)
    network.load_state_dict(run.best_state)
    network.eval()
    if network.config.wide:
        _share(network, plan.validation)
    return network, run.best_epoch


def _share(network: networks.RiskNetwork, validation: Sample) -> None:
    """Scale the recurrent way against the wide one, which did not hear one another: the least calibrated loss."""
    working, weight = network.at_work(), balance(validation)
    hidden = inference.run(working, validation.rows).hidden
    losses = {}
    for share in SHARES:
        logits = hidden @ _scaled(working.last_weight, share).T + working.last_bias * share
        odds = np.full(len(validation.allowed), -np.inf)
        np.maximum.at(odds, validation.owner, inference.risk_log_odds(logits))
        losses[share] = _loss(calibration.fit(odds, validation.risky, weight).log_odds(odds), validation)
    best = min(losses, key=losses.__getitem__)
    with torch.no_grad():
        network.last.weight.copy_(torch.from_numpy(_scaled(working.last_weight, best)))
        network.last.bias.copy_(torch.from_numpy(working.last_bias * np.float32(best)))


def _scaled(weight: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The last layer (C, M) with all but the wide sum, its last input, scaled."""
    return np.asarray(np.concatenate([weight[:, :-1] * share, weight[:, -1:]], 1), np.float32)


def fit_wide(
    wide: networks.WideTokens, rows: NDArray[Any], risky: NDArray[np.bool_], weight: NDArray[Any], c: float = 30.0
) -> None:
    """Fit the wide way by itself: logistic regression over TF-IDF of n-grams, by L-BFGS.

    Args:
        wide: its weights and rarities are written.
        rows: (n, L) ids.
        risky: (n,) the label.
        weight: (n,) how much each counts, 1 on average.
        c: inverse strength of the ridge, as in liblinear.
    """
    found: list[NDArray[np.int32]] = []
    often: list[NDArray[np.float32]] = []
    order: list[NDArray[np.int64]] = []
    for places, same in inference.buckets(rows):
        for part in inference.batches(same, 256):
            buckets, counted = grams.buckets(same[part], len(wide.weight), wide.counted)
            found += [one[more > 0].astype(np.int32) for one, more in zip(buckets, counted, strict=True)]
            often.append(counted[counted > 0])
            order.append(places[part])
    places = np.concatenate(order)
    counts = np.array([len(one) for one in found], np.int64)
    index = torch.from_numpy(np.concatenate(found))  # (grams,)
    number = torch.from_numpy(np.concatenate(often))  # (grams,)
    rows_with = torch.bincount(index, minlength=len(wide.weight)).float()
    wide.rarity.copy_(torch.log((1 + len(rows)) / (1 + rows_with)) + 1)
    starts = np.cumsum(counts) - counts
    terms = (wide.rarity[index] * number).square().numpy()
    squares = np.add.reduceat(np.append(terms, 0.0), np.minimum(starts, len(index)))
    length = torch.from_numpy(np.sqrt(np.where(counts > 0, np.maximum(squares, 1), 1)).astype(np.float32))
    sign = torch.from_numpy(np.where(risky[places], 1.0, -1.0).astype(np.float32))
    share = torch.from_numpy(np.asarray(weight, np.float32)[places])
    offsets = torch.from_numpy(starts.astype(np.int32))
    held = torch.zeros(len(wide.weight), 1, requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([held, bias], max_iter=30, history_size=8, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        table = held * wide.rarity.unsqueeze(1)
        bags = torch.nn.functional.embedding_bag(index, table, offsets, mode="sum", per_sample_weights=number)
        odds = bags.squeeze(1) / length + bias  # (n,)
        ridge = (held.square().sum() + bias.square().sum()) / (2 * c)
        loss = (torch.nn.functional.softplus(-sign * odds) * share).sum() + ridge
        torch.autograd.backward(loss)
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    wide.weight.copy_(held.detach().squeeze(1))
    wide.bias.copy_(bias.detach())


def _mark(plan: Task, seed: int, epochs: int) -> str:
    """What makes a training this one: its plan, its rows, the versions."""
    digest = hashlib.sha256()
    for rows in (plan.train.rows, plan.train.owner, plan.train.allowed, plan.validation.rows):
        digest.update(np.ascontiguousarray(rows).data)
    facts = [
        plan.name, plan.architecture, seed, epochs, plan.rows_per_epoch, plan.batch, torch.__version__, __version__,
    ]  # fmt: skip
    return f"{json.dumps(facts)} {digest.hexdigest()}"


def _batches(rows: NDArray[Any], rng: np.random.Generator, size: int) -> list[tuple[NDArray[np.int64], NDArray[Any]]]:
    """Shuffled batches of rows of one padded length; a rest of fewer than 8 is skipped (BatchNorm needs company)."""
    out = []
    for places, same in inference.buckets(rows):
        order = rng.permutation(len(places))
        parts = [order[i : i + size] for i in range(0, len(order), size)]
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


def log_odds(network: networks.RiskNetwork, sample: Sample) -> NDArray[np.float64]:
    """The network's own log odds of risk (examples,), the highest over an example's rows."""
    out = np.full(len(sample.allowed), -np.inf)
    np.maximum.at(out, sample.owner, inference.run(network.at_work(), sample.rows).log_odds)
    return out


def scores(network: networks.RiskNetwork, sample: Sample) -> NDArray[np.float64]:
    """Uncalibrated scores (examples,) in [0, 1]: 1 - P(benign), the highest over an example's rows."""
    return calibration.probability(log_odds(network, sample))


def _balanced_loss(network: networks.RiskNetwork, sample: Sample, *, calibrated: bool = False) -> float:
    odds = log_odds(network, sample)
    if calibrated:
        odds = calibration.fit(odds, sample.risky, balance(sample)).log_odds(odds)
    return _loss(odds, sample)


def _loss(odds: NDArray[np.float64], sample: Sample) -> float:
    """The loss of log odds (examples,) over a sample, both sides alike."""
    score = np.clip(calibration.probability(odds), 1e-6, 1 - 1e-6)
    loss = -np.log(np.where(sample.risky, score, 1 - score))
    return float(np.average(loss, weights=balance(sample)))


def fix_threshold(network: networks.RiskNetwork, validation: Sample, false_positives: float) -> float:
    """The threshold on calibrated scores by :func:`calibration.threshold`, sources weighted as in :func:`balance`."""
    raw, weight = log_odds(network, validation), balance(validation)
    score = calibration.probability(calibration.fit(raw, validation.risky, weight).log_odds(raw))
    return calibration.threshold(score, validation.risky, weight, false_positives)


def write_card(plan: Task, network: networks.RiskNetwork, data: Path, out: Path, seed: int, epochs: int) -> Card:
    """Calibrate, measure, choose known cases, write weights and card."""
    raw, weight = log_odds(network, plan.validation), balance(plan.validation)
    fitted = calibration.fit(raw, plan.validation.risky, weight)
    score = calibration.probability(fitted.log_odds(raw))
    threshold = calibration.threshold(score, plan.validation.risky, weight, plan.false_positives)
    table, error = reliability(score, plan.validation.risky, weight)
    metrics, curves = {}, {}
    for name, sample in {"validation": plan.validation, **plan.tests}.items():
        odds = fitted.log_odds(log_odds(network, sample))
        held = calibration.probability(odds)
        metrics[name] = measure(held, sample.risky, threshold) | {"intervals": intervals(held, sample.risky, threshold)}
        if sample.risky.any():
            curves[name] = recall_curve(odds[sample.risky])
    extras, known = _known(plan, network, fitted, np.random.default_rng(seed))
    out.mkdir(parents=True, exist_ok=True)
    weights = out / f"{plan.name}.safetensors"
    networks.save(network, weights, extras)
    files = {
        file: {"role": role, "rows": rows, "sha256": sha256(data / file)}
        for role, named in plan.files.items() for file, rows in named.items()
    }  # fmt: skip
    card = Card(
        name=plan.name, classes=plan.classes, architecture=as_json(network.config), threshold=threshold,
        threshold_source=f"validation data: at most {plan.false_positives:.2%} of benign examples (a source counts by "
        f"the root of its size); where there is room, halfway in log odds to losing 1 % of attacks, up to "
        f"{calibration.HIGHEST_BY_ROOM}; at least {LOWEST_THRESHOLD}",
        data=files, split=plan.split, seed=seed, epochs=epochs, metrics=metrics, weights_sha256=sha256(weights),
        parameters=sum(p.numel() for p in network.parameters()), licence=plan.licence,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(), version=__version__, notes=plan.notes,
        calibration=dataclasses.asdict(fitted), ece=error, reliability=table, curves=curves, cases=known,
    )  # fmt: skip
    card.write(out)
    return card


def _known(
    plan: Task, network: networks.RiskNetwork, fitted: calibration.Calibration, rng: np.random.Generator
) -> tuple[dict[str, torch.Tensor], list[dict[str, str]]]:
    """The known cases of the training data that have words, and the anchors of the validation data."""
    extras, known = {}, []
    working = network.at_work()
    held = inference.run(working, plan.validation.rows)
    risky = plan.validation.risky[plan.validation.owner]
    sides = [rng.permutation(np.flatnonzero(risky == side)) for side in (False, True)]
    places = np.concatenate([side[: cases.ANCHORS // 2] for side in sides])
    extras["anchors"] = torch.from_numpy(held.hidden[places])
    extras["anchors_odds"] = torch.from_numpy(held.log_odds[places].astype(np.float32))
    extras["anchors_risky"] = torch.from_numpy(risky[places].astype(np.uint8))
    if plan.train.text is not None:
        named = np.flatnonzero((plan.train.text != "")[plan.train.owner])
        found = inference.run(working, plan.train.rows[named])
        owners = plan.train.owner[named]
        label = plan.train.allowed[owners].argmax(1)
        # a case that the network gets wrong explains nothing
        right = (fitted.log_odds(found.log_odds) >= 0) == (label != 0)
        chosen = cases.choose(found.hidden, np.where(right, label, -1), cases.CASES_PER_CLASS, rng)
        extras["cases"] = torch.from_numpy(found.hidden[chosen])
        known = [{"class": plan.classes[label[i]], "text": str(plan.train.text[owners[i]])[:200]} for i in chosen]
    return extras, known
