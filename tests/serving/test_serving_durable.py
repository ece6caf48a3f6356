"""Processes that are killed or told to stop: nothing acknowledged is lost, nothing under way is cut off."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading

import httpx2 as httpx
import pytest

from serving_here import serve_process, serving, wait_for
from unweave.serving.edit_log import EditLog
from unweave.serving.metrics import Metrics
from unweave.stores.keys import Keys
from unweave.stores.records import EditRecord
from unweave.stores.store import open_store


def test_what_was_acknowledged_survives_a_kill(small, pictures, tmp_path):
    """kill -9 in the middle of feedback of four clients, three times on one store."""
    url = f"sqlite:///{tmp_path}/store.db"
    acknowledged, sent = set(), set()
    for _ in range(3):
        with serve_process(tmp_path, small.folder, "--store", url, "--no-access-log") as (process, address, _):
            stop = threading.Event()

            def client(number, address=address, stop=stop):
                with httpx.Client(base_url=address, timeout=30) as http:
                    while not stop.is_set():
                        form = {"edits": json.dumps([{"factor": "x", "by": 0.1 * number}])}
                        try:
                            answer = http.post("/v1/edit", files={"image": pictures[number]}, data=form)
                            if answer.status_code == 503:  # a machine that is busy with other things
                                continue
                            edit = answer.headers["x-unweave-edit"]
                            sent.add(edit)
                            if http.post("/v1/feedback", json={"edit": edit, "verdict": "kept"}).status_code == 201:
                                acknowledged.add(edit)
                        except httpx.TransportError:
                            return

            before = len(acknowledged)
            threads = [threading.Thread(target=client, args=(k,)) for k in range(4)]
            for thread in threads:
                thread.start()
            wait_for(lambda before=before: len(acknowledged) > before + 20)
            process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join(30)
            stop.set()
    with open_store(url) as store:
        kept = {feedback.edit.id for feedback in store.feedback.list("default")}
    assert len(acknowledged) > 60
    assert acknowledged <= kept <= sent
    with sqlite3.connect(tmp_path / "store.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_told_to_stop_it_answers_what_it_began(small, pictures, tmp_path):
    answers, failures = [], []
    with serve_process(tmp_path, small.folder, "--no-access-log") as (process, address, log):

        def client(number):
            with httpx.Client(base_url=address, timeout=30) as http:
                for k in range(10_000):
                    form = {"edits": json.dumps([{"factor": "x", "by": 0.001 * k}])}
                    try:
                        answers.append(http.post("/v1/edit", files={"image": pictures[number]}, data=form).status_code)
                    except httpx.ConnectError:
                        return  # the listener is closed
                    except httpx.TransportError as error:
                        failures.append(repr(error))
                        return

        threads = [threading.Thread(target=client, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(answers) > 20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)
        for thread in threads:
            thread.join(30)
        said = log.read_text()
    assert set(answers) == {200}
    # A request on a kept connection may cross with its closing: it was not begun, and a client may send it again.
    assert all("disconnected" in failure or "Read" in failure or "Write" in failure for failure in failures), failures
    assert "Traceback" not in said
    with (
        open_store(f"sqlite:///{tmp_path}/store.db", create=False) as store,
        store._database.read() as connection,
    ):
        from unweave.stores.tables import edits

        assert len(connection.execute(edits.select()).all()) >= len(answers), "the log was written to the end"


def test_feedback_on_an_edit_of_a_moment_ago(here, pictures):
    for verdict, edits in (("kept", None), ("undone", None), ("adjusted", [{"factor": "x", "by": 0.25}])):
        edit = here.edit(pictures[0]).headers["x-unweave-edit"]
        body = {"edit": edit, "verdict": verdict, **({"edits": edits} if edits else {})}
        answer = here.client.post("/v1/feedback", json=body)
        assert (answer.status_code, answer.json()) == (201, {"kept": True})
        kept = here.server.stored.store.feedback.list("default")[-1]
        assert (kept.edit.id, kept.verdict, list(kept.edits)) == (edit, verdict, edits or [])
        assert list(kept.edit.edits) == [{"factor": "x", "by": 0.5}]


def test_feedback_that_says_nothing_usable(here, pictures):
    edit = here.edit(pictures[0]).headers["x-unweave-edit"]
    bodies = (
        ({"edit": "A" * 22, "verdict": "kept"}, 404),
        ({"edit": edit, "verdict": "liked"}, 422),
        ({"edit": "../store", "verdict": "kept"}, 422),
        ({"edit": edit, "verdict": "adjusted"}, 422),
        ({"edit": edit, "verdict": "kept", "edits": [{"factor": "x", "by": 1}]}, 422),
        ({"edit": edit, "verdict": "kept", "image": "no"}, 422),
    )
    for body, status in bodies:
        assert here.client.post("/v1/feedback", json=body).status_code == status, body


def test_ratings_of_both_kinds(here, pictures):
    left, right = (here.edit(pictures[k]).headers["x-unweave-edit"] for k in range(2))
    good = (
        {"study": "s", "kind": "naturalness", "score": 4, "edit": left, "rater": "r"},
        {"study": "s", "kind": "ab", "left": left, "right": right, "chosen": "left", "rater": "r"},
    )
    assert [here.client.post("/v1/ratings", json=body).status_code for body in good] == [201, 201]
    assert len(here.server.stored.store.ratings.list("s", "default")) == 2
    bad = (
        {**good[0], "score": 6},
        {**good[0], "score": 4.5},
        {**good[1], "right": left},
        {**good[1], "chosen": "both"},
        {"study": "s", "kind": "stars", "score": 4, "edit": left},
    )
    assert [here.client.post("/v1/ratings", json=body).status_code for body in bad] == [422] * len(bad)
    assert here.client.post("/v1/ratings", json={**good[0], "edit": "B" * 22}).status_code == 404


@pytest.fixture
def held(tmp_path, monkeypatch):
    """A store that another process keeps locked, so that it is unavailable; and what lets it go."""
    monkeypatch.setattr("unweave.stores.database.WAIT_S", 0.1)
    url = f"sqlite:///{tmp_path}/held.db"
    store = open_store(url)
    lock = sqlite3.connect(tmp_path / "held.db", check_same_thread=False, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    yield store, lock
    lock.close()
    store.close()


def record(number):
    return EditRecord("acme", "m", "d", [{"factor": "x", "by": float(number)}])


def test_the_edit_log_waits_for_its_store_up_to_its_bound(held):
    store, lock = held
    metrics = Metrics()
    log = EditLog(store, 5, metrics)
    log.start()
    records = [record(k) for k in range(8)]
    for one in records:
        log.add(one)
    value = metrics.registry.get_sample_value
    assert value("unweave_edit_log_waiting") == 5
    assert value("unweave_edit_log_dropped_total") == 3
    wait_for(lambda: value("unweave_store_failures_total") >= 1)
    lock.execute("ROLLBACK")
    wait_for(lambda: value("unweave_edit_log_waiting") == 0)
    log.stop(5)
    assert [store.edits.get("acme", one.id) is not None for one in records] == [True] * 5 + [False] * 3


def test_edits_go_on_without_the_store_and_feedback_is_refused(small, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("unweave.stores.database.WAIT_S", 0.1)
    with serving(tmp_path, {"m": small.folder}, key_s=0.05) as here:
        edit = here.edit(pictures[0]).headers["x-unweave-edit"]
        wait_for(lambda: here.metric("unweave_edit_log_waiting") == 0)
        lock = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        later = here.edit(pictures[1]).headers["x-unweave-edit"]
        refused = here.client.post("/v1/feedback", json={"edit": edit, "verdict": "kept"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "store_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        lock.execute("ROLLBACK")
        lock.close()
        for one in (edit, later):
            assert here.client.post("/v1/feedback", json={"edit": one, "verdict": "kept"}).status_code == 201


def test_a_store_that_is_always_late_still_tells_of_a_revoked_key(small, pictures, tmp_path, monkeypatch):
    """Nobody waits for the answer that the key is good; that it is no longer good is heard all the same."""
    url, check, asked, may_answer = f"sqlite:///{tmp_path}/store.db", Keys.check, [], threading.Event()

    def late(keys, secret):
        asked.append(secret)
        assert may_answer.wait(30)
        return check(keys, secret)

    with open_store(url) as store:
        key_id, secret = store.keys.add("default")
    monkeypatch.setattr(Keys, "check", late)
    monkeypatch.setattr("unweave.serving.stored.PATIENCE_S", 60.0)
    with serving(tmp_path, {"m": small.folder}, key_s=0.05, deadline_s=60.0) as here:
        statuses = []

        def edit():
            statuses.append(here.edit(pictures[0], key=secret).status_code)

        threads = [threading.Thread(target=edit) for _ in range(6)]
        for thread in threads:
            thread.start()
        wait_for(lambda: here.metric("unweave_requests_open") == 6)
        here.client.get("/healthz")  # so the loop has gone round: all six have asked
        may_answer.set()
        for thread in threads:
            thread.join()
        assert (statuses, len(asked)) == ([200] * 6, 1), "one question for all who ask"
        may_answer.clear()
        wait_for(lambda: edit() or len(asked) == 2)
        assert set(statuses) == {200}, "an older answer will do"
        with open_store(url) as store:
            store.keys.revoke(key_id)
        may_answer.set()
        wait_for(lambda: here.server.callers._look_ups._under_way == {})
        may_answer.clear()
        edit()
        assert statuses[-1] == 401, "the answer that nobody waited for"
        may_answer.set()


def test_the_disk_is_full(small, pictures, tmp_path):
    """SQLite may not grow: edits go on, feedback is refused and not lost in silence."""
    with serving(tmp_path, {"m": small.folder}) as here:
        edit = here.edit(pictures[0]).headers["x-unweave-edit"]
        wait_for(lambda: here.metric("unweave_edit_log_waiting") == 0)
        engine = here.server.stored.store._database.engine
        from sqlalchemy import event

        def full(connection, _record):
            connection.execute("PRAGMA max_page_count = 1")

        event.listen(engine, "connect", full)
        engine.dispose()
        body = {"edit": edit, "verdict": "adjusted", "edits": [{"factor": "x" * 200, "by": k} for k in range(60)]}
        statuses = [here.client.post("/v1/feedback", json=body).status_code for _ in range(3)]
        assert statuses == [503] * 3
        assert here.edit(pictures[1]).status_code == 200
        event.remove(engine, "connect", full)
        engine.dispose()
        assert here.client.post("/v1/feedback", json=body).status_code == 201
        assert len(here.server.stored.store.feedback.list("default")) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "no key"),
        (["--port", "taken"], "cannot listen"),
        (["nowhere"], "no bundle"),
        (["models:/a@b@c"], "expected models:/NAME@ALIAS"),
        (["--store", "mysql://x"], "store: expected a URL"),
    ],
)
def test_what_keeps_it_from_starting_is_said(small, here, tmp_path, arguments, words):
    port = here.url.rpartition(":")[2]
    given = [port if word == "taken" else word for word in arguments]
    if given[0].startswith("--"):
        given = [str(small.folder), *given]
    code = "from unweave.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "serve", *given], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
