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
        mean, scale = self._standard(observations)
        return (observations - mean) / scale

    def at_rest(self, x: Tensor) -> Tensor:
        """What the nets say to images (N, H, W, C) in [0, 1], or vectors (N, F) in the units of the data."""
        if self.images:
            return x.clamp(0, 1).permute(0, 2, 3, 1)
        mean, scale = self._standard(x)
        return x * scale + mean

    def outside(self, x: Tensor) -> NDArray[np.float32]:
        """`at_rest` as float32 arrays."""
        observations: NDArray[np.float32] = self.at_rest(x).cpu().numpy()
        return observations

    def _standard(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and scale (F,) of vectors, where `like` is."""
        assert self.mean is not None
        assert self.scale is not None
        return torch.as_tensor(self.mean, device=like.device), torch.as_tensor(self.scale, device=like.device)
