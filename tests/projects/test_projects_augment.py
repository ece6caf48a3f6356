"""The settings of `augment` on their way from the project file to the batches of a training."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from small_project import SMALL, project_of
from unweave.core.errors import ConfigError
from unweave.nets.transform import Transform
from unweave.projects.batches import batch_source
from unweave.projects.data import load_data
from unweave.projects.labelled import labels_used

LIT = {"shift": 0, "zoom": 0, "turn": 0, "slant": 0, "gain": 0.3, "contrast": 0}


def source(root, data, **supervision):
    method = {**SMALL["method"], "supervision": {"factors": ["group"], "noise": 0, **supervision}}
    project = project_of(data=data, method=method)
    dataset = load_data(project, root)
    transform = Transform.fit(dataset.observations(dataset.splits.train))
    labels = labels_used(project.method, dataset, seed=0)
    return batch_source(project, dataset, transform, labels, torch.device("cpu"))


def photos(root):
    pixels = np.random.default_rng(0).integers(30, 150, (60, 8, 8, 1)).astype(np.uint8)
    np.savez(root / "photos.npz", images=pixels, group=np.arange(60) % 3)
    return {"images": "photos.npz"}


def vectors(root):
    numbers = np.random.default_rng(0).standard_normal((60, 2))
    table = pa.table({"a": numbers[:, 0], "b": numbers[:, 1], "group": [f"g{k % 3}" for k in range(60)]})
    pq.write_table(table, root / "vectors.parquet")
    return {"vectors": "vectors.parquet"}


def test_images_are_changed_as_the_project_says(tmp_path):
    data = photos(tmp_path)
    plain, lit = (source(tmp_path, data, augment=augment).batch(0) for augment in (None, LIT))
    assert torch.equal(plain.x, lit.x)
    gain = lit.labelled.x / plain.labelled.x
    torch.testing.assert_close(gain, gain[:, :1, :1, :1].expand_as(gain))  # one for each image
    assert gain.log().abs().max() <= 0.3 + 1e-5
    assert gain[:, 0, 0, 0].std() > 0.1


def test_vectors_cannot_be_moved(tmp_path):
    data = vectors(tmp_path)
    assert source(tmp_path, data).batch(0).labelled is not None
    with pytest.raises(ConfigError, match=r"augment changes images, and these data are vectors\. Leave it out"):
        source(tmp_path, data, augment={})
