"""UDR: another implementation, dead dimensions, and when it declines to choose."""

import json

import numpy as np
import pytest

from unweave.core import ConfigError, DataError, ShapeError
from unweave.metrics import udr
from unweave.metrics.agreement import lasso_weights, rank_correlations, relative_strength, rotated, standardised

METHODS = pytest.mark.parametrize("method", ["lasso", "spearman"])
SOURCES = np.random.default_rng(0).laplace(size=(600, 5))


def model(seed, noise=0.2, turn=False):
    """Codes that are the sources in another order, with other signs and noise, on request rotated into one another."""
    random = np.random.default_rng(seed)
    codes = (SOURCES + noise * random.normal(size=SOURCES.shape))[:, random.permutation(5)] * random.choice([-1, 1], 5)
    return codes @ np.linalg.qr(random.normal(size=(5, 5)))[0] if turn else codes


def test_relations_are_those_of_other_implementations():
    from scipy.stats import spearmanr
    from sklearn.linear_model import Lasso

    codes = standardised(np.stack([model(1), model(2, 1.0, turn=True), np.round(model(3))]))
    lasso, ranks = lasso_weights(codes), rank_correlations(codes)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        alone = np.abs(Lasso(alpha=0.1).fit(codes[i], codes[j]).coef_).T
        np.testing.assert_allclose(lasso[i, j], alone, atol=1e-12)
        both = np.abs(spearmanr(codes[i], codes[j]).statistic[:5, 5:])
        np.testing.assert_allclose(ranks[i, j], both, atol=1e-12)


def test_strength_is_one_for_permutations():
    assert relative_strength(np.eye(4)[[2, 0, 3, 1]]) == 1
    assert relative_strength(np.full((4, 4), 0.5)) == pytest.approx(0.5 / 4)
    # One of two rows is dead: the columns score 1 and 0, the rows too.
    assert relative_strength(np.array([[1.0, 0.0], [0.0, 0.0]])) == 0.5


@METHODS
def test_a_copy_scores_the_ceiling_and_noise_nothing(method):
    noise = np.random.default_rng(9).normal(size=SOURCES.shape)
    found = udr(np.stack([SOURCES, -7 * SOURCES[:, ::-1], SOURCES * 0.01, noise]), method=method, nulls=2)
    # Chance correlations between the sources share the sum over each row; the lasso shrinks them to 0.
    from scipy.stats import spearmanr

    ceiling = 0.9 if method == "lasso" else relative_strength(np.abs(spearmanr(SOURCES).statistic))
    assert all(score.value == pytest.approx(ceiling, abs=1e-3) for score in found.scores[:3])
    assert found.scores[3].value < 0.05
    assert np.diag(found.pairwise).tolist() == [0] * 4


@METHODS
def test_models_that_agree_too_much_leave_no_choice(method):
    found = udr(np.stack([model(seed) for seed in range(6)]), method=method)
    assert found.choice is None
    assert "too much" in found.reason
    assert all(score.interval[0] > score.null_interval[1] for score in found.scores)


@METHODS
def test_models_that_agree_too_little_leave_no_choice(method):
    noise = [np.random.default_rng(seed).normal(size=(600, 5)) for seed in range(6)]
    for models in ([model(seed, turn=True) for seed in range(6)], noise):
        found = udr(np.stack(models), method=method)
        assert found.choice is None
        assert "too little" in found.reason


@METHODS
def test_a_clear_order_leads_to_a_choice(method):
    found = udr(np.stack([model(seed, 0.1 + 0.25 * seed) for seed in range(8)]), method=method)
    assert found.reason is None
    assert found.choice in (0, 1)
    values = [score.value for score in found.scores]
    assert values[0] > values[4] > values[7]
    assert all(score.interval[0] <= score.value <= score.interval[1] for score in found.scores)


@METHODS
def test_how_often_models_of_one_kind_are_ranked(method):
    # All alike, so every choice is a mistake: 5 % of panels at most in a long run, 4 of 20 with a probability of 0.98.
    chosen = 0
    for panel in range(20):
        models = np.stack([model(100 * panel + seed, 0.5)[:200] for seed in range(5)])
        chosen += udr(models, method=method, nulls=0, seed=panel).choice is not None
    assert chosen <= 4


@METHODS
def test_dead_dimensions_and_models(method):
    codes = np.stack([model(seed, 0.1 + 0.2 * seed) for seed in range(5)])
    codes[0, :, 2] = 3.0
    kl = np.ones((5, 5))
    kl[0, 2] = kl[4] = 0
    found = udr(codes, kl, method=method, nulls=2)
    assert "no dimension of this model" in found.scores[4].reason
    assert found.scores[0].dropped_codes == (2,)
    assert all(score.value > 0.5 for score in found.scores[:3])
    json.dumps(found.to_json(), allow_nan=False)
    without = udr(codes[:4], kl[:4], method=method, nulls=0, bootstrap=0)
    assert [s.value for s in without.scores] == [s.value for s in found.scores[:4]]
    nothing = udr(codes, np.zeros((5, 5)), method=method)
    assert nothing.choice is None
    assert all(score.reason for score in nothing.scores)
    assert "at least three" in nothing.reason
    lonely = udr(codes, np.eye(5)[:, :1] * np.ones(5), method=method, bootstrap=0, nulls=0)
    assert "any other model" in lonely.scores[0].reason


def test_published_rank_correlation_fails_on_a_dead_dimension():
    codes = np.stack([model(seed) for seed in range(4)])
    codes[:, :, 2] = 0
    settings = {"method": "spearman", "filter_low_kl": False, "bootstrap": 0, "nulls": 0}
    assert [s.value for s in udr(codes, np.ones((4, 5)), mode="reference", **settings).scores] == [0] * 4
    assert all(s.value > 0.6 for s in udr(codes, np.ones((4, 5)), **settings).scores)


def test_rotation_keeps_what_it_should():
    codes = model(0)
    turned = rotated(codes, np.array([True, True, False, True, False]), np.random.default_rng(0))
    np.testing.assert_allclose(turned[:, [2, 4]], codes[:, [2, 4]])
    np.testing.assert_allclose((turned**2).sum(axis=1), (codes**2).sum(axis=1))
    assert np.abs(turned[:, 0] - codes[:, 0]).max() > 0.1


def test_same_seed_same_ranking_and_mistakes_are_named():
    codes = np.stack([model(seed, 0.3) for seed in range(4)])
    assert json.dumps(udr(codes, seed=3).to_json()) == json.dumps(udr(codes, seed=3).to_json())
    with pytest.raises(ShapeError, match="models, rows, codes"):
        udr(codes[0])
    with pytest.raises(ShapeError, match="two models"):
        udr(codes[:1])
    with pytest.raises(ShapeError, match="kl"):
        udr(codes, np.ones((4, 4)))
    with pytest.raises(ConfigError, match="lasso, spearman"):
        udr(codes, method="pearson")
    codes[1, 3, 2] = np.nan
    with pytest.raises(DataError, match="row 3"):
        udr(codes)
