"""The loop: resume, roll-back, refusals, schedules, what sinks and watchers are told."""

import json
import math
import resource
import signal

import numpy as np
import pytest
import torch

from small_training import make_trainer, weights
from unweave.core.errors import StorageError, TrainingError
from unweave.methods.autoencoder import SingleLossVAE
from unweave.training.checkpoint import Progress, latest_checkpoint
from unweave.training.sinks import History
from unweave.training.stopping import Stopper

pytestmark = pytest.mark.usefixtures("one_thread")


class StopAt:
    """Says stop after a number of steps."""

    def __init__(self, steps):
        self.left = steps

    def reason(self):
        self.left -= 1
        return "interrupted" if self.left == 0 else None


class Watching:
    def __init__(self):
        self.looks = []

    def look(self, progress, *, final):
        self.looks.append((progress.step, final))
        return 0.0


def run(folder, stopper=None, **options):
    trainer, model = make_trainer(folder, **options)
    return trainer.run(stopper or Stopper()), model, trainer


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


def break_once(monkeypatch, at, times=1):
    """Make the loss NaN at step `at`, the first `times` times that it is reached."""
    original, left = SingleLossVAE.losses, [times]

    def losses(self, batch):
        found = original(self, batch)
        if batch.iteration == at and left[0] > 0:
            left[0] -= 1
            found["vae"].total.data.fill_(math.nan)
            found["vae"].parts["kl"].data.fill_(math.nan)
            for p in self.parameters():
                p.data.mul_(math.nan)
        return found

    monkeypatch.setattr(SingleLossVAE, "losses", losses)


def test_a_loss_that_is_not_finite_goes_back_once_with_a_lower_rate(tmp_path, monkeypatch):
    break_once(monkeypatch, at=15)
    history = History(tmp_path / "run")
    outcome, model, trainer = run(tmp_path / "c", sinks=[history])
    assert (outcome.status, outcome.progress.rate) == ("complete", 0.3)
    assert weights(model.method).isfinite().all()
    ((step, text),) = history.notes()
    assert step == 10
    assert "went back to step 10" in text
    assert trainer._raw["vae"].param_groups[0]["lr"] == pytest.approx(5e-4 * 0.3)


def test_the_second_time_it_is_an_error_and_the_good_checkpoint_stays(tmp_path, monkeypatch):
    break_once(monkeypatch, at=15, times=2)
    with pytest.raises(TrainingError, match=r"near step 20, again.*training\.learning_rate.*gradient_norm"):
        run(tmp_path)
    assert latest_checkpoint(tmp_path).name == "step-000000010.safetensors"


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
