"""Terms that bind labelled factors to their columns, and keep the other columns free of them."""

from __future__ import annotations

import torch
from torch import Tensor

from unweave.core.binding import Binding, Bound
from unweave.functional.aggregate import aggregate_covariance
from unweave.functional.information import gaussian_information
from unweave.functional.supervision import circle_error, class_error, ordered_logits, squared_error
from unweave.objectives.step import Step


class Supervision:
    """-log p(label | mean of q(z|x)) of the labelled rows, in nats: the sum over factors of each one's mean.

    The mean is over the rows that have the factor's label, by weight; a factor without any in this step adds nothing.
    """

    def __init__(self, binding: Binding) -> None:
        self.binding = binding

    def __call__(self, step: Step) -> Tensor:
        """The term of one training step."""
        total = step.x.new_zeros(())
        labelled = step.labelled
        if labelled is None:
            return total
        for column, bound in enumerate(self.binding.bound):
            errors = label_errors(bound, labelled.mean, labelled.values[:, column])
            weights = labelled.weights * labelled.known[:, column]
            total = total + (weights * errors).sum() / weights.sum().clamp_min(1e-6)
        return total


class Apart:
    """What the bound columns and the others say about each other: I(z_bound; z_other) under q(z) as if normal, in nats.

    A labelled factor that other columns know too has no dial of its own: they undo what its column says. Labels cannot
    see that, for they ask what the bound columns know and not what the others do. The covariance is that of samples of
    q(z|x) over the batch (Kumar et al. 2018, eq. 5), so a column that noise drowns shares nothing. Dependence without
    correlation is not seen. A batch of n rows adds about (bound x other columns) / 2n nats of chance.
    """

    def __init__(self, binding: Binding) -> None:
        self.columns = [column for bound in binding.bound for column in bound.columns]

    def __call__(self, step: Step) -> Tensor:
        """The term of one training step."""
        with torch.autocast(step.mean.device.type, enabled=False):  # determinants need full precision
            mean, logvar = step.mean, step.logvar
            if mean.dtype in (torch.float16, torch.bfloat16):
                mean, logvar = mean.float(), logvar.float()
            return gaussian_information(aggregate_covariance(mean, logvar), self.columns)


def label_errors(bound: Bound, mean: Tensor, labels: Tensor) -> Tensor:
    """How far codes are from what a factor's labels ask for: (batch,), in nats."""
    columns = mean[:, bound.columns[0] : bound.columns[-1] + 1]
    kind, classes = bound.target.factor.kind, bound.target.classes
    if kind == "circular":
        return circle_error(columns, labels)
    if kind != "categorical":
        return squared_error(columns[:, 0], labels)
    if len(bound.columns) > 1:
        return class_error(columns, labels)
    if classes < 2:  # one class alone: nothing to tell apart
        return torch.zeros_like(labels)
    return class_error(ordered_logits(columns[:, 0], classes), labels)
