"""What else moves when a factor moves: signatures tried through the decoder and looked at by judges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unweave.core.errors import ConfigError, DataError, ShapeError
from unweave.core.factors import FactorTable
from unweave.core.model import LatentModel, Observations
from unweave.core.seeds import generator
from unweave.signatures.leakage.bench import Bench, Look
from unweave.signatures.leakage.edits import Edits
from unweave.signatures.leakage.judge import Judge
from unweave.signatures.leakage.measurement import Measurement
from unweave.signatures.leakage.response import resamples
from unweave.signatures.signature import Leakage, Signature
from unweave.signatures.signatures import Signatures

Floats = NDArray[np.float64]

FEWEST_DRAWS = 20


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

    A row's code is moved by a few amounts (`edits.AMOUNTS`), both ways, towards other classes, or by turns, decoded,
    and compared with its own code decoded. Changes are in units of the change between two random rows of the table.
    The on-target change counts towards what was asked for, so a change the wrong way is subtracted; the others count
    either way. Everything is stated at the amount at which the mean on-target change is `gain`; directions that do not
    bring it are taken further, up to eight times, and then stated at the largest change that they reached. Calls with
    the same rows, seed, groups and number of samples can be compared in pairs (`compare`).

    A factor is left out, with the reason, when a judge reads it little better than chance, on held-out rows or on what
    the model makes of the rows: then most of what the judge sees of it is noise. How much noise is left in the others
    says `reproduced`.

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
    start = model.decode(codes)
    # Real pictures that are not edited, beside which the edited ones look real or not.
    shown = observations[chosen], observations[rest[: 2 * len(chosen)]]
    benches = [Bench.of(judge, start, *shown, table, chosen, seed=seed) for judge in judges]
    weights = resamples(len(chosen), bootstrap, groups=None if groups is None else groups[chosen], seed=seed)
    tried = tuple(signatures.signatures if isinstance(signatures, Signatures) else signatures)
    for signature in tried:
        asked = [bench for bench in benches if signature.name in bench.used]
        if not asked:
            continue
        column = table.index(signature.name)
        labels, known = table.values[chosen, column], table.known[chosen, column]
        edits = Edits.of(signature, codes.astype(np.float64), labels, known, seed=seed)
        looks: list[list[Look]] = [[] for _ in asked]
        amounts: list[float] = []
        for amount in (*edits.amounts, *edits.further):
            if amount in edits.further and all(max(one.on.mean() for one in seen) >= gain for seen in looks):
                break
            moved = codes[:, None] + edits.offsets(amount)
            pictures = model.decode(moved.reshape(-1, codes.shape[1]).astype(np.float32))
            amounts.append(amount)
            for bench, seen in zip(asked, looks, strict=True):
                seen.append(bench.look(pictures, edits, amount))
        for bench, seen in zip(asked, looks, strict=True):
            bench.note(edits, amounts, seen, weights)
    return tuple(bench.measurement(tried, chosen, gain) for bench in benches)


def leakages(measurements: Sequence[Measurement]) -> dict[str, tuple[Leakage, ...]]:
    """Leakage of every signature by all judges that could judge it, as `Signatures.with_leakage` takes it."""
    found: dict[str, tuple[Leakage, ...]] = {}
    for measurement in measurements:
        for name, leakage in measurement.leakage.items():
            found[name] = (*found.get(name, ()), leakage)
    return found
