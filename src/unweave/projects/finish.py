"""After training: scores, and the report that tells all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.model import RunModel
from unweave.data.dataset import Dataset
from unweave.projects.data import data_report_json, held_out
from unweave.projects.evaluation import evaluate
from unweave.projects.models import model_hash, trained_model
from unweave.projects.report.content import Reconstructions, ReportContent, Traversals
from unweave.projects.report.page import write_report
from unweave.projects.report.signatures import Shown
from unweave.projects.runs import Run
from unweave.projects.traversals import information_shares, traversals
from unweave.signatures.leakage.matrix import LeakageMatrix
from unweave.signatures.signatures import Signatures
from unweave.signatures.strips import strip_of
from unweave.training.sinks import History

if TYPE_CHECKING:
    from unweave.projects.pipeline import Trained

_SHOWN = 10
_FRAMES = 9
_OBJECTS = 4
"""Held-out objects whose factors are moved in the pictures of signatures."""


def finish(trained: Trained, dataset: Dataset, root: Path) -> dict[str, Any]:
    """Evaluate a complete run, write the report either way, and say what came out as plain values."""
    run, outcome = trained.run, trained.outcome
    project = run.project()
    batch = project.training.batch
    content: dict[str, Any] = {
        "run": run.name,
        "status": outcome.status,
        "step": outcome.progress.step,
        "seconds": outcome.progress.seconds,
        "monitor_seconds": outcome.progress.monitor_seconds,
        "images_per_second": outcome.progress.step * batch / max(outcome.progress.seconds, 1e-9),
        "scores": {},
        "gates": [],
        "diagnoses": [vars(d) for d in trained.diagnoses],
    }
    if outcome.status == "complete":
        content |= evaluate(run, dataset, accept=project.accept, model=trained.model).to_json()
        content["gates"] = (run.read("gates") or {}).get("gates", [])
    content["report"] = str(write_run_report(run, dataset, root, model=trained.model))
    return content


def write_run_report(run: Run, dataset: Dataset, root: Path, *, model: RunModel | None = None) -> Path:
    """Write the run's HTML report from what lies in its folder; returns its path."""
    model = model or trained_model(run)
    asked, status = run.read("asked") or {}, run.read("status") or {}
    history = History(run.folder)
    rows = held_out(dataset)
    observations, table = dataset.observations(rows), dataset.table.take(rows)
    codes = model.encode(observations)
    images = len(model.shape) == 3 and "decode" in model.capabilities
    dials, moved = traversals(model, codes, table, frames=_FRAMES) if images else ((), None)
    shown = np.linspace(0, len(rows) - 1, min(_SHOWN, len(rows))).astype(np.int64)
    content = ReportContent(
        title=asked["project"]["name"],
        run=run.name,
        asked=asked,
        status=status,
        data=data_report_json(dataset, root),
        series=history.series(),
        notes=tuple(history.notes()),
        scorecard=run.scorecard(),
        gates=tuple((run.read("gates") or {}).get("gates", [])),
        reconstructions=Reconstructions(observations[shown], model.decode(codes.mean[shown])) if images else None,
        traversals=Traversals(dials, moved) if moved is not None else None,
        information=information_shares(codes, table) if table.factors else None,
        factors=table.names,
        no_pictures=_no_pictures(model),
        signatures=_signatures(run, model, codes.mean),
    )
    write_report(content, run.report)
    return run.report


def _signatures(run: Run, model: RunModel, codes: NDArray[np.float32]) -> Shown | None:
    """What `unweave probe` found, as far as it is of this model."""
    if not run.signatures.exists():
        return None
    found = Signatures.load(run.signatures)
    found.check_model(model_hash(run))
    shown = np.linspace(0, len(codes) - 1, min(_OBJECTS, len(codes))).astype(np.int64)
    images = len(model.shape) == 3 and "decode" in model.capabilities
    strips = [strip_of(found, name, codes[shown], model.decode) for name in found.names] if images else []
    matrices = [LeakageMatrix.from_json(one) for one in (run.read("leakage") or {}).get("matrices", [])]
    return Shown(found, matrices, strips, (run.read("curves") or {}).get("curves", []))


def _no_pictures(model: RunModel) -> str:
    if len(model.shape) != 3:
        return "The data are vectors: there are no pictures to show."
    return "" if "decode" in model.capabilities else "The model has no decoder: there are no pictures to show."
