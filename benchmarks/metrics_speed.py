"""CPU seconds and memory of the metrics beside the published algorithms, and how far the values are apart.

    python benchmarks/metrics_speed.py [--skip-slow] [--only mig,sap] [--json FILE]

Data: factors of 3, 6, 40, 32 and 32 values (dSprites), 10 float32 codes of which 4 are noise, 10,000 rows to train and
5,000 to test; BetaVAE and FactorVAE draw from the table of all 737,280 cells. Each line is measured in fresh processes
with one thread: "process" is everything from start to end, imports and reading the data included, "call" the metric
alone, once compiled code lies in Numba's cache. Single evaluations in reference mode, without interval and null.
`--skip-slow` leaves out gradient boosting by scikit-learn, which takes about 400 s.

Wanted: the seven quick metrics together under 6 s of process time, DCI ten times less than scikit-learn with D and C
within 0.002, the monitor's set under 0.2 s a call, 200 resamples at most 10 times one evaluation, a million rows of 64
codes and 10 factors under 2 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

SIZES, TRAIN, TEST = (3, 6, 40, 32, 32), 10_000, 5_000

OURS: Mapping[str, tuple[str, ...]] = {
    "mig": ("mig",),
    "modularity": ("modularity",),
    "sap": ("sap", "sap.continuous"),
    "explicitness": ("explicitness",),
    "irs": ("irs",),
    "infomec": ("infomec.infom", "infomec.infoe", "infomec.infoc"),
    "med": ("med.disentanglement", "med.completeness", "med.informativeness"),
    "unsupervised": (
        "gaussian_total_correlation",
        "wasserstein_correlation",
        "wasserstein_correlation_norm",
        "mutual_info_score",
    ),
    "beta_vae": ("beta_vae",),
    "factor_vae": ("factor_vae",),
    "udr.lasso": (),
    "udr.spearman": (),
    "dci": ("dci.disentanglement", "dci.completeness", "dci.informativeness"),
}
"""Lines of the table and the scores in them."""

HISTOGRAM = ("mig", "mig_sup", "rmig", "jemmig", "modularity", "med", "mutual_info_score")
"""Scores that are measured on a million rows."""

TOGETHER = ("mig", "modularity", "sap", "irs", "factor_vae", "beta_vae", "infomec")
MONITOR = ("mig", "modularity", "probe")
GRID = ("beta_vae", "factor_vae")


def make_data(folder: Path) -> None:
    """The table of all cells, the rows that are drawn from it, and the models for UDR."""
    random = np.random.default_rng(0)
    cells = np.indices(SIZES).reshape(len(SIZES), -1).T
    shape, scale, angle, x, y = (cells / SIZES).T
    table = 0.08 * random.standard_normal((len(cells), 10))
    table[:, 0] += 2 * shape + 0.2 * random.standard_normal(len(cells))
    table[:, 1] += np.sin(2 * np.pi * angle) + 0.2 * shape
    table[:, 2] += np.cos(2 * np.pi * angle)
    table[:, 3] += 3 * x
    table[:, 4] += 3 * y + 0.5 * x
    table[:, 5] += scale + 0.3 * y
    table[:, 6:] = random.standard_normal((len(cells), 4))
    rows = random.integers(len(cells), size=TRAIN + TEST)
    np.save(folder / "table.npy", table.astype(np.float32))
    np.savez(folder / "rows.npz", codes=table[rows].astype(np.float32), factors=cells[rows])
    truth = random.standard_normal((1000, 6))
    reps = [truth @ np.linalg.qr(np.eye(6) + s * random.standard_normal((6, 6)))[0] for s in (0.1, 0.1, 0.3, 0.3, 1.0)]
    np.savez(folder / "udr.npz", reps=np.array(reps), kl=np.tile([1, 1, 1, 1, 1, 0.001], (5, 1)))


def load(name: str, folder: Path) -> tuple[Any, ...]:
    """What a line of the table is computed from."""
    if name.startswith("udr"):
        file = np.load(folder / "udr.npz")
        return file["reps"], file["kl"], name.partition(".")[2]
    if name in GRID:
        return np.load(folder / "table.npy"), SIZES
    file = np.load(folder / "rows.npz")
    return file["codes"], file["factors"], TRAIN


def reference(name: str, folder: Path) -> Callable[[], dict[str, float]]:
    """The published algorithm on its data."""
    import reference_metrics as published

    algorithm, data = getattr(published, name.partition(".")[0]), load(name, folder)
    return lambda: algorithm(*data)


def ours(name: str, folder: Path) -> Callable[[], dict[str, float | None]]:
    """Our own on the same data; `together` and `monitor` are several of them."""
    from unweave.metrics import scorecard

    quick: dict[str, Any] = {"bootstrap": 0, "nulls": 0}
    if name.startswith("udr"):
        from unweave.metrics.udr import udr

        reps, kl, method = load(name, folder)
        return lambda: {
            f"{name} {j}": score.value
            for j, score in enumerate(udr(reps, kl, method=method, mode="reference", **quick).scores)
        }
    if name == "monitor":
        codes, factors, _ = load("mig", folder)
        return lambda: _values(scorecard(codes, factors, metrics=MONITOR, **quick))

    def call() -> dict[str, float | None]:
        found: dict[str, float | None] = {}
        for part in TOGETHER if name == "together" else (name,):
            data, settings = load(part, folder), {**quick, "metrics": OURS[part], "mode": "reference"}
            if part in GRID:
                found |= _values(scorecard(data[0], grid=data[1], **settings))
            else:
                found |= _values(scorecard(data[0], data[1], train_rows=data[2], **settings))
        return found

    return call


def _values(card: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: score.value for name, score in card.items()}


def resampled(name: str, folder: Path) -> dict[str, float | None]:
    """CPU seconds of one evaluation in robust mode, and with 200 resamples."""
    from unweave.metrics import scorecard

    codes, factors, train = load(name, folder)
    spent: list[float] = []
    for bootstrap in (0, 0, 200):  # the first fills caches
        began = time.process_time()
        scorecard(codes, factors, metrics=OURS[name], bootstrap=bootstrap, nulls=0, train_rows=train)
        spent.append(time.process_time() - began)
    return {"one": spent[1], "with": spent[2]}


def large(name: str) -> dict[str, float | None]:
    """A metric on a million rows of 64 codes and 10 factors."""
    from unweave.metrics import scorecard

    random = np.random.default_rng(0)
    factors = random.integers(0, 10, (1_000_000, 10))
    codes = random.standard_normal((1_000_000, 64), dtype=np.float32)
    codes[:, :10] += factors
    return _values(scorecard(codes, factors, metrics=[name], bootstrap=0, nulls=0))


def child(kind: str, name: str, folder: Path) -> None:
    """One measurement; prints it as JSON."""
    if kind == "large":
        began, values = time.process_time(), large(name)
    elif kind == "resampled":
        began, values = time.process_time(), resampled(name, folder)
    else:
        call = (reference if kind == "reference" else ours)(name, folder)
        began = time.process_time()
        values = call()
        if name == "monitor":  # while training, the code is compiled and loaded
            began = time.process_time()
            values = call()
    ended, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"process": ended, "call": ended - began, "values": values, "mebibytes": peak / 1024}))


def measure(kind: str, name: str, folder: Path, *, warm: bool = False) -> dict[str, Any] | None:
    """One measurement in a fresh process, the second of two where compiled code may have to be cached first."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    command = [sys.executable, __file__, "--child", kind, name, str(folder)]
    for _ in range(1 + warm):
        done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{kind} {name} failed: {done.stderr.strip().splitlines()[-1]}", flush=True)
        return None
    return dict(json.loads(done.stdout))


