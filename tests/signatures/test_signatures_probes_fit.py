"""Fitting probes on codes as they come, and what is refused."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.core.factors import Factor
from unweave.core.targets import Target
from unweave.signatures.probes.fit import fit_probe
from unweave.signatures.probes.folds import make_folds
from unweave.signatures.probes.task import FITTING, make_task
from unweave.signatures.reader import Reader

CLASSES = Target(Factor(name="shape", kind="categorical", values=("disc", "square", "star")))
LEVELS = Target(Factor(name="level", kind="ordinal", values=tuple("abcde")), 2.0, 2**0.5)
NUMBER = Target(Factor(name="size", kind="continuous"), 5.0, 3.0)
ANGLE = Target(Factor(name="turn", kind="circular", range=(0, 360)), 0.0, 180 / np.pi)


def _data(kind, rows=200, noise=0.2, seed=0):
    """Codes with large means and unequal scales, and labels that are linear in them."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((rows, 6))
    told = z[:, :3] + noise * rng.standard_normal((rows, 3))
    target, labels = {
        "categorical": lambda: (CLASSES, told.argmax(axis=1)),
        "ordinal": lambda: (LEVELS, np.searchsorted([-1, -0.4, 0.4, 1], told[:, 0])),
        "continuous": lambda: (NUMBER, 5 + 3 * told[:, 0]),
        "circular": lambda: (ANGLE, np.degrees(np.arctan2(told[:, 0], told[:, 1])) % 360),
    }[kind]()
    return (z * [1, 10, 0.1, 1, 1, 1] + [100, 0, 0, -5, 0, 0]).astype(np.float32), target, labels.astype(float)


@pytest.mark.parametrize(("factor", "kind"), [(f, k) for f, kinds in FITTING.items() for k in (*kinds, "auto")])
def test_every_probe_reads_raw_codes(factor, kind):
    codes, target, labels = _data(factor)
    reader = fit_probe(codes, target, labels, kind=kind)
    assert isinstance(reader, Reader)
    assert reader.weights.shape == (6, {"categorical": 3, "circular": 2}.get(factor, 1))
    assert reader.offset.shape == reader.weights.shape[1:]
    read = reader.read(codes)
    if factor == "circular":
        away = np.abs((read - labels + 180) % 360 - 180)
        assert np.median(away) < 20
    elif factor == "continuous":
        assert np.corrcoef(read, labels)[0, 1] > 0.95
    else:
        assert (read == labels).mean() > (0.85 if factor == "categorical" else 0.6)


@pytest.mark.parametrize("factor", list(FITTING))
def test_scales_and_shifts_of_the_codes_are_no_matter(factor):
    codes, target, labels = _data(factor)
    codes = codes.astype(np.float64)
    scale, shift = np.array([1e3, 1e-3, 1, 5, 1, 1]), np.arange(6)
    one, other = (fit_probe(x, target, labels, penalty=3.0) for x in (codes, codes * scale + shift))
    np.testing.assert_allclose(one(codes), other(codes * scale + shift), atol=1e-5)


def test_a_given_penalty_is_that_of_scikit_learn_on_standardised_codes():
    codes, target, labels = _data("categorical")
    scaled = StandardScaler().fit_transform(codes.astype(np.float64))
    model = LogisticRegression(C=1 / 7, tol=1e-10, max_iter=5000).fit(scaled, labels)
    found = fit_probe(codes, target, labels, penalty=7.0)(codes)
    expected = model.decision_function(scaled)
    np.testing.assert_allclose(found - found.mean(1, keepdims=True), expected, atol=1e-4)
    codes, target, labels = _data("continuous")
    scaled = StandardScaler().fit_transform(codes.astype(np.float64))
    expected = Ridge(alpha=7).fit(scaled, (labels - 5) / 3).predict(scaled)
    np.testing.assert_allclose(fit_probe(codes, target, labels, penalty=7.0)(codes)[:, 0], expected, atol=1e-5)


def test_the_penalty_chosen_has_the_least_loss_on_held_out_folds():
    codes, target, labels = _data("continuous", rows=60, noise=2.0)
    codes = np.hstack([codes, np.random.default_rng(1).standard_normal((60, 30))])
    task = make_task(codes, target, labels)
    folds = make_folds(task, 10_000, 0)
    y, learner = (labels - 5) / 3, task.learner()
    errors = []
    for penalty in learner.penalties:
        held = [
            y[folds.number == k]
            - Ridge(alpha=penalty)
            .fit(task.x[folds.number != k], y[folds.number != k])
            .predict(task.x[folds.number == k])
            for k in range(5)
        ]
        errors.append((np.concatenate(held) ** 2).sum())
    best = float(learner.penalties[np.argmin(errors)])
    assert learner.penalties[-1] < best < learner.penalties[0]  # there was something to choose
    np.testing.assert_allclose(
        fit_probe(codes, target, labels).weights, fit_probe(codes, target, labels, penalty=best).weights
    )


