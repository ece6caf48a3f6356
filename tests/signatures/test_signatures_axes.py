"""Directions without labels against closed forms: known mixing, known decoders, known clusters."""

import numpy as np
import pytest

from unweave.signatures.axes import cluster_count, clustered, independent, principal, pulled_back, visible
from unweave.signatures.stability import chance, matched_cosines, stability

RNG = np.random.default_rng(0)


def degrees(found, true):
    """Angles between true directions (M, D) and their matches, in degrees."""
    true = true / np.linalg.norm(true, axis=1, keepdims=True)
    return np.degrees(np.arccos(matched_cosines(true, found)))


@pytest.fixture(scope="module")
def mixed():
    """Uniform sources through a known, oblique mixing whose columns have different lengths."""
    mixing = np.random.default_rng(1).normal(size=(5, 5)) * np.array([3.0, 2.0, 1.0, 0.7, 0.4])
    sources = np.random.default_rng(2).uniform(-np.sqrt(3), np.sqrt(3), (4000, 5))
    return sources @ mixing.T + 7, mixing


@pytest.mark.parametrize("seed", [0, 1])
def test_ica_finds_the_columns_of_a_known_mixing(mixed, seed):
    codes, mixing = mixed
    found = independent(codes, top=5, seed=seed)
    # The error of FastICA's estimate falls as 1/sqrt(rows): some 2 degrees at 4,000 rows, 5 leaves room.
    assert degrees(found.directions, mixing.T).max() < 5
    np.testing.assert_allclose(np.sort(found.steps), np.sort(np.linalg.norm(mixing, axis=0)), rtol=0.1)
    assert found.shares.sum() == pytest.approx(1)
    assert (np.diff(found.shares) <= 0).all()
    # Principal components are orthogonal, so they cannot be these.
    assert degrees(principal(codes, top=5).directions, mixing.T).max() > 15


def test_the_same_seed_finds_the_same(mixed):
    first, second = (independent(mixed[0], top=3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.directions, second.directions)
    assert len(first) == 3


def test_pca_is_the_spectrum_of_the_covariance():
    basis = np.linalg.qr(RNG.normal(size=(4, 4)))[0]
    raw = RNG.normal(size=(500, 4))
    white = (raw - raw.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False, bias=True))).T
    spread = np.array([4.0, 2.0, 1.0, 0.5])
    found = principal(white * spread @ basis.T, top=3)
    np.testing.assert_allclose(found.steps, spread[:3], rtol=1e-9)
    np.testing.assert_allclose(found.shares, spread[:3] ** 2 / (spread**2).sum(), rtol=1e-9)
    np.testing.assert_allclose(np.abs(found.directions @ basis[:, :3]), np.eye(3), atol=1e-9)
    assert (found.directions[np.arange(3), np.abs(found.directions).argmax(1)] > 0).all()


def test_columns_that_depend_on_each_other_have_as_many_directions_as_they_have_rank():
    codes = RNG.normal(size=(300, 2)) @ RNG.normal(size=(2, 6))
    assert len(principal(codes, top=6)) == len(independent(codes, top=6, seed=0)) == 2


def test_the_jacobian_of_a_linear_decoder_is_the_decoder():
    weights = RNG.normal(size=(4, 30))
    metrics = pulled_back(lambda z: (z @ weights).reshape(-1, 5, 6), RNG.normal(size=(6, 4)), np.ones(4))
    # Codes are float32 inside: a difference of 0.2 keeps six of its digits.
    np.testing.assert_allclose(metrics, np.broadcast_to(weights @ weights.T, (6, 4, 4)), rtol=1e-4, atol=1e-3)
    found = visible(metrics, np.eye(4), top=4)
    left, sizes, _ = np.linalg.svd(weights, full_matrices=False)
    np.testing.assert_allclose(np.abs(found.directions @ left), np.eye(4), atol=1e-3)
    np.testing.assert_allclose(found.shares, sizes**2 / (sizes**2).sum(), rtol=1e-3)
    np.testing.assert_allclose(found.steps, 1, rtol=1e-6)


def test_directions_of_the_jacobian_count_in_standard_steps_of_the_codes():
    """With codes of covariance C a step is C^(1/2) v, v a right singular vector of W C^(1/2)."""
    weights, root = RNG.normal(size=(3, 20)), RNG.normal(size=(3, 3))
    found = visible(pulled_back(lambda z: z @ weights, RNG.normal(size=(4, 3)), np.ones(3)), root @ root.T, top=3)
    _, sizes, right = np.linalg.svd((root.T @ weights).T, full_matrices=False)
    steps = right @ root.T
    np.testing.assert_allclose(found.steps, np.linalg.norm(steps, axis=1), rtol=1e-3)
    assert degrees(found.directions, steps).max() < 0.1
    np.testing.assert_allclose(found.shares, sizes**2 / (sizes**2).sum(), rtol=1e-3)
    moved = (found.directions * found.steps[:, None]) @ weights
    np.testing.assert_allclose(moved @ moved.T, np.diag(sizes**2), atol=2e-3 * sizes[0] ** 2)


