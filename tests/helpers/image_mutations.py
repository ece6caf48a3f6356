"""Image files that were damaged on purpose."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from unweave.core.seeds import generator

FORMATS = (
    ("PNG", {}),
    ("PNG", {"compress_level": 9}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True, "quality": 30}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("GIF", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_deflate"}),
)


def mutated_images(count, *, seed, mutate=True):
    """So many files: small pictures in several formats and modes, mutated, cut off, joined, or bombs."""
    random = generator(seed, "mutated images")
    for _ in range(count):
        content = _file(random)
        yield _mutated(content, random) if mutate else _png(random)


def _png(random):
    file = io.BytesIO()
    Image.fromarray(random.integers(0, 256, (32, 32), np.uint8)).save(file, "PNG")
    return file.getvalue()


def _file(random):
    kind, options = FORMATS[random.integers(len(FORMATS))]
    modes = {"PNG": ("L", "RGB", "RGBA", "P", "1", "I;16", "LA"), "JPEG": ("L", "RGB", "CMYK"), "WEBP": ("RGB", "RGBA")}
    mode = random.choice(modes.get(kind, ("L", "RGB")))
    width, height = random.integers(1, 90, 2)
    smooth = np.add.outer(np.arange(height), np.arange(width)).astype(np.uint8)
    noise = random.integers(0, 1 + random.integers(255), (height, width, 3), np.uint8)
    image = Image.fromarray(smooth[..., None] + noise).convert("L" if mode == "I;16" else str(mode))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    file = io.BytesIO()
    more = {}
    if kind in ("PNG", "WEBP", "GIF", "TIFF") and mode not in ("1", "I;16") and random.random() < 0.15:
        more = {"save_all": True, "append_images": [image.rotate(90) for _ in range(random.integers(1, 5))]}
    if kind in ("PNG", "JPEG", "WEBP") and random.random() < 0.2:
        exif = Image.Exif()
        exif[0x0112] = int(random.integers(0, 12))
        more["exif"] = exif.tobytes()
    image.save(file, kind, **options, **more)
    return file.getvalue()


def _mutated(content, random):
    data = bytearray(content)
    way = random.integers(9)
    if way == 0:
        return bytes(data)
    if way == 1:
        return bytes(data[: random.integers(len(data))])
    if way in (2, 3):
        for _ in range(1 + random.integers(12)):
            data[random.integers(len(data))] = random.integers(256)
    elif way == 4:  # near the head, where sizes and kinds are
        for _ in range(1 + random.integers(4)):
            data[random.integers(min(64, len(data)))] = random.choice((0, 1, 0x7F, 0x80, 0xFF))
    elif way == 5:
        at, size = random.integers(len(data)), random.integers(1, 40)
        data[at : at + size] = random.bytes(int(random.integers(80)))
    elif way == 6:  # one file in another
        at = random.integers(len(data))
        data[at:at] = _file(random)
    elif way == 7 and data[:4] == b"\x89PNG":
        data = bytearray(_resized_png(bytes(data), random))
    else:
        data += random.bytes(int(random.integers(200)))
    return bytes(data)


def _resized_png(content, random):
    """Another size in the head, with a checksum that fits."""
    sides = struct.pack(">II", *(int(2 ** random.uniform(0, 31)) for _ in range(2)))
    head = b"IHDR" + sides + content[24:29]
    return content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:]
