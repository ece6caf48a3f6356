import json

import pytest

import small_project
from small_project import Interrupt, project_of
from unweave.core.errors import ConfigError
from unweave.projects.config import Project
from unweave.projects.data import load_data
from unweave.projects.finish import finish, write_run_report
from unweave.projects.models import trained_model
from unweave.projects.pipeline import evaluate, train
from unweave.projects.seeds import train_seeds
from unweave.projects.traversals import draw_traversals


def _weights(run):
    return (run.model / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One project trained, evaluated and reported."""
    root = tmp_path_factory.mktemp("whole")
    project = project_of()
    dataset = load_data(project, root)
    trained = train(project, dataset, root, device="cpu")
    return root, dataset, trained, finish(trained, dataset, root)


def test_train_evaluate_report(whole):
    root, dataset, trained, content = whole
    assert trained.outcome.status == "complete"
    assert content["step"] == 30
    assert {"mig", "active_units", "reconstruction"} <= set(content["scores"])
    assert json.loads(json.dumps(content)) == content  # nothing that JSON does not know
    asked = trained.run.read("asked")
    assert asked["data_hash"] == dataset.data_hash
    assert sum(asked["rows"].values()) == 400
    assert trained.run.scorecard().keys() == content["scores"].keys()
    html = trained.run.report.read_text()
    assert "digits" in html
    assert root in trained.run.report.parents


def test_training_again_does_nothing_more(whole):
    root, dataset, trained, _ = whole
    before, history = _weights(trained.run), (trained.run.folder / "history.jsonl").read_text()
    again = train(project_of(), dataset, root, device="cpu")
    assert again.run == trained.run
    assert (again.outcome.status, again.outcome.progress.step) == ("complete", 30)
    assert again.outcome.progress.seconds == trained.outcome.progress.seconds
    assert _weights(again.run) == before
    assert (again.run.folder / "history.jsonl").read_text() == history


def test_gates_may_change_after_the_training(whole):
    root, dataset, trained, _ = whole
    strict = project_of(accept={"mig": {"at_least": 1}})
    evaluate(trained.run, dataset, accept=strict.accept, bootstrap=0)
    assert [g["passed"] for g in trained.run.read("gates")["gates"]] == [False]
    # The same run, and it knows the new wish.
    assert train(strict, dataset, root, device="cpu").run == trained.run
    assert trained.run.project().accept == strict.accept
    assert "began" in trained.run.read("asked")


def test_a_traversal_is_drawn(whole, tmp_path):
    _, dataset, trained, _ = whole
    rows = draw_traversals(trained.run, dataset, tmp_path / "t.png", frames=3, top=2)
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    assert len(rows) == 2
    assert rows[0]["kl"] >= rows[1]["kl"]


def test_ctrl_c_leaves_a_report_and_the_same_call_continues(whole, tmp_path):
    project = project_of()
    dataset = load_data(project, tmp_path)
    stopped = train(project, dataset, tmp_path, device="cpu", sinks=[Interrupt(10)])
    assert stopped.outcome.status == "interrupted"
    step = stopped.outcome.progress.step
    assert 10 <= step < 30
    so_far = finish(stopped, dataset, tmp_path)
    assert (so_far["status"], so_far["scores"], so_far["gates"]) == ("interrupted", {}, [])
    assert stopped.run.report.is_file()
    for needs_a_model in (trained_model, lambda run: write_run_report(run, dataset, tmp_path)):
        with pytest.raises(ConfigError, match=rf"is not complete \(step {step}\).*`unweave train` continues"):
            needs_a_model(stopped.run)
    went_on = train(project, dataset, tmp_path, device="cpu")
    assert (went_on.run, went_on.outcome.status) == (stopped.run, "complete")
    assert _weights(went_on.run) == _weights(whole[2].run)


def test_no_time_left(tmp_path):
    project = project_of()
    stopped = train(project, load_data(project, tmp_path), tmp_path, device="cpu", max_seconds=0)
    assert stopped.outcome.status == "out of time"
    assert stopped.run.read("status")["step"] == 1


def test_a_device_that_is_not_there(tmp_path):
    project = project_of()
    with pytest.raises(ConfigError, match="device 'abacus' cannot be used"):
        train(project, load_data(project, tmp_path), tmp_path, device="abacus")


def test_several_seeds(tmp_path):
    said = []
    results = train_seeds(project_of(), tmp_path, seeds=2, device="cpu", say=said.append)
    assert [r["seed"] for r in results["seeds"]] == [0, 1]
    migs = [r["scores"]["mig"]["value"] for r in results["seeds"]]
    assert results["median_mig"] == pytest.approx(sum(migs) / 2)
    errors = [r["scores"]["reconstruction"]["value"] for r in results["seeds"]]
    assert errors[0] != errors[1]
    assert len({r["run"] for r in results["seeds"]}) == 2
    assert said[0].startswith("2 seeds")
    assert sorted(line.split(":")[0] for line in said[1:]) == ["seed 0", "seed 1"]


@pytest.fixture(name="vectors")
def _vectors(tmp_path):
    return small_project.vectors(tmp_path)


def test_vectors_with_labels_end_to_end(tmp_path, vectors):
    project = Project.model_validate(vectors)
    dataset = load_data(project, tmp_path)
    assert dataset.table.names == ("speed", "lane")
    trained = train(project, dataset, tmp_path, device="cpu")
    content = finish(trained, dataset, tmp_path)
    assert content["status"] == "complete"
    assert content["scores"]["mig"]["value"] is not None
    assert trained.run.report.is_file()


def test_data_without_labels_end_to_end(tmp_path, vectors):
    data = {"vectors": "states.npy"}
    project = Project.model_validate({**vectors, "data": data, "accept": {"mig": {"at_least": 0.1}}})
    dataset = load_data(project, tmp_path)
    content = finish(train(project, dataset, tmp_path, device="cpu"), dataset, tmp_path)
    assert set(content["scores"]) == {"active_units", "reconstruction"}
    # A gate on a score that cannot be computed is not passed.
    assert [(g["value"], g["passed"]) for g in content["gates"]] == [(None, False)]
