"""The study: every method on sprites and on scenes, several seeds each, under an equal CPU budget.

    .venv/bin/python benchmarks/study.py --out study [--seconds 45] [--seeds 3] [--methods tc_vae,…] [--sets sprites,…]
    .venv/bin/python benchmarks/study.py --out study --rescore                    # with today's metrics, trains nothing
    .venv/bin/python benchmarks/study.py --out study --write docs/results.md      # tables of what is there
    .venv/bin/python benchmarks/study.py --out full --full --device cuda          # the published budget

Each run has one core and one thread, one run a core at a time. The budget is processor time on an idle core: the steps
of all methods are timed first, in turns, and the number of steps is what fits, so that a dearer step means fewer of
them, a schedule still ends with the training, and a busy machine changes nothing. Time them (`--only-time`) when
nothing else runs. It resumes where it stopped: finished runs are files in `--out`, and a run that was killed goes on
from its checkpoint. No labels are used in training, and no setting is chosen by a seed's score.

`--full` trains 300,000 steps of 64 images at 64 pixels, with the net and the learning rate of Locatello et al. (2019,
tables 1 and 2).
"""

from __future__ import annotations

import argparse
import itertools
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

from unweave.core.files import write_text
from unweave.metrics.resampling import student_t

SETS: Mapping[str, dict[str, Any]] = {
    "sprites": {"images": "builtin:sprites", "size": 32, "rows": 50_000},
    "scenes": {"images": "builtin:scenes", "size": 32, "rows": 50_000},
}

METHODS: Mapping[str, dict[str, Any]] = {
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

SCORES = ("mig", "mig (published definition)", "dci.disentanglement", "factor_vae", "reconstruction")
WARM, TIMED, ROUNDS = 10, 40, 3
WIDTH = 16
"""Channels of the first layer where the budget is minutes: half of the published net's, for twice the steps."""
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
        "net": {} if full else {"width": WIDTH},
        "training": {**training, "monitor_every": every, "checkpoint_every": every},
        "tracking": {"uri": "off"},
    }


def time_steps(sets: list[str], methods: list[str], out: Path, device: str) -> dict[str, float]:
    """Processor seconds of one step by `set-method`: the median of a few rounds, in which all methods take turns."""
    from unweave.projects.load import parse_project
    from unweave.projects.pipeline import train

    path = out / "seconds_per_step.json"
    found: dict[str, list[float]] = _read(path, {})
    jobs = [Job(set_, method, 0) for set_ in sets for method in methods]
    for _, job in itertools.product(range(ROUNDS), jobs):
        rounds = found.setdefault(f"{job.set_}-{job.method}", [])
        if len(rounds) >= ROUNDS:
            continue
        data, times = load(job, out, full=False), []
        for steps in (WARM, WARM + TIMED):
            began, trial = time.process_time(), out / "trial"
            train(parse_project(project(job, steps, full=False), "study"), data, trial, device=device)
            times.append(time.process_time() - began)
            shutil.rmtree(trial)
        rounds.append((times[1] - times[0]) / TIMED)
        write_text(path, json.dumps(found, indent=1))
        print(f"{job.set_}-{job.method}: {1000 * rounds[-1]:.1f} ms a step", flush=True)
    return {name: statistics.median(rounds) for name, rounds in found.items()}


def _read(path: Path, otherwise: Any) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text()) if path.exists() else otherwise


def load(job: Job, out: Path, *, full: bool) -> Any:  # noqa: ANN401 - Dataset
    from unweave.projects.data import load_data
    from unweave.projects.load import parse_project

    return load_data(parse_project(project(job, 100, full=full), "study"), out / "projects" / job.set_)


def run(job: Job, out: Path, steps: int, device: str, *, full: bool) -> None:
    """Train one job, or take it as it was trained, and score it; its figures are `NAME.json`."""
    from unweave.projects.load import parse_project
    from unweave.projects.pipeline import train

    root = out / "projects" / job.name
    root.mkdir(parents=True, exist_ok=True)
    data = load(job, out, full=full)
    asked = parse_project(project(job, steps, full=full), "study")
    began = time.process_time()
    done = train(asked, data, root, device=device)
    used = root / "seconds.json"
    used.write_text(json.dumps(time.process_time() - began + _read(used, 0.0)))
    if done.outcome.status != "complete":
        return  # stopped: the next call goes on, and there is nothing to report of a model that is half trained
    found = {
        "set": job.set_,
        "method": job.method,
        "seed": job.seed,
        "settings": asked.method.model_dump(mode="json"),
        "steps": steps,
        "seconds": _read(used, 0.0),
        "scores": scores(done.model, data, job.seed),
    }
    write_text(out / f"{job.name}.json", json.dumps(found))


def scores(model: Any, data: Any, seed: int) -> dict[str, Any]:  # noqa: ANN401 - TrainedModel, Dataset
    """Scores of a model on held-out rows, with intervals over these rows; DCI without, since ten refits cost more
    than the training."""
    from unweave.metrics import reconstruction, scorecard
    from unweave.projects.data import held_out

    rows = held_out(data)
    observations, table = data.observations(rows), data.table.take(rows)
    codes = model.encode(observations)
    groups = codes.groups or None
    card = dict(scorecard(codes, table, metrics=["mig"], groups=groups, seed=seed).items())
    card |= dict(scorecard(codes, table, metrics=["dci"], groups=groups, bootstrap=0, nulls=0, seed=seed).items())
    card |= dict(scorecard(codes, table, metrics=["factor_vae"], seed=seed).items())
    published = scorecard(codes.mean, table, metrics=["mig"], mode="reference", nulls=0, seed=seed)
    card["mig (published definition)"] = published["mig"]
    card["reconstruction"] = reconstruction(observations / np.float32(255), model.decode(codes.mean), seed=seed)
    return {name: {k: v for k, v in score.to_json().items() if k != "matrix"} for name, score in card.items()}


