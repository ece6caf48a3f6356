"""How often a probe's interval holds the score on fresh rows, and how often a probe of noise is called reliable.

    python benchmarks/probe_coverage.py [--seeds 100]

Data: 10 codes; a number, two classes or five levels that the first code gives with noise. "hold" is the share of data
sets whose 95 % interval holds the score, on 20,000 fresh rows, of the probe that was fitted to all of its labels;
"hold, fewer" the same with the score that a probe of 4/5 of the labels has on average, which is what cross-validation
estimates; "false" the share that is called reliable when labels are noise (chance is below 2.5 % at most); "power" the
share that is called reliable when they are not. With groups, rows come in tens that share a shift of all labels, fresh
rows have new groups, and noise is constant within groups.

Wanted: hold at least 0.90, false at most 0.05.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from unweave.core.factors import Factor
from unweave.core.targets import Target
from unweave.signatures.probes.assess import assess_probe
from unweave.signatures.probes.fit import fit_probe
from unweave.signatures.probes.scoring import score_names, score_outputs

Floats = np.ndarray[Any, np.dtype[np.float64]]

TARGETS = {
    "number": Target(Factor(name="n", kind="continuous"), 0, 1),
    "class": Target(Factor(name="c", kind="categorical", values=("a", "b"))),
    "level": Target(Factor(name="l", kind="ordinal", values=tuple("abcde")), 2, 2**0.5),
}


def draw(kind: str, rows: int, grouped: bool, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats | None]:
    """Codes, labels that they give, labels that they do not, groups."""
    codes = rng.standard_normal((rows, 10))
    noise, groups = rng.standard_normal(rows), None
    blind = rng.standard_normal(rows)
    if grouped:
        groups = np.arange(rows) // 10
        noise = np.sqrt(0.5) * (noise + rng.standard_normal(rows)[groups])
        blind = rng.standard_normal(rows)[groups]
        codes = np.sqrt(0.5) * (codes + rng.standard_normal((rows, 10))[groups])
    found = []
    for number in (codes[:, 0] + noise, blind):
        if kind == "class":
            number = (number > 0).astype(float)
        found.append(np.searchsorted([-1.2, -0.4, 0.4, 1.2], number).astype(float) if kind == "level" else number)
    return codes, found[0], found[1], groups


def score(kind: str, outputs: Floats, labels: Floats) -> float:
    """The main score."""
    target = TARGETS[kind]
    return score_outputs(target, outputs, labels, np.ones(len(labels)))[score_names(target)[0]][0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args().seeds
    print(
        f"{'labels':>7} {'kind':8}{'groups':8}{'hold':>6}{'fewer':>7}{'false':>7}{'power':>7}{'width':>7}{'CPU s':>7}"
    )
    for kind, target in TARGETS.items():
        for rows, grouped in ((60, False), (200, False), (200, True), (1000, False)):
            start, held, near, false, power, width = time.process_time(), 0, [], 0, 0, 0.0
            fresh, truth, _, _ = draw(kind, 20_000, grouped, np.random.default_rng(10**6))
            intervals, fewer = [], []
            for seed in range(seeds):
                codes, labels, blind, groups = draw(kind, rows, grouped, np.random.default_rng(seed))
                settings: dict[str, Any] = {"groups": groups, "nonlinear": False, "seed": seed}
                report = assess_probe(codes, target, labels, nulls=10, **settings)
                low, high = report.main.interval or (0, 0)
                held += low <= score(kind, report.reader(fresh), truth) <= high
                power += report.reliable
                width += (high - low) / seeds
                intervals.append((low, high))
                part = slice(0, rows * 4 // 5)
                own = None if groups is None else groups[part]
                less = fit_probe(codes[part], target, labels[part], penalty=report.penalty, groups=own)
                fewer.append(score(kind, less(fresh), truth))
                false += assess_probe(codes, target, blind, nulls=10, **settings).reliable
            near = [low <= np.mean(fewer) <= high for low, high in intervals]
            print(
                f"{rows:7} {kind:8}{'tens' if grouped else '-':8}{held / seeds:6.2f}{np.mean(near):7.2f}"
                f"{false / seeds:7.2f}{power / seeds:7.2f}{width:7.2f}{time.process_time() - start:7.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
