"""Micro-batches: who computes with whom, what one request's failure does to others, and what is refused when."""

import asyncio
import time

import numpy as np
import pytest

from serving_here import contrary
from unweave.core.errors import ConfigError
from unweave.serving.compute import compute
from unweave.serving.engine import Engine
from unweave.serving.jobs import EditOptions, Job, Source
from unweave.serving.load import Load
from unweave.serving.metrics import Metrics
from unweave.serving.pulse import Pulse
from unweave.serving.refusals import Refused
from unweave.serving.served import load_served
from unweave.signatures.edit import Edit, Move


@pytest.fixture(scope="module")
def served(small):
    return load_served("a", small.folder, threads=1, share_decoder=False)


@pytest.fixture(scope="module")
def other(small, tmp_path_factory):
    folder = contrary(small.folder, tmp_path_factory.mktemp("other") / "bundle")
    return load_served("b", folder, threads=1, share_decoder=False)


def job(model, row, amount=0.5, **options):
    return Job(model, Source(row), edit=Edit({"x": Move(amount)}), options=EditOptions(**options))


def engine(**settings):
    settings = {"batch": 4, "queue": 100, "deadline_s": 30.0, "metrics": Metrics(), **settings}
    return Engine(**settings), settings["metrics"]


def rows_at_once(metrics):
    """How many batches there were of each size up to 1, 2, 4 and 8 rows."""
    value = metrics.registry.get_sample_value
    below = [value("unweave_batch_rows_bucket", {"le": f"{size}.0"}) for size in (1, 2, 4, 8)]
    return [int(b - a) for a, b in zip([0, *below], below, strict=False)]


def together(running, jobs):
    """Results of jobs that all wait when the thread begins."""

    async def run():
        asks = [asyncio.ensure_future(running.run(one, time.monotonic())) for one in jobs]
        await asyncio.sleep(0)
        running.start()
        return await asyncio.gather(*asks, return_exceptions=True)

    async def prepared():
        running._loop = asyncio.get_running_loop()
        return await run()

    try:
        return asyncio.run(prepared())
    finally:
        running.stop()


def test_what_waits_is_computed_together_and_in_order_by_model(small, served, other, editor):
    running, metrics = engine(batch=4)
    models = [served, other, served, served, other, served, served]
    results = together(running, [job(model, small.rows[k]) for k, model in enumerate(models)])
    # a a a a | b b | a: five of the first model do not fit into one batch, and the second model does not wait for it.
    assert rows_at_once(metrics) == [1, 1, 1, 0]
    for k, (model, result) in enumerate(zip(models, results, strict=True)):
        alone = model.editor.edit(small.rows[k], x=0.5)
        assert np.abs(result.pixels.astype(int) - alone).max() <= 1, k
    assert np.abs(results[1].pixels.astype(int) - editor.edit(small.rows[1], x=0.5)).max() > 1


def test_a_request_that_comes_alone_is_not_kept_waiting(small, served):
    running, metrics = engine(batch=64)

    async def one_by_one():
        running.start()
        for k in range(5):
            await asyncio.wait_for(running.run(job(served, small.rows[k]), time.monotonic()), 10)

    asyncio.run(one_by_one())
    running.stop()
    assert rows_at_once(metrics) == [5, 0, 0, 0]


def test_while_one_is_computed_the_others_collect(small, served):
    running, metrics = engine(batch=8)

    async def burst():
        running.start()
        asks = [running.run(job(served, small.rows[k % 8], 0.01 * k), time.monotonic()) for k in range(24)]
        await asyncio.gather(*asks)

    asyncio.run(burst())
    running.stop()
    assert sum(rows_at_once(metrics)) < 24


def test_what_one_asks_wrongly_is_no_other_ones_failure(small, served):
    running, _ = engine()
    jobs = [
        job(served, small.rows[0]),
        job(served, small.rows[1], 50.0, beyond="refuse"),
        job(served, small.rows[2]),
        job(served, small.rows[3], budget=0.1),
    ]
    results = together(running, jobs)
    assert isinstance(results[1], ConfigError)
    assert isinstance(results[3], ConfigError), "leakage was not measured"
    for k in (0, 2):
        assert np.abs(results[k].pixels.astype(int) - served.editor.edit(small.rows[k], x=0.5)).max() <= 1
        assert results[k].notes == served.editor.apply(small.rows[k], Edit({"x": Move(0.5)})).notes


def test_what_breaks_a_batch_breaks_its_own_request_alone(small, served):
    running, _ = engine()
    wrong = Job(served, Source(np.zeros((5, 5, 1), np.uint8)), edit=Edit({"x": Move(0.5)}))
    results = together(running, [job(served, small.rows[0]), wrong, job(served, small.rows[1])])
    assert isinstance(results[1], Exception)
    assert [results[k].pixels.shape for k in (0, 2)] == [(32, 32, 1)] * 2


