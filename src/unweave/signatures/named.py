"""A direction that somebody has named becomes a signature: moved, set and swapped like a labelled factor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unweave import __version__
from unweave.core.factors import Factor
from unweave.core.targets import Target
from unweave.signatures.candidate_directions import Discovery
from unweave.signatures.chart import Chart
from unweave.signatures.reader import Reader
from unweave.signatures.signature import Signature
from unweave.signatures.signatures import Signatures

DISCOVERED = "discovered"
"""The form of directions that no label was used for."""


def with_named(signatures: Signatures | None, discovery: Discovery) -> Signatures:
    """The signatures of a model with those of all named candidates, in place of what was named before.

    Args:
        signatures: of the same model, or None where there are none; those of another model are dropped.
        discovery: its candidates.

    Where a factor of that name has a signature from labels, that one stays.
    """
    labelled: tuple[Signature, ...] = ()
    earlier: dict[str, Signature] = {}
    if signatures is not None and signatures.model == discovery.model:
        labelled = tuple(s for s in signatures.signatures if s.candidate != DISCOVERED)
        earlier = {s.name: s for s in signatures.signatures if s.candidate == DISCOVERED}
    else:
        signatures = None
    found = []
    for place, candidate in enumerate(discovery.candidates):
        if candidate.name is None or candidate.name in {s.name for s in labelled}:
            continue
        made = _signature(discovery, place, candidate.name)
        known = earlier.get(made.name)
        same = known is not None and np.array_equal(known.directions, made.directions)
        found.append(replace(made, leakage=known.leakage) if known is not None and same else made)
    provenance = {"unweave": __version__} if signatures is None else signatures.provenance
    density = discovery.density if signatures is None else signatures.density
    told = {
        c.name: {"number": c.number, "how": c.how, "stability": c.stability} for c in discovery.candidates if c.name
    }
    return Signatures(discovery.model, density, (*labelled, *found), {**provenance, DISCOVERED: told})


def _signature(discovery: Discovery, place: int, name: str) -> Signature:
    """A unit is one step, counted from the centre. Nothing is lost on-target: the pattern of the reader is the step."""
    candidate, weights = discovery.candidates[place], discovery.readers[place]
    step = discovery.directions[place] * candidate.step
    target = Target(Factor(name=name, kind="continuous", description=f"found by {candidate.how}"))
    reader = Reader(target, weights[:, None], np.array([-discovery.centre @ weights]))
    low, high = discovery.density.reach(discovery.centre[None], step)
    safe = float(low[0]), float(high[0])
    return Signature(Chart(target), step[None], reader, "line", "discovered", 1.0, safe, labels=0)
