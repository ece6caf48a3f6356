"""Images of requests to pixels, and pixels to images of answers."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unweave.data.images import Refusal, decode_image
from unweave.serving.images.heads import Head, read_head
from unweave.serving.images.takes import Takes
from unweave.serving.refusals import Refused
from unweave.serving.settings import Limits

Format = Literal["png", "jpeg", "webp"]
MEDIA: Mapping[Format, str] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}

_SAVE: Mapping[Format, tuple[str, Mapping[str, Any]]] = {
    # Decoded pictures are smooth: after PNG's filters, runs are all that is worth looking for. A tenth smaller than
    # otherwise at level 1, at most a tenth larger than at level 6, and up to five times as quick as that.
    "png": ("PNG", {"compress_level": 1, "compress_type": zlib.Z_RLE}),
    "jpeg": ("JPEG", {"quality": 92}),
    "webp": ("WEBP", {"quality": 90, "method": 2}),
}

# A JPEG of a phone may be an MPO: more pictures behind the first, which alone is read.
_READ: Mapping[str, tuple[str, ...]] = {"PNG": ("PNG",), "JPEG": ("JPEG", "MPO"), "WEBP": ("WEBP",)}

_ANIMATED: Mapping[str, bytes] = {"PNG": b"acTL", "WEBP": b"ANIM"}
"""What an animation holds, and hardly any other file."""

_MOST_SCANS = 100
"""Of a JPEG. Usual ones have ten; every further one costs another pass over all pixels."""


def check_image(data: bytes, limits: Limits, where: str) -> Head:
    """What an image says of itself, if it may be decoded.

    Raises:
        Refused: it is none of the formats that are read, or larger or of more frames than is allowed.
    """
    head = read_head(data)
    if head is None:
        what = "nothing" if not data else f"{len(data):,} bytes of something else, or cut off"
        raise Refused(422, "not_an_image", f"expected a PNG, JPEG or WebP file, got {what}.", where=where)
    if head.pixels == 0:
        raise Refused(422, "not_an_image", "the image says that it has no pixels.", where=where)
    if head.pixels > limits.pixels:
        raise Refused(
            413,
            "too_many_pixels",
            f"expected at most {limits.pixels:,} pixels, got {head.width} x {head.height}. Make it smaller.",
            where=where,
        )
    if head.scans > _MOST_SCANS:
        raise Refused(
            422,
            "not_an_image",
            f"the JPEG has {head.scans} scans, more than {_MOST_SCANS}. Save it again.",
            where=where,
        )
    frames = _frames(data, head)
    if frames > limits.frames:
        raise Refused(
            422,
            "too_many_frames",
            f"expected an image of at most {limits.frames} frame(s), got {frames}. Send one picture of the animation.",
            where=where,
        )
    return head


def read_picture(data: bytes, head: Head, takes: Takes, where: str) -> NDArray[np.uint8]:
    """Pixels uint8 (H, W, C) as a model takes them, of an image that `check_image` let pass.

    Raises:
        Refused: it is damaged, or has a size that the model does not take.
    """
    made = decode_image(data, takes.options, formats=_READ[head.kind], silence=False)
    if isinstance(made, Refusal):
        raise Refused(422, "not_an_image", f"the image cannot be decoded: {made.reason}.", where=where)
    if made.pixels.shape != takes.shape:
        height, width, _ = takes.shape
        raise Refused(
            422,
            "wrong_size",
            f"this model takes images of exactly {width} x {height} pixels, got {made.size[0]} x {made.size[1]}.",
            where=where,
        )
    return made.pixels


def write_picture(pixels: NDArray[np.uint8], kind: Format) -> bytes:
    """File of an image (H, W, C); equal pixels give equal bytes."""
    name, options = _SAVE[kind]
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, name, **options)
    return file.getvalue()


def _frames(data: bytes, head: Head) -> int:
    """Frames of an animation; 1 where there are none or the file is damaged, which decoding then says."""
    mark = _ANIMATED.get(head.kind)
    if mark is None or mark not in data:
        return 1
    try:
        with Image.open(io.BytesIO(data), formats=_READ[head.kind]) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # decoders of damaged files raise anything
        return 1