def test_a_full_queue_refuses_at_once(small, served):
    running, metrics = engine(queue=3)
    results = together(running, [job(served, small.rows[0])] * 8)
    refused = [one for one in results if isinstance(one, Refused)]
    assert (len(refused), {one.status for one in refused}) == (5, {503})
    assert all(one.retry_s is not None for one in refused)
    assert metrics.registry.get_sample_value("unweave_refused_total", {"why": "queue"}) == 5


def test_work_that_would_end_after_its_deadline_is_refused_before(small, served):
    running, metrics = engine(deadline_s=1.0)
    running._load.ended(served.digest, 1, 0.3)  # a row was measured to take 0.3 s
    results = together(running, [job(served, small.rows[0])] * 8)
    # 0.3 s and 0.6 s are within 0.8 of a second, 0.9 s is not.
    assert sum(isinstance(one, Refused) for one in results) == 6
    assert metrics.registry.get_sample_value("unweave_refused_total", {"why": "deadline"}) == 6


def test_a_job_whose_deadline_passed_in_the_queue_is_not_computed(small, served):
    running, metrics = engine(deadline_s=0.5)

    async def late():
        running._loop = asyncio.get_running_loop()
        asked = asyncio.ensure_future(running.run(job(served, small.rows[0]), time.monotonic()))
        await asyncio.sleep(0.6)
        running.start()
        with pytest.raises(Refused, match="deadline"):
            await asked

    asyncio.run(late())
    running.stop()
    assert metrics.registry.get_sample_value("unweave_batch_rows_count") == 0


def test_stopping_finishes_what_waits(small, served):
    running, _ = engine()

    async def stop_early():
        running.start()
        asks = [asyncio.ensure_future(running.run(job(served, small.rows[k]), time.monotonic())) for k in range(6)]
        await asyncio.sleep(0)
        await asyncio.to_thread(running.stop)
        results = await asyncio.gather(*asks)
        with pytest.raises(Refused):
            await running.run(job(served, small.rows[0]), time.monotonic())
        return results

    assert all(result.pixels is not None for result in asyncio.run(stop_early()))


def test_known_codes_and_new_images_of_one_batch_do_not_get_mixed_up(small, served):
    codes = [served.model.encode(small.rows[k][None]) for k in range(4)]
    jobs = [
        Job(served, Source(None, codes[0]), edit=Edit({"x": Move(0.5)})),
        Job(served, Source(small.rows[1]), edit=Edit({"x": Move(0.5)})),
        Job(served, Source(small.rows[2], codes[2]), edit=Edit({"x": Move(0.5)}), options=EditOptions(residual=True)),
        Job(served, codes=codes[3].mean[0]),
        Job(served, Source(small.rows[3])),
    ]
    results = compute(jobs)
    for k, options in ((0, {}), (1, {}), (2, {"residual": True})):
        alone = served.editor.edit(small.rows[k], x=0.5, **options)
        assert np.abs(results[k].pixels.astype(int) - alone).max() <= 1, k
    assert np.abs(results[3].pixels - 255 * served.model.decode(codes[3].mean)[0]).max() <= 1
    assert results[4].pixels is None
    assert np.allclose(results[4].codes.mean, codes[3].mean, atol=1e-5)


def test_a_loop_that_is_behind_counts_as_waiting(small, served):
    now = [0.0]
    pulse = Pulse(clock=lambda: now[0])
    pulse.beat()
    now[0] = 0.05
    pulse.beat()
    assert pulse.lag_s == pytest.approx(0.0)
    now[0] = 0.4  # due at 0.1
    assert pulse.lag_s == pytest.approx(0.3)
    pulse.beat()
    now[0] = 0.45
    pulse.beat()
    assert pulse.lag_s == pytest.approx(0.15), "one good turn is no proof"
    running, _ = engine(deadline_s=1.0, pulse=pulse)
    running.admit(served, time.monotonic())
    now[0] = 0.8
    with pytest.raises(Refused, match="deadline"):
        running.admit(served, time.monotonic())


def test_the_estimate_counts_what_waits_and_what_is_under_way():
    now = [100.0]
    load = Load(clock=lambda: now[0])
    load.ended("m", 4, 0.4)
    assert load.cost("m") == pytest.approx(0.1)
    for _ in range(3):
        load.queued(load.cost("m"))
    assert load.wait_s() == pytest.approx(0.3)
    load.began(0.2)
    assert load.wait_s() == pytest.approx(0.3)
    now[0] += 0.15
    assert load.wait_s() == pytest.approx(0.15)
    load.ended("m", 2, 0.4)
    assert load.wait_s() == pytest.approx(0.1)
    assert load.cost("m") == pytest.approx(0.11)
