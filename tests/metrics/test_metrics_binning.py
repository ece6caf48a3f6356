"""Bins and classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unweave.core import Factor
from unweave.metrics.binning import FACTOR_BINS, classes, code_bins, equal_width_bins, quantile_bins

values = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60).map(np.array)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_width_bins_are_those_of_disentanglement_lib(dtype):
    random = np.random.default_rng(0)
    for code in (random.normal(size=999), random.integers(8, size=999) / 10, np.full(9, 0.37), np.arange(21.0)):
        code = code.astype(dtype)
        expected = np.digitize(code, np.histogram(code, 20)[1][:-1]) - 1
        np.testing.assert_array_equal(equal_width_bins(code), expected)


@settings(max_examples=60, deadline=None)
@given(values, st.integers(2, 12))
def test_quantile_bins_keep_order_and_ties(code, bins):
    index = quantile_bins(code, bins)
    assert index.min() == 0
    assert index.max() < bins
    order = np.argsort(code, kind="stable")
    assert (np.diff(index[order]) >= 0).all()
    assert all(len(set(index[code == value])) == 1 for value in code)
    if len(np.unique(code)) <= bins:
        assert len(np.unique(index)) == len(np.unique(code))


def test_quantile_bins_are_equally_full_without_ties():
    counts = np.bincount(quantile_bins(np.random.default_rng(0).normal(size=1003), 20))
    assert set(counts.tolist()) == {50, 51}


def test_robust_bins_hold_three_rows_or_more():
    codes = np.random.default_rng(0).normal(size=(30, 2))
    assert code_bins(codes, "robust").max() == 9
    assert code_bins(np.random.default_rng(0).normal(size=(6000, 2)), "robust").max() == 59


def test_classes():
    random = np.random.default_rng(0)
    pose = Factor(name="pose", kind="circular", range=(-180, 180))
    np.testing.assert_array_equal(classes(pose, np.array([-180.0, 0, 180, 540]), "robust"), [0, 1, 0, 0])
    size = Factor(name="size", kind="continuous")
    np.testing.assert_array_equal(classes(size, np.array([2.5, 1.5, 2.5]), "reference"), [1, 0, 1])
    measured = random.normal(size=1000)
    assert classes(size, measured, "reference") is None
    assert np.bincount(classes(size, measured, "robust")).tolist() == [50] * FACTOR_BINS
    whole = random.integers(500, size=1000).astype(float)
    assert len(np.unique(classes(size, whole, "reference"))) == len(np.unique(whole))
    kind = Factor(name="kind", kind="categorical")
    assert classes(kind, np.arange(300.0), "robust").max() == 299
