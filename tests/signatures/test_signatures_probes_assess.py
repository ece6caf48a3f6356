"""Scores of probes: honest, with intervals and nulls that mean what they say."""

import json

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.core.factors import Factor, FactorTable
from unweave.core.scores import Score
from unweave.core.targets import Target
from unweave.metrics.influence import area_under_curve, balanced_accuracy, explained
from unweave.signatures.probes.all import probe_factors
from unweave.signatures.probes.assess import assess_probe
from unweave.signatures.probes.cross import nested
from unweave.signatures.probes.curves import curves
from unweave.signatures.probes.folds import make_folds
from unweave.signatures.probes.nulls import shuffled_labels
from unweave.signatures.probes.scoring import score_outputs
from unweave.signatures.probes.task import make_task

SIDES = Target(Factor(name="side", kind="categorical", values=("left", "right")))
NUMBER = Target(Factor(name="size", kind="continuous"), 0.0, 1.0)


def _number(rows=100, latent=5, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.standard_normal((rows, latent))
    return codes, codes[:, 0] + noise * rng.standard_normal(rows)


def test_nested_cross_validation_equals_two_plain_loops():
    codes, labels = _number(rows=60, latent=20, noise=2.0)
    task = make_task(codes, NUMBER, labels)
    learner, folds = task.learner(), make_folds(make_task(codes, NUMBER, labels), 10_000, 0)
    expected = np.empty(60)
    for outer in range(5):
        errors = []
        for penalty in learner.penalties:
            error = 0.0
            for inner in set(range(5)) - {outer}:
                fit, test = ~np.isin(folds.number, [outer, inner]), folds.number == inner
                error += (
                    (Ridge(alpha=penalty).fit(task.x[fit], labels[fit]).predict(task.x[test]) - labels[test]) ** 2
                ).sum()
            errors.append(error)
        fit, test = folds.number != outer, folds.number == outer
        best = learner.penalties[np.argmin(errors)]
        expected[test] = Ridge(alpha=best).fit(task.x[fit], labels[fit]).predict(task.x[test])
    np.testing.assert_allclose(nested(task, learner, folds, task.x).outputs[:, 0], expected, atol=1e-9)


def test_scores_equal_scikit_learn():
    rng = np.random.default_rng(0)
    target = Target(Factor(name="c", kind="categorical", values=tuple("abc")))
    labels, weights = rng.integers(0, 3, 80).astype(float), rng.uniform(0.1, 2, 80)
    outputs = rng.standard_normal((80, 3)) + np.eye(3)[labels.astype(int)]
    found = {k: v for k, (v, _) in score_outputs(target, outputs, labels, weights).items()}
    shares = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    one_vs_rest = [roc_auc_score(labels == c, shares[:, c], sample_weight=weights) for c in range(3)]
    assert found["accuracy"] == pytest.approx(weights @ (outputs.argmax(1) == labels) / weights.sum())
    assert found["balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(labels, outputs.argmax(1), sample_weight=weights)
    )
    assert found["auc"] == pytest.approx(np.mean(one_vs_rest))
    told = score_outputs(NUMBER, outputs[:, :1], labels, weights)["r2"][0]
    assert told == pytest.approx(r2_score(labels, outputs[:, 0], sample_weight=weights))


@pytest.mark.parametrize("statistic", ["balanced", "auc", "r2"])
def test_weighted_influence_is_the_derivative_by_a_row_s_weight(statistic):
    rng = np.random.default_rng(1)
    labels, weights = rng.integers(0, 3, 40), rng.uniform(0.5, 2, 40)
    scores, right, squares = rng.random((40, 3)), rng.random(40) < 0.6, rng.random((2, 40))

    def value(mass):
        if statistic == "balanced":
            return balanced_accuracy(right, labels, mass)
        return area_under_curve(scores, labels, mass) if statistic == "auc" else explained(*squares, mass)

    influence = value(weights)[1]
    for row in range(5):
        # Influence of a row of weight w: N / Σw · w · d value / d w · …, by central differences.
        step = 1e-5 * weights * (np.arange(40) == row)
        slope = (value(weights + step)[0] - value(weights - step)[0]) / 2e-5
        assert influence[row] == pytest.approx(40 * slope, abs=1e-6)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


def test_a_report_of_a_probe_that_works():
    codes, labels = _number(rows=150, noise=0.5)
    report = assess_probe(codes, NUMBER, labels)
    main = report.main
    assert (report.primary, report.kind, report.rows, report.groups) == ("r2", "ridge", 150, None)
    assert report.reliable
    assert main.interval[0] < 0.8 < main.interval[1]  # 1 / (1 + 0.5²)
    assert main.null_interval[1] < main.interval[0]
    assert main.null == pytest.approx(0, abs=0.05)
    np.testing.assert_allclose(report.reader.weights[:, 0], [1, 0, 0, 0, 0], atol=0.15)
    assert main.stamp.settings["folds"] == 5
    again = Score.from_json("r2", json.loads(json.dumps(report.to_json()))["scores"]["r2"])
    assert again == main


def test_pure_noise_is_rarely_reliable_and_near_its_null():
    reliable, values = 0, []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        report = assess_probe(rng.standard_normal((60, 8)), NUMBER, rng.standard_normal(60), nonlinear=False, seed=seed)
        reliable += report.reliable
        values.append(report.main.value - report.main.null)
    assert reliable <= 2  # at 1 % each, 3 or more of 40 have a probability under 1 %
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(40)


def test_intervals_hold_the_score_on_fresh_rows():
    held = 0
    fresh, truth = _number(rows=20_000, seed=99)
    for seed in range(40):
        codes, labels = _number(seed=seed)
        report = assess_probe(codes, NUMBER, labels, nulls=0, nonlinear=False, seed=seed)
        low, high = report.main.interval
        held += low <= r2_score(truth, report.reader.read(fresh)) <= high
    assert held >= 33  # 95 % of 40 less three standard errors: 38 - 4.1, and one for the fifth of rows not learnt from


def _people(rng, people=24, rows=10):
    """Codes that know the person exactly, and a label that is the person's and nothing else's."""
    person = np.repeat(np.arange(people), rows)
    codes = rng.standard_normal((people, 30))[person] + 0.05 * rng.standard_normal((people * rows, 30))
    return codes, person, rng.permutation(np.arange(people) % 2)[person].astype(float)


def test_a_label_that_only_the_group_carries_scores_nothing():
    codes, person, labels = _people(np.random.default_rng(0))
    leaking = assess_probe(codes, SIDES, labels, nonlinear=False)
    assert leaking.main.value > 0.9  # rows of the same person on both sides: the probe knows the person
    honest = assess_probe(codes, SIDES, labels, groups=person, nonlinear=False)
    assert not honest.reliable
    assert honest.main.value < 0.8
    # 24 people are few, so permuted labels of people score widely; permuted rows would pretend to 240.
    low, high = honest.main.null_interval
    assert high - low > 0.25
    assert any("constant within every group, so what counts is 24 groups" in note for note in honest.notes)


def test_intervals_resample_groups():
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(20), 20)
    codes = rng.standard_normal((400, 3))
    labels = codes[:, 0] + 1.5 * rng.standard_normal(20)[person] + 0.1 * rng.standard_normal(400)
    rows = assess_probe(codes, NUMBER, labels, nulls=0, nonlinear=False).main.interval
    groups = assess_probe(codes, NUMBER, labels, groups=person, nulls=0, nonlinear=False).main.interval
    assert groups[1] - groups[0] > 1.5 * (rows[1] - rows[0])


