"""Batches by whole-batch indexing of the data at rest: a pure function of (seed, step)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unweave.core.model import Observations
from unweave.data.sampling import BatchOrder
from unweave.nets.transform import Transform

_SHARE_OF_GPU = 0.5


class BatchSource:
    """Training rows as tensors on the device.

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
    ) -> None:
        self.rows, self.transform, self.device = rows, transform, device
        self._order = BatchOrder(rows, batch, seed)
        self._at_rest = observations
        self._resident: Tensor | None = None
        if device.type == "cuda":
            size = observations.nbytes // max(1, len(observations)) * len(rows)
            if size <= _SHARE_OF_GPU * torch.cuda.mem_get_info(device)[0]:
                self._resident = torch.from_numpy(observations[rows]).to(device)
                self._order = BatchOrder(np.arange(len(rows)), batch, seed)

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, step: int, *, rank: int = 0, of: int = 1) -> Tensor:
        """The batch of one step, or this process's share of it, as the nets see it."""
        indices = self._order.indices(step)[rank::of]
        if self._resident is not None:
            return self.transform.inside(self._resident[torch.from_numpy(indices).to(self.device)])
        return self.transform.inside(torch.from_numpy(self._at_rest[indices]).to(self.device, non_blocking=True))
