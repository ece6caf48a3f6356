"""Real faces, 100 labels: pose and eyes of people never seen, from the bound dimensions alone.

    python benchmarks/faces.py FACES.npz --out faces --seeds 2

FACES.npz holds `images` uint8 (N, H, W), `factors` (N, K) and `factor_names`, with `identity`, `pose` and `eyes` among
them. It is unpacked and read as a user's folder would be. The people are dealt into five folds, and two folds at a time
are held out whole. Of the people of the other three, 100 rows have labels, drawn by the seed and spread evenly over
pose and eyes:

* bound columns: a VAE with `supervision`; the prediction is what its columns say (`Bound.read`), nothing is fitted;
* codes: a VAE of the same net trained as long without labels, and logistic regression on all of its codes;
* pixels: logistic regression;
* majority: the commonest class of the labelled rows.

All four learn from the same labels; regressions see standardised inputs, with a penalty found by cross-validation over
the labelled people. The settings of the VAEs (`BOUND`, `CODES`) are chosen by one of the two folds, with seed 0, and
the other fold is reported, and the other way round; the fifth fold, which stands alone, has those that are best on the
other four. Nobody who is reported on had a part in learning or choosing. The tables of the choice show every candidate
on the four folds. Intervals: 95 %, over resampled people, after averaging each
person's images and the seeds. What is done is read from DIR, so the command can be given again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from faces_tellers import (
    FACTORS,
    FOLDS,
    Bench,
    Pair,
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

PAIR_OF: Mapping[int, Pair] = {0: (0, 1), 1: (0, 1), 2: (2, 3), 3: (2, 3), 4: (4, 0)}
"""What is held out to tell the people of a fold."""

CHOOSERS: Mapping[int, Sequence[int]] = {0: [1], 1: [0], 2: [3], 3: [2], 4: [0, 1, 2, 3]}
"""The folds by which the settings for a fold are chosen."""

CONV, RESIDUAL = {"kind": "conv", "width": 16}, {"kind": "residual", "width": 8}

FAR = {"shift": 0.15, "zoom": 0.2, "turn": 10.0, "gain": 0.5, "contrast": 0.5}

BOUND = {
    "conv, defaults": Settings(CONV),
    "conv, weight 300, augment": Settings(CONV, {"augment": {}, "weight": 300}),
    "conv, weight 1000, augment": Settings(CONV, {"augment": {}, "weight": 1000}),
    "residual, weight 1000": Settings(RESIDUAL, {"weight": 1000}),
    "residual, weight 100, augment": Settings(RESIDUAL, {"augment": {}, "weight": 100}),
    "residual, weight 1000, augment": Settings(RESIDUAL, {"augment": {}, "weight": 1000}),
    "residual, weight 1000, augment far": Settings(RESIDUAL, {"augment": FAR, "weight": 1000}),
}
"""Candidates for learning from labels; a setting not named has its default."""

CODES = {f"residual, beta {beta:g}": Settings(RESIDUAL, None, beta) for beta in (1.0, 4.0)}
"""Candidates for learning without."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, default=Path("faces"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--bound", nargs="+", choices=BOUND, default=list(BOUND), help="candidates")
    parser.add_argument("--codes", nargs="+", choices=CODES, default=list(CODES), help="candidates")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not (arguments.out / "labels.csv").exists():
        unpack(arguments.faces, arguments.out)
    bench = Bench(load_data(Settings().project(0), arguments.out), arguments.out)
    families = {
        "bound columns": {name: by_columns(BOUND[name]) for name in arguments.bound},
        "codes": {name: by_codes(CODES[name]) for name in arguments.codes},
        "pixels": {"": by_pixels},
        "majority": {"": by_majority},
    }
    found: dict[str, list[Right]] = {}
    for family, candidates in families.items():
        chosen = choose(bench, family, candidates)
        found[family] = [
            together([told(bench, family, candidates, chosen[fold], fold, seed) for fold in range(FOLDS)])
            for seed in range(arguments.seeds)
        ]
    report(found)


def told(bench: Bench, family: str, candidates: Mapping[str, Teller], name: str, fold: int, seed: int) -> Right:
    """How often the people of a fold are told right."""
    return result(bench, f"{family} {name}".strip(), candidates[name], PAIR_OF[fold], seed)[fold]


def together(parts: Iterable[Right]) -> Right:
    """Of the people of several folds."""
    return {factor: {person: share for part in parts for person, share in part[factor].items()} for factor in FACTORS}


def choose(bench: Bench, family: str, candidates: Mapping[str, Teller]) -> list[str]:
    """For each fold the candidate that does best on its choosers: the highest accuracy, averaged over the factors."""
    if len(candidates) == 1:
        return FOLDS * list(candidates)
    folds = CHOOSERS[FOLDS - 1]
    own = {name: [told(bench, family, candidates, name, fold, 0) for fold in folds] for name in candidates}

    def on_choosers(name: str, fold: int) -> float:
        return float(np.mean([accuracy(own[name][chooser]) for chooser in CHOOSERS[fold]]))

    chosen = [max(own, key=partial(on_choosers, fold=fold)) for fold in range(FOLDS)]
    print(f"\n| {family}: candidate | {' | '.join(FACTORS)} | mean | chosen for folds |\n|:--|--:|--:|--:|:--|")
    for name, parts in own.items():
        every = together(parts)
        each = [accuracy(every, (factor,)) for factor in FACTORS]
        where = ", ".join(str(fold) for fold in range(FOLDS) if chosen[fold] == name) or "none"
        print(f"| {name} | {' | '.join(f'{a:.3f}' for a in each)} | {np.mean(each):.3f} | {where} |", flush=True)
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
