"""Terms on the aggregate posterior: its capacity, its total correlation, its covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unweave.functional.aggregate import (
    Decomposition,
    aggregate_covariance,
    decompose,
    log_density,
    stratified_log_weights,
    weighted_log_weights,
)
from unweave.functional.groups import Groups
from unweave.objectives.objective import Schedule, Term
from unweave.objectives.step import Step

Estimator = Literal["weighted", "stratified"]
Part = Literal["total_correlation", "dimension_kl"]


@dataclass(frozen=True)
class Capacity:
    """|KL - C|, where the capacity C in nats grows while training goes on (Burgess et al. 2018, eq. 8)."""

    kl: Term
    capacity: Schedule

    def __call__(self, step: Step) -> Tensor:
        """Distance of the batch's mean KL from the capacity."""
        return (self.kl(step) - self.capacity(step.iteration)).abs()


@dataclass(frozen=True)
class KLPart:
    """One part of the KL (Chen et al. 2018, eq. 2), mean over the batch; parts of one step share their work."""

    part: Part
    estimator: Estimator
    groups: Groups | None = None

    def __call__(self, step: Step) -> Tensor:
        """Estimate of the part."""
        values: Tensor = getattr(_parts(step, self.estimator, self.groups), self.part)
        return values.mean()


@dataclass(frozen=True)
class Information:
    """Mutual information of row and code: what the other two parts leave of the KL (Chen et al. 2018, eq. 2).

    The KL is in closed form. So the mean is that of log q(z|x) / q(z), the three parts add up to the KL of a VAE exactly
    and not only in the mean over samples, and free bits are what they are there.
    """

    kl: Term
    estimator: Estimator
    groups: Groups | None = None

    def __call__(self, step: Step) -> Tensor:
        """Estimate of the part."""
        found = _parts(step, self.estimator, self.groups)
        return self.kl(step) - (found.total_correlation + found.dimension_kl).mean()


def _parts(step: Step, estimator: Estimator, groups: Groups | None) -> Decomposition:
    found: Decomposition | None = step.memo.get(estimator)
    if found is None:
        make = weighted_log_weights if estimator == "weighted" else stratified_log_weights
        weights = make(len(step.z), step.dataset_size, step.z)
        found = decompose(step.z, log_density(step.z, step.mean, step.logvar), weights, groups)
        step.memo[estimator] = found
    return found


@dataclass(frozen=True)
class Covariance:
    """Squared distance of the covariance of q(z) from the unit matrix (Kumar et al. 2018, eq. 6 and 7).

    Covariances within a group are left alone.
    """

    off_diagonal: float
    diagonal: float
    form: Literal["i", "ii"]
    groups: Groups | None = None

    def __call__(self, step: Step) -> Tensor:
        """Weighted sum of squares off and on the diagonal."""
        covariance = aggregate_covariance(step.mean, step.logvar if self.form == "ii" else None)
        between = torch.ones_like(covariance).fill_diagonal_(0)
        for group in self.groups or ():
            between[torch.tensor(list(group))[:, None], torch.tensor(list(group))] = 0
        off = (between * covariance).square().sum()
        return self.off_diagonal * off + self.diagonal * (covariance.diagonal() - 1).square().sum()
