"""A project whose model has categorical codes, from training to report."""

import numpy as np
import pytest

from small_project import trained
from unweave.projects.models import trained_model
from unweave.projects.traversals import draw_traversals

METHOD = {"kind": "hybrid", "latent": 2, "fine_tune_after": 15, "categorical": {"sizes": [4]}}
BLOCK = (2, 3, 4, 5)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("classes"), method=METHOD)


def test_scores_take_a_categorical_code_as_one(done):
    dataset, run, _ = done
    score = run.run.scorecard()["mig"]
    assert np.asarray(score.matrix).shape == (3, len(dataset.table.factors))
    assert score.value is not None


def test_the_model_read_from_its_folder_knows_its_codes(done):
    dataset, run, _ = done
    model, images = trained_model(run.run), dataset.observations(dataset.splits.test[:5])
    codes = model.encode(images)
    assert codes.groups == codes.categorical == (BLOCK,)
    assert np.array_equal(codes.mean, run.model.encode(images).mean)
    assert model.decode(codes.mean).shape == images.shape


def test_every_class_has_a_row_in_the_traversals(done, tmp_path):
    dataset, run, _ = done
    rows = draw_traversals(run.run, dataset, tmp_path / "dials.png")
    assert sorted(row["latent"] for row in rows) == list(range(6))
    assert (tmp_path / "dials.png").is_file()