def _worker(jobs: Any, core: int | None, out: Path, steps: dict[str, int], device: str, full: bool) -> None:  # noqa: ANN401
    if core is not None:
        os.sched_setaffinity(0, {core})
    while (job := jobs.get()) is not None:
        began = time.perf_counter()
        try:
            run(job, out, steps[f"{job.set_}-{job.method}"], device, full=full)
        except Exception as error:  # one method that fails must not end the study; its row stays open
            print(f"{job.name}: {type(error).__name__}: {error}", flush=True)
        else:
            print(f"{job.name}: {time.perf_counter() - began:.0f} s", flush=True)


def study(jobs: list[Job], out: Path, steps: dict[str, int], device: str, *, full: bool) -> None:
    """Run what is not there yet, one process a core, or one process on a GPU."""
    os.environ["OMP_NUM_THREADS"] = "1"
    for job in {j.set_: j for j in jobs}.values():
        load(job, out, full=full)
    cores: list[int | None] = [None] if device != "cpu" else sorted(os.sched_getaffinity(0))
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue()
    for job in [*jobs, *[None] * len(cores)]:
        queue.put(job)
    workers = [spawn.Process(target=_worker, args=(queue, c, out, steps, device, full)) for c in cores]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def results(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(out.glob("*-s*.json"))]


PUBLISHED: Mapping[str, tuple[str, str, str]] = {
    "beta_vae": ("0.107 ± 0.071", "–", "0.66"),
    "tc_vae": ("0.332 ± 0.029", "–", "–"),
    "factor_vae": ("–", "–", "0.82 ± 0.03"),
    "ada_gvae": ("0.27", "0.48", "0.85"),
    "ada_ml_vae": ("0.115", "0.29", "0.70"),
}
"""dSprites at 64 pixels and 300,000 steps: MIG, DCI disentanglement and FactorVAE score, as reported: beta-VAE's and
beta-TCVAE's MIG by later authors (mean and deviation over seeds), FactorVAE's score by its authors' successors, the
other figures as medians of Locatello et al. (2020)."""


def over_seeds(values: list[float], digits: int) -> str:
    """Mean and 95 % interval over seeds by Student's t, then every seed."""
    each = ", ".join(f"{v:.{digits}f}" for v in values)
    if len(values) < 2:
        return each
    half = student_t(len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return f"**{statistics.mean(values):.{digits}f}** ± {half:.{digits}f} ({each})"


def _row(runs: list[dict[str, Any]]) -> Iterator[str]:
    """Cells of one method."""
    for name in SCORES:
        values = [run["scores"][name]["value"] for run in runs if run["scores"].get(name)]
        yield over_seeds([v or 0.0 for v in values], 4 if name == "reconstruction" else 2)
    yield f"{statistics.median(r['steps'] for r in runs):,.0f}"
    yield f"{statistics.median(r['seconds'] for r in runs):.0f}"


def table(found: list[dict[str, Any]]) -> str:
    """Markdown: one table per set, methods by mean MIG; published figures beside those of sprites."""
    lines = []
    for set_ in dict.fromkeys(r["set"] for r in found):
        groups: dict[str, list[dict[str, Any]]] = {}
        for run_ in found:
            if run_["set"] == set_:
                groups.setdefault(run_["method"], []).append(run_)
        lines += [f"### {set_}", ""]
        lines += ["| method | MIG | MIG as published | DCI D | FactorVAE score | squared error | steps | s |"]
        lines += ["|---" * 8 + "|"]

        def mean(runs: list[dict[str, Any]]) -> float:
            return float(np.mean([r["scores"]["mig"]["value"] or 0.0 for r in runs]))

        for method, runs in sorted(groups.items(), key=lambda item: -mean(item[1])):
            lines.append(f"| {method} | {' | '.join(_row(sorted(runs, key=lambda r: r['seed'])))} |")
        lines.append("")
    lines += ["### Published, dSprites at 64 pixels, 300,000 steps", ""]
    lines += ["| method | MIG | DCI disentanglement | FactorVAE score |", "|---|---|---|---|"]
    lines += [f"| {method} | {' | '.join(cells)} |" for method, cells in PUBLISHED.items()]
    return "\n".join([*lines, ""])


MARKS = "<!-- study -->", "<!-- end of study -->"


def write(text: str, path: Path, marks: tuple[str, str] = MARKS) -> None:
    """Put text between two marks of a Markdown file."""
    content = path.read_text()
    before, _, rest = content.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    if not rest:
        raise SystemExit(f"{path}: expected the marks {marks[0]} and {marks[1]}.")
    write_text(path, f"{before}{marks[0]}\n{text}{marks[1]}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=45.0, help="processor time of the training of one run")
    parser.add_argument("--only-time", action="store_true", help="time the steps, while nothing else runs, and end")
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
        sets, methods = options.sets.split(","), options.methods.split(",")
        times = {} if options.full else time_steps(sets, methods, options.out, options.device)
        if options.only_time:
            return
        steps = {
            f"{s}-{m}": FULL_STEPS if options.full else int(options.seconds / times[f"{s}-{m}"])
            for s in sets
            for m in methods
        }
        study(jobs, options.out, steps, options.device, full=options.full)
        print(table(results(options.out)))
    else:
        write(table(results(options.out)), options.write)


if __name__ == "__main__":
    main()
