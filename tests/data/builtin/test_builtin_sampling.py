import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from unweave.core.errors import ConfigError
from unweave.data.builtin.sampling import cells_left, draw

# A test of a correct sampler fails with this probability per seed; the seeds are fixed, so it passes or fails for good.
ALPHA = 1e-3
ROWS = 20_000


def expected(sizes, correlate, leave_out=None, fixed=None):
    """Probability of every cell, cell by cell and straight from the definition."""
    weights = np.zeros(sizes)
    for cell in np.ndindex(*sizes):
        a, b, strength = correlate
        gap = cell[a] / (sizes[a] - 1) - cell[b] / (sizes[b] - 1)
        weights[cell] = np.exp(-(gap**2) / (2 * strength**2))
        if leave_out and all(cell[axis] in classes for axis, classes in leave_out.items()):
            weights[cell] = 0
        if any(cell[axis] != value for axis, value in (fixed or {}).items()):
            weights[cell] = 0
    return weights / weights.sum()


def assert_distributed(index, probabilities):
    """Chi-square test of counts; cells that are too rare for it are pooled into one."""
    counts = np.bincount(np.ravel_multi_index(tuple(index.T), probabilities.shape), minlength=probabilities.size)
    wanted = probabilities.ravel() * len(index)
    assert counts[wanted == 0].sum() == 0
    rare = (wanted > 0) & (wanted < 5)
    seen, due = list(counts[wanted >= 5]), list(wanted[wanted >= 5])
    if rare.any():
        seen.append(counts[rare].sum())
        due.append(wanted[rare].sum())
    assert stats.chisquare(seen, due).pvalue > ALPHA


grids = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@st.composite
def requests(draw_from):
    sizes = draw_from(grids)
    axes = st.integers(0, len(sizes) - 1)
    fixed = {axis: draw_from(st.integers(0, sizes[axis] - 1)) for axis in draw_from(st.sets(axes, max_size=2))}
    leave_out = {
        axis: draw_from(st.lists(st.integers(0, sizes[axis] - 1), min_size=1, max_size=3))
        for axis in draw_from(st.sets(axes, max_size=2))
    }
    correlate = None
    if len(sizes) > 1 and draw_from(st.booleans()):
        a, b = draw_from(st.permutations(range(len(sizes))))[:2]
        correlate = a, b, draw_from(st.sampled_from([1e-3, 0.1, 1.0]))
    holes = draw_from(st.lists(st.tuples(*(st.integers(0, size - 1) for size in sizes)), max_size=5))
    return sizes, {
        "fixed": fixed or None,
        "leave_out": leave_out or None,
        "correlate": correlate,
        "holes": np.array(holes, dtype=np.int64) if holes else None,
    }


@settings(max_examples=200, deadline=None)
@given(request=requests(), rows=st.integers(1, 300), seed=st.integers(0, 2**31))
def test_a_draw_keeps_its_promises(request, rows, seed):
    sizes, options = request
    cells = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), 1)
    fixed, leave_out = options["fixed"] or {}, options["leave_out"]
    allowed = np.all([cells[:, a] == v for a, v in fixed.items()], axis=0) & np.ones(len(cells), dtype=bool)
    if leave_out:
        allowed &= ~np.all([np.isin(cells[:, a], c) for a, c in leave_out.items()], axis=0)
    if options["holes"] is not None:
        allowed[np.ravel_multi_index(tuple(options["holes"].T), sizes)] = False
    if not allowed.any():
        with pytest.raises(ConfigError, match="no combination"):
            draw(sizes, rows, seed=seed, **options)
        return
    index = draw(sizes, rows, seed=seed, **options)
    assert index.dtype == np.int64
    assert index.shape == (rows, len(sizes))
    numbers = np.ravel_multi_index(tuple(index.T), sizes)  # fails outside of the grid
    assert allowed[numbers].all()
    np.testing.assert_array_equal(index, draw(sizes, rows, seed=seed, **options))
    if not fixed:
        assert allowed.sum() == cells_left(sizes, leave_out, options["holes"])
        if options["correlate"] is None and rows <= allowed.sum():
            assert len(set(numbers)) == rows


def test_seeds_and_order_are_random():
    first, second = (draw((3, 6, 40), 720, seed=seed) for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(np.unique(first, axis=0), np.unique(second, axis=0))
    assert not np.array_equal(first, np.unique(first, axis=0))


def test_cells_are_uniform():
    index = draw((3, 4, 5), ROWS, seed=0)
    assert_distributed(index, np.full((3, 4, 5), 1 / 60))


def test_few_rows_of_a_large_grid_are_uniform_per_axis():
    sizes = (3, 6, 40, 32, 32)
    index = draw(sizes, ROWS, seed=0)
    for axis, size in enumerate(sizes):
        assert_distributed(index[:, [axis]], np.full(size, 1 / size))


@pytest.mark.parametrize("strength", [0.1, 0.2, 1.0])
@pytest.mark.parametrize("axes", [(0, 2), (2, 0), (1, 3)])
def test_correlated_axes_have_the_published_density(axes, strength):
    sizes = (3, 4, 6, 2)
    index = draw(sizes, ROWS, seed=0, correlate=(*axes, strength))
    assert_distributed(index, expected(sizes, (*axes, strength)))


def test_correlation_is_conditional_on_what_is_fixed_or_left_out():
    sizes, correlate = (5, 3, 4), (0, 2, 0.3)
    for options in (
        {"fixed": {0: 4}},
        {"fixed": {1: 2}},
        {"leave_out": {0: [0, 1], 1: [1]}},
        {"leave_out": {2: [3], 1: [0]}, "fixed": {0: 3}},
    ):
        index = draw(sizes, ROWS, seed=0, correlate=correlate, **options)
        assert_distributed(index, expected(sizes, correlate, **options))


def test_a_fixed_axis_leaves_the_others_uniform():
    index = draw((3, 4, 5), ROWS, seed=0, fixed={1: 2})
    assert set(index[:, 1]) == {2}
    assert_distributed(index[:, [0, 2]], np.full((3, 5), 1 / 15))


def test_a_narrow_correlation_that_meets_no_allowed_cell_takes_the_nearest():
    # 0.5 lies between 0.4 and 0.6; both are 100 strengths away, which underflows without care.
    index = draw((3, 6), 200, seed=0, correlate=(0, 1, 1e-3), fixed={0: 1})
    assert set(index[:, 1]) == {2, 3}


def test_counts_of_classes_named_twice():
    assert cells_left((3, 4), {0: [1, 1], 1: [0, 2]}, None) == 10
    assert cells_left((3, 4), None, None) == 12
    assert cells_left((3, 4), {0: [1]}, np.array([[0, 0], [1, 2]])) == 7


def test_a_fixed_class_must_be_there():
    with pytest.raises(ConfigError, match="axis 1 has classes 0 to 3, got 4"):
        draw((3, 4), 5, seed=0, fixed={1: 4})
