"""Pictures of scores: a matrix as a heat map, the scores of one or several models with intervals and random codes.

Functions give a Matplotlib figure; `save` writes it. Colours are those of Okabe and Ito, which also people with a
colour deficiency tell apart, and models differ in their marks too.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unweave.core import ConfigError, Score, Scorecard
from unweave.core.files import write_bytes
from unweave.metrics.weights import code_groups

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKS = ("o", "s", "D", "^", "v", "P")
INK, FAINT, BAND = "#28303c", "#8a919c", "#e3e6ea"

FORMATS = (".png", ".pdf", ".svg")

_QUANTITIES = {"mig": "mutual information, nats", "dci": "importance"}
_ANNOTATED = 16
"""Rows and columns up to which every cell shows its number."""

_ROW = 0.34
"""Inches per score."""


def plot_matrix(score: Score, *, title: str | None = None) -> Figure:
    """The matrix behind a score as an annotated heat map.

    Codes are ordered by the factor that they say most about, so that one code per factor gives a diagonal; those that
    say little come last. Codes and factors that the score leaves out have no numbers.

    Args:
        score: its matrix has one row per code (D) and one column per factor (K).
        title: above the picture; None takes the name of the score and its value.

    Raises:
        ConfigError: the score has no such matrix.
    """
    from matplotlib.figure import Figure

    if not has_heat_map(score):
        shape = "none" if score.matrix is None else score.matrix.shape
        raise ConfigError(f"{score.name}: a heat map needs a matrix of codes and factors, it has {shape}.")
    rows, columns = np.asarray(score.matrix).shape
    figure = Figure((1.9 + 0.78 * columns, 1.5 + 0.36 * min(rows, 60)), layout="constrained")
    _draw_matrix(figure, score, title)
    return figure


def has_heat_map(score: Score) -> bool:
    """Whether the matrix behind a score has a column per factor, and more than one row."""
    return score.matrix is not None and score.matrix.shape[1] == len(score.stamp.factors) and len(score.matrix) > 1


def plot_scorecard(card: Scorecard, *, title: str | None = None) -> Figure:
    """Every score with its interval, and the range of random codes behind it.

    Scores in [0, 1] share one axis; others have their own below. Hollow marks are within the range of random codes.
    """
    return plot_models({"": card}, title=title)


def plot_models(cards: Mapping[str, Scorecard], *, title: str | None = None) -> Figure:
    """The scores of several models side by side, in the order given.

    Raises:
        ConfigError: there is no model, or more than there are colours (6).
    """
    from matplotlib.figure import Figure

    if not 0 < len(cards) <= len(COLOURS):
        raise ConfigError(f"models: expected 1 to {len(COLOURS)}, got {len(cards)}. Draw the ones that matter.")
    figure = Figure((7.4, _height(cards)), layout="constrained")
    _draw_scores(figure, cards, title)
    return figure


def plot_all(card: Scorecard, *, title: str | None = None) -> Figure:
    """The scorecard, and beside it the matrices of codes and factors of MIG and DCI where it has them."""
    from matplotlib.figure import Figure

    maps = [card[name] for name in ("mig", "dci.disentanglement") if name in card and has_heat_map(card[name])]
    if not maps:
        return plot_scorecard(card, title=title)
    columns = len(maps[0].stamp.factors)
    width, rows = 2.2 + 0.78 * columns, len(np.asarray(maps[0].matrix))
    height = max(_height({"": card}), len(maps) * (1.5 + 0.36 * min(rows, 60)))
    figure = Figure((7.4 + width, height), layout="constrained")
    left, right = np.ravel(figure.subfigures(1, 2, width_ratios=[7.4, width], wspace=0.04, squeeze=False))
    _draw_scores(left, {"": card}, title)
    for part, score in zip(np.ravel(right.subfigures(len(maps), 1, squeeze=False)), maps, strict=True):
        _draw_matrix(part, score, None)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, PDF or SVG, whole or not at all.

    Raises:
        ConfigError: see `check_format`.
        StorageError: the file cannot be written.
    """
    check_format(path)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix.lower()[1:], dpi=160, facecolor="white")
    write_bytes(path, buffer.getvalue())


