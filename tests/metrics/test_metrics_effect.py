"""Interventions on a decoder: known effects, kinds of factors, the path through a model."""

import numpy as np
import pytest

from unweave.core import Codes, DataError, Factor, FactorTable, ShapeError
from unweave.metrics import effect, effect_of_model
from unweave.metrics.effect import change
from unweave.metrics.importances import completeness, disentanglement
from unweave.metrics.inputs import Problem
from unweave.metrics.readers import fit_reader

NAMES = ("effect.disentanglement", "effect.completeness")


def table(values, *factors):
    values = np.asarray(values, dtype=np.float64)
    return FactorTable(factors, np.nan_to_num(values), np.isfinite(values))


def numbers(values):
    return table(values, *(Factor(name=f"f{k}", kind="continuous") for k in range(np.shape(values)[1])))


def test_effect_of_a_linear_decoder_is_its_matrix():
    # Factor k is the sum of w_dk z_d: moving z_d by two standard deviations changes it by 2 sd |w_dk|. Two random
    # normal numbers of standard deviation s are 2 s / sqrt(pi) apart on average, ROWS pairs to within 5 %.
    random = np.random.default_rng(0)
    codes, weights = random.normal(size=(3000, 4)) * [1, 5, 0.1, 2], random.normal(size=(4, 3))
    values = codes @ weights
    found = effect(codes, numbers(values), lambda z: z, lambda z: z @ weights)
    step = 2 * codes.std(axis=0)[:, None] * np.abs(weights)
    expected = step / (2 * values.std(axis=0) / np.sqrt(np.pi))
    np.testing.assert_allclose(found[NAMES[0]].matrix, expected, rtol=0.05)
    matrix = found[NAMES[0]].matrix
    assert found[NAMES[0]].value == pytest.approx(disentanglement(matrix))
    assert found[NAMES[1]].value == pytest.approx(completeness(matrix))


def test_one_knob_per_factor_scores_one_and_mixed_knobs_less():
    codes = np.random.default_rng(0).normal(size=(300, 3))
    clean = effect(codes, numbers(codes), lambda z: z, lambda z: z)
    mixing = np.array([[1, 0.5, 0], [0, 1, 0.5], [0.5, 0, 1]])
    mixed = effect(codes, numbers(codes @ mixing), lambda z: z, lambda z: z @ mixing)
    for name in NAMES:
        assert clean[name].value == pytest.approx(1, abs=1e-6)
        assert 0.2 < mixed[name].value < 0.8
        assert clean[name].null < 0.1
        assert clean[name].interval[0] > mixed[name].interval[1]


def test_change_by_kind():
    before, after = np.array([10.0, 350.0, 0.0, 90.0]), np.array([350.0, 10.0, 720.0, 270.0])
    circular = Factor(name="pose", kind="circular", range=(0, 360))
    assert change(circular, before, after).tolist() == [20, 20, 0, 180]
    assert change(Factor(name="n", kind="continuous"), before, after).tolist() == [340, 340, 720, 180]
    assert change(Factor(name="c", kind="categorical"), np.array([0, 1, 2]), np.array([0, 2, 0])).tolist() == [0, 1, 1]
    assert change(Factor(name="o", kind="ordinal"), np.array([0.0, 1.0]), np.array([3.0, 1.0])).tolist() == [3, 0]


def test_units_are_changes_between_random_rows():
    # Balanced classes differ with probability 2/3, uniform angles are 90 degrees apart on average.
    random = np.random.default_rng(0)
    codes = random.normal(size=(900, 2))
    shape, pose = np.arange(900) % 3, random.uniform(0, 360, 900)
    kinds = Factor(name="shape", kind="categorical"), Factor(name="pose", kind="circular", range=(0, 360))

    def predict(z):
        # Every move of the first code changes the shape; the second turns by 30 degrees per unit.
        return np.stack([np.round(z[:, 0] * 1e6) % 1e6, (30 * z[:, 1]) % 360], axis=1)

    found = effect(codes, table(np.stack([shape, pose], axis=1), *kinds), lambda z: z, predict, nulls=0)
    matrix = found[NAMES[0]].matrix
    assert matrix[0, 0] == pytest.approx(3 / 2, rel=0.01)
    assert matrix[1, 1] == pytest.approx(30 * 2 * codes[:, 1].std() / 90, rel=0.06)
    assert (matrix[0, 1], matrix[1, 0]) == (0, 0)


