"""One judge at work on a model: what it sees of rows as they are, and of the same rows edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import FactorTable
from unweave.core.model import Observations
from unweave.core.observations import as_decoded
from unweave.core.scores import Score
from unweave.signatures.leakage.edits import Edits
from unweave.signatures.leakage.judge import Judge, Pictures
from unweave.signatures.leakage.measurement import Measurement, Moments, Tried
from unweave.signatures.leakage.realism import Reference
from unweave.signatures.leakage.response import Response
from unweave.signatures.leakage.skill import beyond_chance, skills, units
from unweave.signatures.signature import Signature

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """What a judge sees in one batch of edits; all are means over the E ways that a row is edited.

    Attributes:
        on: on-target change, (N,).
        others: changes of the other factors, then the extras, (N, C).
        moments: of asked and seen changes, (N, 4); see `Moments`.
    """

    on: Floats
    others: Floats
    moments: Floats


@dataclass(frozen=True)
class Bench:
    """A judge and what it saw of the N rows before they are edited.

    Attributes:
        judge: who looks.
        unit: change of each of the judge's K factors between two random rows, (K,); 1 where no two rows differ.
        before, features: values (N, K) and features (N, F) of the rows' codes decoded.
        reference: real pictures, where the judge has features.
        reproduced: skill on what the model makes of the rows, by factor.
        left_out: why factors are not judged, by name.
        tried: what was seen of each signature so far, by factor.
    """

    judge: Judge
    unit: Floats
    before: Floats
    features: Floats | None
    reference: Reference | None
    reproduced: Mapping[str, Score]
    left_out: Mapping[str, str]
    tried: dict[str, Tried] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        judge: Judge,
        decoded: Pictures,
        originals: Observations,
        others: Observations,
        table: FactorTable,
        rows: NDArray[np.int64],
        *,
        seed: int,
    ) -> Self:
        """The judge's view of rows (N, …), of their codes decoded, and of other real rows.

        The table, of which these are `rows`, gives the units. What the judge reads off a decoded row should be its
        label, or where that is not known, what the judge reads off the row itself.
        """
        unit = units(judge, table)
        before, features = judge.look(decoded)
        seen, real = judge.look(as_decoded(originals))
        labels = table.take(rows).select([factor.name for factor in judge.factors])
        values = np.where(labels.known, labels.values, seen)
        truth = FactorTable(judge.factors, values, np.ones(seen.shape, dtype=np.bool_))
        reproduced = skills(judge, before, truth, unit=unit, definition="leakage.reproduced", seed=seed)
        reference = None
        if features is not None and real is not None:
            reference = Reference.of(real, judge.look(as_decoded(others))[1] if len(others) else None)
        reasons = _left_out(judge, unit, reproduced)
        return cls(judge, np.where(unit > 0, unit, 1.0), before, features, reference, reproduced, reasons)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the judge's factors."""
        return tuple(factor.name for factor in self.judge.factors)

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the factors that are judged."""
        return tuple(name for name in self.names if name not in self.left_out)

    def look(self, pictures: Pictures, edits: Edits, amount: float) -> Look:
        """Changes in pictures (N * E, …) of edited rows."""
        values, features = self.judge.look(pictures)
        ways, own = edits.towards.shape[1], self.names.index(edits.signature.name)
        signed = self.judge.difference(np.repeat(self.before, ways, axis=0), values) / self.unit
        if edits.signature.path == "classes":
            now, was = values[:, own].reshape(-1, ways), self.before[:, own, None]
            seen = ((now == edits.towards).astype(np.float64) - (was == edits.towards)) / self.unit[own]
            wanted = seen
        else:
            seen = signed[:, own].reshape(-1, ways)
            wanted = seen * edits.towards
        asked = edits.asked(amount) / self.unit[own]
        moments = np.stack([asked * seen, asked**2, seen, seen**2])
        return Look(wanted.mean(axis=1), self._others(edits, signed, values, features), moments.mean(axis=2).T)

    def note(self, edits: Edits, amounts: Sequence[float], looks: Sequence[Look], weights: Floats) -> None:
        """Keep what was seen of one signature, by amount; weights (B + 1, N) are of the resamples."""
        name, ways = edits.signature.name, edits.towards.shape[1]
        rows = len(self.before)
        still = np.repeat(self.before, ways, axis=0)
        features = None if self.features is None else np.repeat(self.features, ways, axis=0)
        first = self._others(edits, np.zeros_like(still), still, features)
        response = Response.of(
            np.array([0.0, *amounts]),
            np.stack([np.zeros(rows), *[look.on for look in looks]]),
            np.stack([first, *[look.others for look in looks]]),
            weights,
        )
        usual = [look.moments for look in looks[: len(edits.amounts)]]
        self.tried[name] = Tried(
            factors=tuple(other for other in self.used if other != name),
            extras=self._extras(edits),
            response=response,
            moments=Moments(weights @ np.mean(usual, axis=0)),
            usual=len(edits.amounts),
            path=edits.signature.path,
            unit=float(self.unit[self.names.index(name)]),
        )

    def measurement(self, tried: Sequence[Signature], rows: NDArray[np.int64], gain: float) -> Measurement:
        """All that was seen."""
        missing = {s.name: "the judge does not read it." for s in tried if s.name not in self.names}
        return Measurement(
            measure=self.judge.measure,
            gain=gain,
            rows=rows,
            factors=self.used,
            tried=self.tried,
            left_out={**self.left_out, **missing},
            quality=self.judge.quality,
            reproduced=self.reproduced,
        )

    def _extras(self, edits: Edits) -> tuple[str, ...]:
        """Names of the columns after the other factors."""
        names = ["flips"] if self._classes(edits) else []
        names += ["astray"] if edits.signature.path == "classes" else []
        names += ["identity_drift"] if self.reference is not None else []
        names += ["realism"] if self.reference is not None and self.reference.features is not None else []
        return tuple(names)

    def _classes(self, edits: Edits) -> list[int]:
        """Columns of the other factors whose values are classes or levels."""
        pairs = enumerate(zip(self.names, self.judge.factors, strict=True))
        return [k for k, (n, f) in pairs if n in self.used and n != edits.signature.name and f.is_discrete]

    def _others(self, edits: Edits, signed: Floats, values: Floats, features: Floats | None) -> Floats:
        """Columns (N, C) of the response: changes of the other factors, then the extras, means over the ways."""
        ways, own = edits.towards.shape[1], self.names.index(edits.signature.name)
        before = np.repeat(self.before, ways, axis=0)
        columns = [np.abs(signed[:, k]) for k, n in enumerate(self.names) if n in self.used and k != own]
        for extra in self._extras(edits):
            if extra == "flips":
                classes = self._classes(edits)
                columns.append((np.rint(values[:, classes]) != np.rint(before[:, classes])).mean(axis=1))
            elif extra == "astray":
                now, was = values[:, own], before[:, own]
                columns.append(((now != was) & (now != edits.towards.ravel())).astype(np.float64))
            elif self.reference is not None and features is not None and self.features is not None:
                start = np.repeat(self.features, ways, axis=0)
                drifts = extra == "identity_drift"
                columns.append(self.reference.drift(start, features) if drifts else self.reference.distance(features))
        stacked = np.stack(columns, axis=1) if columns else np.zeros((len(values), 0))
        return np.asarray(stacked.reshape(len(self.before), ways, -1).mean(axis=1))


def _left_out(judge: Judge, unit: Floats, reproduced: Mapping[str, Score]) -> dict[str, str]:
    """Why factors are not judged, by name."""
    found = {}
    for k, factor in enumerate(judge.factors):
        quality, redrawn = judge.quality[factor.name], reproduced[factor.name]
        if unit[k] <= 0:
            found[factor.name] = "no two rows differ in it."
        elif not beyond_chance(quality):
            found[factor.name] = f"the judge reads it little better than chance ({_words(quality)})."
        elif not beyond_chance(redrawn):
            found[factor.name] = (
                f"the judge reads it little better than chance off what the model redraws ({_words(redrawn)})."
            )
    return found


def _words(score: Score) -> str:
    if score.value is None:
        return (score.reason or "no value").rstrip(".")
    return f"skill {score.value:.2f}, chance {score.null or 0:.2f}"
