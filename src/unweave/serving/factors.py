"""What a person needs to know of a factor to move it, in its own units."""

from __future__ import annotations

import math

from unweave.core.errors import ConfigError
from unweave.serving.schemas import FactorLine
from unweave.signatures.budget import measured
from unweave.signatures.density import Density
from unweave.signatures.signature import Signature


def factor_line(signature: Signature, density: Density) -> FactorLine:
    """A factor as `/v1/factors` gives it.

    Args:
        signature: of the factor.
        density: of the model's codes; readings are counted from the middle of it.
    """
    factor, target = signature.factor, signature.chart.target
    names = factor.values or ()
    values = [names[code] for code in signature.classes] if signature.path == "classes" else list(names)
    return FactorLine(
        name=factor.name,
        kind=factor.kind,
        values=values or None,
        unit=_unit(signature),
        step=target.scale if signature.path in ("line", "piecewise") else 1.0,
        safe_range=_safe_readings(signature, density),
        safe_by=list(signature.safe),
        quality={name: _finite(score.value) for name, score in signature.quality.items()},
        leakage=_leakage(signature),
    )


def _unit(signature: Signature) -> str:
    """In which `by` counts."""
    if signature.path == "classes":
        return "ways from class to class"
    if signature.turns:
        return "units of the labels"
    return "standard steps"


def _safe_readings(signature: Signature, density: Density) -> list[float] | None:
    """Labels between which the middle of the data can be moved; None for classes and for a full turn."""
    if signature.path == "classes":
        return None
    factor, target, centre = signature.factor, signature.chart.target, density.mean[None]
    low, high = signature.safe
    if signature.turns:
        if high - low >= factor.period:
            return None
        scale, middle = 1.0, float(signature.reader.read(centre)[0])
    else:
        # Not the label itself, which for a level is rounded.
        scale, middle = target.scale, float(target.restore(signature.reader(centre)[:, 0])[0])
    ends = [middle + scale * low, middle + scale * high]
    bounds = None if signature.turns else factor.range
    if bounds is not None:
        ends = [min(max(end, bounds[0]), bounds[1]) for end in ends]
    return ends if all(map(math.isfinite, ends)) else None


def _leakage(signature: Signature) -> dict[str, list[float]]:
    try:
        row = measured(signature)
    except ConfigError:
        return {}
    lines = zip(row.factors, row.values, row.intervals, strict=True)
    return {name: [value, low, high] for name, value, (low, high) in lines if math.isfinite(value + low + high)}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
