"""One file's bytes to pixels, or a refusal that says why."""

from __future__ import annotations

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from unweave.data.modes import UnusableModeError, to_grey_or_rgb

MAX_PIXELS = 100_000_000
"""An image that says it has more is refused before it is decoded: it may be a decompression bomb."""

# Formats of photographs and drawings. Pillow reads more, some by running other programs.
_FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "PPM", "JPEG2000", "TGA", "PCX", "ICO")
_ANIMATED = ("GIF", "PNG", "WEBP", "TIFF", "AVIF")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STANDS = frozenset({"exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"})
"""Where an image's orientation stands, by Pillow's names. A TIFF has it among its tags."""

_SAME_FORMAT = {"MPO": "JPEG", "DIB": "BMP"}


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """How images are made ready: the part of the `data:` section that shapes pixels.

    Attributes:
        size: side of the square result in pixels, or None to keep the image's own size.
        channels: 1 (grey), 3 (RGB), or None: 1 for an image without colour, else 3.
        fit: how an image becomes square: `crop` its centre, `pad` it with white, or `stretch` it.
    """

    size: int | None = None
    channels: Literal[1, 3] | None = None
    fit: Literal["crop", "pad", "stretch"] = "crop"


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels of one image.

    Attributes:
        pixels: uint8 (H, W, C), C-contiguous, upright, channels in the order R, G, B.
        notes: what was converted, in words, for the report; empty for a plain image.
        size: (width, height) of the upright image before it was made to fit.
    """

    pixels: NDArray[np.uint8]
    notes: tuple[str, ...]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an observation cannot be used, in words."""

    reason: str


def decode_image(
    data: bytes,
    options: ImageOptions,
    *,
    name: str = "",
    formats: tuple[str, ...] | None = None,
    silence: bool = True,
) -> Decoded | Refusal:
    """Decode a file's bytes by their content.

    Args:
        data: of the file.
        options: how its pixels are made ready.
        name: only serves to note an extension that says otherwise.
        formats: that may be read, by Pillow's names; all that are known otherwise.
        silence: keep what Pillow warns of from the user. Warnings are a setting of the whole process, so threads that
            decode at the same time take False.
    """
    if not data:
        return Refusal("the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings() if silence else contextlib.nullcontext():
            if silence:
                # What Pillow warns of (odd metadata, large images) is either harmless or checked below.
                warnings.simplefilter("ignore")
            return _decode(data, options, name, formats or _formats())
    except UnidentifiedImageError:
        return Refusal(_unidentified(data))
    except Image.DecompressionBombError as error:
        return Refusal(f"it says that it is far too large, like a decompression bomb ({error})")
    except UnusableModeError as error:
        return Refusal(str(error))
    except Exception as error:  # Decoders of damaged files raise anything from SyntaxError to struct.error.
        return Refusal(f"it is damaged or cut off: {error or type(error).__name__}")


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height that an image file says it has, as they are stored; None where it is no image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_formats()) as image:
                return image.size
    except Exception:  # Decoders of damaged files raise anything.
        return None


def fit_array(pixels: NDArray[np.uint8], options: ImageOptions) -> Decoded:
    """The same for pixels that need no decoding: uint8 (H, W) or (H, W, 1 | 3 | 4)."""
    height, width = pixels.shape[:2]
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    fits = options.size is None or (height, width) == (options.size, options.size)
    if pixels.ndim == 3 and pixels.shape[2] == 3 and fits:
        return Decoded(_with_channels(pixels, options.channels), (), (width, height))
    image, notes = to_grey_or_rgb(Image.fromarray(pixels))
    return Decoded(_finish(image, options), tuple(notes), (width, height))


@functools.cache
def image_extensions() -> frozenset[str]:
    """Lower-case file extensions, with the dot, of the formats that are read."""
    formats = _formats()
    return frozenset(ext for ext, kind in Image.registered_extensions().items() if kind in formats)


@functools.cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(kind for kind in _FORMATS if kind in Image.OPEN)


