"""`unweave promote`: the gates decide whether a bundle becomes the champion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unweave.cli.console import GATE_FAILED, Folder, Json, out, print_json

if TYPE_CHECKING:
    from unweave.projects.gates import GateResult


def promote(
    bundle: Annotated[
        Path | None, typer.Argument(help="The bundle's folder; the last one of the project otherwise.")
    ] = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Register a bundle as champion if it passes the gates of unweave.yaml; exit 1 when one fails."""
    from unweave.projects.load import load_project
    from unweave.projects.promotion import last_bundle
    from unweave.projects.promotion import promote as promote_bundle

    project = load_project(folder)
    chosen = bundle or last_bundle(folder)
    done = promote_bundle(chosen, project, folder)
    if json:
        gates = [gate.to_json() for gate in done.gates]
        about = {"name": done.name, "version": done.version, "before": done.before}
        print_json({"bundle": str(chosen), "passed": done.passed, "gates": gates, **about})
    else:
        out.print(f"Bundle: {chosen}", soft_wrap=True, markup=False)
        _say_gates(done.gates)
        if done.passed:
            said = "it was before" if done.before == done.version else f"before: {done.before or 'none'}"
            out.print(f"models:/{done.name}@champion is version {done.version} ({said}).", markup=False)
        else:
            out.print("Not promoted: the champion is the one that it was.")
    if not done.passed:
        raise typer.Exit(GATE_FAILED)


def _say_gates(gates: Sequence[GateResult]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("gate", "wanted", "value", "", box=None, header_style="bold", pad_edge=False)
    for gate in gates:
        value = "no value" if gate.value is None else f"{gate.value:.3f}"
        mark = "[green]passed[/]" if gate.passed else "[red]failed[/]"
        table.add_row(escape(gate.score), gate.wanted, value, mark)
    out.print(table)
