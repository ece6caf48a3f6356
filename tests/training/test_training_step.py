"""One step: each player on its own loss, all from the same weights; devices by name."""

import pytest
import torch

from small_training import TwoPlayers
from unweave.objectives.method import Batch
from unweave.training import step
from unweave.training.step import make_fabric, train_step


def stepped(clip=None, times=1):
    """Numbers and gradients of both players after steps of plain gradient descent at rate 0.1."""
    method = TwoPlayers()
    optimizers = {name: torch.optim.SGD(p.parameters(), lr=0.1) for name, p in method.players.items()}
    for _ in range(times):
        train_step(method, optimizers, Batch(torch.ones(4, 1), 0, 4), make_fabric("cpu"), clip=clip)
    return [(net.weight.item(), net.weight.grad.item()) for net in method.players.values()]


def test_each_player_follows_its_own_loss_from_the_same_weights():
    # d(ab)/da = b = 3; d(10ab)/db = 10a = 20, with a of before the step.
    assert stepped() == [pytest.approx((2 - 0.3, 3)), pytest.approx((3 - 2, 20))]


def test_gradients_do_not_add_up_over_steps():
    assert stepped(times=2) == [pytest.approx((1.7 - 0.1, 1)), pytest.approx((1 - 1.7, 17))]


def test_each_player_is_clipped_by_itself():
    assert stepped(clip=2.0) == [pytest.approx((2 - 0.2, 2)), pytest.approx((3 - 0.2, 2))]


@pytest.mark.parametrize(
    ("device", "accelerator", "devices"), [("auto", "auto", 2), ("cpu", "cpu", 2), ("cuda:3", "cuda", [3])]
)
def test_device_names(monkeypatch, device, accelerator, devices):
    asked = {}
    monkeypatch.setattr(step, "Fabric", lambda **options: asked.update(options))
    make_fabric(device, devices=2, precision="bf16-mixed")
    assert asked == {"accelerator": accelerator, "devices": devices, "precision": "bf16-mixed", "strategy": "ddp"}
