"""What to know when reading the scores of a probe, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unweave.core.scores import Score
from unweave.signatures.probes.folds import FOLDS, Folds
from unweave.signatures.probes.learner import Learner
from unweave.signatures.probes.task import Task


def notes_on(task: Task, folds: Folds, learner: Learner, scores: Mapping[str, Score], primary: str) -> tuple[str, ...]:
    """Sentences about folds, groups, rare classes and scores."""
    return (*_on_folds(task, folds, learner), *_on_groups(task), *_on_classes(task), *_on_scores(scores, primary))


def _on_folds(task: Task, folds: Folds, learner: Learner) -> list[str]:
    notes = []
    if folds.count < FOLDS:
        what = f"{task.groups} groups" if task.groups is not None else f"{len(task)} labels"
        notes.append(f"{what} allow {folds.count} folds instead of {FOLDS}.")
    if folds.count == 2:
        notes.append(f"Two folds leave none to choose a penalty on; it is {learner.default:g}.")
    return notes


def _on_groups(task: Task) -> list[str]:
    if not task.fixed:
        return []
    return [
        f"The label is constant within every group, so what counts is {task.groups} groups, not {len(task):,} rows: "
        "whatever else these groups share is read along with it."
    ]


def _on_classes(task: Task) -> list[str]:
    classes = task.classes
    if classes is None:
        return []
    names = task.target.factor.values or ()
    units = np.arange(len(task)) if task.units is None else task.units
    found, notes = np.unique(classes), []
    holders = {int(c): len(np.unique(units[classes == c])) for c in found}
    alone = [names[c] for c, count in holders.items() if count == 1]
    if alone:
        what = "one label" if task.units is None else "labels in one group"
        notes.append(
            f"{', '.join(alone)}: {what} only, so it is never both learnt and tested, and counts as read wrongly."
        )
    missing = [name for code, name in enumerate(names) if code not in holders]
    if missing:
        notes.append(f"{', '.join(missing)}: no label, so it is never read.")
    return notes


def _on_scores(scores: Mapping[str, Score], primary: str) -> list[str]:
    def above(score: Score) -> bool:
        judged = score.interval is not None and score.null_interval is not None
        return judged and score.interval[0] > score.null_interval[1]  # type: ignore[index]

    main = scores[primary]
    if main.interval is None or main.null_interval is None:
        return ["Without interval and null nothing says whether the probe is reliable."]
    other = scores.get("auc")
    if primary == "accuracy" and not above(main) and other is not None and above(other):
        return [
            f"Accuracy cannot be told from chance, yet the codes rank the classes (AUC {other.value:.2f}): the classes "
            "are unequal. Probe with balanced=True."
        ]
    return []
