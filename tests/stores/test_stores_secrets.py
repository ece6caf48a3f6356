"""Keys and passwords are nowhere but where they have to be."""

import hmac
import logging
import traceback

import pytest
from sqlalchemy import text

from local_postgres import PASSWORD
from unweave.core.errors import ConfigError, StoreError, UnweaveError
from unweave.stores import keys as module
from unweave.stores.store import open_store


def test_no_secret_is_in_the_database(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        key = store.keys.add("acme", note="find me")
        store.keys.check(key.secret)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"find me" in stored
    secret = key.secret.rpartition("_")[2]
    assert secret.encode() not in stored
    assert bytes.fromhex(secret) not in stored


def test_only_its_owner_reads_the_file(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        store.keys.add("acme")
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_equal_secrets_would_have_different_hashes():
    assert module._digest("0" * 12, "secret") != module._digest("1" * 12, "secret")
    assert len(module._digest("0" * 12, "secret")) == 32


def test_hashes_are_compared_in_constant_time_also_where_there_is_no_key(store, monkeypatch):
    key, compared, compare = store.keys.add("acme"), [], hmac.compare_digest

    def watched(left, right):
        compared.append((left, right))
        return compare(left, right)

    monkeypatch.setattr(module.hmac, "compare_digest", watched)
    with store._database.read() as connection:
        stored = bytes(connection.execute(text("SELECT digest FROM unweave_keys")).scalar())
    absent = f"uw_{'0' * 12}_{'0' * 64}"
    assert store.keys.check(key.secret) is not None
    assert store.keys.check(absent) is None
    assert [right for _, right in compared] == [stored, bytes(32)]
    assert compared[0][0] == stored


def test_nothing_prints_or_logs_a_secret(store, url, caplog):
    with caplog.at_level(logging.DEBUG):
        key = store.keys.add("acme")
        store.keys.check(key.secret)
        with pytest.raises(UnweaveError) as refused:
            store.keys.revoke(key.secret)
        with pytest.raises(ConfigError) as named:
            store.keys.add(key.secret)
        with pytest.raises(StoreError) as failed, store._database.write() as connection:
            connection.execute(text("INSERT INTO unweave_keys (key_id) VALUES (:secret)"), {"secret": key.secret})
        said = [*map(traceback.format_exception, (refused.value, named.value, failed.value)), caplog.text]
    said += [repr(store), repr(store._database), repr(key), str(key), f"{key}", repr(store.keys.list())]
    whole = str(said)
    assert key.key_id in whole
    for hidden in (key.secret.rpartition("_")[2][:16], PASSWORD):
        assert hidden not in whole
    assert "***" in repr(store) or url.startswith("sqlite")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:hunter2@127.0.0.1:1/none", "postgresql+psycopg://me:hunter2@host:port/x",
        "mysql://me:hunter2@host/x", "postgresql+psycopg2://me:hunter2@host/x", "me:hunter2@host", "",
        "sqlite://", "sqlite:///:memory:", "sqlite:///x?password=hunter2", "sqlite://me:hunter2@host/x",
        "postgresql+psycopg://me:hunter2@127.0.0.1:1/none?no_such_option=hunter2",
    ],
)  # fmt: skip
def test_no_error_shows_the_password_of_a_url(url, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(UnweaveError) as refused:
        open_store(url)
    said = "".join(traceback.format_exception(refused.value)) + caplog.text
    assert "hunter2" not in said.replace(repr(url), "")


def test_a_wrong_password_is_not_shown(postgres):
    url = postgres.new().replace(PASSWORD, "wrong-one")
    with pytest.raises(StoreError, match="authentication failed") as refused:
        open_store(url)
    assert "wrong-one" not in "".join(traceback.format_exception(refused.value))
