"""The contract of a method: what whoever adds one gets checked without writing a test.

    from unweave.testing.methods import CHECKS, check_method

    check_method(MyMethodConfig())                      # all checks, or
    @pytest.mark.parametrize("check", CHECKS)           # one test each
    def test_contract(check): check(MyMethodConfig())

Each check raises AssertionError with the reason. All take a config and a device, and about a second on a CPU.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.core.errors import ShapeError
from unweave.core.factors import Factor
from unweave.core.seeds import generator
from unweave.core.targets import Target
from unweave.methods import AnyMethod
from unweave.methods.model import TrainedModel, build_model, load_model, save_model
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.objectives.method import Batch, Labelled, Method
from unweave.training.step import make_fabric, train_step

Check = Callable[..., None]

SHAPE = (16, 16, 1)
_ROWS = 16
_TARGETS = (
    Target(Factor(name="colour", kind="categorical", values=("red", "green", "blue"))),
    Target(Factor(name="size", kind="continuous")),
)


def make_model(
    config: AnyMethod, device: str = "cpu", *, seed: int = 0, dtype: torch.dtype = torch.float32
) -> TrainedModel:
    """A small model of the method for images of `SHAPE`, bound to the labels of `make_batch` where it wants labels."""
    net = NetConfig(kind="mlp", hidden=(32,))
    wanted = config.wants_labels
    binding = NOTHING_BOUND if wanted is None else Binding(wanted.bind(_TARGETS, config.latent))
    model = build_model(config, net, Transform(SHAPE), seed=seed, binding=binding)
    model.method.to(device=device, dtype=dtype)
    return model


def make_batch(device: str = "cpu", *, dtype: torch.dtype = torch.float32, iteration: int = 0) -> Batch:
    """A batch of random images, mostly dark so that there is something to learn, with seeded noise.

    It carries labelled rows and partners, half of whose pixels are those of their rows; some labels are missing.
    """
    dark = torch.from_numpy(generator(0, "contract").random((3, _ROWS, SHAPE[2], *SHAPE[:2])) ** 4)
    x, other, labelled = dark.to(device=device, dtype=dtype)
    partner = torch.where(torch.arange(SHAPE[0], device=device)[:, None] < SHAPE[0] // 2, x, other)
    rng = generator(0, "contract labels")
    values = torch.from_numpy(np.stack([rng.integers(0, 3, _ROWS), rng.normal(size=_ROWS)], 1))
    known = torch.from_numpy(rng.random((_ROWS, 2)) < 0.8)
    labels = Labelled(labelled, values.to(labelled), known.to(device), labelled.new_ones(_ROWS))
    noise = torch.Generator(device).manual_seed(1 + iteration)  # fresh at every step, or methods learn it by heart
    return Batch(x, iteration, dataset_size=100, generator=noise, labelled=labels, partner=partner)


def check_losses_are_finite_scalars(config: AnyMethod, device: str = "cpu") -> None:
    """In every stage a loss per player that plays, each total and part a finite scalar; every player plays once."""
    method = make_model(config, device).method
    assert method.stages[0] == 0, "training begins with the step 0"
    played = set()
    for stage in method.stages:
        losses = method.losses(make_batch(device, iteration=stage))
        played |= set(losses)
        for name, loss in losses.items():
            for part, value in {"total": loss.total, **loss.parts}.items():
                assert value.shape == (), f"{name}.{part}: expected a scalar, got shape {tuple(value.shape)}"
                assert value.isfinite(), f"{name}.{part} is not finite"
    assert played == set(method.players), "losses and players must have the same names"


def check_players_partition_parameters(config: AnyMethod, device: str = "cpu") -> None:
    """Every parameter belongs to exactly one player."""
    method = make_model(config, device).method
    owned = [id(p) for player in method.players.values() for p in player.parameters()]
    assert len(owned) == len(set(owned)), "a parameter belongs to two players"
    assert set(owned) == {id(p) for p in method.parameters()}, "a parameter belongs to no player"


def check_every_parameter_learns(config: AnyMethod, device: str = "cpu") -> None:
    """Every parameter gets a gradient from its own player's loss, in one of the stages at least."""
    method = make_model(config, device).method
    silent = {f"{name}.{key}" for name, player in method.players.items() for key, _ in player.named_parameters()}
    for stage in method.stages:
        for name, loss in method.losses(make_batch(device, iteration=stage)).items():
            parameters = dict(method.players[name].named_parameters())
            gradients = torch.autograd.grad(loss.total, list(parameters.values()), retain_graph=True, allow_unused=True)
            silent -= {
                f"{name}.{key}"
                for key, g in zip(parameters, gradients, strict=True)
                if g is not None and g.abs().sum() > 0
            }
    assert not silent, f"no gradient reaches {', '.join(sorted(silent))}"