def test_the_jacobian_of_a_curved_decoder_is_that_at_each_point():
    points = np.array([[0.0, 1.0], [2.0, -1.0]])
    metrics = pulled_back(lambda z: np.stack([z[:, 0] ** 2, 3 * z[:, 1]], 1), points, np.ones(2))
    for point, metric in zip(points, metrics, strict=True):
        np.testing.assert_allclose(metric, np.diag([(2 * point[0]) ** 2, 9]), rtol=1e-3, atol=1e-6)


def test_a_column_that_does_not_vary_has_no_part_in_the_jacobian():
    metrics = pulled_back(lambda z: z * np.array([1, 100]), np.zeros((2, 2)), np.array([1.0, 0.0]))
    np.testing.assert_allclose(metrics, np.broadcast_to(np.diag([1.0, 0]), (2, 2, 2)), atol=1e-6)


@pytest.fixture(scope="module")
def blobs():
    """Three classes that differ in directions of little variance, beside one of much that means nothing."""
    random = np.random.default_rng(3)
    means = np.array([[0, 0, 0], [0, 3, 0], [0, 0, 3.0]])
    labels = random.integers(0, 3, 900)
    codes = means[labels] + random.normal(size=(900, 3)) * np.array([5, 0.2, 0.2])
    return codes, labels


def test_clusters_lead_from_the_mean_of_the_others_to_each(blobs):
    codes, labels = blobs
    assert cluster_count(codes, seed=0) == 3
    found = clustered(codes, count=3, seed=0)
    between = np.stack([codes[labels == k].mean(0) - codes[labels != k].mean(0) for k in range(3)])
    assert degrees(found.directions, between).max() < 2
    np.testing.assert_allclose(np.sort(4 * found.steps), np.sort(np.linalg.norm(between, axis=1)), rtol=0.02)


@pytest.mark.parametrize("draw", ["uniform", "standard_normal"])
def test_where_there_are_no_clusters_none_are_found(draw):
    assert cluster_count(getattr(np.random.default_rng(1), draw)(size=(800, 3)), seed=0) is None


def test_two_clusters_have_one_direction(blobs):
    codes, labels = blobs
    two = codes[labels < 2]
    found = clustered(two, count=2, seed=0)
    assert len(found) == 1
    # The distance of the means in the second column is 3, of the classes' own spread 0.2; rows of each some 300. The
    # first column's means differ by 5 sqrt(2 / 300) = 0.4 by chance, 8 degrees, so only the found clusters' own differ.
    own = two[two[:, 1] > 1.5].mean(0) - two[two[:, 1] < 1.5].mean(0)
    assert degrees(found.directions, own[None]).max() < 1e-3
    share = np.bincount((two[:, 1] > 1.5).astype(int)).prod() / len(two) ** 2 * (own**2).sum() / two.var(0).sum()
    assert found.shares[0] == pytest.approx(share, rel=1e-6)


def test_matching_takes_no_partner_twice():
    a = np.eye(3)
    np.testing.assert_allclose(matched_cosines(a, -a[[2, 0, 1]]), 1)
    others = np.array([[1.0, 0, 0], [0.8, 0.6, 0]])
    np.testing.assert_allclose(matched_cosines(a, others), [1, 0.6, 0])


def test_true_directions_are_stable_and_noise_is_not(mixed):
    codes, mixing = mixed
    noise = np.random.default_rng(5).normal(size=(4000, 5)) @ mixing.T

    def of(values):
        found = independent(values, top=5, seed=0)
        return stability(
            found.directions,
            lambda rows, seed: independent(values[rows], top=5, seed=seed).directions,
            len(values),
            bootstraps=8,
            seed=0,
        )

    true, arbitrary = of(codes), of(noise)
    assert true.value.min() > 0.99
    assert (true.low <= true.value).all()
    assert (true.value <= true.high).all()
    # Of Gaussian sources any rotation is as good: what is left is what such directions share by chance.
    level = chance(np.cov(noise, rowvar=False), 5, seed=0)
    assert arbitrary.value.mean() == pytest.approx(level, abs=0.1)
    assert arbitrary.value.mean() < true.value.mean() - 0.1


def test_bootstraps_draw_rows_with_repetition_from_all_and_differ():
    drawn = []
    stability(np.eye(2), lambda rows, seed: drawn.append((rows, seed)) or np.eye(2), 100, bootstraps=3, seed=1)
    assert all(len(rows) == 100 and rows.min() >= 0 and rows.max() < 100 for rows, _ in drawn)
    assert all(50 < len(set(rows.tolist())) < 75 for rows, _ in drawn)  # 1 - 1/e of them, 63
    assert len({seed for _, seed in drawn}) == 3


def test_chance_in_isotropic_codes_falls_with_their_dimensions():
    # Two random lines in a plane, one each: the mean of |cos| is 2 / pi.
    assert chance(np.eye(2), 1, seed=0) == pytest.approx(2 / np.pi, abs=0.06)  # 200 draws of sd 0.31
    assert chance(np.eye(2), 2, seed=0) > chance(np.eye(12), 12, seed=0) > 0.3
