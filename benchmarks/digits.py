"""Digit classes without labels: the hybrid's categorical code beside k-means on pixels and on codes of a beta-VAE.

    python benchmarks/digits.py --out digits                                # builtin:digits at 16 pixels
    python benchmarks/digits.py --out digits --mnist gray_28x28.npz         # and that file, at 16 pixels too
    python benchmarks/digits.py --out digits --cases hybrid hybrid_without_copies     # what a part of it does

Every run has one thread and the same number of steps; its processor time is measured. A finished run is a file in
`--out`, one that was stopped goes on from its checkpoint, so the command can be given again at any time.

Accuracy is that of the best one-to-one naming of clusters by digits (`linear_sum_assignment`). On all rows the naming
is the best one there; on held-out rows it is the one found on all others. The k-means++ of each seed is the best of
ten starts, fitted on training rows as the models are. Intervals are Student's t over the seeds.
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
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from unweave.core.files import write_text
from unweave.data.dataset import Dataset
from unweave.projects.config import Project
from unweave.projects.data import held_out, load_data
from unweave.projects.load import parse_project
from unweave.projects.pipeline import train

CLUSTERS, STARTS, SIZE = 10, 10, 16
NET = {"kind": "mlp", "hidden": [256, 128]}

CASES: Mapping[str, Mapping[str, Any] | None] = {
    "pixels": None,
    "beta_vae": {"kind": "beta_vae", "beta": 1.0},
    "hybrid": {"kind": "hybrid"},
    "hybrid_without_copies": {"kind": "hybrid", "views": None},
    "hybrid_without_second_stage": {"kind": "hybrid", "information": 0.0},
}
"""Name to the `method:` section; None clusters pixels. The beta-VAE has the beta of the hybrid."""

USUAL = ("pixels", "beta_vae", "hybrid")
SCORES = ("accuracy", "nmi", "held_out_accuracy", "held_out_nmi")
Labels = NDArray[np.int64]


def section(case: str, steps: int) -> dict[str, Any]:
    """The method; stages and annealing take the share of the steps that they have by default."""
    method = dict(CASES[case] or {})
    if method.get("kind") == "hybrid":
        method |= {"fine_tune_after": 3 * steps // 4, "categorical": {"sizes": [CLUSTERS], "anneal": steps // 2}}
    return method


def project(data: Mapping[str, Any], case: str, steps: int, seed: int) -> Project:
    training = {"steps": steps, "batch": 256, "learning_rate": 1e-3, "seed": seed, "checkpoint_every": 200}
    content: dict[str, Any] = {"name": "digits", "data": data, "net": NET, "tracking": {"uri": "off"}}
    content |= {"training": {**training, "monitor_every": steps}}
    return parse_project(content | ({"method": section(case, steps)} if CASES[case] else {}), "digits")


def naming(clusters: Labels, digits: Labels) -> Labels:
    """The digit of each cluster, one to one, that agrees with the most rows."""
    together = np.zeros((CLUSTERS, CLUSTERS), dtype=np.int64)
    np.add.at(together, (clusters, digits), 1)
    found: Labels = linear_sum_assignment(together, maximize=True)[1]
    return found


def scores(clusters: Labels, digits: Labels, held: Labels) -> dict[str, float]:
    others = np.setdiff1d(np.arange(len(digits)), held)
    named_by_others = naming(clusters[others], digits[others])[clusters[held]]
    return {
        "accuracy": float((naming(clusters, digits)[clusters] == digits).mean()),
        "nmi": float(normalized_mutual_info_score(digits, clusters)),
        "held_out_accuracy": float((named_by_others == digits[held]).mean()),
        "held_out_nmi": float(normalized_mutual_info_score(digits[held], clusters[held])),
    }


def k_means(points: NDArray[np.float32], dataset: Dataset, seed: int) -> Labels:
    fitted = KMeans(CLUSTERS, n_init=STARTS, random_state=seed).fit(points[dataset.splits.train])
    found: Labels = fitted.predict(points).astype(np.int64)
    return found


def result(name: str, data: Mapping[str, Any], case: str, seed: int, steps: int, out: Path) -> dict[str, Any]:
    """One run: as it was measured, or measured now."""
    path = out / f"{name}-{case}-s{seed}.json"
    if path.exists():
        done: dict[str, Any] = json.loads(path.read_text())
        return done
    asked = project(data, case, steps, seed)
    dataset = load_data(asked, out)
    digits = dataset.table.values[:, dataset.table.names.index("digit")].astype(np.int64)
    images = dataset.observations(np.arange(len(digits)))
    began = time.process_time()
    if CASES[case] is None:
        clusters = k_means(images.reshape(len(images), -1).astype(np.float32) / 255, dataset, seed)
        spent = time.process_time() - began
    else:
        trained = train(asked, dataset, out, device="cpu")
        before = trained.run.folder / "processor_seconds.json"  # of calls that were stopped and came to an end
        codes = trained.model.encode(images)
        blocks = codes.categorical
        clusters = codes.mean[:, blocks[0]].argmax(1) if blocks else k_means(codes.mean, dataset, seed)
        spent = time.process_time() - began + (json.loads(before.read_text()) if before.exists() else 0.0)
        write_text(before, json.dumps(spent))
        if trained.outcome.status != "complete":
            raise SystemExit(f"{path.stem}: {trained.outcome.status}; the same command goes on from here.")
    done = {**scores(clusters, digits, held_out(dataset)), "processor_seconds": spent, "steps": steps}
    write_text(path, json.dumps(done, indent=2))
    return done


def interval(values: list[float]) -> tuple[float, float, float]:
    """Mean and the ends of Student's 95 % interval."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    half = float(student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def report(name: str, found: Mapping[str, list[dict[str, Any]]]) -> str:
    """Tables in Markdown: every case, and the lead of the hybrid seed by seed."""
    lines = [f"\n### {name}\n", "| | accuracy | each seed | NMI | held-out accuracy | held-out NMI | processor s |"]
    lines.append("|:--|:--|:--|:--|:--|:--|--:|")
    for case, runs in found.items():
        cells = ["{:.3f} ({:.3f} to {:.3f})".format(*interval([r[score] for r in runs])) for score in SCORES]
        each = ", ".join(f"{r['accuracy']:.3f}" for r in runs)
        spent = np.mean([r["processor_seconds"] for r in runs])
        lines.append(f"| {case} | {cells[0]} | {each} | {' | '.join(cells[1:])} | {spent:.0f} |")
    for case in found if "hybrid" in found else ():
        if case != "hybrid":
            leads = [a["accuracy"] - b["accuracy"] for a, b in zip(found["hybrid"], found[case], strict=True)]
            lines.append("\nhybrid before {}: {:+.3f} ({:+.3f} to {:+.3f})".format(case, *interval(leads)))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("digits"))
    parser.add_argument("--mnist", type=Path, help="an .npz with `images` and the factor `digit`")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(USUAL))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    sets: dict[str, dict[str, Any]] = {"digits": {"images": "builtin:digits", "size": SIZE}}
    if options.mnist is not None:
        sets["mnist"] = {"images": str(options.mnist.absolute()), "size": SIZE}
    found: dict[str, dict[str, list[dict[str, Any]]]] = {name: {} for name in sets}
    for seed in range(options.seeds):  # seed by seed, so that a part of the runs compares all cases
        for name, data in sets.items():
            for case in options.cases:
                runs = found[name].setdefault(case, [])
                runs.append(result(name, data, case, seed, options.steps, options.out))
                print(f"{name}, seed {seed}, {case}: {runs[-1]['accuracy']:.3f}", flush=True)
    for name, of_set in found.items():
        print(report(name, of_set))


if __name__ == "__main__":
    main()
