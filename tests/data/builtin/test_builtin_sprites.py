import runpy

import numpy as np
import pytest

from unweave.data.builtin.registry import builtin_set
from unweave.data.builtin.sampling import draw

SIZES = (3, 6, 40, 32, 32)
WHITE_PIXELS = 128_328_864
DISTINCT_IMAGES = 715_706  # two orientations are one, and some small squares coincide


def cells(rows=400, **options):
    return draw(SIZES, rows, seed=1, **options)


def grid(start, stop):
    return np.stack(np.unravel_index(np.arange(start, stop), SIZES), 1)


@pytest.mark.shared
def test_real_frames_agree_in_every_pixel(shared):
    with np.load(shared / "data" / "dsprites" / "real_frames_363.npz", allow_pickle=False) as real:
        index, images = real["factors"].astype(np.int64), real["images"]
    assert len(images) == 363
    np.testing.assert_array_equal(builtin_set("sprites", size=64).render(index)[..., 0], images)


@pytest.mark.shared
def test_the_reference_recipe_agrees_in_every_pixel(shared):
    path = shared / "data" / "dsprites" / "dsprites_np.py"
    recipe = runpy.run_path(str(path))["render"]
    sprites, rng = builtin_set("sprites", size=64), np.random.default_rng(0)
    for shape, scale, orientation in np.ndindex(3, 6, 40):
        x, y = rng.integers(0, 32, (2, 5))
        index = np.stack([np.full(5, shape), np.full(5, scale), np.full(5, orientation), x, y], 1)
        expected = recipe(shape, scale, orientation, x, y) * np.uint8(255)
        np.testing.assert_array_equal(sprites.render(index)[..., 0], expected)


def test_all_images_together():
    # The figures of the reference recipe; the published mean is that of two white pixels fewer. The grid is walked in
    # parts so that no more than 34 MB of images are held at once.
    sprites, white, seen = builtin_set("sprites", size=64), 0, set()
    for start in range(0, 737_280, 8192):
        images = sprites.render(grid(start, start + 8192))
        white += np.count_nonzero(images)
        packed = np.packbits(images.reshape(len(images), -1), axis=1)
        seen.update(hash(row) for row in packed.view("V512")[:, 0].tolist())
    assert white == WHITE_PIXELS
    assert len(seen) == DISTINCT_IMAGES


def test_small_images_are_means_of_four_pixels():
    index = cells()
    large, small = (builtin_set("sprites", size=size).render(index)[..., 0] for size in (64, 32))
    assert set(np.unique(large)) == {0, 255}
    means = large.reshape(-1, 32, 2, 32, 2).mean((2, 4), dtype=float)
    assert set(np.unique(means)) == {0, 63.75, 127.5, 191.25, 255}
    np.testing.assert_array_equal(small, np.floor(means + 0.5))


def test_labels_are_those_of_the_original():
    index = np.array([[0, 0, 0, 0, 0], [1, 5, 39, 31, 31], [2, 2, 13, 31, 0]])
    labels = builtin_set("sprites", size=64).labels(index)
    # A full turn has 39 steps, and the 40th class is the first again.
    np.testing.assert_allclose(labels, [[0, 0, 0, 0, 0], [1, 5, 0, 1, 1], [2, 2, 120, 1, 0]], atol=1e-12)


def test_factors_do_what_they_say():
    sprites = builtin_set("sprites", size=64)
    rows, columns = np.mgrid[:64, :64] + 0.5

    def looks(index):
        mask = sprites.render(index)[..., 0] > 0
        area = mask.sum((1, 2))
        return area, (mask * columns).sum((1, 2)) / area, (mask * rows).sum((1, 2)) / area

    at = np.repeat([[1, 5, 0, 16, 16]], 32, 0)
    left_to_right, top_to_bottom = at.copy(), at.copy()
    left_to_right[:, 3] = top_to_bottom[:, 4] = np.arange(32)
    centres = 16 + 32 * np.linspace(0, 1, 32)
    # The centre of an ellipse's pixels is within half a pixel of the centre that was asked for.
    np.testing.assert_allclose(looks(left_to_right)[1], centres, atol=0.5)
    np.testing.assert_allclose(looks(top_to_bottom)[2], centres, atol=0.5)
    scaled = at[:6].copy()
    scaled[:, 1] = np.arange(6)
    # Area grows with the square of the scale, by 32 pixels at first; the pixels of a border of 50 leave 6 open.
    np.testing.assert_allclose(looks(scaled)[0], np.pi * 9.6**2 * np.linspace(0.5, 1, 6) ** 2, atol=6)


def test_the_last_orientation_is_the_first():
    index = cells(fixed={2: 0})
    turned = index.copy()
    turned[:, 2] = 39
    for name in ("sprites", "sprites-color", "sprites-noisy"):
        sprites = builtin_set(name, size=64)
        same = np.array_equal(sprites.render(index), sprites.render(turned))
        assert same == (name == "sprites")


@pytest.mark.parametrize("size", [32, 64])
def test_colour_is_one_per_cell_and_bright(size):
    index = cells()
    white = builtin_set("sprites", size=size).render(index)
    painted = builtin_set("sprites-color", size=size).render(index)
    solid = white[..., 0] == 255
    colours = []
    for image, inside in zip(painted, solid, strict=True):
        colour = np.unique(image[inside], axis=0)
        assert len(colour) == 1
        colours.append(colour[0])
    colours = np.array(colours, dtype=float)
    assert colours.min() >= 127.5
    # Uniform in [0.5, 1]: means within four standard errors (0.144 / 20), channels independent of each other.
    np.testing.assert_allclose(colours.mean(0) / 255, 0.75, atol=0.03)
    assert np.abs(np.corrcoef(colours.T) - np.eye(3)).max() < 0.2
    shade = white.astype(float) * colours[:, None, None] / 255
    assert np.abs(painted - shade).max() <= 0.5


def test_colours_have_twenty_one_bits():
    colours = builtin_set("sprites-color", size=32).render(cells(20_000)).max((1, 2))
    # Of 20,000 draws from 2 to the 21 about 95 meet an earlier one, with a standard deviation of 10.
    assert 19_850 < len(np.unique(colours, axis=0)) < 19_960


def test_no_grain_is_used_twice():
    # The first rows are far from every sprite; eight bytes in a row occur twice by chance once in 10 to the 12.
    above = builtin_set("sprites-noisy", size=64).render(grid(300_000, 300_040))[:, :8]
    words = np.ascontiguousarray(above).reshape(-1).view(np.uint64)
    assert len(np.unique(words)) == len(words) == 40 * 192


@pytest.mark.parametrize("size", [32, 64])
def test_noise_is_uniform_behind_a_white_sprite(size):
    index = cells()
    white = builtin_set("sprites", size=size).render(index)
    noisy = builtin_set("sprites-noisy", size=size).render(index)
    assert (noisy[white[..., 0] == 255] == 255).all()
    assert (noisy >= white).all()
    behind = noisy[white[..., 0] == 0]
    counts = np.bincount(behind.ravel(), minlength=256)
    # Over a million draws (32 pixels): each level within six standard deviations of its due.
    due = behind.size / 256
    assert behind.size > 1_000_000
    assert np.abs(counts - due).max() < 6 * np.sqrt(due)
    flat = noisy[:, : size // 8].reshape(len(index), -1).astype(float)  # far from every sprite
    assert np.abs(np.corrcoef(flat) - np.eye(len(index))).max() < 6 / np.sqrt(flat.shape[1])