def check_no_gradient_leaks(config: AnyMethod, device: str = "cpu") -> None:
    """A training step gives each player the gradient of its own loss, and nothing of another's."""
    method = make_model(config, device).method
    still = {name: torch.optim.SGD(player.parameters(), lr=0.0) for name, player in method.players.items()}
    for stage in method.stages:
        losses = method.losses(make_batch(device, iteration=stage))
        want = {
            name: torch.autograd.grad(loss.total, list(method.players[name].parameters()), retain_graph=True)
            for name, loss in losses.items()
        }
        train_step(method, still, make_batch(device, iteration=stage), make_fabric(device))
        for name, player in method.players.items():
            for index, parameter in enumerate(player.parameters()):
                if name not in want:
                    assert parameter.grad is None, f"{name} rests, and yet it got a gradient"
                    continue
                assert parameter.grad is not None
                torch.testing.assert_close(parameter.grad, want[name][index])


def check_encode_is_deterministic(config: AnyMethod, device: str = "cpu") -> None:
    """The same images give the same codes, bit for bit, and rows do not influence each other."""
    model, images = make_model(config, device), _images()
    first, second = model.encode(images), model.encode(images)
    assert np.array_equal(first.mean, second.mean), "two calls of encode differ"
    alone = model.encode(images[:1]).mean
    np.testing.assert_allclose(alone, first.mean[:1], rtol=1e-4, atol=1e-5, err_msg="a row depends on its batch")


def check_same_generator_same_loss(config: AnyMethod, device: str = "cpu") -> None:
    """The batch's generator is the only source of randomness."""
    method = make_model(config, device).method
    for stage in method.stages:
        first, second = (method.losses(make_batch(device, iteration=stage)) for _ in range(2))
        for name in first:
            assert torch.equal(first[name].total, second[name].total), f"{name}: randomness beside the generator"


def check_weights_come_from_the_seed(config: AnyMethod, device: str = "cpu") -> None:
    """The seed alone decides the initial weights, and building a model leaves the global generator as it was."""
    before = torch.get_rng_state()
    first = make_model(config, device, seed=5).method.state_dict()
    assert torch.equal(before, torch.get_rng_state()), "building a model moves the global generator"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        second = make_model(config, device, seed=5).method.state_dict()
    other = make_model(config, device, seed=6).method.state_dict()
    moved = [name for name in first if not torch.equal(first[name], second[name])]
    assert not moved, f"not from the seed: {', '.join(moved)}"
    # Those of a normalisation begin as ones, and nothing is drawn for them.
    weights = [name for name in first if name.endswith("weight") and not (first[name] == 1).all()]
    assert not any(torch.equal(first[name], other[name]) for name in weights), "two seeds give the same weights"


def check_loss_falls(config: AnyMethod, device: str = "cpu") -> None:
    """Sixty steps on sixteen images lower the distortion."""
    method = make_model(config, device).method
    fabric = make_fabric(device)
    optimizers = {name: torch.optim.Adam(p.parameters(), lr=1e-2) for name, p in method.players.items()}
    batch = make_batch(device)
    before = _distortion(method, batch)
    for step in range(60):
        train_step(method, optimizers, make_batch(device, iteration=step), fabric)
    assert _distortion(method, batch) < before, "sixty steps did not lower the distortion"


