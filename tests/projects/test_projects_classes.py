"""A project whose model has categorical codes, from training to report."""

import numpy as np
import pytest
import torch

from small_project import Interrupt, project_of, trained
from unweave.projects.batches import batch_source
from unweave.projects.models import trained_model
from unweave.projects.pipeline import train
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


def test_stopped_in_either_stage_it_ends_with_the_same_weights(done, tmp_path):
    dataset, whole, _ = done
    project = project_of(method=METHOD)
    for step in (10, 20):
        stopped = train(project, dataset, tmp_path, device="cpu", sinks=[Interrupt(step)])
        assert stopped.outcome.status != "complete"
    finished = train(project, dataset, tmp_path, device="cpu")
    assert finished.outcome.status == "complete"
    want, got = (one.model.method.state_dict() for one in (whole, finished))
    assert {name for name in want if "running" in name}
    assert all(torch.equal(want[name], got[name]) for name in want)


def test_partners_are_neighbours_in_pixels(done):
    dataset, run, _ = done
    batch = batch_source(project_of(method=METHOD), dataset, run.model.transform, None, torch.device("cpu")).batch(3)
    shown = torch.from_numpy(dataset.observations(dataset.splits.train)).permute(0, 3, 1, 2) / 255
    to_all = torch.cdist(batch.x.flatten(1), shown.flatten(1))
    to_partner = (batch.x - batch.partner).flatten(1).norm(dim=1)
    assert (to_partner > 0).all()
    # The row itself and nine others at most are nearer than one of its ten nearest.
    assert ((to_all < to_partner[:, None] - 1e-4).sum(1) <= 10).all()
