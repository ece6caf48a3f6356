"""How stable directions are: whether other rows of the same data give them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.seeds import generator

Floats = NDArray[np.float64]

_CHANCE_DRAWS = 200


@dataclass(frozen=True)
class Stability:
    """Of M directions, each array (M,).

    Attributes:
        value: mean absolute cosine between a direction and the one that matches it in a bootstrap, in [0, 1].
        low, high: range of 95 % of the bootstraps.
    """

    value: Floats
    low: Floats
    high: Floats


def stability(
    directions: Floats, refit: Callable[[NDArray[np.int64], int], Floats], rows: int, *, bootstraps: int, seed: int
) -> Stability:
    """Find directions again in bootstraps of the rows, from another start each time, and match them to the first.

    Args:
        directions: unit vectors (M, D).
        refit: rows (drawn with repetition) and a seed to unit vectors (any number, D).
        rows: how many there are to draw from.
        bootstraps: how many times, at least 2.
        seed: of the draws.
    """
    found = []
    for b in range(bootstraps):
        random = generator(seed, "bootstrap", b)
        again = refit(random.integers(0, rows, rows), int(random.integers(2**31)))
        found.append(matched_cosines(directions, again))
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return Stability(np.mean(found, axis=0), low, high)


def matched_cosines(directions: Floats, others: Floats) -> Floats:
    """Absolute cosine of each of the directions (M, D) with its partner among others (L, D), no partner taken twice.

    The pairing is that with the largest sum. A direction without a partner has 0.
    """
    from scipy.optimize import linear_sum_assignment

    cosines = np.abs(directions @ others.T)
    rows, columns = linear_sum_assignment(-cosines)
    found = np.zeros(len(directions))
    found[rows] = cosines[rows, columns]
    return np.minimum(found, 1.0)


def chance(covariance: Floats, count: int, *, seed: int) -> float:
    """What directions score that mean nothing: two random sets of directions of the codes, matched as above.

    Each set is `count` columns of C^(1/2) R with R a random rotation, C the covariance (D, D): directions whose sources
    are uncorrelated, which is all that PCA, ICA and the Jacobian have in common.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    random, found = generator(seed, "chance"), []
    for _ in range(_CHANCE_DRAWS):
        one, two = (_random_directions(root, count, random) for _ in range(2))
        found.append(matched_cosines(one, two).mean())
    return float(np.mean(found))


def _random_directions(root: Floats, count: int, random: np.random.Generator) -> Floats:
    rotation = np.linalg.qr(random.normal(size=root.shape))[0]
    steps = (root @ rotation).T
    longest = np.argsort(-np.linalg.norm(steps, axis=1))[:count]
    return np.asarray(steps[longest] / np.linalg.norm(steps[longest], axis=1)[:, None])
