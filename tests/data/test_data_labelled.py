"""Which labelled rows are used, and weights that make correlated factors independent."""

import numpy as np
import pytest

from unweave.core.errors import DataError
from unweave.core.factors import Factor, FactorTable
from unweave.core.seeds import generator
from unweave.data.labelled import choose_labelled
from unweave.data.reweighting import connected, independent_weights

RNG = generator(0, "labelled")
ROWS = 2000
SHAPE = RNG.choice(3, ROWS, p=[0.7, 0.2, 0.1])
X = RNG.random(ROWS)
KNOWN = RNG.random((ROWS, 2)) < 0.6
TABLE = FactorTable(
    (Factor(name="shape", kind="categorical", values=("a", "b", "c")), Factor(name="x", kind="continuous")),
    np.where(KNOWN, np.stack([SHAPE, X], 1), 0.0),
    KNOWN,
)
TRAIN = np.flatnonzero(RNG.random(ROWS) < 0.8)


def test_all_rows_with_any_label_are_taken():
    assert choose_labelled(TABLE, TRAIN, None, 0).tolist() == TRAIN[KNOWN[TRAIN].any(1)].tolist()
    assert len(choose_labelled(TABLE, TRAIN, 10**6, 0)) == KNOWN[TRAIN].any(1).sum()


@pytest.mark.parametrize("count", [1, 7, 100, 999])
def test_so_many_are_taken_of_the_training_rows(count):
    chosen = choose_labelled(TABLE, TRAIN, count, 0)
    assert len(chosen) == len(np.unique(chosen)) == count
    assert np.isin(chosen, TRAIN).all()
    assert KNOWN[chosen].any(1).all()


def test_labels_are_spread_like_those_of_all_rows():
    chosen = choose_labelled(TABLE, TRAIN, 100, 0)
    labelled = TRAIN[KNOWN[TRAIN].any(1)]
    for label in range(3):
        share = (KNOWN[labelled, 0] & (SHAPE[labelled] == label)).mean()
        # Rows drawn at random would be off by up to 9 of 100 in one case of twenty.
        assert abs((KNOWN[chosen, 0] & (SHAPE[chosen] == label)).sum() - 100 * share) <= 2


def test_the_choice_is_a_function_of_the_seed():
    first, again, other = (choose_labelled(TABLE, TRAIN, 50, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_no_labels_at_all():
    with pytest.raises(DataError, match=r"no training row has a label.*shape, x"):
        choose_labelled(FactorTable(TABLE.factors, TABLE.values, np.zeros_like(KNOWN)), TRAIN, 10, 0)


def correlated(rows=4000):
    rng = generator(0, "correlated")
    a = rng.integers(0, 4, rows)
    b = (a + rng.choice([0, 1, 2, 3], rows, p=[0.6, 0.2, 0.1, 0.1])) % 4
    return np.stack([a, b], 1)


def test_under_the_weights_the_columns_are_independent():
    levels = correlated()
    found = independent_weights([levels])
    table = np.zeros((4, 4))
    np.add.at(table, tuple(levels.T), found.values / len(levels))
    # All combinations occur and none is clipped, so this is exact: the product of the marginals of the data.
    marginals = [np.bincount(column, minlength=4) / len(levels) for column in levels.T]
    assert found.clipped == 0
    np.testing.assert_allclose(table, np.outer(*marginals), atol=1e-12)


def test_effective_rows():
    levels = correlated()
    found = independent_weights([levels])
    assert found.values.mean() == pytest.approx(1)
    assert found.effective == pytest.approx(found.values.sum() ** 2 / (found.values**2).sum())
    assert 0.1 * len(levels) < found.effective < 0.9 * len(levels)
    even = np.stack(np.meshgrid(range(4), range(5)), -1).reshape(-1, 2)
    assert independent_weights([even]).effective == pytest.approx(20)


def test_rare_combinations_are_clipped():
    levels = np.repeat([[0, 0], [1, 1], [0, 1]], [499, 499, 2], axis=0)
    free, clipped = independent_weights([levels], clip=1e9), independent_weights([levels], clip=3)
    assert free.values[-1] > 50
    assert clipped.values[-1] / clipped.values[0] <= 3 / free.values[0] * (1 + 1e-9)
    assert clipped.clipped == pytest.approx(0.002)
    assert clipped.effective > free.effective


def test_sets_multiply_and_are_clipped_once():
    a, b = correlated(), correlated()[::-1]
    both = independent_weights([a, b], clip=1e9).values
    product = independent_weights([a]).values * independent_weights([b]).values
    np.testing.assert_allclose(both, product / product.mean())
    assert independent_weights([a, b], clip=2).values.max() / independent_weights([a, b], clip=2).values.min() < (
        both.max() / both.min()
    )


def test_linked_names():
    assert connected((("a", "b"), ("c", "d"), ("b", "e"))) == (("a", "b", "e"), ("c", "d"))
    assert connected((("a", "b"), ("c", "d"), ("d", "b"))) == (("a", "b", "c", "d"),)
    assert connected(()) == ()