def test_what_does_not_vary_is_left_out_and_named():
    codes = np.insert(np.random.default_rng(0).normal(size=(200, 2)), 1, 4.0, axis=1)
    values = np.stack([codes[:, 0], np.full(200, 2.0), codes[:, 2]], axis=1)
    values[::3, 2] = np.nan
    found = effect(codes, numbers(values), lambda z: z, lambda z: z)
    for score in found.values():
        assert (score.dropped_codes, score.dropped_factors) == ((1,), ("f1",))
        assert score.value == pytest.approx(1, abs=1e-6)
        assert score.matrix.shape == (3, 3)
    one = effect(codes[:, :2], numbers(values[:, :2]), lambda z: z, lambda z: z)
    assert "only one varies" in one[NAMES[0]].reason
    assert "only one varies" in one[NAMES[1]].reason
    still = effect(codes, numbers(values * 0), lambda z: z, lambda z: z)
    assert all("no factor varies" in score.reason for score in still.values())
    dead = effect(codes * 0, numbers(values), lambda z: z, lambda z: z)
    assert all("no code varies" in score.reason for score in dead.values())


def test_predictions_are_checked():
    codes = np.random.default_rng(0).normal(size=(300, 2))
    with pytest.raises(ShapeError, match="predictions"):
        effect(codes, numbers(codes), lambda z: z, lambda z: z[:, :1])
    with pytest.raises(DataError, match="predictions"):
        effect(codes, numbers(codes), lambda z: z, lambda z: z * np.nan)


@pytest.mark.parametrize("mixing", [0.0, 0.6])
def test_interval_holds_the_effect_of_many_rows(mixing):
    # Effects that differ from row to row: the factor is bent.
    weights = np.array([[1, mixing], [mixing, 1]])

    def run(rows, seed, bootstrap):
        codes = np.random.default_rng(seed).normal(size=(rows, 2))
        bent = numbers(np.tanh(codes @ weights) + 0.3 * (codes @ weights[::-1]) ** 2)
        predict = lambda z: np.tanh(z @ weights) + 0.3 * (z @ weights[::-1]) ** 2  # noqa: E731
        return effect(codes, bent, lambda z: z, predict, bootstrap=bootstrap, nulls=0, seed=seed)[NAMES[0]]

    truth = np.mean([run(200, 1000 + seed, 0).value for seed in range(100)])
    held = [run(200, seed, 200).interval for seed in range(40)]
    assert sum(low <= truth <= high for low, high in held) >= 34  # at 95 %, a probability of 0.997


class Images:
    """A model of images whose two halves are as bright as two codes say."""

    latent = 2

    def encode(self, observations):
        assert observations.dtype == np.uint8
        halves = observations.reshape(len(observations), 2, -1).mean(axis=2) / 255
        return Codes((8 * halves - 4).astype(np.float32))

    def decode(self, codes):
        assert codes.dtype == np.float32
        return np.repeat((codes / 8 + 0.5).clip(0, 1), 8, axis=1).reshape(-1, 4, 4, 1).astype(np.float32)


def test_effect_of_a_model_goes_through_decoder_encoder_and_probes():
    random = np.random.default_rng(0)
    codes = random.uniform(-1.5, 1.5, size=(400, 2)).astype(np.float32)
    images = np.round(255 * Images().decode(codes)).astype(np.uint8)
    kinds = Factor(name="left", kind="continuous"), Factor(name="right", kind="ordinal", values=("off", "on"))
    values = np.stack([3 * codes[:, 0] + 1, codes[:, 1] > 0], axis=1).astype(float)
    values[::5] = np.nan
    found = effect_of_model(Images(), images, table(values, *kinds))
    matrix = found[NAMES[0]].matrix
    # Uniform numbers of width w are w / 3 apart; two standard deviations are w / sqrt(3).
    assert matrix[0, 0] == pytest.approx(np.sqrt(3), rel=0.06)
    assert matrix[1, 1] > 0.5
    assert found[NAMES[0]].value > 0.95
    assert found[NAMES[1]].value > 0.95


def test_readers_read_every_kind():
    random = np.random.default_rng(0)
    angle, number, shape = random.uniform(0, 360, 600), random.normal(size=600), random.integers(3, size=600)
    codes = np.stack([np.sin(np.radians(angle)), np.cos(np.radians(angle)), number, *np.eye(3)[shape].T], axis=1)
    kinds = (
        Factor(name="pose", kind="circular", range=(-180, 180)),
        Factor(name="size", kind="continuous"),
        Factor(name="shape", kind="categorical"),
        Factor(name="still", kind="ordinal"),
    )
    values = np.stack([angle - 360 * (angle > 180), number, shape, np.zeros(600)], axis=1)
    values[:100, 0] = np.nan
    told = fit_reader(Problem(codes, table(values, *kinds)))(codes)
    assert change(kinds[0], told[:, 0], angle).max() < 3
    np.testing.assert_allclose(told[:, 1], number, atol=0.02)
    assert (told[:, 2] == shape).all()
    assert (told[:, 3] == 0).all()
