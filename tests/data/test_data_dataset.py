import numpy as np
import pytest

from unweave.core.errors import ConfigError, DataError
from unweave.core.factors import Factor
from unweave.data.config import DataConfig, SplitConfig
from unweave.data.dataset import load_dataset

SPRITES = DataConfig(images="builtin:sprites", size=32, rows=300)


def _load(tmp_path, config=SPRITES, factors=(), **more):
    return load_dataset(config, factors, root=tmp_path, cache=tmp_path / "cache", **more)


def test_a_built_in_set_brings_its_factors(tmp_path):
    dataset = _load(tmp_path)
    assert len(dataset) == 300
    assert dataset.store.shape == (32, 32, 1)
    assert dataset.table.names == ("shape", "scale", "orientation", "x", "y")
    assert dataset.table.factors[2].kind == "circular"
    assert dataset.table.known.all()
    assert [len(rows) for rows in dataset.splits.named().values()] == [240, 30, 30]


def test_labels_of_a_built_in_set_belong_to_its_images(tmp_path):
    dataset = _load(tmp_path)
    images = dataset.observations(np.arange(300))[:, :, :, 0].astype(float)
    columns = np.arange(32)
    middle = (images.sum(axis=1) * columns).sum(axis=1) / images.sum(axis=(1, 2))
    # x moves the sprite from left to right, so its centre of mass follows.
    assert np.corrcoef(middle, dataset.table.values[:, 3])[0, 1] > 0.98
    mass = images.sum(axis=(1, 2))
    assert np.corrcoef(mass, dataset.table.values[:, 1])[0, 1] > 0.8


def test_declared_factors_select_and_rank(tmp_path):
    factors = [Factor(name="x", kind="continuous", priority=1), Factor(name="shape", kind="categorical")]
    dataset = _load(tmp_path, factors=factors)
    assert dataset.table.names == ("x", "shape")
    assert dataset.table.factors[0].priority == 1
    assert dataset.table.factors[1].values == ("ellipse", "heart", "square")


def test_rows_seed_and_code_decide_the_store(tmp_path):
    stores = [
        _load(tmp_path, SPRITES.model_copy(update=update)).store.content_hash
        for update in ({}, {"rows": 200}, {"split": SplitConfig(seed=1)}, {"size": 64})
    ]
    assert len(set(stores)) == 4


def test_processes_do_not_change_a_built_in_set(tmp_path):
    config = SPRITES.model_copy(update={"images": "builtin:sprites-noisy"})
    stores = [load_dataset(config, (), root=tmp_path, cache=tmp_path / str(n), processes=n).store for n in (1, 2)]
    assert stores[0].content_hash == stores[1].content_hash


def test_the_data_hash_covers_labels_factors_and_splits(tmp_path):
    hashes = [
        _load(tmp_path).data_hash,
        _load(tmp_path, factors=[Factor(name="x", kind="continuous")]).data_hash,
        _load(tmp_path, factors=[Factor(name="x", kind="continuous", range=(0, 1))]).data_hash,
        _load(tmp_path, SPRITES.model_copy(update={"split": SplitConfig(train=0.7, valid=0.2)})).data_hash,
    ]
    assert len(set(hashes)) == 4
    assert _load(tmp_path).data_hash == hashes[0]


def test_observations_are_a_copy_in_the_order_given(tmp_path):
    dataset = _load(tmp_path)
    rows = dataset.observations(np.array([5, 2, 5]))
    np.testing.assert_array_equal(rows, np.stack([dataset.store.observations[n] for n in (5, 2, 5)]))
    rows[:] = 0
    assert dataset.store.observations[5].any()


def test_an_unknown_group_column_is_named_with_the_nearest(tmp_path):
    config = SPRITES.model_copy(update={"split": SplitConfig(by="shap")})
    with pytest.raises(DataError, match=r"no label column 'shap'.*Did you mean 'shape'"):
        _load(tmp_path, config)


def test_rows_without_a_group_stay_together(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), dtype=np.uint8)
    people = np.array([f"p{n // 10}" if n % 10 else "" for n in range(60)])
    np.savez(tmp_path / "a.npz", images=images, person=people)
    dataset = _load(tmp_path, DataConfig(images="a.npz", split=SplitConfig(by="person")))
    unknown = set(np.flatnonzero(people == "").tolist())
    assert any(unknown <= set(rows.tolist()) for rows in dataset.splits.named().values())


def test_data_without_labels_have_no_factors(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(40, 3)))
    dataset = _load(tmp_path, DataConfig(vectors="a.npy"))
    assert dataset.table.factors == ()
    assert len(dataset.table) == len(dataset) == 40
    assert dataset.store.columns.num_rows == 40


def test_an_unknown_built_in_set_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="spritz"):
        _load(tmp_path, DataConfig(images="builtin:spritz"))


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "photos.zip").touch()
    with pytest.raises(DataError, match=r"is a \.zip file; expected a folder.*Unpack an archive"):
        _load(tmp_path, DataConfig(images="photos.zip"))
