"""A training in two stages: players that rest, names that come and go, resuming at any point of either."""

import pytest
import torch

from small_training import StopAt, make_trainer, run, weights
from unweave.methods import HybridConfig
from unweave.training.sinks import History

pytestmark = pytest.mark.usefixtures("one_thread")

METHOD = HybridConfig(latent=3, categorical={"sizes": (4,)}, fine_tune_after=15, views=None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, one_thread):
    return run(tmp_path_factory.mktemp("whole"), method=METHOD)[1]


@pytest.mark.parametrize("stop", [1, 10, 14, 15, 16, 23])
def test_stopped_in_either_stage_it_continues_bit_for_bit(tmp_path, whole, stop):
    outcome = run(tmp_path, StopAt(stop), method=METHOD)[0]
    assert (outcome.status, outcome.progress.step) == ("interrupted", stop)
    outcome, parts, _ = run(tmp_path, method=METHOD)
    assert outcome.status == "complete"
    assert torch.equal(weights(whole.method), weights(parts.method))


def test_a_player_that_rests_keeps_its_weights(tmp_path):
    before = weights(make_trainer(tmp_path / "new", method=METHOD)[1].method.reader)
    _, model, trainer = run(tmp_path / "half", StopAt(15), method=METHOD)
    assert torch.equal(weights(model.method.reader), before)
    assert not any(trainer._raw["reader"].state.values())
    _, model, _ = run(tmp_path / "half", StopAt(1), method=METHOD)
    assert not torch.equal(weights(model.method.reader), before)


def test_numbers_of_a_stage_that_begins_between_two_transfers_are_means_over_their_own_steps(tmp_path):
    history = History(tmp_path / "run")
    trainer, _ = make_trainer(tmp_path / "c", sinks=[history], method=METHOD)
    seen = {"information": [], "kl": []}
    original = trainer._keep

    def keep(losses):
        for name, values in seen.items():
            if name in losses["vae"].parts:
                values.append(losses["vae"].parts[name].item())
        original(losses)

    trainer._keep = keep
    trainer.run(StopAt(10**9))
    assert (len(seen["information"]), len(seen["kl"])) == (15, 30)
    series = history.series()
    steps, values = series["train.information"]
    assert steps == [20, 30]
    assert values == pytest.approx([sum(seen["information"][a:b]) / (b - a) for a, b in ((0, 5), (5, 15))], rel=1e-5)
    assert series["train.kl"][1] == pytest.approx([sum(seen["kl"][a : a + 10]) / 10 for a in (0, 10, 20)], rel=1e-5)
    assert series["train.reader.total"][0] == [20, 30]
