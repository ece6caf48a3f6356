"""CPU seconds of the probes beside plain scikit-learn, with the scores of both.

    python benchmarks/probe_speed.py [--rows 10000] [--codes 64] [--skip-plain] [--only class,level]

Data: correlated codes and five factors, one of each kind and a second of classes: 12 classes, 2 classes, 5 levels, a
number, an angle. The level also depends on the product of two codes, which a linear probe cannot see.

"ours" is `assess_probe` as it comes: nested cross-validation over 5 folds, intervals from 200 resamples, 20
permutations, the non-linear probe, and the fit of all rows. "ours, bare" leaves out what scikit-learn is not asked for
below: intervals, permutations, the non-linear probe. "plain" is nested cross-validation as its documentation shows it:
`cross_val_predict` over `LogisticRegressionCV` or `RidgeCV` (levels: `RidgeCV` of their numbers) with the same
penalties, on standardised codes and on all rows; no interval, no permutation. Each line in this one process and thread,
CPU seconds, imports left out.

Wanted: all five factors under 20 CPU seconds, scores within 0.01 of the plain ones.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unweave.core.factors import Factor
from unweave.core.targets import Target
from unweave.signatures.chart import Chart
from unweave.signatures.probes.assess import assess_probe
from unweave.signatures.probes.logistic import Logistic
from unweave.signatures.probes.ridge import Ridge

Floats = np.ndarray[Any, np.dtype[np.float64]]


def make_data(rows: int, latent: int) -> tuple[Floats, dict[str, tuple[Target, Floats]]]:
    """Codes (N, D) and targets with labels (N,)."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, latent)) @ (0.3 * rng.standard_normal((latent, latent)) + np.eye(latent))
    many = (0.2 * x @ rng.standard_normal((latent, 12)) + rng.gumbel(size=(rows, 12))).argmax(axis=1)
    two = x[:, 0] + 2 * rng.standard_normal(rows) > 1
    along = 0.5 * x[:, 1] + 0.2 * x[:, 2] * x[:, 3] + rng.logistic(size=rows)
    turn = np.degrees(np.arctan2(x[:, 7], x[:, 8] + 0.3 * rng.standard_normal(rows))) % 360
    names = tuple("abcdefghijkl")
    found = {
        "class12": (Target(Factor(name="class12", kind="categorical", values=names)), many),
        "class2": (Target(Factor(name="class2", kind="categorical", values=names[:2])), two),
        "level": (
            Target(Factor(name="level", kind="ordinal", values=names[:5]), 2, 2**0.5),
            np.searchsorted([-2, -0.5, 0.5, 2], along),
        ),
        "number": (Target(Factor(name="number", kind="continuous"), 0, 1), x[:, 5] + rng.standard_normal(rows)),
        "angle": (Target(Factor(name="angle", kind="circular", range=(0, 360)), 0, 180 / np.pi), turn),
    }
    return x, {name: (target, labels.astype(np.float64)) for name, (target, labels) in found.items()}


def plain(x: Floats, target: Target, labels: Floats) -> float:
    """The main score by nested cross-validation of scikit-learn alone."""
    if target.factor.kind == "categorical":
        strengths = 1 / Logistic(target.classes).penalties
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        inner = StratifiedKFold(4, shuffle=True, random_state=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegressionCV(Cs=strengths, cv=inner, scoring="neg_log_loss", max_iter=1000)
            told = cross_val_predict(make_pipeline(StandardScaler(), model), x, labels, cv=folds)
        return float((told == labels).mean())
    goal = Chart(target).of(labels)
    model = RidgeCV(alphas=Ridge(target).penalties, cv=KFold(4, shuffle=True, random_state=1))
    told = cross_val_predict(make_pipeline(StandardScaler(), model), x, goal, cv=KFold(5, shuffle=True, random_state=0))
    return float(r2_score(goal, told, multioutput="variance_weighted"))


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What work gives, and its CPU seconds."""
    start = time.process_time()
    return work(), time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--codes", type=int, default=64)
    parser.add_argument("--skip-plain", action="store_true")
    parser.add_argument("--only", default="", help="factors, separated by commas")
    options = parser.parse_args()
    x, factors = make_data(options.rows, options.codes)
    wanted = options.only.split(",") if options.only else list(factors)
    warm = (x[:50], *factors["number"])
    assess_probe(warm[0], warm[1], warm[2][:50])  # imports
    total = np.zeros(3)
    print(f"{'factor':9}{'ours s':>9}{'bare s':>9}{'plain s':>9}  score: ours (95 %; permuted), plain; non-linear adds")
    for name in wanted:
        target, labels = factors[name]
        report, whole = timed(lambda: assess_probe(x, target, labels))  # noqa: B023
        _, bare = timed(lambda: assess_probe(x, target, labels, bootstrap=0, nulls=0, nonlinear=False))  # noqa: B023
        beside, seconds = (None, 0.0) if options.skip_plain else timed(lambda: plain(x, target, labels))  # noqa: B023
        total += [whole, bare, seconds]
        score, bent = report.main, report.nonlinear
        print(
            f"{name:9}{whole:9.2f}{bare:9.2f}{seconds:9.2f}  {report.primary} {score.value:.3f} "
            f"({score.interval[0]:.3f} to {score.interval[1]:.3f}; {score.null:.3f}), "
            f"{'-' if beside is None else f'{beside:.3f}'}; {bent.difference:+.3f} "
            f"({bent.interval[0]:+.3f} to {bent.interval[1]:+.3f})",
            flush=True,
        )
    print(f"{'all':9}{total[0]:9.2f}{total[1]:9.2f}{total[2]:9.2f}")


if __name__ == "__main__":
    main()
