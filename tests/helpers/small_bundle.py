"""A small trained project with signatures, and its bundle."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unweave.bundles.files import CHECKSUMS, seal
from unweave.core.model import RunModel
from unweave.data.dataset import Dataset
from unweave.projects.config import Project
from unweave.projects.data import load_data
from unweave.projects.evaluation import evaluate
from unweave.projects.exporting import Exported, export_run
from unweave.projects.models import model_hash
from unweave.projects.pipeline import train
from unweave.projects.runs import Run
from unweave.signatures.fit import fit_signatures

SETTINGS = {
    "name": "small sprites",
    "notes": "for tests",
    "data": {"images": "builtin:sprites", "size": 32, "rows": 600},
    "method": {"kind": "beta_vae", "beta": 0.0, "latent": 4, "categorical": {"sizes": [3]}},
    "net": {"kind": "mlp", "hidden": [64]},
    "training": {"steps": 400, "batch": 32, "learning_rate": 0.003},
    "tracking": {"uri": "off"},
    "accept": {"mig": {"at_least": 0.0}},
    "monitoring": {"reference_rows": 100},
    "card": {"licence": "CC0-1.0", "intended_use": "tests"},
}


@dataclass(frozen=True)
class Small:
    root: Path
    project: Project
    dataset: Dataset
    run: Run
    model: RunModel
    exported: Exported

    @property
    def folder(self):
        return self.exported.folder

    @property
    def rows(self):
        """Some real rows."""
        return self.dataset.observations(self.dataset.splits.test)


def small_bundle(root, **settings):
    """Train, score, find signatures, export."""
    project = Project.model_validate({**SETTINGS, **settings})
    dataset = load_data(project, root)
    done = train(project, dataset, root, device="cpu")
    evaluate(done.run, dataset, accept=project.accept, model=done.model, bootstrap=0)
    rows = dataset.splits.train
    codes = done.model.encode(dataset.observations(rows)).mean
    names = [name for name in dataset.table.names if name != "shape"]
    found = fit_signatures(
        codes, dataset.table.take(rows).select(names), model=model_hash(done.run), bootstrap=0, nulls=0, only="plain"
    )
    found.save(done.run.signatures)
    return Small(root, project, dataset, done.run, done.model, export_run(done.run, dataset, project, root))


def reseal(folder):
    """Checksums that fit what the folder holds now, as whoever changes a bundle on purpose would write them."""
    (folder / CHECKSUMS).unlink()
    seal(folder)


def apart(a, b):
    return float(np.abs(np.asarray(a, np.float64) - b).max())


def graphs_at_hand(small, monkeypatch):
    """Export with the graphs that the exporter wrote for this very model: writing them takes seconds."""

    def write(model, encoder, decoder):
        assert all(
            np.array_equal(a, b)
            for a, b in zip(model.method.state_dict().values(), small.model.method.state_dict().values(), strict=True)
        )
        for path in (encoder, decoder):
            shutil.copyfile(small.folder / path.name, path)

    monkeypatch.setattr("unweave.projects.exporting.write_graphs", write)
