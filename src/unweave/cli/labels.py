"""`unweave labels`: which rows to label next, what labels bought, and filled-in files back into the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unweave.cli.console import Folder, Json, RunName, data_progress, err, out, print_json

if TYPE_CHECKING:
    from unweave.data.dataset import Dataset
    from unweave.metrics.label_budgets import Change, Point
    from unweave.projects.labels.curve import Curve
    from unweave.projects.labels.plan import Plan

app = typer.Typer(help="Plan which rows to label, see what labels bought, add them.", no_args_is_help=True)

Factors = Annotated[
    list[str] | None, typer.Option("--factor", metavar="NAME", help="Only this factor; may be given several times.")
]
Pixels = Annotated[bool, typer.Option("--pixels", help="Compare rows by their pixels, though there is a model.")]
Seed = Annotated[int, typer.Option(min=0, help="Of everything drawn at random.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")]


@app.command("plan")
def plan(
    budget: Annotated[int, typer.Option(min=1, help="How many rows to label.")] = 100,
    factor: Factors = None,
    side: Annotated[
        Literal["train", "valid", "test"], typer.Option(help="Side of the split that the rows come from.")
    ] = "train",
    folder: Folder = Path(),
    run: RunName = None,
    pixels: Pixels = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="CSV file; labels-plan.csv in the project otherwise.")
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    json: Json = False,
) -> None:
    """Choose the rows to label next: a CSV to fill in, and a contact sheet of the images."""
    from unweave.projects.labels.plan import make_plan
    from unweave.projects.labels.tables import check_free, write_plan

    path = output or folder / "labels-plan.csv"
    check_free(path, force)  # a mistake should not cost the time of a plan
    dataset = _dataset(folder)
    made = make_plan(dataset, folder, budget=budget, factors=factor or (), side=side, run=run, pixels=pixels, seed=seed)
    write_plan(made, dataset, path, force=force)
    sheet = _sheet(made, dataset, path.with_suffix(".png"))
    if json:
        print_json({**made.to_json(dataset), "file": str(path), "sheet": None if sheet is None else str(sheet)})
        return
    _say_plan(made, dataset, path, sheet)


@app.command("curve")
def curve(
    factor: Factors = None,
    folder: Folder = Path(),
    run: RunName = None,
    pixels: Pixels = False,
    draws: Annotated[int, typer.Option(min=2, help="Random orders of the labels.")] = 10,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="PNG file; labels-curve.png in the project otherwise.")
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Show what more labels bought: probes of held-out rows after 10, 20, 50, … labels."""
    from unweave.core.files import write_bytes
    from unweave.projects.labels.chart import draw_curves
    from unweave.projects.labels.measure import measure_curves
    from unweave.projects.load import load_project

    by = load_project(folder).data.split.by
    dataset = _dataset(folder)
    err.print("Fitting probes …")
    found = measure_curves(dataset, folder, factors=factor or (), by=by, run=run, pixels=pixels, draws=draws, seed=seed)
    path = output or folder / "labels-curve.png"
    title = "What labels bought: probes of held-out rows, with 95 % bands"
    write_bytes(path, draw_curves(found.curves, title=title))
    if json:
        print_json({**found.to_json(), "chart": str(path)})
        return
    for one in found.curves:
        if one.reason is None:
            _say_curve(one)
    for note in (f"{found.space[:1].upper()}{found.space[1:]}.", *found.notes):
        out.print(note, soft_wrap=True, markup=False, style="dim")
    out.print()
    for one in found.curves:
        out.print(one.sentence, soft_wrap=True, markup=False)
    out.print(f"\nChart: {path}", soft_wrap=True, markup=False)


