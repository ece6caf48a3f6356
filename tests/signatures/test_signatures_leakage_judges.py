"""Judges: the nearest picture against brute force, nets that read what they were never told in codes, probes."""

import subprocess
import sys

import numpy as np
import pytest

from unweave.core.codes import Codes
from unweave.core.errors import DataError, ShapeError
from unweave.core.factors import Factor, FactorTable
from unweave.core.observations import as_decoded
from unweave.core.targets import targets_of
from unweave.data.builtin.registry import builtin_set
from unweave.data.builtin.scenes import Scenes
from unweave.data.builtin.sprites import Sprites
from unweave.signatures.leakage import ExactJudge, code_judge, exact_judge, pixel_judge
from unweave.signatures.leakage.judge import differences
from unweave.signatures.leakage.nearest_cell import NearestCell
from unweave.signatures.leakage.pixel_judge import _parts
from unweave.signatures.leakage.skill import beyond_chance, skills, units
from unweave.signatures.reader import Reader


class Fewer(Sprites):
    """Sprites on a grid that brute force can cover: every fifth position, every second angle and scale."""

    sizes = (3, 3, 20, 7, 7)
    step = np.array([1, 2, 2, 5, 5])

    def render(self, index):
        return super().render(index * self.step)

    def labels(self, index):
        return super().labels(index * self.step)


class FewerScenes(Scenes):
    """Scenes on a grid that brute force can cover: every second hue and shape, two scales, three angles."""

    sizes = (5, 5, 5, 2, 2, 3)
    step = np.array([2, 2, 2, 4, 2, 5])

    def __init__(self, size):
        super().__init__(size)
        self.whole = Scenes(size)

    def render(self, index):
        return self.whole.render(index * self.step)


@pytest.fixture(scope="module")
def fewer():
    return Fewer(32)


def everything(generated):
    index = np.stack(np.unravel_index(np.arange(np.prod(generated.sizes)), generated.sizes), axis=1)
    return index, generated.render(index)


def some(generated, count, seed=0):
    random = np.random.default_rng(seed)
    index = np.stack([random.integers(0, n, count) for n in generated.sizes], axis=1)
    return index, generated.render(index)


def blurred(images, sigma):
    from scipy.ndimage import gaussian_filter

    return np.stack([gaussian_filter(one.astype(np.float32) / 255, (sigma, sigma, 0)) for one in images])


@pytest.mark.parametrize(("coarse", "pooled"), [(10_000, False), (400, False), (400, True)])
def test_the_search_finds_the_nearest_picture_of_a_small_grid(fewer, monkeypatch, coarse, pooled):
    """Also from a coarse part of the grid and through averages, the path that the large grids take."""
    if pooled:
        monkeypatch.setattr("unweave.signatures.leakage.nearest_cell.TABLE_BYTES", 9000 * 300)
    search = NearestCell(fewer, coarse=coarse)
    assert search.pool == (2 if pooled else 1)
    _, drawn = everything(fewer)
    flat = drawn.reshape(len(drawn), -1).astype(np.float64)
    images = some(fewer, 40)[1]
    noise = np.random.default_rng(1).normal(0, 0.05, images.shape)
    asked = np.concatenate([images / 255, blurred(images, 1), np.clip(blurred(images, 2) + noise, 0, 1)])
    asked = asked.astype(np.float32)
    pixels = 255 * asked.reshape(len(asked), -1).astype(np.float64)
    apart = (pixels**2).sum(1)[:, None] + (flat**2).sum(1) - 2 * pixels @ flat.T
    found = search(asked)
    # Distances rather than cells: the first and last angle look the same, and the search works in single precision.
    np.testing.assert_allclose(search.distance(asked, found), apart.min(axis=1), rtol=1e-4, atol=1)


def test_the_search_finds_the_nearest_scene_of_a_small_grid():
    """From a coarse part of the grid: drawn pictures, blurred ones, and those between two hues."""
    scenes = FewerScenes(32)
    search = NearestCell(scenes, coarse=500)
    cells, drawn = everything(scenes)
    flat = drawn.reshape(len(drawn), -1).astype(np.float32)
    index, images = some(scenes, 20)
    beside = scenes.render(np.concatenate([(index[:, :3] + 1) % 5, index[:, 3:]], axis=1))
    between = (0.6 * images + 0.4 * beside) / 255
    asked = np.concatenate([images / 255, blurred(images, 1), blurred(images, 2), between]).astype(np.float32)
    pixels = 255 * asked.reshape(len(asked), -1)
    nearest = (pixels @ flat.T - 0.5 * (flat**2).sum(1)).argmax(axis=1)
    best = search.distance(asked, cells[nearest])
    np.testing.assert_allclose(search.distance(asked, search(asked)), best, rtol=1e-4, atol=1)


