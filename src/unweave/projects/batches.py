"""From a project and its data to the batches of its training."""

from __future__ import annotations

import torch

from unweave.core.errors import ConfigError
from unweave.core.seeds import derive
from unweave.data.dataset import Dataset
from unweave.data.neighbours import NearestPartners
from unweave.data.pairs import Partners
from unweave.nets.transform import Transform
from unweave.projects.config import Project
from unweave.projects.labelled import LabelsUsed
from unweave.training.batches import BatchSource
from unweave.training.extras import LabelledSource, PartnerSource


def batch_source(
    project: Project, dataset: Dataset, transform: Transform, labels: LabelsUsed | None, device: torch.device
) -> BatchSource:
    """Batches of the training rows, with what the method asks for beside the observations.

    Raises:
        ConfigError: the method wants pairs, and the data do not say what makes one; or vectors would be moved and
            relit.
        DataError: it wants neighbours, and there are too few rows.
    """
    observations, method = dataset.store.observations, project.method
    labelled, partners = None, None
    if project.training.augment is not None and not transform.images:
        raise ConfigError("training.augment changes images, and these data are vectors. Leave it out.")
    if labels is not None and method.wants_labels is not None:
        if method.wants_labels.augment is not None and not transform.images:
            raise ConfigError("method.supervision.augment changes images, and these data are vectors. Leave it out.")
        labelled = LabelledSource(
            observations,
            labels.rows,
            transform,
            batch=method.wants_labels.batch,
            seed=derive(project.training.seed, "labelled batches"),
            device=device,
            noise=method.wants_labels.noise,
            augment=method.wants_labels.augment,
        )
    found = _partners(project, dataset)
    if found is not None:
        partners = PartnerSource(found, transform, seed=derive(project.training.seed, "partners"), device=device)
    return BatchSource(
        observations,
        dataset.splits.train,
        transform,
        batch=project.training.batch,
        seed=derive(project.training.seed, "batches"),
        device=device,
        labelled=labelled,
        partners=partners,
        augment=project.training.augment,
    )


def _partners(project: Project, dataset: Dataset) -> Partners | None:
    """What may stand beside a row, if the method asks for any such thing."""
    method = project.method
    if method.wants_neighbours:
        seed = derive(project.training.seed, "neighbours")
        return NearestPartners(dataset.store.observations, dataset.splits.train, method.wants_neighbours, seed=seed)
    if not method.wants_pairs:
        return None
    if dataset.partners is None:
        raise ConfigError(
            f"method.kind: {method.kind!r} learns from pairs, and data.pairs does not say what makes one. Name a "
            "label column (`data.pairs: {by: person}`), an order (`{order: frame}`), or for a built-in set how "
            "many factors change (`{change: 1}`)."
        )
    return dataset.partners
