"""The study: every method on sprites and on scenes, several seeds each, under an equal CPU budget.

    .venv/bin/python benchmarks/study.py --out study [--seconds 60] [--seeds 3] [--methods tc_vae,…] [--sets sprites,…]
    .venv/bin/python benchmarks/study.py --out study --rescore                    # with today's metrics, trains nothing
    .venv/bin/python benchmarks/study.py --out study --write docs/results.md      # tables of what is there
    .venv/bin/python benchmarks/study.py --out full --full --device cuda          # the published budget

Each run has one core and one thread, one run a core at a time. The budget is processor time: 100 steps are timed first,
and the number of steps is what fits, so that a dearer step means fewer of them and a schedule still ends with the
training. It resumes where it stopped: finished runs are files in `--out`, and a run that was killed goes on
from its checkpoint. No labels are used in training, and no setting is chosen by a seed's score.

`--full` trains 300,000 steps of 64 images at 64 pixels and a learning rate of 1e-4 (Locatello et al. 2019, table 2).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SETS: Mapping[str, dict[str, Any]] = {
    "sprites": {"images": "builtin:sprites", "size": 32, "rows": 50_000},
    "scenes": {"images": "builtin:scenes", "size": 32, "rows": 50_000},
}

METHODS: Mapping[str, dict[str, Any]] = {
    "vae": {"kind": "beta_vae", "beta": 1.0},
    "beta_vae": {"kind": "beta_vae", "beta": 4.0},
    "beta_vae_falling": {"kind": "beta_vae", "beta": 4.0, "start": 12.0, "ramp": 0.75},
    "annealed_vae": {"kind": "annealed_vae", "capacity": 10.0, "gamma": 1000.0, "over": 0.75},
    "tc_vae": {"kind": "tc_vae", "beta": 6.0},
    "factor_vae": {"kind": "factor_vae", "gamma": 10.0},
    "dip_vae_i": {"kind": "dip_vae", "form": "i", "off_diagonal": 10.0, "diagonal": 100.0},
    "dip_vae_ii": {"kind": "dip_vae", "form": "ii", "off_diagonal": 10.0, "diagonal": 10.0},
    "ada_gvae": {"kind": "ada_gvae", "pairs": True},
    "ada_ml_vae": {"kind": "ada_ml_vae", "pairs": True},
    "hybrid": {
        "kind": "hybrid",
        "beta": 4.0,
        "fine_tune_after": 0.75,
        "categorical": {"sizes": [3], "anneal": 0.75},
        "views": None,  # the nearest pictures share place and size, which are factors here, rather than shape
    },
}
"""Settings by name, each from the middle of the published range (Locatello et al. 2019, table 2; 2020). Numbers of
steps are given as a share of the training. `pairs`: rows come with a partner in which some factors have changed."""

STEPS = ("ramp", "over", "fine_tune_after", "anneal")
"""Settings that are numbers of steps."""

SCORES = ("mig", "dci.disentanglement", "factor_vae", "reconstruction")
TRIAL, TRIAL_STEPS = 20, 120
FULL_STEPS = 300_000


@dataclass(frozen=True)
class Job:
    """One training of the study."""

    set_: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.set_}-{self.method}-s{self.seed}"


def settings(given: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """Settings with shares of the training as numbers of steps."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        if isinstance(value, Mapping):
            found[key] = settings(value, steps)
        else:
            found[key] = max(1, round(value * steps)) if key in STEPS else value
    return found


