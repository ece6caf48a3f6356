import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unweave.core.errors import DataError
from unweave.data.sampling import BatchOrder

SIZES = {"n": st.integers(1, 40), "batch": st.integers(1, 90), "seed": st.integers(0, 2**31)}


def _rows(n):
    return np.arange(n, dtype=np.int64) * 3 + 5


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_every_row_comes_once_per_epoch(n, batch, seed):
    order = BatchOrder(_rows(n), batch, seed)
    epochs = 3
    line = np.concatenate([order.indices(step) for step in range(-(-epochs * n // batch))])
    for epoch in range(epochs):
        assert sorted(line[epoch * n : (epoch + 1) * n]) == _rows(n).tolist()


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.integers(0, 200), min_size=1, max_size=12), **SIZES)
def test_a_batch_depends_on_seed_and_step_only(steps, n, batch, seed):
    order = BatchOrder(_rows(n), batch, seed)
    for step in steps:
        indices = order.indices(step)
        assert indices.shape == (batch,)
        assert indices.dtype == np.int64
        np.testing.assert_array_equal(indices, BatchOrder(_rows(n), batch, seed).indices(step))


def test_epochs_and_seeds_differ():
    order = BatchOrder(_rows(64), 64, 0)
    assert not np.array_equal(order.indices(0), order.indices(1))
    assert not np.array_equal(order.indices(0), BatchOrder(_rows(64), 64, 1).indices(0))


def test_a_caller_cannot_spoil_later_batches():
    order = BatchOrder(_rows(8), 4, 0)
    first = order.indices(0)
    expected = first.copy()
    first[:] = -1
    np.testing.assert_array_equal(order.indices(0), expected)


@pytest.mark.parametrize(("rows", "batch"), [([], 4), ([1], 0)])
def test_nothing_to_draw_is_refused(rows, batch):
    with pytest.raises(DataError):
        BatchOrder(np.array(rows, dtype=np.int64), batch, 0)
