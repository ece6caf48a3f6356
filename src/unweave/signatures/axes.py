"""Directions in a code that are found without labels: PCA, ICA, the decoder's Jacobian, clusters.

A direction is a unit vector of code space with a *step*, the length of one standard step along it: from -2 to 2 steps a
code goes through nearly all of the data.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Decoder = Callable[[NDArray[np.float32]], NDArray[np.float32]]
How = Literal["ica", "pca", "jacobian", "clusters"]

FLAT = 1e-4
"""Share of the largest variance below which a direction of the code counts as one that does not vary.

Whitening would blow up what is left of it to the size of the others.
"""

_PROBE = 0.1
"""Length of a finite difference, in standard deviations of its column."""

_SILHOUETTE_ROWS = 1000
_MOST_CLUSTERS = 8
_GROUPED = 0.5


@dataclass(frozen=True)
class Axes:
    """M directions, the one that explains most first.

    Attributes:
        directions: unit vectors (M, D).
        steps: length of one standard step along each, (M,).
        shares: what each explains, (M,): of the variance of the codes; for the Jacobian, of the change of the picture.
    """

    directions: Floats
    steps: Floats
    shares: Floats

    def __len__(self) -> int:
        return len(self.steps)

    def first(self, count: int) -> Axes:
        """The first `count` of them."""
        return Axes(self.directions[:count], self.steps[:count], self.shares[:count])


def principal(codes: Floats, *, top: int) -> Axes:
    """Principal components of codes (N, D): directions of most variance, orthogonal to each other."""
    values, vectors = _spectrum(np.cov(codes, rowvar=False, bias=True))
    return Axes(_signed(vectors[:, :top].T), np.sqrt(values[:top]), values[:top] / values.sum())


def independent(codes: Floats, *, top: int, seed: int) -> Axes:
    """Independent components of codes (N, D) by FastICA (Hyvärinen 1999, log cosh), as columns of the mixing matrix.

    A step is one standard deviation of the component's source; the shares of all sum to 1, since sources are
    uncorrelated. Sources that are Gaussian cannot be told apart: their directions are arbitrary, and unstable.
    """
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    centred = codes - codes.mean(axis=0)
    values, vectors = _spectrum(np.cov(centred, rowvar=False, bias=True))
    root = np.sqrt(values)
    search = FastICA(whiten=False, max_iter=400, tol=1e-5, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # Gaussian sources never converge; stability shows it
        search.fit(centred @ vectors / root)
    return _sorted(search.components_ * root @ vectors.T, float(values.sum()), top)


def visible(metrics: Floats, covariance: Floats, *, top: int) -> Axes:
    """Directions that change the picture most for one standard step, and in ways that do not overlap.

    With J the decoder's Jacobian and C the codes' covariance, the right singular vectors v of J C^(1/2), over all rows
    together: E[J'J] is the metric that the decoder pulls back (Ramesh et al. 2018, arXiv:1812.01161, take one row). A
    direction is C^(1/2) v; the changes of the picture that two of them make are orthogonal on average.

    Args:
        metrics: J'J of some rows, (n, D, D), of `pulled_back`.
        covariance: of the codes, (D, D).
        top: at most so many.
    """
    values, vectors = _spectrum(covariance)
    root = vectors * np.sqrt(values)
    strengths, turns = np.linalg.eigh(root.T @ metrics.mean(axis=0) @ root)
    order = np.argsort(-strengths)[:top]
    steps = (root @ turns[:, order]).T
    lengths = np.linalg.norm(steps, axis=1)
    shares = np.maximum(strengths[order], 0) / max(float(strengths.sum()), np.finfo(float).tiny)
    return Axes(_signed(steps / lengths[:, None]), lengths, shares)


def pulled_back(decode: Decoder, points: Floats, spread: Floats) -> Floats:
    """J'J of a decoder at points (n, D), by central differences: (n, D, D), per unit of code.

    Args:
        decode: codes (N, D) to observations (N, …).
        points: where.
        spread: standard deviation of each column, (D,). Those that do not vary are left out: their rows are 0.
    """
    live = np.flatnonzero(spread > 0)
    reach = _PROBE * spread[live]
    found = np.zeros((len(points), len(spread), len(spread)))
    for row, point in enumerate(points):
        moved = np.tile(point, (2, len(live), 1))
        moved[0, np.arange(len(live)), live] += reach
        moved[1, np.arange(len(live)), live] -= reach
        ends = decode(moved.reshape(-1, len(spread)).astype(np.float32)).astype(np.float64)
        ahead, behind = ends.reshape(2, len(live), -1)
        jacobian = (ahead - behind) / (2 * reach)[:, None]
        found[row][np.ix_(live, live)] = jacobian @ jacobian.T
    return found


def readings(axes: Floats, covariance: Floats) -> Floats:
    """Weights (M, D) that read how far a code is along each direction, whatever it is along the others.

    For codes t d + rest, with C the covariance of the whole, the best linear estimate of t that sees d as 1 is
    w = C⁻¹ d / (d' C⁻¹ d) (Aitken 1935). For ICA it is the component itself, which the projection on d is not.

    Args:
        axes: directions of any length, (M, D).
        covariance: of the codes, (D, D); what hardly varies is not inverted.
    """
    values, vectors = _spectrum(covariance)
    found = (axes @ vectors / values) @ vectors.T
    return np.asarray(found / (found * axes).sum(axis=1, keepdims=True))


def clustered(codes: Floats, *, count: int, seed: int) -> Axes:
    """From the mean of all other clusters to that of each, by k-means: what class-like factors look like.

    Clusters are sought in the whitened code, so that a factor with a small part of the variance can make them. Four
    steps lead from one mean to the other; the share is that of the variance between the two sides.

    Args:
        codes: (N, D).
        count: number of clusters, at least 2. Two clusters have one direction.
        seed: of the search.
    """
    labels = _labels(_whitened(codes), count, seed)
    sizes = np.bincount(labels, minlength=count)
    means = np.stack([codes[labels == k].mean(axis=0) for k in range(count)])
    rest = (sizes @ means - sizes[:, None] * means) / (len(codes) - sizes)[:, None]
    between = (means - rest)[: 1 if count == 2 else count]
    weight = (sizes * (len(codes) - sizes) / len(codes) ** 2)[: len(between)]
    lengths = np.linalg.norm(between, axis=1)
    shares = weight * lengths**2 / codes.var(axis=0).sum()
    order = np.argsort(-shares)
    return Axes(_signed(between[order] / lengths[order, None]), lengths[order] / 4, shares[order])


def cluster_count(codes: Floats, *, seed: int) -> int | None:
    """The number of clusters from 2 to 8 whose mean silhouette is best (Rousseeuw 1987), or None where there are none.

    K-means cuts anything, a smooth sheet too. A silhouette from 0.5 up speaks of clusters (Kaufman and Rousseeuw 1990,
    table 4), one below may be nothing but a cut. At most 1,000 rows are looked at.
    """
    from sklearn.metrics import silhouette_score

    rows = np.random.default_rng(seed).permutation(len(codes))[:_SILHOUETTE_ROWS]
    white = _whitened(codes[rows])
    most = min(_MOST_CLUSTERS, len(white) - 1)
    found = {k: float(silhouette_score(white, _labels(white, k, seed))) for k in range(2, most + 1)}
    best = max(found, key=lambda k: found[k])
    return best if found[best] >= _GROUPED else None


def _labels(points: Floats, count: int, seed: int) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans

    found = KMeans(count, n_init=4, random_state=seed % 2**32).fit_predict(points)
    return np.asarray(found, dtype=np.int64)


def _whitened(codes: Floats) -> Floats:
    """Codes in the coordinates of their principal components, each with variance 1."""
    values, vectors = _spectrum(np.cov(codes, rowvar=False, bias=True))
    return np.asarray((codes - codes.mean(axis=0)) @ vectors / np.sqrt(values))


def _spectrum(covariance: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues that are not 0, the largest first, and their vectors in columns."""
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    kept = values > FLAT * values[-1]
    return values[kept][::-1], vectors[:, kept][:, ::-1]


def _sorted(steps: Floats, total: float, top: int) -> Axes:
    """Axes of standard steps (M, D), the longest first."""
    lengths = np.linalg.norm(steps, axis=1)
    order = np.argsort(-lengths)[:top]
    return Axes(_signed(steps[order] / lengths[order, None]), lengths[order], lengths[order] ** 2 / total)


def _signed(directions: Floats) -> Floats:
    """Each with its largest component above 0: a direction and its opposite are the same finding."""
    largest = np.abs(directions).argmax(axis=1)
    return directions * np.where(directions[np.arange(len(directions)), largest] < 0, -1.0, 1.0)[:, None]
