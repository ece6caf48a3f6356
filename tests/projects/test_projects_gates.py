import pytest

from unweave.core.scores import Score, Scorecard, Stamp
from unweave.projects.config import AcceptConfig
from unweave.projects.gates import check_gates


def _score(name, value):
    stamp = Stamp(definition=name, mode="robust", settings={}, rows=10, factors=("x",), versions={})
    return Score(name, value, stamp, reason=None if value is not None else "no labels")


CARD = Scorecard(
    {n: _score(n, v) for n, v in {"mig": 0.3, "dci.disentanglement": 0.5, "probe.x": 0.9, "probe.y": None}.items()}
)


def _results(**accept):
    return check_gates(AcceptConfig.model_validate(accept), CARD)


def test_without_gates_nothing_is_checked():
    assert check_gates(None, CARD) == ()
    assert _results() == ()


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        ({"at_least": 0.3}, True),
        ({"at_least": 0.31}, False),
        ({"at_most": 0.3}, True),
        ({"at_most": 0.29}, False),
        ({"at_least": 0.2, "at_most": 0.4}, True),
        ({"at_least": 0.2, "at_most": 0.25}, False),
        ({"at_least": 0.0}, True),
    ],
)
def test_bounds_are_inclusive_and_both_count(gate, passed):
    (result,) = _results(mig=gate)
    assert (result.score, result.value, result.passed) == ("mig", 0.3, passed)


def test_the_wish_is_said_in_words():
    (result,) = _results(mig={"at_least": 0.2, "at_most": 0.4})
    assert result.to_json() == {
        "score": "mig",
        "wanted": "at least 0.2 and at most 0.4",
        "value": 0.3,
        "passed": True,
    }


def test_every_kind_of_gate_finds_its_score():
    results = _results(dci={"at_least": 0.6}, probe_accuracy={"x": {"at_least": 0.8}})
    assert [(r.score, r.passed) for r in results] == [("dci.disentanglement", False), ("probe.x", True)]


def test_a_score_without_a_value_or_absent_fails():
    results = _results(probe_accuracy={"y": {"at_least": 0}, "z": {"at_least": 0}}, leakage={"at_most": 1})
    assert [(r.score, r.value, r.passed) for r in results] == [
        ("probe.y", None, False),
        ("probe.z", None, False),
        ("leakage", None, False),
    ]


def test_the_time_of_an_edit_is_no_matter_of_held_out_rows():
    assert _results(edit_p95_ms={"at_most": 1}) == ()
