"""Scores of disentanglement as a TorchMetrics metric: gathers codes batch by batch while a model is validated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from unweave.core import Codes, DataError, Factor, FactorTable, MissingExtraError, Scorecard, ShapeError
from unweave.metrics import scorecard
from unweave.metrics.inputs import Mode

try:
    from torchmetrics import Metric
    from torchmetrics.utilities import dim_zero_cat
except ImportError as error:
    raise MissingExtraError("torchmetrics", "train", "ValidationScores") from error


class ValidationScores(Metric):
    """Scores of all codes since the last `reset`, on any device and over all processes.

        scores = ValidationScores(metrics=["mig", "probe"]).to(device)
        for images, labels in validation:
            scores.update(model.encode(images), labels)
        self.log_dict(scores.compute())

    Rows that a distributed sampler pads an epoch with count twice, as in every TorchMetrics metric.

    Attributes:
        card: the scorecard of the last `compute`, which also says why a score has no value.
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    codes: list[torch.Tensor]
    logvars: list[torch.Tensor]
    labels: list[torch.Tensor]

    def __init__(
        self,
        factors: Sequence[Factor] | None = None,
        *,
        metrics: Sequence[str] = ("mig", "probe"),
        mode: Mode = "robust",
        seed: int = 0,
        budget: float | None = None,
        **options: Any,  # noqa: ANN401 - of torchmetrics.Metric
    ) -> None:
        """Set up an empty metric.

        Args:
            factors: names and kinds of the columns of labels; None takes them from the labels.
            metrics: as in `scorecard`. Intervals and scores of random codes are not computed.
            mode: as in `scorecard`.
            seed: as in `scorecard`.
            budget: seconds of one `compute`, as in `scorecard`.
            options: of `torchmetrics.Metric`, such as `compute_on_cpu` or `process_group`.
        """
        super().__init__(**options)
        self.factors = None if factors is None else tuple(factors)
        self.settings: dict[str, Any] = {"metrics": tuple(metrics), "mode": mode, "seed": seed, "budget": budget}
        self.card: Scorecard | None = None
        for state in ("codes", "logvars", "labels"):
            self.add_state(state, default=[], dist_reduce_fx="cat")

    def update(self, codes: torch.Tensor, factors: torch.Tensor, logvar: torch.Tensor | None = None) -> None:
        """Add a batch.

        Args:
            codes: means (B, D).
            factors: labels (B, K): classes or numbers, NaN where a label is missing.
            logvar: log-variances (B, D) of q(z|x), in every batch or in none.

        Raises:
            ShapeError: the arrays do not fit together.
        """
        if codes.ndim != 2:
            raise ShapeError("codes", want="(batch, codes)", got=tuple(codes.shape))
        if factors.ndim != 2 or len(factors) != len(codes):
            raise ShapeError("factors", want=f"({len(codes)}, factors)", got=tuple(factors.shape))
        if self.factors is not None and factors.shape[1] != len(self.factors):
            raise ShapeError("factors", want=f"({len(codes)}, {len(self.factors)})", got=tuple(factors.shape))
        if logvar is not None and logvar.shape != codes.shape:
            raise ShapeError("logvar", want=str(tuple(codes.shape)), got=tuple(logvar.shape))
        self.codes.append(codes.detach().float())  # NumPy knows no bfloat16
        # Beside the codes: NCCL, which gathers what lies on GPUs, takes nothing else.
        labels = factors.detach().to(codes.device) if codes.is_cuda else factors.detach()
        self.labels.append(labels.float() if labels.dtype == torch.bfloat16 else labels)
        if logvar is not None:
            self.logvars.append(logvar.detach().float())

    def compute(self) -> dict[str, torch.Tensor]:
        """Values by name of the score; those that cannot be computed are left out, and `card` says why.

        Raises:
            DataError: there are no rows, or only some batches came with log-variances.
        """
        if not len(self.codes):
            raise DataError("ValidationScores: there are no rows. Call update(codes, factors) before compute().")
        device = dim_zero_cat(self.codes).device
        mean, labels = _array(self.codes), _array(self.labels)
        logvar = _array(self.logvars) if len(self.logvars) else None
        if logvar is not None and len(logvar) != len(mean):
            raise DataError(f"logvar: {len(logvar)} of {len(mean)} rows have one. Pass it in every batch or in none.")
        table = labels if self.factors is None else _table(self.factors, labels)
        self.card = scorecard(Codes(mean, logvar), table, bootstrap=0, nulls=0, **self.settings)
        found = {name: score.value for name, score in self.card.items() if score.value is not None}
        return {name: torch.tensor(value, device=device) for name, value in found.items()}


def _array(parts: Any) -> Any:  # noqa: ANN401 - torchmetrics makes one tensor of a list when processes meet
    return dim_zero_cat(parts).cpu().numpy()


def _table(factors: tuple[Factor, ...], labels: Any) -> FactorTable:  # noqa: ANN401 - an array of any dtype
    values = labels.astype(np.float64)
    known = ~np.isnan(values)
    return FactorTable(factors, np.where(known, values, 0), known)
