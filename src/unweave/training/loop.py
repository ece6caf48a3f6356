"""The only training loop. It knows players, never methods."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, cast

import torch
from lightning_fabric import Fabric

from unweave.core.errors import StorageError, TrainingError
from unweave.core.seeds import derive
from unweave.objectives.method import Method
from unweave.objectives.objective import Losses
from unweave.training.allocator import keep_freed_memory
from unweave.training.batches import BatchSource
from unweave.training.checkpoint import Progress, latest_checkpoint, load_checkpoint, save_checkpoint, sweep
from unweave.training.config import TrainingConfig
from unweave.training.sinks import Sink
from unweave.training.step import train_step
from unweave.training.stopping import Reason, Stopper

FLUSH_EVERY = 50
"""Steps between transfers of loss values from the device; until then they stay there."""

LOWER_RATE = 0.3
"""Factor on the learning rate after a roll-back."""

_REASONS: tuple[Reason | None, ...] = (None, "out of time", "interrupted")


class Watcher(Protocol):
    """Looks at the model while it trains, without changing it."""

    def look(self, progress: Progress, *, final: bool) -> float:
        """Look at the model; returns the seconds that it took, 0 when it chose not to look."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How training ended, and how far it is."""

    status: Literal["complete", "interrupted", "out of time"]
    progress: Progress


