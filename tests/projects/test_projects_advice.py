from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from small_project import squares, write_table
from unweave.data.association import Association, associations
from unweave.data.config import DataConfig
from unweave.data.dataset import load_dataset
from unweave.methods import METHODS
from unweave.projects import advice, rules
from unweave.projects.advice import advise, is_offered
from unweave.projects.config import Project
from unweave.projects.facts import FactorFacts, Facts, gather

AWAITED = {"ada_gvae", "tc_vae", "factor_vae", "hybrid"}
"""Methods that rules name before they are there; take out what has come."""

AWAITED_SETTINGS = {"supervision", "correlated"}

TOGETHER = Association("a", "b", "Cramér's V", 0.6, (0.5, 0.7), 0.1, 400)


def _factor(name="a", kind="categorical", classes=3, labels=400):
    return FactorFacts(name, kind, classes, labels)


def _facts(*factors, **more):
    return Facts(rows=1000, shape=(32, 32, 1), factors=factors, declared=len(factors), **more)


def _every_kind_of_project():
    factors = [
        (),
        (_factor(),),
        (_factor(), _factor("b")),
        (_factor(), _factor("b", labels=9)),
        (_factor(labels=0), _factor("b", "circular", 0)),
    ]
    shapes = [(32, 32, 1), (128, 128, 3), (20,)]
    for some, shape, builtin, together, pairs, rows in product(
        factors, shapes, (False, True), ((), (TOGETHER,)), (False, True), (100, 5000)
    ):
        yield Facts(rows, shape, builtin, some, len(some), together, pairs, ("person",), None, 1000, 64)


def _proposals():
    for facts in _every_kind_of_project():
        for rule in (*rules.RULES, *rules.ALTERNATIVES):
            found = rule(facts)
            if found is not None:
                yield found


def test_every_rule_proposes_and_says_why():
    seen = {}
    for found in _proposals():
        seen[found.rule] = found
        assert found.reason
        assert found.evidence.endswith(".")
    assert set(seen) == {rule.__name__ for rule in (*rules.RULES, *rules.ALTERNATIVES)}
    for rule in (*rules.RULES, *rules.ALTERNATIVES):
        assert len((rule.__doc__ or "").splitlines()) > 2, f"{rule.__name__}: its docstring names the evidence"


def test_rules_name_methods_that_exist_and_settings_that_they_take():
    for found in _proposals():
        kind = found.method["kind"]
        if kind in AWAITED and kind not in METHODS:
            continue
        assert kind in METHODS, f"{found.rule}: there is no method {kind!r}"
        settings = {
            k: v for k, v in found.method.items() if k in METHODS[kind].model_fields or k not in AWAITED_SETTINGS
        }
        METHODS[kind].model_validate(settings)


def test_advice_is_a_method_that_a_project_takes():
    for facts in _every_kind_of_project():
        found = advise(facts)
        methods = [found.best.method, *(p.method for p in (*found.alternatives, *found.changes))]
        for method in methods:
            assert is_offered(method)
            Project.model_validate({"name": "a", "data": {"images": "x"}, "method": method})
        assert found.best.method not in [p.method for p in found.alternatives]
        assert set(found.to_json()) == {"best", "alternatives", "changes", "caveats"}


@pytest.fixture
def everything_offered(monkeypatch):
    """As if every method that a rule names were there."""
    monkeypatch.setattr(advice, "is_offered", lambda method: True)


@pytest.mark.usefixtures("everything_offered")
@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (_facts(), "images"),
        (_facts(_factor(labels=99)), "images"),
        (_facts(_factor(labels=100)), "labels"),
        (_facts(_factor(), builtin=True), "images"),
        (_facts(_factor(), _factor("b"), correlated=(TOGETHER,)), "labels_of_correlated_factors"),
        (_facts(_factor(), _factor("b", labels=5), correlated=(TOGETHER,)), "labels"),
        (_facts(_factor(labels=0), pairs=True), "pairs"),
        (_facts(_factor(), pairs=True), "labels"),
        (replace(_facts(), shape=(20,)), "vectors"),
        (replace(_facts(_factor()), shape=(20,)), "labels"),
    ],
)
def test_which_rule_decides(facts, rule):
    assert advise(facts).best.rule == rule


@pytest.mark.usefixtures("everything_offered")
def test_settings_follow_the_facts():
    found = advise(_facts(*(_factor(str(k), "circular") for k in range(5)))).best.method
    assert found["latent"] == 14  # two dimensions an angle, and four for what nobody named
    assert found["supervision"] == {}
    some = advise(_facts(_factor(), _factor("b", labels=3))).best.method
    assert some["supervision"] == {"factors": ["a"]}
    falling = advise(_facts(steps=1000)).best.method
    assert (falling["start"], falling["beta"], falling["ramp"], falling["latent"]) == (12.0, 4.0, 750, 10)


