"""`unweave export`: one folder that serves without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unweave.cli.console import Folder, Json, RunName, data_progress, err, out, print_json

if TYPE_CHECKING:
    from unweave.bundles.precision import Reduced
    from unweave.bundles.schema import BundleCard
    from unweave.data.dataset import Dataset


def export(
    folder: Folder = Path(),
    run: RunName = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to make; bundles/RUN-DIGEST in the project otherwise.")
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Also try graphs with weights in 8 bits.")] = False,
    fp16: Annotated[bool, typer.Option("--fp16", help="Also try graphs that compute in 16 bits.")] = False,
    explorer: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Also write one offline HTML file with the decoder and its dials."),
    ] = None,
    json: Json = False,
) -> None:
    """Write a run as a bundle: ONNX graphs, signatures, card and reference, checked against the model on real rows."""
    from unweave.projects.data import load_data
    from unweave.projects.exporting import export_run
    from unweave.projects.load import load_project
    from unweave.projects.runs import find_run

    project = load_project(folder)  # gates and what people say of the model may have changed since the run began
    found = find_run(folder, run)
    with data_progress() as progress:
        dataset = load_data(found.project(), folder, progress=progress)
    chosen: tuple[tuple[Reduced, bool], ...] = (("fp16", fp16), ("int8", int8))
    made = export_run(
        found, dataset, project, folder, output=output, variants=tuple(name for name, wanted in chosen if wanted)
    )
    size = None if explorer is None else _explore(explorer, made.folder, dataset)
    if json:
        card = made.card.model_dump(mode="json")
        print_json(
            {"run": found.name, "path": str(made.folder), "digest": made.digest, "card": card} | _where(explorer, size)
        )
        return
    out.print(f"[bold]{found.name}[/]")
    _say(made.card)
    out.print(f"Bundle: {made.folder}", soft_wrap=True, markup=False)
    if size is not None:
        out.print(f"Explorer: {explorer} ({size / 1e6:.1f} MB)", soft_wrap=True, markup=False)


def _explore(path: Path, bundle: Path, dataset: Dataset) -> int:
    """Write the explorer of a bundle, with codes of rows that training did not see to start from."""
    from unweave.studio.explorer import write_explorer
    from unweave.studio.starts import start_rows

    return write_explorer(path, bundle, dataset.observations(start_rows(dataset)))


def _where(explorer: Path | None, size: int | None) -> dict[str, Any]:
    return {} if explorer is None else {"explorer": {"path": str(explorer), "bytes": size}}


def _say(card: BundleCard) -> None:
    """How far the graphs are from the model, what was tried, and what the card cannot say."""
    from rich.table import Table

    table = Table("graph", "output", "largest difference", "limit", box=None, header_style="bold", pad_edge=False)
    for one in card.parity:
        table.add_row(one.graph, one.output, f"{one.difference:.1e}", f"{one.limit:.0e}")
    out.print(table)
    for variant in card.variants:
        out.print(f"{variant.precision}: {variant.why}", soft_wrap=True, markup=False)
    for finding in card.findings:
        err.print(finding, soft_wrap=True, markup=False)
    statement = card.statement.model_dump()
    silent = [name for name, value in statement.items() if not value]
    if silent:
        err.print(f"The card says nothing of {', '.join(silent)}: write them under `card:` in unweave.yaml.")
