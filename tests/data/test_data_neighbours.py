"""Partners by likeness against scikit-learn's search, and who may be one."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from unweave.core.errors import DataError
from unweave.core.seeds import generator
from unweave.data import neighbours
from unweave.data.neighbours import NearestPartners

ROWS = 300
IMAGES = generator(0, "images").integers(0, 256, (ROWS, 4, 5, 2), dtype=np.uint8)
# Columns of very different scale, one that is constant, all far from the origin.
VECTORS = (generator(0, "vectors").normal(size=(ROWS, 4)) * [1, 100, 0.01, 0] + [1000, 0, -5, 7]).astype(np.float32)
TRAIN = np.setdiff1d(np.arange(ROWS), np.arange(0, ROWS, 4))


def by_scikit(points, candidates, count):
    """Nearest candidates of each training row, the row itself left out."""
    search = NearestNeighbors(n_neighbors=count + 1, algorithm="brute").fit(points[candidates])
    found = candidates[search.kneighbors(points[TRAIN], return_distance=False)]
    return [set([n for n in near if n != row][:count]) for row, near in zip(TRAIN, found.tolist(), strict=True)]


def standardised(vectors):
    spread = vectors[TRAIN].std(0, dtype=np.float64)
    return (vectors - vectors[TRAIN].mean(0, dtype=np.float64)) / np.where(spread > 1e-9, spread, 1)


@pytest.mark.parametrize(
    ("observations", "points"),
    [(IMAGES, IMAGES.reshape(ROWS, -1).astype(np.float64)), (VECTORS, standardised(VECTORS))],
    ids=["images", "vectors"],
)
def test_they_are_the_nearest_training_rows(observations, points):
    made = NearestPartners(observations, TRAIN, 7)
    assert [set(near) for near in made.nearest.tolist()] == by_scikit(points, TRAIN, 7)


def test_in_parts_it_is_the_same(monkeypatch):
    whole = NearestPartners(IMAGES, TRAIN, 5).nearest
    monkeypatch.setattr(neighbours, "_CHUNK_VALUES", 11 * len(TRAIN))
    assert np.array_equal(NearestPartners(IMAGES, TRAIN, 5).nearest, whole)


def test_each_neighbour_comes_as_often_as_any_other_and_no_row_is_its_own():
    made = NearestPartners(IMAGES, TRAIN, 4)
    draws = np.stack([made.rows(TRAIN, generator(step)) for step in range(400)])
    assert not (draws == TRAIN).any()
    shares = (draws[:, :, None] == made.nearest).mean(0)
    np.testing.assert_allclose(shares.sum(1), 1.0)
    # 900 shares of 400 draws at a quarter each: five standard errors.
    np.testing.assert_allclose(shares, 0.25, atol=5 * np.sqrt(0.25 * 0.75 / 400))


def test_the_observations_are_those_of_the_rows_and_of_the_draw_alone():
    made, rows = NearestPartners(IMAGES, TRAIN, 4), TRAIN[[5, 0, 90]]
    first = made.draw(rows, generator(3))
    assert np.array_equal(first, IMAGES[made.rows(rows, generator(3))])
    assert not np.array_equal(first, made.draw(rows, generator(4)))


def test_an_exact_copy_of_a_row_is_its_neighbour():
    twins = IMAGES.copy()
    twins[TRAIN[9]] = twins[TRAIN[2]]
    assert NearestPartners(twins, TRAIN, 1).nearest[[2, 9]].ravel().tolist() == [TRAIN[9], TRAIN[2]]


def test_among_many_rows_some_stand_for_all(monkeypatch):
    monkeypatch.setattr(neighbours, "_MOST_CANDIDATES", 50)
    made, again, other = (NearestPartners(IMAGES, TRAIN, 3, seed=seed) for seed in (0, 0, 1))
    candidates = np.unique(made.nearest)
    assert len(candidates) <= 50
    assert np.isin(candidates, TRAIN).all()
    assert made.digest == again.digest != other.digest
    assert made.nearest.shape == (len(TRAIN), 3)
    assert not (made.nearest == TRAIN[:, None]).any()


def test_few_rows_have_fewer_neighbours_and_one_has_none():
    assert NearestPartners(IMAGES, TRAIN[:3], 10).nearest.shape == (3, 2)
    with pytest.raises(DataError, match="at least 2 training rows, got 1"):
        NearestPartners(IMAGES, TRAIN[:1], 10)
