"""What everything after training sees of a model."""

from __future__ import annotations

from collections.abc import Set
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from unweave.core.binding import Binding
from unweave.core.codes import Codes

Observations = NDArray[np.uint8] | NDArray[np.float32]
"""Data at rest: images uint8 (N, H, W, C), or vectors float32 (N, F)."""


Capability = Literal["encode", "decode"]


@runtime_checkable
class LatentModel(Protocol):
    """Anything that encodes observations and decodes codes: a VAE, ICA, an imported ONNX pair."""

    @property
    def latent(self) -> int:
        """Number of latent dimensions D."""

    def encode(self, observations: Observations) -> Codes:
        """Deterministic codes of images uint8 (N, H, W, C) or vectors float32 (N, F)."""

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Observations of codes (N, D): images float32 (N, H, W, C) in [0, 1], or vectors float32 (N, F)."""


class RunModel(LatentModel, Protocol):
    """The model in a run's folder: trained here or imported. What it can do, it says; nobody asks what it is called."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one observation: (H, W, C) for images, (F,) for vectors."""

    @property
    def capabilities(self) -> Set[Capability]:
        """Without `decode`, the method `decode` raises a ConfigError that says why."""

    @property
    def binding(self) -> Binding:
        """Labelled factors and the columns that training bound them to; empty where none were."""
