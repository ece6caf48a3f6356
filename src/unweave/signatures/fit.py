"""Signatures of a model: probes, candidate directions, and the choice among them on rows that took no part."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave import __version__
from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.core.errors import DataError
from unweave.core.factors import FactorTable
from unweave.core.seeds import generator
from unweave.core.targets import targets_of
from unweave.signatures.candidates import Problem, candidates
from unweave.signatures.density import Density
from unweave.signatures.isolation import Response, leak
from unweave.signatures.probes.assess import assess_probe
from unweave.signatures.probes.fit import fit_probe
from unweave.signatures.probes.report import ProbeReport
from unweave.signatures.reader import Reader
from unweave.signatures.safe import safe_range
from unweave.signatures.signature import Candidate
from unweave.signatures.signatures import Signatures

Floats = NDArray[np.float64]

EDITED = 256
"""Reference rows that the choice among candidates edits at most."""

_FOLDS = 2


def fit_signatures(
    codes: NDArray[np.floating[Any]],
    table: FactorTable,
    *,
    model: str,
    reference: NDArray[np.floating[Any]] | None = None,
    response: Response | None = None,
    binding: Binding = NOTHING_BOUND,
    groups: NDArray[np.int64] | None = None,
    weights: Floats | None = None,
    only: Candidate | None = None,
    provenance: Mapping[str, Any] | None = None,
    bootstrap: int = 200,
    nulls: int = 20,
    seed: int = 0,
) -> Signatures:
    """Find the signature of every factor of some labelled rows.

    A probe is fitted for every factor. Its directions are isolated from those of all other factors whose probes read
    more than chance. Each form of directions (see `signatures.candidates`) is then found on one half of the labelled
    rows and judged by readers from the other half, both ways, on edited reference codes that are decoded and encoded
    again where there is a decoder; the form that leaks least is fitted on all rows.

    Args:
        codes: of the labelled rows, (N, D).
        table: their labels (N, K), with gaps.
        model: hash of the model that the codes are of.
        reference: codes (M, D) that stand for the data, labelled or not; the labelled rows otherwise.
        response: from edited codes to the codes of what they decode to; None takes codes as they are.
        binding: of a model that has columns of its own for some factors.
        groups: of the rows, (N,): rows of a group are never on both sides of a split.
        weights: how much each row counts when probes are fitted, (N,), such as those of `data.reweighting`, which make
            correlated factors independent.
        only: take this form of directions, without a choice.
        provenance: what to keep beside the signatures.
        bootstrap, nulls: resamples behind the intervals of the probes' scores, and permutations for their nulls.
        seed: of all that is drawn.

    Raises:
        DataError: there is no label, or no factor can be probed; the reasons of all factors are given.
    """
    values = np.asarray(codes, dtype=np.float64)
    everything = values if reference is None else np.asarray(reference, dtype=np.float64)
    reports, refused = _probes(values, table, groups, weights, bootstrap, nulls, seed)
    if not reports:
        raise DataError("no factor can be probed. " + " ".join(refused.values()))
    table = table.select(tuple(reports))
    density = Density.of(everything)
    rows = np.sort(generator(seed, "signatures", "edited").permutation(len(everything))[:EDITED])
    whole = _problem(values, table, {n: r.reader for n, r in reports.items()}, reports, density, binding)
    halves = [] if only else _halves(whole, reports, density, groups, weights, seed)
    found, choices = [], {}
    for name, report in reports.items():
        every = candidates(whole, name)
        leaks = _leaks(halves, name, everything[rows], response or (lambda z: z))
        chosen = f"{only}" if only else min(leaks, key=lambda one: leaks[one]) if leaks else "isolated"
        signature = every.get(chosen) or every["isolated"]
        safe = safe_range(
            signature.chart, signature.directions, signature.path, signature.reader, density, everything[rows]
        )
        found.append(replace(signature, safe=safe, quality=report.scores, labels=report.rows))
        choices[name] = {one: value if np.isfinite(value) else None for one, value in leaks.items()}
    kept = {
        **(provenance or {}),
        "rows": len(values),
        "seed": seed,
        "unweave": __version__,
        "held_out_leakage": choices,
        "refused": dict(refused),
    }
    return Signatures(model, density, tuple(found), kept)


def _probes(
    codes: Floats,
    table: FactorTable,
    groups: NDArray[np.int64] | None,
    weights: Floats | None,
    bootstrap: int,
    nulls: int,
    seed: int,
) -> tuple[dict[str, ProbeReport], dict[str, str]]:
    """Probes of all factors, and in words why a factor has none."""
    found: dict[str, ProbeReport] = {}
    refused = {}
    for k, name in enumerate(table.names):
        rows = np.flatnonzero(table.known[:, k])
        try:
            (target,) = targets_of(table.select([name]))
            found[name] = assess_probe(
                codes[rows],
                target,
                table.values[rows, k],
                groups=_of(groups, rows),
                weights=_of(weights, rows),
                bootstrap=bootstrap,
                nulls=nulls,
                seed=seed,
            )
        except DataError as error:
            refused[name] = str(error)
    return found, refused


def _of(array: NDArray[Any] | None, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    return None if array is None else array[rows]


def _problem(
    codes: Floats,
    table: FactorTable,
    readers: Mapping[str, Reader],
    reports: Mapping[str, ProbeReport],
    density: Density,
    binding: Binding,
) -> Problem:
    reliable = tuple(name for name in readers if reports[name].reliable or reports[name].main.null_interval is None)
    return Problem(codes, table, readers, reliable, density.covariance, binding)


def _halves(
    whole: Problem,
    reports: Mapping[str, ProbeReport],
    density: Density,
    groups: NDArray[np.int64] | None,
    weights: Floats | None,
    seed: int,
) -> list[tuple[Problem, Problem]]:
    """The problems of both halves of the labelled rows, each way round, with the penalties that all rows chose."""
    codes, table = whole.codes, whole.factors
    units = np.arange(len(codes)) if groups is None else np.unique(groups, return_inverse=True)[1]
    side = generator(seed, "signatures", "halves").permutation(int(units.max()) + 1)[units] % _FOLDS
    parts = []
    for half in range(_FOLDS):
        readers = {}
        for k, name in enumerate(table.names):
            rows = np.flatnonzero((side == half) & table.known[:, k])
            # A half without two labels of a factor, or without one of its classes, cannot choose its directions.
            with contextlib.suppress(DataError):
                readers[name] = fit_probe(
                    codes[rows],
                    reports[name].reader.target,
                    table.values[rows, k],
                    weights=_of(weights, rows),
                    penalty=reports[name].penalty,
                )
        rows = np.flatnonzero(side == half)
        parts.append(
            _problem(codes[rows], table.take(rows).select(tuple(readers)), readers, reports, density, whole.binding)
        )
    return [(parts[0], parts[1]), (parts[1], parts[0])]


def _leaks(halves: list[tuple[Problem, Problem]], name: str, codes: Floats, response: Response) -> dict[str, float]:
    """Held-out leakage of every candidate of a factor, mean of both ways."""
    found: dict[str, list[float]] = {}
    for fitted, judging in halves:
        if name not in fitted.readers or name not in judging.readers:
            continue
        targets = [r.target for n, r in judging.readers.items() if n == name or n in judging.reliable]
        for form, signature in candidates(fitted, name).items():
            found.setdefault(form, []).append(leak(signature, codes, judging.unbiased, targets, response))
    return {form: float(np.mean(values)) for form, values in found.items() if len(values) == len(halves)}
