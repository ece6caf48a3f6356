"""A contact sheet: the planned images with their numbers and names, to see what one is about to label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from unweave.projects.report.pictures import text_font, to_rgb

MOST = 400
"""Images on a sheet; more could not be told apart."""

_SIDE = 96
_GAP, _MARGIN, _CAPTION = 10, 24, 18
_TITLE, _SUBTITLE = 26, 22
_DARK, _GREY, _FRAME = (40, 44, 52), (110, 116, 126), (222, 225, 230)


def contact_sheet(images: NDArray[Any], captions: Sequence[str], *, title: str, subtitle: str) -> NDArray[np.uint8]:
    """One picture uint8 (height, width, 3) of at most 400 images (n, H, W, C), numbered from 1 on row by row.

    Args:
        images: uint8, or float in [0, 1].
        captions: a text under each; a long one keeps its end, where file names differ.
        title: over all of them.
        subtitle: below the title; cut where it is too wide.
    """
    shown = to_rgb(images[:MOST])
    columns = min(len(shown), max(4, math.ceil(math.sqrt(len(shown) * 1.4))))
    lines = math.ceil(len(shown) / columns)
    step = _SIDE + _GAP
    width = max(2 * _MARGIN + columns * step - _GAP, 480)
    top = _MARGIN + _TITLE + _SUBTITLE + 8
    canvas = Image.new("RGB", (width, top + lines * (step + _CAPTION) + _MARGIN - _GAP), "white")
    draw = ImageDraw.Draw(canvas)
    small = text_font(11)
    for text, upper, size, colour in ((title, _MARGIN, 18, _DARK), (subtitle, _MARGIN + _TITLE, 12, _GREY)):
        draw.text((_MARGIN, upper), _cut(text, text_font(size), width - 2 * _MARGIN), fill=colour, font=text_font(size))
    for place, (pixels, caption) in enumerate(zip(shown, captions, strict=False)):
        left, upper = _MARGIN + place % columns * step, top + place // columns * (step + _CAPTION)
        picture = _fitted(pixels)
        canvas.paste(picture, (left + (_SIDE - picture.width) // 2, upper + (_SIDE - picture.height) // 2))
        draw.rectangle((left - 1, upper - 1, left + _SIDE, upper + _SIDE), outline=_FRAME)
        number = f"{place + 1}"
        draw.text((left, upper + _SIDE + 4), number, fill=_DARK, font=small)
        room = _SIDE - small.getlength(number) - 6
        draw.text(
            (left + _SIDE, upper + _SIDE + 4),
            _cut(caption, small, room, keep_end=True),
            fill=_GREY,
            font=small,
            anchor="ra",
        )
    return np.asarray(canvas)


def _fitted(pixels: NDArray[np.uint8]) -> Image.Image:
    """The image in a square of the cell's size: small ones in whole steps, so that pixels stay square."""
    image = Image.fromarray(pixels)
    factor = _SIDE / max(image.size)
    if factor >= 1:
        factor = math.floor(factor)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.LANCZOS)


def _cut(text: str, font: ImageFont.FreeTypeFont, room: float, *, keep_end: bool = False) -> str:
    """The text, shortened at one end until it fits."""
    shown, kept = text, len(text)
    while font.getlength(shown) > room and kept > 1:
        kept -= 1
        shown = "…" + text[-kept:] if keep_end else text[:kept].rstrip() + "…"
    return shown
