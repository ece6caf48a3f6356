"""The signatures of a run as a report shows them: how well each is read, what it drags along, how it looks."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from unweave.projects.report.charts import Line, line_chart
from unweave.projects.report.pictures import encode_png
from unweave.projects.report.strips import strip_picture
from unweave.signatures.leakage.matrix import LeakageMatrix
from unweave.signatures.signature import Signature
from unweave.signatures.signatures import Signatures
from unweave.signatures.strips import Strip

_WHO = {
    "judge": "models of the pixels that never saw a code",
    "exact": "the nearest of all pictures of the built-in set",
    "codes": "the probes themselves, on the code of the decoded picture; they found the directions, so this is a lower "
    "bound",
}
"""Who measured, by `Leakage.measure`."""


@dataclass(frozen=True)
class Shown:
    """What a report shows of signatures.

    Attributes:
        signatures: of the run's model.
        matrices: leakage, the most trustworthy judge first.
        strips: of some held-out objects, by factor.
        curves: score by number of labels, as plain values (`ProbeCurve.to_json`).
    """

    signatures: Signatures
    matrices: Sequence[LeakageMatrix] = ()
    strips: Sequence[Strip] = ()
    curves: Sequence[Mapping[str, Any]] = ()


def signature_values(shown: Shown) -> dict[str, Any]:
    """What the template needs."""
    return {
        "rows": [_row(signature) for signature in shown.signatures.signatures],
        "matrix": _matrix(shown.matrices[0]) if shown.matrices else None,
        "strips": [_strip(strip) for strip in shown.strips],
        "curves": list(_curves(shown.curves)),
    }


def _row(signature: Signature) -> dict[str, Any]:
    name, score = next(iter(signature.quality.items()), ("", None))
    form = {
        "regression": "regression on all labels",
        "dimension": "own dimension",
        "discovered": "found without labels",
    }.get(signature.candidate, signature.candidate)
    return {
        "name": signature.name,
        "labels": signature.labels,
        "score": name.replace("_", " "),
        "value": None if score is None else score.value,
        "interval": None if score is None else score.interval,
        "null": None if score is None else score.null,
        "form": f"{form}, bent" if signature.bends else form,
        "kept": signature.kept,
        "safe": safe_words(signature),
        "leaks": signature.leakage[0].mean if signature.leakage else None,
    }


def safe_words(signature: Signature) -> str:
    """How far a factor can be moved, in its own units."""
    low, high = signature.safe
    if signature.path == "classes":
        return "to every class" if high >= 1 else f"{high:.0%} of the way to a class"
    unit = "" if signature.turns else " steps"
    return f"{low:+.2g} to {high:+.2g}{unit}"


def _matrix(matrix: LeakageMatrix) -> dict[str, Any]:
    rows = []
    for moved in matrix.rows:
        cells = []
        for factor, value in zip(matrix.factors, matrix.values[list(matrix.rows).index(moved)], strict=True):
            pair = matrix.interval(moved, factor)
            own = factor == moved
            known = bool(np.isfinite(value))
            detail = "" if own or pair is None else f"{pair[0]:.2f} to {pair[1]:.2f}"
            cells.append({"own": own, "value": float(value) if known else None, "detail": detail})
        rows.append({"moved": moved, "cells": cells})
    return {
        "factors": matrix.factors,
        "rows": rows,
        "mean": matrix.mean,
        "who": _WHO[matrix.measure],
        "gain": matrix.gain,
        "left_out": list(matrix.left_out.items()),
    }


def _strip(strip: Strip) -> dict[str, Any]:
    rows = len(strip.images)
    picture = strip_picture(strip, [""] * rows)
    return {
        "factor": strip.factor,
        "image": "data:image/png;base64," + base64.b64encode(encode_png(picture)).decode(),
        "titles": strip.titles,
        "objects": rows,
    }


def _curves(curves: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for curve in curves:
        points = curve["points"]
        if len(points) > 1:
            labels = [point["labels"] for point in points]
            lines = [
                Line(curve["factor"], labels, [point["value"] for point in points]),
                Line("chance", labels, [curve["chance"]] * len(labels), 1, dashed=True),
            ]
            svg = Markup(line_chart(lines, title=f"{curve['factor']}: {curve['score']} by number of labels"))
            yield {"title": curve["factor"], "score": curve["score"].replace("r2", "R²"), "svg": svg}
