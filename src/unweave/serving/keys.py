"""Keys of cache entries: whose, of which model, of which image, asked how."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_SIZE = 32


def image_hash(data: bytes) -> bytes:
    """Of a file as it came."""
    return hashlib.blake2b(data, digest_size=_SIZE).digest()


def cache_key(kind: str, tenant: str, digest: str, *parts: bytes, options: Any = None) -> bytes:  # noqa: ANN401 - JSON
    """A key that no other tenant, model, image or option shares.

    Args:
        kind: of entry.
        tenant: whose it is.
        digest: of the bundle.
        parts: hashes of images.
        options: whatever else the entry depends on, as JSON.
    """
    text = json.dumps([kind, tenant, digest, [part.hex() for part in parts], options], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=_SIZE, person=b"unweave cache").digest()
