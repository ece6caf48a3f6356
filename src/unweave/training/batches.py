"""Batches by whole-batch indexing of the data at rest: a pure function of (seed, step)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unweave.core.model import Observations
from unweave.core.seeds import generator
from unweave.data.sampling import BatchOrder
from unweave.nets.augment import AugmentConfig
from unweave.nets.transform import Transform
from unweave.objectives.method import Batch
from unweave.training.extras import LabelledSource, PartnerSource

_SHARE_OF_GPU = 0.5


class BatchSource:
    """Training rows as tensors on the device, with labelled rows and partners where the method asks for them.

    On a GPU the rows live there, still as `uint8`, when they take at most half of its free memory.
    """

    def __init__(
        self,
        observations: Observations,
        rows: NDArray[np.int64],
        transform: Transform,
        *,
        batch: int,
        seed: int,
        device: torch.device,
        labelled: LabelledSource | None = None,
        partners: PartnerSource | None = None,
        augment: AugmentConfig | None = None,
    ) -> None:
        self.rows, self.transform, self.device = rows, transform, device
        self._labelled, self._partners, self._augment, self._seed = labelled, partners, augment, seed
        self._order = BatchOrder(np.arange(len(rows)), batch, seed)
        self._at_rest = observations
        self._resident: Tensor | None = None
        if device.type == "cuda":
            size = observations.nbytes // max(1, len(observations)) * len(rows)
            if size <= _SHARE_OF_GPU * torch.cuda.mem_get_info(device)[0]:
                self._resident = torch.from_numpy(observations[rows]).to(device)

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, step: int, noise: torch.Generator | None = None, *, rank: int = 0, of: int = 1) -> Batch:
        """All that one step gives to a method, or this process's share of it."""
        chosen = self._order.indices(step)[rank::of]
        x = self._observations(chosen)
        partner = None if self._partners is None else self._partners.at(step, self.rows[chosen], rank=rank)
        if self._augment is not None:
            # The same amounts for both of a pair: what they share they still share.
            x, *partners = (
                self._augment(images, generator(self._seed, "augment", step, rank))
                for images in (x, partner)
                if images is not None
            )
            partner = partners[0] if partners else None
        labelled = None if self._labelled is None else self._labelled.at(step, rank=rank, of=of)
        return Batch(x, step, len(self), noise, labelled=labelled, partner=partner)

    def _observations(self, chosen: NDArray[np.int64]) -> Tensor:
        if self._resident is not None:
            return self.transform.inside(self._resident[torch.from_numpy(chosen).to(self.device)])
        pixels = torch.from_numpy(self._at_rest[self.rows[chosen]])
        return self.transform.inside(pixels.to(self.device, non_blocking=True))
