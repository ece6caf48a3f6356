"""`unweave import`: take the model that you already have, and see how entangled it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unweave.cli.console import GATE_FAILED, Device, Folder, Json, data_progress, err, out, print_json

if TYPE_CHECKING:
    from unweave.data.dataset import Dataset
    from unweave.projects.config import Project
    from unweave.projects.foreign import Opened
    from unweave.projects.importing import Imported

MODEL, DATA, PIXELS = "Model", "Data, where there is no unweave.yaml", "What the model takes and gives, else found out"

Onnx = typer.Option(help="ONNX file.", rich_help_panel=MODEL)


def import_model(
    encoder: Annotated[Path | None, Onnx] = None,
    decoder: Annotated[Path | None, Onnx] = None,
    torch: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION", help="Returns (encoder, decoder), torch modules.", rich_help_panel=MODEL
        ),
    ] = None,
    codes: Annotated[
        Path | None, typer.Option(help="An .npz with codes, and if known logvars, ids.", rich_help_panel=MODEL)
    ] = None,
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Write torch modules as ONNX files.", rich_help_panel=MODEL)
    ] = False,
    data: Annotated[str | None, typer.Option(help="As for `unweave init`.", rich_help_panel=DATA)] = None,
    labels: Annotated[str | None, typer.Option(help="A table of labels.", rich_help_panel=DATA)] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Side of the images.", rich_help_panel=DATA)] = None,
    by: Annotated[
        str | None, typer.Option(help="A label column whose groups stay together.", rich_help_panel=DATA)
    ] = None,
    layout: Annotated[
        Literal["nchw", "nhwc", "nhw", "flat", "flat_hwc"] | None,
        typer.Option(help="Axes of what the encoder takes.", rich_help_panel=PIXELS),
    ] = None,
    range_: Annotated[
        Literal["unit", "signed", "byte"] | None,
        typer.Option("--range", help="Pixels in [0, 1], [-1, 1] or [0, 255].", rich_help_panel=PIXELS),
    ] = None,
    pixel_mean: Annotated[
        str | None, typer.Option(help="Taken off pixels in [0, 1]: 0.5 or 0.49,0.46,0.41.", rich_help_panel=PIXELS)
    ] = None,
    pixel_std: Annotated[str | None, typer.Option(help="They are divided by it.", rich_help_panel=PIXELS)] = None,
    decoder_output: Annotated[
        Literal["image", "logits", "tanh", "same"] | None,
        typer.Option(help="[0, 1], logits, [-1, 1], or as the encoder takes.", rich_help_panel=PIXELS),
    ] = None,
    mean_output: Annotated[
        str | None, typer.Option(metavar="NAME", help="The encoder's output with the mean.", rich_help_panel=PIXELS)
    ] = None,
    spread_output: Annotated[
        str | None, typer.Option(metavar="NAME", help="That with its log-variance.", rich_help_panel=PIXELS)
    ] = None,
    spread: Annotated[
        Literal["none", "logvar", "variance", "std", "logstd", "halves"] | None,
        typer.Option(help="What that output holds; halves: beside the mean.", rich_help_panel=PIXELS),
    ] = None,
    folder: Folder = Path(),
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples behind the intervals.")] = 200,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Take a model that you have, measure it and report on it: two ONNX files, torch modules, or codes."""
    from unweave.bundles.fit import Wanted
    from unweave.projects.foreign import Source, open_foreign
    from unweave.projects.importing import import_model as import_into
    from unweave.projects.load import PROJECT_FILE, write_project

    source = Source(encoder, decoder, torch, codes)
    wanted = Wanted(
        layout=layout,
        range=range_,
        mean=_numbers("--pixel-mean", pixel_mean),
        std=_numbers("--pixel-std", pixel_std),
        output=decoder_output,
        mean_output=mean_output,
        spread_output=spread_output,
        spread=spread,
    )
    opened = open_foreign(source, folder, device=device)
    project, dataset, content = _project(folder, opened, data, labels=labels, size=size, by=by)
    made = import_into(opened, project, dataset, folder, wanted=wanted, freeze=freeze, device=device)
    if content is not None:  # only now: a model that cannot be used should leave no project behind
        write_project(content, folder / PROJECT_FILE, comments=_COMMENTS)
        err.print(f"Wrote {folder / PROJECT_FILE}", soft_wrap=True, markup=False)
    result = _measured(made, project, dataset, folder, bootstrap)
    if json:
        print_json(result)
    else:
        _say(result, dataset)
    if any(not gate["passed"] for gate in result["gates"]):
        raise typer.Exit(GATE_FAILED)


