"""`unweave export`: a run as a bundle, one folder that serves without torch."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.files import CARD, CHECKSUMS, HALVES, REFERENCE, SIGNATURES, graph_name, read_files, seal
from unweave.bundles.graphs import GraphModel
from unweave.bundles.onnx import OnnxNet
from unweave.bundles.parity import measure_parity, require
from unweave.bundles.precision import Judge, Reduced, add_variant
from unweave.bundles.reference import Reference
from unweave.bundles.run import load_bundle
from unweave.bundles.schema import BundleCard
from unweave.core.errors import ConfigError
from unweave.core.files import atomic_folder, storage_errors
from unweave.core.model import Observations
from unweave.core.seeds import generator
from unweave.data.dataset import Dataset
from unweave.methods.graphs import write_graphs
from unweave.methods.model import TrainedModel
from unweave.metrics import reconstruction
from unweave.projects.bundle_card import card_of
from unweave.projects.config import MonitoringConfig, Project
from unweave.projects.models import model_hash, trained_model
from unweave.projects.runs import BUNDLES, Run
from unweave.projects.variants import leakage_judge
from unweave.signatures.signatures import Signatures


@dataclass(frozen=True)
class Exported:
    """A bundle that was made.

    Attributes:
        folder: of the bundle.
        digest: tells it from all others, 64 hexadecimal digits.
        card: what it says of itself.
    """

    folder: Path
    digest: str
    card: BundleCard


def export_run(
    run: Run,
    dataset: Dataset,
    project: Project,
    root: Path,
    *,
    output: Path | None = None,
    variants: Sequence[Reduced] = (),
    judge: Judge | None = None,
) -> Exported:
    """Write the bundle of a run whole, or not at all. The same run gives the same bytes.

    Args:
        run: a complete one; its signatures and scores come along where it has them.
        dataset: the data of the run.
        project: as it is now: its gates, its statement (`card:`) and `monitoring.reference_rows`.
        root: the project folder.
        output: the bundle's folder; `bundles/RUN-DIGEST` in the project otherwise.
        variants: other precisions to try.
        judge: of leakage, for the variants; that of `projects.variants` otherwise, where the run has signatures.

    Raises:
        ConfigError: the run is not complete, its model was imported, its graphs do not give what it gives, its
            signatures are of another model, or the folder holds something else.
        MissingExtraError: what exports or runs graphs is not installed.
        StorageError: the folder cannot be written.
    """
    model = trained_model(run)
    if not isinstance(model, TrainedModel):
        raise ConfigError(
            f"the model of run {run.name} was imported, and only models that were trained here can be exported. The "
            "graphs that it was imported from are in its folder."
        )
    signatures = _signatures(run)
    if output is not None and output.exists() and not (output / CHECKSUMS).exists():
        raise _taken(output)
    parent = root / BUNDLES if output is None else output.absolute().parent
    with storage_errors(parent, "write"):
        parent.mkdir(parents=True, exist_ok=True)
        staging = tempfile.TemporaryDirectory(prefix=".export-", dir=parent)
    with staging as name:
        staged = Path(name)
        rows = _rows(dataset, project.monitoring or MonitoringConfig())
        observations = dataset.observations(rows)
        with storage_errors(staged, "write"):
            write_graphs(model, staged / graph_name("encoder"), staged / graph_name("decoder"))
            graphs = _graphs(model, staged)
            parity = measure_parity(model, graphs, observations)
            require(parity)
            if variants and signatures is not None and judge is None:
                judge = leakage_judge(graphs, signatures, dataset)
            tried = tuple(add_variant(one, staged, graphs, observations, judge=judge) for one in variants)
            reference = _reference(graphs, observations, signatures)
            card = card_of(run, project, dataset, model, graphs, signatures, parity, tried, len(rows))
            if signatures is not None:
                shutil.copyfile(run.signatures, staged / SIGNATURES)
            (staged / REFERENCE).write_bytes(reference.to_bytes())
            (staged / CARD).write_bytes(card.to_bytes())
            digest = seal(staged)
        load_bundle(staged)  # as anybody will
        folder = parent / f"{run.name}-{digest[:8]}" if output is None else output
        _place(staged, folder, digest)
    return Exported(folder, digest, card)


def _signatures(run: Run) -> Signatures | None:
    """Of this model, or None where none were found yet."""
    if not run.signatures.exists():
        return None
    found = Signatures.load(run.signatures)
    found.check_model(model_hash(run))
    return found


def _rows(dataset: Dataset, config: MonitoringConfig) -> NDArray[np.int64]:
    """Reference rows: those that training did not see, or its own where there are no others."""
    splits = dataset.splits
    unseen = np.concatenate([splits.valid, splits.test])
    rows = unseen if len(unseen) else splits.train
    return np.sort(generator(0, "bundle", "reference").permutation(rows)[: config.reference_rows])


def _graphs(model: TrainedModel, folder: Path) -> GraphModel:
    encoder, decoder = (
        OnnxNet(path, content=path.read_bytes(), providers=("CPUExecutionProvider",))
        for path in (folder / graph_name(half) for half in HALVES)
    )
    codes = model.encode(_none_of(model))
    return GraphModel(
        encoder,
        decoder,
        shape=model.shape,
        latent=model.latent,
        groups=codes.groups,
        categorical=codes.categorical,
    )


def _none_of(model: TrainedModel) -> Observations:
    """One black image: which columns form groups does not depend on the rows."""
    return np.zeros((1, *model.shape), np.uint8 if model.transform.images else np.float32)


def _reference(graphs: GraphModel, observations: Observations, signatures: Signatures | None) -> Reference:
    codes = graphs.encode(observations).mean
    errors = reconstruction(observations, graphs.decode(codes), bootstrap=0, nulls=0).matrix
    assert errors is not None
    probes = {s.name: s.reader(codes) for s in signatures.signatures} if signatures else {}
    return Reference.of(codes, errors[:, 0], probes)


def _place(staged: Path, folder: Path, digest: str) -> None:
    """Move a finished bundle to its folder; an equal one that is there stays."""
    if folder.exists():
        if (folder / CHECKSUMS).exists() and read_files(folder)[1] == digest:
            return
        raise _taken(folder)
    with atomic_folder(folder) as part:
        for child in staged.iterdir():
            shutil.move(child, part / child.name)


def _taken(folder: Path) -> ConfigError:
    return ConfigError(f"{folder} is there already and holds something else. Choose another place with -o.")