def check_save_and_load(config: AnyMethod, device: str = "cpu") -> None:
    """A model that was written and read gives the same codes and images, bit for bit."""
    model, images = make_model(config, device, seed=3), _images()
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, Path(folder) / "model")
        again = load_model(Path(folder) / "model", device=device)
    codes = model.encode(images).mean
    assert np.array_equal(codes, again.encode(images).mean)
    assert np.array_equal(model.decode(codes), again.decode(codes))


def check_double_precision_agrees(config: AnyMethod, device: str = "cpu") -> None:
    """float32 and float64 give the same losses: relative difference below 1e-4, some thousand float32 roundings."""
    methods = [make_model(config, device, dtype=dtype).method for dtype in (torch.float32, torch.float64)]
    for stage in methods[0].stages:
        totals = []
        for method, dtype in zip(methods, (torch.float32, torch.float64), strict=True):
            batch = make_batch(device, dtype=dtype, iteration=stage)
            with _SameNoise():
                totals.append({name: loss.total.item() for name, loss in method.losses(batch).items()})
        for name in totals[0]:
            assert totals[0][name] == pytest.approx(totals[1][name], rel=1e-4), f"{name} depends on the precision"


def check_config_round_trips(config: AnyMethod, device: str = "cpu") -> None:
    """The config survives JSON, is frozen, and refuses unknown keys."""
    assert type(config).model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError):
        config.latent = 3  # type: ignore[misc]
    with pytest.raises(ValidationError, match="no_such_key"):
        type(config).model_validate({**config.model_dump(), "no_such_key": 1})


def check_wrong_shape_is_explained(config: AnyMethod, device: str = "cpu") -> None:
    """A missing batch axis gets the message that says how to add it."""
    method = make_model(config, device).method
    with pytest.raises(ShapeError, match=r"expected shape \(batch, 1, 16, 16\).*Add a batch axis"):
        method.encode(torch.rand(1, 16, 16, device=device))


CHECKS: tuple[Check, ...] = (
    check_losses_are_finite_scalars,
    check_players_partition_parameters,
    check_every_parameter_learns,
    check_no_gradient_leaks,
    check_encode_is_deterministic,
    check_same_generator_same_loss,
    check_weights_come_from_the_seed,
    check_loss_falls,
    check_save_and_load,
    check_double_precision_agrees,
    check_config_round_trips,
    check_wrong_shape_is_explained,
)
"""All checks of the contract."""


def check_method(config: AnyMethod, device: str = "cpu") -> Mapping[str, str]:
    """Run all checks; returns the summary line of each that passed, raises AssertionError at the first that fails."""
    passed = {}
    for check in CHECKS:
        check(copy.deepcopy(config), device)
        passed[check.__name__] = (check.__doc__ or "").splitlines()[0]
    return passed


def _images() -> np.ndarray:
    return generator(0, "contract images").integers(0, 256, (_ROWS, *SHAPE), dtype=np.uint8)


def _distortion(method: Method, batch: Batch) -> float:
    with torch.no_grad():
        return float(method.distortion(batch.x, method.encode(batch.x).code).mean())


class _SameNoise:
    """Make `torch.randn` round the same numbers to whatever precision is asked for."""

    def __enter__(self) -> None:
        exact, source = torch.randn, torch.Generator().manual_seed(2)

        def rounded(
            *shape: torch.Size, dtype: torch.dtype, device: torch.device | str = "cpu", generator: object = None
        ) -> torch.Tensor:
            return exact(*shape, generator=source, dtype=torch.float64).to(device=device, dtype=dtype)

        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(torch, "randn", rounded)

    def __exit__(self, *error: object) -> None:
        self._patch.undo()
