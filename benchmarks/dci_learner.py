"""CPU seconds of the DCI learner beside scikit-learn's, and what the difference does to D and C.

Data: factors of 3, 6, 40, 32 and 32 values (dSprites), 10 codes of which 4 are noise, 10,000 rows. scikit-learn needs
minutes for the large factors, so by default these get a few stages on both sides, and its time for 100 stages is
extrapolated (all stages cost the same); `--full` fits everything.

    python benchmarks/dci_learner.py [--rows 10000] [--stages 4] [--full]
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from unweave.metrics.boosting import fit_boosted_trees

SIZES = (3, 6, 40, 32, 32)
STAGES = 100


def synthetic(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors (rows, 5) and float32 codes (rows, 10): some aligned, an angle as sine and cosine, some mixed."""
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(size, size=rows) for size in SIZES], axis=1)
    shape, scale, angle, x, y = (factors / SIZES).T
    codes = 0.08 * random.standard_normal((rows, 10))
    codes[:, 0] += 2 * shape + 0.2 * random.standard_normal(rows)
    codes[:, 1] += np.sin(2 * np.pi * angle) + 0.2 * shape
    codes[:, 2] += np.cos(2 * np.pi * angle)
    codes[:, 3] += 3 * x
    codes[:, 4] += 3 * y + 0.5 * x
    codes[:, 5] += scale + 0.3 * y
    codes[:, 6:] = random.standard_normal((rows, 4))
    return factors, codes.astype(np.float32)


def disentanglement_completeness(importance: np.ndarray) -> tuple[float, float]:
    """D and C of importances (D, K) (Eastwood and Williams 2018, as in disentanglement_lib)."""

    def one_less_entropy(shares: np.ndarray) -> np.ndarray:
        shares = (shares + 1e-11) / (shares + 1e-11).sum(axis=0)
        return 1 + (shares * np.log(shares)).sum(axis=0) / np.log(len(shares))

    weights = importance / importance.sum()
    d = one_less_entropy(importance.T) @ weights.sum(axis=1)
    return float(d), float(one_less_entropy(importance) @ weights.sum(axis=0))


def seconds(fit: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    result = fit()
    return result, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--stages", type=int, default=4, help="stages of the factors with more than 10 values")
    parser.add_argument("--full", action="store_true", help="100 stages for all factors")
    options = parser.parse_args()
    factors, codes = synthetic(options.rows, seed=0)
    unseen_factors, unseen = synthetic(5000, seed=1)
    _, compiling = seconds(lambda: fit_boosted_trees(codes[:50], factors[:50, 0], n_classes=3, trees=1))
    print(f"first use (compiling, or loading what was compiled): {compiling:.1f} CPU s")
    print(
        f"{'classes':>7} {'stages':>6} {'sklearn s':>9} {'here s':>7} {'ratio':>6} {'max diff':>8} {'accuracies':>13}"
    )
    ours, theirs, total_ours, total_theirs = [], [], 0.0, 0.0
    for labels, truth, size in zip(factors.T, unseen_factors.T, SIZES, strict=True):
        stages = STAGES if options.full or size <= 10 else options.stages
        reference, slow = seconds(lambda: GradientBoostingClassifier(n_estimators=stages).fit(codes, labels))  # noqa: B023
        model, fast = seconds(lambda: fit_boosted_trees(codes, labels, n_classes=size, trees=stages))  # noqa: B023
        ours.append(model.importances)
        theirs.append(reference.feature_importances_)
        accuracies = np.mean(model.predict(unseen) == truth), reference.score(unseen, truth)
        apart = np.abs(ours[-1] - theirs[-1]).max()
        print(
            f"{size:7d} {stages:6d} {slow:9.2f} {fast:7.3f} {slow / fast:6.0f} {apart:8.5f} "
            + " / ".join(f"{accuracy:.3f}" for accuracy in accuracies)
        )
        if stages != STAGES:
            _, fast = seconds(lambda: fit_boosted_trees(codes, labels, n_classes=size, trees=STAGES))  # noqa: B023
        total_ours, total_theirs = total_ours + fast, total_theirs + slow * STAGES / stages
    print(
        f"all factors, 100 stages: {total_theirs:.0f} s (sklearn{'' if options.full else ', extrapolated'}), ", end=""
    )
    print(f"{total_ours:.2f} s here: {total_theirs / total_ours:.0f} times less")
    values = [disentanglement_completeness(np.array(table).T) for table in (ours, theirs)]
    for name, here, there in zip("DC", *values, strict=True):
        print(f"{name}: {here:.4f} here, {there:.4f} sklearn, difference {here - there:+.4f} (stages as in the table)")


if __name__ == "__main__":
    main()
