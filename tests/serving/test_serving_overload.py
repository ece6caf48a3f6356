"""More requests than the server can answer: who is refused, before what, and what goes on all the same."""

import contextlib

import httpx2 as httpx
import numpy as np
import pytest

from serving_here import pixels_of, serving, wait_for
from unweave.serving.flow import Flow
from unweave.serving.run import http_server


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def answered(flow, clock, count, seconds):
    """Requests, two at once, each answered so many seconds after the one before."""
    flow.enter()
    for _ in range(count):
        flow.enter()
        clock.now += seconds
        flow.leave()
    clock.now += seconds
    flow.leave()


def test_a_request_is_measured_by_how_often_one_is_answered_while_there_are_any():
    clock = Clock()
    flow = Flow(1.0, clock)
    assert (flow.full, flow.ahead_s) == (False, 0.0)
    answered(flow, clock, 40, 0.01)
    assert flow.ahead_s == pytest.approx(0.01)
    clock.now += 3600  # nobody asks; that is no time that requests take
    answered(flow, clock, 40, 0.01)
    assert flow.ahead_s == pytest.approx(0.01)
    answered(flow, clock, 200, 0.02)
    assert flow.ahead_s == pytest.approx(0.02, rel=0.01)
    # Ten that are answered at once count as ten.
    flow = Flow(1.0, clock)
    for _ in range(20):
        for _ in range(10):
            flow.enter()
        clock.now += 0.05
        for _ in range(10):
            flow.leave()
    assert flow.ahead_s == pytest.approx(0.005, rel=0.2)


def test_the_first_answer_of_a_batch_has_not_taken_the_time_of_all():
    clock = Clock()
    flow = Flow(1.0, clock)
    for _ in range(20):
        for _ in range(8):
            flow.enter()
        clock.now += 0.2
        for _ in range(8):
            flow.leave()
            clock.now += 0.0005
    assert flow._each == pytest.approx(0.2 / 8, rel=0.05)
    # The worst moment is just after the first: the rest of the batch is not yet counted.
    for _ in range(8):
        flow.enter()
    clock.now += 0.2
    flow.leave()
    assert flow._each < 0.06


def test_it_is_full_when_what_is_under_way_would_take_most_of_the_deadline():
    clock = Clock()
    flow = Flow(1.0, clock)
    answered(flow, clock, 40, 0.1)
    entered = 0
    while not flow.full:
        flow.enter()
        entered += 1
    # Five under way and one more take 0.6 s; with six it would be 0.7 s.
    assert entered == 6
    flow.leave()
    assert not flow.full


def test_a_time_that_was_measured_too_long_does_not_shut_the_server():
    clock = Clock()
    flow = Flow(1.0, clock)
    answered(flow, clock, 2, 60.0)
    assert not flow.full, "one alone is always let in"
    flow.enter()
    assert flow.full
    clock.now += 0.2
    flow.leave()
    for _ in range(12):
        flow.enter()
        clock.now += 0.2
        flow.leave()
    flow.enter()
    assert not flow.full, "it was corrected"


def fill(flow):
    """As if the server had more to do than it can."""
    flow._each = flow._most_s
    flow.enter()
    assert flow.full


@pytest.fixture
def busy_server(small, tmp_path):
    with serving(tmp_path, {"m": small.folder}) as here:
        yield here


def test_a_full_server_refuses_before_it_reads_and_is_as_before_afterwards(busy_server, small, editor, pictures):
    here = busy_server
    edit = here.edit(pictures[0]).headers["x-unweave-edit"]
    fill(here.server.flow)
    for path in ("/v1/edit", "/v1/swap", "/v1/encode", "/v1/decode"):
        # Not even a wrong key, type or body is looked at.
        refused = here.client.post(path, content=b"nonsense", headers={"authorization": "Bearer no"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert "connection" not in refused.headers, "the client may go on with this connection"
    assert here.metric("unweave_refused_total", why="busy") == 4
    assert here.metric("unweave_requests_total", route="/v1/edit", status="503") == 1
    # What needs no graph goes on.
    assert here.client.get("/healthz").status_code == 200
    assert here.client.get("/v1/factors").status_code == 200
    assert here.client.post("/v1/feedback", json={"edit": edit, "verdict": "kept"}).status_code == 201
    here.server.flow.leave()
    here.server.flow._each = None
    made = here.edit(pictures[1])
    assert made.status_code == 200
    assert np.abs(pixels_of(made.content).astype(int) - editor.edit(small.rows[1], x=0.5)).max() <= 1
    wait_for(lambda: here.server.flow._open == 0)


def test_idle_connections_outlive_those_of_load_balancers(busy_server):
    # Most keep theirs for 60 s; one that is closed while they use it is a request that fails.
    assert http_server(busy_server.server).config.timeout_keep_alive > 60


def test_a_long_body_is_not_waited_for_when_the_server_is_full(busy_server):
    here = busy_server
    fill(here.server.flow)
    sent = [0]

    def endless():
        for _ in range(100_000):
            sent[0] += 1
            yield bytes(1000)

    refused = None
    # The connection may be closed before the answer is read.
    with contextlib.suppress(httpx.NetworkError, httpx.RemoteProtocolError):
        refused = here.client.post("/v1/edit", content=endless(), headers={"content-type": "application/json"})
    assert refused is None or refused.headers["connection"] == "close"
    assert sent[0] < 100_000
    here.server.flow.leave()


@pytest.mark.parametrize("body", [b"nonsense", b""])
def test_what_is_refused_or_breaks_is_no_longer_under_way(busy_server, pictures, body):
    here = busy_server
    assert here.edit(body).status_code == 422
    assert here.edit(pictures[0], [{"factor": "none", "by": 1}]).status_code == 422
    assert here.client.post("/v1/decode", json={"codes": [0.0]}).status_code == 422
    wait_for(lambda: here.server.flow._open == 0)


def test_others_that_came_while_a_body_was_read_count(busy_server, pictures, monkeypatch):
    here = busy_server
    flow = here.server.flow
    states = iter([False, True])
    monkeypatch.setattr(type(flow), "full", property(lambda self: next(states)))
    refused = here.edit(pictures[0])
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
    wait_for(lambda: flow._open == 0)


def test_what_is_given_up_takes_time_and_is_no_sign_that_all_is_well():
    clock = Clock()
    flow = Flow(1.0, clock)
    answered(flow, clock, 40, 0.01)
    assert flow.ahead_s == pytest.approx(0.01)
    for _ in range(40):  # refused at the deadline, one after the other
        flow.enter()
        clock.now += 0.01
        flow.leave(done=False)
    assert flow.ahead_s > 0.04
