"""The monitor's numbers against their definitions, its budget, and the diagnoses in words."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from small_training import SHAPE, images, make_trainer, run, weights
from unweave.core.codes import Codes
from unweave.core.factors import Factor, FactorTable
from unweave.methods import BetaVAEConfig
from unweave.methods.model import build_model
from unweave.metrics import mig
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.training.checkpoint import Progress
from unweave.training.diagnose import diagnose
from unweave.training.monitor import Look, Monitor, tile
from unweave.training.stopping import Stopper
from unweave.training.traversal import by_information, kl_per_dimension, traverse, typical_row

NO_LABELS = FactorTable((), np.zeros((200, 0)), np.zeros((200, 0), bool))


class Keeping:
    def __init__(self):
        self.named, self.pictures, self.images = [], [], {}

    def values(self, step, values):
        self.named.append((step, dict(values)))

    def picture(self, step, name, image):
        self.pictures.append((step, name, image.shape))
        self.images[name] = image


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


def test_the_distortion_is_that_of_a_sample_of_the_code(model):
    for parameter in model.method.parameters():  # spread the codes and their variances, so that sampling matters
        parameter.data.mul_(3)
    sample = images(2000)
    look, codes = Monitor(model, sample, NO_LABELS, [], seed=0).measure()
    deviation, rng = np.exp(0.5 * codes.logvar), np.random.default_rng(1)
    draws = [
        model.distortion(sample, codes.mean + deviation * rng.standard_normal(codes.mean.shape, np.float32)).mean()
        for _ in range(40)
    ]
    assert abs(look.distortion - np.mean(draws)) < 3 * np.std(draws)
    # Both ways to get it wrong lie outside.
    wrong = codes.mean, codes.mean + deviation**2 * rng.standard_normal(codes.mean.shape, np.float32)
    for z in wrong:
        assert abs(model.distortion(sample, z).mean() - np.mean(draws)) > 5 * np.std(draws)


def test_mig_is_that_of_the_same_codes(model, table):
    look = Monitor(model, images(), table, [], seed=5).measure()[0]
    score = mig(model.encode(images()), table, bootstrap=0, nulls=3, seed=5)
    assert (look.mig, look.mig_null) == (score.value, score.null)
    assert look.values()["valid.mig"] == score.value
    assert sum(look.values()[f"valid.kl.{d}"] for d in range(4)) == pytest.approx(look.values()["valid.kl"])


@pytest.mark.usefixtures("one_thread")
def test_monitoring_never_changes_what_is_trained(tmp_path, table):
    alone = run(tmp_path / "alone")[1]
    trainer, watched = make_trainer(tmp_path / "watched")
    sink = Keeping()
    trainer.watcher = Monitor(watched, images(), table, [sink], seed=0)
    outcome = trainer.run(Stopper())
    assert sink.named[-1][0] == 30
    assert torch.equal(weights(alone.method), weights(watched.method))
    assert 0 < outcome.progress.monitor_seconds < outcome.progress.seconds


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


def test_the_budget_is_a_share_of_the_time_and_remembers_the_longest_look(model, monkeypatch):
    costs, now = iter([4.0, 1.0, 1.0]), [0.0]
    monitor = Monitor(model, images(), NO_LABELS, [], seed=0)
    measure = monitor.measure

    def slow():
        now[0] += next(costs)
        return measure()

    monkeypatch.setattr(monitor, "measure", slow)
    monkeypatch.setattr("unweave.training.monitor.time", SimpleNamespace(perf_counter=lambda: now[0]))
    assert monitor.look(Progress(step=1, seconds=100.0), final=False) == 4
    assert monitor.look(Progress(step=2, seconds=180.0, monitor_seconds=4.0), final=False) == 1  # 4 + 4 of 9
    assert monitor.look(Progress(step=3, seconds=170.0, monitor_seconds=5.0), final=False) == 0  # 5 + 4 of 8.5
    assert monitor.look(Progress(step=4, seconds=180.0, monitor_seconds=5.0), final=False) == 1  # 5 + 4 of 9


def test_pictures_show_the_most_informative_dimensions_first(model):
    sink = Keeping()
    Monitor(model, images(), NO_LABELS, [sink], seed=0).look(Progress(step=1, seconds=100.0), final=True)
    codes = model.encode(images())
    order = by_information(codes)
    assert list(order) != [0, 1, 2, 3]
    assert np.array_equal(sink.images["traversals"], tile(traverse(model, codes, dimensions=order, frames=9)))


def test_a_typical_row_is_near_the_median_in_the_dimensions_in_use():
    first = np.array([9.0, 0.0, 1.0, 2.0, 1.1, 40.0])  # the median is 1.55
    second = np.array([0.0, 0.0, 0.0, 0.0, 5.0, 0.0])
    idle = np.array([0.0, 0.0, 0.0, 0.01, 0.0, 0.0])  # 2.7 deviations away, but of a dimension that says nothing
    mean = np.stack([first, second, idle], 1).astype(np.float32)
    assert typical_row(Codes(mean, np.zeros_like(mean))) == 3


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
