import hashlib
import time

import numpy as np
import pytest
from PIL import Image

from unweave.data.duplicates import dead_pixels, near_duplicates


def _pictures(rng, n, side=32, channels=3):
    """Smooth random pictures, as different from each other as photographs are."""
    coarse = rng.integers(0, 256, (n, 5, 5, 3), dtype=np.uint8)
    large = np.stack([np.asarray(Image.fromarray(c).resize((side, side), Image.Resampling.BICUBIC)) for c in coarse])
    return large[..., :channels].copy()


def _sprites(rng, n, side=32):
    """White squares on black, each in a place of its own."""
    images = np.zeros((n, side, side, 1), np.uint8)
    for image, row, column in zip(images, *rng.integers(2, side - 12, (2, n)), strict=True):
        image[row : row + 9, column : column + 9] = 255
    return images


def _digests(images):
    return np.array([hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images])


def _found(images):
    return near_duplicates(images, _digests(images))


def _noise(image, rng):
    return image + rng.normal(size=image.shape) * 2


def _brighter(image, rng):
    return image + 3.0


def _darker(image, rng):
    return image - 3.0


def _one_pixel(image, rng):
    edited = image.astype(float)
    edited[7, 9] = 255 - edited[7, 9]
    return edited


@pytest.mark.parametrize("change", [_noise, _brighter, _darker, _one_pixel])
@pytest.mark.parametrize("channels", [1, 3])
def test_near_copies_are_found_and_nothing_else(change, channels):
    rng = np.random.default_rng(0)
    images = _pictures(rng, 200, channels=channels)
    copies = [np.clip(np.rint(change(image, rng)), 0, 255).astype(np.uint8) for image in images[:20]]
    found = _found(np.concatenate([images, copies]))
    np.testing.assert_array_equal(found.pairs, [[k, 200 + k] for k in range(20)])
    assert found.pairs.dtype == np.int64
    assert found.complete


def test_noise_on_an_even_ground_does_not_hide_a_copy():
    rng = np.random.default_rng(1)
    grey = _sprites(rng, 30) // 2 + 60
    copies = np.clip(np.rint(grey[:5] + rng.normal(size=grey[:5].shape)), 0, 255).astype(np.uint8)
    pairs = {tuple(pair) for pair in _found(np.concatenate([grey, copies])).pairs.tolist()}
    assert {(k, 30 + k) for k in range(5)} <= pairs


def test_exact_copies_are_left_to_ingest():
    images = _pictures(np.random.default_rng(2), 50)
    found = _found(np.concatenate([images, images[:10]]))
    assert found.pairs.shape == (0, 2)


def test_a_near_copy_of_an_exact_copy_is_reported_once_with_its_first_row():
    images = _pictures(np.random.default_rng(3), 20)
    near = images[4].copy()
    near[0, 0] += 9
    found = _found(np.concatenate([images, images[4:5], near[None]]))
    np.testing.assert_array_equal(found.pairs, [[4, 21]])


def test_a_sprite_moved_by_a_third_of_itself_is_another_picture():
    images = np.zeros((6, 32, 32, 1), np.uint8)
    for k, image in enumerate(images):
        image[10:19, 2 + 3 * k : 11 + 3 * k] = 255
    assert len(_found(images).pairs) == 0


def test_flat_pictures_do_not_flood():
    flat = np.broadcast_to(np.arange(250, dtype=np.uint8)[:, None, None, None], (250, 16, 16, 1)).copy()
    found = _found(flat)
    assert found.pairs.shape == (0, 2)
    assert found.complete


def test_many_copies_of_one_picture_are_cut_off_and_this_is_said():
    rng = np.random.default_rng(4)
    copies = np.repeat(_pictures(rng, 1), 80, axis=0)
    copies[np.arange(80), 3, np.arange(80) % 32] += np.arange(1, 81, dtype=np.uint8)[:, None]
    found = _found(np.concatenate([copies, _pictures(rng, 200)]))
    assert not found.complete
    assert found.pairs.max() < 80
    assert 1000 < len(found.pairs) <= 80 * 79 / 2
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    assert found.pairs.tolist() == sorted(found.pairs.tolist())


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (8, 9), (64, 7)])
def test_any_size_of_picture_is_hashed(size):
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (20, *size, 1), dtype=np.uint8)
    assert _found(images[:1]).pairs.shape == (0, 2)
    assert _found(images).pairs.shape[1] == 2


def test_twenty_thousand_pictures_take_little_time_and_none_is_near_another():
    images = np.random.default_rng(6).integers(0, 256, (20_000, 16, 16, 1), dtype=np.uint8)
    digests = _digests(images)
    began = time.process_time()
    found = near_duplicates(images, digests)
    assert len(found.pairs) == 0
    # About a second of one core; all pairs would be 2e8 comparisons.
    assert time.process_time() - began < 10


def test_dead_pixels_are_those_that_never_change_in_any_channel():
    images = np.random.default_rng(7).integers(0, 200, (5000, 6, 5, 2), dtype=np.uint8)
    images[:, 0] = 7
    images[:, 3, 2] = 0
    images[:, 4, 4, 0] = 9  # its other channel changes
    images[:, 5, 0] = 1
    images[4999, 5, 0, 1] = 2  # changes once, in the last part
    want = np.zeros((6, 5), bool)
    want[0] = want[3, 2] = True
    np.testing.assert_array_equal(dead_pixels(images), want)
    assert dead_pixels(images[:1]).all()
