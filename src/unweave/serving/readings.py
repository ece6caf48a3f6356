"""What the probes say of a code, factor by factor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.serving.work.jobs import Readings
from unweave.signatures.signature import Signature
from unweave.signatures.signatures import Signatures


def readings_of(signatures: Signatures, code: NDArray[Any]) -> Readings:
    """Per factor `value`, a name for classes and a number in the units of the labels otherwise; for classes also
    `probabilities` by name.

    Args:
        signatures: of the model.
        code: (D,).
    """
    return {signature.name: _reading(signature, code[None]) for signature in signatures.signatures}


def _reading(signature: Signature, codes: NDArray[Any]) -> dict[str, Any]:
    factor = signature.factor
    label = float(signature.reader.read(codes)[0])
    names = signature.chart.target.factor.values
    if not factor.is_discrete or not names:
        return {"value": label}
    reading: dict[str, Any] = {"value": names[int(label)]}
    if factor.kind == "categorical":
        odds = signature.reader(codes)[0]
        weights = np.exp(odds - odds.max())
        shares = weights / weights.sum()
        reading["probabilities"] = {name: float(share) for name, share in zip(names, shares, strict=True)}
    return reading
