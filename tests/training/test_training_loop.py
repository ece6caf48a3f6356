"""The loop: resume, roll-back, refusals, schedules, what sinks and watchers are told."""

import itertools
import json
import math
import resource
import signal
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from small_training import Silent, StopAt, TwoPlayers, Watching, make_trainer, run, weights
from unweave.core.errors import StorageError
from unweave.methods.autoencoder import SingleLossVAE
from unweave.objectives.method import Batch
from unweave.training import loop
from unweave.training.checkpoint import Progress, latest_checkpoint, load_checkpoint, save_checkpoint
from unweave.training.sinks import History
from unweave.training.step import make_fabric, train_step
from unweave.training.stopping import Stopper

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("stop", [1, 9, 10, 17, 29])
def test_stopped_anywhere_it_continues_bit_for_bit(tmp_path, device, stop, fast):
    whole = run(tmp_path / "whole", device=device, fast=fast)[1]
    outcome = run(tmp_path / "parts", StopAt(stop), device=device, fast=fast)[0]
    assert (outcome.status, outcome.progress.step) == ("interrupted", stop)
    outcome, parts, _ = run(tmp_path / "parts", device=device, fast=fast)
    assert (outcome.status, outcome.progress.step) == ("complete", 30)
    assert torch.equal(weights(whole.method), weights(parts.method))


def test_fast_settings_give_the_same_result_to_within_rounding(tmp_path, device):
    fast, plain = (run(tmp_path / str(f), device=device, fast=f)[1] for f in (True, False))
    before = make_trainer(tmp_path / "new", device=device)[1]
    moved = (weights(plain.method) - weights(before.method)).abs().max()
    apart = (weights(fast.method) - weights(plain.method)).abs().max()
    # Adam turns rounding of tiny gradients into steps of the size of the rate, so single weights may differ by a few
    # per cent of what they moved; anything systematic would be as large as the movement itself.
    assert apart < 0.05 * moved


def test_a_finished_training_does_nothing_more(tmp_path):
    first = run(tmp_path)[1]
    outcome, again, _ = run(tmp_path)
    assert outcome.status == "complete"
    assert torch.equal(weights(first.method), weights(again.method))


def test_seeds_differ(tmp_path):
    a, b = (run(tmp_path / str(seed), seed=seed)[1] for seed in (0, 1))
    assert not torch.equal(weights(a.method), weights(b.method))


def test_time_limit_ends_with_a_checkpoint(tmp_path):
    outcome = run(tmp_path, Stopper(max_seconds=0.0))[0]
    assert (outcome.status, outcome.progress.step) == ("out of time", 1)
    assert latest_checkpoint(tmp_path).name == "step-000000001.safetensors"


def test_two_checkpoints_stay(tmp_path):
    run(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000020.safetensors", "step-000000030.safetensors"]


def test_watcher_looks_at_its_steps_and_at_the_end(tmp_path):
    watching = Watching()
    run(tmp_path, watcher=watching, steps=25)
    assert watching.looks == [(10, False), (20, False), (25, True)]


def test_cosine_schedule_follows_its_formula(tmp_path):
    trainer, _ = make_trainer(tmp_path, schedule="cosine", learning_rate=0.01, steps=30)
    rates = []
    original = trainer._keep
    trainer._keep = lambda losses: (rates.append(trainer._raw["vae"].param_groups[0]["lr"]), original(losses))
    trainer.run(Stopper())
    assert rates == pytest.approx([0.01 * 0.5 * (1 + math.cos(math.pi * s / 30)) for s in range(30)])


def test_a_full_disk_is_an_error_and_the_last_checkpoint_stays(tmp_path):
    run(tmp_path, StopAt(10))
    good = latest_checkpoint(tmp_path).read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(good) // 2, before[1]))
    try:
        with pytest.raises(StorageError, match=r"cannot write .*step-000000020.*free space"):
            run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [p.name for p in tmp_path.iterdir() if p.read_bytes() == good] == ["step-000000010.safetensors"]
    assert len(list(tmp_path.iterdir())) == 2 - (not (tmp_path / "step-000000000.safetensors").exists())


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot write .*writable"):
        run(tmp_path / "file" / "checkpoints")


def test_a_damaged_checkpoint_is_named(tmp_path):
    run(tmp_path, StopAt(5))
    path = latest_checkpoint(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StorageError, match=f"{path.name} cannot be read"):
        run(tmp_path)


def test_history_drops_torn_lines_and_rewinds(tmp_path):
    history = History(tmp_path)
    for step in (10, 20, 30):
        history.values(step, {"a": float(step), "b": math.inf})
    with history.path.open("a") as file:
        file.write('{"step": 40, "a": 4')
    assert history.series() == {"a": ([10, 20, 30], [10.0, 20.0, 30.0])}
    history.rewind(20)
    assert [json.loads(line)["step"] for line in history.path.read_text().splitlines()] == [10, 20]


def test_history_keeps_the_latest_picture_of_each_name(tmp_path):
    history = History(tmp_path)
    pictures = np.arange(72, dtype=np.uint8).reshape(2, 3, 4, 3)
    for step, picture in enumerate(pictures):
        history.picture(step, "samples", picture)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "pictures" / "samples.png")), pictures[1])


