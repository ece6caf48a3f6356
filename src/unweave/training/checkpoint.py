"""Checkpoints from which training continues bit for bit: weights, optimiser state and progress in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from unweave.core.errors import StorageError
from unweave.core.files import write_bytes
from unweave.objectives.method import Method

KEEP = 2
"""How many checkpoints stay: the last, and the one before it."""

Optimizers = Mapping[str, torch.optim.Optimizer]


@dataclass(frozen=True)
class Progress:
    """What training must know beside weights to continue. Batches and noise are functions of the seed and the step.

    Attributes:
        step: optimiser steps done.
        rate: factor on the learning rate; below 1 after a roll-back.
        seconds: time spent training so far.
        monitor_seconds: time of these spent looking at the validation sample.
    """

    step: int = 0
    rate: float = 1.0
    seconds: float = 0.0
    monitor_seconds: float = 0.0


def save_checkpoint(folder: Path, method: Method, optimizers: Optimizers, progress: Progress) -> Path:
    """Write a checkpoint whole, or not at all, and remove all but the last two.

    Raises:
        StorageError: the disk is full or the folder cannot be written; the checkpoints before are untouched.
    """
    tensors = {f"weights.{name}": value for name, value in method.state_dict().items()}
    for player, optimizer in optimizers.items():
        for index, parameter in enumerate(_parameters(optimizer)):
            for key, value in optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer.{player}.{index}.{key}"] = value
    path = folder / f"step-{progress.step:09d}.safetensors"
    flat = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_bytes(path, save(flat, metadata={"progress": json.dumps(asdict(progress))}))
    for old in sorted(folder.glob("step-*.safetensors"))[:-KEEP]:
        old.unlink(missing_ok=True)
    return path


def sweep(folder: Path) -> None:
    """Remove what a killed process had half written; only the one process that trains may call it."""
    for part in folder.glob(".step-*.part"):
        part.unlink(missing_ok=True)


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint, or None."""
    return max(folder.glob("step-*.safetensors"), default=None)


def load_checkpoint(path: Path, method: Method, optimizers: Optimizers) -> Progress:
    """Put weights and optimiser state back in place and say how far training was.

    Raises:
        StorageError: the file is damaged or belongs to another model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            progress = Progress(**json.loads(file.metadata()["progress"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        with torch.no_grad():
            for name, target in method.state_dict(keep_vars=True).items():
                target.copy_(tensors[f"weights.{name}"])
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise StorageError(
            f"the checkpoint {path} cannot be read: {error}. Delete it to continue from the one before."
        ) from error
    for player, optimizer in optimizers.items():
        for index, parameter in enumerate(_parameters(optimizer)):
            prefix = f"optimizer.{player}.{index}."
            found = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            optimizer.state[parameter] = {key: _like(parameter, value) for key, value in found.items()}
    return progress


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _like(parameter: Tensor, value: Tensor) -> Tensor:
    # The fused optimiser walks parameter and state side by side in memory, so both need the same layout.
    if value.shape != parameter.shape:
        return value.to(parameter.device) if parameter.is_cuda else value
    return torch.empty_like(parameter).copy_(value)
