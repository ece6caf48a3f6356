"""Small SVG charts that take their colours from the page, so that they follow its light and dark themes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from unweave.core.scores import Score

_WIDTH, _HEIGHT = 420, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 24
_POINTS = 240


@dataclass(frozen=True)
class Line:
    """One line of a chart; `tone` numbers its colour, `dashed` marks a reference."""

    name: str
    steps: Sequence[int]
    values: Sequence[float]
    tone: int = 0
    dashed: bool = False


def line_chart(lines: Sequence[Line], *, title: str, floor: float | None = None, ceiling: float | None = None) -> str:
    """An SVG of values over steps; empty lines are left out.

    Args:
        lines: what to draw.
        title: for people who cannot see it.
        floor: the lowest value that the axis must show, and `ceiling` the highest; None follows the data.
        ceiling: see `floor`.
    """
    lines = [line for line in lines if len(line.steps)]
    values = np.concatenate([_shown_range(line) for line in lines])
    low, high = float(values.min()), float(values.max())
    low, high = low if floor is None else min(floor, low), high if ceiling is None else max(ceiling, high)
    ticks = nice_ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    last = max(max(line.steps) for line in lines) or 1

    def x(step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / last

    def y(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)

    parts = [f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">']
    for tick in ticks:
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(tick) + 3.5:.1f}" text-anchor="end">{tick:g}</text>')
    for step, anchor in ((0, "start"), (last / 2, "middle"), (last, "end")):
        parts.append(f'<text x="{x(step):.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{_count(step)}</text>')
    for line in lines:
        dash = " dashed" if line.dashed else ""
        steps, points = _thin(line)
        path = " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in zip(steps, points, strict=True))
        parts.append(f'<polyline class="line t{line.tone}{dash}" points="{path}"/>')
        if len(points) < 20:
            parts += [
                f'<circle class="dot t{line.tone}" cx="{x(s):.1f}" cy="{y(v):.1f}" r="2"/>'
                for s, v in zip(steps, points, strict=True)
            ]
    return "".join([*parts, "</svg>"])


def interval_plot(score: Score) -> str:
    """A score on the axis from 0 to 1 (or to its own end): dot, 95 % interval, and the band of random codes."""
    if score.value is None:
        return ""
    ends: list[float] = [score.value, *(score.interval or ()), *(score.null_interval or ()), score.null or 0]
    low, high = min(0.0, *ends), max(1.0, *ends)

    def x(value: float) -> float:
        return float(4 + 152 * (value - low) / (high - low))

    parts = [
        '<svg class="interval" viewBox="0 0 160 18" aria-hidden="true">',
        '<line class="grid" x1="4" x2="156" y1="9" y2="9"/>',
    ]
    if score.null_interval is not None:
        a, b = (x(v) for v in score.null_interval)
        parts.append(f'<rect class="null" x="{a - 1:.1f}" y="3" width="{b - a + 2:.1f}" height="12" rx="2"/>')
    if score.interval is not None:
        a, b = (x(v) for v in score.interval)
        parts.append(f'<line class="bar" x1="{a:.1f}" x2="{b:.1f}" y1="9" y2="9"/>')
    parts.append(f'<circle class="dot t0" cx="{x(score.value):.1f}" cy="9" r="3.6"/></svg>')
    return "".join(parts)


def nice_ticks(low: float, high: float, *, wanted: int = 4) -> list[float]:
    """Round numbers that cover most of [low, high]."""
    if not high > low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / wanted
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _shown_range(line: Line) -> np.ndarray:
    """Values that set the axis: the first tenth of a training, where losses tower, does not."""
    values = np.asarray(line.values, dtype=np.float64)
    settled = values[len(values) // 10 :]
    return np.array([settled.min(), settled.max()])


def _thin(line: Line) -> tuple[Sequence[int], Sequence[float]]:
    if len(line.steps) <= _POINTS:
        return line.steps, line.values
    blocks = np.array_split(np.arange(len(line.steps)), _POINTS)
    values = np.asarray(line.values, dtype=np.float64)
    return [line.steps[int(b[-1])] for b in blocks], [float(values[b].mean()) for b in blocks]


def _count(step: float) -> str:
    return f"{step / 1000:g}k" if step >= 1000 else f"{step:g}"
