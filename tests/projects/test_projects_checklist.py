from types import SimpleNamespace

import pytest

from unweave.core.scores import Score, Scorecard, Stamp
from unweave.projects.checklist import checklist
from unweave.projects.config import Project
from unweave.projects.runs import RUNS, Run

RANKED, CHOSEN, SWEEP, LABELS, MONITORING, DOCUMENTED, MEASURED = range(7)


def _answer(tmp_path, number, known=(), **settings):
    project = Project.model_validate({"name": "a", "data": {"images": "x"}, **settings})
    report = SimpleNamespace(factors=[SimpleNamespace(name=f"f{i}", known=n) for i, n in enumerate(known)])
    answers = checklist(project, report, tmp_path)
    assert len(answers) == 7
    for answer in answers:
        # What is not settled says what to do; what is settled asks for nothing.
        assert bool(answer.next) == (answer.state != "yes"), answer
        assert answer.question.endswith("?")
        assert set(answer.to_json()) == {"question", "state", "evidence", "next"}
    return answers[number]


def _factor(name, **more):
    return {"name": name, "kind": "ordinal", **more}


@pytest.mark.parametrize(
    ("factors", "state", "words"),
    [
        ([], "no", "empty"),
        ([_factor("a", priority=1), _factor("b")], "partly", "without a priority: b"),
        ([_factor("a", priority=2), _factor("b", priority=1)], "yes", "b first"),
    ],
)
def test_factors_ranked(tmp_path, factors, state, words):
    answer = _answer(tmp_path, RANKED, factors=factors)
    assert answer.state == state
    assert words in answer.evidence


@pytest.mark.parametrize(
    ("settings", "state", "todo"),
    [
        ({}, "no", "Write `method: {kind: …}` (`unweave advise` says which) and write `accept:"),
        ({"method": {"kind": "beta_vae"}}, "partly", "Write `accept:"),
        ({"accept": {"mig": {"at_least": 0.1}}}, "partly", "Write `method:"),
        ({"method": {"kind": "beta_vae"}, "accept": {"probe_accuracy": {}}}, "partly", "Write `accept:"),
        ({"method": {"kind": "beta_vae"}, "accept": {"mig": {"at_least": 0.1}}}, "yes", ""),
    ],
)
def test_method_and_metric(tmp_path, settings, state, todo):
    answer = _answer(tmp_path, CHOSEN, **settings)
    assert answer.state == state
    assert answer.next.startswith(todo)


@pytest.mark.parametrize(
    ("sweep", "state", "words"),
    [
        (None, "no", "no `sweep:`"),
        ({"share": 0.195}, "partly", "19.5 %"),
        ({"share": 0.2}, "yes", "20 %"),
        ({}, "yes", "20 %"),
    ],
)
def test_sweep(tmp_path, sweep, state, words):
    answer = _answer(tmp_path, SWEEP, sweep=sweep)
    assert answer.state == state
    assert words in answer.evidence


@pytest.mark.parametrize(
    ("known", "state", "words"),
    [
        ((), "no", "No row has a label"),
        ((99, 5), "no", "f0 (99), f1 (5)"),
        ((100, 99), "partly", "Fewer have: f1 (99)"),
        ((100, 300), "yes", "f0 has the fewest, 100"),
    ],
)
def test_labels(tmp_path, known, state, words):
    answer = _answer(tmp_path, LABELS, known=known)
    assert answer.state == state
    assert words in answer.evidence


def test_monitoring(tmp_path):
    assert _answer(tmp_path, MONITORING).state == "no"
    answer = _answer(tmp_path, MONITORING, monitoring={"reference_rows": 70})
    assert answer.state == "yes"
    assert "70" in answer.evidence


@pytest.mark.parametrize(
    ("factors", "notes", "state", "todo"),
    [
        ([], "", "no", "Write a `description:` of each factor and `notes:`"),
        ([], "why", "partly", "Write a `description:`"),
        ([_factor("a", description="d"), _factor("b")], "", "partly", "Write a `description:` of each factor and"),
        ([_factor("a", description="d")], "", "partly", "Write `notes:`"),
        ([_factor("a", description="d")], "why", "yes", ""),
    ],
)
def test_documented(tmp_path, factors, notes, state, todo):
    answer = _answer(tmp_path, DOCUMENTED, factors=factors, notes=notes)
    assert answer.state == state
    assert answer.next.startswith(todo)


def test_measured(tmp_path):
    assert _answer(tmp_path, MEASURED).state == "no"
    run = Run(tmp_path / RUNS / "r")
    run.write("asked", {})
    begun = _answer(tmp_path, MEASURED)
    assert (begun.state, begun.next) == ("no", "Type `unweave train`.")
    run.model.mkdir()
    trained = _answer(tmp_path, MEASURED)
    assert (trained.state, trained.next) == ("partly", "Type `unweave evaluate`.")
    stamp = Stamp(definition="mig", mode="robust", settings={}, rows=1, factors=(), versions={})
    run.write("scorecard", Scorecard({"mig": Score("mig", 0.5, stamp)}).to_json())
    assert _answer(tmp_path, MEASURED).state == "yes"
