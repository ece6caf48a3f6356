import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from unweave.core import Factor, FactorTable
from unweave.metrics.uncertainty import FEWEST, doubt

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(200, 4)) * [1, 5, 0.1, 1] + 3
STANDARD = (CODES - CODES.mean(0)) / CODES.std(0)


def _table(factor, values, known):
    return FactorTable((factor,), np.where(known, values, 0.0)[:, None], known[:, None])


def _known(count=60):
    return np.arange(200) < count


def test_classes_give_one_less_the_margin_of_scikit_learns_probabilities():
    classes = STANDARD[:, :3].argmax(1)
    known = _known()
    found = doubt(CODES, _table(Factor(name="a", kind="categorical", values=("x", "y", "z")), classes, known))
    model = LogisticRegression(C=1, max_iter=1000).fit(STANDARD[known], classes[known])
    top = np.sort(model.predict_proba(STANDARD), axis=1)
    np.testing.assert_allclose(found.values[~known], (1 - top[:, -1] + top[:, -2])[~known], rtol=1e-6)
    assert (found.values[known] == 0).all()
    assert (found.fitted, found.skipped) == (("a",), {})


def test_two_classes_are_doubtful_at_their_border():
    values = (STANDARD[:, 0] > 0).astype(float)
    found = doubt(CODES, _table(Factor(name="a", kind="categorical", values=("x", "y")), values, _known()))
    rest = ~_known()
    border = np.abs(STANDARD[rest, 0])
    assert found.values[rest][border < 0.2].min() > found.values[rest][border > 1.5].max()


@pytest.mark.parametrize("kind", ["continuous", "circular"])
def test_measurements_give_the_leverage_of_ridge_regression(kind):
    known = _known()
    span = (0.0, 360.0) if kind == "circular" else None
    found = doubt(CODES, _table(Factor(name="a", kind=kind, range=span), RNG.uniform(0, 360, 200), known))
    design = np.hstack([np.ones((200, 1)), STANDARD])
    penalty = np.diag([0.0, 1, 1, 1, 1])  # of the weights, not of the offset
    inverse = np.linalg.inv(design[known].T @ design[known] + penalty)
    leverage = np.einsum("ni,ij,nj->n", design, inverse, design)
    np.testing.assert_allclose(found.values[~known], (leverage / (1 + leverage))[~known], rtol=1e-9)


def test_the_mean_over_factors_and_what_no_probe_can_say():
    known = _known()
    border = Factor(name="a", kind="categorical", values=("x", "y"))
    one = Factor(name="b", kind="categorical", values=("x", "y"))
    few = Factor(name="c", kind="continuous")
    values = np.stack([(STANDARD[:, 0] > 0), np.ones(200), RNG.normal(size=200)], 1).astype(float)
    knowns = np.stack([known, known, _known(FEWEST - 1)], 1)
    alone = doubt(CODES, _table(border, values[:, 0], known))
    found = doubt(CODES, FactorTable((border, one, few), np.where(knowns, values, 0), knowns))
    np.testing.assert_array_equal(found.values, alone.values)
    assert found.fitted == ("a",)
    assert found.skipped["b"] == "every label is 'y'."
    assert found.skipped["c"].startswith(f"{FEWEST - 1} rows have a label")
    nothing = doubt(CODES, FactorTable.empty(200))
    assert (nothing.values == 1).all()
    assert nothing.fitted == ()


def test_a_code_that_never_varies_is_no_trouble():
    codes = np.hstack([CODES, np.full((200, 1), 7.0)])
    table = _table(Factor(name="a", kind="continuous"), CODES[:, 0], _known())
    np.testing.assert_allclose(doubt(codes, table).values, doubt(CODES, table).values, rtol=1e-9)
