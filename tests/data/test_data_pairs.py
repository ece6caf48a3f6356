"""Partners from label columns: a pure function, of the same group, never across the split."""

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from unweave.core.errors import DataError
from unweave.core.seeds import generator
from unweave.data.config import DataConfig, PairsConfig
from unweave.data.pairs import RowPartners, row_partners

GROUPS = generator(0, "groups").integers(0, 7, 200)
TRAIN = np.flatnonzero(generator(0, "train").random(200) < 0.7)
OBSERVATIONS = np.arange(200, dtype=np.float32)[:, None]


def partners(train=TRAIN, groups=GROUPS, order=None):
    return RowPartners(OBSERVATIONS, train, groups, order)


def drawn(made, rows=TRAIN, times=1, seed=0):
    return np.concatenate([made.rows(rows, generator(seed, "draw", i)) for i in range(times)])


def test_a_partner_is_another_training_row_of_the_same_group():
    found, rows = drawn(partners(), times=50), np.tile(TRAIN, 50)
    assert np.isin(found, TRAIN).all()
    assert (GROUPS[found] == GROUPS[rows]).all()
    assert (found != rows).all()


def test_every_other_row_of_the_group_comes_equally_often():
    row = TRAIN[0]
    mates = TRAIN[(GROUPS[TRAIN] == GROUPS[row]) & (row != TRAIN)]
    found = partners().rows(np.full(20_000, row), generator(0, "often"))
    values, counts = np.unique(found, return_counts=True)
    assert values.tolist() == mates.tolist()
    wanted = 20_000 / len(mates)
    assert (np.abs(counts - wanted) < 5 * np.sqrt(wanted)).all()  # five standard deviations of a count


def test_draws_depend_on_the_generator_alone():
    assert np.array_equal(drawn(partners()), drawn(partners()))
    assert not np.array_equal(drawn(partners()), drawn(partners(), seed=1))
    assert partners().draw(TRAIN, generator(0, "draw", 0))[:, 0].tolist() == drawn(partners()).tolist()


def test_in_an_order_partners_are_neighbours():
    frame = generator(0, "frames").permutation(200).astype(float)
    found, rows = drawn(partners(order=frame), times=50), np.tile(TRAIN, 50)
    assert np.isin(found, TRAIN).all()
    for row in TRAIN:
        mates = TRAIN[GROUPS[TRAIN] == GROUPS[row]]
        line = mates[np.argsort(frame[mates])].tolist()
        place = line.index(row)
        wanted = {line[p] for p in (place - 1, place + 1) if 0 <= p < len(line)}
        assert set(found[rows == row]) == wanted


def test_rows_without_a_group_or_alone_are_their_own_partners():
    groups = np.array([0, 0, 1, -1, -1])
    made = RowPartners(OBSERVATIONS[:5], np.arange(5), groups)
    assert drawn(made, np.arange(5)).tolist() == [1, 0, 2, 3, 4]
    order = np.array([1.0, np.nan, 1.0, 2.0, 3.0])
    made = RowPartners(OBSERVATIONS[:5], np.arange(5), np.zeros(5, dtype=np.int64), order)
    assert set(drawn(made, np.array([1, 4, 4]), times=20)) == {1, 3}


def test_the_digest_covers_groups_order_and_training_rows():
    frame = np.arange(200.0)
    made = [partners(), partners(groups=GROUPS[::-1]), partners(TRAIN[1:]), partners(order=frame)]
    assert len({p.digest for p in made}) == 4
    assert partners().digest == partners().digest


class Store:
    observations = OBSERVATIONS[:4]

    def __init__(self, **columns):
        self.columns = pa.table(columns)

    def __len__(self):
        return 4


def test_columns_make_pairs():
    data = Store(person=["a", "b", "a", "b"], frame=["1", "2", "3", "4"])
    by = row_partners(PairsConfig(by="person"), data, np.arange(4))
    assert drawn(by, np.arange(4)).tolist() == [2, 3, 0, 1]
    order = row_partners(PairsConfig(order="frame"), data, np.arange(4))
    assert drawn(order, np.array([0, 3])).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("pairs", "columns", "said"),
    [
        (PairsConfig(by="persn"), {"person": list("aabb")}, "Did you mean 'person'"),
        (PairsConfig(by="person"), {"person": list("abcd")}, "no training row has a partner"),
        (PairsConfig(order="frame"), {"frame": ["1", "two", "3", "4"]}, "expected numbers.*'two'"),
    ],
)
def test_what_makes_no_pairs_is_explained(pairs, columns, said):
    with pytest.raises(DataError, match=said):
        row_partners(pairs, Store(**columns), np.arange(4))


@pytest.mark.parametrize("section", [{}, {"by": "person", "change": 1}, {"change": 0}, {"change": "many"}], ids=str)
def test_a_section_that_says_too_little_or_too_much_is_refused(section):
    with pytest.raises(ValidationError):
        DataConfig(images="builtin:sprites", pairs=section)


def test_changed_factors_are_for_built_in_sets():
    with pytest.raises(ValidationError, match="`by` or `order`"):
        DataConfig(images="photos", pairs={"change": 1})
