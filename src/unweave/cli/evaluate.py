"""`unweave evaluate`: scores on held-out rows, and the gates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from unweave.cli.console import GATE_FAILED, Device, Folder, Json, RunName, data_progress, out, print_json


def evaluate(
    folder: Folder = Path(),
    run: RunName = None,
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples behind the intervals.")] = 200,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Score a trained model on held-out rows; exit 1 when a gate fails."""
    from unweave.projects.data import load_data
    from unweave.projects.load import load_project
    from unweave.projects.models import trained_model
    from unweave.projects.pipeline import evaluate as evaluate_run
    from unweave.projects.runs import find_run

    found = find_run(folder, run)
    accept = load_project(folder).accept  # gates may have changed since the run began
    model = trained_model(found, device=device)
    with data_progress() as progress:
        dataset = load_data(found.project(), folder, progress=progress)
    card = evaluate_run(found, dataset, accept=accept, model=model, bootstrap=bootstrap)
    gates = (found.read("gates") or {}).get("gates", [])
    content = {"run": found.name, **card.to_json(), "gates": gates}
    if json:
        print_json(content)
    else:
        out.print(f"[bold]{found.name}[/]")
        say_scores(content)
    if any(not gate["passed"] for gate in gates):
        raise typer.Exit(GATE_FAILED)


def say_scores(content: dict[str, Any]) -> None:
    """Scores and gates as a table."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("score", "value", "95 % interval", "random codes", box=None, header_style="bold", pad_edge=False)
    for name, score in content["scores"].items():
        if score["value"] is None:
            table.add_row(escape(name), "–", escape(score["reason"]), "")
            continue
        low_high = score["interval"]
        interval = "" if low_high is None else f"{low_high[0]:.3f} to {low_high[1]:.3f}"
        table.add_row(
            escape(name), f"{score['value']:.3f}", interval, "" if score["null"] is None else f"{score['null']:.3f}"
        )
    out.print(table)
    for gate in content.get("gates", ()):
        mark = "[green]passed[/]" if gate["passed"] else "[red]failed[/]"
        value = "no value" if gate["value"] is None else f"{gate['value']:.3f}"
        out.print(f"gate {escape(gate['score'])} {gate['wanted']}: {value} {mark}")
