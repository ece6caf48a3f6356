"""Leakage through the pixels before and after isolation, and of the best single dimension, on models of the study.

    .venv/bin/python benchmarks/isolation.py --study study/projects --out isolation [--method beta_vae] [--seeds 0]
    .venv/bin/python benchmarks/isolation.py --out isolation --write docs/results/isolation.md
    .venv/bin/python benchmarks/isolation.py --study study/projects --out loops --sets scenes --loops

Signatures are learnt from 1,000 labelled rows, a judge from 6,000 others, and 200 held-out rows are edited. Every form
of directions is tried on the same rows; the exact factors are those of the nearest picture that the set can draw.
`chosen` is what `unweave probe` takes: for each factor the form that leaks least on held-out labels. Differences are at
the largest on-target change that both reach. One model is one file in `--out`; what is there is not measured again.
With `--loops` the exact factors alone look, and paths that bend are compared with circles; it says what it found.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from unweave.core.files import write_text
from unweave.data.builtin.registry import builtin_set
from unweave.signatures.leakage import (
    Judge,
    Measurement,
    code_judge,
    compare,
    exact_judge,
    measure_leakage,
    pixel_judge,
)
from unweave.signatures.signature import Candidate

SETS = ("sprites", "scenes")
FORMS: tuple[Candidate | None, ...] = ("plain", "isolated", "dimension", None)
CIRCLES: tuple[Candidate | None, ...] = ("isolated", "regression", "dimension", None)
"""Forms of `--loops`: those that go round circles, and what is chosen."""
LABELS, JUDGED, HELD = 1000, 6000, 600
"""Rows that signatures and judges are learnt from, and held-out rows; of these some are edited, others are compared."""

CHOSEN = "chosen"
"""For each factor the form that leaks least on held-out labels: what `unweave probe` takes."""

SHOWN = ("isolated - plain", "isolated - dimension", "chosen - plain", "chosen - dimension", "chosen - isolated")


def judges_of(name: str, data: Any, rows: np.ndarray, loops: bool) -> list[Judge]:  # noqa: ANN401 - Dataset
    generated = builtin_set(name, size=32)
    exact = exact_judge(generated)
    if loops:
        return [exact]
    learnt = pixel_judge(data.observations(rows), data.table.take(rows), steps=1500)
    for judge in (exact, learnt):
        print(name, judge.measure, {k: round(s.value or 0, 3) for k, s in judge.quality.items()}, flush=True)
    return [exact, learnt]


def measure(
    run_folder: Path,
    judges: list[Judge],
    data: Any,  # noqa: ANN401 - Dataset
    labelled: np.ndarray,
    held: np.ndarray,
    edited: int,
    loops: bool,
) -> dict[str, Any]:
    """Everything that is measured of one model, as JSON."""
    from unweave.projects.models import trained_model
    from unweave.projects.probing import response_of
    from unweave.projects.runs import Run
    from unweave.signatures.fit import fit_signatures

    model = trained_model(Run(run_folder))
    codes, table = model.encode(data.observations(labelled)).mean, data.table.take(labelled)
    observations, truth = data.observations(held), data.table.take(held)
    found: dict[str, tuple[Measurement, ...]] = {}
    everyone = judges
    for form in CIRCLES if loops else FORMS:
        signatures = fit_signatures(
            codes, table, model="", response=response_of(model), only=form, bootstrap=0, nulls=5
        )
        if form == FORMS[0] and not loops:
            readers = [s.reader for s in signatures.signatures]
            everyone = [*judges, code_judge(model, readers, observations, truth)]
        if loops and form is None:
            for s in signatures.signatures:
                print(s.name, s.path, s.candidate, len(s.chart.knots), s.chart.cut, flush=True)
        found[form or CHOSEN] = measure_leakage(model, signatures, observations, truth, everyone, rows=edited)
    result: dict[str, Any] = {"judges": [judge.measure for judge in everyone], "matrices": {}, "differences": {}}
    for form, measured in found.items():
        result["matrices"][form] = [_without_scores(m.matrix.to_json()) for m in measured]
        for other in ("plain", "dimension", "isolated", "regression"):
            if other != form and other in found:
                pairs = [compare(a, b).to_json() for a, b in zip(measured, found[other], strict=True)]
                result["differences"][f"{form} - {other}"] = pairs
    one = found["isolated"]
    result["reproduced"] = [{k: [s.value, s.null] for k, s in m.reproduced.items()} for m in one]
    result["quality"] = [{k: [s.value, s.null] for k, s in m.quality.items()} for m in one]
    result["agreement"] = {judge.measure: agreement(found, k) for k, judge in enumerate(everyone) if k}
    return result


def agreement(found: dict[str, tuple[Measurement, ...]], place: int) -> dict[str, float]:
    """How far one judge's cells agree with the exact ones, over the cells of all forms that both have."""
    exact, told = [], []
    for measured in found.values():
        a, b = measured[0].matrix, measured[place].matrix
        for moved in a.rows:
            for factor in a.factors:
                if moved in b.rows and factor in a.rows[moved].factors and factor in b.rows[moved].factors:
                    exact.append(a.rows[moved].values[a.rows[moved].factors.index(factor)])
                    told.append(b.rows[moved].values[b.rows[moved].factors.index(factor)])
    if len(exact) < 3:
        return {"cells": len(exact)}
    x, y = np.array(exact), np.array(told)
    ranks = np.corrcoef(x.argsort().argsort(), y.argsort().argsort())[0, 1]
    return {
        "cells": len(exact),
        "correlation": float(np.corrcoef(x, y)[0, 1]),
        "of ranks": float(ranks),
        "difference": float(np.abs(x - y).mean()),
    }


