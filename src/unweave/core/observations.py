"""Between data at rest and what models decode to: images are bytes on one side and numbers in [0, 1] on the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.model import Observations


def as_decoded(observations: NDArray[Any]) -> NDArray[np.float32]:
    """Observations at rest in the form that models decode to: images uint8 in [0, 1], vectors float32 as they are."""
    values = observations.astype(np.float32, copy=False)
    return values / np.float32(255) if observations.dtype == np.uint8 else values


def at_rest(decoded: NDArray[np.float32]) -> Observations:
    """Decoded observations as they would be stored: images (N, H, W, C) in bytes, vectors (N, F) float32."""
    if decoded.ndim == 4:
        stored: NDArray[np.uint8] = np.rint(255 * np.clip(decoded, 0, 1)).astype(np.uint8)
        return stored
    return decoded.astype(np.float32, copy=False)
