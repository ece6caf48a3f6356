"""A probe of one factor with the proof: scores on rows held out, intervals, and what permuted labels would score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.scores import Score, Stamp
from unweave.core.seeds import generator
from unweave.core.targets import Target
from unweave.metrics.resampling import null_range
from unweave.metrics.stamps import make_stamp
from unweave.signatures.probes.cross import nested, shuffled
from unweave.signatures.probes.features import LANDMARKS, bent_features
from unweave.signatures.probes.fit import fit_reader
from unweave.signatures.probes.folds import Folds, make_folds
from unweave.signatures.probes.learner import Learner
from unweave.signatures.probes.notes import notes_on
from unweave.signatures.probes.nulls import shuffled_labels
from unweave.signatures.probes.report import NonLinear, ProbeReport
from unweave.signatures.probes.scoring import RANGES, Resampled, certain_interval, score_names, score_outputs
from unweave.signatures.probes.task import ProbeKind, Task, make_task

Floats = NDArray[np.float64]

MOST_ROWS = 20_000
"""Rows that are scored at most; the probe itself learns from all."""


def assess_probe(
    codes: NDArray[Any],
    target: Target,
    labels: Floats,
    *,
    kind: ProbeKind = "auto",
    groups: NDArray[Any] | None = None,
    weights: Floats | None = None,
    balanced: bool = False,
    bootstrap: int = 200,
    nulls: int = 20,
    nonlinear: bool = True,
    seed: int = 0,
) -> ProbeReport:
    """A probe of all rows, and how well such a probe reads rows, or groups, that it has not seen.

    Scores come from nested cross-validation: every row is scored by a model that learnt from other folds, with a
    penalty that those chose among themselves. They are of a model with a fifth fewer rows (and never more than 2,000
    for classes and levels) than the probe itself, so a little too low rather than too high.

    Args:
        codes, target, labels, kind, groups, weights, balanced, seed: see `fit_probe`. Weights count in the scores too:
            importance weights say of what population.
        bootstrap: samples of rows, or groups, behind the intervals; 0 leaves them out.
        nulls: permutations of the labels behind the null; 0 leaves it out.
        nonlinear: whether a non-linear probe is fitted beside it.

    Raises:
        ConfigError, ShapeError, DataError: see `make_task` and `make_folds`.
    """
    whole = make_task(codes, target, labels, kind=kind, groups=groups, weights=weights, balanced=balanced)
    task = whole
    if len(whole) > MOST_ROWS:
        task = whole.take(np.sort(generator(seed, "scored rows").permutation(len(whole))[:MOST_ROWS]))
    learner = task.learner()
    folds = make_folds(task, learner.most, seed)
    run = _Assessment(task, learner, folds, bootstrap, nulls, seed)
    held = nested(task, learner, folds, task.x)
    found = score_outputs(target, held.outputs, task.labels, task.weights)
    primary = "balanced_accuracy" if balanced and target.factor.kind == "categorical" else score_names(target)[0]
    bent = None
    if nonlinear:
        x = bent_features(task.x, generator(seed, "landmarks", task.name))
        bent = score_outputs(target, nested(task, learner, folds, x).outputs, task.labels, task.weights)[primary]
    scores, beside = run.scores(found, primary, bent)
    main = scores[primary]
    reliable = main.interval is not None and main.null_interval is not None and main.interval[0] > main.null_interval[1]
    return ProbeReport(
        fit_reader(whole, held.chosen),
        whole.kind,
        scores,
        primary,
        beside,
        reliable,
        held.chosen,
        len(whole),
        whole.groups,
        notes_on(task, folds, learner, scores, primary),
    )


@dataclass(frozen=True)
class _Assessment:
    """Settings of one assessment."""

    task: Task
    learner: Learner
    folds: Folds
    bootstrap: int
    nulls: int
    seed: int

    def scores(
        self, found: dict[str, tuple[float, Floats]], primary: str, bent: tuple[float, Floats] | None
    ) -> tuple[dict[str, Score], NonLinear | None]:
        """Scores with interval and null, and the non-linear probe beside them."""
        columns = [influence for _, influence in found.values()]
        if bent is not None:
            columns += [bent[1], bent[1] - found[primary][1]]
        random = generator(self.seed, "bootstrap", self.task.name)
        resampled = None
        if self.bootstrap:
            resampled = Resampled.of(self.task, np.stack(columns, axis=1), self.bootstrap, random)
        null = self._null() if self.nulls else {}
        scores = {}
        for column, (name, (value, influence)) in enumerate(found.items()):
            details: dict[str, Any] = {}
            if resampled is not None:
                details["interval"] = self._interval(resampled, column, name, value, influence)
            if name in null:
                details["null"], details["null_interval"] = null_range(null[name], *RANGES[name])
            scores[name] = Score(name, value, self.stamp(name), **details)
        if bent is None:
            return scores, None
        around = difference = None
        if resampled is not None:
            around = self._interval(resampled, len(found), primary, *bent)
            difference = resampled.interval(len(found) + 1, bent[0] - scores_value(scores, primary), -np.inf, np.inf)
        score = Score(f"nonlinear.{primary}", bent[0], self.stamp(primary, bent=True), interval=around)
        return scores, NonLinear(score, bent[0] - scores_value(scores, primary), difference)

    def stamp(self, name: str, *, bent: bool = False) -> Stamp:
        """The protocol of a score."""
        task = self.task
        settings = {
            "score": name,
            "model": task.kind,
            "features": f"codes and {LANDMARKS} landmarks of a Gaussian kernel" if bent else "codes",
            "penalties": [float(p) for p in self.learner.penalties],
            "balanced": task.balanced,
            "weighted": bool((task.weights != 1).any()),
            "folds": self.folds.count,
            "learnt_rows": int(self.folds.learnt.sum()),
            "groups": task.groups,
            "resampled": "rows" if task.units is None else "groups",
            "bootstrap": self.bootstrap,
            "nulls": 0 if bent else self.nulls,
            "seed": self.seed,
        }
        return make_stamp("probe.nested", "robust", task.problem(), settings, libraries=("scipy",))

    def _interval(
        self, resampled: Resampled, column: int, name: str, value: float, influence: Floats
    ) -> tuple[float, float]:
        if name.endswith("accuracy") and value == 1 and not influence.any():
            return certain_interval(self.task, name)
        return resampled.interval(column, value, *RANGES[name])

    def _null(self) -> dict[str, Floats]:
        """Scores (nulls,) of permuted labels, by name."""
        labels = shuffled_labels(self.task, self.nulls, generator(self.seed, "null", self.task.name))
        varied = labels[(labels != labels[:, :1]).any(axis=1)]
        if len(varied) == 0:
            return {}
        outputs = shuffled(self.task, self.learner, self.folds, self.task.x, varied)
        told = [
            score_outputs(self.task.target, one, row, self.task.weights)
            for one, row in zip(outputs, varied, strict=True)
        ]
        return {name: np.array([scores[name][0] for scores in told]) for name in score_names(self.task.target)}


def scores_value(scores: dict[str, Score], name: str) -> float:
    """Value of a score that has one."""
    value = scores[name].value
    assert value is not None
    return value
