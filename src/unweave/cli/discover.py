"""`unweave discover`: candidate factors without labels, and names for those that mean something."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unweave.cli.console import Device, Folder, Json, RunName, data_progress, err, out, print_json

if TYPE_CHECKING:
    from unweave.projects.discovered import Discovered
    from unweave.projects.runs import Run
    from unweave.signatures.candidate_directions import Candidate

_STABLE = 0.9


class Method(StrEnum):
    """What finds directions."""

    ica = "ica"
    pca = "pca"
    jacobian = "jacobian"
    clusters = "clusters"


def discover(
    folder: Folder = Path(),
    run: RunName = None,
    method: Annotated[
        list[Method] | None,
        typer.Option(help="Only this one; may be given several times."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=50, help="Directions of each method at most.")] = 10,
    clusters: Annotated[int | None, typer.Option(min=2, help="How many; the best silhouette otherwise.")] = None,
    bootstraps: Annotated[int, typer.Option(min=2, help="Refits behind each stability.")] = 20,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER=NAME", help="Name a candidate that is there, or take its name away: 3= ."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything drawn at random.")] = 0,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Find directions that may be factors, without labels, each with its stability; name those that mean one."""
    from unweave.projects.discovered import discover_in, name_candidates
    from unweave.projects.runs import find_run

    found_run = find_run(folder, run)
    if name:
        done = name_candidates(found_run, dict(_name(text) for text in name))
    else:
        from unweave.projects.data import load_data

        with data_progress() as progress:
            dataset = load_data(found_run.project(), folder, progress=progress)
        err.print("Looking for directions …")
        done = discover_in(
            found_run,
            dataset,
            methods=None if method is None else [one.value for one in method],
            top=top,
            clusters=clusters,
            bootstraps=bootstraps,
            seed=seed,
            device=device,
        )
    if json:
        print_json(_content(found_run, done))
    else:
        _say(found_run, done)


def _name(text: str) -> tuple[int, str | None]:
    from unweave.core.errors import ConfigError

    number, equals, word = (part.strip() for part in text.partition("="))
    if not equals or not number.isdigit():
        raise ConfigError(f"--name {text}: expected NUMBER=NAME, for example --name 3=smile.")
    return int(number), word or None


def _content(run: Run, done: Discovered) -> dict[str, Any]:
    return {
        "run": run.name,
        **done.found.to_json(),
        "folder": str(done.folder),
        "picture": None if done.picture is None else str(done.picture),
        "reason": done.reason or None,
        "lost_names": list(done.lost),
    }


def _say(run: Run, done: Discovered) -> None:
    from rich.table import Table

    out.print(f"[bold]{run.name}[/]")
    columns = ["", "found by", "explains", "stability", "95 % interval", "chance", "like", "name"]
    vectors = any(candidate.changes for candidate in done.found.candidates)
    table = Table(*columns, *(["changes most"] if vectors else []), box=None, header_style="bold", pad_edge=False)
    for candidate in done.found.candidates:
        table.add_row(*_cells(candidate), *([_changes(candidate)] if vectors else []))
    out.print(table)
    out.print(
        "\nexplains: share of the codes' variance, or of the change of the picture (jacobian). stability: mean "
        "absolute cosine with what bootstraps of the rows find in its place. like: others that point the same way.",
        style="dim",
    )
    for lost in done.lost:
        err.print(f"warning: no direction points where {lost!r} did, so that name is gone.", markup=False)
    if done.reason:
        out.print(f"\n{done.reason}")
    if done.picture is not None:
        out.print(f"\nStrips: {done.picture}", soft_wrap=True, markup=False)
    names = [candidate.name for candidate in done.found.candidates if candidate.name]
    if not names:
        out.print("\nNext: name those that mean something\n  unweave discover --name 3=smile --name 5=pose")
    else:
        out.print(
            f"\nWhat has a name can be moved: unweave edit IMAGES --move '{names[0]}=+1'\n"
            "`unweave probe` measures what else it moves.",
            markup=False,
        )


def _cells(candidate: Candidate) -> tuple[str, ...]:
    from rich.markup import escape

    low, high = candidate.interval
    stable = f"{candidate.stability:.2f}"
    return (
        str(candidate.number),
        candidate.how,
        f"{candidate.share:.1%}",
        f"[green]{stable}[/]" if candidate.stability >= _STABLE else stable,
        f"{low:.2f} to {high:.2f}",
        f"{candidate.chance:.2f}",
        ", ".join(map(str, candidate.like)),
        escape(candidate.name or ""),
    )


def _changes(candidate: Candidate) -> str:
    return ", ".join(f"{component}: {change:+.3g}" for component, change in candidate.changes)
