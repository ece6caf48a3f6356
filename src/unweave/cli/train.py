"""`unweave train`: train, or continue; then evaluate and report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unweave.cli.console import GATE_FAILED, Device, Folder, Json, Overrides, data_progress, err, out, print_json

if TYPE_CHECKING:
    from unweave.projects.config import Project
    from unweave.projects.pipeline import Trained


def train(
    folder: Folder = Path(),
    set_: Overrides = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Train this many seeds, from 0 on, and compare.")] = None,
    device: Device = "auto",
    devices: Annotated[int, typer.Option(min=1, help="How many of them.")] = 1,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop with a checkpoint after this time.")] = None,
    json: Json = False,
) -> None:
    """Train the model. Kill it at any moment: the same command continues."""
    from unweave.projects.load import load_project
    from unweave.projects.seeds import train_seeds

    project = load_project(folder, set_ or ())
    seconds = None if max_minutes is None else 60 * max_minutes
    if seeds is not None:
        results = train_seeds(project, folder, seeds=seeds, device=device, max_seconds=seconds, say=err.print)
        _say_seeds(results, json=json)
        return
    content = train_one(project, folder, device=device, devices=devices, max_seconds=seconds)
    if json:
        print_json(content)
    else:
        say_result(content)
    if any(not gate["passed"] for gate in content.get("gates", ())):
        raise typer.Exit(GATE_FAILED)


def train_one(
    project: Project,
    folder: Path,
    *,
    device: str = "auto",
    devices: int = 1,
    max_seconds: float | None = None,
) -> dict[str, Any]:
    """Train, evaluate and report one run; what came out as plain values."""
    from unweave.cli.watching import TrainingProgress
    from unweave.projects.data import load_data
    from unweave.projects.finish import finish
    from unweave.projects.pipeline import train as train_project

    with data_progress() as progress:
        dataset = load_data(project, folder, progress=progress)
    with TrainingProgress(project.training.steps) as bar:
        trained: Trained = train_project(
            project, dataset, folder, device=device, devices=devices, max_seconds=max_seconds, sinks=[bar]
        )
    for diagnosis in trained.diagnoses:
        if diagnosis.severity != "note":
            text = f"{diagnosis.severity}: {diagnosis.title}. {diagnosis.detail} {diagnosis.advice}"
            err.print(text, soft_wrap=True, markup=False)
    if trained.outcome.status == "complete":
        err.print("Scoring held-out rows …")
    return finish(trained, dataset, folder)


def say_result(content: dict[str, Any]) -> None:
    """A short summary for people."""
    from unweave.cli.evaluate import say_scores

    out.print(
        f"\n[bold]{content['run']}[/]: {content['status']} at step {content['step']:,} after {content['seconds']:.0f} s"
    )
    if content["scores"]:
        say_scores(content)
    out.print(f"\nReport: {content['report']}", soft_wrap=True, markup=False)
    if content["status"] != "complete":
        out.print("The same command continues where it stopped.")


def _say_seeds(results: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(results)
        return
    from rich.table import Table

    table = Table(
        "seed", "status", "MIG", "interval", "chance", "seconds", box=None, header_style="bold", pad_edge=False
    )
    for r in results["seeds"]:
        mig = r["scores"].get("mig")
        value, interval, null = (
            ("–", "–", "–")
            if mig is None or mig["value"] is None
            else (f"{mig['value']:.3f}", f"{mig['interval'][0]:.3f} to {mig['interval'][1]:.3f}", f"{mig['null']:.3f}")
        )
        table.add_row(str(r["seed"]), r["status"], value, interval, null, f"{r['seconds']:.0f}")
    out.print(table)
    if results["median_mig"] is not None:
        out.print(
            f"\nmedian MIG {results['median_mig']:.3f}; {results['images_per_second']:,.0f} images/s over all seeds"
        )
