"""Who looks at what signatures change, and what they see: the leakage of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError
from unweave.core.factors import FactorTable
from unweave.core.model import RunModel
from unweave.core.seeds import generator
from unweave.data.builtin.base import GeneratedSet
from unweave.data.builtin.registry import builtin_set
from unweave.data.dataset import Dataset
from unweave.projects.config import Project
from unweave.projects.data import held_out
from unweave.projects.runs import Run
from unweave.signatures.leakage.code_judge import code_judge
from unweave.signatures.leakage.exact_judge import exact_judge
from unweave.signatures.leakage.judge import Judge
from unweave.signatures.leakage.measure import FEWEST_DRAWS, leakages, measure_leakage
from unweave.signatures.leakage.pixel_judge import pixel_judge
from unweave.signatures.leakage.plot import draw_matrix
from unweave.signatures.named import DISCOVERED
from unweave.signatures.signatures import Signatures

EDITED_ROWS = 500
"""Held-out rows that are edited to measure leakage, at most."""

JUDGE_ROWS = 4000
"""Labelled rows that a judge of pixels learns from and is tested on, at most."""

FEWEST_JUDGE_ROWS = 60
"""The same, at least."""

EXACT = ("sprites", "scenes")
"""Built-in sets whose pictures tell all factors."""

Look = Literal["auto", "pixels", "exact", "codes", "none"]
"""Who measures leakage: models of the pixels, the nearest picture of a built-in set, probes on the code of what was
decoded, nobody; `auto` takes the first of exact, pixels and codes that can be had."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Labelled:
    """Data, the labelled rows that signatures were learnt from, groups of all rows, the built-in set behind them."""

    dataset: Dataset
    table: FactorTable
    rows: Rows
    groups: NDArray[np.int64] | None
    builtin: GeneratedSet | None

    def labels(self, rows: Rows, found: Signatures, model: RunModel) -> FactorTable:
        """Labels of some rows; of a factor found without labels those are what its signature reads off their codes."""
        table = self.table.take(rows)
        named = [signature for signature in found.signatures if signature.candidate == DISCOVERED]
        if not named:
            return table
        codes = model.encode(self.dataset.observations(rows)).mean
        values = np.column_stack([table.values, *(signature.reader.read(codes) for signature in named)])
        known = np.column_stack([table.known, np.ones((len(rows), len(named)), dtype=np.bool_)])
        return FactorTable((*table.factors, *(signature.factor for signature in named)), values, known)

    def of_group(self, rows: Rows) -> NDArray[np.int64] | None:
        """Groups of some rows."""
        return None if self.groups is None else self.groups[rows]


def exact_set(project: Project) -> GeneratedSet | None:
    """The built-in set behind a project, where its pictures tell all factors."""
    name = project.data.builtin
    return builtin_set(name, size=project.data.size) if name in EXACT else None


def measured_leakage(
    found: Signatures, model: RunModel, run: Run, labelled: Labelled, look: Look, bootstrap: int, seed: int
) -> tuple[Signatures, list[str]]:
    """The signatures with leakage as judges see it that took no part in finding them; the matrices stay in the run."""
    dataset = labelled.dataset
    edited = np.sort(generator(seed, "probe", "edited").permutation(held_out(dataset))[:EDITED_ROWS])
    judges, notes = _judges(found, model, labelled, edited, look, seed)
    if not judges:
        return found, notes
    measured = measure_leakage(
        model,
        found,
        dataset.observations(edited),
        labelled.labels(edited, found, model),
        judges,
        bootstrap=bootstrap or FEWEST_DRAWS,
        groups=labelled.of_group(edited),
        seed=seed,
    )
    matrices = [one.matrix for one in measured]
    notes += [f"{name} is not judged by {m.measure}: {why}" for m in matrices for name, why in m.left_out.items()]
    run.write("leakage", {"matrices": [matrix.to_json() for matrix in matrices]})
    if matrices[0].rows:
        draw_matrix(matrices[0], run.folder / "leakage.png")
    return found.with_leakage(leakages(measured)), notes


def _judges(
    found: Signatures, model: RunModel, labelled: Labelled, edited: Rows, look: Look, seed: int
) -> tuple[list[Judge], list[str]]:
    """Who looks, the most trustworthy first, and what to know about them."""
    dataset, table, builtin = labelled.dataset, labelled.table, labelled.builtin
    if look == "exact" and builtin is None:
        raise ConfigError("look: only built-in sets have exact factors. Take `pixels` or `codes`.")
    rest = np.setdiff1d(np.concatenate([dataset.splits.train, dataset.splits.valid]), np.append(labelled.rows, edited))
    rest = rest[table.known[rest].any(axis=1)]
    rest = np.sort(generator(seed, "probe", "judge").permutation(rest)[:JUDGE_ROWS])
    judges: list[Judge] = []
    if builtin is not None and look in ("auto", "exact"):
        judges.append(exact_judge(builtin, seed=seed))
    enough = len(rest) >= FEWEST_JUDGE_ROWS
    if look == "pixels" and not enough:
        raise DataError(
            f"look: a judge of pixels learns from labelled rows besides those of the signatures, {FEWEST_JUDGE_ROWS} "
            f"at least, and there are {len(rest)}. Label more rows, use fewer --labels, or take `codes`."
        )
    # The exact factors are those of the set; what was found beside them is judged by pixels.
    beside = any(signature.candidate == DISCOVERED for signature in found.signatures)
    if enough and (look == "pixels" or (look == "auto" and (beside or not judges))):
        groups = labelled.of_group(rest)
        told = labelled.labels(rest, found, model)
        judges.append(pixel_judge(dataset.observations(rest), told, groups=groups, seed=seed))
    if look in ("pixels", "exact") or (judges and builtin is not None):
        return judges, []
    readers = [signature.reader for signature in found.signatures]
    pictures, labels = dataset.observations(edited), labelled.labels(edited, found, model).select(found.names)
    note = (
        "Leakage by `codes` is what the probes read off the decoded code. They found the directions, so it is a lower "
        "bound."
    )
    return [*judges, code_judge(model, readers, pictures, labels, seed=seed)], [note]
