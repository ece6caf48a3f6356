"""What labels buy on sprites at 32 pixels, at the budget of the study: 100 and 1,000 labels, and correlated factors.

    python benchmarks/study.py --out study --seconds 45                 # the methods without labels
    python benchmarks/few_labels.py --out few_labels --study study --seconds 45 \\
        --write docs/results/few_labels.md --picture docs/images/correlated.png

Data, net, batch and learning rate are those of `study.py`, and so is the budget: processor time of the training on one
thread, as a number of steps. A run that is done is read from its folder, one that was stopped goes on, so the command
can be given again at any time.

Scores are in robust mode on held-out rows, over the labelled factors and over all. Correlated sets are scored on rows
drawn without correlation. The runs of the study are scored again here from their models, over the same factors and
rows.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import ttest_ind

import study
from unweave.core.files import write_text
from unweave.metrics import mig
from unweave.projects.data import held_out, load_data
from unweave.projects.load import parse_project
from unweave.projects.models import trained_model
from unweave.projects.pipeline import train
from unweave.projects.runs import Run, find_run, run_for
from unweave.projects.traversals import information_shares

FACTORS = ["shape", "scale", "x", "y"]
"""The labelled ones. Squares and ellipses look the same after a part of a turn, so no code can tell the orientation."""

PLAIN: Mapping[str, Any] = study.SETS["sprites"]
CORRELATED = {**PLAIN, "correlate": {"factors": ["scale", "x"], "strength": 0.2}}
BETA = {"kind": "beta_vae", "beta": 4.0, "latent": 10}
SUPPORT, WEIGHT = 30.0, 50.0
"""Weights of the support term and of the labels."""
Found = Mapping[str, list[dict[str, Any]]]
"""Results of every seed by name."""

PAIRED = ("ada_gvae", "ada_ml_vae")
"""Methods of the study that are told which rows differ in what: not without supervision."""


FALLING = {"final": 1.0, "ramp": 0.5}
"""The labels' weight, falling over the first half of the training."""


def supervised(labels: int, correlated: Mapping[str, Any] | None = None, **settings: float) -> dict[str, Any]:
    supervision = {"labels": labels, "factors": FACTORS, "weight": WEIGHT, **settings}
    return {**BETA, "supervision": supervision, "correlated": correlated}


TIMED = ("correlated, no labels", "100 labels", "correlated, support term")
"""Cases whose steps are timed, the beta-VAE first; the others cost what one of them costs."""


@dataclass(frozen=True)
class Case:
    """One line of the results.

    Attributes:
        data, method: sections of the project file. Correlated sets are scored on rows drawn without correlation.
        alike: the case whose step costs the same.
        budgets: how many times the study's budget a run has.
        training: settings beside those of the study.
    """

    data: Mapping[str, Any]
    method: Mapping[str, Any]
    alike: str
    budgets: int = 1
    training: Mapping[str, Any] = field(default_factory=dict)


CASES: Mapping[str, Case] = {
    "100 labels": Case(PLAIN, supervised(100), TIMED[1]),
    "1,000 labels": Case(PLAIN, supervised(1000), TIMED[1]),
    "1,000 labels, 4 budgets": Case(PLAIN, supervised(1000), TIMED[1], 4, {"schedule": "cosine"}),
    "1,000 labels, falling weight, 2 budgets": Case(PLAIN, supervised(1000, **FALLING), TIMED[1], 2),
    "correlated, no labels": Case(CORRELATED, BETA, TIMED[0]),
    "correlated, support term": Case(CORRELATED, {**BETA, "correlated": {"support": SUPPORT}}, TIMED[2]),
    "correlated, 100 labels, weighted": Case(CORRELATED, supervised(100, correlated={}), TIMED[1]),
}


SHOWN = 0.02
"""Share of a factor's entropy from which a column counts as knowing it, in matrices."""

MARKS = "<!-- few labels -->", "<!-- end of few labels -->"


def content(case: str, seed: int, steps: int) -> dict[str, Any]:
    """The project file of a run: that of the study with other data and another method."""
    made = CASES[case]
    asked = study.project(study.Job("sprites", "beta_vae", seed), steps, full=False)
    training = {**asked["training"], **made.training}
    return {
        **asked,
        "name": "few labels",
        "data": made.data,
        "method": study.settings(made.method, steps),
        "training": training,
    }


def costs(study_folder: Path, out: Path) -> dict[str, float]:
    """Processor seconds of a step of every case: those of the study's beta-VAE times the ratio of the two steps' costs.

    The two take turns on the same machine, so that what else runs there changes little. Number of labels and data cost
    nothing, so cases with the same sections are timed once.
    """
    path = out / "times.json"
    times: dict[str, list[float]] = json.loads(path.read_text()) if path.exists() else {}
    for _ in range(study.ROUNDS - len(times.get(TIMED[0], []))):
        for case in TIMED:
            times.setdefault(case, []).append(_step_time(case, out))
        write_text(path, json.dumps(times))
    known = json.loads((study_folder / "seconds_per_step.json").read_text())["sprites-beta_vae"]
    ratios = {
        case: statistics.median(t / plain for t, plain in zip(times[case], times[TIMED[0]], strict=True))
        for case in TIMED
    }
    return {case: statistics.median(known) * ratios[made.alike] for case, made in CASES.items()}


