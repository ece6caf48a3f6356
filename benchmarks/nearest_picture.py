"""The search for the nearest picture of a built-in set against brute force over all of its pictures.

    .venv/bin/python benchmarks/nearest_picture.py --set sprites --size 32 [--run runs/NAME] [--pictures 100]

Pictures are drawn by the set and blurred, and, with the folder of a trained run, decoded from its codes as they are
and with one code moved by two standard deviations. Says how often the search finds a picture as near as the nearest,
how far its factors are from those of the nearest in units of two random rows, and the processor time per picture.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import FactorTable
from unweave.data.builtin.registry import builtin_set
from unweave.signatures.leakage.exact_judge import ExactJudge
from unweave.signatures.leakage.nearest_cell import NearestCell
from unweave.signatures.leakage.skill import units

CHUNK = 20_000


def pictures(name: str, size: int, run: Path | None, count: int) -> dict[str, NDArray[np.float32]]:
    from scipy.ndimage import gaussian_filter

    generated, random = builtin_set(name, size=size), np.random.default_rng(0)
    cells = np.stack([random.integers(0, n, count) for n in generated.sizes], axis=1)
    drawn = generated.render(cells)
    clean = drawn.astype(np.float32) / np.float32(255)
    found = {"drawn": clean}
    for strength in (1 / 32, 1 / 16):
        found[f"blurred by {strength * size:g} px"] = np.stack(
            [gaussian_filter(one, (strength * size, strength * size, 0)) for one in clean]
        )
    if run is not None:
        from unweave.projects.models import trained_model
        from unweave.projects.runs import Run

        model = trained_model(Run(run))
        codes = model.encode(drawn).mean
        moved = codes.copy()
        where = random.integers(codes.shape[1], size=count)
        moved[np.arange(count), where] += 2 * codes.std(axis=0)[where] * random.choice([-1, 1], count)
        found |= {"decoded": model.decode(codes), "edited": model.decode(moved.astype(np.float32))}
    return {key: np.clip(value, 0, 1).astype(np.float32) for key, value in found.items()}


def brute_force(search: NearestCell, asked: NDArray[np.float32]) -> NDArray[np.int64]:
    """Nearest cells (N, K), by the scalar product with every picture of the set."""
    generated = search.generated
    flat = 255 * asked.reshape(len(asked), -1)
    best, cells = np.full(len(asked), -np.inf), np.zeros(len(asked), dtype=np.int64)
    for start in range(0, int(np.prod(generated.sizes)), CHUNK):
        some = np.arange(start, min(start + CHUNK, int(np.prod(generated.sizes))))
        index = np.stack(np.unravel_index(some, generated.sizes), axis=1).astype(np.int64)
        drawn = generated.render(index).reshape(len(some), -1).astype(np.float32)
        near = flat @ drawn.T - 0.5 * (drawn**2).sum(axis=1)
        place = near.argmax(axis=1)
        value = near[np.arange(len(near)), place]
        better = value > best
        best[better], cells[better] = value[better], some[place[better]]
    return np.stack(np.unravel_index(cells, generated.sizes), axis=1).astype(np.int64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="sprites")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--pictures", type=int, default=100)
    asked = parser.parse_args()
    generated = builtin_set(asked.set, size=asked.size)
    generated.render(np.zeros((1, len(generated.sizes)), dtype=np.int64))  # compiles
    began = time.process_time()
    search = NearestCell(generated)
    search(np.zeros((1, *generated.shape), np.float32))
    print(f"builtin:{asked.set} at {asked.size} px: all pictures drawn in {time.process_time() - began:.1f} s")
    shown = pictures(asked.set, asked.size, asked.run, asked.pictures)
    everything = np.concatenate(list(shown.values()))
    began = time.process_time()
    found = search(everything)
    quick = (time.process_time() - began) / len(everything)
    began = time.process_time()
    truth = brute_force(search, everything)
    slow = (time.process_time() - began) / len(everything)
    print(f"{1e3 * quick:.2f} ms a picture, brute force {1e3 * slow:.1f} ms ({slow / quick:.0f} times as long)")
    apart = (search.distance(everything, found) + 1) / (search.distance(everything, truth) + 1)
    judge = ExactJudge(generated, search)
    random = np.random.default_rng(1)
    cells = np.stack([random.integers(0, n, 2000) for n in generated.sizes], axis=1)
    labels = generated.labels(cells)
    unit = units(judge, FactorTable(judge.factors, labels, np.ones(labels.shape, dtype=np.bool_)))
    error = np.abs(judge.difference(generated.labels(truth), generated.labels(found))) / unit
    names = [factor.name for factor in judge.factors]
    print(f"| pictures | as near | within 2 % | {' | '.join(names)} |")
    for k, name in enumerate(shown):
        part = slice(k * asked.pictures, (k + 1) * asked.pictures)
        cells_ = " | ".join(f"{x:.3f}" for x in error[part].mean(axis=0))
        print(f"| {name} | {np.mean(apart[part] < 1 + 1e-5):.2f} | {np.mean(apart[part] < 1.02):.2f} | {cells_} |")


if __name__ == "__main__":
    main()