def test_columns_that_do_not_vary_have_no_weight():
    codes, target, labels = _data("categorical")
    codes[:, 3] = 0.1
    reader = fit_probe(codes, target, labels)
    assert (reader.weights[3] == 0).all()
    assert (reader.weights[0] != 0).all()


def test_balanced_probes_read_the_rare_class():
    rng = np.random.default_rng(0)
    labels = (np.arange(400) < 30).astype(float)
    codes = labels[:, None] * 1.5 + rng.standard_normal((400, 3))
    target = Target(Factor(name="rare", kind="categorical", values=("no", "yes")))
    plain, even = (fit_probe(codes, target, labels, balanced=b).read(codes)[labels == 1].mean() for b in (False, True))
    assert even > plain + 0.1


def test_weights_stand_for_rows():
    codes, target, labels = _data("ordinal", rows=80)
    weights = np.random.default_rng(0).integers(1, 4, 80)
    repeated = np.repeat(np.arange(80), weights)
    codes = (codes - codes[repeated].mean(0)) / codes[repeated].std(0)
    # Standardised by unweighted rows: divide out what that changes by giving both the same codes and penalty 0, nearly.
    one = fit_probe(codes, target, labels, weights=weights, penalty=1e-9)(codes)
    other = fit_probe(codes[repeated], target, labels[repeated], penalty=1e-9)(codes)
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_margins_are_scaled_to_log_odds():
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((2000, 2))
    labels = (3 * codes[:, 0] + rng.logistic(size=2000) > 0).astype(float)
    target = Target(Factor(name="side", kind="categorical", values=("no", "yes")))
    outputs = fit_probe(codes, target, labels, kind="svm")(codes)
    # True log-odds are 3 x; the standard error of a slope from 2,000 rows is about 0.15.
    slope = np.polyfit(codes[:, 0], outputs[:, 1] - outputs[:, 0], 1)[0]
    assert slope == pytest.approx(3, abs=0.6)


def test_equal_seeds_give_equal_probes():
    codes, target, labels = _data("categorical", noise=1.0)
    one, other = (fit_probe(codes, target, labels, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.weights, other.weights)


def test_groups_lie_in_one_fold_and_labels_are_spread():
    codes, target, labels = _data("categorical", rows=300)
    groups = np.repeat(np.arange(30), 10)
    task = make_task(codes, target, labels, groups=groups)
    folds = make_folds(task, 100, 0)
    assert folds.count == 5
    assert all(len(np.unique(folds.number[groups == g])) == 1 for g in range(30))
    assert all(len(np.unique(labels[folds.number == k])) == 3 for k in range(5))
    assert len(folds.train(0)) == pytest.approx(100, abs=3)
    assert len(folds.test(0)) > len(folds.test(0, learnt=True))


def _refused(error, words, codes=None, labels=None, **settings):
    good, target, known = _data("categorical", rows=60)
    with pytest.raises(error, match=words):
        fit_probe(good if codes is None else codes, target, known if labels is None else labels, **settings)


def test_what_cannot_be_probed_is_refused_with_a_reason():
    codes, _, labels = _data("categorical", rows=60)
    _refused(DataError, "all 60 labels are 'square', so there is nothing to tell apart", labels=np.ones(60))
    _refused(DataError, "3 labels in all, a probe needs at least 4", codes=codes[:3], labels=np.array([0.0, 1, 2]))
    broken = codes.copy()
    broken[7, 2] = np.nan
    _refused(DataError, "1 values are NaN or infinite, the first in row 7, column 2", codes=broken)
    _refused(
        DataError, "1 are missing or infinite, the first in row 4", labels=np.where(np.arange(60) == 4, np.nan, labels)
    )
    _refused(DataError, "expected class codes from 0 to 2, got 3", labels=labels + 1)
    _refused(DataError, "no column varies", codes=np.ones((60, 2)))
    _refused(ShapeError, "labels: expected shape", labels=labels[:59])
    _refused(ShapeError, "groups: expected shape", groups=np.zeros(3))
    _refused(DataError, "weights: expected finite numbers", weights=-np.ones(60))
    _refused(ConfigError, "'shape' is categorical, which a 'ridge' probe cannot read", kind="ridge")
    _refused(ConfigError, "kind: expected one of auto", kind="forest")
    _refused(ConfigError, "penalty: expected a number above 0, got -1", penalty=-1.0)
    _refused(ConfigError, "above 0 and up to 1, got 2", kind="lda", penalty=2.0)


def test_groups_that_cannot_be_told_from_the_factor_are_refused():
    codes, _, labels = _data("categorical", rows=60)
    _refused(DataError, "all 60 labelled rows belong to one group", groups=np.zeros(60))
    _refused(
        DataError, "constant within every one of its 3 groups, and there are not two classes with two", groups=labels
    )
    codes, target, _ = _data("continuous", rows=60)
    groups = np.arange(60) // 20
    with pytest.raises(DataError, match="cannot be told from one that knows the groups"):
        fit_probe(codes, target, groups.astype(float), groups=groups)
    # With a penalty nothing is held out, and nothing is promised.
    assert fit_probe(codes, target, groups.astype(float), groups=groups, penalty=1.0).weights.shape == (6, 1)
