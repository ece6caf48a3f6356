"""Scores of bound columns: nothing is fitted, so wrong columns and wrong units show."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

from unweave.core.binding import Binding, Bound
from unweave.core.factors import Factor, FactorTable
from unweave.core.seeds import generator
from unweave.core.targets import targets_of
from unweave.metrics.bound import bound_scores

RNG = generator(0, "bound")
ROWS = 800
FACTORS = (
    Factor(name="shape", kind="categorical", values=("a", "b", "c")),
    Factor(name="colour", kind="categorical", values=("r", "g", "b", "y")),
    Factor(name="size", kind="ordinal", values=("s", "m", "l", "xl")),
    Factor(name="turn", kind="circular", range=(-180, 180)),
    Factor(name="x", kind="continuous", range=(0, 10)),
)
VALUES = np.stack(
    [
        RNG.integers(0, 3, ROWS), RNG.integers(0, 4, ROWS), RNG.integers(0, 4, ROWS),
        RNG.uniform(-180, 180, ROWS), RNG.uniform(0, 10, ROWS),
    ],
    1,
).astype(float)  # fmt: skip
TABLE = FactorTable(FACTORS, VALUES, np.ones(VALUES.shape, bool))
TARGETS = targets_of(TABLE)
COLUMNS = ((0,), (1, 2, 3, 4), (5,), (6, 7), (8,))
BINDING = Binding(tuple(Bound(t, c) for t, c in zip(TARGETS, COLUMNS, strict=True)))


def perfect():
    shape, colour, size, turn, x = VALUES.T
    angle = TARGETS[3].normalise(turn)
    columns = [
        (shape - 1) * np.sqrt(1.5), *np.eye(4)[colour.astype(int)].T, TARGETS[2].normalise(size),
        np.sqrt(2) * np.cos(angle), np.sqrt(2) * np.sin(angle), TARGETS[4].normalise(x),
    ]  # fmt: skip
    return np.stack(columns, 1).astype(np.float32)


def test_codes_at_their_places_score_1():
    scores = bound_scores(perfect(), TABLE, BINDING)
    assert list(scores) == [f"bound.{f.name}" for f in FACTORS]
    for score in scores.values():
        assert score.value == pytest.approx(1, abs=1e-5)
        assert score.interval[0] > 0.999
        assert score.null < 0.4


def test_noisy_codes_score_as_scikit_learn_says():
    codes = perfect() + 0.6 * RNG.standard_normal((ROWS, 9)).astype(np.float32)
    scores = bound_scores(codes, TABLE, BINDING)
    read = [b.read(codes) for b in BINDING.bound]
    for k in range(3):
        assert scores[f"bound.{FACTORS[k].name}"].value == pytest.approx(accuracy_score(VALUES[:, k], read[k]))
    assert scores["bound.x"].value == pytest.approx(r2_score(VALUES[:, 4], read[4]))
    error = np.radians(read[3] - VALUES[:, 3])
    direction = np.angle(np.exp(1j * np.radians(VALUES[:, 3])).mean())
    want = 1 - (1 - np.cos(error)).sum() / (1 - np.cos(np.radians(VALUES[:, 3]) - direction)).sum()
    assert scores["bound.turn"].value == pytest.approx(want)
    for score in scores.values():
        assert score.interval[0] < score.value < score.interval[1]
        assert score.null_interval[1] < score.value


def test_the_nearest_place_counts_and_ends_are_open():
    bound = BINDING.bound[0]
    gap = np.sqrt(1.5)
    codes = np.zeros((5, 9), np.float32)
    codes[:, 0] = [-9, -0.51 * gap, -0.49 * gap, 0.51 * gap, 9]
    assert bound.read(codes).tolist() == [0, 0, 1, 2, 2]


def test_an_angle_does_not_know_where_the_circle_begins():
    codes = np.zeros((2, 9), np.float32)
    codes[:, 6:8] = [[np.cos(0.01), np.sin(0.01)], [np.cos(-0.01), np.sin(-0.01)]]
    np.testing.assert_allclose(
        BINDING.bound[3].read(codes), [-180 + np.degrees(0.01), 180 - np.degrees(0.01)], atol=1e-3
    )


def test_codes_in_other_columns_or_turned_round_are_found_out():
    codes = perfect()
    assert bound_scores(-codes, TABLE, BINDING)["bound.x"].value == pytest.approx(-3, abs=0.2)
    assert bound_scores(codes[:, ::-1], TABLE, BINDING)["bound.x"].value < 0.1


def test_missing_labels_are_left_out_and_a_factor_that_is_not_there_has_no_score():
    known = np.ones(VALUES.shape, bool)
    known[ROWS // 2 :, 4] = False
    known[:, 0] = False
    table = FactorTable(FACTORS, np.where(known, VALUES, 0), known)
    codes = perfect()
    codes[ROWS // 2 :, 8] = 50
    scores = bound_scores(codes, table, BINDING)
    assert scores["bound.x"].value == pytest.approx(1, abs=1e-5)
    assert scores["bound.shape"].value is None
    assert "missing" in scores["bound.shape"].reason
    assert list(bound_scores(codes, table.select(["x"]), BINDING)) == ["bound.x"]
