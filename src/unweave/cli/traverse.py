"""`unweave traverse`: what each dimension moves, as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unweave.cli.console import Folder, Json, RunName, data_progress, out, print_json


def traverse(
    folder: Folder = Path(),
    run: RunName = None,
    frames: Annotated[int, typer.Option(min=2, max=50, help="Positions of each dimension.")] = 9,
    top: Annotated[int | None, typer.Option(min=1, help="Only this many of the most informative dimensions.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="PNG file; in the run's folder otherwise.")
    ] = None,
    json: Json = False,
) -> None:
    """Draw traversals, ordered by information and labelled with the factor that each dimension moves."""
    from unweave.projects.data import load_data
    from unweave.projects.runs import find_run
    from unweave.projects.traversals import draw_traversals

    found = find_run(folder, run)
    with data_progress() as progress:
        dataset = load_data(found.project(), folder, progress=progress)
    path = output or found.folder / "traversals.png"
    rows = draw_traversals(found, dataset, path, frames=frames, top=top)
    if json:
        print_json({"run": found.name, "picture": str(path), "dimensions": rows})
        return
    for row in rows:
        nats = "" if row["kl"] is None else f"{row['kl']:.2f} nats, "
        out.print(f"z{row['latent']}: {nats}{row['label']}", markup=False)
    out.print(f"Picture: {path}", soft_wrap=True, markup=False)
