"""`unweave probe`: from few labels to directions that move one factor, with the proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unweave.cli.console import Device, Folder, Json, RunName, data_progress, err, out, print_json

if TYPE_CHECKING:
    from unweave.signatures.signature import Signature
    from unweave.signatures.signatures import Signatures

Form = Literal["plain", "pattern", "isolated", "regression", "dimension"]
Look = Literal["auto", "pixels", "exact", "codes", "none"]


def probe(
    folder: Folder = Path(),
    run: RunName = None,
    labels: Annotated[int | None, typer.Option(min=1, help="Labelled training rows to learn from at most.")] = None,
    factor: Annotated[list[str] | None, typer.Option("--factor", help="Only this factor; may be given again.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Label column whose groups, such as persons, stay on one side of a split.")
    ] = None,
    form: Annotated[Form | None, typer.Option(help="Take this form of directions, without a choice.")] = None,
    look: Annotated[
        Look,
        typer.Option(help="Who measures what else moves: models of the pixels, the exact picture, probes on codes."),
    ] = "auto",
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples behind the intervals.")] = 200,
    seed: Annotated[int | None, typer.Option(help="Of all that is drawn; that of the training otherwise.")] = None,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Find the direction that moves each factor and nothing else, and measure what else it moves."""
    from unweave.projects.data import load_data
    from unweave.projects.probing import probe_run
    from unweave.projects.runs import find_run

    found = find_run(folder, run)
    with data_progress() as progress:
        dataset = load_data(found.project(), folder, progress=progress)
    probed = probe_run(
        found,
        dataset,
        labels=labels,
        factors=tuple(factor or ()),
        by=by,
        only=form,
        look=look,
        bootstrap=bootstrap,
        seed=seed,
        device=device,
    )
    if json:
        notes = list(probed.notes)
        print_json({"run": found.name, "path": str(found.signatures), **probed.signatures.to_json(), "notes": notes})
        return
    out.print(f"[bold]{found.name}[/]")
    say_signatures(probed.signatures)
    for note in probed.notes:
        err.print(note, soft_wrap=True, markup=False)
    out.print(f"Signatures: {found.signatures}", soft_wrap=True, markup=False)


def say_signatures(signatures: Signatures) -> None:
    """One row per signature: how well the factor is read, and what moving it drags along."""
    from rich.markup import escape
    from rich.table import Column, Table

    headers = ["labels", "read off the code", "chance", "directions", "kept", "safe range", "leaks"]
    table = Table(Column("factor", no_wrap=True), *headers, box=None, header_style="bold", pad_edge=False)
    for signature in signatures.signatures:
        table.add_row(escape(signature.name), *map(escape, _cells(signature)))
    out.print(table)
    rows: list[dict[str, Any]] = [
        {"moved": s.name, **dict(zip(row.factors, row.values, strict=True))}
        for s in signatures.signatures
        for row in s.leakage[:1]
    ]
    if rows:
        names = signatures.names
        matrix = Table(
            Column("moves", no_wrap=True), *map(escape, names), box=None, header_style="bold", pad_edge=False
        )
        for row in rows:
            shown = ("1" if name == row["moved"] else f"{row[name]:.2f}" if name in row else "" for name in names)
            matrix.add_row(escape(row["moved"]), *shown)
        out.print("\nChange of each factor per change of the one that is moved, in changes between two random rows:")
        out.print(matrix)


def _cells(signature: Signature) -> tuple[str, ...]:
    from unweave.projects.report.signatures import safe_words

    value, null = _score(signature)
    form = f"{signature.candidate}, bent" if signature.bends else signature.candidate
    leaks = f"{signature.leakage[0].mean:.2f}" if signature.leakage else ""
    return (
        str(signature.labels),
        value,
        null,
        form,
        f"{signature.kept:.0%}",
        safe_words(signature),
        leaks,
    )


def _score(signature: Signature) -> tuple[str, str]:
    """The main score of a probe and what permuted labels give; a direction found without labels has none."""
    if not signature.quality:
        return "–", ""
    name, score = next(iter(signature.quality.items()))
    value = "–" if score.value is None else f"{name.replace('_', ' ')} {score.value:.2f}"
    interval = "" if score.interval is None else f" ({score.interval[0]:.2f} to {score.interval[1]:.2f})"
    return value + interval, "" if score.null is None else f"{score.null:.2f}"
