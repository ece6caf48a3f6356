"""Trained models as ONNX graphs: what torch gives, whatever the method, the net and the number of rows."""

import numpy as np
import pytest
import torch

from small_bundle import apart
from unweave.bundles.graphs import GraphModel
from unweave.bundles.onnx import OnnxNet
from unweave.bundles.parity import BATCHES, LIMIT, measure_parity, require
from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.methods import METHODS, BetaVAEConfig
from unweave.methods.graphs import write_graphs
from unweave.methods.model import build_model
from unweave.methods.supervision import SupervisionConfig
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.testing.methods import SHAPE, make_batch, make_model
from unweave.training.step import make_fabric, train_step

ROWS = 70


def images(shape=SHAPE, rows=ROWS):
    return (np.random.default_rng(0).random((rows, *shape)) ** 4 * 255).astype(np.uint8)


def learnt(config, steps=20):
    """Some steps from random weights: biases and running numbers are no longer where they began."""
    model = make_model(config)
    fabric = make_fabric("cpu")
    optimizers = {name: torch.optim.Adam(p.parameters(), lr=1e-2) for name, p in model.method.players.items()}
    for step in range(steps):
        train_step(model.method, optimizers, make_batch(iteration=step), fabric)
    model.method.eval()
    return model


def graphs_of(model, folder):
    paths = folder / "e.onnx", folder / "d.onnx"
    write_graphs(model, *paths)
    codes = model.encode(np.zeros((1, *model.shape), np.uint8 if model.transform.images else np.float32))
    halves = [OnnxNet(path, content=path.read_bytes()) for path in paths]
    return GraphModel(*halves, model.shape, model.latent, codes.groups, codes.categorical)


@pytest.mark.parametrize("kind", METHODS)
def test_graphs_give_what_the_method_gives(kind, tmp_path):
    model, rows = learnt(METHODS[kind](latent=3, categorical={"sizes": (3, 2)})), images()
    graphs = graphs_of(model, tmp_path)
    for batch in (1, 3, 64):
        ours, theirs = model.encode(rows[:batch]), graphs.encode(rows[:batch])
        assert apart(ours.mean, theirs.mean) < 1e-4
        assert apart(ours.logvar, theirs.logvar) < 1e-4
        assert (ours.groups, ours.categorical) == (theirs.groups, theirs.categorical)
        assert apart(model.decode(ours.mean), graphs.decode(ours.mean)) < 1e-4
    assert np.ptp(model.encode(rows).mean, axis=0).min() > 0  # codes that differ, so that agreement means something
    parity = measure_parity(model, graphs, rows)
    assert [(p.graph, p.output) for p in parity] == [
        ("encoder", "mean"),
        ("encoder", "logvar"),
        ("decoder", "observations"),
    ]
    assert all(p.passed and (p.limit, p.rows, p.batches) == (1e-4, 64, (1, 3, 64)) for p in parity)
    require(parity)


def test_graphs_see_probabilities_where_the_decoder_does(tmp_path):
    model = learnt(BetaVAEConfig(latent=6, supervision=SupervisionConfig(classes="probabilities")))
    graphs, codes = graphs_of(model, tmp_path), np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
    assert apart(model.decode(codes), graphs.decode(codes)) < 1e-4
    moved = codes + np.float32([1, 1, 1, 0, 0, 0])  # what three classes have in common
    assert apart(graphs.decode(codes), graphs.decode(moved)) < 1e-4
    assert apart(graphs.decode(codes), graphs.decode(-codes)) > 1e-2


def built(net, shape, transform=None, **config):
    model = build_model(BetaVAEConfig(latent=3, **config), net, transform or Transform(shape), seed=0)
    with torch.no_grad():
        for parameter in model.method.parameters():  # away from zeros that hide a part of a net
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    model.method.eval()
    return model


@pytest.mark.parametrize(
    ("kind", "shape", "likelihood"),
    [("conv", (18, 22, 3), "laplace"), ("residual", (18, 18, 1), "bernoulli"), ("conv", (16, 16, 1), "sigma")],
)
def test_nets_of_images_of_any_size(kind, shape, likelihood, tmp_path):
    model, rows = built(NetConfig(kind=kind, width=4), shape, likelihood=likelihood), images(shape)
    graphs = graphs_of(model, tmp_path)
    require(measure_parity(model, graphs, rows))
    made = graphs.decode(10 * np.random.default_rng(0).standard_normal((ROWS, 3)).astype(np.float32))
    assert made.shape == (ROWS, *shape)
    assert made.min() >= 0
    assert made.max() <= 1
    if likelihood == "laplace":
        assert made.min() == 0  # without the clamp inside the graph it would be below


