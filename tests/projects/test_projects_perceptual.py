"""Perceptual terms in a project: a run named, its weights fingerprinted, training stopped and continued, reported."""

import shutil

import pytest

from small_project import SMALL, Interrupt, project_of, trained
from unweave.core.errors import ConfigError
from unweave.projects.data import load_data
from unweave.projects.load import parse_project
from unweave.projects.models import trained_model
from unweave.projects.pipeline import train
from unweave.projects.runs import fingerprint, run_for

SETTINGS = {
    "data": {"images": "builtin:digits", "size": 16, "rows": 300},
    "net": {"kind": "conv", "width": 4},
}


def method(**perceptual):
    return {**SMALL["method"], "perceptual": perceptual}


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """A project folder with a complete run."""
    root = tmp_path_factory.mktemp("earlier")
    return root, trained(root, **SETTINGS)[1].run


@pytest.fixture
def root(earlier, tmp_path):
    shutil.copytree(earlier[0], tmp_path / "project")
    return tmp_path / "project"


def test_a_run_is_found_by_the_start_of_its_name_and_trained_with(root, earlier):
    _, done, content = trained(root, **SETTINGS, method=method(kind="features", run=earlier[1].name[:14], weight=0.5))
    section = done.run.project().method.perceptual
    assert section.run == f"runs/{earlier[1].name}"
    assert len(section.fingerprint) == 16
    history = (done.run.folder / "history.jsonl").read_text()
    assert '"train.features"' in history
    assert '"valid.reconstruction"' in history
    assert content["status"] == "complete"
    report = done.run.report.read_text()
    assert "features" in report
    assert section.fingerprint in report


def test_the_fingerprint_of_the_run_follows_the_weights_and_not_their_place(root, earlier):
    section = {"kind": "features", "fingerprint": "0123456789abcdef"}
    first, moved, other, open_ = (
        fingerprint(project_of(**SETTINGS, method=method(**s)), "1" * 32)
        for s in (
            {**section, "run": "a"},
            {**section, "run": "b"},
            {**section, "run": "a", "fingerprint": "0" * 16},
            {"kind": "features", "run": "a"},
        )
    )
    assert first == moved
    assert len({first, other, open_}) == 3


def test_a_stopped_run_continues_to_the_same_weights_and_is_the_same_run(root, earlier, tmp_path):
    wanted = method(kind="features", run=earlier[1].name)
    _, whole, _ = trained(root, **SETTINGS, method=wanted)
    again = tmp_path / "again"
    shutil.copytree(root, again, ignore=shutil.ignore_patterns(whole.run.name))
    _, stopped, _ = trained(again, **SETTINGS, method=wanted, sinks=[Interrupt(10)])
    assert stopped.outcome.status == "interrupted"
    _, continued, _ = trained(again, **SETTINGS, method=wanted)
    assert continued.run.name == stopped.run.name == whole.run.name
    weights = "model/weights.safetensors"
    assert (continued.run.folder / weights).read_bytes() == (whole.run.folder / weights).read_bytes()


def test_a_complete_model_needs_the_earlier_run_no_more(root, earlier):
    _, done, _ = trained(root, **SETTINGS, method=method(kind="features", run=earlier[1].name))
    shutil.rmtree(root / "runs" / earlier[1].name)
    dataset = load_data(done.run.project(), root)
    assert trained_model(done.run).encode(dataset.observations(dataset.splits.test[:4])).mean.shape == (4, 3)


def test_an_earlier_run_that_is_absent_or_not_complete_is_explained(root, earlier):
    project = project_of(**SETTINGS, method=method(kind="features", run="tc_vae"))
    dataset = load_data(project, root)
    with pytest.raises(ConfigError, match=f"no run begins with 'tc_vae'.*{earlier[1].name}"):
        train(project, dataset, root, device="cpu")
    half = project_of(**SETTINGS, training={**SMALL["training"], "seed": 1})
    _, stopped, _ = trained(root, **SETTINGS, training=half.training.model_dump(), sinks=[Interrupt(10)])
    assert stopped.outcome.status == "interrupted"
    project = project_of(**SETTINGS, method=method(kind="features", run=stopped.run.name))
    with pytest.raises(ConfigError, match="is not complete, so it has no model yet"):
        train(project, dataset, root, device="cpu")


def test_images_too_small_are_explained_before_training_begins(tmp_path):
    project = project_of(method=method(kind="ms_ssim"))  # of 8 pixels
    dataset = load_data(project, tmp_path)
    with pytest.raises(ConfigError, match=r"method.perceptual: 'ms_ssim' needs at least 16 pixels a side.*8 x 8"):
        train(project, dataset, tmp_path, device="cpu")
    assert not (run_for(tmp_path, project, dataset.data_hash).folder / "asked.json").exists()


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "ms_sim"}, "method.perceptual.kind: 'ms_sim' is unknown. Did you mean 'ms_ssim'?"),
        ({"kind": "ssim", "wieght": 1}, "method.perceptual.wieght: this key is unknown. Did you mean 'weight'?"),
        ({"kind": "features"}, "method.perceptual.run: this key is required and absent."),
        ({"kind": "ssim", "weight": -1}, "method.perceptual.weight: input should be greater than 0. Got -1."),
        ({"weight": 1}, "method.perceptual.kind: this key is required and absent."),
    ],
)
def test_mistakes_in_the_section_are_named(section, message):
    with pytest.raises(ConfigError) as caught:
        parse_project({**SMALL, "method": method(**section)}, "unweave.yaml")
    assert message in str(caught.value)