def check_format(path: Path) -> None:
    """Refuse a name that ends in anything but `.png`, `.pdf` or `.svg`."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: expected a name that ends in {', '.join(FORMATS)}.")


def _draw_matrix(figure: FigureBase, score: Score, title: str | None) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    matrix = np.asarray(score.matrix)
    members = _members(score, len(matrix))
    left_out = np.array([set(group) <= set(score.dropped_codes) for group in members])
    top = max(float(matrix.max()), 1e-9)
    weak = matrix.max(axis=1) < 0.1 * top
    order = np.lexsort((-matrix.max(axis=1), matrix.argmax(axis=1), weak, left_out))
    shown = matrix[order]
    axes = figure.add_subplot()
    colours = LinearSegmentedColormap.from_list("blues", ["#ffffff", "#a9cfe8", "#3d8fc4", "#0b3f6b"])
    image = axes.imshow(shown, cmap=colours, vmin=min(0.0, float(matrix.min())), vmax=top, aspect="auto")
    if max(shown.shape) <= _ANNOTATED:
        for (row, column), value in np.ndenumerate(shown):
            faint = left_out[order[row]] or score.stamp.factors[column] in score.dropped_factors
            colour = FAINT if faint else "white" if value > 0.55 * top else INK
            axes.text(column, row, "–" if faint else f"{value:.2f}", ha="center", va="center", color=colour, fontsize=9)
    _lay_out(axes)
    axes.set_xticks(range(shown.shape[1]), [_short(name) for name in score.stamp.factors])
    axes.tick_params(axis="x", rotation=0 if max(map(len, score.stamp.factors)) <= 9 else 35)
    axes.set_yticks(range(len(shown)), ["+".join(f"z{code}" for code in members[row]) for row in order])
    axes.set_xticks(np.arange(1, shown.shape[1]) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, len(shown)) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelcolor=INK, labelsize=8)
    bar.set_label(_QUANTITIES.get(score.name.partition(".")[0], score.name), color=INK, fontsize=9)
    value = "no value" if score.value is None else f"{score.value:.2f}"
    axes.set_title(f"{score.name}: {value}" if title is None else title, loc="left", fontsize=11, color=INK)


def _members(score: Score, rows: int) -> tuple[tuple[int, ...], ...]:
    """Codes behind each row of a matrix: one, or those that the score counts as one."""
    groups = score.stamp.settings.get("groups") or []
    return code_groups(groups, rows + sum(len(group) - 1 for group in groups))


def _draw_scores(figure: FigureBase, cards: Mapping[str, Scorecard], title: str | None) -> None:
    names = _names(cards)
    inside = [name for name in names if _on_unit_axis([card[name] for card in cards.values() if name in card])]
    panels = ([inside] if inside else []) + [[name] for name in names if name not in inside]
    if not panels:
        return
    heights = [len(panel) + 0.4 for panel in panels]
    axes = np.ravel(figure.subplots(len(panels), 1, height_ratios=heights, squeeze=False))
    for panel, axis in zip(panels, axes, strict=True):
        _draw_panel(axis, panel, cards, unit=panel is inside)
    if title is not None:
        axes[0].set_title(title, loc="left", fontsize=12, color=INK, pad=10)
    _legend(figure, cards)


def _draw_panel(axes: Axes, names: Sequence[str], cards: Mapping[str, Scorecard], *, unit: bool) -> None:
    """One axis with a row for each score, and in it a mark for each model."""
    step = 0.62 / max(len(cards), 2)
    for row, name in enumerate(names):
        for place, card in enumerate(cards.values()):
            if name in card:
                at = row + (place - (len(cards) - 1) / 2) * step
                _draw_score(axes, card[name], at, step, place, alone=len(cards) == 1)
    _lay_out(axes)
    axes.set_yticks(range(len(names)), [_short(name, 30) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    if unit:
        axes.set_xlim(-0.03, 1.03)
    else:
        axes.margins(x=0.08)
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, 0), max(high, 0))
    axes.grid(axis="x", color=BAND, linewidth=0.8, zorder=0)
    axes.tick_params(axis="both", length=0)


def _draw_score(axes: Axes, score: Score, at: float, step: float, place: int, *, alone: bool) -> None:
    colour, end = COLOURS[place], axes.get_yaxis_transform()
    if score.value is None:
        words = textwrap.shorten(f"no value: {score.reason}", 78, placeholder=" …")
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        tone = FAINT if alone else colour
        axes.text(0.03, at, words, transform=end, va="center", color=tone, fontsize=7.5, bbox=paper)
        return
    if score.null_interval is not None:
        low, high = score.null_interval
        axes.barh(at, high - low, 0.9 * step, low, color=BAND, edgecolor=BAND, linewidth=2, zorder=1)
    if score.null is not None:
        axes.plot([score.null] * 2, [at - 0.45 * step, at + 0.45 * step], color=FAINT, linewidth=1.2, zorder=2)
    if score.interval is not None:
        axes.plot(score.interval, [at, at], color=colour, linewidth=2.2, solid_capstyle="round", zorder=3)
    face = colour if _beyond_chance(score) else "white"
    axes.plot(score.value, at, MARKS[place], color=colour, markerfacecolor=face, markersize=6.5, zorder=4)
    if alone:
        interval = "" if score.interval is None else f"  {score.interval[0]:.2f} to {score.interval[1]:.2f}"
        axes.text(1.02, at, f"{score.value:.2f}", transform=end, va="center", color=INK, fontsize=9, weight="bold")
        axes.text(1.085, at, interval, transform=end, va="center", color=FAINT, fontsize=9)


def _legend(figure: FigureBase, cards: Mapping[str, Scorecard]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    known = [score for card in cards.values() for score in card.values() if score.value is not None]
    marks: list[Artist] = [
        Line2D([], [], color=COLOURS[place], marker=MARKS[place], linewidth=2.2, label=name or "score, 95 % interval")
        for place, name in enumerate(cards)
    ]
    if any(score.null is not None for score in known):
        marks.append(Patch(facecolor=BAND, edgecolor=FAINT, label="random codes, 95 %"))
    if any(not _beyond_chance(score) for score in known):
        text = "not beyond chance"
        marks.append(Line2D([], [], color=INK, marker="o", markerfacecolor="white", linewidth=0, label=text))
    columns = min(len(marks), 4)
    figure.legend(handles=marks, loc="outside lower left", ncols=columns, frameon=False, fontsize=8.5, labelcolor=INK)


def _beyond_chance(score: Score) -> bool:
    """Whether interval and range of random codes are apart, as far as they are known."""
    if score.interval is None or score.null_interval is None:
        return True
    return score.interval[0] > score.null_interval[1] or score.interval[1] < score.null_interval[0]


def _names(cards: Mapping[str, Scorecard]) -> list[str]:
    """Names of all scores, in the order of the first card that has them."""
    return list(dict.fromkeys(name for card in cards.values() for name in card))


def _on_unit_axis(scores: Sequence[Score]) -> bool:
    """Whether what is known of a score lies between 0 and 1."""
    ends = [end for s in scores for end in (s.value, s.null, *(s.interval or ()), *(s.null_interval or ()))]
    return all(-1e-9 <= end <= 1 + 1e-9 for end in ends if end is not None)


def _height(cards: Mapping[str, Scorecard]) -> float:
    """Inches that the scores of some models need."""
    names = _names(cards)
    others = sum(not _on_unit_axis([card[name] for card in cards.values() if name in card]) for name in names)
    return 1.3 + _ROW * max(1.0, 0.62 * len(cards)) * len(names) + 0.55 * others


def _lay_out(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(labelcolor=INK, labelsize=9)
    axes.set_axisbelow(True)


def _short(name: str, width: int = 16) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"