def test_null_labels_move_with_their_groups():
    codes, person, labels = _people(np.random.default_rng(0))
    for row in shuffled_labels(make_task(codes, SIDES, labels, groups=person), 5, np.random.default_rng(0)):
        assert all(len(np.unique(row[person == p])) == 1 for p in range(24))
        assert not (row == labels).all()
        assert row.sum() == labels.sum()
    rows = shuffled_labels(make_task(codes, SIDES, labels), 5, np.random.default_rng(0))
    assert all(len(np.unique(rows[0][person == p])) == 2 for p in range(3))


def test_what_is_there_but_not_linear_shows_in_the_nonlinear_probe():
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((600, 3))
    labels = (codes[:, 0] * codes[:, 1] > 0).astype(float)
    report = assess_probe(codes, SIDES, labels, nulls=5)
    assert report.main.value < 0.6
    assert report.nonlinear.score.value > 0.85
    assert report.nonlinear.costs
    low, high = report.nonlinear.interval
    assert low < report.nonlinear.difference < high
    straight = assess_probe(codes, SIDES, (codes[:, 0] > 0).astype(float), nulls=5)
    assert straight.nonlinear.difference == pytest.approx(0, abs=0.03)


def test_unequal_classes_make_accuracy_blind_and_a_note_says_so():
    rng = np.random.default_rng(0)
    labels = (np.arange(500) < 40).astype(float)
    codes = labels[:, None] + rng.standard_normal((500, 2))
    plain = assess_probe(codes, SIDES, labels, nonlinear=False)
    assert not plain.reliable
    assert any("Probe with balanced=True" in note for note in plain.notes)
    even = assess_probe(codes, SIDES, labels, balanced=True, nonlinear=False)
    assert even.primary == "balanced_accuracy"
    assert even.reliable


def test_an_accuracy_of_one_is_not_certain():
    codes = np.repeat([[-1.0], [1.0]], 15, axis=0) + 0.01 * np.arange(30)[:, None] / 30
    report = assess_probe(codes, SIDES, np.repeat([0.0, 1.0], 15), nonlinear=False)
    assert report.main.value == 1
    assert report.main.interval == pytest.approx((0.025 ** (1 / 30), 1))


