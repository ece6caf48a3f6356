"""Editing images: a linear model of pixels whose closed forms are known, residuals, strips, copies."""

import numpy as np
import pytest

from linear_world import AGE, GLASSES, SMILE, TURN, _leaking
from unweave.core.codes import Codes
from unweave.core.errors import ConfigError, ShapeError
from unweave.core.factors import FactorTable
from unweave.core.model import LatentModel
from unweave.core.observations import as_decoded
from unweave.signatures.augment import balanced_labels, edited_copies, independent_labels
from unweave.signatures.chart import Chart
from unweave.signatures.density import Density
from unweave.signatures.edit import Edit, Move, Set
from unweave.signatures.editor import Editor
from unweave.signatures.reader import Reader
from unweave.signatures.residual import LOUD, add_residual, changed, preservation
from unweave.signatures.signature import Signature
from unweave.signatures.signatures import Signatures

SIDE, LATENT = 12, 6


class Linear:
    """Images are 0.5 + z B for five smooth patterns on five patches, and noise that the decoder cannot redraw."""

    latent = LATENT

    def __init__(self):
        patches = np.zeros((LATENT, SIDE, SIDE, 1))
        for k in range(LATENT):
            row, column = divmod(k, 3)
            patches[k, row * 6 : row * 6 + 6, column * 4 : column * 4 + 4] = 0.08
        self.basis = patches.reshape(LATENT, -1)

    def encode(self, observations):
        x = as_decoded(observations).reshape(len(observations), -1) - 0.5
        return Codes((x @ np.linalg.pinv(self.basis)).astype(np.float32))

    def decode(self, codes):
        return np.clip(0.5 + codes @ self.basis, 0, 1).reshape(-1, SIDE, SIDE, 1).astype(np.float32)


def signatures_of(radius=1e3):
    """Dimension 0 is the smile, 1 the age, 2 the glasses, 3 and 4 the turn."""
    rng = np.random.default_rng(0)
    unit = np.eye(LATENT)

    def made(target, columns, path, offset=(), classes=()):
        weights = unit[:, columns]
        directions = weights.T
        if path == "classes":
            weights, directions = np.hstack([-2 * weights, 2 * weights]), np.vstack([-directions, directions])
        reader = Reader(target, weights, np.zeros(weights.shape[1]))
        return Signature(Chart(target), directions, reader, path, "dimension", 1.0, (-2.0, 2.0), 50, classes)

    every = [
        made(SMILE, [0], "line"),
        made(AGE, [1], "line"),
        made(GLASSES, [2], "classes", classes=(0, 1)),
        made(TURN, [3, 4], "rotation"),
    ]
    names = [s.name for s in every]
    return Signatures("m", Density(np.zeros(LATENT), unit, radius), tuple(_leaking(rng, s, names) for s in every))


MODEL = Linear()
EDITOR = Editor(MODEL, signatures_of(), "m")
NOISE = np.random.default_rng(1).normal(0, 0.05, (9, SIDE, SIDE, 1))
CODES = np.random.default_rng(2).normal(size=(9, LATENT))
IMAGES = np.rint(255 * np.clip(MODEL.decode(CODES) + NOISE, 0, 1)).astype(np.uint8)


def test_the_model_of_these_tests_is_one():
    assert isinstance(MODEL, LatentModel)


def test_an_edit_reads_like_the_sentence():
    made = EDITOR.edit(IMAGES, smile=+1)
    z = MODEL.encode(IMAGES).mean
    assert made == pytest.approx(255 * MODEL.decode(z + np.eye(LATENT)[0]), abs=0.51)
    assert (made.dtype, made.shape) == (np.uint8, IMAGES.shape)
    one = EDITOR.edit(IMAGES[0], smile=+1)
    assert np.array_equal(one, made[0])
    both = EDITOR.apply(IMAGES, Edit({"age": Set("old"), "glasses": Set("yes")}))
    assert (both.codes["age"].after == 2).all()
    assert (both.codes["glasses"].after == 1).all()
    assert EDITOR.shape == (SIDE, SIDE, 1)


