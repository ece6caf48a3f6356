"""A model fitted to the very observations that are to be edited."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError
from unweave.core.model import Observations
from unweave.core.seeds import derive
from unweave.methods.model import TrainedModel

RATE = 1e-3
_BATCH = 8


def tuned(
    model: TrainedModel, observations: Observations, kept: NDArray[np.float32], *, steps: int = 100, seed: int = 0
) -> TrainedModel:
    """A copy of a model whose decoder draws some observations as they are, and other codes nearly as before.

    Pivotal tuning (Roich et al. 2022, "Pivotal Tuning for Latent-based Editing of Real Images", section 3): codes stay
    where the encoder puts them, so that all signatures hold, and the weights behind them give way. The loss is the
    squared error of the pictures (or of standardised components), and, with the same weight, that of pictures of other
    codes to those that the model drew before (locality, eq. 4; here the codes are given and not interpolated).

    Args:
        model: is left as it is.
        observations: images uint8 (N, H, W, C) or vectors float32 (N, F). Few: each step takes eight of them at most.
        kept: codes (M, D), among which each step picks eight, such as draws from the density of all codes.
        steps: of Adam, at a rate of 1e-3; a picture at 64 pixels takes about 20 ms a step on a core.
        seed: of what the steps pick.

    Raises:
        ConfigError: fewer than one step.
        DataError: there is nothing to fit, or no code to keep.
        ShapeError: observations have another shape than the model's.
    """
    if steps < 1:
        raise ConfigError(f"steps: expected at least 1, got {steps}.")
    if not len(observations) or not len(kept):
        raise DataError(f"tuning needs observations and codes to keep, got {len(observations)} and {len(kept)}.")
    codes = model.encode(observations).mean
    made = replace(model, method=copy.deepcopy(model.method).eval())
    rows, z, others = (torch.from_numpy(np.ascontiguousarray(a)).to(model.device) for a in (observations, codes, kept))
    x = model.transform.inside(rows)
    with torch.no_grad():
        before = model.method.decode(others)
    # What only encodes has no gradient here, and stays.
    optimiser = torch.optim.Adam([p for p in made.method.parameters() if p.requires_grad], lr=RATE)
    random = torch.Generator().manual_seed(derive(seed, "tuned"))
    for _ in range(steps):
        own, other = (torch.randperm(len(some), generator=random)[:_BATCH] for some in (x, others))
        drawn = made.method.decode(torch.cat([z[own], others[other]]))
        loss = (drawn[: len(own)] - x[own]).square().sum() / len(own)
        loss = loss + (drawn[len(own) :] - before[other]).square().sum() / len(other)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return made
