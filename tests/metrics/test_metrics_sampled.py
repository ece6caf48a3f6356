"""BetaVAE and FactorVAE scores: where observations come from, what robust mode removes, intervals."""

import numpy as np
import pytest

from unweave.core import Codes, ConfigError, Factor, FactorTable, ShapeError
from unweave.metrics import Grid, beta_vae, factor_vae, scorecard
from unweave.metrics.experiment import Run, Sizes
from unweave.metrics.factor_vae import _Votes
from unweave.metrics.grid import GridSource
from unweave.metrics.sources import RowSource, draw

BOTH = pytest.mark.parametrize("metric", [beta_vae, factor_vae])
QUICK = {"train_points": 1500, "test_points": 1500}
SIZES = (3, 4, 5)
CELLS = np.stack(np.unravel_index(np.arange(60), SIZES), axis=1)


def labelled(rows, seed=0, noise=0.7):
    """Three factors and a noisy code for each."""
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(size, size=rows) for size in SIZES], axis=1)
    return factors / factors.std(axis=0) + noise * random.normal(size=factors.shape), factors


def turned(rows, seed=0):
    """Factors whose codes are turned into one another."""
    codes, factors = labelled(rows, seed, 0.3)
    return codes @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0], factors


# Where observations come from


def test_pairs_and_batches_of_rows_share_what_they_should():
    labels = np.random.default_rng(0).integers(-1, 4, size=(2, 50))
    source = RowSource(np.arange(100, 150), labels, distinct=True)
    random = np.random.default_rng(0)
    for factor in (0, 1):
        first, second = source.pairs(factor, 30, 7, random)
        batch = source.shared(factor, 30, 7, random)
        of = dict(zip(range(100, 150), labels[factor], strict=True))
        assert (np.vectorize(of.get)(first) == np.vectorize(of.get)(second)).all()
        assert (np.vectorize(of.get)(batch) == np.vectorize(of.get)(batch[:, :1])).all()
        assert (first != second).all()
        assert min(np.vectorize(of.get)(first).min(), np.vectorize(of.get)(batch).min()) >= 0


def test_rows_and_their_partners_are_drawn_uniformly():
    labels = np.array([[0, 0, 0, 1, 1, 1, 1, 1, 2, -1]])
    for distinct in (True, False):
        source = RowSource(np.arange(10), labels, distinct)
        first, second = source.pairs(0, 20_000, 1, np.random.default_rng(0))
        counts = np.zeros((10, 10))
        np.add.at(counts, (first.ravel(), second.ravel()), 1)
        same = (labels == labels.T) & (labels >= 0) & (~np.eye(10, dtype=bool) | (not distinct))
        expected = same / np.maximum(same.sum(axis=1, keepdims=True), 1)
        expected /= expected.sum()
        # Counts of 20,000 draws: four standard deviations of a binomial share.
        assert (np.abs(counts / 20_000 - expected) <= 4 * np.sqrt(expected / 20_000)).all()


def test_draws_do_not_depend_on_what_labels_are_called():
    labels = np.random.default_rng(0).integers(4, size=(1, 60))
    one, other = (RowSource(np.arange(60), names[labels], True) for names in (np.arange(4), np.array([2, 0, 3, 1])))
    for pairs in (True, False):
        a, b = (draw(source, 40, 5, np.random.default_rng(1), pairs=pairs) for source in (one, other))
        assert all(np.array_equal(x, y) for x, y in zip(a.rows, b.rows, strict=True))


def test_cells_of_a_grid_share_one_axis_and_avoid_holes():
    holes = np.array([[0, 1, 2], [2, 3, 4], [1, 1, 1]])
    grid = Grid(CELLS.astype(float), SIZES, names=["a", "b"], holes=holes)
    source, random = GridSource(grid, (0, 1)), np.random.default_rng(0)
    for axis in (0, 1):
        first, second = source.pairs(axis, 400, 5, random)
        batch = source.shared(axis, 400, 5, random)
        assert (CELLS[first][..., axis] == CELLS[second][..., axis]).all()
        assert (CELLS[batch][..., axis] == CELLS[batch[:, :1]][..., axis]).all()
        for keys in (first, second, batch, source.rows(500, random)):
            assert not np.isin(keys, np.ravel_multi_index(tuple(holes.T), SIZES)).any()
        for other in {0, 1, 2} - {axis}:  # all others vary
            assert set(CELLS[second][..., other].ravel()) == set(range(SIZES[other]))
    assert factor_vae(grid, bootstrap=0, nulls=0, **QUICK).stamp.factors == ("a", "b")


