"""Real sets: the folder that their script unpacks and the .npz that it comes from are the same data."""

import subprocess
import sys

import numpy as np
import pytest

from unweave.core.factors import Factor
from unweave.data.config import DataConfig, SplitConfig
from unweave.data.dataset import load_dataset

pytestmark = pytest.mark.shared


def _unpack(shared, npz, root):
    script, labels = shared / "data" / "unpack.py", root / "labels.csv"
    subprocess.run([sys.executable, script, npz, root / "photos", labels], check=True)


def test_cmu_faces_as_a_folder_and_as_npz(shared, tmp_path):
    npz = shared / "data" / "cmu_faces" / "quarter_30x32.npz"
    _unpack(shared, npz, tmp_path)
    raw = np.load(npz)
    split = SplitConfig(by="identity")
    for images in ("photos", str(npz)):
        config = DataConfig(images=images, split=split)
        dataset = load_dataset(config, (), root=tmp_path, cache=tmp_path / "cache")
        np.testing.assert_array_equal(dataset.store.observations[..., 0], raw["images"])
        assert dataset.store.report.skipped == dataset.store.report.orphans == dataset.store.report.unlabelled == ()
        for name in ("identity", "pose", "expression", "eyes"):
            column = dataset.table.index(name)
            factor = dataset.table.factors[column]
            assert factor.kind == "categorical"
            codes = dataset.table.values[:, column].astype(int)
            expected = raw[f"values_{name}"][raw["factors"][:, raw["factor_names"].tolist().index(name)]]
            known = dataset.table.known[:, column]
            np.testing.assert_array_equal(np.array(factor.values)[codes][known], expected[known])
            assert known.all()
        identities = dataset.table.values[:, dataset.table.index("identity")]
        sides = [set(identities[rows]) for rows in dataset.splits.named().values()]
        assert all(sides)
        assert sum(map(len, sides)) == len(raw["values_identity"])


def test_declared_factors_of_cmu_faces_take_their_order_from_the_project(shared, tmp_path):
    _unpack(shared, shared / "data" / "cmu_faces" / "quarter_30x32.npz", tmp_path)
    pose = Factor(name="pose", kind="categorical", values=("up", "right", "straight", "left"), priority=1)
    config = DataConfig(images="photos", labels="labels.csv", size=32, channels=3, fit="pad")
    dataset = load_dataset(config, [pose], root=tmp_path, cache=tmp_path / "cache")
    assert dataset.table.factors == (pose,)
    assert dataset.store.observations.shape == (465, 32, 32, 3)
    # Stratified: each side has each pose in about its share.
    counts = [np.bincount(dataset.table.values[rows, 0].astype(int), minlength=4) for rows in
              (dataset.splits.train, dataset.splits.test)]  # fmt: skip
    np.testing.assert_allclose(counts[0] / counts[0].sum(), counts[1] / counts[1].sum(), atol=0.03)


def test_the_rotation_of_coil20_is_found_to_be_circular(shared, tmp_path):
    npz = shared / "data" / "coil20" / "gray_32x32.npz"
    _unpack(shared, npz, tmp_path)
    raw = np.load(npz)
    for images in ("photos", str(npz)):
        dataset = load_dataset(DataConfig(images=images), (), root=tmp_path, cache=tmp_path / "cache")
        kinds = {factor.name: factor.kind for factor in dataset.table.factors}
        assert kinds["object"] == "categorical"
        assert kinds["rotation"] == "circular"
        column = dataset.table.index("rotation")
        assert dataset.table.factors[column].range == (0, 360)
        np.testing.assert_array_equal(dataset.table.values[:, column], raw["factors"][:, 1] * 5)