def _decode(data: bytes, options: ImageOptions, name: str, formats: tuple[str, ...]) -> Decoded | Refusal:
    with Image.open(io.BytesIO(data), formats=formats) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            return Refusal(
                f"it says that it is {width} x {height} pixels, more than {MAX_PIXELS:,}: too large, "
                "or a decompression bomb. Make it smaller"
            )
        notes = list(_format_notes(image, name))
        if options.size is not None:
            # A JPEG is decoded at 1/2, 1/4 or 1/8 when that still leaves twice the pixels that are needed.
            image.draft(None, (2 * options.size, 2 * options.size))
        # Pillow turns a TIFF upright by itself while it loads; a PNG may hold its orientation behind the pixels. Of
        # others nothing is asked before: Pillow would load a PNG for it, and broken pixels would pass unseen.
        turned = hasattr(image, "tag_v2") and _turn(image) is not None
        image.load()
        turn = _turn(image)
        upright = image if turn is None else image.transpose(turn)
        if turned or turn is not None:
            notes.append("turned upright by its EXIF orientation")
        if (upright.width - upright.height) * (width - height) < 0:
            width, height = height, width
        plain, mode_notes = to_grey_or_rgb(upright, original=image)
        return Decoded(_finish(plain, options), (*notes, *mode_notes), (width, height))


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes the image upright by its EXIF orientation; None when it is, or when its EXIF block is damaged."""
    if _STANDS.isdisjoint(image.info) and not hasattr(image, "tag_v2"):  # most images say nothing of it
        return None
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Damage there raises anything, and the pixels may be whole all the same.
        return None


def _format_notes(image: Image.Image, name: str) -> Iterator[str]:
    if name:
        kind = _SAME_FORMAT.get(image.format or "", image.format or "")
        extension = PurePath(name).suffix.lower()
        said = Image.registered_extensions().get(extension)
        if said is not None and _SAME_FORMAT.get(said, said) != kind:
            yield f"wrong extension: {kind} content in a {extension} file"
    # In an MPO (a phone's JPEG) the further pictures are previews and depth maps, not frames.
    if image.format in _ANIMATED and getattr(image, "is_animated", False):
        yield "several frames or pages, the first is taken"
    if image.mode in ("RGB", "RGBA") and any(";16" in str(tile) for tile in getattr(image, "tile", ())):
        yield "16 bits per colour reduced to 8"


def _finish(image: Image.Image, options: ImageOptions) -> NDArray[np.uint8]:
    if options.size is not None and image.size != (options.size, options.size):
        image = _square(image, options.size, options.fit)
    return _with_channels(np.asarray(image), options.channels)


def _square(image: Image.Image, side: int, fit: str) -> Image.Image:
    filtering = Image.Resampling.LANCZOS
    if fit == "pad":
        white = 255 if image.mode == "L" else (255, 255, 255)
        return ImageOps.pad(image, (side, side), filtering, color=white)
    width, height = image.size
    box = (0.0, 0.0, float(width), float(height))
    if fit == "crop":
        inner = min(width, height)
        left, top = (width - inner) / 2, (height - inner) / 2
        box = (left, top, left + inner, top + inner)
    return image.resize((side, side), filtering, box=box, reducing_gap=3.0)


def _with_channels(pixels: NDArray[np.uint8], channels: Literal[1, 3] | None) -> NDArray[np.uint8]:
    """uint8 (H, W) or (H, W, 3) to (H, W, C)."""
    if pixels.ndim == 2:
        grey = pixels[:, :, None]
        return np.repeat(grey, 3, axis=2) if channels == 3 else np.ascontiguousarray(grey)
    if channels == 1:
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L"))[:, :, None]
    if channels is None and _colourless(pixels):
        return np.ascontiguousarray(pixels[:, :, :1])
    return np.ascontiguousarray(pixels)


def _colourless(pixels: NDArray[np.uint8]) -> bool:
    red, green, blue = pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2]
    # Most colour images show it in their middle row already.
    middle = len(pixels) // 2
    if not np.array_equal(red[middle], green[middle]):
        return False
    return np.array_equal(red, green) and np.array_equal(green, blue)


def _unidentified(data: bytes) -> str:
    head = data[:512]
    try:
        text = head.decode("utf-8", errors="strict" if len(data) <= 512 else "ignore")
        if all(c.isprintable() or c.isspace() for c in text):
            return f"it is no image but text, it begins {text[:30]!r}"
    except UnicodeDecodeError:
        pass
    return "it is no image in a format that is read (PNG, JPEG, GIF, BMP, TIFF, WebP, …), or its head is damaged"
