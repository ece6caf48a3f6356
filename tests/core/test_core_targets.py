"""Labels become numbers that a net can aim at, and back."""

import numpy as np
import pytest

from unweave.core.errors import DataError
from unweave.core.factors import Factor, FactorTable
from unweave.core.targets import Target, targets_of

SIZE = Factor(name="size", kind="ordinal", values=("s", "m", "l", "xl"))
SHAPE = Factor(name="shape", kind="categorical", values=("square", "heart"))
TURN = Factor(name="turn", kind="circular", range=(-180, 180))
RANGED = Factor(name="x", kind="continuous", range=(0, 10))
FREE = Factor(name="age", kind="continuous")


def table(*columns):
    factors, values = zip(*columns, strict=True)
    array = np.array(values, dtype=np.float64).T
    return FactorTable(factors, np.nan_to_num(array), ~np.isnan(array))


def test_labels_spread_evenly_over_their_range_get_mean_0_and_variance_1():
    even = np.linspace(0, 10, 4001)
    for factor, labels in ((SIZE, np.arange(4.0).repeat(100)), (RANGED, even), (FREE, 3 * even + 7)):
        numbers = targets_of(table((factor, labels)))[0].normalise(labels)
        assert numbers.dtype == np.float32
        # 4,001 points of a line have a variance by 1/2000 above that of the line.
        assert (numbers.mean(), numbers.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-3))


def test_a_class_stays_its_code_and_an_angle_becomes_radians():
    shape, turn = targets_of(table((SHAPE, [0, 1, 1]), (TURN, [-180, 0, 90])))
    assert shape.normalise(np.array([0.0, 1.0])).tolist() == [0, 1]
    assert shape.classes == 2
    np.testing.assert_allclose(turn.normalise(np.array([-180.0, 0, 90])), [0, np.pi, 1.5 * np.pi], rtol=1e-6)


def test_a_declared_range_decides_rather_than_a_handful_of_labels():
    few, many = (targets_of(table((RANGED, labels)))[0] for labels in ([9.0, 9.5], np.linspace(0, 10, 50)))
    assert few == many


def test_missing_labels_do_not_count():
    with_gap, without = (targets_of(table((FREE, labels)))[0] for labels in ([1.0, np.nan, 3.0, np.nan], [1.0, 3.0]))
    assert with_gap == without == Target(FREE, 2.0, 1.0)


@pytest.mark.parametrize("factor", [SIZE, SHAPE, TURN, RANGED, FREE], ids=lambda f: f.name)
def test_there_and_back(factor):
    labels = np.array([0.0, 1.0, 1.0, 0.0])
    target = targets_of(table((factor, labels)))[0]
    np.testing.assert_allclose(target.restore(target.normalise(labels)), labels, atol=1e-5)
    assert Target.from_json(target.to_json()) == target


def test_classes_without_names_are_counted():
    target = targets_of(table((Factor(name="n", kind="ordinal"), [0, 2, 1])))[0]
    assert (target.factor.values, target.centre) == (("0", "1", "2"), 1.0)


@pytest.mark.parametrize(
    ("factor", "labels", "said"), [(FREE, [2.0, 2.0], "is 2 in every"), (SIZE, [np.nan], "has no label")]
)
def test_what_cannot_be_aimed_at_is_refused(factor, labels, said):
    with pytest.raises(DataError, match=said):
        targets_of(table((factor, labels)))
