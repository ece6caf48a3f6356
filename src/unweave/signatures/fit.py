"""Signatures of a model: probes, candidate directions, and the choice among them on rows that took no part."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave import __version__
from unweave.core.binding import NOTHING_BOUND, Binding
from unweave.core.errors import DataError
from unweave.core.factors import FactorTable
from unweave.core.scores import Score
from unweave.core.seeds import generator
from unweave.signatures.candidates import candidates
from unweave.signatures.density import Density
from unweave.signatures.isolation import Response, leak, skills
from unweave.signatures.probes.all import labelled_part, probe_factors
from unweave.signatures.probes.fit import fit_probe
from unweave.signatures.probes.report import ProbeReport
from unweave.signatures.problem import Problem
from unweave.signatures.reader import Reader
from unweave.signatures.safe import safe_range
from unweave.signatures.signature import Candidate, Signature
from unweave.signatures.signatures import Signatures

Floats = NDArray[np.float64]

EDITED = 256
"""Reference rows that the choice among candidates edits at most."""

LEAST_SKILL = 0.1
"""Share of what there is to read above chance that a probe reads, for others to be isolated from its factor."""

_FOLDS = 2

Half = tuple[Problem, Problem, NDArray[np.int64], Floats]
"""Rows that candidates are found on, the others that judge them, some of the first, and what the model makes of these:
what it does not redraw cannot leak, and should not count."""


def fit_signatures(
    codes: NDArray[np.floating[Any]],
    table: FactorTable,
    *,
    model: str,
    reference: NDArray[np.floating[Any]] | None = None,
    response: Response | None = None,
    binding: Binding = NOTHING_BOUND,
    groups: NDArray[np.int64] | None = None,
    correlated: Sequence[tuple[str, str]] = (),
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
        correlated: pairs of factors that vary together in these rows and need not elsewhere; see `probe_factors`.
        only: take this form of directions, without a choice.
        provenance: what to keep beside the signatures.
        bootstrap, nulls: resamples behind the intervals of the probes' scores, and permutations for their nulls.
        seed: of all that is drawn.

    Raises:
        DataError: there is no label, or no factor can be probed; the reasons of all factors are given.
    """
    values = np.asarray(codes, dtype=np.float64)
    everything = values if reference is None else np.asarray(reference, dtype=np.float64)
    reports = probe_factors(
        values, table, groups=groups, correlated=correlated, bootstrap=bootstrap, nulls=nulls, seed=seed
    )
    table = table.select(tuple(reports))
    density = Density.of(everything)
    responded: Response = response or (lambda z: z)
    rows = np.sort(generator(seed, "signatures", "edited").permutation(len(everything))[:EDITED])
    whole = _problem(values, table, {n: r.reader for n, r in reports.items()}, reports, density, binding, groups)
    halves = [] if only else _halves(whole, reports, density, groups, correlated, responded, seed)
    found, choices = [], {}
    for name, report in reports.items():
        every = candidates(whole, name)
        leaks, short = _leaks(halves, name, everything[rows], density, responded)
        # What moves too little inside the data is taken only where nothing else is there.
        able = [form for form in leaks if form not in short] or list(leaks)
        chosen = f"{only}" if only else min(able, key=lambda form: leaks[form]) if able else "isolated"
        signature = every.get(chosen) or every["isolated"]
        safe = safe_range(
            signature.chart, signature.directions, signature.path, signature.reader, density, everything[rows]
        )
        found.append(replace(signature, safe=safe, quality=_quality(report), labels=report.rows))
        choices[name] = {one: value if np.isfinite(value) else None for one, value in leaks.items()}
    kept = {
        **(provenance or {}),
        "rows": len(values),
        "seed": seed,
        "unweave": __version__,
        "held_out_leakage": choices,
        "refused": dict(reports.refused),
        "notes": {name: list(_notes(report)) for name, report in reports.items()},
    }
    return Signatures(model, density, tuple(found), kept)


def _quality(report: ProbeReport) -> dict[str, Score]:
    """Scores of a probe, the main one first, and that of the non-linear probe beside it."""
    bent = report.nonlinear
    return {**report.scores, **({} if bent is None else {bent.score.name: bent.score})}