@app.command("add")
def add(
    filled: Annotated[Path, typer.Argument(help="A CSV that `unweave labels plan` wrote, with its cells filled in.")],
    folder: Folder = Path(),
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="CSV file; labels-all.csv in the project otherwise.")
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Join a filled-in file with the labels that are there, in a new file for `data.labels`."""
    from unweave.projects.labels.tables import add_labels

    path = output or folder / "labels-all.csv"
    added = add_labels(_dataset(folder), filled, path, force=force)
    if json:
        print_json({"file": str(path), "new": added.new, "empty": added.empty, "orphans": list(added.orphans)})
        return
    for name, count in added.new.items():
        out.print(f"{name}: {count:,} new labels", markup=False)
    if added.empty:
        out.print(f"{added.empty:,} cells are still empty.")
    if added.orphans:
        out.print(f"{len(added.orphans)} rows name no observation: {', '.join(added.orphans[:5])}", markup=False)
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    out.print(f"\nWrote {path}. To use it, write under `data:`\n  labels: {shown}", soft_wrap=True, markup=False)


def _dataset(folder: Path) -> Dataset:
    from unweave.projects.data import load_data
    from unweave.projects.load import load_project

    with data_progress() as progress:
        return load_data(load_project(folder), folder, progress=progress)


def _sheet(made: Plan, dataset: Dataset, path: Path) -> Path | None:
    """Write the contact sheet; None for vectors, which have no picture."""
    if dataset.store.kind != "images":
        return None
    from unweave.core.files import write_bytes
    from unweave.projects.labels.sheet import MOST, contact_sheet
    from unweave.projects.report.pictures import encode_png

    rows = made.rows[:MOST]
    what = f"{len(made.rows):,} images" if len(rows) == len(made.rows) else f"the first {MOST} of {len(made.rows):,}"
    picture = contact_sheet(
        dataset.observations(rows),
        dataset.store.ids[rows].tolist(),
        title=f"To label next: {what}",
        subtitle=f"{', '.join(made.names)} · the most useful first · {made.space}",
    )
    write_bytes(path, encode_png(picture))
    return path


def _say_plan(made: Plan, dataset: Dataset, path: Path, sheet: Path | None) -> None:
    from rich.markup import escape

    out.print(
        f"[bold]{len(made.rows):,} rows[/] to label for {escape(', '.join(made.names))}, of {made.unlabelled:,} "
        f"{made.side} rows without all these labels; {made.labelled:,} have them.",
        soft_wrap=True,
    )
    for note in (f"{made.space[:1].upper()}{made.space[1:]}.", *made.notes):
        out.print(note, soft_wrap=True, markup=False, style="dim")
    for factor in dataset.table.factors:
        if factor.name in made.names and factor.values:
            out.print(f"  {factor.name}: {', '.join(factor.values)}", soft_wrap=True, markup=False)
    out.print(f"\nFill in: {path}", soft_wrap=True, markup=False)
    if sheet is not None:
        out.print(f"Look at: {sheet}", soft_wrap=True, markup=False)
    out.print(f"Then:    unweave labels add {path}", soft_wrap=True, markup=False)


def _say_curve(one: Curve) -> None:
    from rich.markup import escape
    from rich.table import Table

    score = "accuracy" if one.score == "accuracy" else "R²"
    out.print(
        f"\n[bold]{escape(one.factor)}[/]: {score} on {one.tested:,} held-out rows; {one.chance:.2f} without labels"
    )
    columns = ("labels", "random order", "planner's order", "planner's less random")
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    planned = {point.labels: (point, gain) for point, gain in zip(one.planned, one.gains, strict=True)}
    for point in one.random:
        cells = [f"{point.labels:,}", _measured(point)]
        if point.labels in planned:
            other, gain = planned[point.labels]
            sure = gain.interval[0] > 0 or gain.interval[1] < 0
            style = ("green" if gain.value > 0 else "yellow") if sure else "dim"
            cells += [_measured(other), f"[{style}]{_measured(gain, '+')}[/]"]
        table.add_row(*cells)
    out.print(table, "")


def _measured(found: Point | Change, sign: str = "") -> str:
    low, high = found.interval
    return f"{found.value:{sign}.2f} ({low:{sign}.2f} to {high:{sign}.2f})"
