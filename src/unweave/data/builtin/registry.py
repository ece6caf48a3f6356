"""From `builtin:NAME` to a set, and from the `data:` section to cells of its grid."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping

from unweave.core.errors import ConfigError
from unweave.data.builtin.base import GeneratedSet, Index
from unweave.data.builtin.digits import Digits
from unweave.data.builtin.sampling import Correlation, LeftOut, count_left, draw
from unweave.data.builtin.scenes import Scenes
from unweave.data.builtin.sprites import Sprites
from unweave.data.config import DataConfig

DEFAULT_ROWS = 50_000
"""How many images are drawn when a project does not say, as long as there are as many."""

_SETS: Mapping[str, tuple[tuple[int, ...], Callable[[int], GeneratedSet]]] = {
    "sprites": ((64, 32), Sprites),
    "sprites-color": ((64, 32), lambda size: Sprites(size, "color")),
    "sprites-noisy": ((64, 32), lambda size: Sprites(size, "noisy")),
    "scenes": ((64, 32, 128), Scenes),
    "digits": ((8, 16, 32), Digits),
}


def builtin_set(name: str, *, size: int | None) -> GeneratedSet:
    """The built-in set called `name`, at `size` pixels or, by default, at its native size.

    Raises:
        ConfigError: the name or the size is unknown.
    """
    if name not in _SETS:
        raise ConfigError(f"data.images: no built-in set is called {name!r}. {_advice(name, _SETS, 'sets')}")
    sizes, make = _SETS[name]
    if size is not None and size not in sizes:
        known = ", ".join(map(str, sorted(sizes)))
        raise ConfigError(f"data.size: builtin:{name} is drawn at {known} pixels, got {size}. Choose one of these.")
    return make(size or sizes[0])


def draw_rows(generated: GeneratedSet, config: DataConfig) -> Index:
    """The cells that a project's `data:` section asks for, (rows, K).

    Raises:
        ConfigError: `correlate` or `leave_out` name what the set does not have, or leave nothing.
    """
    correlate = _correlation(generated, config)
    leave_out = _left_out(generated, config)
    rows = config.rows or min(count_left(generated.sizes, leave_out), DEFAULT_ROWS)
    return draw(generated.sizes, rows, seed=config.split.seed, correlate=correlate, leave_out=leave_out)


def _correlation(generated: GeneratedSet, config: DataConfig) -> Correlation | None:
    if config.correlate is None:
        return None
    a, b = (_factor(generated, name, "correlate.factors") for name in config.correlate.factors)
    if a == b:
        raise ConfigError(
            f"data.correlate.factors: expected two different factors, got {generated.factors[a].name!r} twice."
        )
    return a, b, config.correlate.strength


def _left_out(generated: GeneratedSet, config: DataConfig) -> LeftOut | None:
    left_out: dict[int, list[int]] = {}
    for name, values in (config.leave_out or {}).items():
        factor = _factor(generated, name, "leave_out")
        if not values:
            raise ConfigError(
                f"data.leave_out.{name}: expected at least one class, got none. Name one or remove the key."
            )
        for value in values:
            axis, classes = generated.cells(factor, _class(generated, factor, value))
            left_out.setdefault(axis, []).extend(classes.tolist())
    return left_out or None


def _factor(generated: GeneratedSet, name: str, key: str) -> int:
    names = [factor.name for factor in generated.factors]
    if name not in names:
        advice = _advice(name, names, "factors")
        raise ConfigError(f"data.{key}: builtin:{generated.name} has no factor called {name!r}. {advice}")
    return names.index(name)


def _class(generated: GeneratedSet, factor: int, value: str | int) -> int:
    name, values, count = generated.factors[factor].name, generated.factors[factor].values, generated.classes(factor)
    if isinstance(value, str) and values is not None and value in values:
        return values.index(value)
    if isinstance(value, int) and 0 <= value < count:
        return value
    named = f" or one of {', '.join(values)}" if values else ""
    raise ConfigError(f"data.leave_out.{name}: expected a class from 0 to {count - 1}{named}, got {value!r}.")


def _advice(name: str, known: Collection[str], what: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"The {what} are: {', '.join(known)}."
