"""What else moves when a factor moves: signatures tried through the decoder and looked at by judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.core.factors import FactorTable
from unweave.core.model import LatentModel, Observations
from unweave.core.scores import Score
from unweave.core.seeds import generator
from unweave.signatures.leakage.edits import Edits
from unweave.signatures.leakage.judge import Judge, as_pictures
from unweave.signatures.leakage.measurement import Measurement, Moments, Tried
from unweave.signatures.leakage.realism import Reference
from unweave.signatures.leakage.response import Response, resamples
from unweave.signatures.leakage.skill import beyond_chance, skills, units
from unweave.signatures.signature import Leakage, Signature
from unweave.signatures.signatures import Signatures

Floats = NDArray[np.float64]

FEWEST_DRAWS = 20

DRIFT, REALISM, FLIPS, ASTRAY = "identity_drift", "realism", "flips", "astray"


def measure_leakage(
    model: LatentModel,
    signatures: Signatures | Sequence[Signature],
    observations: Observations,
    table: FactorTable,
    judges: Sequence[Judge],
    *,
    rows: int = 500,
    gain: float = 0.5,
    bootstrap: int = 200,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> tuple[Measurement, ...]:
    """Try every signature on some rows and let judges say what has changed in the decoded observations.

    A row's code is moved by a few amounts (`edits.AMOUNTS`), both ways, towards other classes, or by turns, decoded, and
    compared with its own code decoded. Changes are in units of the change between two random rows of the table. The
    on-target change counts towards what was asked for, so a change the wrong way is subtracted; the others count
    either way. Everything is stated at the amount at which the mean on-target change is `gain`, or the largest that is
    reached. Calls with the same rows, seed, groups and number of samples can be compared in pairs (`compare`).

    A factor is left out, with the reason, when a judge reads it hardly better than chance, or when the model does not
    redraw it: then what the judge sees of it is noise. How much noise is left in the others says `reproduced`.

    Args:
        model: encodes and decodes.
        signatures: what to try; they may be of any candidates, one per factor.
        observations: images uint8 (N, H, W, C) or vectors float32 (N, F). Neither the signatures nor the judges should
            have been learnt from them.
        table: labels (N, K) of the same rows, with gaps where unknown.
        judges: who looks; every batch is decoded once for all of them.
        rows: rows that are edited at most, drawn at random.
        gain: on-target change at which the others are stated, in units of two random rows.
        bootstrap: samples of the rows for the intervals, 20 at least.
        groups: group of each row (N,), for example the person; samples are then drawn of whole groups.
        seed: of rows, targets and samples.

    Returns:
        One measurement per judge, in their order.

    Raises:
        ConfigError: a gain that is not positive, or too few samples.
        ShapeError: arrays do not fit together.
        DataError: there are fewer than 2 rows, or decoded observations are not finite.
    """
    if not gain > 0:
        raise ConfigError(f"gain: expected a change above 0 in units of two random rows, got {gain:g}.")
    if bootstrap < FEWEST_DRAWS:
        raise ConfigError(f"bootstrap: expected at least {FEWEST_DRAWS} samples for the intervals, got {bootstrap}.")
    if len(observations) != len(table) or (groups is not None and len(groups) != len(table)):
        got = (len(observations), len(table)) + (() if groups is None else (len(groups),))
        raise ShapeError("observations, table and groups", want="equal numbers of rows", got=got)
    if len(table) < 2:
        raise DataError(f"leakage needs rows to edit and to compare, and there are {len(table)}.")
    order = generator(seed, "leakage", "rows").permutation(len(table))
    chosen, rest = np.sort(order[:rows]), np.sort(order[rows:])
    codes = model.encode(observations[chosen]).mean
    tried = tuple(signatures.signatures if isinstance(signatures, Signatures) else signatures)
    weights = resamples(len(chosen), bootstrap, groups=None if groups is None else groups[chosen], seed=seed)
    start = model.decode(codes)
    benches = [
        _Bench(judge, start, observations, table, chosen, rest, groups=groups, seed=seed, gain=gain) for judge in judges
    ]
    for signature in tried:
        asked = [bench for bench in benches if bench.can_judge(signature.name)]
        if not asked:
            continue
        column = table.index(signature.name)
        labels, known = table.values[chosen, column], table.known[chosen, column]
        edits = Edits.of(signature, codes.astype(np.float64), labels, known, seed=seed)
        looks: list[list[_Look]] = [[] for _ in asked]
        for amount in edits.amounts:
            moved = codes[:, None] + edits.offsets(amount)
            pictures = model.decode(moved.reshape(-1, codes.shape[1]).astype(np.float32))
            for bench, seen in zip(asked, looks, strict=True):
                seen.append(bench.look(pictures, edits, amount))
        for bench, seen in zip(asked, looks, strict=True):
            bench.note(edits, seen, weights)
    return tuple(bench.measurement(tried, chosen) for bench in benches)


def leakages(measurements: Sequence[Measurement]) -> dict[str, tuple[Leakage, ...]]:
    """Leakage of every signature by all judges that could judge it, as `Signatures.with_leakage` takes it."""
    found: dict[str, tuple[Leakage, ...]] = {}
    for measurement in measurements:
        for name, leakage in measurement.leakage.items():
            found[name] = (*found.get(name, ()), leakage)
    return found


class _Look:
    """Changes that a judge sees in one batch of edits; each is a mean over the E ways, (N,)."""

    def __init__(self, on: Floats, others: Floats, asked: Floats, signed: Floats) -> None:
        self.on, self.others = on, others
        self.moments = np.stack(
            [(asked * signed).mean(1), (asked**2).mean(1), signed.mean(1), (signed**2).mean(1)], axis=1
        )


class _Bench:
    """One judge at work: what it saw of the rows before, and what it has seen of the signatures."""

    def __init__(
        self,
        judge: Judge,
        start: NDArray[np.float32],
        observations: Observations,
        table: FactorTable,
        chosen: NDArray[np.int64],
        rest: NDArray[np.int64],
        *,
        groups: NDArray[np.int64] | None,
        seed: int,
        gain: float,
    ) -> None:
        self.judge, self.gain = judge, gain
        self.names = tuple(f.name for f in judge.factors)
        self.unit = units(judge, table)
        self.before, self.features = judge.look(start)
        seen, real = judge.look(as_pictures(observations[chosen]))
        everything = np.ones(seen.shape, dtype=np.bool_)
        originals = FactorTable(judge.factors, seen, everything)
        self.reproduced = skills(
            judge, self.before, originals, unit=self.unit, definition="leakage.reproduced", seed=seed
        )
        self.left_out = _left_out(judge.quality, self.reproduced, self.unit, self.names)
        self.reference = None
        if self.features is not None and real is not None:
            others = judge.look(as_pictures(observations[rest[: 2 * len(chosen)]]))[1] if len(rest) else None
            self.reference = Reference.of(real, others)
        self.used = tuple(k for k, name in enumerate(self.names) if name not in self.left_out)
        self.tried: dict[str, Tried] = {}

    def can_judge(self, name: str) -> bool:
        return any(self.names[k] == name for k in self.used)

    def look(self, pictures: NDArray[np.float32], edits: Edits, amount: float) -> _Look:
        """Changes in edited pictures (N * E, …)."""
        values, features = self.judge.look(pictures)
        rows, ways = edits.towards.shape
        before = np.repeat(self.before, ways, axis=0)
        signed = (self.judge.difference(before, values) / np.where(self.unit > 0, self.unit, 1)).reshape(rows, ways, -1)
        own = self.names.index(edits.signature.name)
        if edits.signature.path == "classes":
            there = values[:, own].reshape(rows, ways) == edits.towards
            already = self.before[:, own, None] == edits.towards
            wanted = (there.astype(np.float64) - already) / self.unit[own]
            on_target = wanted
        else:
            on_target, wanted = signed[:, :, own] * edits.towards, signed[:, :, own]
        others = [np.abs(signed[:, :, k]).mean(axis=1) for k in self.used if k != own]
        others += [column for _, column in self._extras(values, features, edits)]
        asked = edits.asked(amount) / self.unit[own]
        return _Look(on_target.mean(axis=1), np.stack(others, axis=1), asked, wanted)

    def _extras(self, values: Floats, features: Floats | None, edits: Edits) -> list[tuple[str, Floats]]:
        """Other quantities by row (N,), by name."""
        rows, ways = edits.towards.shape
        own = self.names.index(edits.signature.name)
        found: list[tuple[str, Floats]] = []
        before = np.repeat(self.before, ways, axis=0)
        classes = [k for k in self.used if k != own and self.judge.factors[k].is_discrete]
        if classes:
            flips = np.rint(values[:, classes]) != np.rint(before[:, classes])
            found.append((FLIPS, flips.mean(axis=1).reshape(rows, ways).mean(axis=1)))
        if edits.signature.path == "classes":
            after, was = values[:, own].reshape(rows, ways), self.before[:, own, None]
            found.append((ASTRAY, ((after != was) & (after != edits.towards)).mean(axis=1)))
        if self.reference is not None and features is not None and self.features is not None:
            found.append(
                (
                    DRIFT,
                    self.reference.drift(np.repeat(self.features, ways, axis=0), features)
                    .reshape(rows, ways)
                    .mean(axis=1),
                )
            )
            found.append((REALISM, self.reference.distance(features).reshape(rows, ways).mean(axis=1)))
        return found

    def note(self, edits: Edits, seen: list[_Look], weights: Floats) -> None:
        """Keep what was seen of one signature."""
        own = self.names.index(edits.signature.name)
        rows, ways = edits.towards.shape
        still = np.repeat(self.before, ways, axis=0)
        features = None if self.features is None else np.repeat(self.features, ways, axis=0)
        extras = self._extras(still, features, edits)
        factors = tuple(self.names[k] for k in self.used if k != own)
        first = (
            np.stack([*[np.zeros(rows)] * len(factors), *[column for _, column in extras]], axis=1)
            if factors or extras
            else np.zeros((rows, 0))
        )
        on = np.stack([np.zeros(rows), *[look.on for look in seen]])
        others = np.stack([first, *[look.others for look in seen]])
        amounts = np.array([0.0, *edits.amounts])
        response = Response.of(amounts, on, others, weights)
        moments = Moments(weights @ np.mean([look.moments for look in seen], axis=0))
        self.tried[edits.signature.name] = Tried(
            factors, tuple(name for name, _ in extras), response, moments, edits.signature.path, float(self.unit[own])
        )

    def measurement(self, tried: Sequence[Signature], chosen: NDArray[np.int64]) -> Measurement:
        """All that was seen."""
        missing = {s.name: f"the judge does not read {s.name}." for s in tried if s.name not in self.names}
        return Measurement(
            measure=self.judge.measure,
            gain=self.gain,
            rows=chosen,
            factors=tuple(self.names[k] for k in self.used),
            tried=self.tried,
            left_out={**self.left_out, **missing},
            quality=self.judge.quality,
            reproduced=self.reproduced,
        )


def _left_out(
    quality: Mapping[str, Score], reproduced: Mapping[str, Score], unit: Floats, names: Sequence[str]
) -> dict[str, str]:
    """Why factors are left out, by name."""
    found = {}
    for k, name in enumerate(names):
        if unit[k] <= 0:
            found[name] = "no two rows differ in it."
        elif not beyond_chance(quality[name]):
            found[name] = f"the judge reads it hardly better than chance ({_words(quality[name])})."
        elif not beyond_chance(reproduced[name]):
            found[name] = f"the model does not redraw it ({_words(reproduced[name])})."
    return found


def _words(score: Score) -> str:
    if score.value is None:
        return score.reason or "no value"
    return f"skill {score.value:.2f}, chance {score.null or 0:.2f}"


__all__: list[Any] = ["leakages", "measure_leakage"]
