"""From a run to its signatures: labels, codes, directions, and the leakage that is measured through the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.model import RunModel
from unweave.core.observations import at_rest
from unweave.core.seeds import derive, generator
from unweave.data.association import associations
from unweave.data.columns import Cells
from unweave.data.dataset import Dataset
from unweave.data.labelled import choose_labelled
from unweave.projects.discovered import named_of
from unweave.projects.judging import Labelled, Look, exact_set, measured_leakage
from unweave.projects.models import model_hash, trained_model
from unweave.projects.runs import Run
from unweave.signatures.fit import fit_signatures
from unweave.signatures.isolation import Response
from unweave.signatures.leakage.measure import FEWEST_DRAWS
from unweave.signatures.probes.curves import curves
from unweave.signatures.signature import Candidate
from unweave.signatures.signatures import Signatures

REFERENCE_ROWS = 5000
"""Training rows whose codes stand for the data."""


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
    correlated = tuple((pair.a, pair.b) for pair in associations(chosen, seed=seed) if pair.strong)
    codes, of_rows = model.encode(dataset.observations(rows)).mean, None if groups is None else groups[rows]
    found = fit_signatures(
        codes,
        chosen,
        model=model_hash(run),
        reference=reference,
        response=response_of(model),
        binding=model.binding,
        groups=of_rows,
        correlated=correlated,
        only=only,
        provenance={"run": run.name, "data": dataset.data_hash, "labelled_rows": rows.tolist()},
        bootstrap=bootstrap,
        seed=seed,
    )
    found = named_of(run, found)
    notes = [f"{name} has no signature: {why}" for name, why in found.provenance["refused"].items()]
    notes += [f"{name}: {note}" for name, about in found.provenance["notes"].items() for note in about]
    if run.read("labels") is not None:
        notes.append(
            "The model learnt from labels too, perhaps from these: its code may be read less well on other rows."
        )
    notes += [f"{a} and {b} vary together in the labels; rows count as if they did not." for a, b in correlated]
    if look != "none" and "decode" in model.capabilities:
        labelled = Labelled(dataset, table, rows, groups, exact_set(project))
        found, more = measured_leakage(found, model, run, labelled, look, bootstrap, seed)
        notes += more
    learnt = curves(
        codes, chosen, groups=of_rows, correlated=correlated, bootstrap=bootstrap or FEWEST_DRAWS, seed=seed
    )
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
