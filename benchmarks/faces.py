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
of both VAEs (`BOUND`, `CODES`) by training without the fold and its neighbour in turn on either side, and testing on
the neighbour. The table of the choice shows the mean over all of these tests. Intervals: 95 %, over resampled people,
after averaging each person's images and the seeds. What is done is read from DIR, so the command can be given again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from photo_folder import unpack
from unweave.core.files import write_text
from unweave.core.seeds import generator
from unweave.data.dataset import Dataset
from unweave.data.splits import Splits
from unweave.methods.model import TrainedModel
from unweave.projects.config import Project
from unweave.projects.data import load_data
from unweave.projects.labelled import labels_used
from unweave.projects.pipeline import train

FACTORS, LABELS, FOLDS, SIZE = ("pose", "eyes"), 100, 5, 32
PENALTIES = [10.0**k for k in range(-4, 2)]
"""Candidates for scikit-learn's C, the inverse of the penalty."""

METHOD = {"kind": "beta_vae", "beta": 1.0, "latent": 16}
SUPERVISION = {"factors": FACTORS, "labels": LABELS, "classes": "logits"}
TRAINING = {"steps": 600, "batch": 16, "learning_rate": 1e-3, "schedule": "cosine", "monitor_every": 10**6}

BOUND: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "weight 100": {"weight": 100},
    "augment": {"augment": {}},
    "augment, weight 100": {"weight": 100, "augment": {}},
}
"""Candidates: what is different in the section `supervision`."""

CODES: Mapping[str, Mapping[str, Any]] = {f"beta {beta:g}": {"beta": beta} for beta in (0.25, 1.0, 4.0)}
"""Candidates: what is different in the section `method`."""

Rows = NDArray[np.int64]
Told = Mapping[str, NDArray[Any]]
"""Factor to a class for each row."""
Right = dict[str, dict[str, float]]
"""Factor to person to the share of their images that were told right."""


@dataclass(frozen=True)
class Bench:
    """The data, and the folder in which results are kept."""

    dataset: Dataset
    out: Path

    @property
    def people(self) -> Rows:
        """Person of each row."""
        return self.column("identity")

    def column(self, factor: str) -> Rows:
        """Class of each row."""
        return self.dataset.table.values[:, self.dataset.table.index(factor)].astype(np.int64)

    def without(self, *folds: int) -> Dataset:
        """The data with the people of one fold held out as test rows, and of another as validation rows."""
        dealt = generator(0, "folds").permutation(int(self.people.max()) + 1)
        fold = (np.argsort(dealt) % FOLDS)[self.people]
        sides = (~np.isin(fold, folds), np.isin(fold, folds[1:]), fold == folds[0])
        return replace(self.dataset, splits=Splits(*(np.flatnonzero(side) for side in sides)))

    def labelled(self, dataset: Dataset, seed: int) -> Rows:
        """The rows whose labels all may use."""
        labels = labels_used(project(BOUND["defaults"], seed).method, dataset, seed=seed)
        assert labels is not None
        return labels.rows.rows

    def right(self, rows: Rows, told: Told) -> Right:
        """How often each person was told right."""
        right = {factor: classes == self.column(factor)[rows] for factor, classes in told.items()}
        of = {person: self.people[rows] == person for person in np.unique(self.people[rows])}
        return {f: {str(person): float(hits[at].mean()) for person, at in of.items()} for f, hits in right.items()}


