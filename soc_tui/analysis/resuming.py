"""A training that was stopped goes on where its last whole epoch ended, to the very same weights.

The state is safetensors with JSON in its header: the network, its best form so far, the optimiser's moments, and the
random generators. It is written beside the weights after each epoch and removed when the training is over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


@dataclass
class Run:
    """A training under way: what an epoch reads and changes."""

    network: torch.nn.Module
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    rng: np.random.Generator
    best_state: dict[str, Tensor]
    epoch: int = 0
    """Whole epochs done."""
    best: float = float("inf")
    best_epoch: int = 0


def write(run: Run, path: Path, plan: str) -> None:
    """Keep the state after a whole epoch; the file is replaced at once or not at all.

    Args:
        run: the training.
        path: the state file.
        plan: what was to be trained; :func:`read` refuses the state of another plan.
    """
    moments, groups = _flat(run.optimiser.state_dict())
    tensors = {f"network.{k}": v for k, v in run.network.state_dict().items()}
    tensors |= {f"best.{k}": v for k, v in run.best_state.items()}
    tensors |= moments | {"torch.rng": torch.get_rng_state()}
    facts = {
        "plan": plan, "epoch": run.epoch, "best": run.best, "best_epoch": run.best_epoch, "groups": groups,
        "numpy": run.rng.bit_generator.state, "schedule": run.schedule.state_dict(),
    }  # fmt: skip
    partial = path.with_suffix(".partial")
    copies = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    save_file(copies, partial, {"training": json.dumps(facts, default=_plain)})
    partial.replace(path)


def read(run: Run, path: Path, plan: str) -> bool:
    """Put a kept state into ``run``; False when there is none, or it is another plan's or damaged."""
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})["training"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, KeyError, ValueError, SafetensorError):
        return False
    if facts["plan"] != plan:
        return False
    run.network.load_state_dict(_under(tensors, "network."))
    run.best_state = _under(tensors, "best.")
    run.optimiser.load_state_dict({"state": _moments(tensors), "param_groups": facts["groups"]})
    run.schedule.load_state_dict(facts["schedule"])
    run.rng.bit_generator.state = facts["numpy"]
    torch.set_rng_state(tensors["torch.rng"])
    run.epoch, run.best, run.best_epoch = facts["epoch"], facts["best"], facts["best_epoch"]
    return True


def _flat(state: dict[str, Any]) -> tuple[dict[str, Tensor], list[Any]]:
    flat = {
        f"moment.{number}.{name}": value if isinstance(value, Tensor) else torch.tensor(value)
        for number, values in state["state"].items() for name, value in values.items()
    }  # fmt: skip
    return flat, state["param_groups"]


def _moments(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under(tensors, "moment.").items():
        number, _, what = name.partition(".")
        state.setdefault(int(number), {})[what] = value
    return state


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _plain(value: Any) -> Any:
    """Numbers that JSON does not know."""
    return value.item()
