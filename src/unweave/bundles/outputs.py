"""Which of an encoder's outputs is the code, and which says how sure it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.core.pair import Reading, Spread

MOST_LATENT = 65_536

_MEAN = re.compile(r"(?:^|_)(?:mean|means|mu|loc|z_?mean|code|codes)(?:$|_)")
_SPREADS: tuple[tuple[re.Pattern[str], Spread], ...] = (
    (re.compile(r"log_?var|log_?variance|lvar|log_?sigma_?(?:2|sq)"), "logvar"),
    (re.compile(r"log_?std|log_?sigma|log_?scale"), "logstd"),
    (re.compile(r"(?:^|_)(?:var|variance|sigma_?2|sigma_?sq)(?:$|_)"), "variance"),
    (re.compile(r"(?:^|_)(?:std|stddev|sigma|scale)(?:$|_)"), "std"),
)
_SECOND: Mapping[str, str] = {
    "logvar": "log-variance",
    "logstd": "log of the standard deviation",
    "std": "standard deviation",
}


def reading_of(
    outputs: Mapping[str, NDArray[Any]],
    *,
    mean: str | None = None,
    spread_output: str | None = None,
    spread: Spread | None = None,
) -> tuple[Reading, str | None]:
    """How to read an encoder's outputs, by their names, and what was assumed without them.

    Args:
        outputs: of some rows.
        mean, spread_output, spread: what the user says; None finds out.

    Raises:
        ConfigError: the names say too little, or the outputs do not fit together.
    """
    names = list(outputs)
    for option, name in (("--mean-output", mean), ("--spread-output", spread_output)):
        if name is not None and name not in outputs:
            raise ConfigError(f"{option} {name}: the encoder has no such output. It has {_shown(outputs)}.")
    chosen = mean or _mean_of(outputs)
    _check_mean(chosen, outputs[chosen])
    shape = outputs[chosen].shape[1:]
    if spread == "halves":
        return Reading(mean=chosen, spread="halves", code_shape=(_half(chosen, outputs[chosen]),)), None
    beside = [name for name in names if name != chosen and outputs[name].shape[1:] == shape]
    by_name = {name: kind for name in beside if (kind := _kind(name)) is not None}
    said: str | None = None
    output = spread_output or next(iter(by_name), None)
    if output is None and spread != "none" and len(names) == 2 and beside:
        output, said = beside[0], f"The encoder's outputs {_shown(outputs)} are taken for mean and log-variance"
    if output is None or spread == "none":
        return Reading(mean=chosen, code_shape=shape), None
    if outputs[output].shape[1:] != shape:
        raise ConfigError(f"the encoder's {chosen!r} and {output!r} have different shapes: {_shown(outputs)}.")
    kind = spread or by_name.get(output) or _kind(output) or "logvar"
    if kind in ("std", "variance") and (outputs[output] < 0).any():
        raise ConfigError(
            f"the encoder's output {output!r} is read as {_SECOND.get(kind, kind)} and has values below 0. Say what it "
            "is with --spread logvar or --spread logstd, or leave it out with --spread none."
        )
    return Reading(mean=chosen, spread=kind, spread_output=output, code_shape=shape), said


def _mean_of(outputs: Mapping[str, NDArray[Any]]) -> str:
    names = list(outputs)
    by_name = [name for name in names if _MEAN.search(_plain(name)) and _kind(name) is None]
    if len(by_name) == 1 or (by_name and len(names) <= 2):
        return by_name[0]
    without = [name for name in names if _kind(name) is None]
    if len(names) <= 2 and without:
        return without[0]
    raise ConfigError(
        f"the encoder has {len(names)} outputs, {_shown(outputs)}, and their names do not say which is the mean. Pass "
        "--mean-output NAME, and --spread-output NAME for the log-variance if there is one."
    )


def _kind(name: str) -> Spread | None:
    return next((kind for pattern, kind in _SPREADS if pattern.search(_plain(name))), None)


def _plain(name: str) -> str:
    """`encoder/zMean:0` as `encoder_z_mean_0`."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())


def _check_mean(name: str, array: NDArray[Any]) -> None:
    size = int(np.prod(array.shape[1:]))
    if array.ndim < 2 or array.dtype.kind not in "fiu" or not 0 < size <= MOST_LATENT:
        raise ConfigError(
            f"the encoder's output {name!r} is {array.dtype} of shape {array.shape}; expected numbers (rows, "
            f"dimensions) with at most {MOST_LATENT:,} dimensions. Choose another with --mean-output."
        )
    if not np.isfinite(array).all():
        raise ConfigError(
            f"the encoder's output {name!r} holds NaN or infinite values on real rows. Check the range of the pixels "
            "that it was trained on (--range)."
        )


def _half(name: str, array: NDArray[Any]) -> int:
    if array.ndim != 2 or array.shape[1] % 2:
        raise ConfigError(f"--spread halves: the encoder's {name!r} has shape {array.shape}, which has no two halves.")
    return int(array.shape[1] // 2)


def _shown(outputs: Mapping[str, NDArray[Any]]) -> str:
    return ", ".join(f"{name} {tuple(array.shape[1:])}" for name, array in outputs.items())