@BOTH
def test_an_encoder_sees_every_image_once_and_scores_as_its_table_does(metric):
    codes = np.random.default_rng(0).normal(size=(60, 4)) + CELLS @ np.random.default_rng(1).normal(size=(3, 4))
    seen = []

    def encode(cells):
        seen.extend(map(tuple, cells))
        return Codes(codes[np.ravel_multi_index(tuple(cells.T), SIZES)].astype(np.float32))

    grid = Grid(encode, SIZES)
    score = metric(grid, nulls=2, **QUICK)
    again = (beta_vae if metric is factor_vae else factor_vae)(grid, nulls=0, **QUICK)
    assert again.value is not None
    assert len(seen) == len(set(seen)) <= 60
    table = metric(codes.astype(np.float32), grid=SIZES, nulls=2, **QUICK)
    assert (score.value, score.interval) == (table.value, table.interval)
    np.testing.assert_allclose(score.matrix, table.matrix)


def test_a_large_grid_is_encoded_only_where_it_is_drawn():
    asked = []

    def encode(cells):
        asked.append(len(cells))
        return np.hstack([cells, cells[:, :1] * 0.5]).astype(float)

    score = factor_vae(encode, grid=(1000, 1000, 1000), batch=16, train_points=20, test_points=20, bootstrap=0, nulls=0)
    assert score.value == 1
    assert sum(asked) == score.stamp.rows <= 40 * 16


def test_what_is_passed_is_checked():
    codes, factors = labelled(60)
    with pytest.raises(ShapeError, match="60, codes"):
        beta_vae(codes[:-1], grid=SIZES)
    with pytest.raises(ConfigError, match="expected labels of the rows, or grid"):
        beta_vae(codes)
    with pytest.raises(ConfigError, match="pass no factors"):
        factor_vae(codes, factors, grid=SIZES)
    with pytest.raises(ConfigError, match="at least 2"):
        factor_vae(codes, factors, batch=1)
    with pytest.raises(ConfigError, match="one per factor"):
        Grid(codes, SIZES, names="abcd")
    with pytest.raises(ShapeError, match="One row per cell"):
        beta_vae(lambda cells: np.ones((1, 2)), grid=SIZES)


# The scores themselves


def naive_factor_vae(codes, factors, votes, batch, random):
    """The published procedure, one vote after the other."""
    variance, counts = codes.var(axis=0, ddof=1), np.zeros((2, codes.shape[1], factors.shape[1]))
    for part, number in enumerate(votes):
        for _ in range(number):
            factor, row = random.integers(factors.shape[1]), random.integers(len(codes))
            same = np.flatnonzero(factors[:, factor] == factors[row, factor])
            local = codes[random.choice(same, batch)].var(axis=0, ddof=1)
            counts[part, np.argmin(local / variance), factor] += 1
    return counts[1][np.arange(codes.shape[1]), counts[0].argmax(axis=1)].sum() / votes[1]


def naive_beta_vae(codes, factors, points, batch, random):
    """The published procedure, one point after the other."""
    from sklearn.linear_model import LogisticRegression

    x, y = [], []
    for _ in range(sum(points)):
        factor, total = random.integers(factors.shape[1]), 0
        for _ in range(batch):
            row = random.integers(len(codes))
            other = random.choice(np.flatnonzero(factors[:, factor] == factors[row, factor]))
            total = total + np.abs(codes[row] - codes[other])
        x.append(total / batch)
        y.append(factor)
    return LogisticRegression().fit(x[: points[0]], y[: points[0]]).score(x[points[0] :], y[points[0] :])


