"""A trained method as a `LatentModel`: NumPy in, NumPy out, one folder on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.core.codes import Codes
from unweave.core.errors import ShapeError, StorageError
from unweave.core.files import atomic_folder
from unweave.core.model import Capability, Observations
from unweave.core.seeds import derive
from unweave.methods import AnyMethod, MethodField
from unweave.nets.build import build_nets
from unweave.nets.config import NetConfig
from unweave.nets.probabilities import Probabilities
from unweave.nets.transform import Transform
from unweave.objectives.method import Method

_BATCH = 128
_FORMAT = 1


@dataclass(frozen=True)
class TrainedModel:
    """A method with its weights; implements `LatentModel`.

    Attributes:
        method: nets and losses.
        config, net: what the method was built from.
        transform: between observations at rest and the nets.
        binding: labelled factors and their columns; empty where no labels took part.
    """

    method: Method
    config: AnyMethod
    net: NetConfig
    transform: Transform
    binding: Binding = NOTHING_BOUND

    capabilities: ClassVar[frozenset[Capability]] = frozenset({"encode", "decode"})

    @property
    def latent(self) -> int:
        """Number of latent dimensions D."""
        return self.method.latent

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one observation: (H, W, C) for images, (F,) for vectors."""
        return self.transform.shape

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.method.parameters()).device

    def encode(self, observations: Observations) -> Codes:
        """Codes of images uint8 (N, H, W, C) or vectors float32 (N, F): Gaussian columns, then those of classes."""
        found = [self.method.encode(x) for x in self._batches(observations)]
        mean, logvar = (torch.cat([getattr(q, name) for q in found]).cpu().numpy() for name in ("code", "code_logvar"))
        blocks = self.config.categorical.columns(self.config.latent) if self.config.categorical else ()
        named = self.binding.groups or self.config.groups or ()
        return Codes(mean, logvar, (*named, *blocks), blocks)

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """E[x|z]: images float32 (N, H, W, C) in [0, 1], or vectors float32 (N, F), for codes (N, D)."""
        if codes.ndim != 2 or codes.shape[1] != self.latent:
            raise ShapeError("codes", want=f"(rows, {self.latent})", got=codes.shape)
        with torch.inference_mode():
            z = torch.as_tensor(np.asarray(codes, dtype=np.float32), device=self.device)
            return np.concatenate([self.transform.outside(self.method.decode(part)) for part in torch.split(z, _BATCH)])

    def distortion(self, observations: Observations, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """-log p(x|z) of each row, in nats."""
        z = torch.split(torch.as_tensor(codes, device=self.device), _BATCH)
        found = [self.method.distortion(x, part) for x, part in zip(self._batches(observations), z, strict=True)]
        return torch.cat(found).cpu().numpy()

    def _batches(self, observations: Observations) -> Iterator[Tensor]:
        if observations.ndim != len(self.transform.shape) + 1 or observations.shape[1:] != self.transform.shape:
            want = f"(rows, {', '.join(map(str, self.transform.shape))})"
            hint = "Add a row axis with x[None]." if observations.shape == self.transform.shape else ""
            raise ShapeError("observations", want=want, got=observations.shape, hint=hint)
        self.method.eval()
        with torch.inference_mode():
            for start in range(0, len(observations), _BATCH):
                rows = np.ascontiguousarray(observations[start : start + _BATCH])
                yield self.transform.inside(torch.from_numpy(rows).to(self.device))


def build_model(
    config: AnyMethod,
    net: NetConfig,
    transform: Transform,
    *,
    seed: int,
    binding: Binding = NOTHING_BOUND,
    root: Path = Path(),
    to_train: bool = True,
) -> TrainedModel:
    """An untrained model.

    Args:
        config, net: sections of the project file.
        transform: between observations at rest and the nets.
        seed: all weights are drawn from it alone.
        binding: labelled factors and their columns.
        root: folder from which paths in `config` count.
        to_train: False leaves out what only training needs, such as the net behind `perceptual`.

    Raises:
        ConfigError: settings do not fit the observations or each other.
    """
    nets = build_nets(
        net,
        shape=transform.shape,
        latent=config.latent,
        likelihood=config.likelihood,
        seed=seed,
        categorical=config.categorical,
    )
    as_probabilities = config.wants_labels.probabilities(binding) if config.wants_labels else ()
    if as_probabilities:
        nets = replace(nets, decoder=torch.nn.Sequential(Probabilities(as_probabilities), nets.decoder))
    if to_train and config.perceptual is not None:
        nets = replace(nets, distance=config.perceptual.distance(nets.inside, root))
    with torch.random.fork_rng(devices=[]):  # for what a method adds to the nets, such as a critic
        torch.manual_seed(derive(seed, "method"))
        method = config.build(nets, binding)
    return TrainedModel(method, config, net, transform, binding)


def save_model(model: TrainedModel, folder: Path) -> None:
    """Write the folder `model.json` + `weights.safetensors` whole, or not at all."""
    transform = model.transform
    arrays = {f"weights.{k}": v.detach().cpu().contiguous() for k, v in model.method.state_dict().items()}
    if transform.mean is not None and transform.scale is not None:
        arrays["transform.mean"] = torch.from_numpy(transform.mean)
        arrays["transform.scale"] = torch.from_numpy(transform.scale)
    card: dict[str, Any] = {
        "format": _FORMAT,
        "method": model.config.model_dump(mode="json"),
        "net": model.net.model_dump(mode="json"),
        "shape": list(transform.shape),
        "binding": model.binding.to_json(),
    }
    with atomic_folder(folder) as part:
        (part / "weights.safetensors").write_bytes(save(arrays))
        (part / "model.json").write_text(json.dumps(card, indent=2))


def load_model(folder: Path, *, device: str = "cpu") -> TrainedModel:
    """The inverse of `save_model`.

    Raises:
        StorageError: the folder is absent, of another format, or damaged, or its nets are no longer built so.
    """
    try:
        card = json.loads((folder / "model.json").read_text())
        arrays = load_file(folder / "weights.safetensors", device=device)
    except (OSError, ValueError, SafetensorError) as error:
        raise StorageError(f"no model can be read from {folder}: {error}. Train one with `unweave train`.") from error
    if card.get("format") != _FORMAT:
        raise StorageError(f"{folder}: expected model format {_FORMAT}, got {card.get('format')}.")
    config: AnyMethod = TypeAdapter(MethodField).validate_python(card["method"])
    mean, scale = (arrays.get(f"transform.{name}") for name in ("mean", "scale"))
    transform = Transform(
        tuple(card["shape"]),
        None if mean is None else mean.cpu().numpy(),
        None if scale is None else scale.cpu().numpy(),
    )
    binding = Binding.from_json(card["binding"]) if "binding" in card else NOTHING_BOUND
    model = build_model(config, NetConfig(**card["net"]), transform, seed=0, binding=binding, to_train=False)
    weights = {k.removeprefix("weights."): v for k, v in arrays.items() if k.startswith("weights.")}
    try:
        model.method.load_state_dict(weights)
    except RuntimeError as error:
        said = next((line.strip() for line in str(error).splitlines()[1:]), str(error))
        raise StorageError(
            f"{folder}: its weights do not fit the nets of this version: {said} Train it again, or use the version "
            "that it was trained with."
        ) from error
    # As in training: convolutions on a CPU take half to two thirds of the time in this order of the pixels.
    model.method.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]  # the stub lacks it
    return model