class Trainer:
    """Trains one method; can be killed at any moment and continues from the last checkpoint bit for bit.

    Args:
        method: nets and losses, on the device of `fabric`.
        source: batches as a pure function of the step.
        config: the `training:` section.
        folder: where checkpoints are.
        fabric: device, precision and the other processes.
        sinks: take numbers and words.
        watcher: looks at the model every `monitor_every` steps and at the end.
    """

    def __init__(
        self,
        method: Method,
        source: BatchSource,
        config: TrainingConfig,
        folder: Path,
        fabric: Fabric,
        *,
        sinks: Sequence[Sink] = (),
        watcher: Watcher | None = None,
    ) -> None:
        if config.fast and fabric.device.type == "cpu":
            keep_freed_memory()
        self.method, self.source, self.config, self.folder, self.fabric = method, source, config, folder, fabric
        self.sinks, self.watcher = (sinks if fabric.is_global_zero else ()), watcher
        if config.fast:
            method.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub lacks it
        fused = config.fast and fabric.device.type in ("cpu", "cuda")
        how = {name: method.optimiser(name) for name in method.players}
        self._rates = {name: config.learning_rate if adam.rate is None else adam.rate for name, adam in how.items()}
        self._raw = {
            name: torch.optim.Adam(player.parameters(), lr=self._rates[name], betas=how[name].betas, fused=fused)
            for name, player in method.players.items()
        }
        self._optimizers: dict[str, torch.optim.Optimizer] = {
            name: cast(torch.optim.Optimizer, fabric.setup_optimizers(optimizer))
            for name, optimizer in self._raw.items()
        }
        self._generator = torch.Generator(fabric.device)
        # torch seeds its CPU generator with 32 bits; consecutive seeds give independent streams.
        self._noise = derive(config.seed, "noise", fabric.global_rank)
        self._window: list[Mapping[str, torch.Tensor]] = []
        self.progress = Progress()
        self._clock = time.perf_counter()

    def run(self, stopper: Stopper) -> Outcome:
        """Train until `steps`, or until `stopper` says so; a checkpoint is written either way.

        Raises:
            TrainingError: the loss is not finite again after one roll-back.
            StorageError: a checkpoint cannot be written; the one before is untouched.
        """
        self.method.train()
        self._resume()
        config, stop = self.config, None
        while self.progress.step < config.steps and stop is None:
            self._keep(self._step())
            step = self.progress.step
            look = step % config.monitor_every == 0 or step == config.steps
            save = step % config.checkpoint_every == 0 or step == config.steps
            flush = look or save or step % FLUSH_EVERY == 0
            if flush or self.fabric.world_size == 1:
                stop = self._agreed(stopper.reason())
                save = save or stop is not None
            if (flush or save) and not self._sound(weights=look or save):
                self._roll_back()
                continue
            if look:
                self._look(final=step == config.steps)
            if save:
                self._save()
        return Outcome(stop if stop is not None and self.progress.step < config.steps else "complete", self.progress)

    def _resume(self) -> None:
        if self.fabric.is_global_zero:
            sweep(self.folder)
            if latest_checkpoint(self.folder) is None:
                save_checkpoint(self.folder, self.method, self._raw, self.progress)
        self.fabric.barrier()  # the first process alone decides whether this is a beginning; the others find its file
        self.progress = load_checkpoint(self._last_good(), self.method, self._raw)
        for sink in self.sinks:
            sink.rewind(self.progress.step)
        self._clock = time.perf_counter()

    def _step(self) -> Mapping[str, Losses]:
        step, config = self.progress.step, self.config
        share = self.progress.rate
        if config.schedule == "cosine":
            share *= 0.5 * (1 + math.cos(math.pi * step / config.steps))
        for name, optimizer in self._raw.items():
            for group in optimizer.param_groups:
                group["lr"] = self._rates[name] * share
        self._generator.manual_seed((self._noise + step) % 2**32)
        batch = self.source.batch(step, self._generator, rank=self.fabric.global_rank, of=self.fabric.world_size)
        losses = train_step(self.method, self._optimizers, batch, self.fabric, clip=config.gradient_norm)
        self.progress = replace(self.progress, step=step + 1)
        return losses

    def _keep(self, losses: Mapping[str, Losses]) -> None:
        values = {f"{player}.total": loss.total for player, loss in losses.items()}
        for loss in losses.values():
            values |= loss.parts
        self._window.append({name: value.detach() for name, value in values.items()})

    def _agreed(self, reason: Reason | None) -> Reason | None:
        """Why any of the processes wants to stop: a clock or a Ctrl-C must not let one leave the others waiting."""
        return _REASONS[self._highest(_REASONS.index(reason))]

    def _sound(self, *, weights: bool) -> bool:
        """Whether losses and, where asked for, weights are finite in all processes.

        The gradient of a finite loss may overflow; the loss says so one step later, when the weights are already kept.
        """
        sound = self._flush()
        if sound and weights:
            sound = bool(torch.stack([p.isfinite().all() for p in self.method.parameters()]).all())
        return self._highest(not sound) == 0

    def _highest(self, value: int) -> int:
        """The highest value among the processes, all of which must ask at the same step."""
        if self.fabric.world_size == 1:
            return value
        highest = self.fabric.all_reduce(torch.tensor(value, device=self.fabric.device), reduce_op="max")
        return int(cast(torch.Tensor, highest))

    def _flush(self) -> bool:
        """Fetch the loss values since the last time and pass their mean on; False when one is not finite."""
        if not self._window:
            return True
        values = torch.stack([value for losses in self._window for value in losses.values()]).float().cpu()
        names, count = [name for losses in self._window for name in losses], len(self._window)
        self._window.clear()
        now = time.perf_counter()
        elapsed, self._clock = now - self._clock, now
        self.progress = replace(self.progress, seconds=self.progress.seconds + elapsed)
        if not bool(values.isfinite().all()):
            return False
        seen: dict[str, list[float]] = {}  # a stage of training may begin between two transfers, with other names
        for name, value in zip(names, values.tolist(), strict=True):
            seen.setdefault(f"train.{name}", []).append(value)
        named = {name: sum(found) / len(found) for name, found in seen.items()}
        named["train.images_per_second"] = count * self.config.batch / elapsed
        for sink in self.sinks:
            sink.values(self.progress.step, named)
        return True

    def _look(self, *, final: bool) -> None:
        if self.watcher is None or not self.fabric.is_global_zero:
            return
        self.method.eval()
        spent = self.watcher.look(self.progress, final=final)
        self.method.train()
        seconds, before = self.progress.seconds + spent, self.progress.monitor_seconds
        self.progress = replace(self.progress, seconds=seconds, monitor_seconds=before + spent)
        self._clock = time.perf_counter()

    def _last_good(self) -> Path:
        path = latest_checkpoint(self.folder)
        if path is None:
            raise StorageError(f"{self.folder}: the checkpoint to continue from is gone.")
        return path

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            for sink in self.sinks:
                sink.flush()
            save_checkpoint(self.folder, self.method, self._raw, self.progress)
        self.fabric.barrier()
        self._clock = time.perf_counter()

    def _roll_back(self) -> None:
        """Return to the last checkpoint with a lower rate, once; the second time it is an error."""
        failed = self.progress
        if failed.rate < 1:
            raise TrainingError(
                f"the loss is not a finite number near step {failed.step}, again after the learning rate was lowered "
                f"to {self.config.learning_rate * failed.rate:g}. Lower training.learning_rate, or set "
                "training.gradient_norm (5 is a usual value). The last good checkpoint is kept."
            )
        good = load_checkpoint(self._last_good(), self.method, self._raw)
        self.progress = replace(failed, step=good.step, rate=LOWER_RATE)  # the time was spent all the same
        for sink in self.sinks:
            sink.rewind(good.step)
            sink.note(
                good.step,
                f"The loss was not a finite number near step {failed.step}: training went back to step {good.step} "
                f"and goes on with the learning rate lowered to {self.config.learning_rate * LOWER_RATE:g}.",
            )
        self._save()