def test_vectors_are_standardised_inside_the_graphs(tmp_path):
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((300, 5)) * [1e-3, 1, 50, 1e4, 0] + [0, 3, -200, 1e6, 7]).astype(np.float32)
    model = built(NetConfig(hidden=(16,)), (5,), Transform.fit(rows))
    graphs = graphs_of(model, tmp_path)
    require(measure_parity(model, graphs, rows))
    assert apart(graphs.encode(rows).mean, model.encode(rows).mean) < 1e-4
    assert np.ptp(model.encode(rows).mean, axis=0).min() > 0.1
    made = graphs.decode(np.zeros((2, 3), np.float32))
    np.testing.assert_allclose(made, model.decode(np.zeros((2, 3), np.float32)), rtol=1e-5)


def test_the_noise_of_a_class_that_is_certain_survives_the_export(tmp_path):
    model, rows = learnt(BetaVAEConfig(latent=2, categorical={"sizes": (3,)})), images()
    last = [m for m in model.method.vae.encoder.modules() if isinstance(m, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.weight[4:] *= 30
        last.bias[4:] = torch.tensor([30.0, 0.0, -20.0])
    ours, theirs = model.encode(rows), graphs_of(model, tmp_path).encode(rows)
    logits = model.method.vae.encoder(model.transform.inside(torch.from_numpy(rows)))[:, 4:].double().detach().numpy()
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    others = p @ (1 - np.eye(3))
    expected = np.log(np.maximum(p * others, np.finfo(np.float32).tiny))
    assert others.min() < 1e-9  # far below what 1 - p knows in float32
    # Logits of up to some hundreds are exact to 1e-5, and so are logarithms of probabilities.
    np.testing.assert_allclose(ours.logvar[:, 2:], expected, atol=2e-4)
    np.testing.assert_allclose(theirs.logvar[:, 2:], expected, atol=2e-4)


def test_equal_models_give_equal_bytes_that_say_nothing_of_this_machine(tmp_path):
    model = built(NetConfig(kind="conv", width=4), (16, 16, 1))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in ("a", "b"):
        graphs_of(model, tmp_path / folder)
    for name in ("e.onnx", "d.onnx"):
        content = (tmp_path / "a" / name).read_bytes()
        assert content == (tmp_path / "b" / name).read_bytes()
        assert b"site-packages" not in content
        assert b"unweave" not in content


def test_a_graph_of_other_weights_is_refused(tmp_path):
    rows = images()
    model, other = (built(NetConfig(kind="mlp", hidden=(8,)), SHAPE) for _ in range(2))
    graphs = graphs_of(model, tmp_path)
    with torch.no_grad():
        list(other.method.vae.decoder.parameters())[-1].add_(2e-3)
    parity = measure_parity(other, graphs, rows)
    assert [p.passed for p in parity] == [True, True, False]
    with pytest.raises(ConfigError, match=r"nothing is exported.*decoder, observations: 0\.000\d+ \(at most 0\.0001\)"):
        require(parity)
    assert (LIMIT, BATCHES) == (1e-4, (1, 3, 64))


def test_a_graph_that_fails_at_one_row_alone_is_found(tmp_path):
    """Parity looks at every number of rows that it names."""
    model, rows = built(NetConfig(kind="mlp", hidden=(8,)), SHAPE), images()

    class OddAtOne:
        latent = 3

        def encode(self, x):
            codes = model.encode(x)
            if len(x) == 1:
                codes.mean[:] += 1
            return codes

        decode = staticmethod(model.decode)

    assert [p.passed for p in measure_parity(model, OddAtOne(), rows)] == [False, True, True]


def test_wrong_shapes_and_types_are_explained(tmp_path):
    graphs = graphs_of(built(NetConfig(kind="mlp", hidden=(8,)), SHAPE), tmp_path)
    with pytest.raises(ShapeError, match="Add a row axis"):
        graphs.encode(images()[0])
    with pytest.raises(DataError, match="uint8"):
        graphs.encode(images() / 255)
    with pytest.raises(ShapeError, match=r"codes: expected shape \(rows, 3\)"):
        graphs.decode(np.zeros((2, 4), np.float32))
    empty = graphs.encode(images()[:0])
    assert (empty.mean.shape, graphs.decode(empty.mean).shape) == ((0, 3), (0, *SHAPE))
