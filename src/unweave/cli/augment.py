"""`unweave augment`: a data set with a factor balanced or decorrelated through edits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unweave.cli.console import Device, Folder, Json, RunName, data_progress, out, print_json
from unweave.cli.edit import Budget


def augment(
    output: Annotated[Path, typer.Argument(help="Folder to write: images, labels.csv, manifest.csv.")],
    edit: Annotated[str | None, typer.Option(metavar="FACTOR", help="The factor to edit …")] = None,
    independent_of: Annotated[
        str | None, typer.Option(metavar="FACTOR", help="… so that it no longer goes with this one.")
    ] = None,
    balance: Annotated[
        str | None, typer.Option(metavar="FACTOR", help="Instead: the factor to edit so that its labels are even.")
    ] = None,
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Draw copies anew instead of adding the change to the original pixels.")
    ] = False,
    originals: Annotated[bool, typer.Option(help="Whether the training images themselves are written too.")] = True,
    budget: Budget = None,
    seed: Annotated[int, typer.Option(min=0, help="Of which row gets which label.")] = 0,
    folder: Folder = Path(),
    run: RunName = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Write training images with edited copies, so that a factor is balanced or independent of another."""
    from unweave.core.errors import ConfigError
    from unweave.projects.augmenting import augment as augment_into
    from unweave.projects.data import load_data
    from unweave.projects.editing import editor_of
    from unweave.projects.runs import find_run

    factor = balance or edit
    if factor is None or (balance is None) != (independent_of is not None) or (balance and edit):
        raise ConfigError("expected --edit FACTOR --independent-of FACTOR, or --balance FACTOR.")
    found = find_run(folder, run)
    editor = editor_of(found, device=device)
    with data_progress() as progress:
        dataset = load_data(found.project(), folder, progress=progress)
    made = augment_into(
        editor,
        dataset,
        output,
        factor=factor,
        independent_of=independent_of,
        residual=not redraw,
        budget=budget,
        originals=originals,
        seed=seed,
    )
    if json:
        print_json({"run": found.name, **made.to_json()})
        return
    out.print(f"{made.originals:,} images as they are, {made.edited:,} copies with {factor} edited.", markup=False)
    if made.dropped:
        out.print(f"{made.dropped:,} copies were dropped: the probe does not read what they should show.", markup=False)
    for name, share in made.others_changed.items():
        if share >= 0.05:
            out.print(f"In {share:.0%} of the copies the probe of {name} reads something else.", markup=False)
    out.print(f"\nWrote {output}. Next: unweave init {output} --by source", soft_wrap=True, markup=False)
