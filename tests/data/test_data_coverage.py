from itertools import combinations

import numpy as np
import pytest

from unweave.data.coverage import Twins, distances, nearest, representatives, spread_draw


def _medoids(points, count, *, weights=None, covered=None):
    weights = np.ones(len(points)) if weights is None else weights
    covered = np.full(len(points), np.inf) if covered is None else covered
    return representatives(points, points, count, weights=weights, covered=covered)


def _draw(candidates, count, *, weights=None, taken=None, seed=0, **more):
    weights = np.ones(len(candidates)) if weights is None else weights
    taken = candidates[:0] if taken is None else taken
    rng = np.random.default_rng(seed)
    return spread_draw(candidates, count, weights=weights, taken=taken, rng=rng, **more)


def _cost(apart, chosen, weights, far):
    return float(weights @ np.minimum(apart[:, list(chosen)].min(1), far))


@pytest.mark.parametrize("seed", range(20))
def test_greedy_takes_off_at_least_what_theory_promises_of_the_best_choice(seed):
    rng = np.random.default_rng(seed)
    points, weights = rng.normal(size=(11, 2)), rng.uniform(0.1, 1, 11)
    apart = distances(points, points)
    far = apart.max()
    chosen = _medoids(points, 3, weights=weights)
    best = min(_cost(apart, three, weights, far) for three in combinations(range(11), 3))
    whole = weights.sum() * far
    # 1 - 1/e is the bound of Nemhauser, Wolsey and Fisher; one that took the farthest first would break it.
    assert whole - _cost(apart, chosen, weights, far) >= (1 - 1 / np.e) * (whole - best) - 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_lazy_greedy_is_greedy(seed):
    rng = np.random.default_rng(seed)
    points, candidates, weights = rng.normal(size=(60, 3)), rng.normal(size=(40, 3)), rng.uniform(size=60)
    covered = rng.uniform(0.5, 2, 60)
    apart = distances(points, candidates)
    left, naive = np.minimum(covered, apart.max()), []
    for _ in range(12):
        gains = weights @ np.maximum(left[:, None] - apart, 0)
        gains[naive] = -1
        naive.append(int(gains.argmax()))
        left = np.minimum(left, apart[:, naive[-1]])
    assert representatives(points, candidates, 12, weights=weights, covered=covered) == naive


def test_two_clusters_are_both_seen_before_an_outlier():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(50, 2)), rng.normal((8, 0), size=(50, 2)), [[4, 30]]])
    first, second = _medoids(points, 2)
    assert {first // 50, second // 50} == {0, 1}


def test_what_is_covered_already_is_left_alone():
    points = np.concatenate([np.zeros((50, 1)), np.full((5, 1), 10.0)])
    assert _medoids(points, 1)[0] < 50
    covered = nearest(points, points[:1])
    assert _medoids(points, 1, covered=covered)[0] >= 50


def test_weights_decide_where_points_are_equally_many():
    points = np.array([[0.0], [10.0]]).repeat(10, axis=0)
    weights = np.array([1.0, 3.0]).repeat(10)
    assert _medoids(points, 1, weights=weights)[0] >= 10
    assert _medoids(points, 1, weights=weights[::-1])[0] < 10


def test_more_than_there_are_and_refused_ones():
    points = np.arange(6.0)[:, None]
    assert sorted(_medoids(points, 100)) == sorted(_draw(points, 100)) == list(range(6))
    assert _medoids(points[:0], 3) == _draw(points[:0], 3) == []
    asked = []

    def even(row):
        asked.append(row)
        return row % 2 == 0

    assert sorted(_draw(points, 100, allow=even)) == [0, 2, 4]
    assert sorted(asked) == list(range(6))  # each once


@pytest.mark.parametrize("seed", range(10))
def test_one_row_of_every_region(seed):
    rng = np.random.default_rng(seed)
    centres = np.array([[0, 0], [20, 0], [0, 20], [20, 20]])
    points = (centres[:, None] + rng.normal(size=(4, 25, 2))).reshape(100, 2)
    assert {row // 25 for row in _draw(points, 4, seed=seed)} == set(range(4))
    rest = _draw(points, 2, taken=points[[3, 30]], seed=seed)
    assert {row // 25 for row in rest} == {2, 3}
    assert len(set(_draw(points, 60, seed=seed))) == 60


def test_inside_a_region_rows_are_a_fair_sample():
    """One region, one draw, 3,000 times: each of 10 rows comes 300 times, within five standard deviations of 16."""
    points = np.random.default_rng(0).normal(size=(10, 2))
    counts = np.bincount([_draw(points, 1, seed=seed)[0] for seed in range(3000)], minlength=10)
    assert np.abs(counts - 300).max() < 82
    weights = np.ones(10)
    weights[4] = 9.0
    heavy = [_draw(points, 1, weights=weights, seed=seed)[0] == 4 for seed in range(1000)]
    assert np.mean(heavy) == pytest.approx(0.5, abs=0.08)  # 9 of 18, five standard deviations


def test_heavy_regions_get_more_draws():
    points = np.random.default_rng(0).uniform(size=(400, 2))
    weights = np.where(points[:, 0] > 0.5, 1.0, 0.05)
    draws = points[_draw(points, 60, weights=weights)]
    assert (draws[:, 0] > 0.5).mean() > 0.65


def test_nearest_in_chunks(monkeypatch):
    rng = np.random.default_rng(0)
    points, others = rng.normal(size=(7, 3)), rng.normal(size=(50, 3))
    expected = np.linalg.norm(points[:, None] - others, axis=2).min(1)
    monkeypatch.setattr("unweave.data.coverage._CHUNK_VALUES", 20)
    np.testing.assert_allclose(nearest(points, others), expected, atol=1e-6)  # a difference of squares loses digits
    assert np.isinf(nearest(points, others[:0])).all()


def test_twins_are_copies_and_near_copies():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 32, 32, 1)).astype(np.uint8)
    images[1] = images[0]  # an exact copy
    images[2] = np.clip(images[0].astype(int) + rng.integers(-2, 3, images[0].shape), 0, 255)  # and a near one
    digests = np.array([image.tobytes()[:64] for image in images])
    twins = Twins.of(images, digests)
    for row in (0, 1, 2):
        assert twins.blocked(np.array([row])) == set(twins.kinds[:3].tolist())
    assert twins.blocked(np.array([4])) == {int(twins.kinds[4])}
    vectors = Twins.of(images.reshape(6, -1).astype(np.float32), digests)
    assert vectors.blocked(np.array([0])) == {int(vectors.kinds[0])} == {int(vectors.kinds[1])}
    assert twins.blocked(np.array([], dtype=np.int64)) == set()