def _without_scores(matrix: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in matrix.items() if key not in ("quality", "reproduced")}


def run(study: Path, out: Path, method: str, seeds: list[int], sets: list[str], edited: int, loops: bool) -> None:
    from unweave.projects.data import load_data
    from unweave.projects.runs import Run

    for name in sets:
        folders = {}
        for seed in seeds:
            runs = sorted((study / f"{name}-{method}-s{seed}" / "runs").glob("*/model"))
            if runs and not (out / f"{name}-{method}-s{seed}.json").exists():
                folders[seed] = runs[0].parent
        if not folders:
            continue
        data = load_data(Run(next(iter(folders.values()))).project(), study / name)
        order = np.random.default_rng(0).permutation(len(data.splits.train))
        learnt = data.splits.train[order]
        labelled, judged = np.sort(learnt[:LABELS]), np.sort(learnt[LABELS : LABELS + JUDGED])
        began = time.process_time()
        judges = judges_of(name, data, judged, loops)
        print(f"{name}: judges in {time.process_time() - began:.0f} s", flush=True)
        for seed, folder in folders.items():
            began = time.process_time()
            result = measure(folder, judges, data, labelled, np.sort(data.splits.test[:HELD]), edited, loops)
            result["seconds"] = time.process_time() - began
            if loops:
                say(result)
            write_text(out / f"{name}-{method}-s{seed}.json", json.dumps(result))
            print(f"{name} seed {seed}: {result['seconds']:.0f} s", result["agreement"], flush=True)


def say(result: dict[str, Any]) -> None:
    """What the exact factors say of each form, factor by factor."""
    for form, (matrix, *_) in result["matrices"].items():
        for name, row in matrix["rows"].items():
            leaks = {
                f: f"{v:.2f} ({a:.2f} to {b:.2f})"
                for f, v, (a, b) in zip(row["factors"], row["values"], row["intervals"], strict=True)
            }
            print(f"{form:10} {name}: reaches {row['gain']:.2f}, leaks {leaks}")
        print(f"{form:10} mean {_interval(matrix['mean'])}")
    for title, (pair, *_) in result["differences"].items():
        print(f"{title}: {_interval(pair['difference'], signed=True)}")


def write(out: Path, path: Path) -> None:
    """The tables."""
    lines = [
        "# Isolation, measured through the pixels",
        "",
        __doc__.partition("\n\n")[2].partition("\n\n")[2].strip(),
        "",
    ]
    found = {file.stem: json.loads(file.read_text()) for file in sorted(out.glob("*.json"))}
    lines += together(found)
    for stem, content in found.items():
        lines += [f"## {stem}", "", "Mean change of the other factors per unit of on-target change:", ""]
        names = content["judges"]
        lines += ["| directions | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for form, matrices in content["matrices"].items():
            cells = [_interval(m["mean"]) for m in matrices]
            lines.append(f"| {form} | " + " | ".join(cells) + " |")
        for title, pairs in content["differences"].items():
            if title in SHOWN:
                lines.append(
                    f"| *{title}* | " + " | ".join(_interval(p["difference"], signed=True) for p in pairs) + " |"
                )
        lines += ["", "On-target change that is reached (asked for: 0.50), by the exact factors:", ""]
        moved = list(content["matrices"]["plain"][0]["rows"])
        lines += ["| directions | " + " | ".join(moved) + " |", "|---" * (len(moved) + 1) + "|"]
        for form, matrices in content["matrices"].items():
            rows = matrices[0]["rows"]
            lines.append(
                f"| {form} | " + " | ".join(f"{rows[m]['gain']:.2f}" if m in rows else "–" for m in moved) + " |"
            )
        lines.append("")
        for k, name in enumerate(names):
            for factor, reason in content["matrices"]["plain"][k]["left_out"].items():
                lines.append(f"- {name}: {factor} is left out: {reason}")
        for name, found in content["agreement"].items():
            words = ", ".join(
                f"{key} {value:.2f}" if key != "cells" else f"{value} cells" for key, value in found.items()
            )
            lines.append(f"- Agreement of `{name}` with the exact factors: {words}.")
        lines.append("")
    write_text(path, "\n".join(lines))


def together(found: dict[str, Any]) -> list[str]:
    """Mean differences over the models of each set, by the exact factors.

    Intervals are those of independent estimates: they hold the doubt about the edited rows, not about other models.
    """
    lines = ["| set | models | " + " | ".join(SHOWN) + " |", "|---|---" + "|---" * len(SHOWN) + "|"]
    for name in SETS:
        models = [content for stem, content in found.items() if stem.startswith(name)]
        cells = []
        for title in SHOWN:
            pairs = np.array([content["differences"][title][0]["difference"] for content in models])
            half = np.sqrt(((pairs[:, 2] - pairs[:, 1]) ** 2).sum()) / 2 / len(pairs)
            middle = float(pairs[:, 0].mean())
            cells.append(_interval([middle, middle - half, middle + half], signed=True))
        lines.append(f"| {name} | {len(models)} | {' | '.join(cells)} |")
    return [*lines, ""]


def _interval(found: list[float] | None, *, signed: bool = False) -> str:
    if found is None:
        return "–"
    sign = "+" if signed else ""
    return f"{found[0]:{sign}.3f} ({found[1]:{sign}.3f} to {found[2]:{sign}.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--method", default="beta_vae")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--loops", action="store_true")
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.study:
        seeds = [int(seed) for seed in asked.seeds.split(",")]
        run(asked.study, asked.out, asked.method, seeds, asked.sets.split(","), asked.rows, asked.loops)
    if asked.write:
        write(asked.out, asked.write)


if __name__ == "__main__":
    main()
