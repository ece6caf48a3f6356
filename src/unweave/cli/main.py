"""The `unweave` command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import unweave
from unweave.cli import (
    advise,
    augment,
    check,
    demo,
    discover,
    edit,
    evaluate,
    export,
    import_model,
    init,
    keys,
    labels,
    probe,
    promote,
    report,
    score,
    serve,
    study,
    swap,
    train,
    traverse,
)
from unweave.cli.console import FIND, MEASURE, SHIP, START, TRAIN, err, print_error

app = typer.Typer(
    name="unweave",
    help="Independent dials from entangled representations.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for panel, name, command in (
    (START, "demo", demo.demo),
    (START, "init", init.init),
    (START, "import", import_model.import_model),
    (START, "check", check.check),
    (START, "advise", advise.advise),
    (TRAIN, "train", train.train),
    (MEASURE, "evaluate", evaluate.evaluate),
    (MEASURE, "score", score.score),
    (MEASURE, "traverse", traverse.traverse),
    (MEASURE, "report", report.report),
    (FIND, "discover", discover.discover),
    (FIND, "probe", probe.probe),
    (FIND, "edit", edit.edit),
    (FIND, "swap", swap.swap),
    (FIND, "augment", augment.augment),
    (SHIP, "export", export.export),
    (SHIP, "promote", promote.promote),
    (SHIP, "serve", serve.serve),
    (SHIP, "study", study.study),
):
    app.command(name, rich_help_panel=panel)(command)
app.add_typer(labels.app, name="labels", rich_help_panel=START)
app.add_typer(keys.app, name="keys", rich_help_panel=SHIP)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(unweave.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and exit: 0 done, 1 a gate failed, 2 bad input or usage, 3 something broke."""
    # Threads that wait for each other must not spin for long: on busy cores a step then takes twenty times as long.
    # OpenMP reads this when torch is first imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        app()
    except KeyboardInterrupt:
        err.print("Stopped.")
        sys.exit(130)
    except Exception as error:  # the last line of defence: the user gets words, not a traceback
        sys.exit(print_error(error))
