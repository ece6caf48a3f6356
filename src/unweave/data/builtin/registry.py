"""From `builtin:NAME` to a set, and from the `data:` section to cells of its grid."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError
from unweave.data.builtin.base import GeneratedSet, Index
from unweave.data.builtin.digits import Digits
from unweave.data.builtin.pairs import DrawnPartners
from unweave.data.builtin.sampling import LeaveOut, cells_left, draw
from unweave.data.builtin.scenes import Scenes
from unweave.data.builtin.sprites import Sprites
from unweave.data.config import DataConfig

DEFAULT_ROWS = 50_000

_SETS: Mapping[str, tuple[tuple[int, ...], Callable[[int], GeneratedSet]]] = {
    "sprites": ((64, 32), Sprites),
    "sprites-color": ((64, 32), lambda size: Sprites(size, "color")),
    "sprites-noisy": ((64, 32), lambda size: Sprites(size, "noisy")),
    "scenes": ((64, 32, 128), Scenes),
    "digits": ((8, 16, 32), Digits),
}
"""Name to sizes in pixels, the native one first, and how to make it."""


def builtin_set(name: str, *, size: int | None = None) -> GeneratedSet:
    """The built-in set called `name`, at `size` pixels or at its native size.

    Raises:
        ConfigError: the name or the size is unknown.
    """
    if name not in _SETS:
        raise ConfigError(f"data.images: no built-in set is called {name!r}. {_advice(name, _SETS)}")
    sizes, make = _SETS[name]
    if size is not None and size not in sizes:
        known = ", ".join(map(str, sorted(sizes)))
        raise ConfigError(f"data.size: builtin:{name} is drawn at {known} pixels, got {size}.")
    return make(size or sizes[0])


def draw_rows(generated: GeneratedSet, config: DataConfig) -> Index:
    """The cells that a project's `data:` section asks for, (rows, K).

    Raises:
        ConfigError: `correlate` or `leave_out` name what the set does not have or leave nothing, or more rows are
            wanted than there are different images.
    """
    correlate, leave_out = _correlate(generated, config), _leave_out(generated, config)
    left = cells_left(generated.sizes, leave_out, generated.holes)
    if correlate is None and (config.rows or 0) > left:
        raise ConfigError(f"data.rows: builtin:{generated.name} has {left:,} images to draw from, got {config.rows:,}.")
    return draw(
        generated.sizes,
        config.rows or min(left, DEFAULT_ROWS),
        seed=config.split.seed,
        correlate=correlate,
        leave_out=leave_out,
        holes=generated.holes,
    )


def draw_partners(config: DataConfig, held_out: NDArray[np.int64]) -> DrawnPartners:
    """Partners for the rows of `draw_rows`, as the `data.pairs` section asks for.

    Raises:
        ConfigError: as `draw_rows`.
        DataError: more factors should change than the set has.
    """
    assert config.builtin is not None, "the configuration allows `change` for built-in sets only"
    assert config.pairs is not None
    assert config.pairs.change is not None
    generated = builtin_set(config.builtin, size=config.size)
    return DrawnPartners(
        generated,
        draw_rows(generated, config),
        held_out,
        change=config.pairs.change,
        correlate=_correlate(generated, config),
        leave_out=_leave_out(generated, config),
        holes=generated.holes,
    )


def _correlate(generated: GeneratedSet, config: DataConfig) -> tuple[int, int, float] | None:
    if config.correlate is None:
        return None
    a, b = (_axis(generated, name, "correlate") for name in config.correlate.factors)
    if a == b:
        raise ConfigError(
            f"data.correlate.factors: expected two different factors, got {generated.factors[a].name!r} twice."
        )
    return a, b, config.correlate.strength


def _leave_out(generated: GeneratedSet, config: DataConfig) -> LeaveOut:
    return {
        _axis(generated, name, "leave_out"): [_class(generated, name, value) for value in values]
        for name, values in (config.leave_out or {}).items()
    }


def _advice(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."


def _axis(generated: GeneratedSet, name: str, key: str) -> int:
    names = [factor.name for factor in generated.factors]
    if name not in names:
        raise ConfigError(f"data.{key}: builtin:{generated.name} has no factor {name!r}. {_advice(name, names)}")
    return names.index(name)


def _class(generated: GeneratedSet, name: str, value: str | int) -> int:
    axis = _axis(generated, name, "leave_out")
    values, count = generated.factors[axis].values or (), generated.sizes[axis]
    if isinstance(value, str) and value in values:
        return values.index(value)
    if isinstance(value, int) and 0 <= value < count:
        return value
    named = f" or one of {', '.join(values)}" if values else ""
    raise ConfigError(f"data.leave_out.{name}: expected a class from 0 to {count - 1}{named}, got {value!r}.")