def test_holes_are_never_the_answer():
    digits = builtin_set("digits", size=8)
    search = NearestCell(digits)
    holes = {tuple(cell) for cell in digits.holes.tolist()}
    found = search(np.random.default_rng(0).random((50, 8, 8, 1)).astype(np.float32))
    assert not holes & {tuple(cell) for cell in found.tolist()}
    index = np.array([[3, 5], [9, 100], [0, 0]])
    np.testing.assert_array_equal(search(as_decoded(digits.render(index))), index)


def test_angles_count_up_to_the_symmetry_of_the_shape(fewer):
    judge = ExactJudge(fewer, NearestCell(fewer))
    square, ellipse, heart = 0.0, 1.0, 2.0
    rows = [(square, 10, square, 100), (ellipse, 10, ellipse, 190), (heart, 10, heart, 190), (square, 0, heart, 100),
            (ellipse, 350, ellipse, 10), (heart, 0, ellipse, 100)]  # fmt: skip
    before = np.array([[shape, 0, angle, 0, 0] for shape, angle, _, _ in rows], dtype=float)
    after = np.array([[shape, 0, angle, 0, 0] for _, _, shape, angle in rows], dtype=float)
    found = np.abs(judge.difference(before, after)[:, 2])
    np.testing.assert_allclose(found, [0, 0, 180, 10, 20, 80], atol=1e-9)
    turned = np.array([[shape, 2, 0, 3, 3] for shape in range(3)])
    assert fewer.symmetries["orientation"].orders == (4, 2, 1)
    # What the symmetry says is true of the pictures: a whole step of it leaves nearly the same picture.
    outlines = Sprites(64)
    full = np.array([[0, 5, 0, 16, 16], [0, 5, 39, 16, 16], [1, 5, 0, 16, 16], [1, 5, 39, 16, 16]])
    np.testing.assert_array_equal(outlines.render(full)[::2], outlines.render(full)[1::2])
    assert len(turned) == 3


def test_the_exact_judge_knows_its_pictures_and_says_how_well(fewer):
    judge = exact_judge(fewer)
    index, drawn = some(fewer, 60, seed=3)
    truth = fewer.labels(index)
    change = np.abs(judge.difference(truth, judge(as_decoded(drawn))))
    assert change.max() == 0
    assert set(judge.quality) == {"shape", "scale", "orientation", "x", "y"}
    assert all(beyond_chance(score) for score in judge.quality.values())
    assert judge.quality["x"].value > 0.98
    with pytest.raises(ShapeError, match=r"\(rows, 32, 32, 1\)"):
        judge(np.zeros((2, 64, 64, 1), np.float32))


@pytest.fixture(scope="module")
def learnt():
    generated = builtin_set("scenes", size=32)
    index = some(generated, 700, seed=5)[0]
    index[:, 3], index[:, 5] = index[:, 3] // 8 * 7, index[:, 5] // 15 * 7  # few maps of light to cast
    factors = (*generated.factors, Factor(name="chance", kind="categorical", values=("no", "yes")))
    noise = np.random.default_rng(0).integers(0, 2, (len(index), 1))
    values = np.hstack([generated.labels(index), noise])
    known = np.ones(values.shape, dtype=bool)
    known[::3, 0] = False
    known[:, 3] = known[:, 5] = False
    table = FactorTable(factors, np.where(known, values, 0.0), known)
    images = generated.render(index)
    keep = ["floor_hue", "wall_hue", "object_hue", "shape", "chance"]
    table = table.select(keep)
    return images, table, pixel_judge(images[:600], table.take(np.arange(600)), steps=120, seed=1)


def test_a_judge_learns_from_pixels_and_says_what_it_cannot_read(learnt):
    images, table, judge = learnt
    assert judge.quality["wall_hue"].value > 0.7
    assert judge.quality["wall_hue"].null_interval[1] < 0.4
    assert beyond_chance(judge.quality["floor_hue"])
    assert not beyond_chance(judge.quality["chance"])
    fresh = table.take(np.arange(600, 700))
    again = skills(judge, judge(as_decoded(images[600:])), fresh)
    low, high = judge.quality["wall_hue"].interval
    assert again["wall_hue"].value == pytest.approx(judge.quality["wall_hue"].value, abs=3 * (high - low))


def test_a_judge_is_right_on_blurred_pictures(learnt):
    images, table, judge = learnt
    fresh = table.take(np.arange(600, 700))
    sharp, soft = (skills(judge, judge(x.astype(np.float32)), fresh)["wall_hue"].value
                   for x in (as_decoded(images[600:]), blurred(images[600:], 1.2)))  # fmt: skip
    assert soft > sharp - 0.1


def test_a_judge_is_a_function_of_the_seed(learnt):
    images, table, judge = learnt
    again = pixel_judge(images[:600], table.take(np.arange(600)), steps=120, seed=1)
    np.testing.assert_array_equal(again(as_decoded(images[:20])), judge(as_decoded(images[:20])))


