"""Which factor each dimension moves, and the pictures that show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.core.codes import Codes
from unweave.core.errors import DataError
from unweave.core.factors import FactorTable
from unweave.core.files import write_bytes
from unweave.data.dataset import Dataset
from unweave.methods.model import TrainedModel
from unweave.metrics.inputs import as_problem
from unweave.metrics.pairs import PairTable
from unweave.projects.data import held_out
from unweave.projects.models import trained_model
from unweave.projects.report.pictures import encode_png, labelled_grid
from unweave.projects.runs import Run
from unweave.training.diagnose import DEAD
from unweave.training.traversal import by_information, kl_per_dimension, traverse

_NAMED = 0.05


@dataclass(frozen=True)
class Dial:
    """What is known about one latent dimension.

    Attributes:
        latent: its number.
        kl: information that it carries, in nats per observation.
        factor: the factor that it says most about, or None when that is under 5 % of the factor's entropy.
        share: that share.
        bound: the factor that training bound it to, or None.
    """

    latent: int
    kl: float
    factor: str | None
    share: float
    bound: str | None = None

    @property
    def label(self) -> str:
        """A short text such as `x (0.71)`, or `x (0.71), bound to x`."""
        known = f"{self.factor} ({self.share:.2f})" if self.factor else "no labelled factor"
        found = "not in use" if self.kl <= DEAD else known
        return f"{found}, bound to {self.bound}" if self.bound else found


def information_shares(codes: Codes, table: FactorTable) -> NDArray[np.float64]:
    """Information of each code about each factor, as a share of the factor's entropy: (D, K) in [0, 1].

    A code that is not in use carries none.
    """
    problem = as_problem(codes, table)
    return np.where(problem.dead[:, None], 0.0, PairTable.of(problem, "robust").share)


def dials(codes: Codes, table: FactorTable, binding: Binding = NOTHING_BOUND) -> tuple[Dial, ...]:
    """All dimensions, the most informative first."""
    kl = kl_per_dimension(codes)
    shares = information_shares(codes, table) if table.factors else np.zeros((len(kl), 1))
    found = []
    for d in by_information(codes):
        best = int(shares[d].argmax())
        named = table.factors and shares[d, best] >= _NAMED and kl[d] > DEAD
        factor = table.names[best] if named else None
        found.append(Dial(int(d), float(kl[d]), factor, float(shares[d, best]), binding.name(int(d))))
    return tuple(found)


def traversals(
    model: TrainedModel, codes: Codes, table: FactorTable, *, frames: int = 9, top: int | None = None
) -> tuple[tuple[Dial, ...], NDArray[np.float32]]:
    """Dials and their traversals (D, frames, H, W, C), the most informative first."""
    chosen = dials(codes, table, model.binding)[:top]
    moved = traverse(model, codes, dimensions=np.array([dial.latent for dial in chosen]), frames=frames)
    return chosen, moved


def draw_traversals(
    run: Run, dataset: Dataset, path: Path, *, frames: int = 9, top: int | None = None
) -> list[dict[str, Any]]:
    """Write a labelled picture of a run's traversals; returns what its rows show.

    Raises:
        DataError: the data are vectors, which have no pictures.
    """
    model = trained_model(run)
    if not model.transform.images:
        raise DataError(
            "the data are vectors: there is no picture to draw. `unweave evaluate --json` has the MI matrix."
        )
    rows = held_out(dataset)
    codes, table = model.encode(dataset.observations(rows)), dataset.table.take(rows)
    chosen, moved = traversals(model, codes, table, frames=frames, top=top)
    labels = [f"z{dial.latent} · {dial.label}" for dial in chosen]
    write_bytes(path, encode_png(labelled_grid(moved, labels)))
    return [{**vars(dial), "label": dial.label} for dial in chosen]
