"""The protocol that every score carries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from unweave import __version__
from unweave.core import Stamp
from unweave.metrics.inputs import IDLE, Mode, Problem


def make_stamp(
    definition: str, mode: Mode, problem: Problem, settings: Mapping[str, Any], *, libraries: tuple[str, ...] = ()
) -> Stamp:
    """The stamp of a score of `problem`; `libraries` names the ones beyond NumPy that computed it."""
    if mode == "robust":
        known = problem.noise is not None
        settings = {**settings, "dead_codes": f"constant, or under {IDLE} nats" if known else "constant"}
    versions = {"unweave": __version__, **{name: _version(name) for name in ("numpy", *libraries)}}
    return Stamp(definition, mode, dict(settings), len(problem.codes), problem.factors.names, versions)


@cache
def _version(name: str) -> str:
    return version(name)


def no_classes(factor: str) -> str:
    """Why a published definition cannot score a factor."""
    return (
        f"the published definition needs classes, and factor {factor!r} has fewer than two: it is constant, has no "
        'labels, or is a measurement. Use mode="robust".'
    )
