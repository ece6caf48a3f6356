import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unweave.core.errors import DataError
from unweave.core.factors import Factor, FactorTable
from unweave.data.config import SplitConfig
from unweave.data.splits import make_splits


def _table(rng, rows, *, classes=3, missing=0.2):
    factors = (Factor(name="kind", kind="categorical"), Factor(name="level", kind="continuous"))
    values = np.stack([rng.integers(0, classes, rows), rng.normal(size=rows)], axis=1).astype(float)
    return FactorTable(factors, values, rng.random((rows, 2)) >= missing)


def _different(rows):
    return np.arange(rows)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(30, 200),
    people=st.integers(3, 40),
    copies=st.integers(1, 200),
    grouped=st.booleans(),
)
def test_no_row_is_lost_and_no_group_or_duplicate_stands_on_two_sides(seed, rows, people, copies, grouped):
    rng = np.random.default_rng(seed)
    digests = rng.integers(0, copies, rows)
    groups = rng.integers(0, people, rows) if grouped else None
    try:
        splits = make_splits(SplitConfig(seed=seed), _table(rng, rows), digests=digests, groups=groups)
    except DataError:
        return
    every = np.concatenate(list(splits.named().values()))
    assert sorted(every) == list(range(rows))
    side = np.empty(rows, dtype=int)
    for number, part in enumerate(splits.named().values()):
        assert part.dtype == np.int64
        assert len(part) > 0
        np.testing.assert_array_equal(part, np.sort(part))
        side[part] = number
    for array in (digests, groups):
        if array is not None:
            assert all(len(set(side[array == value])) == 1 for value in np.unique(array))


def test_groups_and_duplicates_are_linked_through_each_other():
    # Rows 0-1 are one person, rows 1-2 are copies, rows 2-3 another person: all four belong together.
    groups = np.array(["a", "a", "b", "b", *"cdefghij"])
    digests = np.array([0, 1, 1, 2, *range(3, 11)])
    for seed in range(20):
        splits = make_splits(
            SplitConfig(train=0.6, valid=0.2, test=0.2, seed=seed),
            FactorTable.empty(12),
            digests=digests,
            groups=groups,
        )
        assert any({0, 1, 2, 3} <= set(part.tolist()) for part in splits.named().values())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(40, 400))
def test_shares_are_kept_to_within_a_row(seed, rows):
    config = SplitConfig(train=0.7, valid=0.2, test=0.1, seed=seed)
    splits = make_splits(config, _table(np.random.default_rng(seed), rows), digests=_different(rows))
    for name, part in splits.named().items():
        assert abs(len(part) - getattr(config, name) * rows) <= 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), counts=st.lists(st.integers(1, 60), min_size=2, max_size=6))
def test_each_class_gets_its_share_to_within_two_rows(seed, counts):
    codes = np.repeat(np.arange(len(counts)), np.multiply(counts, 2))
    table = FactorTable((Factor(name="c", kind="categorical"),), codes[:, None].astype(float), codes[:, None] >= 0)
    splits = make_splits(SplitConfig(train=0.6, valid=0.2, test=0.2, seed=seed), table, digests=_different(len(codes)))
    for code, count in enumerate(counts):
        assert abs((codes[splits.train] == code).sum() - 0.6 * 2 * count) < 1 + 1e-6
        assert abs((codes[splits.test] == code).sum() - 0.2 * 2 * count) < 2


def test_a_full_grid_is_not_cut_along_a_coordinate():
    grid = np.array(list(itertools.product(range(4), range(10), range(20))), dtype=float)
    factors = tuple(Factor(name=n, kind="ordinal") for n in "abc")
    splits = make_splits(SplitConfig(), FactorTable(factors, grid, grid >= 0), digests=_different(len(grid)))
    for column, size in enumerate((4, 10, 20)):
        counts = np.bincount(grid[splits.test, column].astype(int), minlength=size)
        # 80 test rows: every value of a and b its share to within a few, every value of c occurs.
        assert counts.min() > 0
    assert np.ptp(np.bincount(grid[splits.test, 0].astype(int))) <= 8


def test_groups_are_balanced_over_labels():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 10)
    codes = np.repeat(rng.permutation(np.arange(60) % 3), 10)
    table = FactorTable((Factor(name="c", kind="categorical"),), codes[:, None].astype(float), codes[:, None] >= 0)
    splits = make_splits(SplitConfig(), table, digests=_different(600), groups=groups)
    for part, expected in zip(splits.named().values(), (160, 20, 20), strict=True):
        np.testing.assert_array_equal(np.bincount(codes[part], minlength=3), expected)


def test_few_groups_fill_every_side():
    groups = np.repeat(["anna", "bert", "carl"], [50, 30, 20])
    splits = make_splits(SplitConfig(by="person"), FactorTable.empty(100), digests=_different(100), groups=groups)
    assert [len(part) for part in splits.named().values()] == [50, 30, 20]


def test_single_rows_make_up_for_what_a_large_group_takes():
    # The 60 copies can only stand on the side of train; of the other 40, 20 remain for it.
    digests = np.concatenate([np.zeros(60, dtype=int), np.arange(1, 41)])
    splits = make_splits(SplitConfig(), FactorTable.empty(100), digests=digests)
    assert [len(part) for part in splits.named().values()] == [80, 10, 10]


def test_the_seed_decides_and_the_order_of_factors_does_not():
    table = _table(np.random.default_rng(1), 300)
    splits = [make_splits(SplitConfig(seed=seed), table, digests=_different(300)).test for seed in (0, 0, 1)]
    np.testing.assert_array_equal(splits[0], splits[1])
    assert not np.array_equal(splits[0], splits[2])
    turned = make_splits(SplitConfig(seed=0), table.select(["level", "kind"]), digests=_different(300)).test
    np.testing.assert_array_equal(splits[0], turned)


def test_a_side_with_share_zero_stays_empty():
    for groups in (None, np.arange(100) // 5):
        splits = make_splits(
            SplitConfig(train=0.8, valid=0, test=0.2), FactorTable.empty(100), digests=_different(100), groups=groups
        )
        assert [len(part) for part in splits.named().values()] == [80, 0, 20]


def test_too_few_groups_are_refused_in_words():
    with pytest.raises(DataError, match=r"at least 3 groups of person, the 50 rows have 2.*test: 0"):
        make_splits(SplitConfig(by="person"), FactorTable.empty(50), digests=_different(50), groups=np.arange(50) % 2)


def test_an_empty_side_is_refused_in_words():
    with pytest.raises(DataError, match=r"`valid` has a share of 0.1 but gets no row"):
        make_splits(SplitConfig(), FactorTable.empty(4), digests=_different(4))


def test_rows_that_are_all_copies_are_refused():
    with pytest.raises(DataError, match="different rows"):
        make_splits(SplitConfig(), FactorTable.empty(50), digests=np.zeros(50))
