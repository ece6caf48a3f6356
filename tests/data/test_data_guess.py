import numpy as np
import pyarrow as pa
import pytest

from unweave.core.factors import Factor
from unweave.data.columns import with_factor, with_values
from unweave.data.guess import guess_factors


def _guess(name, cells):
    guess = guess_factors(pa.table({name: cells}))
    return guess.factors[0] if guess.factors else guess.left_out[name]


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("pose", ["left", "right", None, "left"], "categorical"),
        ("flag", [True, False, True], "categorical"),
        ("take", [1, 2, 3, 2, None, 1], "ordinal"),
        ("take", ["1", "2", "3", "", "1"], "ordinal"),
        ("smile", np.linspace(0, 1, 50), "continuous"),
        ("age", list(range(18, 90, 2)) * 2, "continuous"),
        ("rotation", [*range(0, 360, 5)] * 2, "circular"),
        ("rotation", [str(a) for a in range(0, 360, 5)], "circular"),
        ("camera_azimuth", [*range(0, 361, 30)], "circular"),
        ("angle", [0, 90, 180, 270], "circular"),
        ("object-hue", np.arange(10) / 10, "circular"),
        ("orientation", np.round(np.arange(40) * 2 * np.pi / 40, 4), "circular"),
        ("hour", [*range(24)] * 2, "circular"),
        ("month", [*range(1, 13)], "circular"),
        ("hour", [9, 10, 11, 12], "ordinal"),
        ("rotation", [-20, -10, 0, 10, 20], "ordinal"),
        ("rotation", [0, 1, 2, 359], "ordinal"),
        ("angler", [0, 90, 180, 270], "ordinal"),
    ],
)
def test_kinds(name, cells, kind):
    assert _guess(name, cells).kind == kind


@pytest.mark.parametrize(
    ("name", "period"), [("hour", 24), ("month", 12), ("rotation", 360), ("weekday", 7), ("phase", 2 * np.pi)]
)
def test_periods(name, period):
    grid = np.arange(12) * period / 12 if name != "weekday" else np.arange(7)
    assert _guess(name, grid).range == (0, period)


def test_a_few_gaps_do_not_hide_a_circle():
    assert _guess("rotation", [a for a in range(0, 360, 10) if a not in (50, 60, 200)]).kind == "circular"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["a.png", "b.png", "c.png"], "different"),
        ([f"caption {i // 1.5}" for i in range(60)], "different"),
        (["x", "x", None], "constant.*'x'"),
        ([7, 7], "constant"),
        ([None, None], "empty"),
        ([*range(100)], "index"),
        ([[1, 2], [3, 4]], "list"),
    ],
)
def test_what_is_no_factor_is_left_out_with_a_reason(cells, reason):
    import re

    assert re.search(reason, _guess("thing", cells))


def test_what_the_source_declares_is_taken_as_it_is():
    factor = Factor(name="scale", kind="continuous", range=(0, 9), description="side in pixels")
    schema = pa.schema(
        [
            with_factor(pa.field("scale", pa.int64()), factor),
            with_values(pa.field("pose", pa.string()), ["up", "left", "never"]),
            with_values(pa.field("x", pa.string()), ["10", "5", "1"]),
        ]
    )
    columns = pa.table([[1, 2, 1, 2], ["left", "up", "left", "up"], ["1", "5", "1", "5"]], schema=schema)
    guess = guess_factors(columns)
    assert guess.factors[0] == factor
    assert guess.factors[1] == Factor(name="pose", kind="categorical", values=("up", "left", "never"))
    assert guess.factors[2] == Factor(name="x", kind="ordinal", values=("10", "5", "1"))
