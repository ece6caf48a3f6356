import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unweave.core.errors import DataError
from unweave.core.factors import Factor
from unweave.data.config import DataConfig, SplitConfig
from unweave.data.dataset import load_dataset

SPLIT = SplitConfig(train=0.6, valid=0.2, test=0.2)
VECTORS = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
POSE = Factor(name="pose", kind="ordinal")


def _load(root, name, factors=(), **options):
    config = DataConfig(vectors=name, split=options.pop("split", SPLIT), **options)
    return load_dataset(config, factors, root=root, cache=root / "cache", processes=1)


def test_npy_with_a_label_file_row_by_row(tmp_path):
    np.save(tmp_path / "a.npy", VECTORS.astype(np.float64))
    (tmp_path / "labels.csv").write_text("pose\n" + "\n".join(str(n % 3) for n in range(300)))
    dataset = _load(tmp_path, "a.npy", labels="labels.csv")
    assert dataset.store.kind == "vectors"
    assert dataset.store.observations.dtype == np.float32
    np.testing.assert_array_equal(dataset.store.observations, VECTORS)
    np.testing.assert_array_equal(dataset.table.values[:, 0], np.arange(300) % 3)
    assert dataset.observations(np.array([7, 3])).tolist() == VECTORS[[7, 3]].tolist()


def test_a_row_that_is_no_number_is_skipped_and_its_label_with_it(tmp_path):
    vectors = VECTORS.astype(np.float64)
    vectors[4, 1], vectors[9, 0] = np.nan, 1e300
    np.save(tmp_path / "a.npy", vectors)
    (tmp_path / "labels.csv").write_text("pose\n" + "\n".join(str(n) for n in range(300)))
    dataset = _load(tmp_path, "a.npy", [Factor(name="pose", kind="continuous")], labels="labels.csv")
    assert [skip.name for skip in dataset.store.report.skipped] == ["4", "9"]
    keep = np.delete(np.arange(300), [4, 9])
    np.testing.assert_array_equal(dataset.table.values[:, 0], keep)
    np.testing.assert_array_equal(dataset.store.observations, VECTORS[keep])


def test_a_label_file_of_another_length_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", VECTORS)
    (tmp_path / "labels.csv").write_text("pose\n1\n2\n")
    with pytest.raises(DataError, match=r"the 2 rows are not as many as the 300 observations"):
        _load(tmp_path, "a.npy", labels="labels.csv")


@pytest.mark.parametrize("name", ["vectors", "embeddings"])
def test_npz_with_labels(tmp_path, name):
    np.savez(
        tmp_path / "a.npz", **{name: VECTORS}, pose=np.arange(300) % 4, ids=np.array([f"u{n}" for n in range(300)])
    )
    dataset = _load(tmp_path, "a.npz", [POSE])
    np.testing.assert_array_equal(dataset.store.observations, VECTORS)
    np.testing.assert_array_equal(dataset.table.values[:, 0], np.arange(300) % 4)
    assert dataset.store.ids[3] == "u3"


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float32(), 5), pa.large_list(pa.float32())])
def test_parquet_with_a_column_of_lists(tmp_path, kind):
    table = pa.table({"embedding": pa.array(VECTORS.tolist(), type=kind), "pose": np.arange(300) % 4})
    pq.write_table(table, tmp_path / "a.parquet")
    dataset = _load(tmp_path, "a.parquet")
    np.testing.assert_array_equal(dataset.store.observations, VECTORS)
    assert dataset.table.names == ("pose",)


def test_parquet_with_a_column_per_number(tmp_path):
    columns = {f"x{k}": VECTORS[:, k] for k in range(5)}
    table = pa.table({**columns, "pose": np.arange(300) % 4, "word": ["a", "b", "c"] * 100})
    pq.write_table(table, tmp_path / "a.parquet")
    declared = _load(tmp_path, "a.parquet", [POSE])
    np.testing.assert_array_equal(declared.store.observations, VECTORS)
    # Without a declaration nothing tells the label from the other numbers.
    undeclared = _load(tmp_path, "a.parquet")
    assert undeclared.store.shape == (6,)
    assert undeclared.table.names == ("word",)


def test_the_group_column_is_no_feature(tmp_path):
    table = pa.table({"x": VECTORS[:, 0], "user": np.arange(300) // 10})
    pq.write_table(table, tmp_path / "a.parquet")
    dataset = _load(tmp_path, "a.parquet", split=SplitConfig(by="user"))
    assert dataset.store.shape == (1,)
    sides = [set((rows // 10).tolist()) for rows in dataset.splits.named().values()]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]


def test_an_empty_cell_is_a_row_that_cannot_be_used(tmp_path):
    pq.write_table(pa.table({"x": [1.0, None, 3.0, 4, 5, 6], "y": [1, 2, 3, 4, 5, 6]}), tmp_path / "a.parquet")
    dataset = _load(tmp_path, "a.parquet")
    assert dataset.store.observations[:, 1].tolist() == [1, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("array", "words"),
    [(np.zeros(5), r"numbers \(N, F\)"), (np.zeros((0, 3)), "not empty"), (np.array([["a"]]), "numbers")],
)
def test_what_is_no_table_of_vectors_is_refused(tmp_path, array, words):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(DataError, match=words):
        _load(tmp_path, "a.npy")


def test_unclear_tables_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", p=VECTORS, q=VECTORS)
    with pytest.raises(DataError, match=r"expected an array `vectors`"):
        _load(tmp_path, "a.npz")
    pq.write_table(pa.table({"word": ["a"]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match="no column can be part of a vector"):
        _load(tmp_path, "b.parquet")
    pq.write_table(pa.table({"vectors": [[1.0], [1.0, 2.0]]}), tmp_path / "c.parquet")
    with pytest.raises(DataError, match="different lengths"):
        _load(tmp_path, "c.parquet")
    (tmp_path / "d.txt").touch()
    with pytest.raises(DataError, match=r"no \.npy, \.npz or \.parquet file"):
        _load(tmp_path, "d.txt")
