import numpy as np
import pytest

from unweave.core.errors import ConfigError
from unweave.data.builtin.registry import builtin_set, draw_rows
from unweave.data.config import DataConfig

SIZES = {
    "sprites": (32, 64),
    "sprites-color": (32, 64),
    "sprites-noisy": (32, 64),
    "scenes": (32, 64, 128),
    "digits": (8, 16, 32),
}
EVERY = [(name, size) for name, sizes in SIZES.items() for size in (None, *sizes)]


def rows_of(name, **settings):
    generated = builtin_set(name, size=None)
    return generated, draw_rows(generated, DataConfig(images=f"builtin:{name}", **settings))


@pytest.mark.parametrize(("name", "size"), EVERY)
def test_every_set_keeps_the_contract(name, size):
    generated = builtin_set(name, size=size)
    assert generated.name == name
    assert generated.shape[0] == generated.shape[1] == (size or {"digits": 8}.get(name, 64))
    index = draw_rows(generated, DataConfig(images=f"builtin:{name}", rows=12))
    images, labels = generated.render(index), generated.labels(index)
    assert images.dtype == np.uint8
    assert images.shape == (12, *generated.shape)
    assert labels.dtype == np.float64
    assert labels.shape == (12, len(generated.factors))
    for factor, column in zip(generated.factors, labels.T, strict=True):
        low, high = factor.range or (0, len(factor.values) - 1)
        assert low <= column.min()
        assert column.max() < factor.range[1] if factor.kind == "circular" else column.max() <= high
    # A function of the cell alone: another instance, another order and other neighbours make no difference.
    other = builtin_set(name, size=size)
    np.testing.assert_array_equal(other.render(index[::-1]), images[::-1])
    np.testing.assert_array_equal(generated.render(index[4:5]), images[4:5])
    assert generated.render(index[:0]).shape == (0, *generated.shape)


@pytest.mark.parametrize("name", SIZES)
def test_every_class_has_a_label(name):
    generated = builtin_set(name)
    for axis, factor in enumerate(generated.factors):
        index = np.zeros((generated.sizes[axis], len(generated.sizes)), dtype=np.int64)
        index[:, axis] = np.arange(len(index))
        labels = generated.labels(index)[:, axis]
        if factor.is_discrete:
            assert labels.tolist() == list(range(len(factor.values)))
        elif factor.kind == "continuous":
            np.testing.assert_allclose(labels, np.linspace(*factor.range, len(labels)))
        else:
            turn = np.append(labels[labels > 0], factor.range[1])
            np.testing.assert_allclose(turn, np.linspace(*factor.range, len(turn) + 1)[1:])


def test_unknown_names_and_sizes():
    with pytest.raises(ConfigError, match=r"'sprits'. Did you mean sprites\?"):
        builtin_set("sprits", size=None)
    with pytest.raises(ConfigError, match=r"There are: sprites, sprites-color, sprites-noisy, scenes, digits"):
        builtin_set("faces", size=None)
    with pytest.raises(ConfigError, match=r"data.size: builtin:scenes is drawn at 32, 64, 128 pixels, got 48"):
        builtin_set("scenes", size=48)


def test_rows_by_default():
    assert len(rows_of("sprites")[1]) == 50_000
    assert len(rows_of("sprites", rows=70)[1]) == 70
    assert len(np.unique(rows_of("digits")[1], axis=0)) == 1797


def test_the_seed_of_the_split_draws_the_rows():
    first, again, other = (rows_of("scenes", rows=50, split={"seed": seed})[1] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_left_out_combinations_by_name_and_by_class():
    generated, index = rows_of("sprites", rows=20_000, leave_out={"shape": ["heart", 0], "scale": [0, "0.6"]})
    assert generated.factors[1].values[:2] == ("0.5", "0.6")
    hidden = np.isin(index[:, 0], [0, 2]) & (index[:, 1] < 2)
    assert not hidden.any()
    assert len(np.unique(index[:, :2], axis=0)) == 18 - 4


def test_left_out_digits():
    generated, index = rows_of("digits", leave_out={"digit": ["3", 7]})
    digits, counts = np.unique(generated.labels(index), return_counts=True)
    assert digits.tolist() == [0, 1, 2, 4, 5, 6, 8, 9]
    assert counts.sum() == len(np.unique(index, axis=0)) == 1797 - 183 - 179
    with pytest.raises(ConfigError, match="no combination"):
        rows_of("digits", leave_out={"digit": list(range(10))}, rows=5)


def test_correlated_factors():
    _, index = rows_of("sprites", rows=5_000, correlate={"factors": ["scale", "x"], "strength": 0.1})
    assert np.corrcoef(index[:, 1], index[:, 3])[0, 1] > 0.9
    assert abs(np.corrcoef(index[:, 1], index[:, 4])[0, 1]) < 0.06  # four standard errors of no correlation


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"leave_out": {"shpe": ["heart"]}}, r"data.leave_out: .* no factor 'shpe'. Did you mean shape\?"),
        ({"leave_out": {"zzz": [0]}}, "There are: shape, scale, orientation, x, y"),
        ({"leave_out": {"shape": ["star"]}}, "class from 0 to 2 or one of square, ellipse, heart, got 'star'"),
        ({"leave_out": {"x": [32]}}, "data.leave_out.x: expected a class from 0 to 31, got 32"),
        ({"leave_out": {"x": [-1]}}, "got -1"),
        ({"rows": 737_281}, "data.rows: builtin:sprites has 737,280 images to draw from, got 737,281"),
        ({"leave_out": {"shape": [0, 1, 2]}}, "no combination"),
        ({"correlate": {"factors": ["x", "z"]}}, "data.correlate: .* no factor 'z'"),
        ({"correlate": {"factors": ["x", "x"]}}, "two different factors, got 'x' twice"),
    ],
)
def test_what_cannot_be_used_is_named(settings, message):
    with pytest.raises(ConfigError, match=message):
        rows_of("sprites", **settings)
