import numpy as np
import pytest

from unweave.core.errors import DataError
from unweave.core.factors import Factor
from unweave.data.config import DataConfig, SplitConfig
from unweave.data.dataset import load_dataset

SPLIT = SplitConfig(train=0.6, valid=0.2, test=0.2)
IMAGES = np.random.default_rng(0).integers(0, 256, (300, 6, 8), dtype=np.uint8)


def _load(tmp_path, declared=(), size=None, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    config = DataConfig(images="a.npz", size=size, split=SPLIT)
    return load_dataset(config, declared, root=tmp_path, cache=tmp_path / "cache", processes=1)


@pytest.mark.parametrize("shape", [(300, 6, 8), (300, 6, 8, 1), (100, 6, 8, 3)])
def test_images_come_back_as_they_are(tmp_path, shape):
    dataset = _load(tmp_path, images=IMAGES[: shape[0]].repeat(shape[-1] if shape[-1] == 3 else 1).reshape(-1)[
        : np.prod(shape)
    ].reshape(shape))  # fmt: skip
    assert dataset.store.shape[:2] == (6, 8)
    assert dataset.store.kind == "images"
    assert dataset.store.ids.tolist() == [str(n) for n in range(shape[0])]


def test_more_images_than_one_batch_are_streamed_in_order(tmp_path):
    dataset = _load(tmp_path, images=IMAGES)
    np.testing.assert_array_equal(dataset.store.observations[:, :, :, 0], IMAGES)


def test_colour_among_grey_images_makes_all_of_them_rgb(tmp_path):
    images = np.stack([IMAGES] * 3, axis=3)
    images[280, 0, 0] = (1, 2, 3)
    dataset = _load(tmp_path, images=images)
    np.testing.assert_array_equal(dataset.store.observations, images)
    grey = _load(tmp_path, images=np.stack([IMAGES] * 3, axis=3))
    assert grey.store.shape == (6, 8, 1)


def test_factor_matrix_with_names_and_value_names(tmp_path):
    factors = np.stack([np.arange(300) % 3, np.arange(300) % 12 * 30], axis=1).astype(np.int16)
    factors[5, 0] = -1
    dataset = _load(
        tmp_path,
        images=IMAGES,
        factors=factors,
        factor_names=np.array(["pose", "rotation"]),
        values_pose=np.array(["up", "left", "down"]),
        files=np.array([f"{n}.pgm" for n in range(300)]),
        extra=np.arange(300),
    )
    assert dataset.table.factors == (
        Factor(name="pose", kind="categorical", values=("up", "left", "down")),
        Factor(name="rotation", kind="circular", range=(0, 360)),
    )
    assert not dataset.table.known[5, 0]
    np.testing.assert_array_equal(dataset.table.values[6:], factors[6:])
    assert dataset.store.ids[7] == "7.pgm"
    assert "extra" in dataset.store.report.left_out_columns


def test_columns_of_their_own(tmp_path):
    smile = np.linspace(0, 1, 300)
    smile[3] = np.nan
    dataset = _load(
        tmp_path,
        [Factor(name="smile", kind="continuous"), Factor(name="pose", kind="categorical")],
        images=IMAGES,
        smile=smile,
        pose=np.array(["left", "", "right"] * 100),
        odd=np.zeros((2, 2)),
    )
    assert dataset.table.known.sum(axis=0).tolist() == [299, 200]
    assert dataset.store.report.left_out_columns == {"odd": "its shape (2, 2) is not (300,)"}


@pytest.mark.parametrize("dtype", [">i2", "u1", "f4", "S3", "U3", "?"])
def test_every_type_of_label_can_be_read(tmp_path, dtype):
    labels = (np.arange(300) % 2).astype(dtype)
    table = _load(tmp_path, [Factor(name="c", kind="categorical")], images=IMAGES, c=labels).table
    np.testing.assert_array_equal(table.values[:, 0], np.arange(300) % 2)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"pictures": IMAGES}, "expected an array `images`, the file has pictures"),
        ({"images": IMAGES / 255}, r"must be uint8.*float64.*astype\('uint8'\)"),
        ({"images": np.zeros((5, 3, 8, 8), np.uint8)}, r"channels last.*transpose\(0, 2, 3, 1\)"),
        ({"images": np.zeros((5, 8), np.uint8)}, "must be .N, H, W."),
        ({"images": IMAGES, "factors": np.zeros((300, 2))}, r"with no names"),
        ({"images": IMAGES, "c": np.full(300, 2), "values_c": np.array(["a", "b"])}, "code 2 in row 0.*2 names"),
        ({"images": np.asfortranarray(IMAGES)}, "Fortran order"),
        ({"images": IMAGES[:0]}, "not empty"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(tmp_path, arrays, words):
    with pytest.raises(DataError, match=words):
        _load(tmp_path, **arrays)


def test_python_objects_are_never_loaded(tmp_path):
    with pytest.raises(DataError, match="Python objects"):
        _load(tmp_path, images=IMAGES, labels=np.array([{}] * 300, dtype=object))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_file_is_refused(tmp_path, compressed):
    path = tmp_path / "a.npz"
    (np.savez_compressed if compressed else np.savez)(path, images=IMAGES)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    config = DataConfig(images="a.npz", split=SPLIT)
    with pytest.raises(DataError, match="damaged"):
        load_dataset(config, (), root=tmp_path, cache=tmp_path / "cache")
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"no \.npz file"):
        load_dataset(config, (), root=tmp_path, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache" / "stores").glob("*"))
