"""Do signatures find the true direction? Linear-Gaussian codes of known mixing, with and without correlated factors.

    python benchmarks/signature_exactness.py [--draws 40] [--write docs/results/signatures.md]

z = A v + noise with 4 factors in 10 dimensions and A drawn anew each time. The first two factors have the stated
correlation. Moving a factor and nothing else is moving along its column of A, so the error of a signature is its angle
to that column. `plain` is the probe's own normal, `pattern` what codes do as the probe's reading varies, `isolated`
the null-space projection in the metric of the codes, `regression` the movement with all other labels held, and `chosen`
what `fit_signatures` takes by held-out isolation. Medians over draws, and the range of 95 % of them.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np

from unweave.core.factors import Factor, FactorTable
from unweave.signatures.fit import fit_signatures

FACTORS, LATENT = 4, 10
FORMS = ("plain", "pattern", "isolated", "regression", None)
CORRELATIONS, NOISES, LABELS = (0.0, 0.6, 0.9), (0.1, 0.3), (100, 1000)


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Degrees between two lines."""
    return float(np.degrees(np.arccos(min(1.0, abs(a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))))))


def errors(correlation: float, noise: float, labels: int, draw: int) -> dict[str, float]:
    """Angle between the signature of a correlated factor and the truth, by form."""
    rng = np.random.default_rng([draw, labels])
    mixing = rng.standard_normal((FACTORS, LATENT))
    spread = np.eye(FACTORS)
    spread[0, 1] = spread[1, 0] = correlation

    def sample(rows: int) -> tuple[np.ndarray, np.ndarray]:
        factors = rng.multivariate_normal(np.zeros(FACTORS), spread, rows)
        return factors, factors @ mixing + noise * rng.standard_normal((rows, LATENT))

    (factors, codes), (_, reference) = sample(labels), sample(3000)
    named = tuple(Factor(name=f"v{k}", kind="continuous") for k in range(FACTORS))
    table = FactorTable(named, factors, np.ones(factors.shape, bool))
    found = {}
    for form in FORMS:
        signatures = fit_signatures(
            codes, table, model="exactness", reference=reference, only=form, bootstrap=0, nulls=0, seed=draw
        )
        chosen = signatures["v0"]
        # Along a bent path the direction is that from end to end.
        direction = chosen.directions[-1] - chosen.directions[0] if chosen.path == "piecewise" else chosen.directions[0]
        found[form or "chosen"] = angle(direction, mixing[0])
    return found


def table(draws: int) -> str:
    """Markdown."""
    names = [form or "chosen" for form in FORMS]
    lines = ["| correlation | noise | labels | " + " | ".join(names) + " |", "|---" * (3 + len(names)) + "|"]
    for correlation, noise, labels in itertools.product(CORRELATIONS, NOISES, LABELS):
        found = [errors(correlation, noise, labels, draw) for draw in range(draws)]
        cells = []
        for name in names:
            values = np.array([one[name] for one in found])
            low, high = np.quantile(values, [0.025, 0.975])
            cells.append(f"{np.median(values):.1f}° ({low:.1f} to {high:.1f})")
        lines.append(f"| {correlation:g} | {noise:g} | {labels} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--write", type=Path, help="put the table between the marks of this file")
    options = parser.parse_args()
    found = table(options.draws)
    if options.write is not None:
        before, start, rest = options.write.read_text().partition("<!-- exactness -->\n")
        _, end, after = rest.partition("<!-- end of exactness -->")
        options.write.write_text(before + start + found + end + after)


if __name__ == "__main__":
    main()
