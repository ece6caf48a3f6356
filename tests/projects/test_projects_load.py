from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unweave.core.errors import ConfigError, StorageError
from unweave.projects.demo import demo_project
from unweave.projects.explain import explain
from unweave.projects.load import PROJECT_FILE, load_project, parse_project, parse_yaml, write_project

MINIMAL = "name: faces\ndata: {images: builtin:digits}\n"


@pytest.fixture
def load(tmp_path):
    def from_text(text, overrides=()):
        (tmp_path / PROJECT_FILE).write_text(text)
        return load_project(tmp_path, overrides)

    return from_text


@pytest.fixture
def mistakes(load):
    def lines(text, overrides=()):
        with pytest.raises(ConfigError) as caught:
            load(text, overrides)
        return str(caught.value).splitlines()

    return lines


def test_a_minimal_file_takes_every_default(load):
    project = load(MINIMAL)
    assert project.method.kind == "beta_vae"
    assert project.tracking.uri == "sqlite:///mlflow.db"
    assert "method" not in project.model_fields_set


def test_off_is_off_with_quotes_and_without(load):
    for text in ("off", '"off"'):
        assert load(MINIMAL + f"tracking: {{uri: {text}}}\n").tracking.uri == "off"
        assert load(MINIMAL, [f"tracking.uri={text}"]).tracking.uri == "off"
    with pytest.raises(ConfigError, match=r"tracking\.uri: input should be a valid string"):
        load(MINIMAL + "tracking: {uri: true}\n")


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match=r"unweave\.yaml does not exist.*`unweave init"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("traning: {steps: 3}", "traning: this key is unknown. Did you mean 'training'?"),
        ("training: {step: 3}", "training.step: this key is unknown. Did you mean 'steps'?"),
        ("method: {kind: beta_vae, betta: 3}", "method.betta: this key is unknown. Did you mean 'beta'?"),
        ("method: {betta: 3}", "method.betta: this key is unknown. Did you mean 'beta'?"),
        ("accept: {mgi: {at_least: 1}}", "accept.mgi: this key is unknown. Did you mean 'mig'?"),
        ("accept: {mig: {at_lest: 1}}", "accept.mig.at_lest: this key is unknown. Did you mean 'at_least'?"),
        (
            "accept: {probe_accuracy: {shape: {at_lest: 1}}}",
            "accept.probe_accuracy.shape.at_lest: this key is unknown. Did you mean 'at_least'?",
        ),
        (
            "factors: [{name: a, kind: ordinal}, {name: b, kind: ordinal, valuess: [x]}]",
            "factors.1.valuess: this key is unknown. Did you mean 'values'?",
        ),
        ("tracking: {zzz: 1}", "tracking.zzz: this key is unknown. Keys here: experiment, uri."),
    ],
)
def test_an_unknown_key_names_its_place_and_the_nearest_key(mistakes, text, line):
    assert mistakes(MINIMAL + text)[1:] == [f"  {line}"]


def test_a_key_deep_in_the_data_section(mistakes):
    text = "name: a\ndata: {images: x, split: {trian: 0.5}}\n"
    assert mistakes(text)[1:] == ["  data.split.trian: this key is unknown. Did you mean 'train'?"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("method: {beta: high}", "method.beta: input should be a valid number.* Got 'high'."),
        ("method: {beta: -1}", "method.beta: input should be greater than or equal to 0. Got -1."),
        ("method: {kind: beta_vea}", "method.kind: 'beta_vea' is unknown. Did you mean 'beta_vae'.*"),
        ("method: {kind: zzz}", "method.kind: 'zzz' is unknown. Known are: ada_gvae.*beta_vae.*"),
        ("method: 3", "method: expected keys and values, got 3."),
        ("method:", "method: expected keys and values, got nothing."),
        ("training: [1, 2]", r"training: expected keys and values, got \[1, 2\]."),
        ("factors: [{name: a}]", "factors.0.kind: this key is required and absent."),
        ("factors: [{name: a, kind: circular}]", "factors.0: factor 'a' is circular: say where it wraps.*"),
        ("accept: {mig: {}}", "accept.mig: a gate needs `at_least` or `at_most`."),
        (
            "factors: [{name: a, kind: ordinal}, {name: a, kind: ordinal}]",
            "the project: factors are declared twice: a.",
        ),
    ],
)
def test_a_wrong_value_names_its_place_and_what_came(mistakes, text, line):
    import re

    found = mistakes(MINIMAL + text)
    assert found[0].endswith("has one mistake:")
    assert len(found) == 2
    assert re.fullmatch(f"  {line}", found[1]), found[1]


def test_a_long_value_is_cut(mistakes):
    (line,) = mistakes(MINIMAL + f"notes: {list(range(1000))}")[1:]
    assert len(line) < 200
    assert line.endswith("….")


def test_all_mistakes_are_listed_at_once(mistakes):
    lines = mistakes("nam: a\nmethod: {beta: x}\ntraining: {steps: 0, batch: 1.5}\n")
    assert lines[0].endswith("unweave.yaml has 6 mistakes:")
    keys = {line.split(":")[0].strip() for line in lines[1:]}
    assert keys == {"nam", "name", "data", "method.beta", "training.steps", "training.batch"}