def _step_time(case: str, out: Path) -> float:
    data = load_data(parse_project(content(case, 0, 1), "few labels"), out)
    ends = []
    for steps in (study.WARM, study.WARM + study.TIMED):
        began, trial = time.process_time(), out / "trial"
        train(parse_project(content(case, 0, steps), "few labels"), data, trial, device="cpu")
        ends.append(time.process_time() - began)
        shutil.rmtree(trial)
    return (ends[1] - ends[0]) / study.TIMED


def result(case: str, seed: int, each: float, seconds: float, out: Path) -> dict[str, Any]:
    """Scores of one run, trained now where that is not done yet; a step costs `each` of the `seconds` of a budget."""
    steps = int(CASES[case].budgets * seconds / each)
    project = parse_project(content(case, seed, steps), "few labels")
    data = load_data(project, out)
    run = run_for(out, project, data.data_hash)
    if not run.model.exists():
        began = time.process_time()
        before = run.read("processor") or {"seconds": 0.0}
        train(project, data, out, device="cpu")
        run.write("processor", {"seconds": before["seconds"] + time.process_time() - began})
    return scores(run, seed, out, (run.read("processor") or {})["seconds"])


def scores(run: Run, seed: int, out: Path, seconds: float) -> dict[str, Any]:
    """Scores of a finished run on held-out rows without correlation; kept, since the model does not change."""
    path = out / "scores" / f"{run.name}.json"
    if not path.exists():
        model = trained_model(run)
        test = load_data(parse_project({"name": "few labels", "data": PLAIN, "method": BETA}, "few labels"), out)
        rows = held_out(test)
        codes, table = model.encode(test.observations(rows)), test.table.take(rows)
        labelled, every, pair = (
            mig(codes, table.select(names), bootstrap=200, nulls=0, seed=seed, groups=codes.groups or None)
            for names in (FACTORS, table.names, ("scale", "x"))
        )
        shares = information_shares(codes, table)
        top = np.sort(shares, axis=0)
        found = {
            "steps": run.project().training.steps,
            "seconds": seconds,
            "mig": labelled.value,
            "interval": labelled.interval,
            "all": every.value,
            "scale and x": pair.value,
            "gaps": dict(zip(table.names, (top[-1] - top[-2]).tolist(), strict=True)),
            "shares": shares.tolist(),
            "columns": [model.binding.name(column) for column in range(model.latent)],
        }
        write_text(path, json.dumps(found, indent=2))
    kept: dict[str, Any] = json.loads(path.read_text())
    return kept


def rivals(folder: Path, out: Path) -> Found:
    """The study's finished runs on sprites, by method, scored over the labelled factors."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("sprites-*-s*.json")):
        done = json.loads(path.read_text())
        run = find_run(folder / "projects" / path.stem)
        found.setdefault(done["method"], []).append(scores(run, done["seed"], out, done["seconds"]))
    return found


def best_of(found: Found) -> str:
    """The method without labels and without pairs whose mean over seeds is highest, of those with most seeds."""
    free = {name: runs for name, runs in found.items() if name not in PAIRED}
    most = max(map(len, free.values()))
    return max((n for n in free if len(free[n]) == most), key=lambda name: np.mean([r["mig"] for r in free[name]]))


def difference(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]], score: str) -> str:
    """Difference of the means over seeds with Welch's 95 % interval, in words."""
    first, second = ([run[score] for run in runs] for runs in (ours, theirs))
    low, high = ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    return f"{np.mean(first) - np.mean(second):+.3f} (95 % {low:+.3f} to {high:+.3f})"


def table(found: Found, score: str = "mig") -> Iterator[str]:
    """A line of Markdown per method or case."""
    factors = list(next(iter(found.values()))[0]["gaps"])
    yield f"| | {score}: each seed | mean | MIG of all five | gaps: {', '.join(factors)} | steps | CPU s |"
    yield "|:--|:--|--:|--:|:--|--:|--:|"
    for name, runs in found.items():
        seeds = ", ".join(
            f"{r['mig']:.3f} ({r['interval'][0]:.3f} to {r['interval'][1]:.3f})"
            if score == "mig"
            else f"{r[score]:.3f}"
            for r in runs
        )
        gaps = ", ".join(f"{np.mean([r['gaps'][f] for r in runs]):.2f}" for f in factors)
        mean, every, steps, spent = (np.mean([r[key] for r in runs]) for key in (score, "all", "steps", "seconds"))
        yield f"| {name} | {seeds} | **{mean:.3f}** | {every:.3f} | {gaps} | {steps:.0f} | {spent:.0f} |"


