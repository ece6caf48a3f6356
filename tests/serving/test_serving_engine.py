"""Micro-batches: who computes with whom, what one request's failure does to others, and what is refused when."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import unweave.serving.work.engine as engine_module
from serving_here import contrary, wait_for
from unweave.core.errors import DataError
from unweave.core.observations import as_decoded, at_rest
from unweave.serving.images.pictures import check_image
from unweave.serving.metrics import Metrics
from unweave.serving.refusals import Refused
from unweave.serving.settings import Limits
from unweave.serving.work.channel import Line, packed
from unweave.serving.work.compute import compute
from unweave.serving.work.engine import Engine
from unweave.serving.work.jobs import EditOptions, File, Job, Source
from unweave.serving.work.loaded import load_model
from unweave.serving.work.process import Worker
from unweave.signatures.apply import edit_codes
from unweave.signatures.bundled import load_editor
from unweave.signatures.edit import Edit, Move
from unweave.signatures.residual import add_residual


@pytest.fixture(scope="module")
def folders(small, tmp_path_factory):
    return {"a": small.folder, "b": contrary(small.folder, tmp_path_factory.mktemp("other") / "bundle")}


@pytest.fixture(scope="module")
def loaded(small):
    """What the process that computes holds, in this one."""
    return load_model(small.folder)


class Run:
    """An engine with a process that computes, in a loop of its own."""

    def __init__(self, folders, **settings):
        self.metrics = Metrics()
        settings = {"batch": 4, "queue": 100, "deadline_s": 30.0, **settings}
        self.worker = Worker(threads=1, batch=settings["batch"])
        self.digests = {name: self.worker.load(folder) for name, folder in folders.items()}
        self.engine = Engine(self.worker, metrics=self.metrics, **settings)

    def job(self, row, amount=0.5, model="a", **options):
        return Job(self.digests[model], Source(row), edit=Edit({"x": Move(amount)}), options=EditOptions(**options))

    def __call__(self, use):
        """What a coroutine function of this object gives."""

        async def whole():
            try:
                return await use(self)
            finally:
                await self.engine.stop()

        return asyncio.run(whole())

    def together(self, jobs):
        """Results of jobs that all wait when the process is reached."""

        async def use(_):
            asks = [asyncio.ensure_future(self.engine.run(one, time.monotonic())) for one in jobs]
            await asyncio.sleep(0)
            await self.engine.start()
            return await asyncio.gather(*asks, return_exceptions=True)

        return self(use)

    def pause(self):
        """Stop the process that computes, as if it were busy."""
        os.kill(self.worker.pid, signal.SIGSTOP)
        wait_for(lambda: Path(f"/proc/{self.worker.pid}/stat").read_text().split()[2] == "T")

    def metric(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels)

    def rows_at_once(self):
        """How many batches there were of each size up to 1, 2, 4 and 8 rows."""
        below = [self.metric("unweave_batch_rows_bucket", le=f"{size}.0") for size in (1, 2, 4, 8)]
        return [int(b - a) for a, b in zip([0, *below], below, strict=False)]


def test_what_waits_is_computed_together_and_in_order_by_model(small, folders, editor):
    run = Run(folders)
    models = ["a", "b", "a", "a", "b", "a", "a"]
    results = run.together([run.job(small.rows[k], model=model) for k, model in enumerate(models)])
    # a a a a | b b | a: five of the first model do not fit into one batch, and the second model does not wait for it.
    assert run.rows_at_once() == [1, 1, 1, 0]
    editors = {name: load_editor(folder) for name, folder in folders.items()}
    for k, (model, result) in enumerate(zip(models, results, strict=True)):
        alone = editors[model].edit(small.rows[k], x=0.5)
        assert np.abs(result.pixels.astype(int) - alone).max() <= 1, k
    assert np.abs(results[1].pixels.astype(int) - editor.edit(small.rows[1], x=0.5)).max() > 1


def test_who_came_first_is_computed_first(small, folders):
    run, order = Run(folders, batch=2), []
    models = ["a", "b", "b", "b", "b", "a"]

    async def use(_):
        async def ask(k):
            await run.engine.run(run.job(small.rows[k], model=models[k]), time.monotonic())
            order.append(k)

        asks = [asyncio.ensure_future(ask(k)) for k in range(len(models))]
        await asyncio.sleep(0)
        await run.engine.start()
        await asyncio.gather(*asks)

    run(use)
    assert order == [0, 5, 1, 2, 3, 4]  # the last goes with the first, of the same model; the others stay in line


def test_the_process_that_computes_leaves_signals_to_the_server(small, folders):
    run = Run(folders)

    async def use(_):
        await run.engine.start()
        for number in (signal.SIGINT, signal.SIGTERM):  # a terminal sends Ctrl-C to both processes
            os.kill(run.worker.pid, number)
        return await run.engine.run(run.job(small.rows[0]), time.monotonic())

    assert run(use).pixels is not None
    assert run.metric("unweave_worker_restarts_total") == 0


def test_a_request_that_comes_alone_is_not_kept_waiting(small, folders):
    run = Run(folders, batch=64)

    async def one_by_one(_):
        await run.engine.start()
        for k in range(5):
            await asyncio.wait_for(run.engine.run(run.job(small.rows[k]), time.monotonic()), 10)

    run(one_by_one)
    assert run.rows_at_once() == [5, 0, 0, 0]


def test_while_one_is_computed_the_others_collect(small, folders, editor):
    run = Run(folders, batch=8)

    async def burst(_):
        await run.engine.start()
        run.pause()
        asks = []
        for k in range(24):
            asks.append(asyncio.ensure_future(run.engine.run(run.job(small.rows[k % 8], 0.01 * k), time.monotonic())))
            await asyncio.sleep(0)
        assert run.engine.waiting == 8  # two batches went to it, a request each, and the third waits for room
        os.kill(run.worker.pid, signal.SIGCONT)
        return await asyncio.gather(*asks)

    results = run(burst)
    assert run.rows_at_once() == [0, 0, 0, 3]
    for k, result in enumerate(results):
        assert np.abs(result.pixels.astype(int) - editor.edit(small.rows[k % 8], x=0.01 * k)).max() <= 1, k


def test_what_comes_while_one_is_computed_is_of_one_model_and_no_larger_than_a_batch(small, folders):
    run, models = Run(folders, batch=4), "aabbbbba"

    async def burst(_):
        await run.engine.start()
        run.pause()
        asks = []
        for k, model in enumerate(models):
            job = run.job(small.rows[k % 8], model=model)
            asks.append(asyncio.ensure_future(run.engine.run(job, time.monotonic())))
            await asyncio.sleep(0)
        os.kill(run.worker.pid, signal.SIGCONT)
        return await asyncio.gather(*asks)

    results = run(burst)
    assert run.rows_at_once() == [2, 1, 1, 0]  # aa, bbbb, b, a
    editors = {name: load_editor(folder) for name, folder in folders.items()}
    for k, (model, result) in enumerate(zip(models, results, strict=True)):
        assert np.abs(result.pixels.astype(int) - editors[model].edit(small.rows[k % 8], x=0.5)).max() <= 1, k


def test_a_message_is_taken_up_when_it_is_whole():
    ours, theirs = socket.socketpair()
    line, sent = Line(theirs), packed({"a": b"x" * 100_000}) + packed("b")
    try:
        assert line.at_hand() is None
        ours.sendall(sent[:50_000])
        assert line.at_hand() is None
        ours.sendall(sent[50_000:-1])
        assert line.receive() == {"a": b"x" * 100_000}
        assert line.at_hand() is None
        ours.sendall(sent[-1:])
        assert (line.at_hand(), line.at_hand()) == ("b", None)
        ours.close()
        for take in (line.at_hand, line.receive):
            with pytest.raises(EOFError):
                take()
    finally:
        line.close()


def test_what_one_asks_wrongly_is_no_other_ones_failure(small, folders, editor):
    run = Run(folders)
    jobs = [
        run.job(small.rows[0]),
        run.job(small.rows[1], 50.0, beyond="refuse"),
        run.job(small.rows[2]),
        run.job(small.rows[3], budget=0.1),
    ]
    results = run.together(jobs)
    for k in (1, 3):  # beyond the safe range; leakage was not measured
        assert (results[k].status, results[k].code, results[k].where) == (422, "cannot_be_done", "edits")
    for k in (0, 2):
        assert np.abs(results[k].pixels.astype(int) - editor.edit(small.rows[k], x=0.5)).max() <= 1
        assert results[k].notes == editor.apply(small.rows[k], Edit({"x": Move(0.5)})).notes


def test_what_breaks_a_batch_breaks_its_own_request_alone(small, folders):
    run = Run(folders)
    wrong = Job(run.digests["a"], Source(np.zeros((5, 5, 1), np.uint8)), edit=Edit({"x": Move(0.5)}))
    results = run.together([run.job(small.rows[0]), wrong, run.job(small.rows[1])])
    assert isinstance(results[1], RuntimeError)
    assert "ShapeError" in str(results[1])
    assert [results[k].pixels.shape for k in (0, 2)] == [(32, 32, 1)] * 2


def test_a_full_queue_refuses_at_once(small, folders):
    run = Run(folders, queue=3)
    results = run.together([run.job(small.rows[0])] * 8)
    refused = [one for one in results if isinstance(one, Refused)]
    assert (len(refused), {one.status for one in refused}) == (5, {503})
    assert all(one.retry_s is not None for one in refused)
    assert run.metric("unweave_refused_total", why="queue") == 5


def test_a_job_whose_deadline_passed_in_the_queue_is_not_computed(small, folders):
    run = Run(folders, deadline_s=0.5)

    async def late(_):
        asked = asyncio.ensure_future(run.engine.run(run.job(small.rows[0]), time.monotonic()))
        await asyncio.sleep(0.6)
        await run.engine.start()
        with pytest.raises(Refused, match="deadline"):
            await asked

    run(late)
    assert run.metric("unweave_batch_rows_count") == 0


def test_stopping_finishes_what_waits_and_ends_the_process(small, folders):
    run = Run(folders)

    async def stop_early(_):
        await run.engine.start()
        asks = [asyncio.ensure_future(run.engine.run(run.job(small.rows[k]), time.monotonic())) for k in range(6)]
        await asyncio.sleep(0)
        await run.engine.stop()
        results = await asyncio.gather(*asks)
        with pytest.raises(Refused):
            await run.engine.run(run.job(small.rows[0]), time.monotonic())
        return results

    assert all(result.pixels is not None for result in run(stop_early))
    with pytest.raises(ProcessLookupError):
        os.kill(run.worker.pid, 0)


def test_a_process_that_dies_costs_what_it_had_and_is_started_again_with_its_models(small, folders, editor):
    run = Run(folders)

    async def die(_):
        await run.engine.start()
        run.pause()
        asks = [asyncio.ensure_future(run.engine.run(run.job(small.rows[k]), time.monotonic())) for k in range(9)]
        await asyncio.sleep(0.05)
        os.kill(run.worker.pid, signal.SIGKILL)
        lost = await asyncio.gather(*asks, return_exceptions=True)
        assert {one.status for one in lost} == {503}
        assert not run.engine.ready
        with pytest.raises(Refused):
            await run.engine.run(run.job(small.rows[0]), time.monotonic())
        while not run.engine.ready:
            await asyncio.sleep(0.01)
        return [await run.engine.run(run.job(small.rows[0], model=name), time.monotonic()) for name in folders]

    results = run(die)
    assert np.abs(results[0].pixels.astype(int) - editor.edit(small.rows[0], x=0.5)).max() <= 1
    assert np.abs(results[1].pixels.astype(int) - results[0].pixels).max() > 1
    assert run.metric("unweave_worker_restarts_total") == 1


def test_a_process_that_hangs_is_ended_and_nobody_waits_beyond_the_deadline(small, folders, monkeypatch):
    monkeypatch.setattr(engine_module, "_HUNG_S", 0.3)
    run = Run(folders, deadline_s=0.3)

    async def hang(_):
        await run.engine.start()
        run.pause()
        began = time.monotonic()
        with pytest.raises(Refused, match="deadline"):
            await run.engine.run(run.job(small.rows[0]), began)
        assert time.monotonic() - began < 5
        while run.metric("unweave_worker_restarts_total") == 0 or not run.engine.ready:
            await asyncio.sleep(0.01)
        return await run.engine.run(run.job(small.rows[0]), time.monotonic() + 20)

    assert run(hang).pixels is not None
    assert run.metric("unweave_refused_total", why="deadline") == 1, "it was counted once"


def test_the_process_ends_when_the_server_is_gone(small, folders, tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from unweave.serving.work.process import Worker;"
        "worker = Worker(threads=1, batch=8); worker.load(Path(sys.argv[1])); print(worker.pid, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, small.folder], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])


def test_models_that_are_let_go_are_refused_and_others_stay(small, folders):
    run = Run(folders)
    run.worker.keep([run.digests["b"]])
    results = run.together([run.job(small.rows[0], model=name) for name in folders])
    assert isinstance(results[0], Refused)
    assert (results[0].status, results[1].pixels.shape) == (503, (32, 32, 1))


def test_a_model_that_was_let_go_is_not_missed_when_the_process_starts_again(small, folders, tmp_path):
    gone = shutil.copytree(small.folder, tmp_path / "gone")
    run = Run({"gone": gone, "b": folders["b"]})
    run.worker.keep([run.digests["b"]])
    shutil.rmtree(gone)
    run.worker.restart()
    assert run.together([run.job(small.rows[0], model="b")])[0].pixels is not None


def test_a_code_that_the_decoder_makes_nothing_of_is_refused_alone(small, loaded):
    code, digest = loaded.model.encode(small.rows[0][None]).mean[0], loaded.model.digest
    lost, drawn = compute(loaded, [Job(digest, codes=np.full_like(code, np.nan)), Job(digest, codes=code)])
    assert (lost.status, lost.code) == (422, "cannot_be_done")
    assert "NaN or infinity" in str(lost)
    assert np.abs(drawn.pixels - 255 * loaded.model.decode(code[None])[0]).max() <= 1


def test_what_cannot_be_loaded_says_why_and_changes_nothing(small, folders, tmp_path):
    run = Run(folders)
    with pytest.raises(DataError, match="is no bundle"):
        run.worker.load(tmp_path)
    assert run.together([run.job(small.rows[0])])[0].pixels is not None


def test_known_codes_files_and_new_images_of_one_batch_do_not_get_mixed_up(small, loaded, pictures):
    editor, digest = loaded.editor, loaded.model.digest
    codes = [loaded.model.encode(small.rows[k][None]) for k in range(4)]
    edit = Edit({"x": Move(0.5)})

    def file(content):
        return File(content, check_image(content, Limits(), "image"), "image")

    jobs = [
        Job(digest, Source(None, codes[0]), edit=edit),
        Job(digest, Source(small.rows[1]), edit=edit),
        Job(digest, Source(small.rows[2], codes[2]), edit=edit, options=EditOptions(residual=True)),
        Job(digest, codes=codes[3].mean[0]),
        Job(digest, Source(small.rows[3])),
        Job(digest, Source(file(pictures[4])), edit=edit),
        Job(digest, Source(replace(file(pictures[5]), content=pictures[5][:-30])), edit=edit),
        Job(digest, Source(file(pictures[6]), codes[1]), edit=edit, options=EditOptions(residual=True)),
    ]
    results = compute(loaded, jobs)
    for k, options in ((0, {}), (1, {}), (2, {"residual": True}), (5, {})):
        alone = editor.edit(small.rows[k if k < 5 else 4], x=0.5, **options)
        assert np.abs(results[k].pixels.astype(int) - alone).max() <= 1, k
    assert np.abs(results[3].pixels - 255 * loaded.model.decode(codes[3].mean)[0]).max() <= 1
    assert results[4].pixels is None
    assert np.allclose(results[4].codes.mean, codes[3].mean, atol=1e-5)
    assert (results[6].status, results[6].code, results[6].where) == (422, "not_an_image", "image")
    # The known code is believed, and the pixels under the change are the file's own.
    moved = edit_codes(editor.signatures, codes[1].mean, edit).codes
    before, after = loaded.model.decode(codes[1].mean), loaded.model.decode(moved)
    expected = at_rest(add_residual(as_decoded(small.rows[6][None]), before, after))[0]
    assert np.abs(results[7].pixels.astype(int) - expected).max() <= 1