def test_a_residual_edit_keeps_what_the_decoder_cannot_redraw():
    plain, kept = (EDITOR.edit(IMAGES, smile=+1, residual=r).astype(float) / 255 for r in (False, True))
    original, z = IMAGES / 255, MODEL.encode(IMAGES).mean
    patch = (slice(None), slice(0, 6), slice(0, 4))
    # The patch of the smile is brighter by 0.08, where clipping allows; all else is the original to the last bit.
    rest = np.ones((SIDE, SIDE), dtype=bool)
    rest[patch[1:]] = False
    assert np.array_equal(kept[:, rest], original[:, rest])
    assert np.abs(plain - original)[:, rest].mean() > 0.02
    inner = (slice(None), slice(0, 5), slice(0, 3))
    assert (kept - original)[inner] == pytest.approx(0.08, abs=0.005)
    before, after = MODEL.decode(z), MODEL.decode(z + np.eye(LATENT)[0])
    reads = [
        MODEL.encode(np.rint(255 * x).astype(np.uint8)).mean[:, 0].astype(float)
        for x in (original, kept, before, after)
    ]
    names = ("read_original", "read_edited", "read_before", "read_after")
    found = preservation(
        as_decoded(IMAGES), kept.astype(np.float32), before, after, **dict(zip(names, reads, strict=True))
    )
    assert found.detail == pytest.approx(1, abs=0.05)
    assert found.error == pytest.approx(0, abs=1e-4)  # the soft edge of the patch counts in part
    assert found.gain == pytest.approx(1, abs=0.15)
    worse = preservation(
        as_decoded(IMAGES),
        plain.astype(np.float32),
        before,
        after,
        **dict(zip(names, [reads[0], reads[3], reads[2], reads[3]], strict=True)),
    )
    # What a plain decode loses is the noise's energy: 2 sigma² for each of a pixel's differences to the next. Of nine
    # images the ratios spread by 0.2, so that their mean lies within three standard errors of 1.
    outside = 1 - changed(before, after)[..., 0]
    inside = (np.arange(SIDE) < SIDE - 1).astype(int)
    steps = np.add.outer(inside, inside)
    down, right = (np.diff(original[..., 0], axis=axis, append=original[..., 0].take([-1], axis)) for axis in (1, 2))
    own = ((down**2 + right**2) * outside).sum(axis=(1, 2))
    lost = (1 - worse.detail) * own / (2 * 0.05**2 * steps * outside).sum(axis=(1, 2))
    assert lost.mean() == pytest.approx(1, abs=0.2)
    assert (worse.detail < 0.7).all()
    assert worse.detail.mean() < 0.4
    assert (worse.error > 1e-3).all()


def test_the_mask_leaves_out_noise_and_nothing_else():
    before = np.full((1, 8, 8, 3), 0.5, np.float32)
    after = before + np.float32(0.01)
    assert not changed(before, after).any()
    after[:, 2:6, 2:6, 1] += LOUD
    mask = changed(before, after)[0, :, :, 0]
    assert (mask[3:5, 3:5] == 1).all()
    assert (mask[0] == 0).all()
    assert 0 < mask[1, 3] < 1
    original = np.random.default_rng(0).random((1, 8, 8, 3)).astype(np.float32)
    made = add_residual(original, before, after)
    assert np.array_equal(made[:, 0], original[:, 0])
    assert add_residual(original, before, after, mask=False)[:, 0] == pytest.approx(
        np.clip(original[:, 0] + 0.01, 0, 1)
    )
    vectors = np.zeros((2, 3), np.float32)
    assert add_residual(vectors + 5, vectors, vectors + 0.001) == pytest.approx(vectors + 5.001)
    with pytest.raises(ShapeError, match="after"):
        add_residual(original, before, after[:, :4])


def test_a_swap_of_images_makes_them_agree():
    others = IMAGES[::-1]
    made = EDITOR.swap(IMAGES, others, ["smile", "turn"])
    z, o = MODEL.encode(made).mean, MODEL.encode(others).mean
    assert z[:, 0] == pytest.approx(o[:, 0], abs=0.06)  # half a grey level is 0.025 of a code
    assert np.arctan2(z[:, 4], z[:, 3]) == pytest.approx(np.arctan2(o[:, 4], o[:, 3]), abs=0.3)
    assert z[:, 1] == pytest.approx(MODEL.encode(IMAGES).mean[:, 1], abs=0.06)
    from_one = EDITOR.swap(IMAGES, IMAGES[0], ["smile"])
    assert MODEL.encode(from_one).mean[:, 0] == pytest.approx(np.full(9, MODEL.encode(IMAGES).mean[0, 0]), abs=0.06)


def test_a_budget_and_notes_come_through():
    made = EDITOR.apply(IMAGES, Edit({"smile": Move(3.0)}), budget=0.1)
    assert (made.codes.kept < 1).all()
    assert "trimmed to the budget of 0.1" in made.notes[0]
    assert made.codes.to_json()["asked"] == {"smile": {"move": 3.0}}


