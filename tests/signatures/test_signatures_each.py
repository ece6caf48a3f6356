"""Edits of many codes at once against the same edits one by one."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from linear_world import codes_of, world
from unweave.core.errors import ConfigError, DataError
from unweave.signatures.apply import edit_codes, edit_each
from unweave.signatures.density import Density
from unweave.signatures.edit import Edit, Move, Set, Swap

SIGNATURES = world(radius=5.5)
CODES = codes_of(SIGNATURES)
OTHERS = np.roll(CODES, 7, axis=0)

KINDS = (
    lambda k: Edit({"smile": Move(0.3 * k)}),
    lambda k: Edit({"smile": Move(-0.1 * k), "turn": Move(9.0 * k)}),
    lambda k: Edit({"turn": Set(15.0 * k % 360), "smile": Move(0.2)}),
    lambda k: Edit({"pose": Set(("left", "front", "right")[k % 3])}),
    lambda k: Edit({"pose": Set("front"), "bend": Set(0.1 * k - 1)}),
    lambda k: Edit({"bend": Move(0.1 * k), "glasses": Move(0.5)}),
    lambda k: Edit({"smile": Swap(), "pose": Swap(), "age": Set("old")}),
)
"""Straight, turned and bent paths, classes, several at once; amounts of their own in each row."""

EDITS = [KINDS[k % len(KINDS)](k) for k in range(len(CODES))]


@pytest.mark.parametrize("options", [{}, {"budget": 0.3}])
def test_every_row_is_what_it_is_alone(options):
    made = edit_each(SIGNATURES, CODES, EDITS, others=OTHERS, **options)
    alone = [
        edit_codes(SIGNATURES, CODES[k : k + 1], edit, others=OTHERS[k : k + 1], **options)
        for k, edit in enumerate(EDITS)
    ]
    assert len({one.notes for one in alone}) > 3, "the rows have something to say"
    for one, want in zip(made, alone, strict=True):
        # Sums of ten terms may be added up in another order: the last bit of single precision.
        assert one.codes == pytest.approx(want.codes, rel=3e-7, abs=3e-7)
        assert one.notes == want.notes
        assert one.asked is want.asked
        assert one.kept == pytest.approx(want.kept, abs=1e-9)
        assert (one.leakage is None) == (want.leakage is None) == (not options)
        if want.leakage is not None:
            assert one.leakage.shape == (1,)
            assert one.leakage == pytest.approx(want.leakage, abs=1e-9)
        assert [d.factor for d in one.done] == [d.factor for d in want.done]
        for got, expected in zip(one.done, want.done, strict=True):
            for name in ("before", "wanted", "after", "reached"):
                assert getattr(got, name) == pytest.approx(getattr(expected, name), abs=1e-5), (got.factor, name)


def test_what_is_asked_wrongly_fails_alone_and_says_what_it_says_alone():
    codes = CODES[:6].copy()
    codes[4, 1] = np.nan
    edits = [Edit({"smile": Move(0.1)})] * 6
    edits[1] = Edit({"smile": Move(400.0)})
    edits[2] = Edit({"smiles": Move(0.1)})
    edits[3] = Edit({"smile": Swap()})
    made = edit_each(SIGNATURES, codes, edits, beyond="refuse")
    assert [type(one) for one in made[1:5]] == [ConfigError, ConfigError, ConfigError, DataError]
    for k in (1, 2, 3, 4):
        with pytest.raises((ConfigError, DataError)) as alone:
            edit_codes(SIGNATURES, codes[k : k + 1], edits[k], beyond="refuse")
        assert str(made[k]) == str(alone.value)
    for k in (0, 5):
        assert made[k].codes == pytest.approx(edit_codes(SIGNATURES, codes[k : k + 1], edits[k]).codes, abs=3e-7)


def test_distances_and_reaches_are_in_the_metric_of_a_correlated_covariance():
    random = np.random.default_rng(3)
    mixing, mean = random.normal(size=(5, 5)), random.normal(size=5)
    density = Density(mean, mixing @ mixing.T + 0.1 * np.eye(5), 2.0)
    codes, ways = random.normal(size=(2, 20, 5))
    inverse = np.linalg.inv(density.covariance)
    assert density.distance(codes) == pytest.approx([mahalanobis(z, mean, inverse) for z in codes])
    low, high = density.reach(codes, ways)
    for end in (low, high):
        there = density.distance(codes + end[:, None] * ways)
        assert there == pytest.approx(np.maximum(density.distance(codes), 2.0))
