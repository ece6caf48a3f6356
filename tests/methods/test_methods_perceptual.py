"""Every method takes every perceptual term: it is trained with, it is logged, and no model folder holds it."""

import json
import math
from dataclasses import replace

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from unweave.core.errors import ConfigError
from unweave.functional.ssim import ssim
from unweave.methods import METHODS, BetaVAEConfig
from unweave.methods.model import build_model, load_model, save_model
from unweave.methods.perceptual import FeaturesConfig, LPIPSConfig, MSSSIMConfig, PerceptualField, SSIMConfig
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.objectives.method import Batch
from unweave.objectives.perceptual import Perceptual
from unweave.training.step import make_fabric, train_step

SHAPE = (32, 32, 1)
NET = NetConfig(width=4)
LPIPS_NET = (("slice1.0", 3, 64, 11), ("slice2.3", 64, 192, 5), ("slice3.6", 192, 384, 3), ("slice4.8", 384, 256, 3))
KINDS = (SSIMConfig(), MSSSIMConfig(), LPIPSConfig(weights="lpips.pth"), FeaturesConfig(run="earlier"))
each_kind = pytest.mark.parametrize("section", KINDS, ids=lambda section: section.kind)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with weights of LPIPS (random ones) and an earlier model."""
    folder = tmp_path_factory.mktemp("perceptual")
    generator, state = torch.Generator().manual_seed(0), {}
    for index, (name, inputs, outputs, side) in enumerate((*LPIPS_NET, ("slice5.10", 256, 256, 3))):
        weight = torch.randn(outputs, inputs, side, side, generator=generator) / (inputs * side**2) ** 0.5
        state |= {f"net.{name}.weight": weight, f"net.{name}.bias": torch.zeros(outputs)}
        state[f"lin{index}.model.1.weight"] = torch.rand(1, outputs, 1, 1, generator=generator)
    torch.save(state, folder / "lpips.pth")
    save_model(build_model(BetaVAEConfig(latent=3), NET, Transform(SHAPE), seed=5), folder / "earlier" / "model")
    return folder


def model_of(root, section, *, kind="beta_vae", shape=SHAPE, net=NET, **options):
    config = METHODS[kind](latent=3, perceptual=section)
    return build_model(config, net, Transform(shape), seed=0, root=root, **options)


def batch_of(device="cpu", *, dtype=torch.float32, shape=SHAPE):
    x, partner = torch.rand(2, 4, shape[2], *shape[:2], generator=torch.Generator().manual_seed(1)).to(device, dtype)
    return Batch(x, 0, 100, torch.Generator(device).manual_seed(2), partner=partner)


@each_kind
@pytest.mark.parametrize("kind", METHODS)
def test_every_method_with_every_term(kind, section, root, device, tmp_path):
    model = model_of(root, section, kind=kind)
    plain = model_of(root, None, kind=kind)
    assert model.method.state_dict().keys() == plain.method.state_dict().keys()
    method = model.method.to(device)
    owned = {id(p) for player in method.players.values() for p in player.parameters()}
    assert owned == {id(p) for p in method.parameters()}
    losses = {k: v for loss in method.losses(batch_of(device)).values() for k, v in loss.parts.items()}
    assert losses[section.kind].item() > 0
    optimizers = {name: torch.optim.Adam(player.parameters(), lr=3e-3) for name, player in method.players.items()}
    for _ in range(15):
        found = train_step(method, optimizers, batch_of(device), make_fabric(device))
    after = {k: v for loss in found.values() for k, v in loss.parts.items()}
    assert after[section.kind] < losses[section.kind]
    save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model")  # without the folder of the weights
    assert again.config.perceptual == section
    x = batch_of().x
    # Loaded weights lie in another order, in which convolutions add up otherwise: equal to a rounding.
    torch.testing.assert_close(again.method.encode(x).mean, method.cpu().eval().encode(x).mean)


@each_kind
def test_the_term_is_weighted_in_the_total_and_has_the_distances_scale(section, root):
    model = model_of(root, section.model_copy(update={"weight": 0.25}))
    losses = model.method.losses(batch_of())["vae"]
    rest = model_of(root, None).method.losses(batch_of())["vae"]
    torch.testing.assert_close(losses.total, rest.total + 0.25 * losses.parts[section.kind])
    step = model.method.vae.step(batch_of())
    distance = section.distance((1, 32, 32), root)
    torch.testing.assert_close(losses.parts[section.kind], 32 * 32 * distance(step.x, step.expected()).mean())


def test_ssim_term_by_hand(root):
    model = model_of(root, SSIMConfig())
    step = model.method.vae.step(batch_of())
    want = 1024 * (1 - ssim(step.x, model.method.decode(step.z))).mean()
    torch.testing.assert_close(model.method.losses(batch_of())["vae"].parts["ssim"], want)


@each_kind
def test_double_precision_agrees(section, root):
    found = []
    for dtype in (torch.float32, torch.float64):
        distance = Perceptual(section.distance((1, 32, 32), root))
        x = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(1)).to(dtype)
        step = model_of(root, None).method.to(dtype).vae.step(batch_of(dtype=dtype))
        found.append(distance(replace(step, x=x, expected=lambda x=x: 0.5 * x + 0.2)).item())
    assert found[0] == pytest.approx(found[1], rel=1e-4)  # some thousand roundings


def test_the_term_is_computed_in_full_precision_under_autocast(root):
    model = model_of(root, MSSSIMConfig())
    step = model.method.vae.step(batch_of())
    term = Perceptual(MSSSIMConfig().distance((1, 32, 32), root))
    want = term(step)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(term(step), want)


@each_kind
def test_vectors_and_small_images_are_refused_when_the_method_is_built(section, root):
    with pytest.raises(ConfigError, match=rf"method.perceptual: '{section.kind}' compares images.*vectors of 6"):
        model_of(root, section, shape=(6,), net=NetConfig())
    least = 31 if section.kind == "lpips" else 16
    with pytest.raises(ConfigError, match=rf"at least {least} pixels a side, the images have {least - 1} x 40"):
        model_of(root, section, shape=(least - 1, 40, 1))


@pytest.mark.parametrize("section", [SSIMConfig(), MSSSIMConfig()], ids=lambda section: section.kind)
def test_16_pixels_are_enough(section, root):
    batch = batch_of(shape=(16, 16, 3))
    loss = model_of(root, section, shape=(16, 16, 3)).method.losses(batch)["vae"].parts[section.kind]
    assert 0 < loss < 2 * math.prod(batch.x.shape[1:])


def test_lpips_refuses_two_channels(root):
    with pytest.raises(ConfigError, match="1 or 3 channels, the images have 2"):
        model_of(root, LPIPSConfig(weights="lpips.pth"), shape=(32, 32, 2))


def test_features_need_the_same_images(root):
    for shape in ((64, 64, 1), (32, 32, 3)):
        with pytest.raises(ConfigError, match=r"takes images of shape .*\(1, 32, 32\), these have"):
            model_of(root, FeaturesConfig(run="earlier"), shape=shape)


def test_features_depend_on_the_earlier_run_and_their_fingerprint_on_its_weights(root):
    section = FeaturesConfig(run="earlier").pinned(root)
    save_model(build_model(BetaVAEConfig(latent=3), NET, Transform(SHAPE), seed=6), root / "other")
    other = FeaturesConfig(run="other").pinned(root)  # the folder of a model will do
    assert section.fingerprint != other.fingerprint
    x, y = (torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    a, b = (s.distance((1, 32, 32), root)(x, y) for s in (section, other))
    assert not torch.allclose(a, b)


@pytest.mark.parametrize("section", KINDS[2:], ids=lambda section: section.kind)
def test_other_weights_than_those_of_the_fingerprint_are_refused(section, root):
    pinned = section.pinned(root)
    assert pinned == section.pinned(root)
    model_of(root, pinned)
    with pytest.raises(ConfigError, match="expected weights with the fingerprint 0123456789abcdef, got"):
        model_of(root, pinned.model_copy(update={"fingerprint": "0123456789abcdef"}))


def test_sections_survive_json_and_refuse_what_they_do_not_know():
    adapter = TypeAdapter(PerceptualField)
    for section in KINDS:
        assert adapter.validate_python(json.loads(section.model_dump_json())) == section
        with pytest.raises(ValidationError, match="no_such_key"):
            adapter.validate_python({**section.model_dump(), "no_such_key": 1})
    with pytest.raises(ValidationError, match="greater than 0"):
        adapter.validate_python({"kind": "ssim", "weight": 0})
