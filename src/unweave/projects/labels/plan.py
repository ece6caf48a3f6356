"""Which rows to label next: some of every region, more where the probes are not sure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from unweave.core.errors import DataError
from unweave.core.factors import FactorTable
from unweave.core.seeds import generator
from unweave.data.coverage import Points, Twins, spread_draw
from unweave.data.dataset import Dataset
from unweave.metrics.uncertainty import Doubt, doubt
from unweave.projects.labels.asked import asked
from unweave.projects.labels.space import Rows, space_of

Side = Literal["train", "valid", "test"]

MOST_CANDIDATES = 5000
"""Unlabelled rows that are looked at, drawn at random from more: beyond that a better choice is hardly to be seen."""

_LEAST_WEIGHT = 0.1
"""Weight that a row keeps of which the probes are sure: they may be sure of what is wrong."""


@dataclass(frozen=True)
class Plan:
    """Rows to label, the most useful first.

    Attributes:
        rows: row numbers of the data set.
        names: what to label in each.
        side: of the split that they come from.
        unlabelled: rows of that side that lack a label of at least one of them.
        labelled: rows of that side that have all of them.
        twins: rows that were passed over because they nearly equal one that is labelled or chosen.
        space: how rows are compared, in words.
        run: whose codes these are, or None.
        doubt: what the probes of existing labels said.
        notes: what the person should know.
    """

    rows: Rows
    names: tuple[str, ...]
    side: Side
    unlabelled: int
    labelled: int
    twins: int
    space: str
    run: str | None
    doubt: Doubt
    notes: tuple[str, ...]

    def to_json(self, dataset: Dataset) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "files": dataset.store.ids[self.rows].tolist(),
            "factors": list(self.names),
            "side": self.side,
            "unlabelled": self.unlabelled,
            "labelled": self.labelled,
            "near_duplicates_passed_over": self.twins,
            "space": self.space,
            "run": self.run,
            "probes": {"fitted": list(self.doubt.fitted), "skipped": dict(self.doubt.skipped)},
            "notes": list(self.notes),
        }


def make_plan(
    dataset: Dataset,
    root: Path,
    *,
    budget: int,
    factors: Sequence[str] = (),
    side: Side = "train",
    run: str | None = None,
    pixels: bool = False,
    seed: int = 0,
) -> Plan:
    """Choose rows of one side of the split, without near duplicates of each other or of labelled rows.

    Args:
        dataset: of `load_data`.
        root: the project folder.
        budget: how many rows.
        factors: what to label; all factors of the project without any.
        side: which rows may be chosen. Only a look at the test rows' images, never their labels, decides for `test`.
        run: whose codes compare rows; see `space_of`.
        pixels: do without a model.
        seed: of what is looked at in large data.

    Raises:
        ConfigError: see `asked` and `space_of`.
        DataError: the side has no rows, or all of them have all labels.
    """
    want = asked(dataset, factors)
    rows = getattr(dataset.splits, side)
    if len(rows) == 0:
        raise DataError(f"the split has no {side} rows. Give `data.split.{side}` a share, or choose another --side.")
    has_all = np.asarray(want.known.all(axis=1))
    labelled, unlabelled = rows[has_all[rows]], rows[~has_all[rows]]
    if len(unlabelled) == 0:
        raise DataError(
            f"there is nothing to plan: all {len(rows):,} {side} rows have labels of {', '.join(want.names)}. "
            "`unweave labels curve` says what they bought; --factor names something new to label."
        )
    rng = generator(seed, "labels", "plan", side)
    candidates, seen = (_some(part, MOST_CANDIDATES, rng) for part in (unlabelled, labelled))
    pool = np.concatenate([candidates, seen])
    space = space_of(dataset, root, pool, run=run, pixels=pixels)
    twins = Twins.of(dataset.store.observations, dataset.store.digests)
    found = doubt(space.points, want.table.take(pool))
    blocked, passed = twins.blocked(np.flatnonzero(has_all)), 0

    def allow(place: int) -> bool:
        nonlocal passed
        if int(twins.kinds[candidates[place]]) in blocked:
            passed += 1
            return False
        blocked.update(twins.blocked(candidates[place : place + 1]))
        return True

    order = ranked(space.points, len(candidates), budget, found, rng, allow=allow)
    chosen = candidates[order]
    notes = _notes(budget, len(chosen), len(unlabelled), len(candidates), passed, side, want.new, found)
    return Plan(chosen, want.names, side, len(unlabelled), len(labelled), passed, space.words, space.run, found, notes)


def ranked(
    points: Points,
    candidates: int,
    count: int,
    found: Doubt,
    rng: np.random.Generator,
    *,
    allow: Callable[[int], bool] = lambda place: True,
) -> list[int]:
    """Which of the first `candidates` points to take; the points behind them are labelled already."""
    weights = _LEAST_WEIGHT + found.values[:candidates]
    return spread_draw(points[:candidates], count, weights=weights, taken=points[candidates:], rng=rng, allow=allow)


def order_by_plan(points: Points, table: FactorTable, budgets: Sequence[int], seed: int) -> Rows:
    """The order in which the planner would have had rows labelled whose labels are known, but hidden until planned.

    At each budget, probes learn from the labels bought so far, as they would between two calls of the command.
    """
    rng = generator(seed, "labels", "order")
    order = np.zeros(0, dtype=np.int64)
    for budget in budgets:
        hidden = np.setdiff1d(np.arange(len(points)), order)
        both = np.concatenate([hidden, order])
        known = table.known[both].copy()
        known[: len(hidden)] = False
        found = doubt(points[both], FactorTable(table.factors, table.values[both], known))
        taken = ranked(points[both], len(hidden), budget - len(order), found, rng)
        order = np.concatenate([order, hidden[taken]])
    return order


def _some(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    return rows if len(rows) <= most else np.sort(rng.permutation(rows)[:most])


def _notes(
    budget: int,
    chosen: int,
    unlabelled: int,
    looked_at: int,
    passed: int,
    side: Side,
    new: tuple[str, ...],
    found: Doubt,
) -> tuple[str, ...]:
    notes = []
    if chosen < budget:
        less = f", less {passed:,} that nearly equal another" if passed else ""
        notes.append(f"{budget:,} rows were asked for; {chosen:,} are planned: the {side} rows without labels{less}.")
    if looked_at < unlabelled:
        notes.append(f"{looked_at:,} of {unlabelled:,} rows without labels were looked at, drawn at random.")
    if new:
        notes.append(f"New, without any label so far: {', '.join(new)}.")
    if found.fitted:
        notes.append(f"Rows count more where probes are unsure of {', '.join(found.fitted)}.")
    for name, reason in found.skipped.items():
        notes.append(f"No probe of {name}: {reason} Its rows are chosen by coverage alone.")
    if not found.fitted and not found.skipped:
        notes.append("There are no labels to learn from yet: rows are chosen by coverage alone.")
    if side == "test":
        notes.append("Test rows are planned, as asked: their labels are for scores and must not train anything.")
    return tuple(notes)
