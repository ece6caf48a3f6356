"""`unweave study`: what raters said of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from unweave.cli.console import Json, StoreUrl, err, out, print_json
from unweave.stores import DEFAULT_STORE

if TYPE_CHECKING:
    from rich.table import Table

    from unweave.projects.study import Estimate, Study


def study(
    name: Annotated[str, typer.Argument(help="The study, as the ratings name it.")],
    tenant: Annotated[str, typer.Option(help="Whose ratings.")] = "default",
    store: StoreUrl = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Sum up the ratings of a user study: how natural edits look, which model is preferred, with intervals."""
    from unweave.core.errors import NotFoundError
    from unweave.projects.study import summarise
    from unweave.stores.store import open_store

    with open_store(store, create=False) as opened:
        rated = opened.ratings.list(name, tenant)
    if not rated:
        raise NotFoundError(f"study {name!r} has no ratings by tenant {tenant!r}. `--tenant` names another one.")
    result = summarise(name, rated)
    if json:
        print_json(result.to_json())
    else:
        _say(result)


def _say(result: Study) -> None:
    from rich.markup import escape

    if result.naturalness:
        table = _table("model", "naturalness, 1 to 5", "95 %", "ratings", "raters", "edits")
        for mean in result.naturalness:
            table.add_row(escape(mean.model), *_row(mean.mean))
        out.print(table)
    if result.preferences:
        table = _table("model", "preferred to", "share", "95 %", "ratings", "raters", "pairs", "neither")
        for one in result.preferences:
            table.add_row(escape(one.model), escape(one.rival), *_row(one.share), str(one.neither))
        out.print(table)
    for note in result.notes:
        err.print(note, soft_wrap=True, markup=False)


def _table(*headers: str) -> Table:
    from rich.table import Table

    return Table(*headers, box=None, header_style="bold", pad_edge=False)


def _row(estimate: Estimate) -> tuple[str, ...]:
    interval = "one rater" if estimate.interval is None else "{:.2f} to {:.2f}".format(*estimate.interval)
    counts = (estimate.ratings, estimate.raters, estimate.items)
    return (f"{estimate.value:.2f}", interval, *map(str, counts))
