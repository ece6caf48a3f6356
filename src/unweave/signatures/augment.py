"""Copies of labelled images with one factor edited, so that it is balanced, or independent of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.core.factors import Factor, FactorTable
from unweave.core.seeds import generator
from unweave.data.stratify import label_levels
from unweave.signatures.apply import set_labels
from unweave.signatures.editor import Editor
from unweave.signatures.signature import Signature

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOLERANCE = 0.5
"""Standard steps, or radians, by which the probe may miss the label of a copy that counts as confirmed."""

_BATCH = 256


def independent_labels(table: FactorTable, factor: str, other: str, *, seed: int) -> Floats:
    """New labels (N,) of one factor, so that its joint table with another is the product of their margins.

    Within each level of `other` the labels are evenly spaced quantiles of all labels of `factor`, in random order: both
    margins stay, and the product is met as well as whole rows can.

    Args:
        table: rows that have both labels.
        factor: to be edited.
        other: to become independent of.
        seed: of the order.
    """
    random = generator(seed, "augment", factor, other)
    everything = np.sort(table.values[:, table.index(factor)])
    levels = label_levels(table.select([other]))[:, 0]
    wanted = np.empty(len(table))
    for level in np.unique(levels):
        rows = np.flatnonzero(levels == level)
        places = (np.arange(len(rows)) + random.random()) / len(rows)
        wanted[random.permutation(rows)] = everything[(places * len(everything)).astype(np.int64)]
    return wanted


def balanced_labels(table: FactorTable, factor: str, *, seed: int) -> Floats:
    """New labels (N,) of one factor, so that each of its labels is as frequent as any other.

    Classes and levels that occur share the rows evenly, and as few rows as possible change. Measurements and angles
    spread evenly from the lowest to the highest label, or over the turn, in the order that they have.
    """
    k = table.index(factor)
    labels, kind = table.values[:, k], table.factors[k]
    if not kind.is_discrete:
        order = np.argsort(labels, kind="stable")
        low, high = _ends(kind, labels)
        wanted = np.empty(len(labels))
        wanted[order] = low + (np.arange(len(labels)) + 0.5) / len(labels) * (high - low)
        return wanted
    random = generator(seed, "augment", factor)
    wanted = labels.copy()
    classes, counts = np.unique(labels, return_counts=True)
    share = np.full(len(classes), len(labels) // len(classes))
    share[np.argsort(-counts)[: len(labels) % len(classes)]] += 1  # what does not divide stays where most rows are
    spare = [random.permutation(np.flatnonzero(labels == c))[n:] for c, n in zip(classes, share, strict=True)]
    missing = np.repeat(classes, np.maximum(share - counts, 0))
    wanted[random.permutation(np.concatenate(spare))] = missing
    return wanted


def _ends(factor: Factor, labels: Floats) -> tuple[float, float]:
    if factor.kind == "circular" and factor.range is not None:
        return factor.range
    return float(labels.min()), float(labels.max())


@dataclass(frozen=True)
class Copies:
    """Edited copies of N images.

    Attributes:
        images: uint8 (N, H, W, C).
        wanted: labels (N,) of the edited factor.
        said: labels (N,) that its probe reads off the copies, encoded again.
        confirmed: (N,), whether it says what was wanted, within `TOLERANCE`.
        kept: share (N,) of the edit that the data's edge and the budget left.
        distance: how far the code went, (N,), in the metric of the codes.
        others: names of the other factors whose probes were asked, and
        changed: (N, K), whether what they read of the image has changed by more than `TOLERANCE`.
    """

    images: NDArray[np.uint8]
    wanted: Floats
    said: Floats
    confirmed: Flags
    kept: Floats
    distance: Floats
    others: tuple[str, ...]
    changed: Flags


def edited_copies(
    editor: Editor,
    images: NDArray[np.uint8],
    factor: str,
    wanted: Floats,
    *,
    residual: bool = True,
    budget: float | None = None,
) -> Copies:
    """Set one factor of images to labels row by row, and look at what came out.

    Args:
        editor: model and signatures.
        images: uint8 (N, H, W, C).
        factor: to be set.
        wanted: its labels (N,).
        residual: see `Editor.edit`: what the factor does not touch keeps its own pixels.
        budget: see `edit_codes`.

    Raises:
        ConfigError: the factor has no signature, or no way leads to a label.
    """
    parts = [
        _copies(editor, images[i : i + _BATCH], factor, wanted[i : i + _BATCH], residual, budget)
        for i in range(0, len(images), _BATCH)
    ]
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("images", "wanted", "said", "confirmed", "kept", "distance", "changed")
    }
    return Copies(**joined, others=parts[0].others)


def _copies(
    editor: Editor, images: NDArray[np.uint8], factor: str, wanted: Floats, residual: bool, budget: float | None
) -> Copies:
    signatures = editor.signatures
    codes = editor.model.encode(images).mean
    done = set_labels(signatures, codes, {factor: wanted}, budget=budget)
    made = editor.draw(images, codes, done.codes, residual=residual)
    again = editor.model.encode(made).mean
    said = signatures[factor].reader.read(again)
    others = tuple(name for name in signatures.names if name != factor)
    changed = [~_agree(signatures[n], s.read(codes), s.read(again)) for n in others for s in [signatures[n].reader]]
    step = np.linalg.solve(np.linalg.cholesky(signatures.density.covariance), (done.codes - codes).astype(float).T)
    return Copies(
        images=made,
        wanted=wanted,
        said=said,
        confirmed=_agree(signatures[factor], said, wanted),
        kept=done.kept,
        distance=np.sqrt((step**2).sum(axis=0)),
        others=others,
        changed=np.stack(changed, axis=1) if changed else np.zeros((len(images), 0), dtype=bool),
    )


def _agree(signature: Signature, said: Floats, wanted: Floats) -> Flags:
    """Whether labels are the same class or level, or near each other."""
    target = signature.chart.target
    if target.factor.is_discrete:
        return np.asarray(said == wanted)
    apart = np.abs(said - wanted)
    if target.factor.kind == "circular":
        apart = np.mod(apart, target.factor.period)
        apart = np.minimum(apart, target.factor.period - apart)
    return np.asarray(apart <= TOLERANCE * target.scale)
