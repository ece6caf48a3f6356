"""A first project file: what is read off the data."""

import numpy as np
import pytest
from PIL import Image

from unweave.projects.initial import initial_project


def pictures(folder, sizes):
    folder.mkdir()
    random = np.random.default_rng(0)
    for number, (width, height) in enumerate(sizes):
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(folder / f"{number:02}.png")


def size_of(root, source, **options):
    return initial_project(source, root=root, name="a", **options).content["data"]["size"]


@pytest.mark.parametrize(
    ("own", "side"),
    [
        ((8, 8), 32),
        ((32, 32), 32),
        ((40, 90), 32),  # the shorter side decides
        ((48, 48), 64),  # as near to one as to the other
        ((64, 64), 64),
        ((300, 200), 64),
    ],
)
def test_images_get_the_size_that_is_nearest_to_their_own(tmp_path, own, side):
    pictures(tmp_path / "photos", [own] * 12)
    assert size_of(tmp_path, "photos") == side
    assert size_of(tmp_path, "photos", size=16) == 16


def test_most_images_decide_and_damaged_ones_do_not_count(tmp_path):
    pictures(tmp_path / "photos", [(500, 500)] * 3 + [(30, 30)] * 9)
    for name in ("00.png", "05.png"):
        (tmp_path / "photos" / name).write_bytes(b"no image")
    assert size_of(tmp_path, "photos") == 32


def test_arrays_have_a_size_too(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images)
    assert size_of(tmp_path, "set.npz") == 32
