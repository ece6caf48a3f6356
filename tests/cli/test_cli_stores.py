"""`unweave keys` and `unweave study` from the command line."""

import json
import subprocess
import sys

import pytest

from unweave.stores.records import Choice, EditRecord, Naturalness
from unweave.stores.store import open_store


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


def test_a_key_from_its_making_to_its_end(unweave, url):
    code, secret, err = unweave("keys", "add", "acme", "--note", "the [shop]", "--store", url)
    assert code == 0
    assert "shown this once" in err
    with open_store(url) as store:
        found = store.keys.check(secret.strip())
        assert (found.tenant, found.scopes) == ("acme", ("edit",))
    code, out, err = unweave("keys", "list", "--store", url)
    assert "the [shop]" in out
    assert secret.strip()[16:40] not in out + err
    code, out, _ = unweave("keys", "revoke", found.key_id, "--store", url)
    assert (code, out) == (0, f"Key {found.key_id} is revoked.\n")
    with open_store(url) as store:
        assert store.keys.check(secret.strip()) is None


def test_keys_in_json(unweave, url, monkeypatch):
    monkeypatch.setenv("UNWEAVE_STORE", url)
    _, out, _ = unweave("keys", "add", "acme", "--scope", "edit", "--scope", "feedback", "--json")
    made = json.loads(out)
    assert made["scopes"] == ["edit", "feedback"]
    _, out, _ = unweave("keys", "list", "--json")
    (listed,) = json.loads(out)["keys"]
    assert listed["key_id"] == made["key_id"]
    assert listed["revoked"] is None
    assert made["secret"][16:] not in out
    _, out, _ = unweave("keys", "revoke", made["key_id"], "--json")
    assert json.loads(out) == {"revoked": made["key_id"]}


def test_what_is_wrong_is_said(unweave, url, tmp_path):
    for arguments in (("keys", "list"), ("keys", "revoke", "0" * 12), ("study", "s")):
        code, _, err = unweave(*arguments, "--store", url)
        assert code == 2
        assert "there is no store" in err
    assert not (tmp_path / "store.db").exists()
    code, _, err = unweave("keys", "add", "a b", "--store", url)
    assert code == 2
    assert "tenant" in err
    code, _, err = unweave("keys", "revoke", "0" * 12, "--store", url)
    assert code == 2
    assert "there is no key 000000000000" in err
    code, _, err = unweave("keys", "list", "--store", "postgresql+psycopg://me:hunter2@127.0.0.1:1/x")
    assert code == 3
    assert "does not answer" in err
    assert "hunter2" not in err


def test_a_study_from_its_ratings(unweave, url):
    with open_store(url) as store:
        for rater in ("ann", "bob", "cy"):
            ours, theirs = (EditRecord("default", name, "0" * 64, [{"factor": "x", "by": 1}]) for name in ("a", "b"))
            store.edits.log([ours, theirs])
            store.ratings.add("default", Naturalness("pose", ours.id, 4, rater))
            store.ratings.add("default", Choice("pose", ours.id, theirs.id, "left", rater))
    code, out, err = unweave("study", "pose", "--store", url)
    assert code == 0
    assert "a@000000000000" in out
    assert "4.00" in out
    assert "3 raters: intervals are wide" in err
    code, out, _ = unweave("study", "pose", "--store", url, "--json")
    content = json.loads(out)
    assert content["naturalness"][0]["mean"]["value"] == 4
    assert content["preferences"][0]["share"]["ratings"] == 3
    code, _, err = unweave("study", "other", "--store", url)
    assert code == 2
    assert "has no ratings" in err


def test_the_command_line_starts_without_a_database(tmp_path):
    looked = "import sys, unweave.cli.main; sys.exit(any(name in sys.modules for name in ('sqlalchemy', 'alembic')))"
    assert subprocess.run([sys.executable, "-c", looked], check=False).returncode == 0
