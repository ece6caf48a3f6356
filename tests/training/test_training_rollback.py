"""A loss or weights that are not finite: back to the last good checkpoint once, with a lower rate."""

import math

import pytest
import torch

from small_training import Watching, make_trainer, run, weights
from unweave.core.errors import TrainingError
from unweave.methods.autoencoder import SingleLossVAE
from unweave.training.checkpoint import latest_checkpoint, load_checkpoint
from unweave.training.sinks import History
from unweave.training.stopping import Stopper

pytestmark = pytest.mark.usefixtures("one_thread")


def break_once(monkeypatch, at, times=1, loss=True, nets=True):
    """Make the loss and the weights after it NaN at step `at`, the first `times` times that it is reached."""
    original, left = SingleLossVAE.losses, [times]

    def losses(self, batch):
        found = original(self, batch)
        if batch.iteration == at and left[0] > 0:
            left[0] -= 1
            if loss:
                found["vae"].total.data.fill_(math.nan)
                found["vae"].parts["kl"].data.fill_(math.nan)
            if nets:
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


def test_one_loss_in_the_middle_is_enough(tmp_path, monkeypatch):
    break_once(monkeypatch, at=15, nets=False)
    assert run(tmp_path)[0].progress.rate == 0.3


@pytest.mark.parametrize("at", [9, 19, 29])
def test_weights_that_overflow_under_a_finite_loss_are_never_kept(tmp_path, monkeypatch, at):
    break_once(monkeypatch, at=at, loss=False)  # the step before a checkpoint
    outcome, model, _ = run(tmp_path, monitor_every=1000)
    assert (outcome.status, outcome.progress.rate) == ("complete", 0.3)
    assert weights(model.method).isfinite().all()
    for path in tmp_path.iterdir():
        kept, other = make_trainer(tmp_path / "other")
        load_checkpoint(path, other.method, kept._raw)
        assert weights(other.method).isfinite().all()


def test_the_watcher_never_sees_weights_that_are_not_finite(tmp_path, monkeypatch):
    class Looking(Watching):
        def look(self, progress, *, final):
            assert weights(self.method).isfinite().all()
            return super().look(progress, final=final)

    break_once(monkeypatch, at=4, loss=False)
    trainer, model = make_trainer(tmp_path, monitor_every=5)
    trainer.watcher = Looking(model.method)
    assert trainer.run(Stopper()).progress.rate == 0.3
    assert [step for step, _ in trainer.watcher.looks] == [5, 10, 15, 20, 25, 30]


def test_going_back_forgets_what_was_said_and_remembers_the_time(tmp_path, monkeypatch):
    break_once(monkeypatch, at=25)
    history = History(tmp_path / "run")
    options = {"sinks": [history], "watcher": Watching(spends=100.0), "checkpoint_every": 30}
    outcome = run(tmp_path / "c", **options)[0]
    assert history.series()["train.kl"][0] == [10, 20, 30]
    # Looks at 10 and 20, and again at 10, 20 and 30.
    assert outcome.progress.monitor_seconds == 500.0
    assert outcome.progress.seconds >= 500.0


def test_a_kill_after_going_back_does_not_forget_the_lower_rate(tmp_path):
    trainer, model = make_trainer(tmp_path)
    trainer._resume()
    trainer._step()
    good = make_trainer(tmp_path / "same")[1].method
    trainer._roll_back()
    assert load_checkpoint(latest_checkpoint(tmp_path), model.method, trainer._raw).rate == 0.3
    assert torch.equal(weights(model.method), weights(good))
