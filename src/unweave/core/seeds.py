"""Randomness is an argument: independent streams are derived from one seed and a path of words."""

from __future__ import annotations

import hashlib

import numpy as np


def derive(seed: int, *path: str | int) -> int:
    """A 63-bit seed that depends on `seed` and on every part of `path`, and on nothing else."""
    text = "/".join([str(seed), *map(str, path)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """A NumPy generator for one purpose; streams with different paths are independent."""
    return np.random.default_rng(derive(seed, *path))
