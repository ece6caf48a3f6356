"""Grids of images as PNG files, with labels where a person must know what a row is."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_GAP = 2
_WIDEST_LABEL, _MARGIN = 420, 12
_SHARE = len(" (0.71)")
_TEXT = (40, 44, 52)
_HEAD = 22
_FRAME = (31, 119, 180)


def to_rgb(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Images (…, H, W, C), uint8 or float in [0, 1], C = 1 or 3, to uint8 (…, H, W, 3)."""
    pixels = images if images.dtype == np.uint8 else np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def image_grid(images: NDArray[Any], *, gap: int = _GAP, background: int = 255) -> NDArray[np.uint8]:
    """One picture uint8 (height, width, 3) of images (rows, columns, H, W, C), with gaps between them."""
    pixels = to_rgb(images)
    rows, columns, height, width, _ = pixels.shape
    padded = np.pad(pixels, ((0, 0), (0, 0), (0, gap), (0, gap), (0, 0)), constant_values=background)
    grid = padded.transpose(0, 2, 1, 3, 4).reshape(rows * (height + gap), columns * (width + gap), 3)
    return np.ascontiguousarray(grid[: grid.shape[0] - gap, : grid.shape[1] - gap])


def enlarge(picture: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Each pixel `factor` times as wide and high."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """PNG file of a picture (height, width, 3); the same picture gives the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def labelled_grid(
    images: NDArray[Any],
    labels: Sequence[str],
    *,
    titles: Sequence[str] = (),
    framed: Sequence[tuple[int, int]] = (),
) -> NDArray[np.uint8]:
    """A grid of images (rows, columns, H, W, C), enlarged to about 64 pixels each, with a text before each row.

    Texts stand on one line each; long ones lose their middle.

    Args:
        images: (rows, columns, H, W, C).
        labels: of the rows.
        titles: of the columns, or none.
        framed: (row, column) of images that get a frame.
    """
    factor = max(1, round(64 / images.shape[2]))
    grid = enlarge(image_grid(images), factor)
    height, width, _ = grid.shape
    font = text_font()
    texts = [_fitted(" ".join(label.split()), font) for label in labels]
    longest = round(max((font.getlength(text) for text in texts), default=0))
    left, top = 2 * _MARGIN + longest, _MARGIN + (_HEAD if titles else 0)
    canvas = Image.new("RGB", (left + width + _MARGIN, top + height + _MARGIN), "white")
    canvas.paste(Image.fromarray(grid), (left, top))
    draw = ImageDraw.Draw(canvas)
    size = np.array([images.shape[3], images.shape[2]]) * factor
    step = size + _GAP * factor
    for row, text in enumerate(texts):
        draw.text((left - _MARGIN, top + row * step[1] + size[1] / 2), text, fill=_TEXT, font=font, anchor="rm")
    for column, title in enumerate(titles):
        draw.text((left + column * step[0] + size[0] / 2, top - 7), title, fill=_TEXT, font=font, anchor="ms")
    for row, column in framed:
        x, y = left + column * step[0], top + row * step[1]
        draw.rectangle((x - 3, y - 3, x + size[0] + 2, y + size[1] + 2), outline=_FRAME, width=3)
    return np.asarray(canvas)


@functools.cache
def text_font(size: int = 15) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: Pillow's own font has no letters beyond ASCII."""
    from matplotlib import get_data_path

    return ImageFont.truetype(str(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size)


def _fitted(label: str, font: ImageFont.FreeTypeFont) -> str:
    """The label, its middle left out where it is too wide: the ends say which dimension and how much."""
    text, kept = label, len(label)
    while font.getlength(text) > _WIDEST_LABEL:
        kept -= 1
        text = f"{label[: kept - _SHARE].rstrip()}…{label[-_SHARE:]}"
    return text
