"""Scores of a run's model on held-out rows; works without torch where the model does."""

from __future__ import annotations

from typing import Any

from unweave.core.model import RunModel
from unweave.core.observations import as_decoded
from unweave.core.scores import Scorecard
from unweave.data.dataset import Dataset
from unweave.metrics import active_units, reconstruction, scorecard
from unweave.metrics.bound import bound_scores
from unweave.projects.config import AcceptConfig
from unweave.projects.data import held_out
from unweave.projects.gates import check_gates
from unweave.projects.models import trained_model
from unweave.projects.runs import Run


def evaluate(
    run: Run,
    dataset: Dataset,
    *,
    accept: AcceptConfig | None = None,
    model: RunModel | None = None,
    bootstrap: int = 200,
) -> Scorecard:
    """Score a run's model on held-out rows, keep the scorecard and the gates in its folder, and return it.

    Args:
        run: a complete one.
        dataset: the data of the run.
        accept: the gates.
        model: of the run, where it is at hand. One that cannot decode has no score of reconstruction.
        bootstrap: resamples behind the intervals; 0 for none.

    Raises:
        ConfigError: the run is not complete.
        DataError: there are no held-out rows.
    """
    model = model or trained_model(run)
    rows = held_out(dataset)
    observations, table = dataset.observations(rows), dataset.table.take(rows)
    codes = model.encode(observations)
    seed = run.project().training.seed
    cards: dict[str, Any] = {}
    if table.factors:
        cards |= scorecard(codes, table, groups=codes.groups or None, bootstrap=bootstrap, seed=seed)
        cards |= bound_scores(codes, table, model.binding, bootstrap=bootstrap, seed=seed)
    cards["active_units"] = active_units(codes, bootstrap=bootstrap, seed=seed)
    if "decode" in model.capabilities:
        decoded = model.decode(codes.mean)
        cards["reconstruction"] = reconstruction(as_decoded(observations), decoded, bootstrap=bootstrap, seed=seed)
    card = Scorecard(cards)
    run.write("scorecard", card.to_json())
    run.write("gates", {"gates": [gate.to_json() for gate in check_gates(accept, card)]})
    return card
