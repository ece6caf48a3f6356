"""LPIPS (Zhang et al. 2018), version 0.1 on AlexNet: the published net, from weights that are at hand."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from unweave.core.errors import ConfigError, MissingExtraError, StorageError
from unweave.functional.features import feature_distance
from unweave.nets.frozen import freeze

Images = Float[Tensor, "batch channel height width"]

SMALLEST = 31
"""Pixels a side below which AlexNet's last feature maps are empty."""

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of the three channels, for pixels in [-1, 1]; as the package has them."""

_NAMES = {"0": "slice1.0", "3": "slice2.3", "6": "slice3.6", "8": "slice4.8", "10": "slice5.10"}
"""Number of a convolution in torchvision's `alexnet().features`, and its name in `lpips.LPIPS`."""

_BACKBONE = "alexnet-owt-*.pth"
_MAKE = (
    "Where `lpips` runs, make the file with `torch.save(lpips.LPIPS(net='alex').state_dict(), 'lpips.pth')`, copy it "
    "here and set method.perceptual.weights: lpips.pth"
)


class LPIPS(nn.Module):
    """Weighted squared distances of unit features, averaged over places and summed over the five layers (eq. 1).

    Images are in [0, 1]; one channel is taken for three equal ones.

    Args:
        state: tensors by the names that they have in `lpips.LPIPS(net="alex")`; others are left alone.
        where: names the source of `state` in errors.

    Raises:
        ConfigError: a tensor is absent or has another shape.
    """

    def __init__(self, state: Mapping[str, Tensor], where: str) -> None:
        super().__init__()
        self.layers = _alexnet()
        for key, own in self.layers.state_dict().items():
            index, part = key.split(".")
            own.copy_(_take(state, f"net.{_NAMES[index]}.{part}", own.shape, where))
        self._heads = []
        for number, index in enumerate(_NAMES):
            shape = torch.Size((1, self.layers.get_submodule(index).get_parameter("weight").shape[0], 1, 1))
            self._heads.append(f"head{number}")
            self.register_buffer(f"head{number}", _take(state, f"lin{number}.model.1.weight", shape, where).flatten())
        self.register_buffer("shift", torch.tensor(_SHIFT)[:, None, None])
        self.register_buffer("scale", torch.tensor(_SCALE)[:, None, None])
        freeze(self)

    def forward(self, x: Images, y: Images) -> Float[Tensor, " batch"]:
        """Distance of each image of `x` from its partner in `y`, 0 or more."""
        with torch.no_grad():
            wanted = self.maps(x)
        total = x.new_zeros(len(x))
        for a, b, head in zip(wanted, self.maps(y), self._heads, strict=True):
            total = total + feature_distance(a, b, self.get_buffer(head))
        return total

    def maps(self, x: Images) -> list[Tensor]:
        """The five feature maps, each after its ReLU."""
        x = (2 * x - 1 - self.get_buffer("shift")) / self.get_buffer("scale")  # one channel becomes three here
        maps = []
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                maps.append(x)
        return maps


def weight_files(given: Path | None) -> tuple[Path, ...]:
    """Where the weights are: the file that is given, or the heads of the installed package `lpips` and the AlexNet in
    torch's cache. Nothing is downloaded, and the package is not imported: it would import torchvision.

    Raises:
        MissingExtraError: no file is given, and the package is not installed.
        ConfigError: no file is given, and AlexNet is not in the cache.
    """
    if given is not None:
        return (given,)
    spec = find_spec("lpips")
    if spec is None or spec.origin is None:
        raise MissingExtraError("lpips", "lpips", f"method.perceptual.kind 'lpips' without a file of weights ({_MAKE})")
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    backbone = max(cache.glob(_BACKBONE), default=None)
    if backbone is None:
        raise ConfigError(
            f"method.perceptual: LPIPS needs the weights of AlexNet, and {cache} has no {_BACKBONE}; nothing is "
            f"downloaded. {_MAKE}."
        )
    return Path(spec.origin).parent / "weights" / "v0.1" / "alex.pth", backbone


def load_lpips(files: Sequence[Path]) -> LPIPS:
    """LPIPS with weights from files, `.safetensors` or state dicts of `torch.save`, read without running code.

    Raises:
        StorageError: a file cannot be read.
        ConfigError: a tensor is absent or has another shape.
    """
    state = {_package_name(name): tensor for file in files for name, tensor in _read(file).items()}
    return LPIPS(state, " and ".join(map(str, files)))


def _package_name(name: str) -> str:
    """A convolution's name in `lpips.LPIPS` for its name in torchvision's AlexNet."""
    first, _, rest = name.partition(".")
    index, _, part = rest.partition(".")
    return f"net.{_NAMES[index]}.{part}" if first == "features" and index in _NAMES else name


def _alexnet() -> nn.Sequential:
    """The convolutions of torchvision's AlexNet up to the fifth ReLU, numbered as there."""
    return nn.Sequential(
        nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(64, 192, kernel_size=5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(192, 384, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, kernel_size=3, padding=1),
        nn.ReLU(),
    )


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, ValueError, RuntimeError, EOFError, SafetensorError) as error:
        raise StorageError(f"method.perceptual: the weights {path} cannot be read: {error}. {_MAKE}.") from error
    except pickle.UnpicklingError as error:  # torch's own text advises to run whatever the file holds
        raise StorageError(f"method.perceptual: {path} is damaged, or holds more than tensors. {_MAKE}.") from error
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise StorageError(f"method.perceptual: {path} is no state dict: expected names and tensors. {_MAKE}.")
    return state


def _take(state: Mapping[str, Tensor], name: str, shape: torch.Size, where: str) -> Tensor:
    found = state.get(name)
    if found is None or found.shape != shape:
        got = "nothing" if found is None else f"shape {tuple(found.shape)}"
        raise ConfigError(f"method.perceptual: {where}: expected {name} of shape {tuple(shape)}, got {got}. {_MAKE}.")
    return found.float()