def test_groups_are_learnt_from_or_held_out_as_a_whole(learnt):
    images, table, _ = learnt
    groups = np.repeat(np.arange(10), 30)
    rows = np.arange(300)
    fit, held = _parts(rows, groups, np.random.default_rng(0))
    assert sorted([*fit, *held]) == rows.tolist()
    assert not set(groups[fit]) & set(groups[held])
    assert len(set(groups[held])) == 2
    judge = pixel_judge(images[:300], table.take(rows), groups=groups, steps=2)
    assert judge.quality["wall_hue"].stamp.rows == 60


def test_a_judge_of_vectors():
    random = np.random.default_rng(0)
    x = random.standard_normal((800, 6)).astype(np.float32)
    factors = Factor(name="sum", kind="continuous"), Factor(name="side", kind="categorical", values=("l", "r"))
    values = np.stack([x[:, 0] + x[:, 1], (x[:, 2] * x[:, 3] > 0)], axis=1).astype(np.float64)
    judge = pixel_judge(100 * x + 7, FactorTable(factors, values, np.ones(values.shape, dtype=bool)), steps=400)
    assert judge.quality["sum"].value > 0.8
    assert judge.quality["side"].value > 0.5  # no linear probe reads a product
    assert judge.look(100 * x[:5] + 7)[1].shape == (5, 96)


def test_bad_input_for_a_judge_is_refused(learnt):
    images, table, judge = learnt
    with pytest.raises(DataError, match="there are 5"):
        pixel_judge(images[:5], table.take(np.arange(5)))
    with pytest.raises(ShapeError, match="observations, table and groups"):
        pixel_judge(images[:50], table)
    with pytest.raises(DataError, match="only one group"):
        pixel_judge(images[:50], table.take(np.arange(50)), groups=np.zeros(50, dtype=np.int64))
    constant = FactorTable(table.factors, np.zeros_like(table.values), table.known)
    with pytest.raises(DataError, match="two different labels"):
        pixel_judge(images, constant)
    with pytest.raises(ShapeError, match="The judge was trained on these"):
        judge(np.zeros((2, 8, 8, 3), np.float32))
    with pytest.raises(DataError, match="NaN"):
        judge(np.full((2, 32, 32, 3), np.nan, np.float32))


def test_the_judge_of_codes_encodes_what_would_be_stored():
    class Model:
        latent = 1
        asked = None

        def encode(self, observations):
            self.asked = observations
            return Codes(observations.reshape(len(observations), -1)[:, :1].astype(np.float32))

        def decode(self, codes):
            raise AssertionError

    factor = Factor(name="tone", kind="continuous", range=(0, 255))
    values = np.arange(0, 250, 5, dtype=np.float64)[:, None]
    table = FactorTable((factor,), values, np.ones(values.shape, dtype=bool))
    target = targets_of(table)[0]
    reader = Reader(target, np.array([[1 / target.scale]]), np.array([-target.centre / target.scale]))
    model, images = Model(), np.broadcast_to(values[:, None, None].astype(np.uint8), (50, 4, 4, 1))
    judge = code_judge(model, [reader], images, table)
    assert model.asked.dtype == np.uint8
    np.testing.assert_array_equal(model.asked, images)
    assert judge.quality["tone"].value == pytest.approx(1)
    judge(np.full((1, 4, 4, 1), 1.7, np.float32))
    assert model.asked.max() == 255


def test_units_and_skills_by_hand():
    class Reads(ExactJudge):
        def __init__(self, *factors):
            self.factors = factors
            self.generated = builtin_set("digits")

    angle, size = Factor(name="angle", kind="circular", range=(0, 4)), Factor(name="size", kind="continuous")
    values = np.array([[0, 0.0], [1, 1.0], [2, 0.0], [3, 5.0]])
    known = np.array([[True, True], [True, True], [True, True], [True, False]])
    table = FactorTable((angle, size), values, known)
    judge = Reads(angle, size)
    # Angles: pairs at 1, 2, 1, 1, 2, 1 of a turn of 4; sizes: 1, 0, 1 among the three that are known.
    np.testing.assert_allclose(units(judge, table), [8 / 6, 2 / 3])
    told = values + np.array([[0.2, 0.0], [-0.2, 0.0], [3.8, 0.0], [0.2, 99.0]])
    found = skills(judge, told, table)
    assert found["angle"].value == pytest.approx(1 - 0.2 / (8 / 6))
    assert found["size"].value == 1
    np.testing.assert_allclose(differences(angle, np.array([3.5, 0.0]), np.array([0.5, 3.0])), [1, -1])


def test_importing_the_judges_loads_no_torch():
    code = "import sys, unweave.signatures.leakage; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
