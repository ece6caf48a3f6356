"""What a step carries beside its observations: labelled rows and partners, both pure functions of (seed, step)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from unweave.core.model import Observations
from unweave.core.seeds import generator
from unweave.data.labelled import LabelledRows
from unweave.data.pairs import Partners
from unweave.data.sampling import BatchOrder
from unweave.nets.augment import AugmentConfig
from unweave.nets.transform import Transform
from unweave.objectives.method import Labelled


class LabelledSource:
    """Mini-batches of the labelled rows, each row as often as any other.

    They come beside the batch rather than inside it: 100 labels out of 40,000 rows take part in every step, and the
    loss without labels stays an average over all rows, not over those that happen to be labelled.
    """

    def __init__(
        self,
        observations: Observations,
        labelled: LabelledRows,
        transform: Transform,
        *,
        batch: int,
        seed: int,
        device: torch.device,
        noise: float = 0.0,
        augment: AugmentConfig | None = None,
    ) -> None:
        self._observations, self._labelled, self._transform, self._device = observations, labelled, transform, device
        self._seed, self._noise, self._augment = seed, noise, augment
        self._order = BatchOrder(np.arange(len(labelled.rows)), batch, seed)

    def at(self, step: int, *, rank: int = 0, of: int = 1) -> Labelled:
        """The labelled rows of one step, or this process's share of them."""
        chosen, labelled = self._order.indices(step)[rank::of], self._labelled
        x = self._transform.inside(torch.from_numpy(self._observations[labelled.rows[chosen]]).to(self._device))
        if self._augment is not None:
            x = self._augment(x, generator(self._seed, "augment", step, rank))
        if self._noise > 0:
            drawn = generator(self._seed, "noise", step, rank).standard_normal(tuple(x.shape), dtype=np.float32)
            x = x + self._noise * torch.from_numpy(drawn).to(self._device)
        values, known, weights = (
            torch.from_numpy(array[chosen]).to(self._device)
            for array in (labelled.values, labelled.known, labelled.weights)
        )
        return Labelled(x, values, known, weights)


class PartnerSource:
    """A partner for each row of a batch."""

    def __init__(self, partners: Partners, transform: Transform, *, seed: int, device: torch.device) -> None:
        self._partners, self._transform, self._seed, self._device = partners, transform, seed, device

    def at(self, step: int, rows: np.ndarray[tuple[int], np.dtype[np.int64]], *, rank: int = 0) -> Tensor:
        """Partners of `rows` as the nets see them, in their order."""
        found = self._partners.draw(rows, generator(self._seed, "partners", step, rank))
        return self._transform.inside(torch.from_numpy(found).to(self._device))
