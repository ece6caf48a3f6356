"""Looks at a fixed validation sample while a model trains: rate, distortion, active units, MIG, pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unweave.core.codes import Codes
from unweave.core.factors import FactorTable
from unweave.core.model import LatentModel, Observations
from unweave.core.observations import as_decoded
from unweave.core.scores import Score
from unweave.core.seeds import generator
from unweave.metrics import mig
from unweave.training.checkpoint import Progress
from unweave.training.sinks import Sink
from unweave.training.traversal import by_information, kl_per_dimension, traverse

SHARE = 0.05
"""Share of the training time that looking may take."""

ACTIVE = 0.01
"""Variance of the mean code above which a dimension counts as active (Burda et al. 2016, section 4.3)."""

_PICTURE_ROWS, _PICTURE_FRAMES, _GAP = 8, 9, 2


class Monitored(LatentModel, Protocol):
    """A model that also says how well a code explains an observation."""

    def distortion(self, observations: Observations, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """-log p(x|z) of each row, in nats."""
        ...


@dataclass(frozen=True)
class Look:
    """What one look at the validation sample found. Losses are in nats per observation.

    Attributes:
        distortion: mean -log p(x|z) with z drawn from q(z|x).
        rate: mean KL, summed over dimensions.
        kl: mean KL of each dimension, (D,).
        active: number of dimensions whose mean code has a variance above 0.01.
        explained: share of the variance of the observations that the reconstructions explain; 0 is the mean image.
        mig, mig_null: with labels, MIG and its mean over random codes.
    """

    distortion: float
    rate: float
    kl: NDArray[np.float64]
    active: int
    explained: float
    mig: float | None = None
    mig_null: float | None = None

    def values(self) -> dict[str, float]:
        """Named numbers for sinks."""
        named = {
            "valid.reconstruction": self.distortion,
            "valid.kl": self.rate,
            "valid.active_units": float(self.active),
            "valid.explained": self.explained,
            **{f"valid.kl.{d}": float(value) for d, value in enumerate(self.kl)},
        }
        if self.mig is not None:
            named["valid.mig"] = self.mig
        if self.mig_null is not None:
            named["valid.mig_null"] = self.mig_null
        return named


class Monitor:
    """A `Watcher` over a fixed sample of validation rows.

    A look is left out when, with it, looking would take more than 5 % of the training time so far; the last look is
    always taken.
    """

    def __init__(
        self, model: Monitored, sample: Observations, table: FactorTable, sinks: Sequence[Sink], *, seed: int
    ) -> None:
        self.model, self.sample, self.table, self.sinks, self.seed = model, sample, table, sinks, seed
        self._longest = 0.0
        self._variance = float(self._flat(sample).var(0).sum())

    def look(self, progress: Progress, *, final: bool) -> float:
        """Look at the model; returns the seconds that it took, 0 when it chose not to look."""
        affordable = progress.monitor_seconds + self._longest <= SHARE * progress.seconds
        if not (final or affordable):
            return 0.0
        start = time.perf_counter()
        found, codes = self.measure()
        for sink in self.sinks:
            sink.values(progress.step, found.values())
        self._show(progress.step, codes)
        spent = time.perf_counter() - start
        self._longest = max(self._longest, spent)
        return spent

    def measure(self) -> tuple[Look, Codes]:
        """All numbers of one look, and the codes behind them."""
        codes = self.model.encode(self.sample)
        distortion = self.model.distortion(self.sample, codes.draw(generator(self.seed, "monitor")))
        error = self._flat(self.model.decode(codes.mean)) - self._flat(self.sample)
        kl = kl_per_dimension(codes)
        score = self._mig(codes) if self.table.factors else None
        found = Look(
            distortion=float(distortion.mean()),
            rate=float(kl.sum()),
            kl=kl,
            active=int((codes.mean.var(0) > ACTIVE).sum()),
            explained=1 - float((error**2).mean(0).sum()) / self._variance if self._variance else 0.0,
            mig=None if score is None else score.value,
            mig_null=None if score is None else score.null,
        )
        return found, codes

    def _mig(self, codes: Codes) -> Score:
        return mig(codes, self.table, bootstrap=0, nulls=3, seed=self.seed, groups=codes.groups or None)

    def _flat(self, observations: Observations) -> NDArray[np.float32]:
        return as_decoded(observations).reshape(len(observations), -1)

    def _show(self, step: int, codes: Codes) -> None:
        if self.sample.ndim != 4:
            return
        moved = traverse(self.model, codes, dimensions=by_information(codes)[:_PICTURE_ROWS], frames=_PICTURE_FRAMES)
        prior = codes.prior(_PICTURE_ROWS * _PICTURE_FRAMES, generator(self.seed, "samples"))
        samples = self.model.decode(prior).reshape(_PICTURE_ROWS, _PICTURE_FRAMES, *moved.shape[2:])
        for sink in self.sinks:
            sink.picture(step, "traversals", tile(moved))
            sink.picture(step, "samples", tile(samples))


def tile(images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """One RGB picture (height, width, 3) of images (rows, columns, H, W, C) in [0, 1], with thin white gaps."""
    rows, columns, height, width, channels = images.shape
    pixels = np.rint(images * 255).astype(np.uint8)
    if channels == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    padded = np.pad(pixels, ((0, 0), (0, 0), (0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
    grid = padded.transpose(0, 2, 1, 3, 4).reshape(rows * (height + _GAP), columns * (width + _GAP), 3)
    return np.ascontiguousarray(grid[:-_GAP, :-_GAP])
