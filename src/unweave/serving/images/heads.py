"""What the first bytes of an image file say, read before any decoder sees the file.

Pillow allocates for a WebP when it opens it, and follows a JPEG's scans as long as there are any; so size and number
of scans are found here, from the formats' own descriptions: PNG (ISO 15948, 11.2.2), JPEG (ITU T.81, B.2) and WebP
(RFC 9649).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["PNG", "JPEG", "WEBP"]

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_START_OF_SCAN = b"\xff\xda"


@dataclass(frozen=True)
class Head:
    """What an image file says of itself.

    Attributes:
        kind: its format.
        width, height: in pixels, as stored.
        scans: of a JPEG, at most (marks in embedded previews count too); 1 for others.
    """

    kind: Kind
    width: int
    height: int
    scans: int = 1

    @property
    def pixels(self) -> int:
        """Of the whole image."""
        return self.width * self.height


def read_head(data: bytes) -> Head | None:
    """The head of a PNG, a JPEG or a WebP; None where it is none of these, or cut off."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data)
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _png(data: bytes) -> Head | None:
    if len(data) < 33 or data[12:16] != b"IHDR":
        return None
    return Head("PNG", _big(data[16:20]), _big(data[20:24]))


def _jpeg(data: bytes) -> Head | None:
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            return None
        mark = data[place + 1]
        if mark == 0xFF:  # a filler
            place += 1
            continue
        if mark in _ALONE:
            place += 2
            continue
        if mark in _START_OF_FRAME:
            if place + 9 > len(data):
                return None
            height, width = _big(data[place + 5 : place + 7]), _big(data[place + 7 : place + 9])
            return Head("JPEG", width, height, data.count(_START_OF_SCAN))
        if mark in (0xD9, 0xDA):
            return None
        place += 2 + _big(data[place + 2 : place + 4])
    return None


def _webp(data: bytes) -> Head | None:
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return Head("WEBP", 1 + _little(body[4:7]), 1 + _little(body[7:10]))
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = _little(body[1:5])
        return Head("WEBP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return Head("WEBP", _little(body[6:8]) & 0x3FFF, _little(body[8:10]) & 0x3FFF)
    return None


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
