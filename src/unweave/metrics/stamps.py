"""The protocol that every score carries."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from unweave import __version__
from unweave.core import Score, Stamp
from unweave.metrics.inputs import Mode, Problem


def make_stamp(
    definition: str, mode: Mode, problem: Problem, settings: Mapping[str, Any], *, libraries: tuple[str, ...] = ()
) -> Stamp:
    """The stamp of a score of `problem`; `libraries` names the ones beyond NumPy that computed it."""
    versions = {"unweave": __version__, **{name: version(name) for name in ("numpy", *libraries)}}
    return Stamp(definition, mode, dict(settings), len(problem.codes), problem.factors.names, versions)


def undefined(name: str, stamp: Stamp, reason: str, **details: Any) -> Score:  # noqa: ANN401 - fields of Score
    """A score that cannot be computed, and why."""
    return Score(name, None, stamp, reason=reason, **details)