def beside_the_references(names: list[str], folder: Path, skip_slow: bool) -> dict[str, Any]:
    """The main table."""
    print(f"{'':14} {'reference, s':>17} {'here, s':>17} {'times':>6}  values here, difference")
    print(f"{'':14} {'process':>9} {'call':>7} {'process':>9} {'call':>7} {'quicker':>7}")
    found: dict[str, Any] = {}
    for name in names:
        mine = measure("ours", name, folder, warm=True)
        theirs = None if name == "dci" and skip_slow else measure("reference", name, folder)
        found[name] = {"ours": mine, "reference": theirs}
        if mine is None:
            continue
        there = theirs or {"process": np.nan, "call": np.nan, "values": {}}
        values = [
            f"{score.rpartition('.')[2]} {value:.4f}" + (f" ({value - there['values'][score]:+.4f})" if theirs else "")
            for score, value in mine["values"].items()
            if value is not None and (not theirs or score in there["values"])
        ]
        print(
            f"{name:14} {there['process']:9.2f} {there['call']:7.2f} {mine['process']:9.2f} {mine['call']:7.3f} "
            f"{there['process'] / mine['process']:6.1f}  {', '.join(values)}",
            flush=True,
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skip-slow", action="store_true")
    parser.add_argument("--only", help="names of lines, separated by commas")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], options.child[1], Path(options.child[2]))
        return
    names = options.only.split(",") if options.only else list(OURS)
    with tempfile.TemporaryDirectory(prefix="unweave-speed-") as text:
        folder = Path(text)
        make_data(folder)
        result: dict[str, Any] = {"references": beside_the_references(names, folder, options.skip_slow)}
        for several in ("together", "monitor") if not options.only else ():
            result[several] = found = measure("ours", several, folder, warm=True)
            if found:
                print(f"{several}: process {found['process']:.2f} s, call {found['call']:.3f} s")
        for name in [name for name in names if name not in GRID and not name.startswith("udr")]:
            found = measure("resampled", name, folder, warm=True)
            result[f"resampled {name}"] = found
            if found:
                one, both = found["values"]["one"], found["values"]["with"]
                print(
                    f"{name}: 200 resamples {both:.2f} s, one evaluation {one:.3f} s: {both / one:.1f} times",
                    flush=True,
                )
        for name in HISTOGRAM if not options.only else [name for name in HISTOGRAM if name in names]:
            result[f"large {name}"] = found = measure("large", name, folder)
            if found:
                print(f"{name}, 10^6 rows: {found['mebibytes']:,.0f} MiB, {found['process']:.1f} s", flush=True)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
