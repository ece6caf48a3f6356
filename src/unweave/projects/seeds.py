"""The same training for several seeds: on a CPU one pinned process with one thread per core."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from unweave.projects.config import Project
from unweave.projects.data import load_data
from unweave.projects.tracking import open_experiment


def train_seeds(
    project: Project,
    root: Path,
    *,
    seeds: int,
    device: str = "auto",
    max_seconds: float | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train, evaluate and report seeds 0 … `seeds` - 1; returns all results and their median MIG, never the best alone.

    Two threads of one process wait for each other on every small operation; one process a core does not, and does
    about a quarter more images per second.
    """
    open_experiment(project, root)  # made once here: processes that make the same database at once fail
    load_data(project, root)
    workers = _workers(device, seeds)
    spawn = multiprocessing.get_context("spawn")
    cores = spawn.Queue()
    for core in sorted(os.sched_getaffinity(0))[:workers]:
        cores.put(core)
    say(f"{seeds} seeds, {workers} at a time")
    results: list[dict[str, Any]] = []
    began = time.perf_counter()
    jobs = [(_with_seed(project, seed), str(root), device, max_seconds) for seed in range(seeds)]
    with (
        _one_thread_each(workers),
        ProcessPoolExecutor(workers, spawn, initializer=_pin, initargs=(cores, workers > 1)) as pool,
    ):
        try:
            for future in as_completed([pool.submit(_one, *job) for job in jobs]):
                result = future.result()
                results.append(result)
                mig = result["scores"].get("mig", {}).get("value")
                say(f"seed {result['seed']}: {result['status']}" + ("" if mig is None else f", MIG {mig:.3f}"))
        except BaseException:  # Ctrl-C ends the seeds that run, each with a checkpoint; the others must not begin
            pool.shutdown(cancel_futures=True)
            raise
    results.sort(key=lambda r: int(r["seed"]))
    migs = [r["scores"]["mig"]["value"] for r in results if r["scores"].get("mig", {}).get("value") is not None]
    return {
        "seeds": results,
        "median_mig": statistics.median(migs) if migs else None,
        "seconds": time.perf_counter() - began,
        "images_per_second": workers * statistics.mean(r["images_per_second"] for r in results),
    }


def _workers(device: str, seeds: int) -> int:
    """One process at a time on a GPU, one a core on a CPU."""
    import torch

    on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    return 1 if on_gpu else min(seeds, len(os.sched_getaffinity(0)))


def _with_seed(project: Project, seed: int) -> Project:
    return project.model_copy(update={"training": project.training.model_copy(update={"seed": seed})})


@contextlib.contextmanager
def _one_thread_each(workers: int) -> Iterator[None]:
    """OpenMP reads the number of threads when a process begins, so the children must inherit it."""
    before = os.environ.get("OMP_NUM_THREADS")
    if workers > 1:
        os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _pin(cores: Any, wanted: bool) -> None:  # noqa: ANN401 - a queue behind a manager
    if wanted:
        os.sched_setaffinity(0, {cores.get()})
        import torch

        torch.set_num_threads(1)


def _one(project: Project, root: str, device: str, max_seconds: float | None) -> dict[str, Any]:
    from unweave.projects.finish import finish
    from unweave.projects.pipeline import train

    dataset = load_data(project, Path(root))
    trained = train(project, dataset, Path(root), device=device, max_seconds=max_seconds)
    return {"seed": project.training.seed, **finish(trained, dataset, Path(root))}
