"""Which encoder serves best as the feature loss of `sharpness.py`? Measured on the people kept for choosing.

    python benchmarks/sharpness_encoders.py FACES.npz --seconds 30

Every encoder is the same net, trained for two thirds of a row's CPU time on the training people: not at all, as that of
a VAE with two values of beta, to tell by which quarter turn an image was rotated (Gidaris et al. 2018), and to undo
noise. Then each is the `features` term of the same VAE. Columns as in `sharpness.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sharpness import BASE, arguments_of, faces, prepared, repeat, seen, table, train, untrained
from unweave.core.seeds import derive
from unweave.data.dataset import Dataset
from unweave.methods.autoencoder import SingleLossVAE
from unweave.methods.model import TrainedModel, save_model
from unweave.methods.perceptual import FeaturesConfig

_SHARE, _WEIGHT, _NOISE, _RATE = 2 / 3, 0.3, 0.1, 1e-3


def main() -> None:
    arguments = arguments_of(__doc__).parse_args()
    with prepared() as folder:
        root = Path(folder)
        dataset = faces(arguments.faces, root)
        seconds, seed = _SHARE * arguments.seconds, derive(arguments.seed, "encoder")
        configs = {"no feature loss": BASE}
        for name, make in encoders(dataset, root, seconds=seconds, seed=seed).items():
            save_model(make(), root / name)
            configs[name] = seen(FeaturesConfig(run=name, weight=_WEIGHT))
        table(configs, dataset, root, dataset.splits.valid, seconds=arguments.seconds, seed=arguments.seed)


def encoders(dataset: Dataset, root: Path, *, seconds: float, seed: int) -> Mapping[str, Callable[[], TrainedModel]]:
    """Models of which only the encoder counts."""

    def vae(beta: float) -> TrainedModel:
        return train(BASE.model_copy(update={"beta": beta}), dataset, root, seconds=seconds, seed=seed)[0]

    def taught(task: Callable[[SingleLossVAE, nn.Module, Tensor, torch.Generator], Tensor]) -> TrainedModel:
        model = untrained(BASE, dataset, root, seed=seed)
        method = model.method
        assert isinstance(method, SingleLossVAE)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = nn.Linear(2 * BASE.latent, 4)
        optimizer = torch.optim.Adam([*method.parameters(), *head.parameters()], lr=_RATE)
        random = torch.Generator().manual_seed(seed % 2**32)

        def step(_: int, x: Tensor) -> None:
            optimizer.zero_grad()
            task(method, head, x, random).backward()
            optimizer.step()

        repeat(step, model, dataset, seconds=seconds, seed=seed)
        return model

    return {
        "untrained": lambda: untrained(BASE, dataset, root, seed=seed),
        "VAE, beta 1": lambda: vae(1.0),
        "VAE, beta 0.01": lambda: vae(0.01),
        "rotation": lambda: taught(rotation),
        "denoising": lambda: taught(denoising),
    }


def rotation(method: SingleLossVAE, head: nn.Module, x: Tensor, _: torch.Generator) -> Tensor:
    turned = torch.cat([torch.rot90(x, turns, (2, 3)) for turns in range(4)])
    return cross_entropy(head(method.vae.encoder(turned)), torch.arange(4).repeat_interleave(len(x)))


def denoising(method: SingleLossVAE, _: nn.Module, x: Tensor, random: torch.Generator) -> Tensor:
    noisy = x + _NOISE * torch.randn(x.shape, generator=random)
    return method.distortion(x, method.encode(noisy).mean).mean()


if __name__ == "__main__":
    main()