@pytest.mark.usefixtures("everything_offered")
def test_what_would_change_it():
    conditions = {change.rule: change.condition for change in advise(_facts(_factor(labels=0))).changes}
    assert "labels plan" in conditions["labels"]
    assert "data.pairs" in conditions["pairs"]
    assert {c.rule for c in advise(_facts(_factor())).changes} == {"images"}
    own = {c.rule: c.condition for c in advise(_facts(_factor(), builtin=True)).changes}
    assert "your own data" in own["labels"]


def test_a_method_that_is_not_there_is_passed_over(monkeypatch):
    monkeypatch.setattr(advice, "METHODS", {"beta_vae": METHODS["beta_vae"]})
    found = advise(_facts(_factor(labels=0), pairs=True))
    assert found.best.rule == "images"
    assert {p.method["kind"] for p in found.alternatives} <= {"beta_vae"}
    assert not is_offered({"kind": "beta_vae", "betta": 4})


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (_facts(_factor(labels=5)), "a has fewer than 100 labels: `unweave labels plan"),
        (_facts(), "Nothing has 100 labels yet"),
        (_facts(), "the seed decides much"),
        (_facts(_factor(labels=5), _factor("b"), correlated=(TOGETHER,)), "no method separates them without labels"),
        (replace(_facts(), rows=499), "499 training rows are few"),
        (_facts(groups=("person",)), "split: {by: person}"),
        (replace(_facts(steps=20_000), shape=(256, 256, 3)), "take some 4 hours"),  # 20,000 x 64 x 16 / 1300 / 3600
    ],
)
def test_caveats(facts, words):
    assert any(words in caveat for caveat in advise(facts).caveats)


def test_nothing_to_warn_of():
    assert advise(_facts(_factor(), groups=("person",), by="person")).caveats == ()


def test_facts_of_a_folder(tmp_path):
    squares(tmp_path, [("column", "abcd"), ("row", "xyz")], rows=120)
    lines = [line.split(",") for line in (tmp_path / "images" / "labels.csv").read_text().splitlines()]
    head, *rows = lines
    # `twin` nearly repeats `column`; `person` are 24 groups of 5; `same` never varies; every second `row` is missing.
    table = [[*head, "twin", "person", "same"]]
    for i, (file, column, row) in enumerate(rows):
        table.append([file, column, row if i % 2 else "", column.upper() if i % 10 else "A", f"p{i // 5}", "s"])
    write_table(tmp_path / "images" / "labels.csv", table)
    names = ("column", "row", "twin")
    config = DataConfig(images="images", size=16)
    factors = [{"name": name, "kind": "categorical"} for name in names]
    project = Project.model_validate({"name": "a", "data": config, "factors": factors})
    dataset = load_dataset(config, project.factors, root=tmp_path, cache=tmp_path / "cache")
    facts = gather(dataset, associations(dataset.table), config, steps=7, batch=3)
    train = dataset.splits.train
    assert (facts.rows, facts.shape, facts.builtin, facts.declared) == (len(train), (16, 16, 1), False, 3)
    assert [(f.name, f.kind, f.classes) for f in facts.factors] == [
        ("column", "categorical", 4),
        ("row", "categorical", 3),
        ("twin", "categorical", 4),
    ]
    known = dataset.table.known[train].sum(0)
    assert [f.labels for f in facts.factors] == known.tolist()
    assert known[1] < known[0]
    assert ("column", "twin") in [(a.a, a.b) for a in facts.correlated]
    assert facts.groups == ("person",)
    assert (facts.by, facts.pairs, facts.steps, facts.batch) == (None, False, 7, 3)


def test_the_group_of_the_split_and_constant_factors_are_no_factors():
    values = np.stack([np.zeros(30), np.arange(30) % 3, np.arange(30) % 2], 1)
    table = SimpleNamespace(
        factors=[SimpleNamespace(name=n, kind="ordinal", is_discrete=True) for n in ("same", "person", "pose")],
        known=np.ones((30, 3), bool),
        values=values,
    )
    store = SimpleNamespace(shape=(5,), columns=SimpleNamespace(column_names=[]))
    dataset = SimpleNamespace(table=table, store=store, splits=SimpleNamespace(train=np.arange(30)))
    config = DataConfig(images="x", split={"by": "person"})
    facts = gather(dataset, [], config, steps=1, batch=1)
    assert [f.name for f in facts.factors] == ["pose"]
    assert facts.declared == 3
