"""Files of every source with bytes knocked over: they are read, or refused with an error of ours that names them."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unweave.core.errors import DataError, StorageError, UnweaveError
from unweave.data.config import DataConfig
from unweave.data.dataset import load_dataset
from unweave.data.sources.damage import reading

ROWS = 40


def _png(number):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _npz(path):
    images = np.random.default_rng(0).integers(0, 256, (ROWS, 6, 6), dtype=np.uint8)
    np.savez_compressed(path, images=images, pose=["left", "right"] * (ROWS // 2))


def _parquet(path):
    images = [{"bytes": _png(number), "path": f"{number}.png"} for number in range(ROWS)]
    pq.write_table(pa.table({"image": images, "pose": ["left", "right"] * (ROWS // 2)}), path)


def _saved(folder):
    """What `save_to_disk` of Hugging Face writes, as far as it is read."""
    folder.mkdir()
    table = pa.table({"image": [{"bytes": _png(number), "path": None} for number in range(ROWS)], "x": range(ROWS)})
    with pa.ipc.new_stream(folder / "data.arrow", table.schema) as writer:
        writer.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))


def _vectors(path):
    np.save(path, np.random.default_rng(0).normal(size=(ROWS, 5)))


def _table(path):
    columns = {f"v{k}": np.random.default_rng(k).normal(size=ROWS) for k in range(3)}
    pq.write_table(pa.table({**columns, "pose": ["left", "right"] * (ROWS // 2)}), path)


SOURCES = {
    "images.npz": (_npz, "images", "images.npz"),
    "images.parquet": (_parquet, "images", "images.parquet"),
    "saved": (_saved, "images", "saved/data.arrow"),
    "saved/": (_saved, "images", "saved/state.json"),
    "vectors.npy": (_vectors, "vectors", "vectors.npy"),
    "vectors.parquet": (_table, "vectors", "vectors.parquet"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_damage_is_told_and_never_crashes(name, tmp_path):
    make, key, victim = SOURCES[name]
    make(tmp_path / name)
    path = tmp_path / victim
    config = DataConfig(**{key: name})
    whole = path.read_bytes()
    load_dataset(config, (), root=tmp_path, cache=tmp_path / "cache", processes=1)
    rng = np.random.default_rng(0)
    told = 0
    for trial in range(60):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), 3):
            content[place] = int(rng.integers(256))
        if trial % 4 == 0:
            content = content[: rng.integers(len(content))]
        path.write_bytes(content)
        try:
            load_dataset(config, (), root=tmp_path, cache=tmp_path / "cache", processes=1)
        except UnweaveError as error:
            told += name.rstrip("/") in str(error)
    # Some bytes hold nothing, and a hit number is another number; files cut off are a quarter of the trials.
    assert told >= 15


@pytest.mark.parametrize("error", [KeyError("splits"), OSError("Corrupt snappy compressed data."), EOFError()])
def test_what_libraries_raise_becomes_an_error_that_names_the_file(error):
    with pytest.raises(DataError, match=r"a\.npz cannot be read.*Save it again"), reading("a.npz"):
        raise error


def test_a_refusal_of_the_system_and_our_own_errors_are_told_as_they_are(tmp_path):
    with pytest.raises(StorageError, match=r"cannot read .*gone: No such file"), reading("a.npz"):
        (tmp_path / "gone").read_bytes()
    with pytest.raises(DataError, match=r"^mine$"), reading("a.npz"):
        raise DataError("mine")
    with pytest.raises(AssertionError), reading("a.npz"):
        raise AssertionError
