"""What all commands share: options, output, and what an error looks like."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

GATE_FAILED, BAD_INPUT, BROKEN = 1, 2, 3

_EXTRAS = {
    **dict.fromkeys(("torch", "lightning_fabric", "safetensors", "jaxtyping", "mlflow"), "train"),
    **dict.fromkeys(("sqlalchemy", "alembic"), "serve"),
}
"""Modules that only an extra installs, and which."""

START, TRAIN, MEASURE, FIND, SHIP = "Start", "Train", "Measure", "Find and move factors", "Ship"
"""Panels of the help, by what a person wants to do."""

Folder = Annotated[Path, typer.Option("-C", "--folder", help="The project folder.", show_default="the working folder")]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, and nothing else there.")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, such as method.beta=8.")
]
RunName = Annotated[str | None, typer.Option("--run", help="A run's name, or how it begins; the last run otherwise.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ….")]
StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="UNWEAVE_STORE",
        help="Keys, feedback and ratings: sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME.",
    ),
]

out = Console(highlight=False, emoji=False)
"""For what the user asked for."""

err = Console(stderr=True, highlight=False, emoji=False)
"""For progress, warnings and errors."""


def print_json(content: Mapping[str, Any]) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(content, indent=2, default=str) + "\n")


def print_error(error: Exception) -> int:
    """Say what went wrong in words; returns the exit code."""
    from unweave.core.errors import MissingExtraError, StorageError, TrainingError, UnweaveError

    absent = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if absent in _EXTRAS:
        error = MissingExtraError(absent.replace("_", "-"), _EXTRAS[absent], "This command")
    if isinstance(error, UnweaveError):
        err.print(f"[bold red]error[/] {escape(str(error))}", soft_wrap=True)
        return BROKEN if isinstance(error, StorageError | TrainingError) else BAD_INPUT
    with tempfile.NamedTemporaryFile("w", prefix="unweave-", suffix=".log", delete=False) as file:
        traceback.print_exception(error, file=file)
    err.print(f"[bold red]error[/] something broke: {escape(f'{type(error).__name__}: {error}')}", soft_wrap=True)
    err.print(f"      The details are in {escape(file.name)}; please report them.", soft_wrap=True)
    return BROKEN


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """A progress bar on a terminal; silent otherwise."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        yield bar


@contextmanager
def data_progress() -> Iterator[Any]:
    """A callback `(what, done, total)` that shows how far ingest is."""
    with _progress_bar() as bar:
        tasks: dict[str, Any] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield advance
