"""How often the 95 % intervals of UDR cover the truth, on simulated panels of models.

The judged model is fixed; rows and the models that it is compared with are new in each data set, since they are what an
interval over rows and models speaks of. The truth is the mean score of the judged model over many panels.

    OMP_NUM_THREADS=1 python benchmarks/udr_coverage.py [--rows 1000] [--sets 100] [--truth 300]
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from interval_coverage import HEAD, Drawn, show, summary
from unweave.metrics.udr import udr

FACTORS = 5


@dataclass(frozen=True)
class Panel:
    """What kind of models are compared.

    Attributes:
        models: with the judged one.
        mixing: spread of the entries by which a model's codes deviate from one factor each.
        noise: standard deviation beside factors of variance 1.
    """

    models: int
    mixing: float
    noise: float


CASES = {
    "few": Panel(models=5, mixing=0.3, noise=0.3),
    "many": Panel(models=12, mixing=0.3, noise=0.3),
    "mixed": Panel(models=8, mixing=0.8, noise=0.3),
    "noisy": Panel(models=8, mixing=0.2, noise=1.0),
}


def draw(case: str, rows: int, seed: int) -> np.ndarray:
    """Codes (M, N, D) of one panel; model 0 has the same weights in every panel."""
    panel, kind = CASES[case], sorted(CASES).index(case)
    judged, random = np.random.default_rng([kind]), np.random.default_rng([kind, seed])
    factors = random.standard_normal((rows, FACTORS))
    models = []
    for model in range(panel.models):
        source = random if model else judged
        weights = source.permutation(np.eye(FACTORS)) + panel.mixing * source.standard_normal((FACTORS, FACTORS))
        models.append(factors @ weights + panel.noise * random.standard_normal(factors.shape))
    return np.stack(models)


def one(job: tuple[str, str, int, int, int]) -> Drawn:
    """Score of the judged model with its interval; without one the ends are NaN."""
    method, case, rows, seed, bootstrap = job
    score = udr(draw(case, rows, seed), method=method, bootstrap=bootstrap, nulls=0, seed=seed).scores[0]
    return {score.name: (score.value or 0.0, *(score.interval or (np.nan, np.nan)))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--truth", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    print(HEAD)
    with ProcessPoolExecutor(asked.workers) as pool:
        for method in ("spearman", "lasso"):
            for case in asked.cases.split(","):
                known, drawn = (
                    list(
                        pool.map(
                            one, [(method, case, asked.rows, first + i, samples) for i in range(count)], chunksize=5
                        )
                    )
                    for count, first, samples in ((asked.truth, 10_000, 0), (asked.sets, 0, 200))
                )
                show(summary(known, drawn), case)


if __name__ == "__main__":
    main()
