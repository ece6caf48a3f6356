"""PostgreSQL that stops, crashes or freezes under load: edits go on, and feedback is kept or refused, never lost."""

import itertools
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from local_postgres import local_postgres
from serving_here import serving, wait_for
from unweave.stores.store import open_store
from unweave.stores.tables import edits as log

DEADLINE_S = 5.0


@pytest.fixture(scope="module")
def postgres():
    """A server of this file's own."""
    with local_postgres() as server:
        yield server


@dataclass
class Load:
    """What clients got, counted as it comes."""

    edits: list = field(default_factory=list)
    longest: float = 0.0
    statuses: Counter = field(default_factory=Counter)
    verdicts: dict = field(default_factory=dict)
    verdict_s: float = 0.0

    def more(self, count, *, status=None):
        """Wait for so many more answers to edits, or to feedback with a status."""

        def answered():
            return len(self.edits) if status is None else len(self.verdicts.get(status, ()))

        wanted = answered() + count
        wait_for(lambda: answered() >= wanted)


@contextmanager
def load(here, pictures, *, key=None, clients=2):
    """Clients that edit, and say of every edit whether it was kept, until the block ends."""
    found, stop = Load(), threading.Event()
    headers = {"authorization": f"Bearer {key}"} if key else {}

    def edit(number):
        for k in itertools.count():
            if stop.is_set():
                return
            began = time.monotonic()
            answer = here.edit(pictures[number], [{"factor": "x", "by": 0.5 + 0.001 * k}], key=key)
            found.longest = max(found.longest, time.monotonic() - began)
            found.statuses[answer.status_code] += 1
            if answer.status_code == 200:
                found.edits.append(answer.headers["x-unweave-edit"])

    def judge():
        for k in itertools.count():
            while k >= len(found.edits) and not stop.is_set():
                time.sleep(0.01)
            if stop.is_set():
                return
            body, began = {"edit": found.edits[k], "verdict": "kept"}, time.monotonic()
            answer = here.client.post("/v1/feedback", json=body, headers=headers)
            found.verdict_s = max(found.verdict_s, time.monotonic() - began)
            found.verdicts.setdefault(answer.status_code, set()).add(found.edits[k])

    threads = [threading.Thread(target=edit, args=(k,)) for k in range(clients)] + [threading.Thread(target=judge)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def compare(url, found):
    """What the store holds of what was answered: edits that it lacks."""
    with open_store(url) as store:
        kept = {feedback.edit.id for feedback in store.feedback.list("default")}
        with store._database.read() as connection:
            logged = set(connection.execute(select(log.c.id)).scalars())
    acknowledged, refused = found.verdicts[201], found.verdicts[503]
    assert acknowledged <= kept, "acknowledged and not there"
    assert kept <= acknowledged | refused
    lost = set(found.edits) - logged
    assert set(found.verdicts) <= {201, 503, 404}
    assert found.verdicts.get(404, set()) <= lost
    return lost


@pytest.mark.parametrize(("how", "bound"), [(signal.SIGINT, 10_000), (signal.SIGQUIT, 20)], ids=["stopped", "crashed"])
def test_stopped_and_started_under_load(small, pictures, tmp_path, postgres, how, bound):
    url = postgres.new()
    settings = {"store": url, "deadline_s": DEADLINE_S, "edit_log": bound, "key_s": 0.2}
    with serving(tmp_path, {"m": small.folder}, **settings) as here, load(here, pictures) as found:
        for _ in range(2):
            found.more(5, status=201)
            postgres.stop(how)
            try:
                found.more(3, status=503)
                found.more(50)
            finally:
                postgres.start()
        found.more(5, status=201)
    assert set(found.statuses) == {200}
    assert found.longest < DEADLINE_S
    assert here.metric("unweave_store_failures_total") > 0
    lost, dropped = compare(url, found), here.metric("unweave_edit_log_dropped_total")
    assert len(lost) == dropped
    assert (dropped > 0) == (bound < 50)


def test_frozen_under_load(small, pictures, tmp_path, postgres, monkeypatch):
    """Its processes stand still, and its connections stay open: nobody is told anything."""
    monkeypatch.setattr("unweave.serving.stored.PATIENCE_S", 1.0)
    url = postgres.new()
    with open_store(url) as store:
        key = store.keys.add("default").secret
    settings = {"store": url, "deadline_s": DEADLINE_S, "key_s": 0.2}
    with serving(tmp_path, {"m": small.folder}, **settings) as here, load(here, pictures, key=key) as found:
        found.more(5, status=201)
        postgres.freeze()
        try:
            found.more(2, status=503)
            found.more(50)
            unknown = here.edit(pictures[0], key="uw_" + "A" * 43)
            state = here.client.get("/readyz", timeout=DEADLINE_S).json()
        finally:
            postgres.thaw()
        found.more(5, status=201)
    assert (unknown.status_code, state["store"], state["status"]) == (503, "unavailable", "degraded")
    assert set(found.statuses) == {200}
    assert found.longest < DEADLINE_S
    assert found.verdict_s < DEADLINE_S
    assert compare(url, found) == set()


def test_it_stops_though_the_store_is_frozen(small, pictures, tmp_path, postgres, monkeypatch):
    monkeypatch.setattr("unweave.stores.database.WAIT_S", 1.0)
    monkeypatch.setattr("unweave.serving.stored.PATIENCE_S", 0.5)
    with serving(tmp_path, {"m": small.folder}, store=postgres.new()) as here:
        edit = here.edit(pictures[0]).headers["x-unweave-edit"]
        wait_for(lambda: here.metric("unweave_edit_log_waiting") == 0)
        postgres.freeze()
        answer = here.client.post("/v1/feedback", json={"edit": edit, "verdict": "kept"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
    postgres.thaw()  # `serving` has seen the server end
