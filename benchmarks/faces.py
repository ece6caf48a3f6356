"""Real faces, 100 labels: pose and eyes of people never seen, from the bound dimensions alone.

    python benchmarks/faces.py FACES.npz --out faces --seeds 2

FACES.npz holds `images` uint8 (N, H, W), `factors` (N, K) and `factor_names`, with `identity`, `pose` and `eyes` among
them. It is unpacked and read as a user's folder would be. The people are dealt into five folds. Each fold in turn is
held out whole, and 100 rows of the others have labels, drawn by the seed and spread evenly over pose and eyes:

* bound columns: a VAE with `supervision`; the prediction is what its columns say (`Bound.read`), nothing is fitted;
* codes: a VAE of the same net trained as long without labels, and logistic regression on all of its codes;
* pixels: logistic regression;
* majority: the commonest class of the labelled rows.

All four learn from the same labels; regressions see standardised inputs. What can be chosen is chosen for each fold
without the people of that fold: the penalty of a regression by cross-validation over the labelled people; the settings
of both VAEs (`BOUND`, `CODES`) by training without the fold and the one that it is paired with, and testing on the
latter. The table of the choice shows the mean over all of these tests. Intervals: 95 %, over resampled people, after
averaging each person's images and the seeds. What is done is read from DIR, so the command can be given again.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from faces_tellers import (
    FACTORS,
    FOLDS,
    Bench,
    Right,
    Settings,
    Teller,
    by_codes,
    by_columns,
    by_majority,
    by_pixels,
    result,
)
from photo_folder import unpack
from unweave.core.seeds import generator
from unweave.projects.data import load_data

PAIRS = ((0, 1), (2, 3), (4, 0))
"""Every fold is in a pair: what is left out together in choosing."""

CONV, RESIDUAL = {"kind": "conv", "width": 16}, {"kind": "residual", "width": 8}

BOUND = {
    "conv": Settings(CONV),
    "conv, weight 1000, augment": Settings(CONV, {"augment": {}, "weight": 1000}),
    "residual, augment": Settings(RESIDUAL, {"augment": {}}),
    "residual, weight 1000": Settings(RESIDUAL, {"weight": 1000}),
    "residual, weight 1000, augment": Settings(RESIDUAL, {"augment": {}, "weight": 1000}),
}
"""Candidates for learning from labels; a setting not named has its default."""

CODES = {f"residual, beta {beta:g}": Settings(RESIDUAL, None, beta) for beta in (1.0, 4.0)}
"""Candidates for learning without."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, default=Path("faces"))
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not (arguments.out / "labels.csv").exists():
        unpack(arguments.faces, arguments.out)
    bench = Bench(load_data(Settings().project(0), arguments.out), arguments.out)
    bound = choose(bench, "bound columns", {name: by_columns(settings) for name, settings in BOUND.items()})
    codes = choose(bench, "codes", {name: by_codes(settings) for name, settings in CODES.items()})
    rivals = {
        "bound columns": [("bound columns", name, by_columns(BOUND[name])) for name in bound],
        "codes": [("codes", name, by_codes(CODES[name])) for name in codes],
        "pixels": [("pixels", "", by_pixels)] * FOLDS,
        "majority": [("majority", "", by_majority)] * FOLDS,
    }
    found: dict[str, list[Right]] = {name: [] for name in rivals}
    for seed in range(arguments.seeds):
        for name, tellers in rivals.items():
            parts = [result(bench, *teller, (fold,), seed)["test"] for fold, teller in enumerate(tellers)]
            found[name].append({f: {k: v for part in parts for k, v in part[f].items()} for f in FACTORS})
    report(found)


def choose(bench: Bench, family: str, candidates: Mapping[str, Teller]) -> list[str]:
    """The candidate for each fold that does best on its partner, learning from neither.

    Best is the highest accuracy, averaged over the factors.
    """
    tests = {
        name: {pair: result(bench, family, name, teller, pair, 0) for pair in PAIRS}
        for name, teller in candidates.items()
    }

    def on_partners(name: str, fold: int) -> float:
        sides = (tests[name][p]["valid" if p[0] == fold else "test"] for p in PAIRS if fold in p)
        return float(np.mean([accuracy(side) for side in sides]))

    chosen = [max(tests, key=partial(on_partners, fold=fold)) for fold in range(FOLDS)]
    print(f"\n| {family}: candidate | {' | '.join(FACTORS)} | mean | chosen for folds | CPU s |")
    print("|:--|--:|--:|--:|:--|--:|")
    for name, found in tests.items():
        sides = [side for one in found.values() for side in (one["test"], one["valid"])]
        each = [np.mean([accuracy(side, (factor,)) for side in sides]) for factor in FACTORS]
        spent = np.mean([one["cpu_seconds"] for one in found.values()])
        where = ", ".join(str(fold) for fold in range(FOLDS) if chosen[fold] == name) or "none"
        print(f"| {name} | {' | '.join(f'{a:.3f}' for a in each)} | {np.mean(each):.3f} | {where} | {spent:.0f} |")
    return chosen


def accuracy(right: Right, factors: tuple[str, ...] = FACTORS) -> float:
    """Mean over people and factors."""
    return float(np.mean([list(right[factor].values()) for factor in factors]))


def report(found: Mapping[str, list[Right]]) -> None:
    """Accuracies and paired differences with intervals over people."""
    people = sorted(next(iter(found.values()))[0][FACTORS[0]])
    each = {
        name: {f: np.mean([[right[f][person] for person in people] for right in seeds], 0) for f in FACTORS}
        for name, seeds in found.items()
    }
    first, *others = each
    print(f"\n| {len(people)} people, each unseen | {' | '.join(FACTORS)} |\n|:--|{'--:|' * len(FACTORS)}")
    for name, values in each.items():
        print(f"| {name} | {' | '.join(with_interval(values[f]) for f in FACTORS)} |")
    for name in others:
        cells = (with_interval(each[first][f] - each[name][f]) for f in FACTORS)
        print(f"| {first} minus {name} | {' | '.join(cells)} |")
    print("\nSeeds one by one:")
    for name, seeds in found.items():
        print(f"{name}: " + "; ".join(", ".join(f"{accuracy(s, (f,)):.3f}" for s in seeds) for f in FACTORS))


def with_interval(values: NDArray[np.float64]) -> str:
    """Mean over people, and the 2.5 % and 97.5 % quantiles of means of resampled people."""
    draws = generator(0, "people").integers(0, len(values), (10_000, len(values)))
    low, high = np.quantile(values[draws].mean(1), (0.025, 0.975))
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
