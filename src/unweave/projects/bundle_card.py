"""The card of a run's bundle, from what lies in the run's folder."""

from __future__ import annotations

from collections.abc import Iterator

from unweave.bundles.graphs import GraphModel
from unweave.bundles.schema import BundleCard, GateLine, Parity, ScoreLine, SignatureLine, Training, Variant
from unweave.core.scores import Score
from unweave.data.dataset import Dataset
from unweave.methods.model import TrainedModel
from unweave.projects.config import Project
from unweave.projects.gates import check_values
from unweave.projects.models import model_hash
from unweave.projects.runs import Run
from unweave.signatures.signature import Signature
from unweave.signatures.signatures import Signatures

_SETTINGS = {"data", "method", "net", "training"}


def card_of(
    run: Run,
    project: Project,
    dataset: Dataset,
    model: TrainedModel,
    graphs: GraphModel,
    signatures: Signatures | None,
    parity: tuple[Parity, ...],
    variants: tuple[Variant, ...],
    reference_rows: int,
) -> BundleCard:
    """What the bundle says of itself; nothing in it changes from one export to the next.

    Args:
        run: a complete one.
        project: as it is now.
        dataset: the data of the run.
        model, graphs: of the run, as torch modules and as graphs.
        signatures: or None where there are none.
        parity, variants, reference_rows: see `BundleCard`.
    """
    asked = run.read("asked") or {}
    scores = _scores(run, signatures)
    gates = check_values(project.accept, {name: score.value for name, score in scores.items()})
    return BundleCard(
        name=project.name,
        run=run.name,
        notes=project.notes,
        model_hash=model_hash(run),
        data_hash=dataset.data_hash,
        shape=graphs.shape,
        latent=graphs.latent,
        groups=graphs.groups,
        categorical=graphs.categorical,
        binding=model.binding.to_json(),
        factors=dataset.table.factors,
        signatures=tuple(_signature(s) for s in signatures.signatures) if signatures else (),
        scores=scores,
        gates=tuple(GateLine.model_validate(gate.to_json()) for gate in gates),
        parity=parity,
        variants=variants,
        reference_rows=reference_rows,
        training=Training(
            settings=run.project().model_dump(mode="json", include=_SETTINGS),
            rows={side: len(rows) for side, rows in dataset.splits.named().items()},
            began=str(asked.get("began", "")),
            versions={name: str(version) for name, version in asked.get("versions", {}).items()},
            git=asked.get("git"),
        ),
        statement=project.card,
        findings=tuple(_findings(scores, dataset, signatures)),
    )


def _scores(run: Run, signatures: Signatures | None) -> dict[str, ScoreLine]:
    found = {name: _score(score) for name, score in (run.scorecard() or {}).items()}
    if "leakage" not in found and signatures is not None:
        rows = [s.leakage[0] for s in signatures.signatures if s.leakage]
        if rows and len(rows) == len(signatures.signatures):
            # The factor whose move drags most along: a gate must hold for each of them.
            worst = max(rows, key=lambda row: row.mean)
            found["leakage"] = ScoreLine(value=worst.mean, mode=worst.measure)
    return found


def _score(score: Score) -> ScoreLine:
    return ScoreLine(
        value=score.value,
        interval=score.interval,
        null=score.null,
        null_interval=score.null_interval,
        reason=score.reason,
        rows=score.stamp.rows,
        mode=score.stamp.mode,
    )


def _signature(signature: Signature) -> SignatureLine:
    row = signature.leakage[0] if signature.leakage else None
    return SignatureLine(
        factor=signature.name,
        labels=signature.labels,
        safe=signature.safe,
        leakage=None if row is None else row.mean,
        measured_by=None if row is None else row.measure,
    )


def _findings(scores: dict[str, ScoreLine], dataset: Dataset, signatures: Signatures | None) -> Iterator[str]:
    if not scores:
        yield "The model was not scored on held-out rows."
    if signatures is None:
        yield "There are no signatures: it encodes and decodes, and no factor can be moved by name."
        return
    for name in dataset.table.names:
        if name not in signatures.names:
            why = str(signatures.provenance.get("refused", {}).get(name, "it was not probed"))
            yield f"{name} cannot be moved: {why}"
    unknown = [s.name for s in signatures.signatures if not s.leakage]
    if unknown:
        yield f"What else moves was not measured for: {', '.join(unknown)}."
