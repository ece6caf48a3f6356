"""Joint bins of codes that belong together."""

import numpy as np
import pytest

from unweave.metrics.information import chance_information, entropy, entropy_terms, mutual_information, pair_counts
from unweave.metrics.partition import CELLS, joint_bins
from unweave.metrics.shares import adjusted_share

ROWS = 3000


def share(codes, labels):
    """Share of the labels' entropy that the joint bins know."""
    terms, tables = entropy_terms(len(labels), "robust"), pair_counts(joint_bins(codes)[None], labels)
    raw, chance = mutual_information(tables, terms), chance_information(tables, terms).mean
    own = np.array([entropy(np.bincount(labels), terms)])
    return float(adjusted_share(raw[:, None], own, chance[:, None])[0, 0])


def test_the_distinct_rows_of_a_one_hot_code_are_the_bins():
    labels = np.random.default_rng(0).integers(7, size=ROWS)
    bins = joint_bins(np.eye(7)[labels])
    pairs = np.unique(np.stack([bins, labels]), axis=1)
    assert pairs.shape == (2, 7)  # one bin for each class, and one class for each bin


@pytest.mark.parametrize("size", [3, 10, 40])
def test_a_one_hot_code_under_noise_knows_its_class(size):
    rng = np.random.default_rng(size)
    labels = rng.integers(size, size=ROWS)
    assert share(np.eye(size)[labels] + 0.1 * rng.normal(size=(ROWS, size)), labels) > 0.97


def test_an_angle_is_known_in_any_units_and_with_an_outlier():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, ROWS)
    labels = (angle / (2 * np.pi) * 20).astype(np.int64)
    turn = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    assert share(turn, labels) > 0.97
    assert share(turn[:, :1], labels) < 0.8  # the sine alone takes every value twice
    assert share(turn * [1e-6, 300] + [7, -2], labels) == pytest.approx(share(turn, labels), abs=0.01)
    turn[0, 0] = 1e6  # Beside it, all that the sine says is nothing, unless it is drawn in.
    assert share(turn, labels) > 0.97


def test_the_information_of_a_grid_is_that_of_its_cells():
    # Two codes that each know a half of the label, with normal noise of 0.3 steps: I / H of one half is 0.805 by
    # numerical integration (4 values), and halves are independent.
    rng = np.random.default_rng(0)
    halves = rng.integers(4, size=(20_000, 2))
    noisy = halves + 0.3 * rng.normal(size=halves.shape)
    one, two = (share(codes, halves[:, 0] * 4 + halves[:, 1]) for codes in (noisy[:, :1], noisy))
    assert two == pytest.approx(2 * one, abs=0.03)


def test_noise_knows_nothing_and_cells_are_limited():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(ROWS, 3))
    assert share(noise, rng.integers(10, size=ROWS)) < 0.03
    assert len(np.unique(joint_bins(noise))) == CELLS
    assert len(np.unique(joint_bins(noise[:100]))) == 12  # eight rows each
    assert len(np.unique(joint_bins(np.ones((50, 2))))) == 1
    assert joint_bins(noise[:1]).tolist() == [0]


def test_rows_beyond_the_sample_are_put_into_the_same_bins():
    noise = np.random.default_rng(0).normal(size=(50_000, 2))
    bins = joint_bins(noise)
    # A bin is a box: no row of another bin lies inside it.
    for bin_ in np.unique(bins)[::40]:
        inside = noise[bins == bin_]
        boxed = ((noise >= inside.min(axis=0)) & (noise <= inside.max(axis=0))).all(axis=1)
        assert (bins[boxed] == bin_).mean() > 0.99  # Rows beyond the tails are drawn in.
