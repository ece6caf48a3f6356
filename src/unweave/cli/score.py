"""`unweave score`: scores of any codes, from files, without a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from unweave.cli.console import Json, err, out, print_json
from unweave.cli.evaluate import say_scores

if TYPE_CHECKING:
    from unweave.metrics.inputs import Mode
    from unweave.metrics.weights import Weights

Codes = Annotated[
    Path | None,
    typer.Argument(help="Codes, one row per observation: .npy, .npz (`codes`, `logvars`), CSV or Parquet."),
]
Factors = Annotated[
    Path | None,
    typer.Argument(help="Labels of the same rows: .npy, .npz (`factors`), CSV or Parquet; may be the same file."),
]
Metrics = Annotated[
    str, typer.Option(metavar="NAME,…", help="Metrics or single scores; `quick`: all that take seconds; `all`.")
]


def score(
    codes: Codes = None,
    factors: Factors = None,
    metrics: Metrics = "quick",
    mode: Annotated[str, typer.Option(help="robust, or reference: the published definitions.")] = "robust",
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples behind the intervals.")] = 200,
    nulls: Annotated[int, typer.Option(min=0, help="Permutations behind the scores of random codes.")] = 20,
    seed: Annotated[int, typer.Option(help="Of everything drawn.")] = 0,
    train_rows: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="The first N rows train, the rest test; a seeded split otherwise."),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="Of the factors: equal, priority (with -C), or NAME=NUMBER,… for all of them.")
    ] = "equal",
    folder: Annotated[
        Path | None, typer.Option("-C", "--folder", help="A project whose `factors:` say kinds, ranges, priorities.")
    ] = None,
    grid: Annotated[
        str | None, typer.Option(metavar="S,S,…", help="Row i is cell i of this grid of factors, C order: no FACTORS.")
    ] = None,
    udr: Annotated[
        Path | None, typer.Option(help="Instead of CODES: .npz with `reps` (M, N, D) and `kl` (M, D) of M models.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="What has not begun by then is left out.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw the scores into this PNG, PDF or SVG file.")] = None,
    json: Json = False,
) -> None:
    """Score codes of any model against labels, from files; needs no project."""
    from unweave.core import ConfigError
    from unweave.metrics import scorecard
    from unweave.metrics.inputs import check_mode
    from unweave.metrics.plots import check_format, plot_all, save
    from unweave.projects.score_inputs import read_inputs

    check_mode(mode)
    if picture is not None:
        check_format(picture)
    if codes is None:
        raise ConfigError("score: say what to score: `unweave score CODES FACTORS`, or `--udr REPS.npz`.")
    sizes = _sizes(grid)
    given, labels = read_inputs(codes, factors, grid=sizes, project=folder)
    with err.status("Scoring …"):
        card = scorecard(
            given,
            labels,
            metrics=_metrics(metrics),
            mode=cast("Mode", mode),
            bootstrap=bootstrap,
            nulls=nulls,
            seed=seed,
            train_rows=train_rows,
            weights=_weights(weights),
            grid=sizes,
            budget=budget,
        )
    if picture is not None:
        save(plot_all(card, title=codes.name), picture)
    if json:
        print_json(card.to_json())
        return
    say_scores(card.to_json())
    if picture is not None:
        out.print(f"Picture: {picture}", soft_wrap=True, markup=False)


def _metrics(text: str) -> tuple[str, ...]:
    from unweave.metrics.registry import METRICS

    if text in ("quick", "all"):
        return tuple(name for name, entry in METRICS.items() if text == "all" or not entry.slow)
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _sizes(text: str | None) -> tuple[int, ...] | None:
    """`3,6,8` as numbers."""
    from unweave.core import ConfigError

    if text is None:
        return None
    sizes = [part.strip() for part in text.split(",")]
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise ConfigError(f"--grid: expected the number of values of each factor, such as 3,6,8,8; got {text!r}.")
    return tuple(int(size) for size in sizes)


def _weights(text: str) -> Weights:
    """`equal`, `priority`, or `pose=2,smile=1` as numbers by name."""
    from unweave.core import ConfigError

    if text in ("equal", "priority"):
        return cast("Weights", text)
    try:
        return {name.strip(): float(number) for name, number in (part.split("=") for part in text.split(","))}
    except ValueError as error:
        raise ConfigError(f"--weights: expected equal, priority or NAME=NUMBER,…, got {text!r}.") from error
