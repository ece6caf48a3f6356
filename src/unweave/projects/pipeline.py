"""The one place where all layers meet: data → training → evaluation."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unweave.core.binding import NOTHING_BOUND
from unweave.core.seeds import derive, generator
from unweave.data.dataset import Dataset
from unweave.methods.model import TrainedModel, build_model, save_model
from unweave.nets.transform import Transform
from unweave.projects.asked import about_run
from unweave.projects.batches import batch_source
from unweave.projects.config import Project
from unweave.projects.evaluation import evaluate
from unweave.projects.labelled import LabelsUsed, labels_used
from unweave.projects.perceptual import with_pinned_weights
from unweave.projects.provenance import provenance
from unweave.projects.runs import Run, run_for
from unweave.projects.tracking import MlflowSink, flatten, track
from unweave.training.diagnose import Diagnosis, diagnose
from unweave.training.loop import Outcome, Trainer
from unweave.training.monitor import Look, Monitor
from unweave.training.sinks import History, Sink
from unweave.training.step import make_fabric
from unweave.training.stopping import Stopper

__all__ = ["Trained", "evaluate", "looks_of", "train"]

SAMPLE_ROWS = 1000
"""Validation rows that the monitor looks at."""


@dataclass(frozen=True)
class Trained:
    """What a call of `train` did."""

    run: Run
    outcome: Outcome
    model: TrainedModel
    diagnoses: tuple[Diagnosis, ...]


def train(
    project: Project,
    dataset: Dataset,
    root: Path,
    *,
    device: str = "auto",
    devices: int = 1,
    max_seconds: float | None = None,
    sinks: Sequence[Sink] = (),
) -> Trained:
    """Train the project's method, or continue where the same settings on the same data stopped.

    Args:
        project: all settings.
        dataset: of `load_data`.
        root: the project folder.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ….
        devices: how many of them.
        max_seconds: stop with a checkpoint after this time; the next call goes on.
        sinks: also get what training says, for example a progress bar.

    Raises:
        TrainingError, StorageError, ConfigError: see their texts; checkpoints written so far stay.
    """
    fabric = make_fabric(device, devices=devices, precision=project.training.precision)
    fabric.launch()
    project = with_pinned_weights(project, root)
    run = run_for(root, project, dataset.data_hash)
    leads = fabric.is_global_zero
    with run.locked() if leads else contextlib.nullcontext():
        labels = labels_used(project.method, dataset, seed=project.training.seed)
        model = _build(project, dataset, labels, root)
        model.method.to(fabric.device)
        if leads:
            settings = project.model_dump(mode="json")
            asked = run.read("asked") or about_run(settings, dataset, root, device=str(fabric.device))
            # What decides no weights (gates, notes, descriptions) may have changed since the run began.
            run.write("asked", {**asked, "project": settings})
            if labels is not None:
                run.write("labels", labels.summary)
        history = History(run.folder)
        tracked = _tracking(project, root, run, dataset) if leads else None
        everyone: list[Sink] = [history, *([tracked] if tracked else []), *sinks]
        monitor = _monitor(project, dataset, model, everyone)
        source = batch_source(project, dataset, model.transform, labels, fabric.device)
        trainer = Trainer(
            model.method, source, project.training, run.checkpoints, fabric, sinks=everyone, watcher=monitor
        )
        with Stopper(max_seconds) as stopper:
            outcome = trainer.run(stopper)
        if not leads:
            sys.exit(0)  # the first process scores and reports
        found = _finish(project, run, outcome, model, history, len(dataset.table.factors))
        if tracked is not None:
            tracked.finish("FINISHED" if outcome.status == "complete" else "KILLED")
    return Trained(run, outcome, model, found)


def _build(project: Project, dataset: Dataset, labels: LabelsUsed | None, root: Path) -> TrainedModel:
    observations, rows = dataset.store.observations, dataset.splits.train
    images = observations.ndim == 4
    transform = Transform(tuple(observations.shape[1:])) if images else Transform.fit(observations[rows])
    seed = derive(project.training.seed, "weights")
    binding = NOTHING_BOUND if labels is None else labels.binding
    return build_model(project.method, project.net, transform, seed=seed, binding=binding, root=root)


def _monitor(project: Project, dataset: Dataset, model: TrainedModel, sinks: Sequence[Sink]) -> Monitor | None:
    rows = dataset.splits.valid if len(dataset.splits.valid) else dataset.splits.test
    if len(rows) == 0:
        return None
    chosen = generator(0, "monitor", "rows").permutation(rows)[:SAMPLE_ROWS]
    rows = np.sort(chosen)
    return Monitor(model, dataset.observations(rows), dataset.table.take(rows), sinks, seed=project.training.seed)


def _tracking(project: Project, root: Path, run: Run, dataset: Dataset) -> MlflowSink | None:
    origin = provenance(root)
    tags = {"git": str(origin["git"]), "platform": origin["platform"], "data_hash": dataset.data_hash}
    tags |= {f"version.{name}": version for name, version in origin["versions"].items()}
    parameters = flatten(project.model_dump(mode="json", include={"data", "method", "net", "training"}))
    return track(project, root, run, parameters, tags)


def _finish(
    project: Project, run: Run, outcome: Outcome, model: TrainedModel, history: History, factors: int
) -> tuple[Diagnosis, ...]:
    model.method.eval()
    found = diagnose(
        looks_of(history),
        factors=factors,
        beta=getattr(project.method, "beta", None),
        rolled_back=outcome.progress.rate < 1,
    )
    if outcome.status == "complete":
        save_model(model, run.model)
    run.write(
        "status",
        {
            "status": outcome.status,
            "step": outcome.progress.step,
            "seconds": outcome.progress.seconds,
            "monitor_seconds": outcome.progress.monitor_seconds,
            "diagnoses": [vars(d) for d in found],
        },
    )
    return found


def looks_of(history: History) -> list[tuple[int, Look]]:
    """The looks at the validation sample that a history holds."""
    found = []
    for record in history.records():
        if "valid.kl" not in record:
            continue
        dimensions = [k for k in record if k.startswith("valid.kl.")]
        kl = np.array([record[f"valid.kl.{d}"] for d in range(len(dimensions))])
        look = Look(
            distortion=record["valid.reconstruction"],
            rate=record["valid.kl"],
            kl=kl,
            active=int(record["valid.active_units"]),
            explained=record["valid.explained"],
            mig=record.get("valid.mig"),
            mig_null=record.get("valid.mig_null"),
        )
        found.append((record["step"], look))
    return found
