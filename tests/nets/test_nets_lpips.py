"""LPIPS against the equations of its paper written out with torch's functions; weights are random, the net is real."""

import sys
import types

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as f

from unweave.core.errors import ConfigError, MissingExtraError, StorageError
from unweave.nets.lpips import SMALLEST, load_lpips, weight_files

# (name in lpips.LPIPS, number in torchvision's AlexNet, channels in, channels out, kernel)
CONVS = (
    ("slice1.0", 0, 3, 64, 11),
    ("slice2.3", 3, 64, 192, 5),
    ("slice3.6", 6, 192, 384, 3),
    ("slice4.8", 8, 384, 256, 3),
    ("slice5.10", 10, 256, 256, 3),
)


@pytest.fixture(scope="module")
def state():
    generator = torch.Generator().manual_seed(0)
    tensors = {"scaling_layer.shift": torch.zeros(1, 3, 1, 1)}  # the package's file holds it too
    for index, (name, _, inputs, outputs, kernel) in enumerate(CONVS):
        weight = torch.randn(outputs, inputs, kernel, kernel, generator=generator) / (inputs * kernel**2) ** 0.5
        tensors[f"net.{name}.weight"] = weight
        tensors[f"net.{name}.bias"] = 0.1 * torch.randn(outputs, generator=generator)
        tensors[f"lin{index}.model.1.weight"] = torch.rand(1, outputs, 1, 1, generator=generator)
    return tensors


@pytest.fixture(scope="module")
def file(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("lpips") / "lpips.pth"
    torch.save(state, path)
    return path


def by_hand(state, x, y):
    """Zhang et al. 2018, eq. 1, and the published AlexNet."""

    def maps(image):
        h = (2 * image - 1 - torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)) / torch.tensor(
            [0.458, 0.448, 0.450]
        ).view(1, 3, 1, 1)
        found = []
        for name, number, _, _, kernel in CONVS:
            if number in (3, 6):
                h = f.max_pool2d(h, 3, 2)
            stride, padding = (4, 2) if number == 0 else (1, kernel // 2)
            h = f.relu(f.conv2d(h, state[f"net.{name}.weight"], state[f"net.{name}.bias"], stride, padding))
            found.append(h)
        return found

    total = torch.zeros(len(x))
    for index, (a, b) in enumerate(zip(maps(x), maps(y), strict=True)):
        a, b = (m / (m.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) for m in (a, b))
        total += f.conv2d((a - b) ** 2, state[f"lin{index}.model.1.weight"]).mean((1, 2, 3))
    return total


def images(channels=3, side=64, seed=1):
    return torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("side", [SMALLEST, 64])
def test_it_is_the_published_distance(state, file, side):
    x, y = images(side=side), images(side=side, seed=2)
    found = load_lpips([file])(x, y)
    assert found.min() > 0.1
    torch.testing.assert_close(found, by_hand(state, x, y), rtol=1e-5, atol=1e-6)


def test_grey_images_count_as_three_equal_channels(state, file):
    x, y = images(1), images(1, seed=2)
    torch.testing.assert_close(
        load_lpips([file])(x, y), by_hand(state, x.expand(-1, 3, -1, -1), y.expand(-1, 3, -1, -1))
    )


def test_equal_images_have_distance_0_and_gradients_reach_the_second(file):
    x, y = images(), images(seed=2).requires_grad_()
    net = load_lpips([file])
    assert net(x, x).abs().max() == 0
    net(x, y).sum().backward()
    assert y.grad.isfinite().all()
    assert y.grad.abs().sum() > 0


def test_it_has_no_parameters_and_nothing_to_store(file):
    net = load_lpips([file])
    assert not list(net.parameters())
    assert not net.state_dict()
    net.double()
    assert net(images().double(), images(seed=2).double()).dtype == torch.float64


def test_heads_and_backbone_may_come_from_two_files_as_the_packages_store_them(state, file, tmp_path, monkeypatch):
    package, cache = tmp_path / "lpips", tmp_path / "hub"
    (package / "weights" / "v0.1").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('nothing here may be imported')")
    torch.save({k: v for k, v in state.items() if k.startswith("lin")}, package / "weights" / "v0.1" / "alex.pth")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(cache))
    with pytest.raises(ConfigError, match=r"AlexNet.*nothing is downloaded.*method.perceptual.weights"):
        weight_files(None)
    (cache / "checkpoints").mkdir(parents=True)
    convolutions = {
        f"features.{number}.{part}": state[f"net.{name}.{part}"]
        for name, number, *_ in CONVS
        for part in ("weight", "bias")
    }
    torch.save(
        {**convolutions, "classifier.1.weight": torch.zeros(1)}, cache / "checkpoints" / "alexnet-owt-0123abcd.pth"
    )
    x, y = images(), images(seed=2)
    torch.testing.assert_close(load_lpips(weight_files(None))(x, y), load_lpips([file])(x, y))


def test_without_the_package_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(MissingExtraError, match=r"unweave\[lpips\]"):
        weight_files(None)


def test_safetensors_are_read_too(state, file, tmp_path):
    save_file(state, tmp_path / "lpips.safetensors")
    x, y = images(), images(seed=2)
    assert torch.equal(load_lpips([tmp_path / "lpips.safetensors"])(x, y), load_lpips([file])(x, y))


def test_a_file_that_lacks_a_tensor_or_has_another_net_is_explained(state, tmp_path):
    path = tmp_path / "other.pth"
    torch.save({k: v for k, v in state.items() if k != "lin3.model.1.weight"}, path)
    with pytest.raises(
        ConfigError, match=r"other.pth: expected lin3.model.1.weight of shape \(1, 256, 1, 1\), got nothing"
    ):
        load_lpips([path])
    torch.save({**state, "net.slice1.0.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(ConfigError, match=r"expected net.slice1.0.weight .* got shape \(64, 3, 3, 3\)"):
        load_lpips([path])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"no weights", "is damaged, or holds more than tensors"),
        ({"x": types.SimpleNamespace()}, "is damaged, or holds more than tensors"),  # whose code must not run
        (torch.zeros(3), "is no state dict"),
        ({"x": [1, 2]}, "is no state dict"),
    ],
)
def test_a_file_that_is_no_state_dict_is_explained(content, message, tmp_path):
    path = tmp_path / "lpips.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(StorageError, match=rf"lpips.pth {message}.*torch.save"):
        load_lpips([path])


def test_an_absent_file_is_explained(tmp_path):
    with pytest.raises(StorageError, match=r"none.pth cannot be read: .*No such file"):
        load_lpips([tmp_path / "none.pth"])
