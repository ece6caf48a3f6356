"""Images as another exposure might have shown them."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

Images = Float[Tensor, "batch channel height width"]
Rows = Float[Tensor, " batch"]


def relit(images: Images, gain: Rows, contrast: Rows) -> Images:
    """Images in [0, 1] with deviations from their own mean times `contrast`, then all of it times `gain`; clipped.

    The mean is over all pixels and channels of an image.
    """
    mean = images.mean((1, 2, 3), keepdim=True)
    return (((images - mean) * contrast[:, None, None, None] + mean) * gain[:, None, None, None]).clamp(0, 1)
