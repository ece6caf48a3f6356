"""The chart of the curves: what random labels and planned labels gave, with bands of 95 %."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from unweave.core.errors import DataError
from unweave.metrics.label_budgets import Point
from unweave.projects.labels.curve import Curve

_RANDOM, _PLANNED, _INK, _GRID = "#5b6472", "#c2410c", "#28303c", "#e3e6eb"
_DPI = 130
_LEAST_SPAN = 0.4
"""Of the axis: noise about a flat curve should not look like ups and downs."""


def draw_curves(curves: Sequence[Curve], *, title: str) -> bytes:
    """PNG file with a panel for each factor that has a curve; the same curves give the same bytes.

    Raises:
        DataError: none has one.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # matplotlib takes a while to import
    from matplotlib.figure import Figure

    drawn = [curve for curve in curves if curve.reason is None]
    if not drawn:
        raise DataError("there is nothing to draw:\n" + "\n".join(f"  {curve.sentence}" for curve in curves))
    columns = min(3, len(drawn))
    lines = math.ceil(len(drawn) / columns)
    figure = Figure(figsize=(max(4.6, 3.7 * columns), 3.1 * lines + 1.0), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11, color=_INK)
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax, curve in zip(axes, drawn, strict=False):
        _panel(ax, curve)
    for ax in axes[len(drawn) :]:
        ax.set_visible(False)
    handles, labels = max((ax.get_legend_handles_labels() for ax in axes), key=lambda found: len(found[1]))
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _panel(ax: Any, curve: Curve) -> None:  # noqa: ANN401 - matplotlib's axes
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    _line(ax, curve.random, _RANDOM, "random order", "o")
    if curve.planned:
        _line(ax, curve.planned, _PLANNED, "planner's order", "s")
    ax.axhline(curve.chance, color=_RANDOM, linewidth=0.9, linestyle=(0, (4, 3)), label="without labels")
    ax.set_xscale("log")
    ticks = [point.labels for point in curve.random]
    ax.xaxis.set_major_locator(FixedLocator(_readable(ticks)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_title(curve.factor, fontsize=10, color=_INK, loc="left", fontweight="bold")
    ax.set_xlabel("labels", fontsize=9, color=_INK)
    ax.set_ylabel("accuracy" if curve.score == "accuracy" else "R²", fontsize=9, color=_INK)
    shown = [curve.chance, *(end for p in (*curve.random, *curve.planned) for end in (*p.interval, p.value))]
    low = max(min(shown), min(curve.chance, 0) - 0.3)  # a probe of ten labels may be far below: that is no news
    room = max(0.04 * (max(shown) - low), (_LEAST_SPAN - max(shown) + low) / 2)
    ax.set_ylim(low - room, max(shown) + room)
    ax.grid(axis="y", color=_GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=8, colors=_INK, length=3)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color("#aab1bc")


def _line(ax: Any, points: Sequence[Point], colour: str, name: str, marker: str) -> None:  # noqa: ANN401
    labels = [point.labels for point in points]
    low, high = ([point.interval[end] for point in points] for end in (0, 1))
    ax.fill_between(labels, low, high, color=colour, alpha=0.16, linewidth=0)
    ax.plot(labels, [point.value for point in points], color=colour, linewidth=1.6, marker=marker, ms=3.6, label=name)


def _readable(ticks: Sequence[int]) -> list[int]:
    """Those that leave each other room on a logarithmic axis, the last one among them."""
    kept: list[int] = []
    apart = math.log(max(ticks) / min(ticks)) / 9 if len(ticks) > 1 else 0.0
    for tick in reversed(ticks):
        if not kept or math.log(kept[-1] / tick) >= apart:
            kept.append(tick)
    return kept[::-1]
