"""The boundary: what users pass becomes one validated problem, or an error that helps."""

import numpy as np
import pytest

from unweave.core import Codes, DataError, Factor, FactorTable, ShapeError
from unweave.metrics import mig
from unweave.metrics.inputs import as_problem

CODES = np.random.default_rng(0).normal(size=(200, 3))
LABELS = np.random.default_rng(1).integers(4, size=(200, 2))


def test_codes_and_tables_are_taken_as_they_are():
    table = FactorTable((Factor(name="shape", kind="categorical"),), np.zeros((200, 1)), np.ones((200, 1), dtype=bool))
    problem = as_problem(Codes(CODES.astype(np.float32), np.zeros((200, 3), dtype=np.float32)), table)
    assert problem.factors is table
    assert problem.codes.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int64, bool])
def test_other_numbers_become_float64(dtype):
    assert as_problem(CODES.astype(dtype), LABELS).codes.dtype == np.float64


@pytest.mark.parametrize(
    ("labels", "kind", "names", "values", "known"),
    [
        ([7, -1, 7], "ordinal", ("-1", "7"), [1, 0, 1], [1, 1, 1]),
        ([0.5, np.nan, 2.0], "ordinal", ("0.5", "2.0"), [0, 0, 1], [1, 0, 1]),
        (["b", "", "a"], "categorical", ("a", "b"), [1, 0, 0], [1, 0, 1]),
        ([True, False, True], "categorical", ("False", "True"), [1, 0, 1], [1, 1, 1]),
        (np.array(["b", None, "a"], dtype=object), "categorical", ("a", "b"), [1, 0, 0], [1, 0, 1]),
        (np.array([2, None, 1], dtype=object), "ordinal", ("1.0", "2.0"), [1, 0, 0], [1, 0, 1]),
    ],
)
def test_columns_of_labels(labels, kind, names, values, known):
    table = as_problem(CODES[:3], np.asarray(labels)[:, None]).factors
    assert (table.factors[0].name, table.factors[0].kind, table.factors[0].values) == ("factor_0", kind, names)
    assert table.values[:, 0].tolist() == values
    assert table.known[:, 0].tolist() == [bool(k) for k in known]


def test_many_numbers_are_a_measurement():
    numbers = np.arange(200.0)[:, None] / 3
    table = as_problem(CODES, numbers).factors
    assert table.factors[0].kind == "continuous"
    np.testing.assert_array_equal(table.values, numbers)


@pytest.mark.parametrize(
    ("codes", "labels", "part"),
    [
        (CODES.T, LABELS, r"codes.*\(200, codes\).*\(3, 200\).*pass codes.T"),
        (CODES, LABELS.T, r"factors.*pass factors.T"),
        (CODES.T, LABELS.T, "codes.T and factors.T"),
        (CODES[:, :2].T, LABELS.T, "codes.T and factors.T"),
        (CODES[:-1], LABELS, "same rows in the same order"),
        (CODES[:-1], np.zeros((200, 3)), "same rows in the same order"),
        (CODES[:, 0], LABELS, r"codes\[:, None\]"),
        (CODES, LABELS[:, 0], r"factors\[:, None\]"),
        (CODES[:, :0], LABELS, "codes"),
        (CODES[None], LABELS, "codes"),
    ],
)
def test_wrong_shapes_say_what_to_do(codes, labels, part):
    with pytest.raises(ShapeError, match=part):
        as_problem(codes, labels)


def test_few_rows_are_not_taken_for_transposed_arrays():
    assert len(as_problem(CODES[:2], LABELS[:2]).codes) == 2
    assert len(as_problem(CODES[:2], np.zeros((2, 3))).codes) == 2


@pytest.mark.parametrize(
    ("codes", "labels", "part"),
    [
        (np.where(CODES > 2, np.nan, CODES), LABELS, "NaN or infinite, the first in row"),
        (np.where(CODES > 2, np.inf, CODES), LABELS, "NaN or infinite"),
        (CODES * 1e200, LABELS, "too large"),
        (CODES.astype(str), LABELS, "real numbers"),
        (CODES + 1j, LABELS, "real numbers"),
        (CODES[:0], LABELS[:0], "no rows"),
        (CODES, np.where(LABELS > 2, np.inf, LABELS), "infinite labels"),
        (CODES, LABELS + 1j, "integers, floats or strings"),
        (CODES[:2], np.array([[1, "a"], ["b", 2]], dtype=object), "mixes text and numbers"),
    ],
)
def test_wrong_values_say_what_to_do(codes, labels, part):
    with pytest.raises(DataError, match=part):
        as_problem(codes, labels)


def test_dead_codes():
    random = np.random.default_rng(0)
    tiny, noise = random.normal(size=200) * 1e-20, 0.37 * (1 + 4e-16 * random.integers(2, size=200))
    assert len(np.unique(noise)) == 2
    codes = np.stack([np.zeros(200), np.full(200, 0.37), tiny, noise, 1e8 + CODES[:, 0]], axis=1)
    assert as_problem(codes, LABELS).dead.tolist() == [True, True, False, True, False]
    rounded = np.float32(0.37) * (1 + np.float32(1e-7) * random.integers(3, size=(200, 1)).astype(np.float32))
    assert as_problem(rounded, LABELS).dead.tolist() == [True]


def test_a_code_that_the_encoders_noise_drowns_is_dead_in_robust_mode():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 4, (2000, 2))
    # The third code holds the first factor exactly, but at a hundredth of the noise.
    means = np.column_stack([factors, 0.01 * factors[:, 0]]).astype(np.float32)
    logvar = np.array([[-6.0, -6.0, 0.0]], np.float32).repeat(2000, axis=0)
    quiet, loud = (mig(codes, factors, bootstrap=0, nulls=0) for codes in (Codes(means, logvar), Codes(means)))
    assert quiet.dropped_codes == (2,)
    assert quiet.value > 0.99
    assert loud.value < 0.6
    assert quiet.stamp.settings != loud.stamp.settings
    assert mig(Codes(means, logvar), factors, mode="reference", bootstrap=0, nulls=0).value < 0.6


def test_the_bound_is_the_capacity_of_the_channel():
    z = np.random.default_rng(0).normal(size=(1000, 2))
    z = z / z.std(axis=0)
    variance = 1 / np.expm1(2 * 0.01)  # the noise through which unit variance carries 0.01 nats
    logvar = np.log([[0.99 * variance, 1.01 * variance]]).repeat(1000, axis=0)
    assert as_problem(Codes(z, logvar), np.zeros((1000, 1))).dead.tolist() == [False, True]


def test_log_variances_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match="logvar"):
        as_problem(Codes(np.zeros((5, 2)), np.zeros((5, 1))), np.zeros((5, 1)))
