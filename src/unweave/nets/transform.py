"""Between observations at rest and what the nets see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unweave.core.model import Observations


@dataclass(frozen=True)
class Transform:
    """Between observations at rest and what the nets see.

    Images uint8 (N, H, W, C) become float in [0, 1], (N, C, H, W). Vectors float32 (N, F) are standardised with the
    mean and standard deviation of the training rows.
    """

    shape: tuple[int, ...]
    mean: NDArray[np.float32] | None = None
    scale: NDArray[np.float32] | None = None

    @property
    def images(self) -> bool:
        """Whether the observations are images."""
        return len(self.shape) == 3

    @classmethod
    def fit(cls, train: Observations) -> Transform:
        """From the training rows; a constant component keeps scale 1."""
        shape = tuple(train.shape[1:])
        if len(shape) == 3:
            return cls(shape)
        mean = train.mean(0, dtype=np.float64)
        scale = train.std(0, dtype=np.float64)
        scale[scale < 1e-12 * np.maximum(1, np.abs(mean))] = 1
        return cls(shape, mean.astype(np.float32), scale.astype(np.float32))

    def inside(self, observations: Tensor) -> Tensor:
        """(N, H, W, C) uint8 or (N, F) float32, on any device, to what the nets see."""
        if self.images:
            # The permuted view of (N, H, W, C) is channels-last memory: no copy is made.
            return observations.permute(0, 3, 1, 2).float().div_(255)
        mean, scale = (torch.as_tensor(a, device=observations.device) for a in (self.mean, self.scale))
        return (observations - mean) / scale

    def outside(self, x: Tensor) -> NDArray[np.float32]:
        """What the nets say to float32 images (N, H, W, C) in [0, 1], or vectors (N, F) in the units of the data."""
        if self.images:
            images: NDArray[np.float32] = x.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
            return images
        assert self.mean is not None
        assert self.scale is not None
        vectors: NDArray[np.float32] = x.cpu().numpy() * self.scale + self.mean
        return vectors