_COMMENTS = {
    "name": "Made by `unweave import`. Every key is checked; `unweave check` says what is missing.",
    "factors": "What varies, ranked by `priority:`, 1 first. Correct the kinds; describe each for those who come next.",
    "method": "For a model of your own to compare with: `unweave train`.",
    "accept": "Gates for `unweave evaluate`: it exits with 1 when one fails.",
}


def _numbers(option: str, text: str | None) -> tuple[float, ...]:
    from unweave.core.errors import ConfigError

    try:
        return tuple(float(part) for part in text.split(",")) if text is not None else ()
    except ValueError as error:
        raise ConfigError(f"{option} {text}: expected a number, or one for each channel: 0.49,0.46,0.41.") from error


def _project(
    folder: Path, opened: Opened, data: str | None, *, labels: str | None, size: int | None, by: str | None
) -> tuple[Project, Dataset, dict[str, Any] | None]:
    """The project in the folder, or one for the data that the user names, whose content is still to be written."""
    from unweave.core.errors import ConfigError
    from unweave.projects.data import load_data
    from unweave.projects.initial import initial_project
    from unweave.projects.load import PROJECT_FILE, load_project, parse_project

    path, content = folder / PROJECT_FILE, None
    if path.exists():
        if data or labels or size or by:
            raise ConfigError(
                f"{path} says what the data are: leave out --data, --labels, --size and --by, or edit it."
            )
        project = load_project(folder)
    else:
        if data is None:
            raise ConfigError(
                f"{path} does not exist, so --data must say what to measure the model on: --data photos/."
            )
        title, known = folder.resolve().name or "project", opened.image_settings()
        if size is not None:
            known["size"] = size
        with data_progress() as progress:
            made = initial_project(data, root=folder, name=title, labels=labels, by=by, progress=progress, **known)
        content = made.content
        project = parse_project(content, str(path))
    with data_progress() as progress:
        return project, load_data(project, folder, progress=progress), content


def _measured(made: Imported, project: Project, dataset: Dataset, folder: Path, bootstrap: int) -> dict[str, Any]:
    """Scores and report of the run, as plain values."""
    from unweave.projects.evaluation import evaluate
    from unweave.projects.finish import write_run_report

    for finding in made.findings:
        err.print(
            f"{finding.severity}: {finding.title}. {finding.detail} {finding.advice}", soft_wrap=True, markup=False
        )
    err.print("Scoring held-out rows …")
    card = evaluate(made.run, dataset, accept=project.accept, model=made.model, bootstrap=bootstrap)
    report = write_run_report(made.run, dataset, folder, model=made.model)
    return {
        "run": made.run.name,
        "imported": (made.run.read("asked") or {})["imported"],
        "findings": [vars(finding) for finding in made.findings],
        **card.to_json(),
        "gates": (made.run.read("gates") or {}).get("gates", []),
        "report": str(report),
    }


def _say(result: dict[str, Any], dataset: Dataset) -> None:
    from unweave.cli.evaluate import say_scores

    about = result["imported"]
    out.print(f"\n[bold]{result['run']}[/]: {about['latent']} dimensions")
    for name in ("code", "conventions"):
        if name in about:
            out.print(f"  {name}: {about[name]}", soft_wrap=True, markup=False)
    say_scores(result)
    out.print(f"\nReport: {result['report']}", soft_wrap=True, markup=False)
    out.print("\nNext:")
    if not dataset.table.factors:
        out.print("  unweave labels plan   which rows to label, so that scores of disentanglement can be had")
    if "reconstruction" in result["scores"]:
        out.print("  unweave traverse      what each dimension moves, as a picture")
    out.print("  unweave train         train a model on the same data, to compare with")
