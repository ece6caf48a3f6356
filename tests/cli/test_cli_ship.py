"""`unweave export` and `unweave promote` from the command line."""

import json

import pytest
import yaml

from unweave.bundles.run import load_bundle


@pytest.fixture
def project(small):
    """The project's file, as the run was asked for; other tests have other gates."""
    path = small.root / "unweave.yaml"

    def write(**changes):
        path.write_text(yaml.safe_dump({**small.project.model_dump(mode="json", exclude_defaults=True), **changes}))
        return small.root

    return write


def test_export_says_how_near_the_graphs_are(unweave, project, small, tmp_path, at_hand):
    root = project(card={"licence": "MIT"})
    code, out, err = unweave("export", "-C", root, "-o", tmp_path / "b", "--fp16")
    assert code == 0
    assert "decoder  observations" in out
    assert "fp16: kept" in out
    assert f"Bundle: {tmp_path / 'b'}" in out
    assert "The card says nothing of intended_use, limits" in err
    assert load_bundle(tmp_path / "b", precision="fp16").card.statement.licence == "MIT"


def test_export_in_json(unweave, project, small, at_hand):
    code, out, _ = unweave("export", "-C", project(), "--run", small.run.name[:6], "--json")
    content = json.loads(out)
    assert code == 0
    assert content["path"] == str(small.folder)
    assert content["digest"] == small.exported.digest
    assert content["card"]["model_hash"] == small.exported.card.model_hash


def test_export_writes_an_explorer_too(unweave, project, tmp_path, at_hand):
    page = tmp_path / "explorer.html"
    code, out, _ = unweave("export", "-C", project(), "-o", tmp_path / "b", "--explorer", page)
    assert code == 0
    assert f"Explorer: {page}" in out
    assert "small sprites" in page.read_text()
    code, out, _ = unweave("export", "-C", project(), "-o", tmp_path / "b", "--explorer", page, "--json")
    assert json.loads(out)["explorer"] == {"path": str(page), "bytes": page.stat().st_size}


def test_promote_ends_with_1_and_a_table_when_a_gate_fails(unweave, project, small):
    root = project(accept={"mig": {"at_least": 1.0}})
    code, out, _ = unweave("promote", small.folder, "-C", root)
    assert code == 1
    assert "at least 1" in out
    assert "failed" in out
    assert "Not promoted" in out
    code, out, _ = unweave("promote", small.folder, "-C", root, "--json")
    assert code == 1
    assert json.loads(out)["passed"] is False


def test_bad_input_ends_with_2(unweave, project, tmp_path):
    code, _, err = unweave("promote", tmp_path, "-C", project())
    assert code == 2
    assert "is no bundle" in err
