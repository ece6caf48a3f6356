"""The leakage matrix as one picture."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unweave.core.errors import ConfigError
from unweave.metrics.plots import COLOURS, FAINT, INK, check_format, save
from unweave.signatures.leakage.matrix import LeakageMatrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORDS = {
    "judge": "seen by a judge of pixels",
    "exact": "by the nearest picture that can be drawn",
    "codes": "seen by probes on the code of the decoded picture",
}

_ON, _OFF = COLOURS[0], ("#ffffff", "#fbd9b8", "#eb8a3c", "#a33f00")
_BRIGHT = 0.55
"""Share of the colour scale above which writing is white."""


def plot_leakage(matrix: LeakageMatrix, *, title: str | None = None) -> Figure:
    """A heat map: rows are the factors that are moved, columns what else changes; intervals are in small type.

    Colour is change per unit of on-target change, 1 and above the darkest. The framed diagonal shows the on-target
    change that was reached. What is left out stands below, with the reason.

    Raises:
        ConfigError: no signature could be judged.
    """
    from matplotlib.figure import Figure

    if not matrix.rows:
        raise ConfigError("the leakage matrix is empty: no signature could be judged. " + " ".join(_notes(matrix)))
    rows, columns = len(matrix.rows), len(matrix.factors)
    notes = [line for note in _notes(matrix) for line in textwrap.wrap(note, 24 + 13 * columns)]
    height = 1.45 + 0.56 * rows + 0.17 * len(notes)
    figure = Figure((2.2 + 0.92 * columns, height), layout="constrained")
    axes = figure.add_subplot()
    _draw_cells(axes, matrix)
    axes.set_xticks(range(columns), [_short(name) for name in matrix.factors])
    axes.set_yticks(range(rows), [_short(name) for name in matrix.rows])
    axes.tick_params(length=0, labelcolor=INK, labelsize=9, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_ylabel("moved", color=FAINT, fontsize=9)
    axes.set_xlabel(
        "\n".join(["what changes, per unit of the wanted change", *notes]), color=FAINT, fontsize=8, loc="left"
    )
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(_title(matrix) if title is None else title, loc="left", fontsize=11, color=INK, pad=10)
    return figure


def draw_matrix(matrix: LeakageMatrix, path: Path, *, title: str | None = None) -> None:
    """Write the picture of a leakage matrix as PNG, PDF or SVG, whole or not at all; see `plot_leakage`.

    Raises:
        ConfigError: the name has another ending, or no signature could be judged.
        StorageError: the file cannot be written.
    """
    check_format(path)
    save(plot_leakage(matrix, title=title), path)


def _draw_cells(axes: Axes, matrix: LeakageMatrix) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    values, names = matrix.values, list(matrix.rows)
    shown = np.where([[factor == name for factor in matrix.factors] for name in names], np.nan, values)
    colours = LinearSegmentedColormap.from_list("leakage", _OFF)
    axes.imshow(np.clip(shown, 0, 1), cmap=colours, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if matrix.factors[column] == names[row]:
            frame = Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False, edgecolor=_ON, linewidth=1.4)
            axes.add_patch(frame)
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=_ON, fontsize=9, weight="bold")
            continue
        ends = matrix.interval(names[row], matrix.factors[column])
        if ends is None or not np.isfinite(value):
            axes.text(column, row, "–", ha="center", va="center", color=FAINT, fontsize=9)
            continue
        ink = "white" if min(value, 1) > _BRIGHT else INK
        axes.text(column, row - 0.13, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=9.5)
        interval = f"{ends[0]:.2f} – {ends[1]:.2f}"
        axes.text(column, row + 0.23, interval, ha="center", va="center", color=ink, fontsize=6.5)
    axes.set_xticks(np.arange(1, len(matrix.factors)) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, len(names)) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)


def _title(matrix: LeakageMatrix) -> str:
    words = WORDS.get(matrix.measure, matrix.measure)
    if matrix.mean is None:
        return f"Leakage, {words}"
    value, low, high = matrix.mean
    return f"Leakage, {words}:\nmean {value:.2f} ({low:.2f} – {high:.2f})"


def _notes(matrix: LeakageMatrix) -> list[str]:
    notes = []
    if matrix.rows:
        notes = [
            "1 is as much as chance would bring; framed: the wanted change that is reached (asked for: "
            f"{matrix.gain:.2f}), in units of two random rows."
        ]
    return notes + [f"{name} is left out: {reason}" for name, reason in matrix.left_out.items()]


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"