def test_strips_go_from_end_to_end_and_mark_the_unedited():
    line = EDITOR.strip(IMAGES[:3], "smile", steps=5)
    assert line.titles == ("-2.0", "-1.0", "0", "+1.0", "+2.0")
    assert line.images.shape == (3, 5, SIDE, SIDE, 1)
    z = MODEL.encode(IMAGES[:3]).mean
    assert line.images[:, 2] == pytest.approx(MODEL.decode(z), abs=1e-6)
    assert line.images[:, 4] == pytest.approx(MODEL.decode(z + 2 * np.eye(LATENT)[0]), abs=1e-6)
    assert line.unedited.tolist() == [2, 2, 2]
    turn = EDITOR.strip(IMAGES[:2], "turn", steps=4)
    assert turn.titles == ("0", "+90", "+180", "+270")
    assert turn.unedited.tolist() == [0, 0]
    glasses = EDITOR.strip(IMAGES, "glasses")
    assert glasses.titles == ("no", "yes")
    own = (MODEL.encode(IMAGES).mean[:, 2] > 0).astype(int)
    assert glasses.unedited.tolist() == own.tolist()
    assert glasses.images[np.arange(9), own] == pytest.approx(MODEL.decode(MODEL.encode(IMAGES).mean), abs=1e-6)
    assert not line.clipped.any()
    tight = Editor(MODEL, signatures_of(radius=2.5), "m").strip(IMAGES, "smile", steps=3)
    assert tight.clipped[:, [0, 2]].any()
    with pytest.raises(ConfigError, match="odd number of steps"):
        EDITOR.strip(IMAGES, "smile", steps=4)
    with pytest.raises(ConfigError, match="at least 3 steps"):
        EDITOR.strip(IMAGES, "turn", steps=2)


def test_an_editor_refuses_what_is_not_its_own():
    with pytest.raises(ConfigError, match="the codes to model other"):
        Editor(MODEL, signatures_of(), "other")
    with pytest.raises(ShapeError, match=r"expected shape \(rows, H, W, C\) or \(H, W, C\)"):
        EDITOR.edit(IMAGES[None], smile=1)


# -- copies -----------------------------------------------------------------------------------------------------------


def table_of(rows=400, seed=0):
    """Glasses go with age, strongly; the turn and the smile are free."""
    rng = np.random.default_rng(seed)
    age = rng.integers(0, 3, rows)
    glasses = (age + rng.normal(0, 0.5, rows) > 1).astype(int)
    smile, turn = rng.normal(2, 0.5, rows), rng.uniform(0, 360, rows)
    values = np.stack([smile, age, glasses, turn], axis=1).astype(float)
    return FactorTable(tuple(t.factor for t in (SMILE, AGE, GLASSES, TURN)), values, np.ones(values.shape, dtype=bool))


@pytest.mark.parametrize("factor", ["glasses", "smile", "turn"])
def test_new_labels_are_independent_and_their_margin_stays(factor):
    table = table_of()
    wanted = independent_labels(table, factor, "age", seed=3)
    k, ages = table.index(factor), table.values[:, 1]
    assert np.sort(wanted)[::40] == pytest.approx(
        np.sort(table.values[:, k])[::40], abs=0.12 if factor != "turn" else 9
    )
    for age in range(3):
        # Every age has the same distribution, to within whole rows.
        shares = np.quantile(wanted[ages == age], [0.1, 0.3, 0.5, 0.7, 0.9])
        assert shares == pytest.approx(
            np.quantile(wanted, [0.1, 0.3, 0.5, 0.7, 0.9]), abs=0.05 if factor != "turn" else 5
        )
    before = [np.mean(table.values[ages == age, 2]) for age in range(3)]
    assert np.ptp(before) > 0.8, "the table has nothing to decorrelate"
    assert np.array_equal(wanted, independent_labels(table, factor, "age", seed=3))
    assert not np.array_equal(wanted, independent_labels(table, factor, "age", seed=4))


def test_labels_made_even_change_as_few_rows_as_possible():
    table = table_of()
    counts = np.bincount(table.values[:, 2].astype(int))
    wanted = balanced_labels(table, "glasses", seed=0)
    assert np.bincount(wanted.astype(int)).tolist() == [200, 200]
    assert (wanted != table.values[:, 2]).sum() == abs(counts[0] - 200)
    ages = balanced_labels(table, "age", seed=0)
    assert np.ptp(np.bincount(ages.astype(int))) <= 1
    turn = balanced_labels(table, "turn", seed=0)
    assert np.sort(turn) == pytest.approx((np.arange(400) + 0.5) * 360 / 400)
    assert (np.argsort(turn) == np.argsort(table.values[:, 3])).all()


def test_copies_show_what_was_wanted_and_say_where_not():
    wanted = np.linspace(1.5, 2.5, 9)
    made = edited_copies(EDITOR, IMAGES, "smile", wanted)
    assert made.confirmed.all()
    assert made.said == pytest.approx(wanted, abs=0.25)
    z = MODEL.encode(IMAGES).mean
    assert made.distance == pytest.approx(np.abs((wanted - 2) / 0.5 - z[:, 0]), abs=1e-3)
    assert made.others == ("age", "glasses", "turn")
    assert not made.changed.any()
    # A model that cannot draw what is asked for is found out: pixels end at white.
    far = edited_copies(EDITOR, IMAGES, "smile", np.full(9, 9.0), residual=False)
    assert not far.confirmed.any()
