"""`unweave demo`: the whole job on a built-in set, in a few minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unweave.cli.console import Device, Json, err, print_json


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put the project.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Of the training.")] = 0,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Train, measure and report on sprites whose factors are known."""
    from unweave.cli.train import say_result, train_one
    from unweave.projects.demo import demo_project
    from unweave.projects.load import PROJECT_FILE, load_project, write_project

    path = folder / PROJECT_FILE
    if not path.exists():
        write_project(
            demo_project(), path, comments={"name": "Made by `unweave demo`. Change it and type `unweave train`."}
        )
        err.print(f"Wrote {path}", soft_wrap=True, markup=False)
        err.print(
            "Beta starts high and falls: for some thousand steps the code may say nothing (kl 0.0, MIG 0.000).",
            soft_wrap=True,
            markup=False,
        )
    project = load_project(folder, [f"training.seed={seed}"])
    content = train_one(project, folder, device=device)
    if json:
        print_json(content)
    else:
        say_result(content)