def test_yaml_errors_name_file_line_and_column(mistakes):
    (line,) = mistakes("name: a\ndata: {images: [}\n")
    assert "unweave.yaml, line 2, column 17: this is not valid YAML" in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nname: b\n", "line 2, column 1: .*the key 'name' is given twice"),
        (MINIMAL + "method: {beta: 1, latent: 3, beta: 2}\n", "line 3.*the key 'beta' is given twice"),
        ("? [a, b]\n: 1\n", "line 1.*a key must be a word"),
        ("name: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        ("name: \x07\n", "not valid YAML"),
        ("", "is empty"),
        ("- a\n", "expected keys and values such as `name: faces`, got list"),
    ],
)
def test_files_that_are_no_project(load, text, words):
    with pytest.raises(ConfigError, match=words):
        load(text)


def test_a_file_of_other_bytes(tmp_path):
    (tmp_path / PROJECT_FILE).write_bytes("name: é".encode("latin-1"))
    with pytest.raises(ConfigError, match="no UTF-8 text"):
        load_project(tmp_path)


def test_a_file_that_the_system_refuses(tmp_path, monkeypatch):
    (tmp_path / PROJECT_FILE).write_text(MINIMAL)
    monkeypatch.setattr(
        Path, "read_text", lambda *a, **k: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(StorageError, match=r"cannot read .*unweave\.yaml: Permission denied"):
        load_project(tmp_path)


def test_overrides_are_yaml_at_any_depth(load):
    overrides = ["method.beta=8", "data.split.seed=3", "net.hidden=[4, 2]", "training.learning_rate=5e-4", "notes=a=b"]
    project = load(MINIMAL, overrides)
    assert project.method.beta == 8
    assert project.data.split.seed == 3
    assert project.net.hidden == (4, 2)
    assert project.training.learning_rate == 5e-4
    assert project.notes == "a=b"


def test_an_override_reaches_into_a_section_that_is_empty(load):
    assert load(MINIMAL + "method:\n", ["method.beta=8"]).method.beta == 8


def test_a_later_override_wins(load):
    assert load(MINIMAL, ["method.beta=8", "method.beta=2"]).method.beta == 2


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("method.beta", "expected KEY=VALUE, for example --set method.beta=8"),
        ("=8", "expected KEY=VALUE"),
        ("name.first=a", "'name' holds a value, not keys"),
        ("method.beta=[1", "--set method.beta=.*not valid YAML"),
        ("method.betta=8", "method.betta: this key is unknown. Did you mean 'beta'"),
        ("method.beta=", "method.beta: input should be a valid number. Got nothing"),
    ],
)
def test_bad_overrides(load, override, words):
    with pytest.raises(ConfigError, match=words.replace("[", r"\[")):
        load(MINIMAL, [override])


def test_what_is_written_is_read_back_the_same(tmp_path):
    content = demo_project()
    path = tmp_path / PROJECT_FILE
    write_project(content, path, comments={"name": "first\nsecond", "method": "about the method"})
    text = path.read_text()
    assert text.startswith("# first\n# second\nname: sprites\n")
    assert "# about the method\nmethod:" in text
    assert parse_yaml(text, "here") == content
    assert load_project(tmp_path) == parse_project(content, "here")


@pytest.mark.parametrize(
    "name", ["faces", "1234", "1.5", "yes", "null", "5e-4", "Ünï · 名", "a: b", "#x", "- x", "it's"]
)
def test_any_name_survives_writing(tmp_path, name):
    write_project({"name": name, "data": {"images": name}}, tmp_path / PROJECT_FILE, comments={})
    project = load_project(tmp_path)
    assert (project.name, project.data.images) == (name, name)


class _One(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["one"] = "one"
    alpha: int = 1


class _Two(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["two"] = "two"
    beta: int = 1


class _Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    method: Annotated[_One | _Two, Field(discriminator="kind")] = _One()
    maybe: _Two | None = None


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"method": {"kind": "two", "bta": 1}}, "method.bta: this key is unknown. Did you mean 'beta'?"),
        ({"method": {"kind": "one", "beta": 1}}, "method.beta: this key is unknown. Keys here: alpha, kind."),
        ({"method": {"kind": "three"}}, "method.kind: 'three' is unknown. Known are: one, two."),
        ({"method": {"kind": "two", "beta": 0.5}}, "method.beta: input should be a valid integer, got a number with a"),
        ({"maybe": {"bet": 1}}, "maybe.bet: this key is unknown. Did you mean 'beta'?"),
    ],
)
def test_explanations_when_more_methods_join_the_union(content, line):
    with pytest.raises(ValidationError) as caught:
        _Whole.model_validate(content)
    (found,) = explain(caught.value, _Whole, content)
    assert found.startswith(line)


def test_a_method_called_like_a_key_keeps_its_place():
    content = {"method": {"kind": "two", "two": 1}}
    with pytest.raises(ValidationError) as caught:
        _Whole.model_validate(content)
    assert explain(caught.value, _Whole, content) == ["method.two: this key is unknown. Keys here: beta, kind."]
