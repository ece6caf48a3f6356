"""How often the 95 % intervals of the metrics cover the truth, on simulated codes.

The truth of a case is the mean score of many fresh data sets of the same size, since that is what the score of a data
set estimates; an interval that is right covers it in 95 % of data sets. Wanted: 90 to 99 %.

    .venv/bin/python benchmarks/coverage.py [--metrics mig,sap] [--rows 1000] [--sets 100] [--truth 300] [--json FILE]

With 100 data sets the standard error of a coverage is about 2 %.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from unweave.metrics import scorecard
from unweave.metrics.registry import METRICS

SIZES = (3, 4, 6)

Case = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def clear(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One code per factor, little noise, and one code of noise."""
    noise = rng.standard_normal((len(factors), 4))
    return np.hstack([factors, np.zeros((len(factors), 1))]) + noise * [0.3, 0.3, 0.3, 1.0]


def faint(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One code per factor under as much noise as signal."""
    return factors / np.std(factors, axis=0) + rng.standard_normal(factors.shape)


def turned(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The factors turned by 30 degrees into one another."""
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    units = factors / np.std(factors, axis=0)
    return units @ np.array([[c, s, 0], [-s, c, 0], [0, 0.3, 1]]) + 0.3 * rng.standard_normal(factors.shape)


def uneven(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Codes of very different units, one of them bent, one a copy."""
    units = factors / np.std(factors, axis=0) + 0.4 * rng.standard_normal(factors.shape)
    return np.column_stack([100 * units[:, 0], np.exp(units[:, 1]), 0.01 * units[:, 2], units[:, 2]])


CASES: dict[str, Case] = {"clear": clear, "faint": faint, "turned": turned, "uneven": uneven}


def draw(case: str, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and factors of one data set; in `uneven` the classes are unbalanced too."""
    rng = np.random.default_rng([seed, sorted(CASES).index(case)])
    chances = [np.arange(1, size + 1.0) if case == "uneven" else np.ones(size) for size in SIZES]
    factors = np.stack([rng.choice(s, rows, p=c / c.sum()) for s, c in zip(SIZES, chances, strict=True)], axis=1)
    return CASES[case](factors, rng), factors


def one(job: tuple[str, str, int, int, int]) -> dict[str, tuple[float, float, float]]:
    """Value, lower and upper end of every score of a metric on one data set; without samples the ends are NaN."""
    metric, case, rows, seed, bootstrap = job
    card = scorecard(*draw(case, rows, seed), metrics=[metric], bootstrap=bootstrap, nulls=0, seed=seed)
    found = {}
    for name, score in card.items():
        if score.value is not None:
            low, high = score.interval or (np.nan, np.nan)
            found[name] = (score.value, low, high)
    return found


def coverage(metric: str, case: str, rows: int, sets: int, truth: int, pool: ProcessPoolExecutor) -> dict[str, dict]:
    """Per score: the truth, the share of intervals that hold it, their mean width, and the spread of the values."""
    known = list(pool.map(one, [(metric, case, rows, 10_000 + i, 0) for i in range(truth)], chunksize=5))
    drawn = list(pool.map(one, [(metric, case, rows, i, 200) for i in range(sets)], chunksize=5))
    found = {}
    for name in known[0]:
        middle = float(np.mean([k[name][0] for k in known if name in k]))
        values, low, high = np.array([d[name] for d in drawn if name in d]).T
        if np.isnan(low).all():
            continue
        found[name] = {
            "truth": middle,
            "covered": float(np.mean((low <= middle) & (middle <= high))),
            "width": float(np.mean(high - low)),
            "spread": float(np.std([k[name][0] for k in known if name in k])),
            "bias": float(np.mean(values) - middle),
        }
    return found


def main() -> None:
    """Print a table; `--json` keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metrics", default=",".join(METRICS))
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--truth", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result: dict[str, dict] = {}
    print(f"{'score':32} {'case':8} {'truth':>7} {'covered':>8} {'width':>7} {'spread':>7}")
    with ProcessPoolExecutor(options.workers) as pool:
        for metric in options.metrics.split(","):
            for case in options.cases.split(","):
                found = coverage(metric, case, options.rows, options.sets, options.truth, pool)
                for name, f in found.items():
                    mark = "" if 0.9 <= f["covered"] <= 0.99 else "  <" if f["covered"] < 0.9 else "  >"
                    shown = f"{f['truth']:7.3f} {f['covered']:8.0%} {f['width']:7.3f} {f['spread']:7.4f}"
                    print(f"{name:32} {case:8} {shown}{mark}", flush=True)
                result[f"{metric} {case}"] = found
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
