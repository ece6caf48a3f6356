"""Two sets of directions for the same model, compared on the same rows at the same on-target change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unweave.core.errors import ConfigError
from unweave.signatures.leakage.measurement import Measurement
from unweave.signatures.leakage.response import Estimate, estimate


@dataclass(frozen=True)
class Comparison:
    """Mean off-target leakage of one set of directions minus that of another.

    Attributes:
        measure: which kind of judge.
        gains: on-target change at which each signature was compared, by factor.
        one, other: mean leakage of each set, with intervals.
        difference: one minus other, with an interval from the same resamples of the same rows; below 0, `one` leaks
            less.
        differences: by signature.
    """

    measure: str
    gains: Mapping[str, float]
    one: Estimate
    other: Estimate
    difference: Estimate
    differences: Mapping[str, Estimate]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "measure": self.measure,
            "gains": dict(self.gains),
            "one": list(self.one),
            "other": list(self.other),
            "difference": list(self.difference),
            "differences": {name: list(pair) for name, pair in self.differences.items()},
        }


def compare(one: Measurement, other: Measurement, *, gain: float | None = None) -> Comparison:
    """Compare mean leakage in pairs: every signature of both sets at the on-target change that both reach.

    Args:
        one, other: by the same judge, of the same rows, seed, groups and number of samples.
        gain: on-target change, in units of two random rows; None takes that of `one`.

    Raises:
        ConfigError: they are not of the same rows, judge or samples, or share no signature.
    """
    if one.measure != other.measure or not np.array_equal(one.rows, other.rows) or one.factors != other.factors:
        raise ConfigError(
            f"measurements of {one.measure!r} on {len(one.rows)} rows and of {other.measure!r} on {len(other.rows)} "
            "rows cannot be compared in pairs. Measure both with the same judge, rows and seed."
        )
    wanted = one.gain if gain is None else gain
    left, right, gains = {}, {}, {}
    for name in one.tried:
        if name not in other.tried or not one.tried[name].factors:
            continue
        a, b = one.tried[name], other.tried[name]
        if a.response.on.shape[0] != b.response.on.shape[0]:
            raise ConfigError("measurements have different numbers of samples. Measure both with the same `bootstrap`.")
        gains[name] = float(min(wanted, a.response.reach, b.response.reach))
        left[name], right[name] = (
            side.response.at(gains[name]).ratios[:, : len(side.factors)].mean(axis=1) for side in (a, b)
        )
    if not gains:
        raise ConfigError("the two sets of signatures share no factor that can be judged.")
    first, second = (np.mean(list(side.values()), axis=0) for side in (left, right))
    return Comparison(
        measure=one.measure,
        gains=gains,
        one=estimate(first, 0),
        other=estimate(second, 0),
        difference=estimate(first - second),
        differences={name: estimate(left[name] - right[name]) for name in gains},
    )