def test_logged_values_are_means_of_the_losses(tmp_path):
    history = History(tmp_path / "run")
    trainer, _ = make_trainer(tmp_path / "c", sinks=[history])
    seen = []
    original = trainer._keep
    trainer._keep = lambda losses: (seen.append(losses["vae"].parts["kl"].item()), original(losses))
    trainer.run(Stopper())
    steps, values = history.series()["train.kl"]
    assert steps == [10, 20, 30]
    assert values == pytest.approx([np.mean(seen[i : i + 10]) for i in (0, 10, 20)], rel=1e-5)


def test_progress_survives_a_checkpoint(tmp_path):
    trainer, _ = make_trainer(tmp_path)
    trainer.progress = Progress(step=4, rate=0.3, seconds=2.5, monitor_seconds=0.5)
    trainer._save()
    other, _ = make_trainer(tmp_path)
    other._resume()
    assert other.progress == trainer.progress


def recorded_batches(monkeypatch):
    """What each call of `losses` is given: iteration, seed of the noise, rows of the set, whether the net trains."""
    original, seen = SingleLossVAE.losses, []

    def losses(self, batch):
        seen.append((batch.iteration, batch.generator.initial_seed(), batch.dataset_size, self.training))
        return original(self, batch)

    monkeypatch.setattr(SingleLossVAE, "losses", losses)
    return seen


def test_each_step_has_its_iteration_and_noise_of_its_own(tmp_path, monkeypatch):
    seen = recorded_batches(monkeypatch)
    for seed in (0, 1):
        trainer, model = make_trainer(tmp_path / str(seed), seed=seed)
        model.method.eval()  # the loop itself must switch to training
        trainer.run(Stopper())
    assert [s[0] for s in seen] == [*range(30), *range(30)]
    assert len({s[1] for s in seen}) == 60
    assert {s[2:] for s in seen} == {(200, True)}


def test_the_seed_decides_the_batches(tmp_path):
    first, same, other = (make_trainer(tmp_path, seed=seed)[0].source for seed in (0, 0, 1))
    assert torch.equal(first.batch(3).x, same.batch(3).x)
    assert not torch.equal(first.batch(3).x, other.batch(3).x)


def test_the_watcher_sees_a_net_that_does_not_train_and_training_goes_on(tmp_path, monkeypatch):
    seen = recorded_batches(monkeypatch)
    trainer, model = make_trainer(tmp_path)
    trainer.watcher = Watching(model.method)
    trainer.run(Stopper())
    assert trainer.watcher.training == [False] * 3
    assert all(training for *_, training in seen)
    assert model.method.training


def test_time_is_counted_and_what_the_watcher_takes_is_part_of_it(tmp_path, monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    history = History(tmp_path / "run")
    # The clock is read when training begins, goes on after a look or a checkpoint, and at every flush: one second each.
    first = run(tmp_path / "c", StopAt(20), sinks=[history], watcher=Watching(spends=100.0))[0].progress
    assert (first.seconds, first.monitor_seconds) == (202.0, 200.0)
    last = run(tmp_path / "c", sinks=[history], watcher=Watching(spends=100.0))[0].progress
    assert (last.seconds, last.monitor_seconds) == (303.0, 300.0)
    assert history.series()["train.images_per_second"] == ([10, 20, 30], [160.0] * 3)  # 10 batches of 16 in a second


def test_values_leave_the_device_every_fifty_steps_at_the_latest(tmp_path):
    history = History(tmp_path / "run")
    run(tmp_path / "c", sinks=[history], steps=120, monitor_every=1000, checkpoint_every=1000, kind="mlp")
    assert history.series()["train.total" if "train.total" in history.series() else "train.vae.total"][0] == [
        50,
        100,
        120,
    ]


def test_sinks_keep_what_was_said_before_a_checkpoint_is_written(tmp_path):
    class Sink(Silent):
        def flush(self):
            found.append(latest_checkpoint(tmp_path).name)

    found = []
    run(tmp_path, sinks=[Sink()])
    assert found == [f"step-0000000{step}.safetensors" for step in ("00", "10", "20")]


def test_sinks_forget_what_a_killed_process_said_after_its_last_checkpoint(tmp_path):
    history = History(tmp_path / "run")
    run(tmp_path / "c", StopAt(20), sinks=[history])
    history.values(25, {"train.kl": 1.0})
    run(tmp_path / "c", sinks=[history])
    assert history.series()["train.kl"][0] == [10, 20, 30]


def test_half_written_checkpoints_are_swept(tmp_path):
    run(tmp_path, StopAt(5))
    (tmp_path / ".step-000000007.safetensors.abc.part").write_bytes(b"half")
    run(tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_gradients_are_clipped_where_asked(tmp_path):
    begin = weights(make_trainer(tmp_path / "new")[1].method)
    # Adam moves a weight by about rate x gradient / (gradient + 1e-8): gradients under 1e-12 move nothing.
    free, clipped = (
        (weights(run(tmp_path / str(clip), gradient_norm=clip)[1].method) - begin).abs().max() for clip in (1.0, 1e-12)
    )
    assert clipped < 1e-3 * free


def test_the_optimiser_state_of_every_player_is_kept(tmp_path):
    made = TwoPlayers(), TwoPlayers()
    optimizers = [{name: torch.optim.Adam(p.parameters(), lr=0.1) for name, p in m.players.items()} for m in made]
    train_step(made[0], optimizers[0], Batch(torch.ones(4, 1), 0, 4), make_fabric("cpu"))
    path = save_checkpoint(tmp_path, made[0], optimizers[0], Progress(step=1))
    load_checkpoint(path, made[1], optimizers[1])
    for name in ("first", "second"):
        (before,), (after,) = (o[name].state.values() for o in optimizers)
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)
