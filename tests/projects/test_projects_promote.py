"""Gates and the registry: which bundle is the champion."""

import os
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest

from unweave.bundles.run import load_bundle
from unweave.core.errors import ConfigError, StorageError
from unweave.projects.exporting import export_run
from unweave.projects.promotion import gates_of, last_bundle, promote
from unweave.projects.tracking import open_experiment


def project_with(small, accept, **changes):
    settings = {**small.project.model_dump(), "accept": accept, **changes}
    return type(small.project).model_validate(settings)


@pytest.fixture(scope="module")
def bundle(small):
    return load_bundle(small.folder)


def test_gates_are_read_off_the_card(small, bundle):
    mig = bundle.card.scores["mig"].value
    accept = {"mig": {"at_least": mig}, "dci": {"at_least": 0.999}, "probe_accuracy": {"x": {"at_least": -1}}}
    results = gates_of(bundle, project_with(small, accept))
    assert [(g.score, g.passed) for g in results] == [
        ("mig", True),
        ("dci.disentanglement", False),
        ("probe.x", True),
    ]
    assert results[0].value == mig
    assert not gates_of(bundle, project_with(small, {"leakage": {"at_most": 9}}))[0].passed  # nobody measured it


def test_the_time_of_an_edit_is_measured(small, bundle):
    slow = gates_of(bundle, project_with(small, {"edit_p95_ms": {"at_most": 1e-6}}))
    assert [(g.score, g.passed) for g in slow] == [("edit_p95_ms", False)]
    quick = gates_of(bundle, project_with(small, {"edit_p95_ms": {"at_most": 1e6}}))
    assert quick[0].passed
    assert quick[0].value > 0


def test_without_gates_nothing_decides(small):
    with pytest.raises(ConfigError, match="has no gates"):
        promote(small.folder, project_with(small, None), small.root)


def test_without_a_registry_nothing_is_promoted(small):
    with pytest.raises(ConfigError, match=r"tracking\.uri: 'off' gives no model registry"):
        promote(small.folder, project_with(small, {"mig": {"at_least": 0}}), small.root)


def test_the_last_bundle_is_the_one_made_last(small, tmp_path):
    with pytest.raises(ConfigError, match="holds no bundle"):
        last_bundle(tmp_path)
    for name, time in (("a", 2), ("b", 3), ("c", 1)):
        made = shutil.copytree(small.folder, tmp_path / "bundles" / name)
        os.utime(made / "checksums.json", (time, time))
    assert last_bundle(tmp_path).name == "b"


def test_a_bundle_takes_the_alias_only_when_it_passes(small, tmp_path, at_hand):
    """One registry for all of it: to make one takes seconds."""
    good = project_with(small, {"mig": {"at_least": 0}}, tracking={})
    strict = project_with(small, {"mig": {"at_least": 1}}, tracking={})
    refused = promote(small.folder, strict, tmp_path)
    assert (refused.passed, refused.version) == (False, None)
    assert not (tmp_path / "mlflow.db").exists()  # a gate that fails asks no registry
    first = promote(small.folder, good, tmp_path)
    assert (first.passed, first.name, first.version, first.before) == (True, "small sprites", "1", None)
    client, _ = open_experiment(good, tmp_path)

    def champion():
        return client.get_model_version_by_alias("small sprites", "champion")

    assert str(champion().version) == "1"
    assert champion().tags["model_hash"] == small.exported.card.model_hash
    # The registry's copy is a whole bundle and does not need the project's.
    copy = client.get_model_version_download_uri("small sprites", "1").removeprefix("file://")
    assert load_bundle(Path(unquote(copy))).digest == small.exported.digest
    again = promote(small.folder, good, tmp_path)
    assert (again.version, again.before) == ("1", "1")  # known by its digest
    other = export_run(
        small.run, small.dataset, small.project.model_copy(update={"notes": "new"}), small.root, output=tmp_path / "b"
    )
    assert not promote(other.folder, strict, tmp_path).passed
    assert str(champion().version) == "1"
    second = promote(other.folder, good, tmp_path)
    assert (second.version, second.before) == ("2", "1")
    assert str(champion().version) == "2"
    with pytest.raises(StorageError, match=r"registry refuses.*cannot contain"):
        promote(other.folder, project_with(small, {"mig": {"at_least": 0}}, tracking={}, name="a/b"), tmp_path)
