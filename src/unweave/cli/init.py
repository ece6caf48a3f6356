"""`unweave init`: a project file from what lies in the data."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unweave.cli.console import Folder, Json, data_progress, out, print_json

if TYPE_CHECKING:
    from unweave.projects.advice import Advice

_COMMENTS = {
    "name": "Project file of unweave. Every key is checked; `unweave check` says what is missing.",
    "factors": "What varies, ranked by `priority:`, 1 first. Correct the kinds; describe each for those who come next.",
    "accept": "Gates for `unweave evaluate`: it exits with 1 when one fails.",
}


def init(
    source: Annotated[
        str, typer.Argument(help="A folder of images, an .npz or Parquet file, a table of vectors, or builtin:…")
    ],
    folder: Folder = Path(),
    labels: Annotated[
        str | None, typer.Option(help="A table of labels, when it does not lie beside the images.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The project's name; the folder's otherwise.")] = None,
    size: Annotated[
        int | None,
        typer.Option(min=1, help="Side of the images in pixels; 32 or 64 otherwise, what is nearer to theirs."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="A label column whose groups never stand on two sides of the split.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a project file that is there.")] = False,
    json: Json = False,
) -> None:
    """Make an unweave.yaml for your data."""
    from unweave.core.errors import ConfigError
    from unweave.projects.initial import initial_project
    from unweave.projects.load import PROJECT_FILE, parse_project, write_project

    path = folder / PROJECT_FILE
    if path.exists() and not force:
        raise ConfigError(f"{path} is there already. Edit it, or pass --force to overwrite it.")
    title = name or folder.resolve().name or "project"
    with data_progress() as progress:
        made = initial_project(source, root=folder, name=title, labels=labels, size=size, by=by, progress=progress)
    parse_project(made.content, str(path))
    write_project(made.content, path, comments={**_COMMENTS, "method": _why(made.advice)})
    if json:
        advice = made.advice.to_json()
        print_json({"file": str(path), "project": made.content, "left_out": dict(made.left_out), "advice": advice})
        return
    _say(path, made.content, made.left_out)


def _why(advice: Advice) -> str:
    """The comment above the method."""
    text = f"{advice.best.reason} {advice.best.evidence} `unweave advise` says what would change this."
    return "\n".join(textwrap.wrap(text, 110))


def _say(path: Path, content: dict[str, Any], left_out: dict[str, str]) -> None:
    from rich.markup import escape

    out.print(f"Wrote [bold]{escape(str(path))}[/]")
    for factor in content.get("factors", []):
        values = factor.get("values")
        detail = f" ({len(values)} classes)" if values else f" {factor['range']}" if "range" in factor else ""
        out.print(f"  factor {escape(factor['name'])}: {factor['kind']}{detail}", soft_wrap=True)
    for column, reason in left_out.items():
        out.print(f"  column {escape(column)} is left out: {escape(reason)}", soft_wrap=True)
    out.print("\nNext: read it, rank the factors, then\n  unweave check\n  unweave train")