def matrix(run: Mapping[str, Any]) -> Iterator[str]:
    """Share of each factor's entropy that each column in use knows, as Markdown."""
    yield "| column | bound to | " + " | ".join(run["gaps"]) + " |"
    yield "|--:|:--|" + "--:|" * len(run["gaps"])
    for column, (bound, row) in enumerate(zip(run["columns"], run["shares"], strict=True)):
        if bound or max(row) >= SHOWN:
            yield f"| {column} | {bound or '–'} | " + " | ".join(f"{value:.2f}" for value in row) + " |"


def report(found: Found, unsupervised: Found) -> Iterator[str]:
    """All tables and differences in Markdown."""
    plain = {name: runs for name, runs in found.items() if not name.startswith("correlated")}
    by_mean = sorted(unsupervised.items(), key=lambda item: -float(np.mean([r["mig"] for r in item[1]])))
    if plain or unsupervised:
        yield from table({**plain, **dict(by_mean)})
    if unsupervised:
        best = best_of(unsupervised)
        rival = [best, *(name for name in PAIRED if name in unsupervised)]
        yield ""
        for name in plain:
            for other in rival:
                if min(len(plain[name]), len(unsupervised[other])) > 1:
                    yield f"- {name} less {other}: {difference(plain[name], unsupervised[other], 'mig')}"
    mixed = {name: runs for name, runs in found.items() if name.startswith("correlated")}
    if mixed:
        yield from ("", *table(mixed, "scale and x"))
        first = next(iter(mixed))
        yield ""
        for name in list(mixed)[1:]:
            if min(len(mixed[name]), len(mixed[first])) > 1:
                yield f"- {name} less {first}: {difference(mixed[name], mixed[first], 'scale and x')}"
        for name, runs in mixed.items():
            yield from ("", f"{name}, seed 0:", "", *matrix(runs[0]))


def draw(found: Found, path: Path) -> None:
    """MI matrices of the correlated cases side by side, seed 0."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    from unweave.metrics.plots import INK, save

    cases = {name: runs[0] for name, runs in found.items() if name.startswith("correlated")}
    figure = Figure((2.4 * len(cases) + 0.5, 3.2), layout="constrained")
    colours = LinearSegmentedColormap.from_list("blues", ["#ffffff", "#a9cfe8", "#3d8fc4", "#0b3f6b"])
    for axes, (name, run) in zip(figure.subplots(1, len(cases), squeeze=False)[0], cases.items(), strict=True):
        shares, bound = np.array(run["shares"]), np.array([column is not None for column in run["columns"]])
        # Bound columns in their order, the others by the factor that they say most about, idle ones last.
        rows = np.lexsort((-shares.max(1), shares.argmax(1), shares.max(1) < SHOWN, ~bound))
        rows = np.concatenate([np.flatnonzero(bound), rows[bound.sum() :]])
        image = axes.imshow(shares[rows], cmap=colours, vmin=0, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(shares[rows]):
            if value >= SHOWN:
                colour = "white" if value > 0.55 else INK
                axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=7.5)
        labels = [run["columns"][row] or f"z{row}" for row in rows]
        axes.set_yticks(range(len(rows)), labels, color=INK, fontsize=8)
        names = list(run["gaps"])
        axes.set_xticks(
            range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor", color=INK, fontsize=8
        )
        axes.set_title(name.removeprefix("correlated, "), loc="left", color=INK, fontsize=10)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_edgecolor("#c9ced6")
    bar = figure.colorbar(image, ax=figure.axes, pad=0.01, aspect=25)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.set_label("share of the factor's entropy", color=INK, fontsize=8)
    bar.ax.tick_params(length=0, labelcolor=INK, labelsize=7.5)
    save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("few_labels"))
    parser.add_argument("--study", type=Path, required=True, help="folder of study.py, whose runs are the rivals")
    parser.add_argument("--seconds", type=float, default=45.0, help="processor time of a run, as in the study")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--write", type=Path, help="put the tables into this file, between its marks")
    parser.add_argument("--picture", type=Path, help="draw the MI matrices of the correlated cases into this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    costs_of = costs(options.study, options.out)
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(options.seeds):  # seed by seed, so that a part of the runs compares all cases
        for case in options.cases:
            found.setdefault(case, []).append(result(case, seed, costs_of[case], options.seconds, options.out))
            print(f"seed {seed}, {case}: MIG {found[case][-1]['mig']:.3f}", flush=True)
    tables = "\n".join([*report(found, rivals(options.study, options.out)), ""])
    print(tables)
    if options.write:
        study.write(tables, options.write, MARKS)
    if options.picture:
        draw(found, options.picture)


if __name__ == "__main__":
    main()