def _notes(report: ProbeReport) -> Iterator[str]:
    """What to know about a probe, in sentences."""
    yield from report.notes
    bent = report.nonlinear
    if bent is not None and bent.costs and bent.interval is not None:
        low, high = bent.interval
        yield (
            f"A probe that may bend reads {bent.difference:.2f} better ({low:.2f} to {high:.2f}): "
            "the code holds more of it than lies on a line."
        )


def _problem(
    codes: Floats,
    table: FactorTable,
    readers: Mapping[str, Reader],
    reports: Mapping[str, ProbeReport],
    density: Density,
    binding: Binding,
    groups: NDArray[np.int64] | None,
) -> Problem:
    reliable = tuple(name for name in readers if _is_reliable(reports[name]))
    penalties = {name: reports[name].penalty for name in readers}
    return Problem(codes, table, readers, reliable, density.covariance, binding, penalties, groups)


def _is_reliable(report: ProbeReport) -> bool:
    """Whether a probe reads more than chance, and a tenth at least of what there is above chance."""
    score = report.main
    if score.null_interval is None or score.null is None or score.value is None:
        return score.value is not None and score.value > LEAST_SKILL
    # Without resamples there is no interval, and the score itself has to lie above those of permuted labels.
    above = report.reliable if score.interval is not None else score.value > score.null_interval[1]
    return above and score.value - score.null > LEAST_SKILL * (1 - score.null)


def _halves(
    whole: Problem,
    reports: Mapping[str, ProbeReport],
    density: Density,
    groups: NDArray[np.int64] | None,
    correlated: Sequence[tuple[str, str]],
    response: Response,
    seed: int,
) -> list[Half]:
    """Both halves of the labelled rows, each way round, with the penalties that all rows chose."""
    codes, table = whole.codes, whole.factors
    units = np.arange(len(codes)) if groups is None else np.unique(groups, return_inverse=True)[1]
    side = generator(seed, "signatures", "halves").permutation(int(units.max()) + 1)[units] % _FOLDS
    linked = [pair for pair in correlated if set(pair) <= set(table.names)]
    parts = []
    for half in range(_FOLDS):
        rows = np.flatnonzero(side == half)
        own, readers = table.take(rows), {}
        for name in table.names:
            # A half without two labels of a factor, or without one of its classes, cannot choose its directions.
            with contextlib.suppress(DataError):
                some, _, labels, weights = labelled_part(codes[rows], own, name, None, linked)
                readers[name] = fit_probe(
                    codes[rows][some],
                    reports[name].reader.target,
                    labels,
                    weights=None if weights is None else weights.values,
                    penalty=reports[name].penalty,
                )
        part = None if groups is None else groups[rows]
        parts.append(_problem(codes[rows], own.select(tuple(readers)), readers, reports, density, whole.binding, part))
    found = []
    for fitted, judging in (parts, parts[::-1]):
        some = np.unique(np.linspace(0, len(fitted.codes) - 1, EDITED).astype(np.int64))
        found.append((fitted, judging, some, response(fitted.codes[some])))
    return found


def _leaks(
    halves: list[Half], name: str, codes: Floats, density: Density, response: Response
) -> tuple[dict[str, float], set[str]]:
    """Held-out leakage of every candidate of a factor, mean of both ways, and which cannot move it far enough."""
    found: dict[str, list[float]] = {}
    short: set[str] = set()
    for fitted, judging, rows, again in halves:
        if name not in fitted.readers or name not in judging.readers:
            continue
        read, names = judging.unbiased(name), judging.beside(name)
        targets = {n: judging.readers[n].target for n in names}
        told = fitted.factors.take(rows).select([n for n in names if n in fitted.readers])
        skill = dict.fromkeys(names, 0.0) | skills(read(again), {n: judging.charts[n] for n in told.names}, told)
        for form, signature in candidates(fitted, name).items():
            found.setdefault(form, []).append(leak(signature, codes, read, targets, skill, response))
            if not _moves_enough(signature, density, codes):
                short.add(form)
    return {form: float(np.mean(values)) for form, values in found.items() if len(values) == len(halves)}, short


def _moves_enough(signature: Signature, density: Density, codes: Floats) -> bool:
    """Whether a standard step, an eighth of a turn or the way to another class stays inside the data."""
    low, high = safe_range(signature.chart, signature.directions, signature.path, signature.reader, density, codes)
    if signature.path == "classes":
        return high >= 1
    enough = signature.factor.period / 8 if signature.turns else 1.0
    return low <= -enough and high >= enough
