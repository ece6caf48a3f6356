"""Cache entries as bytes. What comes from Redis is believed only as far as it has the right form."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from unweave.bundles.schema import BundleCard
from unweave.core.codes import Codes

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class Edited:
    """An answer to an edit, without the identifier that every answer has of its own.

    Attributes:
        image: the file.
        notes: what was not done as asked, in words.
        before, after: readings of all factors, or None.
    """

    image: bytes
    notes: tuple[str, ...] = ()
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    def to_bytes(self) -> bytes:
        """The words, then the file."""
        head = json.dumps({"notes": self.notes, "before": self.before, "after": self.after}).encode()
        return _LENGTH.pack(len(head)) + head + self.image

    @classmethod
    def from_bytes(cls, data: bytes) -> Edited | None:
        """The inverse of `to_bytes`; None for anything else."""
        try:
            (size,) = _LENGTH.unpack_from(data)
            start = _LENGTH.size + size
            if start >= len(data):
                return None
            head = json.loads(data[_LENGTH.size : start])
            notes, before, after = tuple(head["notes"]), head["before"], head["after"]
        except (struct.error, ValueError, KeyError, TypeError, RecursionError):
            return None
        right = all(isinstance(note, str) for note in notes)
        return cls(data[start:], notes, before, after) if right else None


def codes_to_bytes(codes: Codes) -> bytes:
    """Mean and log-variance of one code."""
    assert codes.logvar is not None
    return np.stack([codes.mean[0], codes.logvar[0]]).astype("<f4").tobytes()


def codes_from_bytes(data: bytes, card: BundleCard) -> Codes | None:
    """The inverse of `codes_to_bytes`, with row axis; None for anything else."""
    if len(data) != 2 * 4 * card.latent:
        return None
    values = np.frombuffer(data, "<f4").reshape(2, 1, -1).astype(np.float32)
    if not np.isfinite(values).all():
        return None
    return Codes(values[0], values[1], card.groups, card.categorical)
