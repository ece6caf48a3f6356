"""What learns from 100 labelled faces and tells the pose and the eyes of others; used by `faces.py`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unweave.core.files import write_text
from unweave.core.seeds import generator
from unweave.data.dataset import Dataset
from unweave.data.splits import Splits
from unweave.methods.model import TrainedModel
from unweave.projects.config import Project
from unweave.projects.labelled import labels_used
from unweave.projects.pipeline import train

FACTORS, FOLDS = ("pose", "eyes"), 5
_LABELS, _SIZE, _LATENT = 100, 32, 16
_TRAINING = {"steps": 600, "batch": 16, "learning_rate": 1e-3, "schedule": "cosine"}
_TRAINING |= {"monitor_every": 100_000, "checkpoint_every": 100_000}  # not at all

_PENALTIES = [10.0**k for k in range(-4, 2)]
"""Candidates for scikit-learn's C, the inverse of the penalty."""

Rows = NDArray[np.int64]
Told = Mapping[str, NDArray[Any]]
"""Factor to a class for each row."""
Pair = tuple[int, int]
"""Two folds."""
Right = dict[str, dict[str, float]]
"""Factor to person to the share of their images that were told right."""


@dataclass(frozen=True)
class Settings:
    """A `net` section, what is different in `supervision` (None: no labels in training), and beta."""

    net: Mapping[str, Any] = field(default_factory=dict)
    supervision: Mapping[str, Any] | None = field(default_factory=dict)
    beta: float = 1.0

    def project(self, seed: int) -> Project:
        """A project as its file would describe it."""
        section = {"factors": FACTORS, "labels": _LABELS, "classes": "logits", **(self.supervision or {})}
        method = {"kind": "beta_vae", "latent": _LATENT, "beta": self.beta}
        content = {
            "name": "faces",
            "data": {"images": "photos", "labels": "labels.csv", "size": _SIZE, "split": {"by": "identity"}},
            "method": method if self.supervision is None else {**method, "supervision": section},
            "net": self.net,
            "training": {**_TRAINING, "seed": seed},
            "tracking": {"uri": "off"},
        }
        return Project.model_validate(content)


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

    def without(self, pair: Pair) -> Dataset:
        """The data with the people of two folds held out, one as test rows, one as validation rows."""
        dealt = np.array_split(generator(0, "faces folds").permutation(np.unique(self.people)), FOLDS)
        test, valid = (np.isin(self.people, dealt[fold]) for fold in pair)
        sides = (~(test | valid), valid, test)
        return replace(self.dataset, splits=Splits(*(np.flatnonzero(side) for side in sides)))

    def labelled(self, dataset: Dataset, seed: int) -> Rows:
        """The rows whose labels all may use."""
        labels = labels_used(Settings().project(seed).method, dataset, seed=seed)
        assert labels is not None
        return labels.rows.rows

    def right(self, rows: Rows, told: Told) -> Right:
        """How often each person was told right."""
        right = {factor: classes == self.column(factor)[rows] for factor, classes in told.items()}
        of = {person: self.people[rows] == person for person in np.unique(self.people[rows])}
        return {f: {str(person): float(hits[at].mean()) for person, at in of.items()} for f, hits in right.items()}


Teller = Callable[[Bench, Dataset, int], Callable[[Rows], Told]]
"""Learns from a data set with a seed, and then tells the classes of rows."""


def by_columns(settings: Settings) -> Teller:
    """The bound columns of a VAE that learns from labels."""

    def learn(bench: Bench, dataset: Dataset, seed: int) -> Callable[[Rows], Told]:
        model = train(settings.project(seed), dataset, bench.out, device="cpu").model
        return lambda rows: {
            b.target.factor.name: b.read(model.encode(dataset.observations(rows)).mean) for b in model.binding.bound
        }

    return learn


def by_codes(settings: Settings) -> Teller:
    """Regression on the codes of a VAE that learns without labels."""

    def learn(bench: Bench, dataset: Dataset, seed: int) -> Callable[[Rows], Told]:
        model: TrainedModel = train(settings.project(seed), dataset, bench.out, device="cpu").model
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
        search = GridSearchCV(model, {"logisticregression__C": _PENALTIES}, cv=GroupKFold(5))
        models[factor] = search.fit(features(labelled), bench.column(factor)[labelled], groups=bench.people[labelled])
    return lambda rows: {factor: model.predict(features(rows)) for factor, model in models.items()}


def result(bench: Bench, name: str, teller: Teller, pair: Pair, seed: int) -> dict[int, Right]:
    """How often the people of two folds are told right by what learns from the others: read, or learnt now."""
    path = bench.out / "results" / f"{name}, without {pair[0]} and {pair[1]}, seed {seed}.json"
    if not path.exists():
        began, dataset = time.process_time(), bench.without(pair)
        tell = teller(bench, dataset, seed)
        told = {fold: bench.right(rows, tell(rows)) for fold, rows in zip(pair, held_out(dataset), strict=True)}
        write_text(path, json.dumps({"right": told, "cpu_seconds": time.process_time() - began}))
    return {int(fold): right for fold, right in json.loads(path.read_text())["right"].items()}


def held_out(dataset: Dataset) -> tuple[Rows, Rows]:
    """Rows of the first and of the second fold of the pair."""
    return dataset.splits.test, dataset.splits.valid
