"""`unweave edit`: move or set factors of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from unweave.cli.console import Device, Folder, Json, RunName, err, out, print_json

Residual = Annotated[
    bool, typer.Option("--residual", help="Add the change to the original pixels instead of drawing all anew.")
]
Budget = Annotated[
    float | None, typer.Option(min=0, help="How much other factors may change, in changes between two random rows.")
]


def edit(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    move: Annotated[
        list[str] | None, typer.Option("--move", metavar="FACTOR=STEPS", help="Move a factor, such as smile=+1.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FACTOR=VALUE", help="Set a factor, such as pose=left.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the edited images.")] = Path("edited"),
    residual: Residual = False,
    tune: Annotated[
        int | None, typer.Option(min=1, metavar="STEPS", help="Fit the decoder to these images first; 100 is usual.")
    ] = None,
    budget: Budget = None,
    over: Annotated[Literal["trim", "refuse"], typer.Option(help="What to do with an edit over the budget.")] = "trim",
    beyond: Annotated[
        Literal["clip", "refuse"], typer.Option(help="What to do with an edit that leaves the data.")
    ] = "clip",
    folder: Folder = Path(),
    run: RunName = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Move or set factors of images, several at once, and leave the rest."""
    from unweave.projects.editing import editor_of, read_images, tuned_editor, write_images
    from unweave.projects.runs import find_run
    from unweave.signatures.edit import Edit

    asked = Edit.parse(moves=move or (), sets=set_ or ())
    found = find_run(folder, run)
    editor = editor_of(found, device=device)
    pixels = read_images(images, editor.shape, found.project().data)
    if tune is not None:
        editor = tuned_editor(editor, pixels, steps=tune)
    made = editor.apply(pixels, asked, residual=residual, budget=budget, over=over, beyond=beyond)
    paths = write_images(made.images, images, output)
    if json:
        files = [str(path) for path in paths]
        print_json(
            {"run": found.name, "files": files, "sources": [str(path) for path in images], **made.codes.to_json()}
        )
        return
    for note in made.notes:
        err.print(f"{note}.", soft_wrap=True, markup=False)
    for path in paths:
        out.print(str(path), soft_wrap=True, markup=False)
