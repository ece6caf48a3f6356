import logging
import time

import numpy as np
import pytest

from unweave.core.errors import ConfigError
from unweave.projects.config import Project
from unweave.projects.runs import RUNS, Run
from unweave.projects.tracking import flatten, open_experiment, track

DEAD = "http://127.0.0.1:9"


def _project(**tracking):
    return Project.model_validate({"name": "a", "data": {"images": "x"}, "tracking": tracking})


def _sink(root, **tracking):
    run = Run(root / RUNS / "r")
    run.folder.mkdir(parents=True, exist_ok=True)
    return track(_project(**tracking), root, run, {"method.beta": "4"}, {"git": "abc"})


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """One database for all tests, since MLflow takes seconds to make one."""
    root = tmp_path_factory.mktemp("tracked")
    return root, _sink(root)


def test_off_means_off(tmp_path):
    assert open_experiment(_project(uri="off"), tmp_path) is None
    assert _sink(tmp_path, uri="off") is None


def test_everything_arrives_in_a_file_beside_the_project(tracked):
    root, sink = tracked
    sink.values(1, {"train.total": 3.0, "bad": float("nan")})
    sink.values(2, {"train.total": 2.0})
    sink.note(2, "went back")
    sink.picture(2, "samples", np.zeros((4, 4, 3), np.uint8))
    sink.finish("FINISHED")
    assert (root / "mlflow.db").is_file()
    client, experiment = open_experiment(_project(), root)
    (run,) = client.search_runs([experiment])
    assert run.info.run_id == sink.id
    assert (run.info.run_name, run.info.status) == ("r", "FINISHED")
    assert run.data.params == {"method.beta": "4"}
    assert run.data.tags.items() >= {"git": "abc", "note.2": "went back"}.items()
    history = client.get_metric_history(sink.id, "train.total")
    assert [(m.step, m.value) for m in history] == [(1, 3.0), (2, 2.0)]
    assert "bad" not in run.data.metrics
    assert list((root / "mlartifacts").rglob("samples-000000002.png"))


def test_a_continued_training_goes_on_in_the_same_run(tracked):
    root, first = tracked
    first.finish("KILLED")
    again = _sink(root)
    assert again.id == first.id
    client, experiment = open_experiment(_project(), root)
    assert client.get_run(again.id).info.status == "RUNNING"
    assert len(client.search_runs([experiment])) == 1


def test_more_numbers_than_one_call_takes(tracked):
    _, sink = tracked
    sink.values(5, {f"many.{i}": float(i) for i in range(1001)})
    sink.flush()
    assert sink._client.get_run(sink.id).data.metrics["many.1000"] == 1000
    assert not sink._waiting


def test_a_run_that_mlflow_has_forgotten_begins_anew(tracked, tmp_path):
    root, sink = tracked
    run = Run(tmp_path / "other")
    known = sink._run.read("tracking")
    run.write("tracking", {**known, "run": "0" * 32})
    again = track(_project(), root, run, {}, {})
    assert again.id not in (sink.id, "0" * 32)
    assert run.read("tracking")["run"] == again.id


def test_numbers_wait_for_a_server_that_does_not_answer(tracked, monkeypatch, caplog):
    _, sink = tracked
    asked = []

    def fails(*arguments, **more):
        asked.append(arguments)
        raise ConnectionError("no route\nand a long story")

    with monkeypatch.context() as patch:
        patch.setattr(sink._client, "log_batch", fails)
        with caplog.at_level(logging.WARNING):
            sink.values(10, {"late": 1.0})
            sink.flush()
            sink.values(11, {"late": 2.0})
            sink.flush()
            sink.picture(11, "samples", np.zeros((4, 4, 3), np.uint8))
    # Asked once, then left alone for a while, so that training is not held up at every flush.
    assert len(asked) == 1
    assert [r.getMessage() for r in caplog.records] == ["MLflow did not answer, training goes on: no route"]
    assert len(sink._waiting) == 2
    sink.finish("FINISHED")
    assert not sink._waiting
    history = sink._client.get_metric_history(sink.id, "late")
    assert [m.value for m in history] == [1.0, 2.0]


def test_a_dead_server_is_noticed_within_seconds_and_only_warns(tmp_path, caplog):
    start = time.perf_counter()
    with caplog.at_level(logging.WARNING, logger="unweave"):
        assert _sink(tmp_path, uri=DEAD) is None
    # One retry after at most 3 s; MLflow's own default takes minutes. The rest is for a busy machine.
    assert time.perf_counter() - start < 30
    (message,) = [r.getMessage() for r in caplog.records if r.name.startswith("unweave")]
    assert message.startswith(f"Runs are not tracked: {DEAD} does not answer")
    assert "\n" not in message


@pytest.mark.parametrize("uri", ["htp://server", "sqlite:////proc/nothing/here.db"])
def test_an_address_that_cannot_work_is_an_error(tmp_path, uri):
    with pytest.raises(ConfigError, match=r"tracking\.uri: .* cannot be used: .*Give sqlite:///FILE"):
        open_experiment(_project(uri=uri), tmp_path)


def test_parameters_are_flat_texts():
    tree = {"method": {"beta": 4.0, "start": None}, "net": {"hidden": [4, 2]}, "name": "a", "none": "", "x": "y" * 900}
    assert flatten(tree) == {"method.beta": "4.0", "net.hidden": "[4, 2]", "name": "a", "x": "y" * 500}
