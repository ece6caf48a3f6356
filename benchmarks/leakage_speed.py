"""Processor time of a leakage matrix: 10 signatures, 500 rows at 64 pixels, a judge of pixels; its training apart.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/leakage_speed.py [--rows 500] [--size 64]

The model is PCA of builtin:scenes, so that ten factors (the principal components) are redrawn and every signature is
judged without training a model for an hour; each picture also goes through the decoder of the standard net with random
weights, whose time is what a trained model would take, and whose picture is thrown away.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from unweave.core.codes import Codes
from unweave.core.factors import Factor, FactorTable
from unweave.core.model import Observations
from unweave.core.targets import targets_of
from unweave.data.builtin.registry import builtin_set
from unweave.methods.beta_vae import BetaVAEConfig
from unweave.methods.model import TrainedModel, build_model, load_model, save_model
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.signatures.chart import Chart
from unweave.signatures.leakage import measure_leakage, pixel_judge
from unweave.signatures.reader import Reader
from unweave.signatures.signature import Signature

LATENT = 10


class Principal:
    """PCA, at the price of a net."""

    latent = LATENT

    def __init__(self, images: np.ndarray, net: TrainedModel) -> None:
        flat = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
        self.shape, self.net, self.mean = images.shape[1:], net, flat.mean(axis=0)
        _, spread, self.axes = np.linalg.svd(flat - self.mean, full_matrices=False)
        self.axes = (spread[:LATENT, None] / np.sqrt(len(flat)) * self.axes[:LATENT]).astype(np.float32)
        self.inverse = np.linalg.pinv(self.axes)
        self.seconds = 0.0

    def encode(self, observations: Observations) -> Codes:
        flat = observations.reshape(len(observations), -1).astype(np.float32) / np.float32(255)
        return Codes((flat - self.mean) @ self.inverse)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        began = time.process_time()
        self.net.decode(codes)
        self.seconds += time.process_time() - began
        return np.clip(codes @ self.axes + self.mean, 0, 1).reshape(len(codes), *self.shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--size", type=int, default=64)
    asked = parser.parse_args()
    generated, random = builtin_set("scenes", size=asked.size), np.random.default_rng(0)
    index = np.stack([random.integers(0, n, 3000) for n in generated.sizes], axis=1)
    index[:, 3], index[:, 5] = 4, 7  # few maps of light to cast
    images = generated.render(index)
    with TemporaryDirectory() as folder:  # as users get it: from disk
        save_model(
            build_model(BetaVAEConfig(latent=LATENT), NetConfig(), Transform.fit(images[:1]), seed=0),
            Path(folder) / "net",
        )
        net = load_model(Path(folder) / "net")
    model = Principal(images[:1000], net)
    codes = model.encode(images).mean.astype(np.float64)
    factors = tuple(Factor(name=f"axis {k}", kind="continuous") for k in range(LATENT))
    table = FactorTable(factors, codes, np.ones(codes.shape, dtype=np.bool_))
    signatures = [
        Signature(Chart(t), np.eye(LATENT)[k : k + 1] * t.scale, Reader(t, np.eye(LATENT)[:, k : k + 1] / t.scale,
                  np.zeros(1)), "line", "plain", 1.0, (-3, 3), 1000)
        for k, t in enumerate(targets_of(table))
    ]  # fmt: skip
    began = time.process_time()
    judge = pixel_judge(images[1000:2000], table.take(np.arange(1000, 2000)))
    training = time.process_time() - began
    model.seconds, began = 0.0, time.process_time()
    (found,) = measure_leakage(
        model, signatures, images[2000:], table.take(np.arange(2000, 3000)), [judge], rows=asked.rows
    )
    spent = time.process_time() - began
    matrix = found.matrix
    print(f"judge trained in {training:.0f} s; skill {min(s.value or 0 for s in judge.quality.values()):.2f} at least")
    print(f"{len(matrix.rows)} signatures judged, {asked.rows} rows at {asked.size} px: {spent:.1f} s", end="")
    print(f", of which the decoder {model.seconds:.1f} s; mean leakage {matrix.mean}")


if __name__ == "__main__":
    main()
