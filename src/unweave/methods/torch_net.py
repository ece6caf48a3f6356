"""Somebody else's torch modules as halves of a foreign pair, found by `module:function`."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unweave.core.errors import ConfigError
from unweave.methods.onnx_export import write_graph


class TorchNet:
    """A torch module in evaluation mode; implements `core.pair.Net`. It takes whatever its `forward` takes."""

    input_shape = None
    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, module: nn.Module, *, device: str = "cpu") -> None:
        try:
            self.module = module.to(device).eval()
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(f"device {device!r} cannot be used: {error} Give cpu, cuda or cuda:1.") from error
        self._device = device

    def __call__(self, x: NDArray[np.float32]) -> Mapping[str, NDArray[Any]]:
        """Its outputs by name: those of a dictionary, a named tuple or a distribution; numbers otherwise.

        Raises:
            ConfigError: the module fails on an array of this shape, or returns something else than tensors.
        """
        try:
            with torch.inference_mode():
                found = self.module(torch.from_numpy(np.array(x)).to(self._device))
        except Exception as error:  # the user's code may raise anything
            first = (str(error).strip().splitlines() or [""])[0]
            raise ConfigError(
                f"{type(self.module).__name__} fails on an array of shape {x.shape}: {type(error).__name__}: {first}"
            ) from error
        return {name: tensor.detach().cpu().numpy() for name, tensor in named_tensors(found, self.module).items()}


def named_tensors(found: Any, module: nn.Module) -> dict[str, Tensor]:  # noqa: ANN401 - the user's code decides
    """What a module returned, by name.

    Raises:
        ConfigError: it is no tensor, tuple, dictionary or distribution.
    """
    if isinstance(found, torch.distributions.Distribution):
        return {"mean": found.mean, "std": found.stddev}
    if isinstance(found, Mapping):
        named = dict(found)
    elif isinstance(found, tuple | list):
        named = dict(zip(getattr(found, "_fields", range(len(found))), found, strict=True))
    else:
        named = {0: found}
    tensors = {name if isinstance(name, str) else f"output_{name}": t for name, t in named.items()}
    if not tensors or not all(isinstance(t, Tensor) for t in tensors.values()):
        kinds = ", ".join(type(t).__name__ for t in tensors.values()) or "nothing"
        raise ConfigError(
            f"{type(module).__name__} returns {kinds}; expected a tensor, several, or a torch distribution."
        )
    return tensors


def torch_nets(path: str, *, folder: Path, device: str = "cpu") -> tuple[TorchNet, TorchNet | None]:
    """The nets that `module:function` returns: an encoder and a decoder, or an encoder and None.

    This runs the user's code. The module is looked for as Python does, and in `folder`.

    Raises:
        ConfigError: the path cannot be imported, or the function returns something else.
    """
    name, _, attribute = path.partition(":")
    if not name or not attribute or not all(part.isidentifier() for part in (*name.split("."), attribute)):
        raise ConfigError(f"--torch {path}: expected module:function, for example my_vae:load.")
    sys.path.insert(0, str(folder.resolve()))
    try:
        made = getattr(importlib.import_module(name), attribute)()
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--torch {path}: Python finds no module {error.name!r}. Install it, or put it into {folder.resolve()}."
        ) from error
    except Exception as error:  # the user's code may raise anything
        raise ConfigError(f"--torch {path}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(folder.resolve()))
    pair = made if isinstance(made, tuple | list) else (made,)
    if len(pair) != 2 or not isinstance(pair[0], nn.Module) or not isinstance(pair[1], nn.Module | None):
        got = f"({', '.join(type(one).__name__ for one in pair)})" if len(pair) > 1 else type(made).__name__
        raise ConfigError(
            f"--torch {path} returned {got}; expected two torch modules, (encoder, decoder), or (encoder, None)."
        )
    encoder, decoder = pair
    return TorchNet(encoder, device=device), None if decoder is None else TorchNet(decoder, device=device)


def weights_hash(*nets: TorchNet | None) -> str:
    """Hash of all weights and buffers, 32 hexadecimal digits."""
    state = hashlib.blake2b(digest_size=16)
    for place, net in enumerate(nets):
        for name, tensor in sorted(net.module.state_dict().items()) if net is not None else ():
            array = np.ascontiguousarray(tensor.detach().cpu().numpy())
            state.update(f"{place} {name} {array.dtype} {array.shape}\n".encode() + array.tobytes())
    return state.hexdigest()


def freeze(net: TorchNet, example: NDArray[np.float32], path: Path) -> None:
    """Write the module as an ONNX graph in one file, for any number of rows.

    Args:
        net: the module.
        example: what it takes, (rows, …), at least two rows.
        path: the file.

    Raises:
        MissingExtraError: the exporter is not installed.
        ConfigError: torch cannot trace the module.
    """
    given = torch.from_numpy(np.array(example))
    try:
        write_graph(_Named(net.module).eval(), given, path, takes="x", gives=list(net(example)))
    except ConfigError as error:
        raise ConfigError(
            f"{type(net.module).__name__} cannot be frozen: {error} Import it without --freeze; it is then needed at "
            "every later call."
        ) from error


class _Named(nn.Module):
    """The module with its outputs as a tuple, whatever it returns them in."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The outputs in their order."""
        return tuple(named_tensors(self.module(x), self.module).values())
