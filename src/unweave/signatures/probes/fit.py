"""A probe of one factor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.targets import Target
from unweave.signatures.probes.cross import choose, final
from unweave.signatures.probes.folds import make_folds
from unweave.signatures.probes.task import ProbeKind, Task, make_task
from unweave.signatures.reader import Reader

Floats = NDArray[np.float64]


def fit_probe(
    codes: NDArray[Any],
    target: Target,
    labels: Floats,
    *,
    kind: ProbeKind = "auto",
    groups: NDArray[Any] | None = None,
    weights: Floats | None = None,
    balanced: bool = False,
    penalty: float | None = None,
    seed: int = 0,
) -> Reader:
    """A regularised linear reading of one factor from codes.

    Args:
        codes: (N, D), as the encoder gives them; they are standardised inside.
        target: the factor, and how its labels become numbers.
        labels: (N,) in the units of the factor, all known.
        kind: the probe; see `ProbeKind`.
        groups: (N,) group of each row, such as a person; the penalty is then chosen on groups left out.
        weights: (N,) how many rows each stands for, such as importance weights.
        balanced: let classes or levels weigh the same however many rows they have; no matter for numbers and angles.
        penalty: strength, in units of one row's loss on standardised codes (for `lda`, the shrinkage, in (0, 1]); None
            chooses it by cross-validation.
        seed: of the folds.

    Raises:
        ConfigError, ShapeError, DataError: see `make_task` and `make_folds`; or a penalty out of range.
    """
    task = make_task(codes, target, labels, kind=kind, groups=groups, weights=weights, balanced=balanced)
    if penalty is None:
        learner = task.learner()
        penalty = choose(task, learner, make_folds(task, learner.most, seed))
    return fit_reader(task, penalty)


def fit_reader(task: Task, penalty: float) -> Reader:
    """The probe of all rows of a task, on codes as the encoder gives them.

    Raises:
        ConfigError: the penalty is not positive, or a shrinkage above 1.
    """
    highest = 1.0 if task.kind == "lda" else np.inf
    if not 0 < penalty <= highest or not np.isfinite(penalty):
        raise ConfigError(
            f"penalty: expected a number above 0{' and up to 1' if task.kind == 'lda' else ''}, got {penalty}."
        )
    weights, offset = final(task, task.learner(), penalty)
    scaled = weights * np.divide(1.0, task.spread, out=np.zeros_like(task.spread), where=task.spread > 0)[:, None]
    return Reader(task.target, scaled, offset - task.mean @ scaled)
