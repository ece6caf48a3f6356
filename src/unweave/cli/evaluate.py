"""`unweave evaluate`: scores on held-out rows, and the gates."""

from __future__ import annotations

from collections.abc import Sequence
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
    from unweave.projects.evaluation import evaluate as evaluate_run
    from unweave.projects.load import load_project
    from unweave.projects.models import trained_model
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
    from rich.table import Column, Table

    names = Column("score", no_wrap=True, min_width=max(map(len, content["scores"]), default=0))
    table = Table(names, "value", "95 % interval", "random codes", box=None, header_style="bold", pad_edge=False)
    notes = {name: _note(score) for name, score in content["scores"].items()}
    if any(notes.values()):
        table.add_column("note", style="dim")
    for name, score in content["scores"].items():
        cells = number_cells(score["value"], score["interval"], score["null"])
        note = (escape(notes[name]),) if any(notes.values()) else ()
        table.add_row(escape(name), *cells, *note)
    out.print(table)
    for gate in content.get("gates", ()):
        mark = "[green]passed[/]" if gate["passed"] else "[red]failed[/]"
        value = "no value" if gate["value"] is None else f"{gate['value']:.3f}"
        out.print(f"gate {escape(gate['score'])} {gate['wanted']}: {value} {mark}")


def number_cells(value: float | None, interval: Sequence[float] | None, null: float | None) -> tuple[str, str, str]:
    """A value, its interval and the score of random codes for a table."""
    return (
        "–" if value is None else f"{value:.3f}",
        "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}",
        "" if null is None else f"{null:.3f}",
    )


def _note(score: dict[str, Any]) -> str:
    """Why there is no value, or what was left out of it."""
    if score["reason"] is not None:
        return str(score["reason"])
    codes = "".join(f", z{code}" for code in score["dropped_codes"])
    left_out = codes.removeprefix(", "), ", ".join(score["dropped_factors"])
    return "without " + " and ".join(filter(None, left_out)) if any(left_out) else ""
