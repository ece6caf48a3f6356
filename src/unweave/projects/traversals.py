"""Which factor each dimension moves, and the pictures that show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.core.codes import Codes
from unweave.core.errors import ConfigError, DataError
from unweave.core.factors import FactorTable
from unweave.core.files import write_bytes
from unweave.core.model import RunModel
from unweave.data.dataset import Dataset
from unweave.metrics.inputs import as_problem, unlabelled
from unweave.metrics.pairs import PairTable
from unweave.projects.data import held_out
from unweave.projects.models import trained_model
from unweave.projects.report.pictures import encode_png, labelled_grid
from unweave.projects.runs import Run
from unweave.training.traversal import DEAD, kl_per_dimension, traverse

_NAMED = 0.05


@dataclass(frozen=True)
class Dial:
    """What is known about one latent dimension.

    Attributes:
        latent: its number.
        kl: information that it carries, in nats per observation; None where the encoder states no noise.
        used: whether it carries any; without noise, whether it varies.
        factor: the factor that it says most about, or None when that is under 5 % of the factor's entropy.
        share: that share.
        bound: the factor that training bound it to, or None.
    """

    latent: int
    kl: float | None
    used: bool
    factor: str | None
    share: float
    bound: str | None = None

    @property
    def label(self) -> str:
        """A short text such as `x (0.71)`, or `x (0.71), bound to x`."""
        known = f"{self.factor} ({self.share:.2f})" if self.factor else "no labelled factor"
        found = known if self.used else "not in use"
        return f"{found}, bound to {self.bound}" if self.bound else found


def information_shares(codes: Codes, table: FactorTable) -> NDArray[np.float64]:
    """Information of each code about each factor, as a share of the factor's entropy: (D, K) in [0, 1].

    A code that is not in use carries none.
    """
    problem = as_problem(codes, table)
    return np.where(problem.dead[:, None], 0.0, PairTable.of(problem, "robust").share)


def dials(codes: Codes, table: FactorTable, binding: Binding = NOTHING_BOUND) -> tuple[Dial, ...]:
    """All dimensions, the most informative first.

    Without the encoder's noise nothing says how much information a dimension carries. Then those that vary come in
    their own order.
    """
    shares = information_shares(codes, table) if table.factors else np.zeros((codes.mean.shape[1], 1))
    if codes.logvar is None:
        kl, used = None, ~unlabelled(codes).dead
        order = np.argsort(~used, kind="stable")
    else:
        kl = kl_per_dimension(codes)
        used, order = kl > DEAD, np.argsort(-kl, kind="stable")
    found = []
    for d in order:
        best = int(shares[d].argmax())
        factor = table.names[best] if table.factors and shares[d, best] >= _NAMED and used[d] else None
        nats = None if kl is None else float(kl[d])
        found.append(Dial(int(d), nats, bool(used[d]), factor, float(shares[d, best]), binding.name(int(d))))
    return tuple(found)


def traversals(
    model: RunModel, codes: Codes, table: FactorTable, *, frames: int = 9, top: int | None = None
) -> tuple[tuple[Dial, ...], NDArray[np.float32]]:
    """Dials and their traversals (D, frames, H, W, C), the most informative first.

    Where the encoder states no noise, those that move the picture most come first.
    """
    found = dials(codes, table, model.binding)
    chosen = found if codes.logvar is None else found[:top]
    moved = traverse(model, codes, dimensions=np.array([dial.latent for dial in chosen]), frames=frames)
    if codes.logvar is None:
        effect = ((moved[:, 1:] - moved[:, :-1]) ** 2).reshape(len(chosen), -1).mean(1)
        order = np.argsort(-effect, kind="stable")[:top]
        chosen, moved = tuple(chosen[row] for row in order), moved[order]
    return chosen, moved


def draw_traversals(
    run: Run, dataset: Dataset, path: Path, *, frames: int = 9, top: int | None = None
) -> list[dict[str, Any]]:
    """Write a labelled picture of a run's traversals; returns what its rows show.

    Raises:
        DataError: the data are vectors, which have no pictures.
        ConfigError: the model cannot decode.
    """
    model = trained_model(run)
    if "decode" not in model.capabilities:
        raise ConfigError(
            f"run {run.name} has no decoder: there is no picture to draw. `unweave evaluate --json` has the MI matrix."
        )
    if len(model.shape) != 3:
        raise DataError(
            "the data are vectors: there is no picture to draw. `unweave evaluate --json` has the MI matrix."
        )
    rows = held_out(dataset)
    codes, table = model.encode(dataset.observations(rows)), dataset.table.take(rows)
    chosen, moved = traversals(model, codes, table, frames=frames, top=top)
    labels = [f"z{dial.latent} · {dial.label}" for dial in chosen]
    write_bytes(path, encode_png(labelled_grid(moved, labels)))
    return [{**vars(dial), "label": dial.label} for dial in chosen]