Teller = Callable[[Bench, Dataset, int], Callable[[Rows], Told]]
"""Learns from a data set with a seed, and then tells the classes of rows."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, default=Path("faces"))
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not (arguments.out / "labels.csv").exists():
        unpack(arguments.faces, arguments.out)
    bench = Bench(load_data(project({}, 0), arguments.out), arguments.out)
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


def project(supervision: Mapping[str, Any] | None, seed: int, **method: Any) -> Project:  # noqa: ANN401 - settings
    """A project as its file would describe it; no supervision without a section."""
    section = None if supervision is None else {**SUPERVISION, **supervision}
    return Project.model_validate(
        {
            "name": "faces",
            "data": {"images": "photos", "labels": "labels.csv", "size": SIZE},
            "method": {**METHOD, **method, "supervision": section},
            "net": {"width": 16},
            "training": {**TRAINING, "seed": seed},
            "tracking": {"uri": "off"},
        }
    )


def by_columns(settings: Mapping[str, Any]) -> Teller:
    """The bound columns of a VAE that learns from labels."""

    def learn(bench: Bench, dataset: Dataset, seed: int) -> Callable[[Rows], Told]:
        model = train(project(settings, seed), dataset, bench.out, device="cpu").model
        return lambda rows: {
            b.target.factor.name: b.read(model.encode(dataset.observations(rows)).mean) for b in model.binding.bound
        }

    return learn


def by_codes(settings: Mapping[str, Any]) -> Teller:
    """Regression on the codes of a VAE that learns without labels."""

    def learn(bench: Bench, dataset: Dataset, seed: int) -> Callable[[Rows], Told]:
        model: TrainedModel = train(project(None, seed, **settings), dataset, bench.out, device="cpu").model
        return regression(lambda rows: model.encode(dataset.observations(rows)).mean, bench, dataset, seed)

    return learn


def by_pixels(bench: Bench, dataset: Dataset, seed: int) -> Callable[[Rows], Told]:
    """Regression on the images as the nets see them."""
    return regression(lambda rows: dataset.observations(rows).reshape(len(rows), -1) / 255, bench, dataset, seed)


def by_majority(bench: Bench, dataset: Dataset, seed: int) -> Callable[[Rows], Told]:
    """The commonest class."""
    most = {f: np.bincount(bench.column(f)[bench.labelled(dataset, seed)]).argmax() for f in FACTORS}
    return lambda rows: {factor: np.full(len(rows), most[factor]) for factor in FACTORS}


def regression(
    features: Callable[[Rows], NDArray[Any]], bench: Bench, dataset: Dataset, seed: int
) -> Callable[[Rows], Told]:
    """Logistic regression for each factor, with the penalty that tells labelled people apart from the others best."""
    labelled = bench.labelled(dataset, seed)
    models = {}
    for factor in FACTORS:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        search = GridSearchCV(model, {"logisticregression__C": PENALTIES}, cv=GroupKFold(5))
        models[factor] = search.fit(features(labelled), bench.column(factor)[labelled], groups=bench.people[labelled])
    return lambda rows: {factor: model.predict(features(rows)) for factor, model in models.items()}


def result(bench: Bench, family: str, name: str, teller: Teller, folds: tuple[int, ...], seed: int) -> dict[str, Right]:
    """How often the people of held-out folds are told right: from its file, or learnt now."""
    title = f"{family} {name} without {' '.join(map(str, folds))} seed {seed}".replace(" ", "_")
    path = bench.out / "results" / f"{title}.json"
    if not path.exists():
        began, dataset = time.process_time(), bench.without(*folds)
        tell = teller(bench, dataset, seed)
        sides = {"test": dataset.splits.test, "valid": dataset.splits.valid}
        found = {side: bench.right(rows, tell(rows)) for side, rows in sides.items() if len(rows)}
        write_text(path, json.dumps({**found, "cpu_seconds": time.process_time() - began}))
    content: dict[str, Right] = json.loads(path.read_text())
    return content


def choose(bench: Bench, family: str, candidates: Mapping[str, Teller]) -> list[str]:
    """The candidate for each fold that does best on its two neighbours when it learns from neither nor from the fold.

    Best is the highest accuracy, averaged over the factors.
    """
    folds = range(FOLDS)
    tests = {
        name: [result(bench, family, name, teller, (fold, (fold + 1) % FOLDS), 0) for fold in folds]
        for name, teller in candidates.items()
    }
    chosen = [
        max(tests, key=lambda name: accuracy(tests[name][fold]["valid"]) + accuracy(tests[name][fold - 1]["test"]))
        for fold in folds
    ]
    print(f"\n| {family}: candidate | {' | '.join(FACTORS)} | mean | chosen for folds | CPU s |")
    print("|:--|--:|--:|--:|:--|--:|")
    for name, found in tests.items():
        sides = [side for one in found for side in (one["test"], one["valid"])]
        each = [np.mean([accuracy(side, (factor,)) for side in sides]) for factor in FACTORS]
        spent = np.mean([one["cpu_seconds"] for one in found])
        where = ", ".join(str(fold) for fold in folds if chosen[fold] == name) or "none"
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
