"""The data report: what lies in the data, and what will go wrong with it, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import FactorTable
from unweave.core.findings import Finding
from unweave.data.association import Association, associations
from unweave.data.dataset import Dataset
from unweave.data.duplicates import dead_pixels, near_duplicates

PROBE_LABELS = 100
"""Labels per factor below which probes are not to be trusted."""

_EXPECTED = 5.0
_MANY_STRADDLING = 0.01


@dataclass(frozen=True)
class FactorSummary:
    """Labels of one factor.

    Attributes:
        name, kind: of the factor.
        known, missing: numbers of rows with and without a label.
        classes: counts by class name, for discrete factors.
        range: lowest and highest label, for the others.
        balance: entropy of the classes over its maximum, 1 when all are equally frequent; None for the others.
    """

    name: str
    kind: str
    known: int
    missing: int
    classes: Mapping[str, int] | None
    range: tuple[float, float] | None
    balance: float | None


@dataclass(frozen=True)
class DataReport:
    """Everything that `unweave check` says about the data."""

    rows: Mapping[str, int]
    shape: tuple[int, ...]
    ingest: Mapping[str, Any]
    factors: tuple[FactorSummary, ...]
    associations: tuple[Association, ...]
    absent: tuple[Mapping[str, Any], ...]
    near_duplicates: Mapping[str, Any]
    dead_pixels: float | None
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return {
            "rows": dict(self.rows),
            "shape": list(self.shape),
            "ingest": dict(self.ingest),
            "factors": [vars(f) for f in self.factors],
            "associations": [a.to_json() for a in self.associations],
            "absent": [dict(a) for a in self.absent],
            "near_duplicates": dict(self.near_duplicates),
            "dead_pixels": self.dead_pixels,
            "findings": [vars(f) for f in self.findings],
        }


def data_report(dataset: Dataset, *, seed: int = 0) -> DataReport:
    """Look through a data set; seconds for 100,000 small images."""
    table, observations, splits = dataset.table, dataset.store.observations, dataset.splits
    rows = {side: len(getattr(splits, side)) for side in ("train", "valid", "test")}
    factors = tuple(_summary(table, k) for k in range(len(table.factors)))
    pairs = associations(table, seed=seed)
    absent = _absent(table)
    images = observations.ndim == 4
    near: dict[str, Any] = {"pairs": 0, "straddling": 0, "examples": [], "complete": True}
    dead = None
    if images:
        pixels = cast("NDArray[np.uint8]", observations)
        found = near_duplicates(pixels, dataset.store.digests)
        side = np.zeros(len(observations), dtype=np.int8)
        side[splits.test] = 1
        straddles = side[found.pairs[:, 0]] != side[found.pairs[:, 1]]
        first = np.argsort(~straddles, kind="stable")[:5]  # those that matter are shown
        ids = dataset.store.ids
        near = {
            "pairs": len(found.pairs),
            "straddling": int(straddles.sum()),
            "examples": [[ids[a], ids[b]] for a, b in found.pairs[first]],
            "complete": found.complete,
        }
        dead = float(dead_pixels(pixels).mean())
    ingest = dataset.store.report.to_json()
    findings = _findings(rows, ingest, factors, pairs, absent, near, dead)
    return DataReport(rows, tuple(observations.shape[1:]), ingest, factors, pairs, absent, near, dead, findings)


def _summary(table: FactorTable, k: int) -> FactorSummary:
    factor, known = table.factors[k], table.known[:, k]
    values = table.values[known, k]
    classes, span, balance = None, None, None
    if factor.is_discrete:
        names = factor.values or tuple(str(i) for i in range(int(values.max(initial=-1)) + 1))
        counts = np.bincount(values.astype(np.int64), minlength=len(names))
        classes = {name: int(count) for name, count in zip(names, counts, strict=True)}
        shares = counts[counts > 0] / max(1, counts.sum())
        balance = float(-(shares * np.log(shares)).sum() / np.log(len(names))) if len(names) > 1 else 1.0
    elif len(values):
        span = (float(values.min()), float(values.max()))
    return FactorSummary(factor.name, factor.kind, int(known.sum()), int((~known).sum()), classes, span, balance)


def _absent(table: FactorTable) -> tuple[Mapping[str, Any], ...]:
    """Combinations of two classes that never occur although chance would give at least 5 of them."""
    found = []
    discrete = [k for k, factor in enumerate(table.factors) if factor.is_discrete]
    for a, b in combinations(discrete, 2):
        rows = table.known[:, a] & table.known[:, b]
        x, y = (table.values[rows, k].astype(np.int64) for k in (a, b))
        if not len(x):
            continue
        sizes = int(x.max()) + 1, int(y.max()) + 1
        counts = np.bincount(x * sizes[1] + y, minlength=sizes[0] * sizes[1]).reshape(sizes)
        expected = counts.sum(1, keepdims=True) * counts.sum(0, keepdims=True) / len(x)
        for i, j in zip(*np.nonzero((counts == 0) & (expected >= _EXPECTED)), strict=True):
            names = [_class_name(table, k, int(c)) for k, c in ((a, i), (b, j))]
            pair = {table.names[a]: names[0], table.names[b]: names[1]}
            found.append({"combination": pair, "expected": round(float(expected[i, j]), 1)})
    return tuple(sorted(found, key=lambda c: -c["expected"]))


def _class_name(table: FactorTable, k: int, code: int) -> str:
    values = table.factors[k].values
    return values[code] if values else str(code)


def _findings(
    rows: Mapping[str, int],
    ingest: Mapping[str, Any],
    factors: tuple[FactorSummary, ...],
    pairs: tuple[Association, ...],
    absent: tuple[Mapping[str, Any], ...],
    near: Mapping[str, Any],
    dead: float | None,
) -> tuple[Finding, ...]:
    found = [*_about_pairs(pairs, absent), *_about_labels(factors), *_about_rows(rows, ingest, near, dead)]
    order = {"problem": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda f: order[f.severity]))


def _about_pairs(pairs: tuple[Association, ...], absent: tuple[Mapping[str, Any], ...]) -> list[Finding]:
    found = [
        Finding(
            "warning",
            f"{p.a} and {p.b} vary together",
            f"{p.measure} {p.value:.2f} ({p.interval[0]:.2f} to {p.interval[1]:.2f}); chance alone gives {p.null:.2f}.",
            "No method can separate what never varies apart: add data in which they differ, or make them one factor.",
        )
        for p in pairs
        if p.strong
    ]
    if absent:
        shown = "; ".join(" with ".join(f"{k} {v}" for k, v in a["combination"].items()) for a in absent[:3])
        found.append(
            Finding(
                "warning",
                f"{len(absent)} combinations of two factors never occur",
                f"For example {shown}; chance would give {absent[0]['expected']:g} rows of the first.",
                "Edits into these combinations cannot be checked. Add examples, or leave such edits out.",
            )
        )
    return found


def _about_labels(factors: tuple[FactorSummary, ...]) -> list[Finding]:
    if not factors:
        text = "Training needs none, but scores and probes do: 100 to 1,000 labelled rows go a long way."
        return [Finding("warning", "There are no labels", "No factor is known for any row.", text)]
    found = []
    for f in factors:
        if f.classes is not None and sum(c > 0 for c in f.classes.values()) < 2:
            only = next((name for name, count in f.classes.items() if count), "none")
            found.append(Finding("problem", f"{f.name} never varies", f"Its only value is {only}.", "Leave it out."))
        elif f.known < PROBE_LABELS:
            detail = f"{f.known} rows have a label, {f.missing} have none."
            advice = f"Label {PROBE_LABELS - f.known} more rows before you trust a probe of it."
            found.append(Finding("warning", f"{f.name} has few labels", detail, advice))
        elif f.missing:
            detail = f"{f.missing} of {f.known + f.missing} rows have none; they train, and scores leave them out."
            found.append(Finding("note", f"{f.name} has missing labels", detail, "Nothing needs to be done."))
        if f.balance is not None and f.balance < 0.7 and f.classes:
            rarest = min((c for c in f.classes.items() if c[1]), key=lambda item: item[1])
            detail = f"{rarest[0]} has {rarest[1]} rows; balance is {f.balance:.2f} of 1."
            found.append(
                Finding("note", f"{f.name} is unbalanced", detail, "Read its balanced scores, add rare examples.")
            )
    return found


def _about_rows(
    rows: Mapping[str, int], ingest: Mapping[str, Any], near: Mapping[str, Any], dead: float | None
) -> list[Finding]:
    found = []
    skipped = ingest.get("skipped", [])
    if skipped:
        shown = "; ".join(f"{s['id']}: {s['reason']}" for s in skipped[:3])
        found.append(Finding("warning", f"{len(skipped)} files were left out", shown, "Mend or remove them."))
    if near["straddling"]:
        found.append(
            Finding(
                "warning" if near["straddling"] > _MANY_STRADDLING * sum(rows.values()) else "note",
                f"{near['straddling']} near duplicates stand on both sides of the split",
                f"For example {near['examples'][0][0]} and {near['examples'][0][1]}.",
                "Held-out scores flatter the model. Split by a group column: data.split.by.",
            )
        )
    if dead is not None and dead > 0.01:
        text = "They cost nothing but time; a border can be cropped away."
        found.append(Finding("note", f"{dead:.0%} of the pixels never change", "Their value is always the same.", text))
    if 0 < rows["train"] < 500:
        detail = f"{rows['train']} rows train the model."
        found.append(
            Finding("warning", "There are few rows", detail, "Expect blur; look at validation losses closely.")
        )
    return found
