"""`unweave swap`: take factors of one image from another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unweave.cli.console import Device, Folder, Json, RunName, err, out, print_json
from unweave.cli.edit import Budget, Residual


def swap(
    image: Annotated[Path, typer.Argument(help="The image to edit.")],
    other: Annotated[Path, typer.Argument(help="The image to take factors from.")],
    factors: Annotated[str, typer.Option(metavar="A,B,…", help="The factors to take.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="PNG file.")] = Path("swapped.png"),
    residual: Residual = False,
    budget: Budget = None,
    folder: Folder = Path(),
    run: RunName = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Take factors of one image from another and leave the rest: style transfer."""
    from unweave.core.files import write_bytes
    from unweave.projects.editing import editor_of, png_of, read_images, refuse_source
    from unweave.projects.runs import find_run
    from unweave.signatures.edit import Edit

    asked = Edit.parse(swaps=[name.strip() for name in factors.split(",") if name.strip()])
    refuse_source(output, (image, other))
    found = find_run(folder, run)
    editor = editor_of(found, device=device)
    pixels = read_images((image, other), editor.shape, found.project().data)
    made = editor.apply(pixels[:1], asked, others=pixels[1:], residual=residual, budget=budget)
    write_bytes(output, png_of(made.images[0]))
    if json:
        print_json({"run": found.name, "file": str(output), **made.codes.to_json()})
        return
    for note in made.notes:
        err.print(f"{note}.", soft_wrap=True, markup=False)
    out.print(str(output), soft_wrap=True, markup=False)
