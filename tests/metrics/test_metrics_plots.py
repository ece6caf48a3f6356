"""Pictures of scores: what is drawn is what was measured."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from unweave.core import ConfigError, Score, Scorecard, Stamp, StorageError
from unweave.metrics.plots import COLOURS, MARKS, plot_all, plot_matrix, plot_models, plot_scorecard, save

STAMP = Stamp("mig", "robust", {}, 10, ("shape", "size", "a very long name of a factor"), {})
MATRIX = np.array([[0.02, 1.2, 0.1], [0, 0, 0], [0.9, 0.1, 0.0], [0.01, 0.02, 0.03], [0.1, 0.2, 1.1]])


def score(name="mig", value=0.6, interval=(0.5, 0.65), null=0.02, null_interval=(0.0, 0.05), **more):
    reason = None if value is not None else "each factor is constant."
    return Score(name, value, STAMP, interval, null, null_interval, reason=reason, **more)


CARD = Scorecard(
    {
        "mig": score(matrix=MATRIX, dropped_codes=(1,)),
        "probe.size": score("probe.size", 0.3, (0.25, 0.35), 0.31, (0.28, 0.33)),
        "sap": score("sap", None, None, None, None),
        "total_correlation": score("total_correlation", 3.2, (3.0, 3.5), None, None),
    }
)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def marks(axes):
    """(value, row) of each mark on an axis, with its face."""
    lines = [line for line in axes.lines if line.get_marker() in MARKS]
    return [(line.get_xdata()[0], line.get_ydata()[0], line.get_markerfacecolor()) for line in lines]


def test_the_heat_map_shows_every_number_with_its_code_and_factor():
    axes = plot_matrix(CARD["mig"]).axes[0]
    assert axes.get_title(loc="left") == "mig: 0.60"
    # The code of the first factor first; the one that says little after them, the one left out last.
    assert [label.get_text() for label in axes.get_yticklabels()] == ["z2", "z0", "z4", "z3", "z1"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["shape", "size", "a very long nam…"]
    shown = np.asarray(axes.images[0].get_array())
    assert np.array_equal(shown, MATRIX[[2, 0, 4, 3, 1]])
    assert texts(axes) == [f"{value:.2f}" for value in shown[:4].ravel()] + ["–"] * 3
    assert axes.images[0].get_clim() == (0, 1.2)


def test_codes_that_count_as_one_share_a_row():
    stamp = Stamp("dci", "robust", {"groups": [[0, 2], [3, 5]]}, 10, ("shape", "size", "x"), {})
    grouped = Score("dci.completeness", 0.5, stamp, matrix=MATRIX[[0, 2, 4, 1]], dropped_codes=(4,))
    axes = plot_matrix(grouped).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["z1", "z0+z2", "z3+z5", "z4"]
    assert texts(axes)[-3:] == ["–"] * 3


def test_numbers_stand_out_from_their_cells():
    axes = plot_matrix(CARD["mig"]).axes[0]
    image = axes.images[0]
    for text in axes.texts:
        column, row = text.get_position()
        cell = np.array(image.cmap(image.norm(image.get_array()[row, column]))[:3])
        luminance = [np.power(c, 2.2) @ [0.2126, 0.7152, 0.0722] for c in (cell, np.array(to_rgb(text.get_color())))]
        contrast = (max(luminance) + 0.05) / (min(luminance) + 0.05)
        assert contrast > 3, (row, column)  # what WCAG asks of large text and graphics


def test_a_score_without_such_a_matrix_is_refused():
    with pytest.raises(ConfigError, match=r"sap: a heat map needs.*it has none"):
        plot_matrix(CARD["sap"])
    with pytest.raises(ConfigError, match=r"\(1, 3\)"):
        plot_matrix(score(matrix=np.zeros((1, 3))))


def test_the_scorecard_draws_values_intervals_and_random_codes():
    figure = plot_scorecard(CARD, title="a model")
    unit, other = figure.axes
    assert unit.get_title(loc="left") == "a model"
    assert [label.get_text() for label in unit.get_yticklabels()] == ["mig", "probe.size", "sap"]
    low, high = unit.get_xlim()
    assert low <= 0 < 1 <= high  # the whole range, so that small differences look small
    assert marks(unit) == [(0.6, 0, COLOURS[0]), (0.3, 1, "white")]  # hollow: within the range of random codes
    ends = [tuple(line.get_xdata()) for line in unit.lines if line.get_linewidth() > 2 and len(line.get_xdata()) == 2]
    assert ends == [(0.5, 0.65), (0.25, 0.35)]
    bands = [(bar.get_x(), round(bar.get_x() + bar.get_width(), 6)) for bar in unit.patches]
    assert bands == [(0.0, 0.05), (0.28, 0.33)]
    assert texts(unit) == ["0.60", "  0.50 to 0.65", "0.30", "  0.25 to 0.35", "no value: each factor is constant."]
    # A score on another scale has its own axis, which shows 0 too.
    assert marks(other) == [(3.2, 0, COLOURS[0])]
    assert other.get_xlim()[0] <= 0
    assert other.get_xlim()[1] > 3.5


def test_models_stand_side_by_side():
    better = Scorecard({"mig": score(value=0.8, interval=(0.7, 0.9)), "new": score("new", 0.1, (0.0, 0.2))})
    figure = plot_models({"one": CARD, "two": better})
    unit = figure.axes[0]
    assert [label.get_text() for label in unit.get_yticklabels()] == ["mig", "probe.size", "sap", "new"]
    found = marks(unit)
    assert [(value, round(row)) for value, row, _ in found] == [(0.6, 0), (0.8, 0), (0.3, 1), (0.1, 3)]
    rows = [row for _, row, _ in found]
    assert rows[0] < rows[1]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "two", "random codes, 95 %", "not beyond chance"]
    kinds = {(line.get_color(), line.get_marker()) for line in unit.lines if line.get_marker() in MARKS}
    assert kinds == {(COLOURS[0], MARKS[0]), (COLOURS[1], MARKS[1])}
    with pytest.raises(ConfigError, match="expected 1 to 6, got 0"):
        plot_models({})


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_nothing_is_cut_off_and_files_are_written(tmp_path, suffix):
    figure = plot_all(CARD, title="all")
    assert len(figure.axes) == 4  # two for the scores; a heat map and its colour bar
    save(figure, tmp_path / f"new/picture.{suffix}")
    assert (tmp_path / f"new/picture.{suffix}").stat().st_size > 5000
    width, height = figure.get_size_inches() * figure.dpi
    box = figure.get_tightbbox().extents * figure.dpi
    assert (box >= -2).all()
    assert box[2] <= width + 2
    assert box[3] <= height + 2


def test_files_that_cannot_be_written(tmp_path):
    figure = plot_scorecard(CARD)
    with pytest.raises(ConfigError, match=r"ends in .png, .pdf, .svg"):
        save(figure, tmp_path / "picture.gif")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        save(figure, tmp_path / "file" / "picture.png")