def test_reference_is_the_published_procedure():
    codes, factors = turned(300)
    slow = naive_factor_vae(codes, factors, (2000, 2000), 16, np.random.default_rng(0))
    fast = factor_vae(
        codes, factors, mode="reference", batch=16, train_points=2000, test_points=2000, bootstrap=0, nulls=0
    )
    # Shares of 2,000 points with a standard deviation of at most 0.011 each; four of the difference.
    assert fast.value == pytest.approx(slow, abs=0.045)
    slow = naive_beta_vae(codes, factors, (1000, 1000), 8, np.random.default_rng(0))
    fast = beta_vae(
        codes, factors, mode="reference", batch=8, train_points=1000, test_points=1000, bootstrap=0, nulls=0
    )
    assert fast.value == pytest.approx(slow, abs=0.065)


def test_matrix_of_votes_is_the_score():
    codes, factors = turned(600)
    score = factor_vae(codes, factors, bootstrap=0, nulls=0)
    assert score.matrix.sum() == pytest.approx(1)
    assert score.matrix.max(axis=1).sum() == pytest.approx(score.value, abs=0.02)


@BOTH
def test_rows_that_were_learnt_from_are_not_tested_on(metric):
    # Codes of noise for 60 rows: the published procedure on a fixed set recognises the rows, robust mode cannot.
    settings, fooled, robust = {"bootstrap": 0, "train_points": 1000, "test_points": 1000}, [], []
    for seed in range(6):
        random = np.random.default_rng(seed)
        factors = np.stack([random.integers(size, size=60) for size in SIZES], axis=1)
        codes = random.normal(size=(60, 6))
        fooled.append(metric(codes, factors, mode="reference", nulls=0, **settings).value)
        robust.append(metric(codes, factors, nulls=0, **settings).value)
    assert np.mean(fooled) > 0.45
    assert np.mean(robust) == pytest.approx(1 / 3, abs=0.08)  # four standard errors of six sets


@BOTH
def test_first_rows_can_be_learnt_from(metric):
    codes, factors = labelled(400)
    score = metric(codes, factors, train_rows=300, bootstrap=20, nulls=0, **QUICK)
    assert (score.stamp.settings["split"], score.stamp.settings["train_rows"]) == ("first rows", 300)
    codes[300:] = np.random.default_rng(0).permutation(codes[300:])
    ruined = metric(codes, factors, train_rows=300, bootstrap=0, nulls=0, **QUICK)
    assert ruined.value < 0.6 < score.value
    card = scorecard(codes, factors, metrics=[metric.__name__], train_rows=300, bootstrap=0, nulls=0)
    assert card[metric.__name__].stamp.settings["train_rows"] == 300


def test_a_dead_code_collapses_only_what_was_published():
    codes = np.insert(CELLS.astype(float), 1, 0.37, axis=1)
    published = [factor_vae(codes, grid=SIZES, mode="reference", threshold=t, **QUICK).value for t in (0.05, 0)]
    assert published[0] == 1
    assert published[1] == pytest.approx(1 / 3, abs=0.05)
    robust = factor_vae(codes * 1e-9, grid=SIZES, threshold=0, **QUICK)
    assert (robust.value, robust.dropped_codes) == (1, (1,))
    nothing = factor_vae(codes * 1e-9, grid=SIZES, mode="reference", nulls=0, **QUICK)
    assert nothing.value == 0  # the published score when no code is active


def test_units_matter_only_to_what_was_published():
    codes, factors = turned(600)
    small = codes * 0.01
    settings = {"bootstrap": 0, "nulls": 0, **QUICK}
    assert beta_vae(codes, factors, **settings).value == beta_vae(small, factors, **settings).value
    lost = beta_vae(small, factors, mode="reference", **settings).value
    assert lost < beta_vae(codes, factors, mode="reference", **settings).value - 0.2


@BOTH
def test_one_outlier_does_not_ruin_robust(metric):
    codes, factors = labelled(1000, noise=0.3)
    codes[5, 1] = 1e5
    assert metric(codes, factors, bootstrap=0, nulls=0, **QUICK).value > 0.97
    if metric is factor_vae:  # its variance is all that was published looks at
        assert metric(codes, factors, mode="reference", bootstrap=0, nulls=0, **QUICK).value < 0.75


