"""Whether a bundle gives what the model gives that it was made of, on real rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.files import Half
from unweave.bundles.schema import Parity
from unweave.core.errors import ConfigError
from unweave.core.model import LatentModel, Observations
from unweave.core.seeds import generator

LIMIT = 1e-4
BATCHES = (1, 3, 64)
ROWS = 64
"""Rows that are compared: all of them one by one, three by three, and at once."""

Floats = NDArray[np.float32]

_OF_LARGEST = 0.01
_GRAPHS: Mapping[str, Half] = {"mean": "encoder", "logvar": "encoder", "observations": "decoder"}


def measure_parity(
    model: LatentModel, other: LatentModel, observations: Observations, limits: Mapping[str, float] | None = None
) -> tuple[Parity, ...]:
    """How far the outputs of two models are apart.

    Args:
        model: the model itself.
        other: what should do the same.
        observations: real rows, of which `ROWS` are taken.
        limits: of the outputs `mean`, `logvar` and `observations`; `LIMIT` for all of them otherwise.

    Returns:
        For the encoder its means and log-variances, for the decoder its observations: of the codes of the rows, and of
        as many codes from the prior, since edits leave the codes of the data.

    Raises:
        ConfigError: one gives NaN or infinity.
    """
    rows = observations[:ROWS]
    own = model.encode(rows)
    codes = np.concatenate([own.mean, own.prior(len(rows), generator(0, "parity", "prior"))])
    wanted = {"mean": own.mean, "logvar": own.logvar, "observations": model.decode(codes)}
    ones = np.ones(1)
    units = {
        "mean": np.maximum(1, own.mean.std(axis=0)),
        "logvar": ones,
        "observations": ones if rows.dtype == np.uint8 else _units(rows),
    }
    worst: dict[str, float] = {}
    for batch in BATCHES:
        found = _in_batches(other, rows, codes, batch)
        for name, expected in wanted.items():
            if expected is not None:
                apart = _apart(name, found[name], expected, units[name])
                worst[name] = max(worst.get(name, 0.0), apart)
    return tuple(
        Parity(
            graph=_GRAPHS[name],
            output=name,
            difference=difference,
            limit=LIMIT if limits is None else limits[name],
            rows=len(rows),
            batches=BATCHES,
        )
        for name, difference in worst.items()
    )


def _apart(name: str, found: Floats, expected: Floats, units: NDArray[np.float64]) -> float:
    apart = np.abs(found.astype(np.float64) - expected) / units
    if not np.isfinite(apart).all():
        raise ConfigError(f"the model or its graph gives NaN or infinity in `{name}` on real rows.")
    return float(apart.max(initial=0))


def require(parity: tuple[Parity, ...]) -> None:
    """Refuse graphs that are further from the model than the limit.

    Raises:
        ConfigError: one is.
    """
    failed = [one for one in parity if not one.passed]
    if failed:
        said = "; ".join(f"{p.graph}, {p.output}: {p.difference:.3g} (at most {p.limit:g})" for p in failed)
        raise ConfigError(
            f"the graphs do not give what the model gives, so nothing is exported. Largest differences on real rows: "
            f"{said}. Please report it, with the section `net` of the project."
        )


def _in_batches(model: LatentModel, rows: Observations, codes: Floats, batch: int) -> dict[str, Floats]:
    found: dict[str, list[Any]] = {"mean": [], "logvar": [], "observations": []}
    for start in range(0, len(rows), batch):
        encoded = model.encode(rows[start : start + batch])
        found["mean"].append(encoded.mean)
        if encoded.logvar is not None:
            found["logvar"].append(encoded.logvar)
    found["observations"] = [model.decode(codes[start : start + batch]) for start in range(0, len(codes), batch)]
    return {name: np.concatenate(parts) for name, parts in found.items() if parts}


def _units(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Of the components (F,) of vectors: their standard deviation, or a hundredth of the largest value where that is
    more, since float32 knows no more than seven digits of it."""
    values = np.asarray(vectors, dtype=np.float64)
    unit = np.maximum(values.std(axis=0), _OF_LARGEST * np.abs(values).max(axis=0))
    return np.where(unit > 0, unit, 1.0)
