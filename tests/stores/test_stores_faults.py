"""What was acknowledged stays, whatever happens; what fails says so, and works again afterwards."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from unweave.core.errors import ConfigError, StoreError, StoreUnavailableError
from unweave.core.seeds import generator
from unweave.stores.store import open_store

WRITER = Path(__file__).parent / "_writer.py"


def writer(url, edit, count):
    process = subprocess.Popen(
        [sys.executable, WRITER, url, edit.tenant, edit.id, str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return process


def go(*writers):
    for process in writers:
        assert process.stdout.readline() == "ready\n"
    for process in writers:
        process.stdin.write("go\n")
        process.stdin.flush()


def close(process):
    process.stdin.close()
    process.stdout.close()


def file_of(url):
    return Path(url.removeprefix("sqlite:///"))


def is_sound(url):
    """Whether SQLite finds its file whole; PostgreSQL checks by itself as it starts."""
    if not url.startswith("sqlite"):
        return True
    with sqlite3.connect(file_of(url)) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return whole and connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_writer_that_is_killed_loses_nothing_that_it_acknowledged(store, url, record):
    rng, edit, acknowledged = generator(0, "kill"), record(), {}
    store.edits.log([edit])
    for _ in range(3):
        process = writer(url, edit, 100_000)
        go(process)
        lines = [process.stdout.readline() for _ in range(int(rng.integers(3, 12)))]
        time.sleep(float(rng.uniform(0, 0.02)))  # not right after an acknowledgement
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()  # what it had printed when it died; of its last line perhaps a part
        lines += rest[: rest.rfind("\n") + 1].splitlines()
        assert process.wait() == -signal.SIGKILL
        close(process)
        acknowledged |= {int(number): int(step) for number, step in (line.split() for line in lines)}
    found = {each.id: each for each in store.feedback.list(edit.tenant)}
    assert len(acknowledged) >= 9
    assert set(acknowledged) <= set(found)
    assert len(found) <= len(acknowledged) + 3  # one that was written and could not be acknowledged, each time
    for number, step in acknowledged.items():
        assert found[number].edits == ({"factor": f"factor {step}", "by": step}, {"factor": "other", "to": "x" * 150})
        assert found[number].edit == edit
    assert is_sound(url)
    assert store.feedback.add(edit.tenant, edit.id, "kept") > max(found)


def test_two_processes_write_at_once(store, url, record):
    edit = record()
    store.edits.log([edit])
    both = [writer(url, edit, 40) for _ in range(2)]
    go(*both)
    printed = [int(line.split()[0]) for process in both for line in process.stdout]
    assert [process.wait() for process in both] == [0, 0]
    for process in both:
        close(process)
    assert sorted(printed) == [each.id for each in store.feedback.list(edit.tenant)]
    assert len(set(printed)) == 80
    assert is_sound(url)


def test_sqlite_forces_every_commit_to_the_disk(tmp_path):
    seen = []
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:

        @event.listens_for(store._database.engine, "commit")
        def look(connection):
            asked = ("journal_mode", "synchronous", "foreign_keys")
            seen.append([connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked])

        store.keys.add("acme")
    assert seen == [["wal", 2, 1]]


def test_postgres_forces_every_commit_to_the_disk_though_it_was_told_not_to(postgres, record):
    url = postgres.new()
    with postgres.connect("postgres") as connection:
        connection.execute("ALTER ROLE unweave SET synchronous_commit = off")
    try:
        with open_store(url) as store:
            edit = record()
            store.edits.log([edit])
            for _ in range(5):
                numbers = [store.feedback.add("acme", edit.id, "kept") for _ in range(3)]
                postgres.stop(signal.SIGQUIT)  # a crash: what is in its memory only is lost
                postgres.start()
                assert [each.id for each in store.feedback.list("acme")][-3:] == numbers
    finally:
        with postgres.connect("postgres") as connection:
            connection.execute("ALTER ROLE unweave RESET synchronous_commit")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_a_postgres_that_comes_back_is_used_again(postgres, record, how):
    with open_store(postgres.new()) as store:
        edit, key = record(), store.keys.add("acme")
        store.edits.log([edit])
        postgres.stop(how)
        try:
            for call in (
                lambda: store.feedback.add("acme", edit.id, "kept"),
                lambda: store.edits.log([record()]),
                lambda: store.keys.check(key.secret),
                store.ping,
            ):
                with pytest.raises(StoreUnavailableError, match="does not answer"):
                    call()
        finally:
            postgres.start()
        store.ping()
        assert store.keys.check(key.secret).tenant == "acme"
        number = store.feedback.add("acme", edit.id, "kept")
        assert [each.id for each in store.feedback.list("acme")] == [number]


def test_a_postgres_that_was_away_between_two_calls_is_not_missed(postgres, record):
    with open_store(postgres.new()) as store:
        edit = record()
        store.edits.log([edit])
        postgres.stop()
        postgres.start()
        number = store.feedback.add("acme", edit.id, "kept")
        assert [each.id for each in store.feedback.list("acme")] == [number]


def test_a_postgres_that_is_stopped_within_a_transaction(postgres, record):
    with open_store(postgres.new()) as store:
        edit = record()
        store.edits.log([edit])
        with pytest.raises(StoreUnavailableError), store._database.write():  # noqa: PT012
            postgres.stop()
            try:
                store._database.engine.dispose(close=False)
                store.edits.log([record()])
            finally:
                postgres.start()
        store.feedback.add("acme", edit.id, "kept")


@pytest.fixture
def hasty(monkeypatch):
    """A silent PostgreSQL is waited for this long."""
    monkeypatch.setattr("unweave.stores.database.WAIT_S", 1.0)
    monkeypatch.setattr("unweave.stores.database._MORE_S", 0.2)
    return 1.2


def test_a_postgres_that_stands_still_is_not_waited_for_without_end(postgres, record, hasty):
    with open_store(postgres.new()) as store:
        edit = record()
        store.edits.log([edit])
        postgres.freeze()
        try:
            with pytest.raises(StoreUnavailableError, match="does not answer"):
                store.feedback.add("acme", edit.id, "kept")
            with pytest.raises(StoreUnavailableError, match="does not answer"):
                store.ping()
        finally:
            postgres.thaw()
        number = store.feedback.add("acme", edit.id, "kept")
        assert [each.id for each in store.feedback.list("acme")] == [number]


def test_a_migration_may_take_its_time(postgres, hasty):
    with open_store(postgres.new()) as store, store._database.read() as connection:
        slow = text(f"SELECT pg_sleep({1.5 * hasty})")
        with store._database.unhurried(connection):
            connection.execute(slow)
        with pytest.raises(OperationalError, match="it said nothing"):
            connection.execute(slow)


def test_without_a_postgres_there_is_no_store(postgres):
    url = postgres.new()
    postgres.stop()
    try:
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            open_store(url)
    finally:
        postgres.start()


def until_full(store, edit):
    numbers = []
    with pytest.raises(StoreUnavailableError, match="no room left"):  # noqa: PT012 - which of them is not known
        for _ in range(2000):
            adjusted = [{"factor": "x" * 200, "to": "y" * 200}] * 20
            numbers.append(store.feedback.add(edit.tenant, edit.id, "adjusted", adjusted))
    return numbers


def holds(store, edit, numbers):
    store.ping()
    return [each.id for each in store.feedback.list(edit.tenant)] == numbers


def test_a_full_file_refuses_and_keeps_what_it_has(tmp_path, record):
    url = f"sqlite:///{tmp_path}/store.db"
    open_store(url).close()
    edit = record()
    with open_store(url) as store:
        limit = event.listens_for(store._database.engine, "connect")
        limit(lambda connection, _: connection.execute("PRAGMA max_page_count = 40").close())
        store.close()  # the connections that know no limit
        store.edits.log([edit])
        numbers = until_full(store, edit)
        assert len(numbers) > 2
        assert holds(store, edit, numbers)
    with open_store(url) as store:
        assert holds(store, edit, numbers)
        assert store.feedback.add("acme", edit.id, "kept") > numbers[-1]
    assert is_sound(url)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one mebibyte; only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"this user cannot mount a small file system: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_refuses_and_works_again_when_there_is_room(small_disk, record):
    url, ballast, edit = f"sqlite:///{small_disk}/store.db", small_disk / "ballast", record()
    with open_store(url) as store:
        ballast.write_bytes(bytes(400_000))
        store.edits.log([edit])
        numbers = until_full(store, edit)
        assert len(numbers) > 2
        assert holds(store, edit, numbers)
        with pytest.raises(StoreUnavailableError):
            store.feedback.add("acme", edit.id, "adjusted", [{"factor": "x" * 200, "to": "y" * 200}] * 100)
        ballast.unlink()
        numbers.append(store.feedback.add("acme", edit.id, "kept"))
        assert holds(store, edit, numbers)
    assert is_sound(url)


def test_a_writer_that_waits_too_long_may_try_again(tmp_path, record, monkeypatch):
    monkeypatch.setattr("unweave.stores.database.WAIT_S", 0.05)
    url = f"sqlite:///{tmp_path}/store.db"
    with open_store(url) as store:
        other = sqlite3.connect(file_of(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="another process has been writing"):
            store.edits.log([record()])
        store.ping()  # readers do not wait for writers
        other.execute("COMMIT")
        other.close()
        store.edits.log([record()])


def test_files_that_are_no_store_are_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no database at all, but long enough to look into\n" * 20)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text().startswith("no database")
    with pytest.raises(ConfigError, match="there is no store"):
        open_store(f"sqlite:///{tmp_path}/none.db", create=False)
    assert not (tmp_path / "none.db").exists()


def test_a_damaged_store_says_so(tmp_path, record):
    url = f"sqlite:///{tmp_path}/store.db"
    with open_store(url) as store:
        store.edits.log([record() for _ in range(300)])
    with file_of(url).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 8)
    with pytest.raises(StoreError) as refused, open_store(url) as store:  # noqa: PT012 - here or there
        store.edits.log([record()])
        store.feedback.list("acme")
    assert not isinstance(refused.value, StoreUnavailableError)


def test_a_copy_of_the_file_alone_is_whole_after_close(tmp_path, record):
    url, edit = f"sqlite:///{tmp_path}/store.db", record()
    with open_store(url) as store:
        store.edits.log([edit])
    shutil.copy(file_of(url), tmp_path / "copy.db")
    with open_store(f"sqlite:///{tmp_path}/copy.db") as copy:
        assert copy.edits.get("acme", edit.id) == edit


def test_a_file_that_went_away_is_missed_and_used_again_when_it_is_back(tmp_path, record):
    """An open file can be written to after it was deleted; what is acknowledged there would be lost."""
    folder, away, edit = tmp_path / "a b#é", tmp_path / "away", record()
    with open_store(f"sqlite:///{folder}/store.db") as store:
        store.edits.log([edit])
        folder.rename(away)
        for call in (lambda: store.feedback.add("acme", edit.id, "kept"), store.ping):
            with pytest.raises(StoreUnavailableError, match="cannot be opened"):
                call()
        folder.mkdir()
        with pytest.raises(StoreUnavailableError):
            store.ping()
        assert list(folder.iterdir()) == []
        folder.rmdir()
        away.rename(folder)
        number = store.feedback.add("acme", edit.id, "kept")
        assert [each.id for each in store.feedback.list("acme")] == [number]
        (folder / "store.db").rename(folder / "old.db")
        (folder / "store.db").touch()
        with pytest.raises(StoreError, match="no such table"):
            store.feedback.add("acme", edit.id, "kept")