def test_few_groups_and_rare_classes_are_noted():
    rng = np.random.default_rng(0)
    target = Target(Factor(name="c", kind="categorical", values=("a", "b", "lone", "none")))
    labels = np.repeat([0.0, 1.0], 20)
    labels[3] = 2
    codes = labels[:, None] + 0.3 * rng.standard_normal((40, 3))
    report = assess_probe(codes, target, labels, groups=np.arange(40) % 3, nulls=3, nonlinear=False)
    notes = " ".join(report.notes)
    assert "3 groups allow 3 folds instead of 5" in notes
    assert "lone: labels in one group only" in notes
    assert "none: no label, so it is never read" in notes
    assert report.reader.offset[3] == -np.inf
    two = assess_probe(codes, target, labels, groups=np.arange(40) % 2, nulls=3, nonlinear=False)
    assert "Two folds leave none to choose a penalty on; it is 10." in two.notes
    assert two.penalty == 10
    alone = assess_probe(codes, target, labels, nulls=3, nonlinear=False)
    assert any("lone: one label only" in note for note in alone.notes)


def test_equal_seeds_give_equal_reports():
    codes, labels = _number(rows=50)
    one, other = (assess_probe(codes, NUMBER, labels, seed=4).to_json() for _ in range(2))
    assert one == other
    assert one != assess_probe(codes, NUMBER, labels, seed=5).to_json()


def test_without_interval_or_null_nothing_is_judged():
    codes, labels = _number(rows=50, noise=0.1)
    report = assess_probe(codes, NUMBER, labels, bootstrap=0, nulls=0)
    assert (report.main.interval, report.main.null, report.nonlinear.interval) == (None, None, None)
    assert not report.reliable
    assert "Without interval and null nothing says whether the probe is reliable." in report.notes


@pytest.fixture(scope="module")
def table():
    """Codes and two correlated factors, one that never varies, and missing labels."""
    rng = np.random.default_rng(0)
    size = rng.standard_normal(400)
    side = (rng.random(400) < np.where(size > 0, 0.85, 0.15)).astype(float)
    codes = np.stack([size, side], axis=1) @ np.array([[1.0, 0.3, 0.2], [0.5, 2.0, 0.1]]) + 0.5 * rng.standard_normal(
        (400, 3)
    )
    factors = (SIDES.factor, NUMBER.factor, Factor(name="same", kind="categorical", values=("only",)))
    known = rng.random((400, 3)) < 0.8
    return codes, FactorTable(factors, np.where(known, np.stack([side, size, np.zeros(400)], axis=1), 0), known)


def test_all_factors_on_the_rows_that_have_their_labels(table):
    codes, labels = table
    reports = probe_factors(codes, labels, nulls=5)
    assert list(reports) == ["side", "size"]
    assert [r.rows for r in reports.values()] == labels.known.sum(axis=0)[:2].tolist()
    assert "all" in reports.refused["same"]
    rows = np.flatnonzero(labels.known[:, 0])
    alone = assess_probe(codes[rows], SIDES, labels.values[rows, 0], nulls=5)
    assert alone.to_json() == reports["side"].to_json()


def test_correlated_factors_are_weighted_apart(table):
    codes, labels = table
    plain, apart = (
        probe_factors(codes, labels, correlated=c, nulls=0, nonlinear=False) for c in ((), [("side", "size")])
    )
    # The sign of size gives side away where they go together; where they do not, the probe must not use it. What size
    # adds to the codes is (1, 0.3, 0.2), so its pull on the reading of side is that direction's product.
    pull = [
        p["side"].reader.weights[:, 1] @ [1, 0.3, 0.2] / p["side"].reader.weights[:, 1] @ [0.5, 2, 0.1]
        for p in (plain, apart)
    ]
    assert abs(pull[1]) < abs(pull[0]) / 2
    assert apart["side"].main.value < plain["side"].main.value


def test_learning_curves_rise_to_the_score_of_all_labels(table):
    codes, labels = table
    found = curves(codes, labels, budgets=(10, 30, 100, 5000), draws=3, bootstrap=50)
    size = found["size"]
    assert [p.labels for p in size.points][:3] == [10, 30, 100]
    assert size.points[-1].labels + size.tested == labels.known[:, 1].sum()
    assert size.points[0].value < size.points[-1].value
    assert size.points[-1].interval[0] > size.chance
    assert size.points[-1].value == pytest.approx(
        assess_probe(
            codes[labels.known[:, 1]], NUMBER, labels.values[labels.known[:, 1], 1], nulls=0, nonlinear=False
        ).main.value,
        abs=0.08,
    )
    assert "nothing to tell apart" in found["same"].reason
    assert json.dumps(found["size"].to_json())


def test_tables_that_do_not_fit_are_refused(table):
    codes, labels = table
    with pytest.raises(ShapeError, match="codes: expected shape"):
        probe_factors(codes[:-1], labels)
    with pytest.raises(ShapeError, match="groups: expected shape"):
        probe_factors(codes, labels, groups=np.zeros(3))
    with pytest.raises(ConfigError, match="no factor is called 'smile'"):
        probe_factors(codes, labels, correlated=[("smile", "side")])
    with pytest.raises(DataError, match="no factor can be probed"):
        probe_factors(codes, labels.select(["same"]))
