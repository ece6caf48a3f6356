"""Caches: the same bytes again, never another tenant's, bounded, and Redis that may vanish."""

import asyncio
import itertools
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from serving_here import free_port, pixels_of, serving, wait_for
from unweave.core.codes import Codes
from unweave.serving.breaker import Breaker
from unweave.serving.entries import Edited, codes_from_bytes, codes_to_bytes
from unweave.serving.keys import cache_key
from unweave.serving.lru import LeastRecentlyUsed
from unweave.serving.metrics import Metrics
from unweave.serving.remote import Remote
from unweave.serving.work.loaded import load_model


def test_a_hit_is_the_very_same_answer(here, pictures):
    asked = [{"factor": "x", "by": 0.123}]
    miss, hit = here.edit(pictures[0], asked), here.edit(pictures[0], asked)
    assert [one.headers["x-unweave-cache"] for one in (miss, hit)] == ["miss", "hit"]
    assert hit.content == miss.content
    assert hit.headers["x-unweave-notes"] == miss.headers["x-unweave-notes"]
    assert hit.headers["x-unweave-edit"] != miss.headers["x-unweave-edit"], "feedback is on one edit, not on both"


def test_whatever_changes_an_answer_makes_it_another_entry(here, pictures):
    base = {"edits": [{"factor": "x", "by": 0.2}]}
    here.edit(pictures[1], **base)
    others = [
        {**base, "residual": True},
        {**base, "format": "webp"},
        {**base, "over": "refuse"},
        {"edits": [{"factor": "x", "by": 0.2000001}]},
        {"edits": [{"factor": "y", "by": 0.2}]},
        {"edits": [{"factor": "x", "to": 0.2}]},
    ]
    assert [here.edit(pictures[1], **asked).headers["x-unweave-cache"] for asked in others] == ["miss"] * len(others)
    assert here.edit(pictures[2], **base).headers["x-unweave-cache"] == "miss"
    assert here.edit(pictures[1], **base).headers["x-unweave-cache"] == "hit"


def test_an_encoding_is_used_again_with_another_edit(here, pictures):
    here.edit(pictures[3], [{"factor": "x", "by": 0.31}])
    before = here.metric("unweave_stage_seconds_count", stage="read")
    here.edit(pictures[3], [{"factor": "x", "by": 0.32}])
    assert here.metric("unweave_stage_seconds_count", stage="read") == before, "the image was decoded again"


def test_a_tenant_never_gets_anothers_entry(small, pictures, tmp_path):
    with serving(tmp_path, {"sprites": small.folder}) as here:
        keys = {tenant: here.server.stored.store.keys.add(tenant).secret for tenant in ("acme", "bolt")}
        here.server.callers._asked_at = float("-inf")  # as after `key_s`
        first = here.edit(pictures[0], key=keys["acme"])
        second = here.edit(pictures[0], key=keys["bolt"])
        assert [one.headers["x-unweave-cache"] for one in (first, second)] == ["miss", "miss"]
        assert first.content == second.content
        assert here.edit(pictures[0], key=keys["bolt"]).headers["x-unweave-cache"] == "hit"
        assert here.metric("unweave_cache_total", kind="encoding", layer="process", result="hit") == 0


def test_keys_differ_in_every_part():
    parts = (
        ("edit", "encoding"),
        ("acme", "bolt", "acme1"),
        ("d1", "d2", "1d"),
        ((b"\1",), (b"\2",), (b"\1", b"\2"), (b"\1\2",)),
        ([1], [2], None, [[1]]),
    )
    keys = {
        cache_key(kind, tenant, digest, *images, options=options)
        for kind, tenant, digest, images, options in itertools.product(*parts)
    }
    assert len(keys) == 2 * 3 * 3 * 4 * 4


def test_the_cache_holds_so_many_bytes_and_lets_the_oldest_go():
    cache = LeastRecentlyUsed(10_000)
    for k in range(100):
        cache.put(b"%d" % k, bytes(1000))
        cache.get(b"0")
        assert cache.size <= 10_000
    assert cache.get(b"0") is not None, "it was used all the time"
    assert cache.get(b"1") is None
    assert cache.get(b"99") is not None
    cache.put(b"large", bytes(20_000))
    assert cache.get(b"large") is None
    assert cache.get(b"99") is not None
    for _ in range(50):
        cache.put(b"99", bytes(500))
    assert cache.size <= 10_000
    assert len(cache) >= 8