def test_a_constant_axis_is_named_in_robust_and_drawn_in_reference():
    for metric in (beta_vae, factor_vae):
        robust = metric(CELLS.astype(float), grid=(3, 4, 1, 5), nulls=0, **QUICK)
        assert (robust.value, robust.dropped_factors) == (1, ("factor_2",))
        assert "only one" in metric(CELLS.astype(float), grid=(60, 1), nulls=0).reason
    reference = factor_vae(CELLS.astype(float), grid=(3, 4, 1, 5), mode="reference", nulls=0, bootstrap=0)
    assert reference.dropped_factors == ()
    # One draw of four holds nothing, and the code that varies least is any of the three.
    assert reference.value == pytest.approx(0.75, abs=0.03)


@BOTH
def test_measurements_angles_and_gaps(metric):
    random = np.random.default_rng(0)
    angle, size = random.uniform(0, 360, 800), random.normal(size=800)
    kinds = (Factor(name="pose", kind="circular", range=(0, 360)), Factor(name="size", kind="continuous"))
    known = random.random((800, 2)) < 0.7
    table = FactorTable(kinds, np.where(known, np.stack([angle, size], axis=1), 0), known)
    codes = np.stack([np.sin(np.radians(angle)), np.cos(np.radians(angle)), size, random.normal(size=800)], axis=1)
    assert metric(codes, table, bootstrap=0, nulls=0, **QUICK).value > 0.95
    unscored = metric(codes, table, mode="reference")
    assert "'pose'" in unscored.reason


def test_weights_decide_what_counts():
    codes, factors = labelled(600, noise=0.2)
    codes[:, 0] = np.random.default_rng(0).normal(size=600)
    ratio = {"bootstrap": 0, "nulls": 0, **QUICK}
    names = [f"factor_{k}" for k in range(3)]
    only = [factor_vae(codes, factors, weights={n: float(n == name) for n in names}, **ratio).value for name in names]
    assert only[1] > 0.9
    equal = factor_vae(codes, factors, **ratio).value
    assert equal == pytest.approx(np.mean(only), abs=0.03)
    nothing = factor_vae(
        codes, np.insert(factors, 3, 0, axis=1), weights={**dict.fromkeys(names, 0.0), "factor_3": 1.0}
    )
    assert "weights" in nothing.reason


# Intervals


@BOTH
def test_intervals_of_tables_hold_other_seeds(metric):
    codes = CELLS / CELLS.std(axis=0) @ (np.eye(3) - 2 / 3)
    settings = {"train_points": 300, "test_points": 300, "batch": 8, "nulls": 0}
    scores = [metric(codes, grid=SIZES, seed=seed, **settings) for seed in range(25)]
    truth = np.mean([score.value for score in scores])
    covered = sum(score.interval[0] <= truth <= score.interval[1] for score in scores)
    assert 0.35 < truth < 0.9
    assert covered >= 21  # with 95 %, 25 or 24 or … 21 have a probability of 0.993


@BOTH
def test_intervals_of_rows_hold_other_rows(metric):
    settings = {"nulls": 0, "train_points": 600, "test_points": 600}
    truth = np.mean([metric(*labelled(500, 1000 + seed), bootstrap=0, **settings).value for seed in range(40)])
    scores = [metric(*labelled(500, seed), seed=seed, **settings) for seed in range(25)]
    assert sum(score.interval[0] <= truth <= score.interval[1] for score in scores) >= 21
    # An interval of everything would hold it too.
    assert np.mean([score.interval[1] - score.interval[0] for score in scores]) < 0.15


def test_leaving_rows_out_is_leaving_them_out():
    random = np.random.default_rng(0)
    table, groups = random.normal(size=(30, 2)), np.arange(30) % 3
    source = RowSource(np.arange(30), np.zeros((1, 30), dtype=np.int64), True)
    draws = draw(source, 50, 12, random, pairs=False)
    run = Run(_Votes(0.0), None, Sizes(12, 50, 50), "robust", None, (), None)
    for group, shown in enumerate(run.shown_without(table, draws, groups)):
        for point, rows in enumerate(draws.rows[0]):
            assert shown[point] == table[rows[groups[rows] != group]].var(axis=0).argmin()
