"""What labels buy on sprites at 32 pixels: MIG without labels, with 100 and with 1,000, and on correlated factors.

    python benchmarks/few_labels.py --out few_labels --seeds 3

Every run is one project with one thread and the same number of steps; its CPU time is measured. A run that is done is
read from its folder, one that was stopped goes on where it was, so the command can be given again at any time. Scores
are in robust mode on held-out rows, over the labelled factors; MI matrices are in shares of each factor's entropy.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unweave.core.files import write_text
from unweave.metrics import mig
from unweave.projects.config import Project
from unweave.projects.data import held_out, load_data
from unweave.projects.pipeline import train
from unweave.projects.traversals import information_shares

STEPS = 5_000
BETA = {"kind": "beta_vae", "beta": 4.0, "latent": 10}
PLAIN = {"images": "builtin:sprites", "size": 32}
PAIRED = {**PLAIN, "pairs": {"change": 1}}
CORRELATED = {**PLAIN, "correlate": {"factors": ["scale", "x"], "strength": 0.2}}


FACTORS = ["shape", "scale", "x", "y"]
"""The labelled ones. Squares and ellipses look the same after a part of a turn, so no code can tell the orientation."""


def supervised(labels: int, correlated: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {**BETA, "supervision": {"labels": labels, "factors": FACTORS}, "correlated": correlated}


CASES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "no labels": (PLAIN, BETA),
    "100 labels": (PLAIN, supervised(100)),
    "1,000 labels": (PLAIN, supervised(1000)),
    "pairs, Ada-GVAE": (PAIRED, {"kind": "ada_gvae", "beta": 4.0, "latent": 10}),
    "pairs, Ada-ML-VAE": (PAIRED, {"kind": "ada_ml_vae", "beta": 4.0, "latent": 10}),
    "correlated, no labels": (CORRELATED, BETA),
    "correlated, support term": (CORRELATED, {**BETA, "correlated": {"support": 10.0}}),
    "correlated, 100 labels": (CORRELATED, supervised(100)),
    "correlated, 100 labels weighted": (CORRELATED, supervised(100, correlated={})),
    "correlated, 100 labels and support": (CORRELATED, supervised(100, correlated={"support": 1.0})),
}
"""Name to the `data:` and the `method:` section. Correlated sets are scored on rows drawn without correlation."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("few_labels"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(arguments.seeds):  # seed by seed, so that a part of the runs compares all cases
        for case in arguments.cases:
            found.setdefault(case, []).append(result(case, seed, arguments.steps, arguments.out))
            print(f"seed {seed}, {case}: MIG {found[case][-1]['mig']:.3f}", flush=True)
    report(found)


def result(case: str, seed: int, steps: int, out: Path) -> dict[str, Any]:
    """Scores of one run, trained now where that is not done yet."""
    data, method = CASES[case]
    # A pair is two rows, so half as many pairs cost the same.
    batch = 32 if "pairs" in data else 64
    training = {"steps": steps, "batch": batch, "seed": seed, "learning_rate": 1e-3, "schedule": "cosine"}
    content = {"name": "few labels", "data": data, "method": method, "training": training, "tracking": {"uri": "off"}}
    project = Project.model_validate(content)
    dataset = load_data(project, out)
    began = time.process_time()
    trained = train(project, dataset, out, device="cpu")
    path = trained.run.folder / "few_labels.json"
    if path.exists():
        done: dict[str, Any] = json.loads(path.read_text())
        return done
    spent = time.process_time() - began
    test = load_data(Project.model_validate({**content, "data": PLAIN}), out)
    rows = held_out(test)
    codes, table = trained.model.encode(test.observations(rows)), test.table.take(rows)
    groups = codes.groups or None
    score = mig(codes, table.select(FACTORS), bootstrap=200, nulls=5, seed=seed, groups=groups)
    every = mig(codes, table, bootstrap=0, nulls=0, seed=seed, groups=groups)
    shares = information_shares(codes, table)
    top = np.sort(shares, axis=0)
    done = {
        "mig": score.value,
        "interval": score.interval,
        "null": score.null,
        "mig_all_factors": every.value,
        "gaps": dict(zip(table.names, (top[-1] - top[-2]).tolist(), strict=True)),
        "shares": shares.tolist(),
        "columns": [trained.model.binding.name(column) for column in range(trained.model.latent)],
        "cpu_seconds": spent,
        "seconds": trained.outcome.progress.seconds,
    }
    write_text(path, json.dumps(done, indent=2))
    return done


def report(found: Mapping[str, list[dict[str, Any]]]) -> None:
    """Tables in Markdown: scores, and MI matrices of the correlated sets."""
    factors = list(next(iter(found.values()))[0]["gaps"])
    named = ", ".join(factors)
    print(f"\n| case | MIG of labelled factors, each seed (95 %) | mean | of all | gaps: {named} | CPU s |")
    print("|:--|:--|--:|--:|:--|--:|")
    for case, runs in found.items():
        seeds = ", ".join(f"{r['mig']:.3f} ({r['interval'][0]:.3f} to {r['interval'][1]:.3f})" for r in runs)
        gaps = ", ".join(f"{np.mean([r['gaps'][f] for r in runs]):.2f}" for f in factors)
        mean, every, spent = (np.mean([r[key] for r in runs]) for key in ("mig", "mig_all_factors", "cpu_seconds"))
        print(f"| {case} | {seeds} | {mean:.3f} | {every:.3f} | {gaps} | {spent:.0f} |")
    for case, runs in found.items():
        if case.startswith("correlated"):
            print(f"\n{case}, seed 0: share of each factor's entropy that each column knows\n")
            print("| column | bound to | " + " | ".join(factors) + " |")
            print("|--:|:--|" + "--:|" * len(factors))
            for column, (bound, row) in enumerate(zip(runs[0]["columns"], runs[0]["shares"], strict=True)):
                print(f"| {column} | {bound or '–'} | " + " | ".join(f"{value:.2f}" for value in row) + " |")


if __name__ == "__main__":
    main()