def test_entries_from_elsewhere_are_believed_only_in_the_right_form(small):
    made = Edited(b"png", ("a note",), {"x": {"value": 1.0}}, None)
    assert Edited.from_bytes(made.to_bytes()) == made
    whole = made.to_bytes()
    for wrong in (b"", b"\0", b"\xff" * 20, whole[:10], whole[:-3], b"\0\0\0\2{}x", b"\0\0\0\2[]x", b"\0\0\0\1\x80x"):
        assert Edited.from_bytes(wrong) is None
    model = load_model(small.folder).model
    codes = Codes(np.float32([[1, 2, 3, 4, 5, 6, 7]]), np.float32([[0, 0, 0, 0, 0, 0, -1]]))
    back = codes_from_bytes(codes_to_bytes(codes), model.card)
    assert np.array_equal(back.mean, codes.mean)
    assert np.array_equal(back.logvar, codes.logvar)
    for wrong in (b"", bytes(8), b"\xff" * 56):
        assert codes_from_bytes(wrong, model.card) is None


def test_a_breaker_rests_longer_each_time_and_recovers():
    now = [0.0]
    breaker = Breaker(failures=2, rest_s=1.0, longest_s=3.0, clock=lambda: now[0])
    breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()
    now[0] = 1.0
    assert breaker.allows(), "one try after the rest"
    assert not breaker.allows(), "and no second one beside it"
    breaker.failed()
    now[0] = 2.5
    assert not breaker.allows(), "it rests twice as long now"
    now[0] = 3.0
    assert breaker.allows()
    breaker.worked()
    assert not breaker.is_open
    assert breaker.allows()


@pytest.fixture
def redis_port(tmp_path):
    """A port for a Redis server, which tests start and stop."""
    if shutil.which("redis-server") is None:
        assert not os.environ.get("CI"), "CI installs redis-server"
        pytest.skip("redis-server is not installed (on Debian: apt-get install redis-server)")
    return free_port()


@contextmanager
def redis_server(port, folder):
    options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
    process = subprocess.Popen(["redis-server", *map(str, options)], stdout=subprocess.DEVNULL)
    try:
        ping = ["redis-cli", "-p", str(port), "ping"]
        wait_for(lambda: subprocess.run(ping, capture_output=True).stdout == b"PONG\n")
        yield process
    finally:
        process.kill()
        process.wait()


def test_replicas_share_a_cache_in_redis(small, pictures, redis_port, tmp_path):
    url = f"redis://127.0.0.1:{redis_port}/0"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        redis_server(redis_port, tmp_path),
        serving(tmp_path / "one", {"sprites": small.folder}, redis=url) as one,
        serving(tmp_path / "two", {"sprites": small.folder}, redis=url) as two,
    ):
        first = one.edit(pictures[0])

        def shared():
            return two.edit(pictures[0]).headers["x-unweave-cache"] == "hit"

        wait_for(shared)
        assert two.edit(pictures[0]).content == first.content
        assert two.metric("unweave_cache_total", kind="edit", layer="redis", result="hit") == 1


def test_redis_stopped_and_started_under_load_fails_no_edit(small, editor, pictures, redis_port, tmp_path):
    statuses, stop = [], threading.Event()
    url = f"redis://127.0.0.1:{redis_port}/0"
    with serving(tmp_path, {"sprites": small.folder}, redis=url, cache_bytes=0) as here:

        def load():
            for k in itertools.count():
                if stop.is_set():
                    return
                row = k % 8
                answer = here.edit(pictures[row], [{"factor": "x", "by": 0.5 + 0.01 * (k % 3)}])
                own = editor.edit(small.rows[row], x=0.5 + 0.01 * (k % 3))
                same = answer.status_code == 200 and np.abs(pixels_of(answer.content).astype(int) - own).max() <= 1
                statuses.append(same)

        def hits():
            return here.metric("unweave_cache_total", kind="edit", layer="redis", result="hit")

        thread = threading.Thread(target=load)
        thread.start()
        try:
            wait_for(lambda: here.metric("unweave_redis_resting") == 1)  # there is none yet
            for _ in range(2):
                with redis_server(redis_port, tmp_path):
                    wait_for(lambda: here.metric("unweave_redis_resting") == 0)
                    before = hits()
                    wait_for(lambda before=before: hits() > before)
                wait_for(lambda: here.metric("unweave_redis_resting") == 1)
        finally:
            stop.set()
            thread.join(30)
    assert all(statuses)
    assert len(statuses) > 20


def test_redis_that_does_not_answer_costs_little_and_then_nothing(tmp_path):
    """A port that takes connections and says nothing."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        metrics = Metrics()

        async def ask():
            remote = Remote(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0", seconds=10, metrics=metrics)
            for _ in range(3):
                assert await remote.get(b"k") is None
            failures = metrics.registry.get_sample_value("unweave_redis_failures_total")
            for _ in range(100):
                assert await remote.get(b"k") is None
            remote.put(b"k", b"v")
            await remote.close()
            return failures

        assert asyncio.run(ask()) == 3
        # A hundred more calls within its rest asked nobody; the write may have been the try after it.
        assert metrics.registry.get_sample_value("unweave_redis_failures_total") <= 4
