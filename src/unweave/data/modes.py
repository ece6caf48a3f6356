"""Every pixel mode that image files come in to 8-bit grey or RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

_BITS_PER_SAMPLE = 258
"""The TIFF tag."""


class UnusableModeError(ValueError):
    """Pixels whose range is not known."""


def to_grey_or_rgb(image: Image.Image, *, original: Image.Image | None = None) -> tuple[Image.Image, list[str]]:
    """The image in mode L or RGB, and what was done to it in words.

    Args:
        image: an image in any mode.
        original: the opened file, which knows the bit depth that it declares, where `image` is a copy.

    Raises:
        UnusableModeError: 32-bit pixels, whose range a file does not say.
    """
    mode = image.mode
    if mode in ("L", "RGB"):
        if not image.has_transparency_data:
            return image, []
        return _on_white(image), ["a transparent colour laid on white"]
    if mode == "1":
        return image.convert("L"), ["1-bit black and white made grey"]
    if mode.startswith("I"):
        return _from_deep_grey(image, original or image)
    if mode == "F":
        raise UnusableModeError("its pixels are floating point numbers of unknown range; save it with 8 or 16 bits")
    if image.has_transparency_data or mode in ("RGBa", "La"):
        return _on_white(image), [f"transparency ({mode}) laid on white"]
    if mode == "P":
        return image.convert("RGB"), ["palette (P) made RGB"]
    return image.convert("RGB"), [f"{mode} made RGB"]


def _on_white(image: Image.Image) -> Image.Image:
    grey = image.mode in ("L", "LA", "La")
    # Pillow has no direct way from premultiplied grey to RGBA.
    over = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, over).convert("L" if grey else "RGB")


def _from_deep_grey(image: Image.Image, original: Image.Image) -> tuple[Image.Image, list[str]]:
    bits = _depth(original)
    if bits > 16:
        raise UnusableModeError(
            f"its pixels are {bits}-bit integers, whose range is not known; save it with 8 or 16 bits"
        )
    white = 2**bits - 1
    values = np.asarray(image).astype(np.float64) * (255 / white)
    grey = Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
    return grey, [f"{bits}-bit grey scaled to 8 bits"]


def _depth(original: Image.Image) -> int:
    tags = getattr(original, "tag_v2", None)
    if tags is not None:
        return int(tags.get(_BITS_PER_SAMPLE, (16,))[0])
    # PNG, PGM and JPEG 2000 hold at most 16 bits, whatever the mode that Pillow keeps them in.
    return 16
