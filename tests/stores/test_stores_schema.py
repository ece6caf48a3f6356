"""Schemas come up to date from any earlier one, and a newer one is left alone."""

import contextlib
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from unweave.core.errors import StoreError, StoreUnavailableError
from unweave.stores.database import Database
from unweave.stores.records import Naturalness
from unweave.stores.schema import bring_up_to_date, current_version
from unweave.stores.store import open_store
from unweave.stores.tables import VERSIONS, metadata

OPENER = Path(__file__).parent / "_opener.py"
OLD_EDIT = "an-edit-of-long-ago--1"


@pytest.fixture
def database(empty_url):
    opened = Database(empty_url)
    yield opened
    opened.close()


@pytest.fixture
def old(database):
    """A store as the first version left it, with a row in each of its tables."""
    bring_up_to_date(database, version="0001")
    with database.write() as connection:
        insert = "INSERT INTO unweave_edits (tenant, id, model, digest, edits, notes, time) VALUES "
        edits = """'[{"factor": "smile", "by": 1}]'"""
        row = f"('acme', '{OLD_EDIT}', 'faces', '0123', {edits}, '[]', '2020-01-02 03:04:05')"
        connection.execute(text((insert + row).replace(":", r"\:")))
        connection.execute(
            text(
                "INSERT INTO unweave_feedback (tenant, edit_id, verdict, edits, time) "
                f"VALUES ('acme', '{OLD_EDIT}', 'kept', '[]', CURRENT_TIMESTAMP)"
            )
        )
    return database


def version(database):
    with database.read() as connection:
        return current_version(connection)


def test_a_new_store_has_the_tables_of_the_code(database):
    assert version(database) is None
    bring_up_to_date(database)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "version_table": VERSIONS})
        assert compare_metadata(context, metadata) == []
        assert {*inspect(connection).get_table_names()} == {*metadata.tables, VERSIONS}


def test_an_earlier_store_keeps_what_it_holds(old, empty_url):
    assert version(old) == "0001"
    with open_store(empty_url) as store:
        assert [each.edit.id for each in store.feedback.list("acme")] == [OLD_EDIT]
        assert store.feedback.list("acme")[0].edit.time.isoformat() == "2020-01-02T03:04:05+00:00"
        store.ratings.add("acme", Naturalness("study", OLD_EDIT, 5))
    assert version(old) == "0002"


def test_a_migration_that_fails_leaves_the_store_as_it_was(old):
    with old.write() as connection:
        connection.execute(text("CREATE INDEX unweave_ratings_study ON unweave_edits (model)"))  # in the way at the end
    with pytest.raises(StoreError, match="unweave_ratings_study"):
        bring_up_to_date(old)
    assert version(old) == "0001"
    with old.read() as connection:
        assert not inspect(connection).has_table("unweave_ratings")


def test_a_newer_store_is_refused_and_left_alone(database, empty_url):
    bring_up_to_date(database)
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSIONS} SET version_num = '0999'"))
    with pytest.raises(StoreError, match=r"has schema 0999, .* up to 0002.*Update unweave"):
        open_store(empty_url)
    assert version(database) == "0999"


def test_it_lives_beside_other_tables(database, empty_url):
    with database.write() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))  # as MLflow has
        connection.execute(text("INSERT INTO alembic_version VALUES ('somebody elses')"))
    open_store(empty_url).close()
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "somebody elses"


def test_a_new_file_that_another_process_prepares_is_waited_for(tmp_path):
    path = tmp_path / "store.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")  # SQLite's own patience does not cover this one
        end = threading.Timer(0.5, other.execute, ["ROLLBACK"])
        end.start()
        began = time.monotonic()
        open_store(f"sqlite:///{path}").close()
        assert time.monotonic() - began > 0.4
        end.join()


def test_a_new_file_that_is_held_for_too_long_is_said_to_be(tmp_path, monkeypatch):
    monkeypatch.setattr("unweave.stores.database.WAIT_S", 0.1)
    path = tmp_path / "store.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="another process has been writing for too long"):
            open_store(f"sqlite:///{path}")


def test_processes_that_start_at_once_migrate_once(empty_url):
    started = [
        subprocess.Popen([sys.executable, OPENER, empty_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.close()
    ended = [process.wait(timeout=300) for process in started]
    for process in started:
        process.stdout.close()
    assert ended == [0, 0, 0]
    with open_store(empty_url, create=False) as store:
        assert len(store.keys.list()) == 3
