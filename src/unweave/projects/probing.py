"""From a run to its signatures: labels, codes, directions, and the leakage that is measured through the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError
from unweave.core.factors import FactorTable
from unweave.core.model import RunModel
from unweave.core.observations import at_rest
from unweave.core.seeds import derive, generator
from unweave.data.association import associations
from unweave.data.builtin.base import GeneratedSet
from unweave.data.builtin.registry import builtin_set
from unweave.data.columns import Cells
from unweave.data.dataset import Dataset
from unweave.data.labelled import choose_labelled
from unweave.data.report import STRONG
from unweave.data.reweighting import connected, independent_weights
from unweave.data.stratify import label_levels
from unweave.projects.data import held_out
from unweave.projects.models import model_hash, trained_model
from unweave.projects.runs import Run
from unweave.signatures.fit import fit_signatures
from unweave.signatures.isolation import Response
from unweave.signatures.leakage.code_judge import code_judge
from unweave.signatures.leakage.exact_judge import exact_judge
from unweave.signatures.leakage.judge import Judge
from unweave.signatures.leakage.measure import FEWEST_DRAWS, leakages, measure_leakage
from unweave.signatures.leakage.pixel_judge import pixel_judge
from unweave.signatures.probes.curves import curves
from unweave.signatures.signature import Candidate
from unweave.signatures.signatures import Signatures

REFERENCE_ROWS = 5000
"""Training rows whose codes stand for the data."""

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
class _Labelled:
    """Data, the labelled rows that signatures were learnt from, groups of all rows, the built-in set behind them."""

    dataset: Dataset
    table: FactorTable
    rows: Rows
    groups: NDArray[np.int64] | None
    builtin: GeneratedSet | None

    def of_group(self, rows: Rows) -> NDArray[np.int64] | None:
        """Groups of some rows."""
        return None if self.groups is None else self.groups[rows]


@dataclass(frozen=True)
class Probed:
    """Signatures of a run, and what there is to say about them.

    Attributes:
        signatures: with leakage.
        notes: what the person should know, in words.
    """

    signatures: Signatures
    notes: tuple[str, ...]


def probe_run(
    run: Run,
    dataset: Dataset,
    *,
    labels: int | None = None,
    factors: Sequence[str] = (),
    by: str | None = None,
    only: Candidate | None = None,
    look: Look = "auto",
    bootstrap: int = 200,
    seed: int | None = None,
    device: str = "cpu",
) -> Probed:
    """Find the signatures of a run's model, measure what else they move, and keep both in the run's folder.

    Args:
        run: a complete one.
        dataset: the data of the run.
        labels: labelled training rows to learn from at most, spread evenly over the labels; None takes all.
        factors: names; none takes all that have labels.
        by: label column whose groups are never on both sides of a split; that of `data.split.by` otherwise.
        only: a form of directions, without a choice.
        look: who measures leakage.
        bootstrap: resamples behind the intervals.
        seed: of all that is drawn; that of the run's training otherwise.
        device: of the model.

    Raises:
        ConfigError: the run is not complete, a name is unknown, or that measure of leakage cannot be had.
        DataError: no training row has a label, or no factor can be probed.
    """
    project = run.project()
    seed = project.training.seed if seed is None else seed
    model = trained_model(run, device=device)
    table = dataset.table.select(tuple(dict.fromkeys(factors)) or dataset.table.names)
    if not table.factors:
        raise ConfigError("the project has no factors, so there is nothing to probe. `unweave discover` needs none.")
    rows = choose_labelled(table, dataset.splits.train, labels, derive(seed, "labels"))
    chosen = table.take(rows)
    by = by or project.data.split.by
    groups = Cells.of(dataset.store.columns, by).known().codes if by else None
    order = generator(seed, "probe", "reference").permutation(dataset.splits.train)
    reference = model.encode(dataset.observations(np.sort(order[:REFERENCE_ROWS]))).mean
    strong = (p for p in associations(chosen, seed=seed) if p.value >= STRONG and p.beyond_chance)
    correlated = tuple((pair.a, pair.b) for pair in strong)
    linked = [label_levels(chosen.select(names)) for names in connected(correlated)]
    codes, of_rows = model.encode(dataset.observations(rows)).mean, None if groups is None else groups[rows]
    found = fit_signatures(
        codes,
        chosen,
        model=model_hash(run),
        reference=reference,
        response=response_of(model),
        binding=model.binding,
        groups=of_rows,
        weights=independent_weights(linked).values if linked else None,
        only=only,
        provenance={"run": run.name, "data": dataset.data_hash, "labelled_rows": rows.tolist()},
        bootstrap=bootstrap,
        seed=seed,
    )
    notes = [f"{name} has no signature: {why}" for name, why in found.provenance["refused"].items()]
    if run.read("labels") is not None:
        notes.append(
            "The model learnt from labels too, perhaps from these: its code may be read less well on other rows."
        )
    notes += [f"{a} and {b} vary together in the labels; rows count as if they did not." for a, b in correlated]
    if look != "none" and "decode" in model.capabilities:
        builtin = project.data.builtin
        generated = builtin_set(builtin, size=project.data.size) if builtin in EXACT else None
        labelled = _Labelled(dataset, table, rows, groups, generated)
        found, more = _with_leakage(found, model, run, labelled, look, bootstrap, seed)
        notes += more
    learnt = curves(codes, chosen, groups=of_rows, bootstrap=bootstrap or FEWEST_DRAWS, seed=seed)
    run.write("curves", {"curves": [curve.to_json() for curve in learnt.values()]})
    found.save(run.signatures)
    return Probed(found, tuple(notes))


def response_of(model: RunModel) -> Response | None:
    """From edited codes to the codes of what they decode to; None for a model without a decoder."""
    if "decode" not in model.capabilities:
        return None

    def respond(codes: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(model.encode(at_rest(model.decode(codes.astype(np.float32)))).mean, dtype=np.float64)

    return respond


def _with_leakage(
    found: Signatures, model: RunModel, run: Run, labelled: _Labelled, look: Look, bootstrap: int, seed: int
) -> tuple[Signatures, list[str]]:
    """The signatures with leakage as judges see it that took no part in finding them; the matrices stay in the run."""
    dataset, table = labelled.dataset, labelled.table
    edited = np.sort(generator(seed, "probe", "edited").permutation(held_out(dataset))[:EDITED_ROWS])
    judges, notes = _judges(found, model, labelled, edited, look, seed)
    if not judges:
        return found, notes
    measured = measure_leakage(
        model,
        found,
        dataset.observations(edited),
        table.take(edited),
        judges,
        bootstrap=bootstrap or FEWEST_DRAWS,
        groups=labelled.of_group(edited),
        seed=seed,
    )
    matrices = [one.matrix for one in measured]
    notes += [f"{name} is not judged by {m.measure}: {why}" for m in matrices for name, why in m.left_out.items()]
    run.write("leakage", {"matrices": [matrix.to_json() for matrix in matrices]})
    return found.with_leakage(leakages(measured)), notes


def _judges(
    found: Signatures, model: RunModel, labelled: _Labelled, edited: Rows, look: Look, seed: int
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
    if enough and (look == "pixels" or (look == "auto" and not judges)):
        groups = labelled.of_group(rest)
        judges.append(pixel_judge(dataset.observations(rest), table.take(rest), groups=groups, seed=seed))
    if look in ("pixels", "exact") or (judges and builtin is not None):
        return judges, []
    readers = [signature.reader for signature in found.signatures]
    pictures, labels = dataset.observations(edited), table.take(edited).select(found.names)
    note = (
        "Leakage by `codes` is what the probes read off the decoded code. They found the directions, so it is a lower "
        "bound."
    )
    return [*judges, code_judge(model, readers, pictures, labels, seed=seed)], [note]
