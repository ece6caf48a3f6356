"""What a store promises, on each database."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from unweave.core.errors import ConfigError, NotFoundError
from unweave.stores.records import Choice, EditRecord, Naturalness, new_edit_id
from unweave.stores.store import open_store

HOSTILE = ["", "x", "a\x00b", "\ud800", "'; DROP TABLE unweave_edits; --", "é" * 20, "a" * 10_000]


def test_a_key_is_its_tenants_until_it_is_revoked(store):
    assert not store.keys.any()
    key_id, secret = store.keys.add("acme", note="for the shop", scopes=("edit", "feedback"))
    other = store.keys.add("globex")
    found = store.keys.check(secret)
    assert (found.tenant, found.key_id, found.scopes) == ("acme", key_id, ("edit", "feedback"))
    assert store.keys.check(other.secret).tenant == "globex"
    store.keys.revoke(key_id)
    assert store.keys.check(secret) is None
    assert store.keys.check(other.secret).tenant == "globex"
    first, second = store.keys.list()
    assert (first.key_id, first.note, second.key_id, second.revoked) == (key_id, "for the shop", other.key_id, None)
    assert timedelta(0) <= first.revoked - first.created < timedelta(minutes=5)
    store.keys.revoke(key_id)
    assert store.keys.list()[0].revoked == first.revoked


def test_revoking_the_last_key_does_not_open_the_door(store):
    store.keys.revoke(store.keys.add("acme").key_id)
    assert store.keys.any()


def test_only_the_whole_secret_is_a_key(store):
    key, other = store.keys.add("acme"), store.keys.add("acme")
    wrong = [key.secret[:-1] + "0123456789abcdef"[key.secret[-1] == "0"], key.secret[:-1], key.secret + "0", key.key_id]
    wrong += [key.secret.upper(), f" {key.secret}", f"{key.secret}\n", key.secret.replace(key.key_id, other.key_id)]
    wrong += [f"uw_{key.key_id}_", f"uw_{'0' * 12}_{key.secret[-64:]}", key.secret[:-1] + "\u0661"]
    for secret in [*wrong, *HOSTILE]:
        assert store.keys.check(secret) is None
    assert store.keys.check(key.secret) is not None


def test_secrets_are_long_random_and_different(store):
    secrets = {store.keys.add("acme").secret for _ in range(20)}
    parts = [secret.split("_") for secret in secrets]
    assert len({secret for _, _, secret in parts}) == 20
    assert all(prefix == "uw" and len(bytes.fromhex(secret)) == 32 for prefix, _, secret in parts)


def test_a_tenant_is_a_name(store, record):
    for tenant in ("", "a b", "../x", "-a", "a" * 65, "é", "a\n"):
        with pytest.raises(ConfigError, match="tenant: expected 1 to 64"):
            store.keys.add(tenant)
        with pytest.raises(ConfigError, match="tenant: expected 1 to 64"):
            record(tenant)
    assert not store.keys.any()


def test_keys_that_are_not_there_cannot_be_revoked(store):
    for key_id in ("0" * 12, *HOSTILE):
        with pytest.raises(NotFoundError, match="keys list"):
            store.keys.revoke(key_id)


def test_an_edit_comes_back_as_it_went_in(store, record):
    east = timezone(timedelta(hours=5, minutes=30))
    edits = [{"factor": "söße", "by": -0.1}, {"factor": "pose", "to": "left"}, {"factor": "age", "to": 3}]
    edits += [{"factor": "light", "swap": True}]
    one = record(edits=edits, notes=["trimmed: 漢字"], time=datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=east))
    store.edits.log([one])
    found = store.edits.get("acme", one.id)
    assert found == one
    assert found.time.tzinfo == UTC


def test_a_tenant_has_its_own_edits_only(store, record):
    ours, theirs = record("acme"), record("globex")
    store.edits.log([ours, theirs])
    assert store.edits.get("acme", theirs.id) is None
    same = record("globex", id=ours.id, model="other")  # even if identifiers were equal
    store.edits.log([same])
    assert store.edits.get("acme", ours.id) == ours
    assert store.edits.get("globex", ours.id) == same


def test_a_batch_may_be_logged_again(store, record):
    batch = [record() for _ in range(2500)]
    store.edits.log(batch[:1500])
    store.edits.log(batch)
    store.edits.log([])
    assert [store.edits.get("acme", each.id) == each for each in batch[::500]] == [True] * 5


@pytest.mark.parametrize(
    "edits",
    [
        [], "smile", [{"factor": "smile"}], [{"factor": "smile", "by": 1, "to": 2}], [{"by": 1}], [["smile", 1]],
        [{"factor": "smile", "by": float("nan")}], [{"factor": "smile", "by": True}], [{"factor": "smile", "by": "1"}],
        [{"factor": "smile", "to": float("inf")}], [{"factor": "smile", "to": b"\x89PNG"}],
        [{"factor": "smile", "to": "x" * 201}], [{"factor": "a\x00", "by": 1}], [{"factor": "\udc80", "by": 1}],
        [{"factor": "smile", "by": 1, "image": "iVBORw0KGgo"}], [{"factor": "smile", "swap": False}],
        [{"factor": "smile", "by": 1}] * 101,
    ],
)  # fmt: skip
def test_nothing_but_factors_and_amounts_is_an_edit(edits):
    with pytest.raises(ConfigError, match="edits"):
        EditRecord("acme", "faces", "0123", edits)


def test_identifiers_of_edits_are_random():
    made = {new_edit_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(each) for each in made} == {22}
    seen = {letter for each in made for letter in each[:21]}  # the last letter holds two bits
    assert len(seen) == 64


def test_feedback_is_of_an_edit_and_comes_back_with_it(store, record):
    first, second = record(), record(model="digits")
    store.edits.log([first, second, record("globex", id=first.id, model="theirs")])
    kept = store.feedback.add("acme", first.id, "kept")
    adjusted = store.feedback.add("acme", second.id, "adjusted", [{"factor": "smile", "by": 0.25}])
    undone = store.feedback.add("acme", first.id, "undone")
    assert kept < adjusted < undone
    found = store.feedback.list("acme")
    assert [each.id for each in found] == [kept, adjusted, undone]
    assert [each.edit for each in found] == [first, second, first]
    assert [each.verdict for each in found] == ["kept", "adjusted", "undone"]
    assert [each.edits for each in found] == [(), ({"factor": "smile", "by": 0.25},), ()]
    assert [each.id for each in store.feedback.list("acme", after=kept, limit=1)] == [adjusted]
    assert store.feedback.list("globex") == []


def test_another_tenants_edit_cannot_be_told_from_one_that_is_not_there(store, record):
    theirs = record("globex")
    store.edits.log([theirs])
    said = set()
    for edit in (theirs.id, new_edit_id()):
        with pytest.raises(NotFoundError) as refused:
            store.feedback.add("acme", edit, "kept")
        said.add(str(refused.value).replace(edit, "EDIT"))
        with pytest.raises(NotFoundError):
            store.ratings.add("acme", Naturalness("study", edit, 3))
    assert len(said) == 1
    for edit in HOSTILE:
        assert store.edits.get("acme", edit) is None
        with pytest.raises(NotFoundError):
            store.feedback.add("acme", edit, "kept")
    assert store.feedback.list("globex") == store.feedback.list("acme") == []


def test_a_verdict_goes_with_what_it_needs(store, record):
    edit = record()
    store.edits.log([edit])
    smile = [{"factor": "smile", "by": 1.0}]
    for verdict, edits in (("liked", None), ("kept", smile), ("adjusted", None), ("adjusted", [])):
        with pytest.raises(ConfigError, match="expected"):
            store.feedback.add("acme", edit.id, verdict, edits)
    assert store.feedback.list("acme") == []


def test_ratings_come_back_with_their_models(store, record):
    left, right = record(model="a", digest="1" * 64), record(model="b", digest="2" * 64)
    store.edits.log([left, right, record("globex", id=left.id, model="theirs"), record("globex", id=right.id)])
    scored, chosen = Naturalness("s", left.id, 4, "ann"), Choice("s", left.id, right.id, "neither", "bob")
    store.ratings.add("acme", scored)
    store.ratings.add("acme", chosen)
    store.ratings.add("acme", Naturalness("other", left.id, 1))
    store.ratings.add("globex", Naturalness("s", left.id, 1))
    found = store.ratings.list("s", "acme")
    assert [each.rating for each in found] == [scored, chosen]
    assert [each.models for each in found] == [("a@" + "1" * 12,), ("a@" + "1" * 12, "b@" + "2" * 12)]


def test_both_edits_of_a_choice_are_the_tenants(store, record):
    ours, theirs = record(), record("globex")
    store.edits.log([ours, theirs])
    for left, right in ((ours.id, theirs.id), (theirs.id, ours.id)):
        with pytest.raises(NotFoundError):
            store.ratings.add("acme", Choice("s", left, right, "left"))
    assert store.ratings.list("s", "acme") == []


@pytest.mark.parametrize("score", [0, 6, 3.0, True, "3", None])
def test_a_score_is_1_to_5(score):
    with pytest.raises(ConfigError, match="1 to 5"):
        Naturalness("s", new_edit_id(), score)


def test_a_choice_is_between_two_edits():
    edit = new_edit_id()
    with pytest.raises(ConfigError, match="another edit"):
        Choice("s", edit, edit, "left")
    with pytest.raises(ConfigError, match="left, right, neither"):
        Choice("s", edit, new_edit_id(), "both")
    with pytest.raises(ConfigError, match="study"):
        Choice("", edit, new_edit_id(), "left")


def test_many_threads_may_use_one_store(store, record):
    edit = record()
    store.edits.log([edit])
    failed = []

    def work():
        try:
            for _ in range(5):
                store.feedback.add("acme", edit.id, "kept")
                store.edits.log([record()])
                assert store.keys.check("uw_") is None
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(store.feedback.list("acme")) == 40


def test_what_was_written_is_there_in_another_store(store, url, record):
    edit, key = record(), store.keys.add("acme")
    store.edits.log([edit])
    store.close()
    with open_store(url, create=False) as again:
        assert again.edits.get("acme", edit.id) == edit
        assert again.keys.check(key.secret).tenant == "acme"
    store.ping()
