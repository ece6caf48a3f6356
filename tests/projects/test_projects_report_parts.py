"""The parts of a report: charts, pictures, and sentences."""

import re

import numpy as np
import pytest

from unweave.core.scores import Score, Scorecard, Stamp
from unweave.projects.report.charts import Line, interval_plot, line_chart, nice_ticks
from unweave.projects.report.content import ReportContent
from unweave.projects.report.page import duration
from unweave.projects.report.pictures import image_grid, labelled_grid
from unweave.projects.report.words import above_chance, factors_with_own_dial, headline, verdict

STAMP = Stamp("mig", "robust", {}, 10, ("a",), {})


def score(value, interval=None, null=None, null_interval=None):
    reason = "there is a reason" if value is None else None
    return Score("mig", value, STAMP, interval, null, null_interval, reason=reason)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
        (0, 97, [0, 25, 50, 75, 100]),
        (-3, 3, [-4, -2, 0, 2, 4]),
        (5, 5, [4, 6, 8, 10]),
        (0, 0, [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_ticks_are_round_and_cover_the_values(low, high, ticks):
    assert nice_ticks(low, high) == ticks


@pytest.mark.parametrize("values", [[1e-15, 2e-15], [3e17, 3e17], [-1e-14], [0.0], [1e300, 1e307], [7.0, 7.0]])
def test_a_chart_of_extreme_values_has_points_within_it(values):
    svg = line_chart([Line("a", range(len(values)), values)], title="t", floor=0)
    assert "nan" not in svg
    assert "inf" not in svg
    for x, y in points(svg)[0]:
        assert 0 <= x <= 420
        assert 0 <= y <= 190


def points(svg):
    return [[tuple(map(float, p.split(","))) for p in path.split()] for path in re.findall(r'points="([^"]*)"', svg)]


def test_a_chart_draws_values_where_they_are():
    svg = line_chart([Line("a", [0, 50, 100], [0.0, 1.0, 0.5]), Line("none", [], [])], title='<"t">')
    ((first, middle, last),) = points(svg)
    # The plot spans x 46 to 412 and y 166 (0) to 10 (1).
    assert (first, middle, last) == ((46.0, 166.0), (229.0, 10.0), (412.0, 88.0))
    assert 'aria-label="&lt;&quot;t&quot;&gt;"' in svg
    assert svg.count("<circle") == 3


def test_a_long_line_is_thinned_and_keeps_its_end_and_its_mean():
    steps = list(range(1, 10_001))
    ((*_, last),) = (points(line_chart([Line("a", steps, [5.0] * 10_000)], title="t")),)
    assert len(last) == 240
    assert last[-1][0] == 412.0
    assert len({y for _, y in last}) == 1


def test_early_losses_do_not_flatten_the_rest():
    values = [1000.0] * 5 + [10.0] * 45 + [20.0] * 45
    (path,) = points(line_chart([Line("a", list(range(95)), values)], title="t"))
    # The first tenth stands at the upper edge; the rest uses more than half of the height.
    assert min(y for _, y in path) == path[0][1] == 10.0
    assert path[-50][1] - path[-1][1] > 78


def test_an_interval_is_drawn_to_scale():
    svg = interval_plot(score(0.5, (0.25, 0.75), 0.1, (0.0, 0.2)))
    bar = re.search(r'class="bar" x1="([\d.]+)" x2="([\d.]+)"', svg)
    assert (float(bar[1]), float(bar[2])) == (4 + 152 * 0.25, 4 + 152 * 0.75)
    assert f'cx="{4 + 152 * 0.5:.1f}"' in svg
    assert '<rect class="null" x="3.0" y="3" width="32.4"' in svg
    assert interval_plot(score(None)) == ""
    assert 'cx="156.0"' in interval_plot(score(12.0))  # the axis reaches to the score's own end


def test_a_labelled_grid_keeps_labels_beside_their_rows():
    images = np.zeros((3, 2, 32, 32, 1), np.float32)
    short = labelled_grid(images, ["", "x", ""])
    height = 3 * 64 + 2 * 4
    assert short.shape[0] == height + 24
    labels = (short[:, : short.shape[1] - (2 * 64 + 4) - 12] < 128).any((1, 2))
    inked = np.flatnonzero(labels)
    # The text stands in the middle of the second row, which begins at 12 + 68.
    assert 80 < inked.min() < inked.max() < 144
    assert abs(inked.mean() - 112) < 6


def test_long_and_foreign_labels_are_drawn_whole():
    images = np.zeros((1, 2, 32, 32, 1), np.float32)
    long = labelled_grid(images, ["z0 · " + "long " * 100 + "(0.71)"])
    assert long.shape[1] <= 420 + 3 * 12 + 132
    assert (long[:, :12] == 255).all()  # nothing is cut at the edge
    drawn = [labelled_grid(images, [text]) for text in ("ü", "ö", "Я", "β", "a\nb", "a b")]
    assert not np.array_equal(drawn[0], drawn[1])  # not the same box for every unknown letter
    assert len({picture.tobytes() for picture in drawn[:4]}) == 4
    assert np.array_equal(drawn[4], drawn[5])


def test_a_grid_has_gaps_between_images_only():
    grid = image_grid(np.zeros((2, 3, 4, 5, 3), np.uint8))
    assert grid.shape == (2 * 4 + 2, 3 * 5 + 2 * 2, 3)
    white = (grid == 255).all(-1)
    assert white[4:6].all()
    assert white[:, 5:7].all()
    assert white.sum() == 2 * 19 + 4 * 10 - 8


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.4, "3 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7260, "2 h 1 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("found", "above"),
    [
        (score(0.3, (0.2, 0.4), 0.05, (0.0, 0.19)), True),
        (score(0.3, (0.2, 0.4), 0.05, (0.0, 0.21)), False),
        (score(0.3, (0.2, 0.4), 0.05), True),
        (score(0.3, None, 0.05), False),
        (score(0.3, (0.2, 0.4)), False),
    ],
)
def test_above_chance_is_the_whole_interval_above_the_whole_band(found, above):
    assert above_chance(found) is above


@pytest.mark.parametrize(
    ("card", "status", "words"),
    [
        ({"mig": score(0.3, (0.2, 0.4), 0.05, (0.0, 0.1))}, {}, "Clearly better than random codes"),
        ({"mig": score(0.09, (0.08, 0.1), 0.01)}, {}, "Better than random codes, but only a little"),
        ({"mig": score(0.3, (0.0, 0.4), 0.05)}, {}, "No better than random codes"),
        ({"mig": score(None)}, {}, "Trained; the main score is undefined"),
        ({}, {}, "Trained without labels"),
        ({}, {"status": "out of time", "step": 1234}, "Training is not finished (out of time at step 1,234)"),
    ],
)
def test_headlines(card, status, words):
    assert headline(ReportContent("t", "r", {}, status=status, scorecard=Scorecard(card))) == words


def test_a_dial_is_a_dimension_for_one_factor_and_a_factor_in_one_dimension():
    information = np.array(
        [
            # own   twice  shared  weak
            [0.60, 0.00, 0.10, 0.00],
            [0.10, 0.30, 0.00, 0.19],
            [0.00, 0.20, 0.00, 0.00],
            [0.00, 0.00, 0.00, 0.00],
        ]
    )
    assert factors_with_own_dial(information) == [True, False, False, False]
    # A dimension that knows another factor better is that factor's dial.
    assert factors_with_own_dial(np.array([[0.6, 0.5], [0.0, 0.0]])) == [True, False]
    assert factors_with_own_dial(np.array([[0.6, 0.5]])) == [True, False]


def test_the_verdict_says_the_numbers():
    content = ReportContent(
        "t",
        "r",
        {},
        series={f"valid.kl.{d}": ([10], [kl]) for d, kl in enumerate((2.0, 0.5, 0.001))},
        scorecard=Scorecard({"mig": score(0.314, (0.2, 0.4), 0.05)}),
        information=np.array([[0.6, 0.0, 0.0], [0.0, 0.1, 0.3], [0.0, 0.0, 0.0]]),
        factors=("x", "y", "z"),
    )
    assert verdict(content) == (
        "MIG is 0.31 (0.20 to 0.40); random codes reach 0.05. Two of three dimensions are in use. "
        "The factors x and z each have their own dial; y has none."
    )
    assert verdict(ReportContent("t", "r", {})).startswith("There is nothing to say yet")
