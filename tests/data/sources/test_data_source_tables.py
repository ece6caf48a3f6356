"""Parquet files and Hugging Face datasets."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unweave.core.errors import DataError
from unweave.core.factors import Factor
from unweave.data.config import DataConfig, SplitConfig
from unweave.data.dataset import load_dataset

SPLIT = SplitConfig(train=0.6, valid=0.2, test=0.2)
COLORS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9), (200, 100, 0), (1, 2, 3)]
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def _png(color):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), color).save(buffer, "PNG")
    return buffer.getvalue()


def _structs(colors=COLORS):
    return pa.array([{"bytes": _png(c), "path": f"p{n}.png"} for n, c in enumerate(colors)], type=IMAGE)


def _load(root, name, factors=()):
    config = DataConfig(images=name, split=SPLIT)
    return load_dataset(config, factors, root=root, cache=root / "cache", processes=1)


def _first_pixels(dataset):
    return [tuple(pixel) for pixel in dataset.store.observations[:, 0, 0].tolist()]


def test_parquet_of_structs(tmp_path):
    table = pa.table({"image": _structs(), "pose": ["up", "down", None] * 2, "box": [[1, 2]] * 6})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    dataset = _load(tmp_path, "a.parquet")
    assert _first_pixels(dataset) == COLORS
    assert dataset.store.ids.tolist() == [f"p{n}.png" for n in range(6)]
    assert dataset.table.known[:, 0].tolist() == [True, True, False] * 2
    assert "box" in dataset.store.report.left_out_columns


def test_parquet_of_bytes_with_an_index_and_holes(tmp_path):
    cells = [_png(c) for c in COLORS]
    cells[1] = None
    table = pa.table({"level": [0, 1, 2, 3, 4, 5], "picture": cells, "__index_level_0__": [*range(6)]})
    pq.write_table(table, tmp_path / "a.parquet")
    dataset = _load(tmp_path, "a.parquet")
    assert dataset.store.ids.tolist() == ["0", "2", "3", "4", "5"]
    assert dataset.table.values[:, 0].tolist() == [dataset.table.factors[0].values.index(v) for v in "02345"]
    assert [(s.name, s.reason) for s in dataset.store.report.skipped] == [("1", "the table has no image in this row")]
    assert dataset.store.columns.column_names == ["level"]


def test_parquet_shards_in_a_folder(tmp_path):
    (tmp_path / "data").mkdir()
    for n in range(2):
        table = pa.table({"image": _structs(COLORS[3 * n : 3 * n + 3]), "id": [f"{n}-{k}" for k in range(3)]})
        pq.write_table(table, tmp_path / "data" / f"train-{n}.parquet")
    dataset = _load(tmp_path, "data")
    assert _first_pixels(dataset) == COLORS
    # The paths in the images repeat in each file, so the ids are taken.
    assert dataset.store.ids.tolist() == ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2"]


def test_a_path_in_place_of_bytes_is_relative_to_the_file(tmp_path):
    (tmp_path / "data/pictures").mkdir(parents=True)
    for n, color in enumerate(COLORS):
        (tmp_path / f"data/pictures/{n}.png").write_bytes(_png(color))
    cells = [{"bytes": None, "path": f"pictures/{n}.png"} for n in (*range(6), 99)]
    pq.write_table(pa.table({"image": pa.array(cells, type=IMAGE)}), tmp_path / "data/a.parquet")
    dataset = _load(tmp_path, "data/a.parquet")
    assert _first_pixels(dataset) == COLORS
    assert [skip.name for skip in dataset.store.report.skipped] == ["pictures/99.png"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"a": [1, 2]}, "found none"),
        ({"a": [b"x"], "b": [b"y"]}, "found several: a, b"),
    ],
)
def test_an_unclear_image_column_is_refused(tmp_path, columns, words):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=words):
        _load(tmp_path, "a.parquet")


def test_a_damaged_parquet_file_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match="no Parquet file that can be read"):
        _load(tmp_path, "a.parquet")


def test_class_labels_of_hugging_face_in_parquet(tmp_path):
    features = {
        "photo": {"_type": "Image"},
        "other": {"_type": "Value", "dtype": "binary"},
        "pose": {"_type": "ClassLabel", "names": ["up", "down", "never"]},
    }
    schema = pa.schema(
        [("photo", IMAGE), ("other", pa.binary()), ("pose", pa.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    table = pa.table([_structs(), [b"x"] * 6, [0, 1, -1, 0, 1, None]], schema=schema)
    pq.write_table(table, tmp_path / "a.parquet")
    dataset = _load(tmp_path, "a.parquet")
    assert dataset.table.factors == (Factor(name="pose", kind="categorical", values=("up", "down", "never")),)
    assert dataset.table.values[:, 0].tolist() == [0, 1, 0, 0, 1, 0]
    assert dataset.table.known[:, 0].tolist() == [True, True, False, True, True, False]


@pytest.fixture
def hugging_face():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "pose": datasets.ClassLabel(names=["up", "down"]),
            "smile": datasets.Value("float32"),
        }
    )

    def make(colors, start=0):
        return datasets.Dataset.from_dict(
            {
                "image": [{"bytes": _png(c), "path": f"{start + n}.png"} for n, c in enumerate(colors)],
                "pose": [n % 2 for n in range(len(colors))],
                "smile": [n / 10 for n in range(len(colors))],
            },
            features=features,
        )

    return datasets, make


def test_a_hugging_face_dataset_saved_on_disk(tmp_path, hugging_face):
    _, make = hugging_face
    make(COLORS).save_to_disk(tmp_path / "saved", num_shards=2)
    dataset = _load(tmp_path, "saved")
    assert _first_pixels(dataset) == COLORS
    assert dataset.store.ids.tolist() == [f"{n}.png" for n in range(6)]
    assert [factor.kind for factor in dataset.table.factors] == ["categorical", "continuous"]
    assert dataset.table.factors[0].values == ("up", "down")
    np.testing.assert_allclose(dataset.table.values[:, 1], np.arange(6) / 10, atol=1e-7)


def test_of_a_dictionary_of_splits_all_rows_are_taken(tmp_path, hugging_face):
    datasets, make = hugging_face
    both = datasets.DatasetDict({"train": make(COLORS[:4]), "test": make(COLORS[4:])})
    both.save_to_disk(tmp_path / "saved")
    dataset = _load(tmp_path, "saved")
    assert _first_pixels(dataset) == COLORS
    assert dataset.store.ids.tolist()[3:] == ["train/3.png", "test/0.png", "test/1.png"]


def test_a_chosen_order_of_a_hugging_face_dataset_is_kept(tmp_path, hugging_face):
    _, make = hugging_face
    make(COLORS).select([5, 0, 3, 1, 2]).save_to_disk(tmp_path / "saved")
    assert _first_pixels(_load(tmp_path, "saved")) == [COLORS[n] for n in (5, 0, 3, 1, 2)]


def test_a_damaged_hugging_face_dataset_is_refused(tmp_path, hugging_face):
    _, make = hugging_face
    make(COLORS).save_to_disk(tmp_path / "saved")
    next((tmp_path / "saved").glob("*.arrow")).write_bytes(b"")
    with pytest.raises(DataError, match="no Arrow file that can be read"):
        _load(tmp_path, "saved")
