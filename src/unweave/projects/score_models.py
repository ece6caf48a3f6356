"""Ranking models by UDR from a file of their codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from unweave.core import ConfigError, DataError
from unweave.metrics.inputs import Mode
from unweave.metrics.udr import Method, Ranking, udr
from unweave.projects.score_inputs import read_arrays

NAMES = ("udr.lasso", "udr.spearman")


def rank_models(
    path: Path, names: Sequence[str] = NAMES, *, mode: Mode, bootstrap: int, nulls: int, seed: int
) -> dict[str, Any]:
    """Scores of the M models in an `.npz` file with `reps` (M, N, D) and, where they are known, `kl` (M, D).

    Args:
        path: the file.
        names: `udr.lasso`, `udr.spearman`.
        mode: see `udr`, as for the arguments below.
        bootstrap: samples.
        nulls: rotations.
        seed: seed of both.

    Returns:
        `{"scores": {name: …}}` like a scorecard, with a list of M in place of each number; `choice` is the number of
        the model to take, or None with a `choice_reason`.

    Raises:
        ConfigError: another name.
        DataError: the file is absent or damaged, or has no `reps`.
        ShapeError: the arrays do not fit together.
    """
    odd = [name for name in names if name not in NAMES]
    if odd:
        raise ConfigError(f"metrics: models are ranked by {' or '.join(NAMES)}, not by {odd[0]!r}.")
    arrays = read_arrays(path)
    if "reps" not in arrays:
        found = ", ".join(f"`{name}` {array.shape}" for name, array in arrays.items())
        raise DataError(f"{path}: expected `reps` (models, rows, codes) and `kl` (models, codes); it has {found}.")
    scores = {}
    for name in names:
        method = cast("Method", name.partition(".")[2])
        models = arrays["reps"], arrays.get("kl")
        ranking = udr(*models, method=method, mode=mode, bootstrap=bootstrap, nulls=nulls, seed=seed)
        scores[name] = _to_json(ranking)
    return {"scores": scores}


def _to_json(ranking: Ranking) -> dict[str, Any]:
    models = [score.to_json() for score in ranking.scores]
    reasons = [f"model {place}: {model['reason']}" for place, model in enumerate(models) if model["reason"]]
    lists = {key: [model[key] for model in models] for key in ("value", "interval", "null", "null_interval")}
    return {
        **{key: None if all(one is None for one in many) and key != "value" else many for key, many in lists.items()},
        "reason": " ".join(reasons) or None,
        "dropped_codes": [model["dropped_codes"] for model in models],
        "stamp": models[0]["stamp"],
        "matrix": [[float(cell) if np.isfinite(cell) else None for cell in row] for row in ranking.pairwise],
        "choice": ranking.choice,
        "choice_reason": ranking.reason,
    }
