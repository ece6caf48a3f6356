"""One optimiser step for every player, on any device that Fabric knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor

from unweave.core.errors import ConfigError
from unweave.objectives.method import Batch, Method
from unweave.objectives.objective import Losses


def make_fabric(
    device: str = "auto", *, devices: int = 1, precision: Literal["32", "16-mixed", "bf16-mixed"] = "32"
) -> Fabric:
    """Fabric for a device name such as `auto`, `cpu`, `cuda` or `cuda:1`, and a number of such devices.

    Raises:
        ConfigError: this machine has no such device.
    """
    accelerator, _, index = device.partition(":")
    try:
        return Fabric(
            accelerator=accelerator,
            devices=[int(index)] if index else devices,
            precision="32-true" if precision == "32" else precision,
            strategy="ddp" if devices > 1 else "auto",
        )
    except (TypeError, ValueError, RuntimeError, MisconfigurationException) as error:
        raise ConfigError(f"device {device!r} cannot be used: {error} Give auto, cpu, cuda or cuda:1.") from error


def train_step(
    method: Method,
    optimizers: Mapping[str, torch.optim.Optimizer],
    batch: Batch,
    fabric: Fabric,
    *,
    clip: float | None = None,
) -> Mapping[str, Losses]:
    """Update every player on its own loss only; returns the losses before the update. A player without a loss rests.

    Gradients are averaged over devices here rather than by a wrapper around the method, because a wrapper that waits
    for all gradients of a module would not see that each player gets its own.
    """
    with fabric.autocast():
        losses = method.losses(batch)
    left = len(losses)
    for name, module in method.players.items():
        owned = [p for p in module.parameters() if p.requires_grad]
        for parameter in owned:
            parameter.grad = None
        if name not in losses:
            continue
        left -= 1
        fabric.backward(losses[name].total, inputs=owned, retain_graph=left > 0)
        if fabric.world_size > 1:
            _average(owned, fabric)
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(owned, clip)
    for name in losses:
        optimizers[name].step()
    return losses


def _average(parameters: list[torch.nn.Parameter], fabric: Fabric) -> None:
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = fabric.all_reduce(torch.cat([g.flatten() for g in gradients]), reduce_op="mean")
    assert isinstance(flat, Tensor)
    for gradient, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view(gradient.shape))
