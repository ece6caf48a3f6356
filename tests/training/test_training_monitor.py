"""The monitor's numbers against their definitions, its budget, and the diagnoses in words."""

import numpy as np
import pytest

from small_training import SHAPE, images
from unweave.core.factors import Factor, FactorTable
from unweave.methods import BetaVAEConfig
from unweave.methods.model import build_model
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.training.checkpoint import Progress
from unweave.training.diagnose import diagnose
from unweave.training.monitor import Look, Monitor, tile
from unweave.training.traversal import by_information, kl_per_dimension, traverse


class Keeping:
    def __init__(self):
        self.named, self.pictures = [], []

    def values(self, step, values):
        self.named.append((step, dict(values)))

    def picture(self, step, name, image):
        self.pictures.append((step, name, image.shape))


@pytest.fixture
def model():
    return build_model(BetaVAEConfig(latent=4), NetConfig(kind="mlp", hidden=(16,)), Transform(SHAPE), seed=0)


@pytest.fixture
def table():
    codes = np.arange(200) % 3
    factor = Factor(name="f", kind="ordinal", values=("a", "b", "c"))
    return FactorTable((factor,), codes[:, None].astype(float), np.ones((200, 1), bool))


def test_numbers_are_what_they_say(model, table):
    monitor = Monitor(model, images(), table, [], seed=0)
    look, codes = monitor.measure()
    mean, logvar = codes.mean.astype(float), codes.logvar.astype(float)
    kl = (0.5 * (mean**2 + np.exp(logvar) - 1 - logvar)).mean(0)
    assert look.kl == pytest.approx(kl)
    assert look.rate == pytest.approx(kl.sum())
    assert look.active == (mean.var(0) > 0.01).sum()
    pixels = images().reshape(200, -1) / 255
    error = model.decode(codes.mean).reshape(200, -1) - pixels
    assert look.explained == pytest.approx(1 - (error**2).sum() / ((pixels - pixels.mean(0)) ** 2).sum(), abs=1e-4)
    # With an untrained decoder every pixel costs about ln 2 nats.
    assert look.distortion == pytest.approx(256 * np.log(2), rel=0.1)
    assert 0 <= look.mig <= 1


def test_looking_changes_nothing(model, table):
    first, second = (Monitor(model, images(), table, [], seed=0).measure()[0] for _ in range(2))
    assert first.values() == second.values()


def test_a_look_that_costs_too_much_is_left_out_but_the_last_is_taken(model, table):
    sink = Keeping()
    monitor = Monitor(model, images(), table, [sink], seed=0)
    assert monitor.look(Progress(step=10, seconds=100.0), final=False) > 0
    assert monitor.look(Progress(step=20, seconds=100.0, monitor_seconds=5.0), final=False) == 0
    assert monitor.look(Progress(step=30, seconds=100.0, monitor_seconds=50.0), final=True) > 0
    assert [step for step, _ in sink.named] == [10, 30]
    assert {name for _, name, _ in sink.pictures} == {"traversals", "samples"}


def test_traversals_move_one_dimension_within_the_data(model):
    codes = model.encode(images())
    order = by_information(codes)
    assert list(order) == list(np.argsort(-kl_per_dimension(codes)))
    moved = traverse(model, codes, dimensions=order[:2], frames=5, start=3)
    assert moved.shape == (2, 5, *SHAPE)
    for row, d in enumerate(order[:2]):
        z = np.tile(codes.mean[3], (5, 1))
        z[:, d] = np.linspace(*np.quantile(codes.mean[:, d], (0.025, 0.975)), 5)
        np.testing.assert_allclose(moved[row], model.decode(z), atol=1e-6)


def test_tiles_stand_where_they_should():
    grid = np.zeros((2, 3, 4, 4, 1), np.float32)
    grid[1, 2] = 1
    picture = tile(grid)
    assert picture.shape == (10, 16, 3)
    assert (picture[6:, 12:] == 255).all()
    assert (picture[:4, :4] == 0).all()
    assert (picture[4:6] == 255).all()


def look(kl=(2.0, 1.5, 0.0), explained=0.9, distortion=50.0):
    return Look(distortion=distortion, rate=sum(kl), kl=np.array(kl), active=2, explained=explained)


@pytest.mark.parametrize(
    ("looks", "options", "kinds"),
    [
        ([(100, look())], {}, ["dead_units"]),
        ([(100, look(kl=(2.0, 1.0, 0.5)))], {}, []),
        ([(100, look(kl=(0.0, 0.001, 0.0), explained=0.02))], {"beta": 4}, ["collapse"]),
        ([(100, look(kl=(0.0, 0.001, 0.0), explained=0.97))], {}, ["ignored_code"]),
        ([(100, look(kl=(1.0, 0.0, 0.0), explained=0.3))], {"beta": 8}, ["beta_too_high", "dead_units"]),
        ([(100, look(explained=0.3))], {"beta": 8, "factors": 5}, ["beta_too_high", "dead_units"]),
        ([(100, look(explained=0.3))], {"beta": 1, "factors": 5}, ["dead_units"]),
        ([(50, look(distortion=80.0)), (100, look())], {}, ["dead_units", "still_improving"]),
        ([(50, look(distortion=50.2)), (100, look())], {}, ["dead_units"]),
        ([(100, look(kl=(2.0, 1.0, 0.5)))], {"rolled_back": True}, ["not_finite"]),
        ([], {}, []),
    ],
)
def test_diagnoses(looks, options, kinds):
    found = diagnose(looks, **options)
    assert [d.kind for d in found] == kinds
    assert all(d.title and d.detail and d.advice for d in found)
    assert all(text.endswith(".") for d in found for text in (d.detail, d.advice))