def project(job: Job, steps: int, *, full: bool) -> dict[str, Any]:
    """Content of the project file of one run."""
    method = settings(METHODS[job.method], steps)
    pairs = {"pairs": {"change": "random"}} if method.pop("pairs", False) else {}
    data = {**SETS[job.set_], **pairs, **({"size": 64} if full else {})}
    every = max(1, steps // 4)
    training = {"steps": steps, "batch": 64, "learning_rate": 1e-4 if full else 1e-3, "seed": job.seed}
    return {
        "name": f"study-{job.set_}",
        "data": data,
        "method": {"latent": 10, **method},
        "training": {**training, "monitor_every": every, "checkpoint_every": every},
        "tracking": {"uri": "off"},
    }


def seconds_per_step(job: Job, data: Any, root: Path, device: str, *, full: bool) -> float:  # noqa: ANN401 - Dataset
    """Processor time of one step, from two short runs that differ in their number of steps alone."""
    from unweave.projects.load import parse_project
    from unweave.projects.pipeline import train

    times = []
    for steps in (TRIAL, TRIAL_STEPS):
        began = time.process_time()
        train(parse_project(project(job, steps, full=full), "study"), data, root, device=device)
        times.append(time.process_time() - began)
    return float((times[1] - times[0]) / (TRIAL_STEPS - TRIAL))


def run(job: Job, out: Path, seconds: float, device: str, *, full: bool) -> None:
    """Train one job, or take it as it was trained, and score it; its figures are `NAME.json`."""
    from unweave.metrics import scorecard
    from unweave.projects.data import held_out, load_data
    from unweave.projects.load import parse_project
    from unweave.projects.pipeline import evaluate, train

    root = out / "projects" / job.name
    root.mkdir(parents=True, exist_ok=True)
    data = load_data(parse_project(project(job, 100, full=full), "study"), out / "projects" / job.set_)
    plan = root / "steps.json"  # measured once, so that a killed run goes on with the same number
    if not plan.exists():
        trial = root / "trial"
        steps = FULL_STEPS if full else int(seconds / seconds_per_step(job, data, trial, device, full=full))
        shutil.rmtree(trial, ignore_errors=True)
        plan.write_text(json.dumps(steps))
    steps = json.loads(plan.read_text())
    asked = parse_project(project(job, steps, full=full), "study")
    began = time.process_time()
    done = train(asked, data, root, device=device)
    used = root / "seconds.json"
    used.write_text(json.dumps(time.process_time() - began + (json.loads(used.read_text()) if used.exists() else 0.0)))
    card = dict(evaluate(done.run, data, model=done.model).items())
    rows = held_out(data)
    codes, table = done.model.encode(data.observations(rows)), data.table.take(rows)
    card |= dict(scorecard(codes, table, metrics=["factor_vae"], seed=job.seed).items())
    found = {
        "set": job.set_,
        "method": job.method,
        "seed": job.seed,
        "settings": asked.method.model_dump(mode="json"),
        "steps": steps,
        "seconds": json.loads(used.read_text()),
        "scores": {name: {k: v for k, v in score.to_json().items() if k != "matrix"} for name, score in card.items()},
    }
    part = out / f"{job.name}.part"
    part.write_text(json.dumps(found))
    part.rename(out / f"{job.name}.json")


def _worker(jobs: Any, core: int | None, out: Path, seconds: float, device: str, full: bool) -> None:  # noqa: ANN401
    if core is not None:
        os.sched_setaffinity(0, {core})
    while (job := jobs.get()) is not None:
        began = time.perf_counter()
        try:
            run(job, out, seconds, device, full=full)
        except Exception as error:  # one method that fails must not end the study; its row stays open
            print(f"{job.name}: {type(error).__name__}: {error}", flush=True)
        else:
            print(f"{job.name}: {time.perf_counter() - began:.0f} s", flush=True)


def study(jobs: list[Job], out: Path, seconds: float, device: str, *, full: bool) -> None:
    """Run what is not there yet, one process a core, or one process on a GPU."""
    from unweave.projects.data import load_data
    from unweave.projects.load import parse_project

    for job in {j.set_: j for j in jobs}.values():
        load_data(parse_project(project(job, 100, full=full), "study"), out / "projects" / job.set_)
    os.environ["OMP_NUM_THREADS"] = "1"
    cores: list[int | None] = [None] if device != "cpu" else sorted(os.sched_getaffinity(0))
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue()
    for job in [*jobs, *[None] * len(cores)]:
        queue.put(job)
    workers = [spawn.Process(target=_worker, args=(queue, c, out, seconds, device, full)) for c in cores]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def results(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(out.glob("*-s*.json"))]


def _row(runs: list[dict[str, Any]]) -> Iterator[str]:
    """Cells of one method: median over seeds, then every seed with its interval."""
    for name in SCORES:
        scores = [run["scores"].get(name) for run in runs]
        values = [s["value"] for s in scores if s is not None and s["value"] is not None]
        if not values:
            yield "–"
            continue
        digits = 4 if name == "reconstruction" else 2
        each = ", ".join(
            f"{s['value']:.{digits}f} ({s['interval'][0]:.{digits}f} to {s['interval'][1]:.{digits}f})"
            if s["interval"]
            else f"{s['value']:.{digits}f}"
            for s in scores
            if s is not None and s["value"] is not None
        )
        yield f"**{statistics.median(values):.{digits}f}**: {each}"
    yield f"{statistics.median(r['steps'] for r in runs):,.0f}"
    yield f"{statistics.median(r['seconds'] for r in runs):.0f}"


def table(found: list[dict[str, Any]]) -> str:
    """Markdown: one table per set, methods by median MIG."""
    lines = []
    for set_ in dict.fromkeys(r["set"] for r in found):
        groups: dict[str, list[dict[str, Any]]] = {}
        for run_ in found:
            if run_["set"] == set_:
                groups.setdefault(run_["method"], []).append(run_)
        lines += [f"### {set_}", ""]
        lines += ["| method | MIG | DCI disentanglement | FactorVAE score | squared error | steps | s |"]
        lines += ["|---|---|---|---|---|---|---|"]

        def median(runs: list[dict[str, Any]]) -> float:
            return float(np.median([r["scores"]["mig"]["value"] or 0.0 for r in runs]))

        for method, runs in sorted(groups.items(), key=lambda item: -median(item[1])):
            lines.append(f"| {method} | {' | '.join(_row(sorted(runs, key=lambda r: r['seed'])))} |")
        lines.append("")
    return "\n".join(lines)


MARKS = "<!-- study -->", "<!-- end of study -->"


def write(found: list[dict[str, Any]], path: Path) -> None:
    """Put the tables between the marks of a Markdown file."""
    text = path.read_text()
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    if not rest:
        raise SystemExit(f"{path}: expected the marks {MARKS[0]} and {MARKS[1]}.")
    path.write_text(f"{before}{MARKS[0]}\n{table(found)}{MARKS[1]}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time of the training of one run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--full", action="store_true", help="300,000 steps at 64 pixels")
    parser.add_argument("--rescore", action="store_true", help="score finished runs again with today's metrics")
    parser.add_argument("--write", type=Path, help="only write the tables of what is there into this file")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.write is None:
        wanted = [
            Job(set_, method, seed)
            for seed in range(options.seeds)
            for set_ in options.sets.split(",")
            for method in options.methods.split(",")
        ]
        jobs = [job for job in wanted if (options.out / f"{job.name}.json").exists() == options.rescore]
        study(jobs, options.out, options.seconds, options.device, full=options.full)
        print(table(results(options.out)))
    else:
        write(results(options.out), options.write)


if __name__ == "__main__":
    main()
